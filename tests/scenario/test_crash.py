"""A crash after each single write of one whole check-in loses nothing and repeats nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from followup.adapters.memory import MemoryRecords
from followup.adapters.memory.records import Moment
from infra.demo.machine import Machine
from tests.scenario.lakeside import MONDAY, SENDER, chart, enrol, open_clinic, phone_of, session, texts, visit


class ProcessDied(Exception):
    """The process was killed at a write."""


class Killer:
    """Kills the process at one commit, once."""

    def __init__(self, at: int | None, moment: Moment) -> None:
        self.at, self.moment = at, moment
        self.armed = False
        self.seen = 0

    def __call__(self, _number: int, moment: Moment) -> None:
        if not self.armed:
            return
        if moment == "before":
            self.seen += 1
        if self.seen == self.at and moment == self.moment:
            self.at = None
            raise ProcessDied


def play(killer: Killer) -> tuple[list[str], list[tuple[str, int]], dict[str, str], int]:
    """One check-in from its plan to the thanks; returns what the phone got and what was stored."""
    with Machine(MONDAY, records=MemoryRecords(killer)) as machine:
        open_clinic(machine, looks=False)
        quinn = enrol(machine)
        visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
        machine.run_until(MONDAY + timedelta(hours=20))
        killer.armed = True
        machine.run_until(MONDAY + timedelta(hours=25))
        for words in ("7", "some", "nausea", "0", "no"):
            machine.patient_writes(phone_of(machine, quinn), SENDER, words)
            machine.run_until(machine.clock.now() + timedelta(minutes=10))
        killer.armed = False
        machine.run_until(MONDAY + timedelta(hours=30))
        found = chart(machine, quinn)
        scores: list[tuple[str, int]] = [(score.instrument, score.value) for score in found.scores]
        return texts(machine, quinn), scores, {c.kind: c.status for c in found.checkins}, killer.seen


@pytest.fixture(scope="module")
def undisturbed() -> tuple[list[str], list[tuple[str, int]], dict[str, str], int]:
    return play(Killer(None, "before"))


def crashes() -> Iterator[tuple[int, Moment]]:
    """Every write of the course, killed before and after it is made; a few more than there are, to be sure of all."""
    moments: tuple[Moment, ...] = ("before", "after")
    for number in range(1, 43):
        for moment in moments:
            yield number, moment


def test_given_no_crash_when_the_check_in_is_played_then_every_write_is_within_the_crashes_tried(
    undisturbed: tuple[list[str], list[tuple[str, int]], dict[str, str], int],
) -> None:
    assert 20 < undisturbed[3] <= 42
    assert undisturbed[2]["next_day"] == "answered"


@pytest.mark.parametrize(("number", "moment"), tuple(crashes()))
def test_given_a_crash_at_a_write_when_the_service_goes_on_then_nothing_is_lost_or_repeated(
    number: int, moment: Moment, undisturbed: tuple[list[str], list[tuple[str, int]], dict[str, str], int]
) -> None:
    sent, scores, statuses, _ = play(Killer(number, moment))

    assert sent == undisturbed[0]
    assert scores == undisturbed[1]
    assert statuses == undisturbed[2]
