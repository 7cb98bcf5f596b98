"""A clinic's column map: which header feeds which field, which forms and words its export uses, what it declares.

One YAML file per kind of export. An error names file, line, field and fix.
"""

import re
import string
from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from followup import content
from followup.domain.errors import BadInput
from followup.domain.records import Condition, Language, Series, SessionStatus
from followup.intake.cells import clean, fold
from followup.intake.dates import LETTERS, tells_time

MAX_BYTES = 200_000

V = TypeVar("V")
Route = Literal["iv", "im", "sc", "nasal", "sublingual", "oral"]
NOT_AN_INFUSION: Literal["not_an_infusion"] = "not_an_infusion"
LEFT_OUT: Literal["left_out"] = "left_out"
ImportedInstrument = Literal["phq9", "mood"]


def _folded_keys(words: dict[str, V]) -> dict[str, V]:
    folded: dict[str, V] = {}
    for word, value in words.items():
        if folded.setdefault(fold(word), value) != value:
            raise ValueError("two spellings of one word mean different things; keep one of them")
    return folded


def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold(word) for word in words))


def _date_forms(forms: tuple[str, ...]) -> tuple[str, ...]:
    for form in forms:
        directives = set(re.findall(r"%.?", form))
        if not directives <= set(LETTERS):
            raise ValueError(f"use only {' '.join(LETTERS)}; years have four digits (%Y)")
        if not {"%Y", "%d"} <= directives or not directives & {"%m", "%b", "%B"}:
            raise ValueError("a form needs year, month and day, such as %m/%d/%Y")
        if ("%I" in directives) != ("%p" in directives):
            raise ValueError("%I (hours to 12) needs %p (AM or PM), and %p needs %I")
    day = datetime(2001, 2, 3)  # noqa: DTZ001 - a day to compare forms by, not a time
    for form in forms:
        for other in forms:
            try:
                same = datetime.strptime(day.strftime(form), other) == day  # noqa: DTZ007 - as above
            except ValueError:
                continue
            if not same:
                raise ValueError("two of the forms read the same text as different days; keep the one the clinic uses")
    return forms


def _moment_forms(forms: tuple[str, ...]) -> tuple[str, ...]:
    if not all(tells_time(form) for form in forms):
        raise ValueError("a form needs a time of day, such as %I:%M %p")
    return forms


