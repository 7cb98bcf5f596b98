"""The documents say what is so: commands exist, links lead somewhere, every record stands in the table of keys."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click
import pytest

from followup import keys
from followup.domain.records import AnyRecord, Step
from infra.cli.main import main
from infra.local import layout
from tests.contract.samples import ONE_OF_EACH
from tests.documented import PAGES, README, ROOT, commands, section, shown_commands

MAKEFILE = (ROOT / "Makefile").read_text()
OTHERS = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
RECORDS = (ROOT / "docs/records.md").read_text()


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_given_a_page_when_it_names_a_make_target_then_there_is_one(page: Path) -> None:
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
    named |= {line.split()[1] for line in commands(page) if line.startswith("make ")}
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("line", [line for line in shown_commands() if line.startswith(".venv/bin/followup ")])
def test_given_a_command_when_it_is_shown_then_it_takes_those_words(line: str) -> None:
    words = line.replace("--stack-name followup", "--local").split()[1:]
    command: click.Command = main
    context = click.Context(main, obj=lambda: None)
    words = [word for word in words if word != "--local"]
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_given_the_readme_when_read_from_the_top_then_a_newcomer_finds_things_in_this_order() -> None:
    headings = re.findall(r"^## (.+)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [
        "Run it",
        "Test",
        "A conversation",
        "How it works",
        "The command line",
        "Deploy",
        "Settings",
        "Data and privacy",
        "Decisions",
    ]


def test_given_the_readme_when_it_names_a_page_of_make_run_then_the_navigation_has_it() -> None:
    named = set(re.findall(r"\*\*([^*]+)\*\*", section(README, "Run it")))
    assert named
    assert named <= {page.title for page in layout.ALL}


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_given_a_page_when_it_links_to_a_file_then_the_file_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_given_the_decisions_when_listed_then_none_is_left_out() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text()
    pages = {page.name for page in ROOT.glob("docs/decisions/*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in listed} == set()


def rows() -> dict[str, tuple[str, str, set[str]]]:
    table = re.findall(r"^\| (\w+) \| `([^`]+)` \| `([^`]+)` \| ([\w, ]*)\|$", RECORDS, re.MULTILINE)
    return {name: (pk, sk, {step for step in re.split(r"[, ]+", steps) if step}) for name, pk, sk, steps in table}


def test_given_the_records_when_the_table_of_keys_is_read_then_each_stands_there_once_with_every_step() -> None:
    assert set(rows()) == {kind.__name__ for kind in get_args(AnyRecord)}
    assert set().union(*(steps for _, _, steps in rows().values())) == set(get_args(Step))


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_given_a_record_when_its_key_is_spelled_then_it_has_the_form_in_the_table(record: AnyRecord) -> None:
    pk, sk, _ = rows()[type(record).__name__]
    key = keys.of(record)
    assert re.fullmatch(_pattern(pk), key.pk)
    assert re.fullmatch(_pattern(sk), key.sk)


def _pattern(form: str) -> str:
    return "".join(".+" if part.startswith("<") else re.escape(part) for part in re.split(r"(<[^>]+>)", form))


def test_given_times_when_stamped_then_their_text_sorts_as_they_do() -> None:
    early, late = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert keys.since(early) < keys.since(late)
