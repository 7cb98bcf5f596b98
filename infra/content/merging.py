"""One part of the content from several files: what holds for every language, and a file for each language.

Word lists of all languages become one union, because a patient is read in any of them. Wording stays apart by language.
What is wrong with the result is told where it was written.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.content.sources import META, Problem, Source, Steps

FOLDER: Final = "languages"
NAMES: Final = ("code", "id")
"""Entries of a list with one of these are the same entry when it is the same."""

Placing = Callable[[Steps, str], Steps]
"""Where the value at this path of a language's file belongs in the whole."""


def languages_in(folder: Path) -> tuple[str, ...]:
    """The languages that the content has a folder for, finished or not, by their BCP 47 tags."""
    return tuple(sorted(path.name for path in (folder / FOLDER).glob("*") if path.is_dir()))


def together(path: Steps, _: str) -> Steps:
    """Word lists: every language's words in the same lists."""
    return path


def apart(*declared: str) -> Placing:
    """Wording: each language's beside the others', under `wordings` of what is declared, else under its own tag."""

    def place(path: Steps, language: str) -> Steps:
        if path[0] not in declared:
            return (path[0], language, *path[1:])
        return path if len(path) == 1 else (*path[:2], "wordings", language, *path[2:])

    return place


@dataclass(frozen=True, slots=True)
class _Origin:
    source: Source
    path: Steps


class Merged:
    """The values of several files as one, each of which knows the file and line that it came from."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[Any, Any] = {}
        self.problems: list[Problem] = []
        self._origins: dict[Steps, _Origin] = {}

    def add(self, source: Source, place: Placing, language: str, declared: tuple[str, ...] = ()) -> None:
        """Take over the values of one file; `place` says where they belong.

        Under the keys in `declared` only what the neutral file declares is taken; the rest is a problem.
        """
        self._origins.setdefault((), _Origin(source, ()))
        for key, value in source.values.items():
            if key in META:
                continue
            taken = value
            known = self._node((key,))
            if key in declared and isinstance(value, dict) and isinstance(known, dict):
                taken = {name: inner for name, inner in value.items() if name in known}
                self.problems += (
                    source.problem((key, name), f"is not declared in {self.name}", "correct its name, or declare it")
                    for name in value
                    if name not in known
                )
            self._put(source, (key,), taken, place, language)

    def add_neutral(self, source: Source) -> None:
        """Take over the file that holds for every language, with what it says about itself."""
        self._origins[()] = _Origin(source, ())
        for key, value in source.values.items():
            self._put(source, (key,), value, together, "")

    def origin(self, path: Steps) -> tuple[Source, Steps]:
        """The file, and the path in it, of the deepest part of this path that some file has."""
        for end in range(len(path), -1, -1):
            known = self._origins.get(path[:end])
            if known is not None:
                return known.source, (*known.path, *path[end:])
        raise KeyError("nothing was merged yet")

    def problem(self, path: Steps, problem: str, fix: str) -> Problem:
        source, at = self.origin(path)
        return source.problem(at, problem, fix)

    def _put(self, source: Source, at: Steps, value: Any, place: Placing, language: str) -> None:
        target = place(at, language)
        self._origins.setdefault(target, _Origin(source, at))
        there = self._node(target)
        if isinstance(value, dict):
            if there is None:
                self._set(target, {})
            elif not isinstance(there, dict):
                self._disagrees(source, at)
                return
            for key, inner in value.items():
                self._put(source, (*at, key), inner, place, language)
        elif isinstance(value, list):
            if there is None:
                self._set(target, [])
            elif not isinstance(there, list):
                self._disagrees(source, at)
                return
            for index, inner in enumerate(value):
                self._append(source, (*at, index), target, inner)
        elif there is None:
            self._set(target, value)
        elif there != value:
            self._disagrees(source, at)

    def _append(self, source: Source, at: Steps, target: Steps, value: Any) -> None:
        """An entry of a list: once, however many files have it; named entries grow."""
        entries = self._node(target)
        if isinstance(value, dict):
            name = next((key for key in NAMES if key in value), None)
            for index, entry in enumerate(entries):
                if name is not None and isinstance(entry, dict) and entry.get(name) == value[name]:
                    self._put(source, at, value, _moved(at, (*target, index)), "")
                    return
            entries.append({})
            self._put(source, at, value, _moved(at, (*target, len(entries) - 1)), "")
        elif value not in entries:
            self._origins[(*target, len(entries))] = _Origin(source, at)
            entries.append(value)

    def _disagrees(self, source: Source, at: Steps) -> None:
        self.problems.append(source.problem(at, "is said otherwise in another file", "let both say the same"))

    def _node(self, path: Steps) -> Any:
        node: Any = self.values
        for step in path:
            if isinstance(node, dict):
                known = step in node
            else:
                known = isinstance(node, list) and isinstance(step, int) and step < len(node)
            if not known:
                return None
            node = node[step]
        return node

    def _set(self, path: Steps, value: Any) -> None:
        node: Any = self.values
        for step in path[:-1]:
            node = node.setdefault(step, {}) if isinstance(node, dict) else node[step]
        node[path[-1]] = value


def _moved(start: Steps, target: Steps) -> Placing:
    """From under one path to under another."""
    return lambda path, _: (*target, *path[len(start) :])


def merged(
    neutral: Source, files: Iterable[tuple[str, Source]], place: Placing, declared: tuple[str, ...] = ()
) -> Merged:
    """The file that holds for every language, and then each language's."""
    whole = Merged(neutral.name)
    whole.add_neutral(neutral)
    for language, source in files:
        whole.add(source, place, language, declared)
    return whole
