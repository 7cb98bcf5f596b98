"""YAML files with the line that each value stands on, so that an error can name it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

META: Final = ("version", "source", "review")
"""What every file says about itself."""

Steps = tuple[str | int, ...]
"""The way to a value: keys of mappings and places in lists."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong with the content, where, and what to do about it."""

    file: str
    line: int
    field: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.problem}; {self.fix}"


class Told(Protocol):
    """Values that know where each of them was written."""

    @property
    def name(self) -> str: ...
    @property
    def values(self) -> dict[Any, Any]: ...
    def problem(self, path: Steps, problem: str, fix: str) -> Problem: ...


class Source:
    """A YAML file as read: its plain values, and where each of them stands."""

    def __init__(self, name: str, tree: CommentedMap) -> None:
        self.name = name
        self._tree = tree
        self.values: dict[Any, Any] = _plain(tree)

    def line(self, path: Steps) -> int:
        """The line of the deepest part of this path that the file has."""
        line, node = 1, self._tree
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                line = node.lc.key(step)[0] + 1 if step in node.lc.data else line
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line = node.lc.item(step)[0] + 1
            else:
                break
            node = node[step]
        return line

    def problem(self, path: Steps, problem: str, fix: str) -> Problem:
        field = ".".join(str(step) for step in path) or "the file"
        return Problem(self.name, self.line(path), field, problem, fix)


def load(folder: Path, name: str, problems: list[Problem]) -> Source | None:
    """The file of this name in the content's folder, or None and what is wrong with it added to the problems."""
    try:
        source = _parsed(name, (folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(Problem(name, 1, "the file", "is missing", "add it"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"is not valid YAML ({error.problem or error.context})"
        problems.append(Problem(name, mark.line + 1 if mark else 1, "the file", what, "correct this line"))
    except (YAMLError, UnicodeDecodeError):
        problems.append(Problem(name, 1, "the file", "is not YAML in UTF-8", "save it as UTF-8 text"))
    else:
        if source is None:
            problems.append(Problem(name, 1, "the file", "is not a mapping of fields", "begin it with version:"))
        return source
    return None


@lru_cache(maxsize=128)  # long word lists take a second, and most files stay as they are between two checks
def _parsed(name: str, text: str) -> Source | None:
    tree = YAML().load(text)
    return Source(name, tree) if isinstance(tree, CommentedMap) else None


def _plain(node: Any) -> Any:
    """The values without the parser's types, which the schemas would not take."""
    if isinstance(node, Mapping):
        return {_plain(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for scalar in (bool, int, float, str):
        if isinstance(node, scalar):
            return scalar(node)
    return node


def meta_problems(source: Source) -> Iterator[Problem]:
    """What is wrong with what a file says about itself: its version, its source, who reviews it."""
    version = source.values.get("version")
    counted = isinstance(version, int) and not isinstance(version, bool) and version >= 1
    if not counted and not (isinstance(version, str) and version.strip()):
        yield source.problem(("version",), "is missing", "number it from 1 or date it, anew on each change")
    for name in ("source", "review"):
        value = source.values.get(name)
        if not isinstance(value, str) or not value.strip():
            what = "where it comes from" if name == "source" else "who approves it and when"
            yield source.problem((name,), "is missing", f"say {what}")
