"""Adding a language is adding files: what is missing is told, and once nothing is, patients can be texted in it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from ruamel.yaml import YAML

from followup.content import Content
from followup.domain.asking import wording_of
from infra.content.compiling import CONTENT, PARTS, Part, compile_content, judge
from infra.content.sources import META

FILES = tuple(part.file for part in PARTS if part.languages is not None)
NEW = "tlh"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "content"
    shutil.copytree(CONTENT, copied)
    return copied


def told(folder: Path) -> list[str]:
    return [str(problem) for problem in judge(folder).problems]


def started(folder: Path) -> Path:
    """A language folder with every file of the English one in it."""
    return Path(shutil.copytree(folder / "languages" / "en", folder / "languages" / NEW))


def test_given_a_language_folder_without_files_when_checked_then_each_file_is_named(folder: Path) -> None:
    (folder / "languages" / NEW).mkdir()
    assert told(folder) == [f"languages/{NEW}/{file}:1: the file: is missing; add it" for file in sorted(FILES)]


@pytest.mark.parametrize("file", FILES)
def test_given_a_language_without_one_file_when_checked_then_that_file_is_named(folder: Path, file: str) -> None:
    (started(folder) / file).unlink()
    assert f"languages/{NEW}/{file}:1: the file: is missing; add it" in told(folder)


def without(text: str, first: str, until: Callable[[str], bool]) -> tuple[str, int]:
    """The text without the lines from `first` until the next that fits, and the line of the block around it."""
    lines = text.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(first))
    end = next((number for number in range(start + 1, len(lines)) if until(lines[number])), len(lines))
    return "".join(lines[:start] + lines[end:]), start


@pytest.mark.parametrize(
    ("file", "first", "said"),
    [
        ("texts.yaml", "  crisis.self_harm:", "entries.crisis.self_harm: is missing; write it: Answers danger to"),
        ("questions.yaml", '  "phq9:4":', "questions.phq9:4: is missing; write it: PHQ-9 4: energy"),
        ("questions.yaml", "  gad7:", "stems.gad7: is missing; write it: GAD-7"),
        ("reading.yaml", "  - code: vomiting", "effects.vomiting: is missing; add it; write [] if this language needs"),
    ],
)
def test_given_a_language_without_one_entry_when_checked_then_file_line_entry_and_fix_are_told(
    folder: Path, file: str, first: str, said: str
) -> None:
    path = started(folder) / file
    indent = len(first) - len(first.lstrip())

    def next_entry(line: str) -> bool:
        return bool(line.strip()) and len(line) - len(line.lstrip()) <= indent

    text, _ = without(path.read_text(encoding="utf-8"), first, next_entry)
    path.write_text(text, encoding="utf-8")
    (problem,) = told(folder)
    assert problem.startswith(f"languages/{NEW}/{file}:")
    assert said in problem


def test_given_a_language_without_a_word_list_when_checked_then_the_list_is_named(folder: Path) -> None:
    path = started(folder) / "reading.yaml"
    text = path.read_text(encoding="utf-8")
    assert "\nmild:" in text
    text, _ = without(text, "mild:", lambda line: not line.startswith(" "))
    path.write_text(text, encoding="utf-8")
    (problem,) = told(folder)
    assert problem.startswith(f"languages/{NEW}/reading.yaml:1: mild: is missing; add it; write []")


def test_given_a_language_with_every_file_when_compiled_then_it_renders_beside_the_others(folder: Path) -> None:
    new = started(folder)
    texts = (new / "texts.yaml").read_text(encoding="utf-8")
    (new / "texts.yaml").write_text(texts.replace("Thanks, noted", "Qatlho, noted"), encoding="utf-8")
    reading = (new / "reading.yaml").read_text(encoding="utf-8")
    (new / "reading.yaml").write_text(
        reading.replace('  "ten": 10\n', '  "ten": 10\n  "wamah": 10\n'), encoding="utf-8"
    )
    assert [str(problem) for problem in compile_content(folder)] == []
    content = msgspec.json.decode((folder / "compiled.json").read_bytes(), type=Content)
    assert content.texts.languages == ("en", "es", NEW)
    assert content.texts.render("thanks", NEW).startswith("Qatlho")
    asked = wording_of("phq9:1", NEW, "open", questions=content.questions, texts=content.texts, sms_name="Lakeside")
    assert asked.startswith("Lakeside: Over the last 2 weeks")
    assert content.reading.numbers["wamah"] == content.reading.numbers["diez"] == 10


def test_given_a_word_that_two_languages_use_otherwise_when_checked_then_both_are_not_taken(folder: Path) -> None:
    path = started(folder) / "reading.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('  "ten": 10\n', '  "ten": 9\n'), encoding="utf-8")
    (problem,) = told(folder)
    assert problem.startswith(f"languages/{NEW}/reading.yaml:")
    assert problem.endswith("numbers.ten: is said otherwise in another file; let both say the same")


@pytest.mark.parametrize("part", [part for part in PARTS if part.languages == "together"], ids=lambda part: part.file)
def test_given_word_lists_of_several_languages_when_compiled_then_every_word_of_each_is_read(part: Part) -> None:
    def words(node: object) -> set[str]:
        if isinstance(node, dict):
            return words([*node, *node.values()])
        return set().union(*map(words, node)) if isinstance(node, list | tuple) else {str(node)}

    compiled = words(msgspec.to_builtins(judge().parts[part.field]))
    for file in CONTENT.glob(f"languages/*/{part.file}"):
        written = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        assert words({key: value for key, value in written.items() if key not in META}) <= compiled