Header = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Words = Annotated[dict[Phrase, V], Field(min_length=1), AfterValidator(_folded_keys)]
Phrases = Annotated[tuple[Phrase, ...], Field(min_length=1), AfterValidator(_folded)]
DateForms = Annotated[tuple[Phrase, ...], Field(min_length=1), AfterValidator(_date_forms)]
MomentForms = Annotated[DateForms, AfterValidator(_moment_forms)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Headers(_Part):
    """Fields and the headers that feed them. A header named here must stand in the file."""

    @model_validator(mode="after")
    def _each_header_once(self) -> Self:
        folded = [fold(header) for header in self.named()]
        if len(set(folded)) < len(folded):
            raise ValueError("one header feeds two fields; give each field its own")
        return self

    def named(self) -> tuple[str, ...]:
        """The headers that the file must hold."""
        return tuple(header for header in self.model_dump().values() if header is not None)


class _Map(_Part):
    delimiter: Literal[",", ";", "\t", "|"] = ","


class RosterHeaders(_Headers):
    record_number: Header
    name: Header
    born: Header
    phone: Header
    language: Header
    zone: Header
    diagnosis_code: Header
    consent: Header
    consent_date: Header
    phq9_intake: Header | None = None


def _kept(language: Language) -> Language:
    kept = content.load().texts.languages
    if language not in kept:
        raise ValueError(f"a language in which there are no texts; there are {', '.join(kept)}")
    return language


KeptLanguage = Annotated[Language, AfterValidator(_kept)]
"""A language that patients can be texted in."""


class LanguageWords(_Part):
    words: Words[KeptLanguage]
    blank: KeptLanguage | None = None
    """What a blank cell means, if the clinic declares that it means anything."""


class ZoneWords(_Part):
    aliases: Annotated[dict[Phrase, str], AfterValidator(_folded_keys)] = Field(default_factory=dict)
    """The clinic's own words for IANA zones. A blank cell means the clinic's zone."""

    @model_validator(mode="after")
    def _iana(self) -> Self:
        if not set(self.aliases.values()) <= available_timezones():
            raise ValueError("an alias stands for no IANA zone; write e.g. America/New_York")
        return self


class ConditionCodes(_Part):
    prefixes: Annotated[dict[Phrase, Condition], Field(min_length=1)]
    """Beginnings of ICD-10-CM codes; the longest that fits decides."""

    def of(self, code: str) -> Condition | None:
        """The condition that a diagnosis code stands for."""
        plain = _code(code)
        fitting = [prefix for prefix in self.prefixes if plain.startswith(_code(prefix))]
        return self.prefixes[max(fitting, key=len)] if fitting else None


class ConsentDeclaration(_Part):
    """The clinic's word that a "yes" in its file means this form in this version, signed by the patient."""

    form: Phrase
    version: Phrase


class ConsentWords(_Part):
    given: Phrases
    refused: Phrases
    declaration: ConsentDeclaration | None = None
    """Without it no "yes" counts."""

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if set(self.given) & set(self.refused):
            raise ValueError("a word means both given and refused; keep it in one of them")
        return self


class DeceasedWords(_Part):
    columns: Annotated[tuple[Header, ...], Field(min_length=1)]
    """Where staff write that a patient has died."""
    words: Phrases
    """Whole words or phrases that say so. Too many only hold rows back; too few text the dead."""

    def say_so(self, text: str) -> bool:
        """Whether a cell says that the patient has died."""
        spaced = f" {_words_only(text)} "
        return any(f" {_words_only(word)} " in spaced for word in self.words)


class RosterColumns(_Map):
    """How a clinic's patient list is read."""

    columns: RosterHeaders
    date_formats: DateForms
    language: LanguageWords
    zone: ZoneWords = ZoneWords()
    condition: ConditionCodes
    consent: ConsentWords
    deceased: DeceasedWords

    def wanted(self) -> tuple[str, ...]:
        """Every header that the file must hold."""
        return tuple(dict.fromkeys((*self.columns.named(), *self.deceased.columns)))


class InfusionHeaders(_Headers):
    visit: Header
    record_number: Header
    service: Header
    start: Header
    end: Header
    status: Header
    series: Header


class InfusionColumns(_Map):
    """How a clinic's visit list is read. Times are on the clinic's clock."""

    columns: InfusionHeaders
    time_formats: MomentForms
    service: Words[Route | Literal["not_an_infusion"]]
    status: Words[SessionStatus]
    series: Words[Series]
    longest_session_hours: Annotated[float, Field(gt=0, le=24)] = 8

    def wanted(self) -> tuple[str, ...]:
        """Every header that the file must hold."""
        return self.columns.named()


class ScoreHeaders(_Headers):
    record_number: Header
    date: Header
    instrument: Header
    score: Header
    item9: Header | None = None


class ScoreColumns(_Map):
    """How a clinic's list of questionnaire scores is read."""

    columns: ScoreHeaders
    date_formats: DateForms
    instrument: Words[ImportedInstrument | Literal["left_out"]]

    def wanted(self) -> tuple[str, ...]:
        """Every header that the file must hold."""
        return self.columns.named()


AnyColumns = TypeVar("AnyColumns", RosterColumns, InfusionColumns, ScoreColumns)


class ColumnMapError(BadInput):
    """A column map that cannot be used: one line per mistake, each with file, line, field and fix."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def read_columns(data: bytes, *, file: str, kind: type[AnyColumns]) -> AnyColumns:
    """The column map in these YAML bytes. `file` names it in errors. Raises `ColumnMapError`."""
    tree = _tree(data, file)
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        found = sorted({_mistake(tree, one) for one in error.errors(include_input=False, include_url=False)})
        raise ColumnMapError(tuple(f"{file}, line {line}, {name}: {told}" for line, name, told in found)) from None


def _tree(data: bytes, file: str) -> CommentedMap:
    if len(data) > MAX_BYTES:
        raise ColumnMapError((f"{file}, line 1: too large for a column map; is it the right file?",))
    try:
        tree = YAML(typ="rt").load(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ColumnMapError((f"{file}, line {line}: not UTF-8 text; save it as UTF-8",)) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        told = (error.problem or "not YAML").splitlines()[0]
        raise ColumnMapError((f"{file}, line {line}: {told}; correct the YAML here",)) from None
    except (YAMLError, ValueError, RecursionError):
        raise ColumnMapError((f"{file}, line 1: not YAML that can be read; correct it",)) from None
    if not isinstance(tree, CommentedMap):
        raise ColumnMapError((f"{file}, line 1: not a column map; write fields such as `columns:`",))
    return tree


def _mistake(tree: CommentedMap, error: ErrorDetails) -> tuple[int, str, str]:
    place = [part for part in error["loc"] if part != "[key]"]
    match error["type"]:
        case "missing":
            told = "is missing; add it"
        case "extra_forbidden":
            told = "is no field of a column map; correct its spelling or take it out"
        case "string_type":
            told = "must be text; put it in quotes"
        case _:
            told = error["msg"].removeprefix("Value error, ")
    return _line(tree, place), ".".join(map(str, place)) or "(whole file)", told


def _line(tree: CommentedMap, place: list[int | str]) -> int:
    """The line, from 1, of the innermost part of a place that stands in the file."""
    node: object = tree
    line = 0
    for part in place:
        if isinstance(node, CommentedMap) and part in node:
            line = node.lc.key(part)[0]
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0]
        else:
            break
        node = node[part]
    return line + 1


def _code(text: str) -> str:
    return clean(text).upper().replace(" ", "")


def _words_only(text: str) -> str:
    return " ".join(fold(text).translate(_PUNCTUATION).split())


_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation + "¿¡–—", " "))
