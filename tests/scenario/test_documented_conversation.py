"""The conversation in the README is what the service says, word for word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from followup.domain.records import PatientId
from infra.demo.machine import Machine
from tests.documented import README, blocks
from tests.scenario.lakeside import MONDAY, enrol, open_clinic, session, texts, visit, write

INDENT: Final = " " * 30
"""Lines of a patient stand to the right."""
EVENING, MORNING = timedelta(hours=35), timedelta(hours=46)
ZONE: Final = "America/Chicago"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a patient writes, and what comes back."""

    writes: str
    comes: str
    evening: bool


def turns(block: str) -> tuple[str, list[Turn]]:
    """The text that a conversation begins with, and its turns; a blank line stands for the rest of the day."""
    opening, *rest = re.split(rf"^{INDENT} *(\S.*)\n", block, flags=re.MULTILINE)
    evening, found = False, []
    for writes, comes in zip(rest[::2], rest[1::2], strict=True):
        found.append(Turn(writes, _joined(comes), evening))
        evening = evening or comes.endswith("\n\n")
    return _joined(opening), found


def _joined(lines: str) -> str:
    return " ".join(lines.split())


def test_given_the_readme_when_its_conversations_are_held_then_every_word_is_as_it_says() -> None:
    english, spanish, mailed = blocks(README, "text")
    with Machine(MONDAY) as machine:
        open_clinic(machine, zone=ZONE)
        quinn = enrol(machine, zone=ZONE)
        marisol = enrol(machine, 2, zone=ZONE, name="Marisol Vega", language="es")
        for patient in (quinn, marisol):
            visit(machine, patient, session(1, MONDAY - timedelta(hours=2)))
        machine.run_until(MONDAY + timedelta(hours=26))

        assert list(held(machine, quinn, english)) == []
        assert list(held(machine, marisol, spanish)) == []
        assert [sent.mail.kind for sent in machine.mailer.sent if sent.mail.kind == "page"]

        machine.run_until(MONDAY + MORNING)
        digests = [sent.mail.text for sent in machine.mailer.sent if sent.mail.kind == "digest"]
    assert any_code(mailed) in any_code(digests[-1])


def held(machine: Machine, patient: PatientId, block: str) -> Iterator[tuple[str, str]]:
    """What the README says and what came instead, wherever the two differ."""
    opening, expected = turns(block)
    assert expected
    if texts(machine, patient)[-1] != opening:
        yield opening, texts(machine, patient)[-1]
    for turn in expected:
        if turn.evening:
            machine.run_until(MONDAY + EVENING)
        before = len(texts(machine, patient))
        write(machine, patient, turn.writes)
        came = " ".join(texts(machine, patient)[before:])
        if came != turn.comes:
            yield turn.comes, came


def any_code(mail: str) -> str:
    """A mail without the code that an alert is given by chance."""
    return re.sub(r"Alert \d{4}\b", "Alert 0000", mail)
