"""What a language lacks that the others have, so that adding a language is adding files until nothing is told."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.content.merging import NAMES
from infra.content.sources import META, Problem, Source


def lists_missing(neutral: Source, files: Mapping[str, Source]) -> Iterator[Problem]:
    """Word lists, and named entries of them, that the neutral file or another language has and this one has not."""
    for language, source in files.items():
        others = [neutral, *(other for name, other in files.items() if name != language)]
        for key in _keys(others[1:] or others):
            if key not in source.values:
                yield source.problem((key,), "is missing", "add it; write [] if this language needs none")
                continue
            ours = {_name(entry) for entry in _entries(source.values[key])}
            theirs = (_name(entry) for other in others for entry in _entries(other.values.get(key)))
            for name in dict.fromkeys(theirs):
                if name is not None and name not in ours:
                    yield source.problem((key, name), "is missing", "add it; write [] if this language needs none")


def wordings_missing(neutral: Source, files: Mapping[str, Source], declared: Sequence[str]) -> Iterator[Problem]:
    """What is declared once for all languages and not written in one of them."""
    for language, source in files.items():
        for key in declared:
            written = source.values.get(key)
            for name, what in neutral.values.get(key, {}).items():
                if isinstance(written, dict) and name not in written:
                    purpose = what.get("purpose") or what.get("name") if isinstance(what, dict) else None
                    yield source.problem((key, name), "is missing", f"write it: {purpose}" if purpose else "write it")
        others = [other for name, other in files.items() if name != language]
        for key in dict.fromkeys((*declared, *_keys(others))):
            if key not in source.values:
                yield source.problem((key,), "is missing", "write it, as the other languages have it")


def _keys(sources: Sequence[Source]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(key for source in sources for key in source.values if key not in META))


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(entry: Any) -> Any:
    """The name of an entry of a list, if it has one."""
    if not isinstance(entry, dict):
        return None
    return next((entry[key] for key in NAMES if key in entry), None)
