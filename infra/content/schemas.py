"""Values against their schemas: the first thing that does not fit, and every key that no schema knows."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from infra.content.sources import META, Problem, Steps, Told


def decode(source: Told, values: Any, schema: Any, at: Steps = ()) -> tuple[Any, tuple[Problem, ...]]:
    """The values as their schema's type, or None and the problem, with the line that it stands on."""
    try:
        value = msgspec.convert(values, schema)
    except msgspec.ValidationError as error:
        return None, (_schema_problem(source, values, schema, at, str(error)),)
    unknown = tuple(
        source.problem((*at, *path), "is not a field that is known here", "remove it or correct its name")
        for path in _unknown(values, msgspec.to_builtins(value))
        if at or path not in {(name,) for name in META}
    )
    return value, unknown


def _schema_problem(source: Told, values: Any, schema: Any, at: Steps, message: str) -> Problem:
    what, _, _ = message.partition(" - at ")
    path = (*at, *_path_of(values, schema, message))
    missing = re.fullmatch(r"Object missing required field `(\w+)`", what)
    if missing:
        return source.problem((*path, missing[1]), "is missing", "add it")
    return source.problem(path, what[:1].lower() + what[1:].replace("`", ""), "write what is expected here")


def _path_of(values: Any, schema: Any, message: str) -> Steps:
    """The path that an error speaks of. The decoder names no keys of mappings (`[...]`), so each is tried alone."""
    found = re.search(r"\$((?:\.\w+|\[\d+\]|\[\.\.\.\])*)", message)
    path: Steps = ()
    node = values
    for step in re.finditer(r"\.(?P<name>\w+)|\[(?P<place>\d+)\]|\[\.\.\.\]", found[1] if found else ""):
        if step["name"] or step["place"]:
            key: str | int = step["name"] or int(step["place"])
        else:
            culprits = _culprits(values, path, node, schema, message)
            if not culprits:
                return path
            key = culprits[0]
        path, node = (*path, key), node[key]
    if "`key` in" in message:
        return (*path, *_culprits(values, path, node, schema, message)[:1])
    return path


def _culprits(values: Any, path: Steps, node: Any, schema: Any, message: str) -> list[Any]:
    """The keys of this mapping that give the error even alone."""
    keys = node if isinstance(node, dict) else ()
    return [key for key in keys if _message(_with(values, path, {key: node[key]}), schema) == message]


def _message(values: Any, schema: Any) -> str:
    try:
        msgspec.convert(values, schema)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _with(values: Any, path: Steps, node: Any) -> Any:
    """The values with another node at this path."""
    if not path:
        return node
    first, *rest = path
    if isinstance(values, dict):
        return {**values, first: _with(values[first], tuple(rest), node)}
    return [_with(value, tuple(rest), node) if at == first else value for at, value in enumerate(values)]


def _unknown(raw: Any, known: Any, path: Steps = ()) -> Iterator[Steps]:
    """Paths of keys that the schema did not take over."""
    if isinstance(raw, dict) and isinstance(known, dict):
        taken = {str(key): value for key, value in known.items()}
        for key, value in raw.items():
            if str(key) in taken:
                yield from _unknown(value, taken[str(key)], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(raw, list) and isinstance(known, list):
        for at, (value, other) in enumerate(zip(raw, known, strict=False)):
            yield from _unknown(value, other, (*path, at))
