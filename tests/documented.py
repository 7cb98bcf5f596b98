"""What the documents show: their commands, and which of those no test runs."""

import re
import shlex
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "README.md"
PAGES: Final = (README, *sorted((ROOT / "docs").glob("**/*.md")))

_ACCOUNT: Final = "needs an AWS account"
NOT_RUN: Final = {
    "make run": "does not end by itself; tests/stack/test_run.py starts and ends what it starts",
    "make test": "is what runs this",
    "make lint": "runs beside the suite, before every commit",
    "make browser": "runs beside the suite, before a change goes in",
    "make validate": "runs beside the suite, before every commit",
    "make build": "runs beside the suite, with tests of its own on what it built",
    "make deploy": _ACCOUNT,
    ".venv/bin/followup --stack-name followup clinic apply docs/samples/lakeside.yaml": _ACCOUNT,
    ".venv/bin/followup --stack-name followup carrier setup --clinic lakeside --dry-run": _ACCOUNT,
    ".venv/bin/followup --stack-name followup smoke": _ACCOUNT,
    "aws sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL --website-url URL "
    "--use-case-description TEXT": _ACCOUNT,
}
"""Commands that no test runs, with the reason; every other one is run by tests/stack/test_documented_commands.py."""


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The shell commands of a page, as they are typed, without what the line says about them."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.strip()]
    return [shlex.join(shlex.split(line, comments=True)) for line in lines]


def section(page: Path, heading: str) -> str:
    """What stands under a heading of the second level."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert rest, f"{page.name} has no section {heading}"
    return rest.partition("\n## ")[0]


def shown_commands() -> list[str]:
    """Each command of all pages once, in the order in which a reader meets them."""
    return list(dict.fromkeys(command for page in PAGES for command in commands(page)))


def run_commands(program: str) -> list[str]:
    """Those of a program that are run."""
    return [line for line in shown_commands() if line.split()[0] == program and line not in NOT_RUN]
