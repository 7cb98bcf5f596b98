"""All content read and judged, and compiled into the one file that Lambda reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from followup import content
from followup.content import Content
from followup.domain.consent import KeywordWords
from followup.domain.delivery import CarrierCodes
from followup.domain.protocol import Protocol
from followup.domain.reading import ReadingWords
from followup.domain.safety import DangerRules
from followup.domain.staff_wording import StaffWording
from followup.domain.wording import Texts
from infra.content import refused, rules
from infra.content.schemas import decode
from infra.content.sources import META, Problem, Source, Steps, load, meta_problems

CONTENT: Final = Path(content.__file__).parent
COMPILED: Final = "compiled.json"


@dataclass(frozen=True, slots=True)
class Part:
    """A YAML file: the field of `Content` that it becomes, its schema, and the key that holds it if not the whole."""

    file: str
    field: str
    schema: Any
    under: str | None = None


PARTS: Final = (
    Part("texts.yaml", "texts", Texts),
    Part("reading.yaml", "reading", ReadingWords),
    Part("safety.yaml", "danger", DangerRules),
    Part("consent.yaml", "keywords", KeywordWords),
    Part("protocols.yaml", "protocols", Mapping[str, Protocol], under="protocols"),
    Part("staff.yaml", "staff", StaffWording),
    Part("carrier.yaml", "carrier", CarrierCodes),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The content as far as it could be read, and all that is wrong with it."""

    parts: Mapping[str, Any]
    problems: tuple[Problem, ...]


def judge(folder: Path = CONTENT) -> Judged:
    """Read every YAML file, against its schema and the rules on wording."""
    problems: list[Problem] = []
    parts: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for part in PARTS:
        source, value = _read(folder / part.file, part.schema, part.under, problems)
        if source is not None and value is not None:
            sources[part.field], parts[part.field] = source, value
    _, words = _read(folder / refused.FILE, refused.RefusedWords, None, problems)
    if "carrier" in parts:
        problems += rules.carrier_problems(sources["carrier"], parts["carrier"])
    if words is not None:
        if "texts" in parts:
            keywords = parts["carrier"].keywords if "carrier" in parts else ()
            problems += rules.text_problems(sources["texts"], parts["texts"], words, keywords)
        if "staff" in parts:
            problems += rules.staff_problems(sources["staff"], parts["staff"], words)
    return Judged(parts, tuple(sorted(problems)))


def _read(path: Path, schema: Any, under: str | None, problems: list[Problem]) -> tuple[Source | None, Any]:
    source = load(path, problems)
    if source is None:
        return None, None
    before = len(problems)
    problems += meta_problems(source)
    values = source.values
    at: Steps = ()
    if under is not None:
        if under not in values:
            problems.append(source.problem((under,), "is missing", "add it"))
            return source, None
        problems += (
            source.problem((name,), "is not a field of this file", f"remove it or write {under}")
            for name in values
            if name not in (*META, under)
        )
        values, at = values[under], (under,)
    value, found = decode(source, values, schema, at)
    # A missing version, source or review is told once, also where the schema knows of it.
    told = {problem.field for problem in problems[before:]}
    problems += [problem for problem in found if problem.field not in told]
    return source, value


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
