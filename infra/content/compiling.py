"""All content read and judged, and compiled into the one file that Lambda reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from followup import content
from followup.content import Content
from followup.domain.consent import KeywordWords
from followup.domain.delivery import CarrierCodes
from followup.domain.instruments import Instruments
from followup.domain.protocol import Protocol
from followup.domain.questions import Questions
from followup.domain.reading import ReadingWords
from followup.domain.safety import DangerRules
from followup.domain.side_effects import Windows
from followup.domain.staff_wording import StaffWording
from followup.domain.survey import Flow
from followup.domain.wording import Texts
from infra.content import completeness, protocol_rules, question_rules, refused, rules
from infra.content.merging import FOLDER, apart, languages_in, merged, together
from infra.content.schemas import decode
from infra.content.sources import META, Problem, Source, Steps, Told, load, meta_problems

CONTENT: Final = Path(content.__file__).parent
COMPILED: Final = "compiled.json"


@dataclass(frozen=True, slots=True)
class Part:
    """A YAML file: the field of `Content` that it becomes, its schema, and the key that holds it if not the whole.

    `languages`: every language has a file of that name too. Their words become one union ("together"), or each stays
    beside the others ("apart"); then the neutral file declares under the keys `declared` what is to be written.
    """

    file: str
    field: str
    schema: Any
    under: str | None = None
    languages: Literal["together", "apart"] | None = None
    declared: tuple[str, ...] = ()


PARTS: Final = (
    Part("texts.yaml", "texts", Texts, languages="apart", declared=("entries",)),
    Part("questions.yaml", "questions", Questions, languages="apart", declared=("stems", "questions")),
    Part("instruments.yaml", "instruments", Instruments),
    Part("surveys.yaml", "flow", Flow),
    Part("side_effects.yaml", "windows", Windows),
    Part("reading.yaml", "reading", ReadingWords, languages="together"),
    Part("safety.yaml", "danger", DangerRules, languages="together"),
    Part("consent.yaml", "keywords", KeywordWords, languages="together"),
    Part("protocols.yaml", "protocols", Mapping[str, Protocol], under="protocols"),
    Part("staff.yaml", "staff", StaffWording),
    Part("carrier.yaml", "carrier", CarrierCodes),
)

REFUSED: Final = Part(refused.FILE, "refused", refused.RefusedWords)
"""Used by the check alone, and not compiled."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The content as far as it could be read, and all that is wrong with it."""

    parts: Mapping[str, Any]
    problems: tuple[Problem, ...]


def judge(folder: Path = CONTENT) -> Judged:
    """Read every YAML file, against its schema and the rules on wording."""
    problems: list[Problem] = []
    parts: dict[str, Any] = {}
    sources: dict[str, Told] = {}
    languages = languages_in(folder)
    for part in PARTS:
        source, value = _read(folder, part, languages, problems)
        if source is not None and value is not None:
            sources[part.field], parts[part.field] = source, value
    _, words = _read(folder, REFUSED, languages, problems)
    if "instruments" in parts and "questions" in parts:
        problems += question_rules.instrument_problems(sources["instruments"], parts["instruments"], parts["questions"])
        if "flow" in parts:
            problems += question_rules.flow_problems(
                sources["flow"], parts["flow"], parts["questions"], parts["instruments"]
            )
    if {"protocols", "instruments", "questions"} <= parts.keys():
        parts["protocols"] = protocol_rules.with_modules(parts["protocols"], parts["instruments"])
        problems += protocol_rules.protocol_problems(sources["protocols"], parts["protocols"], parts["questions"])
    if "carrier" in parts:
        problems += rules.carrier_problems(sources["carrier"], parts["carrier"])
    if words is not None:
        if "texts" in parts:
            keywords = parts["carrier"].keywords if "carrier" in parts else ()
            problems += rules.text_problems(sources["texts"], parts["texts"], words, keywords)
        if "texts" in parts and "questions" in parts:
            keywords = parts["carrier"].keywords if "carrier" in parts else ()
            problems += question_rules.question_problems(
                sources["questions"], parts["questions"], parts["texts"], words, keywords
            )
        if "staff" in parts:
            problems += rules.staff_problems(sources["staff"], parts["staff"], words)
    return Judged(parts, tuple(sorted(problems)))


def _read(folder: Path, part: Part, languages: tuple[str, ...], problems: list[Problem]) -> tuple[Told | None, Any]:
    source = load(folder, part.file, problems)
    if source is None:
        return None, None
    before = len(problems)
    problems += meta_problems(source)
    whole: Told = source
    if part.languages is not None:
        files: list[tuple[str, Source]] = []
        for language in languages:
            words = load(folder, f"{FOLDER}/{language}/{part.file}", problems)
            if words is not None:
                problems += meta_problems(words)
                files.append((language, words))
        place = together if part.languages == "together" else apart(*part.declared)
        joined = merged(source, files, place, part.declared)
        if part.languages == "together":
            problems += completeness.lists_missing(source, dict(files))
        else:
            problems += completeness.wordings_missing(source, dict(files), part.declared)
        problems += joined.problems
        whole = joined
    values = whole.values
    at: Steps = ()
    if part.under is not None:
        if part.under not in values:
            problems.append(whole.problem((part.under,), "is missing", "add it"))
            return whole, None
        problems += (
            whole.problem((name,), "is not a field of this file", f"remove it or write {part.under}")
            for name in values
            if name not in (*META, part.under)
        )
        values, at = values[part.under], (part.under,)
    value, found = decode(whole, values, part.schema, at)
    # A missing version, source or review is told once, also where the schema knows of it.
    told = {(problem.file, problem.field) for problem in problems[before:]}
    problems += [problem for problem in found if (problem.file, problem.field) not in told]
    return whole, value


def compiled(judged: Judged) -> bytes:
    """The content as one JSON file, the same bytes for the same content.

    Mappings keep the order that they were written in; the schemas hold tuples, never sets, which have no order.
    """
    whole = Content(**judged.parts)
    plain = msgspec.to_builtins(whole, str_keys=True)
    return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


def check(folder: Path = CONTENT) -> tuple[Problem, ...]:
    """All that is wrong with the content in this folder, `compiled.json` out of step included."""
    judged = judge(folder)
    if judged.problems:
        return judged.problems
    target = folder / COMPILED
    if not target.exists() or target.read_bytes() != compiled(judged):
        return (Problem(COMPILED, 1, "the file", "is not in step", "run python -m infra.content compile"),)
    return ()


def compile_content(folder: Path = CONTENT) -> tuple[Problem, ...]:
    """Write `compiled.json`, unless something is wrong: then nothing is written."""
    judged = judge(folder)
    if not judged.problems:
        (folder / COMPILED).write_bytes(compiled(judged))
    return judged.problems
