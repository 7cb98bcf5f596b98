"""Crashes and races in a survey, and whatever patients may write."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup.adapters.memory import MemoryRecords
from followup.adapters.memory.records import Moment
from followup.domain import replies
from followup.domain.attribution import Reader
from followup.domain.records import (
    Chart,
    CheckInKind,
    Decision,
    Incoming,
)
from followup.steps import read as steps_read
from infra.demo.machine import Machine
from tests.scenario.conversation import GAD7, PHQ2, PHQ9, answers, ask, last, passes, says
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    alerts_of,
    chart,
    enrol,
    open_clinic,
    outgoing,
    pages,
    phone_of,
    texts,
)
from tests.scenario.test_crash import Killer

MOST_WRITES = 24
"""A few more than the end of a PHQ-9 makes: items 7, 8 and 9, the last with danger."""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running)
        yield running


# --- crashes and races --------------------------------------------------------------------------------------------


Course = tuple[list[str], list[tuple[str, int]], list[tuple[str, str]], str, int]
"""What the phone got, scores, alerts, the status of the survey, and the number of writes."""


def phq9_with_danger(killer: Killer) -> Course:
    """A whole PHQ-9 with item 9 = 2; the killer sees its last three items."""
    with Machine(MONDAY, records=MemoryRecords(killer)) as machine:
        open_clinic(machine, looks=False)
        quinn = enrol(machine)
        ask(machine, quinn, *PHQ9)
        for value in "000000":
            says(machine, quinn, value)
        killer.armed = True
        for value in "002":
            machine.patient_writes(phone_of(machine, quinn), SENDER, value)
            machine.run_until(machine.clock.now() + timedelta(minutes=10))
        killer.armed = False
        machine.run_until(machine.clock.now() + timedelta(hours=1))
        stored: list[tuple[str, int]] = [(each.instrument, each.value) for each in chart(machine, quinn).scores]
        raised: list[tuple[str, str]] = [(each.level, each.rule) for each in alerts_of(machine, quinn)]
        assert pages(machine)
        return texts(machine, quinn), stored, raised, last(machine, quinn).status, killer.seen


@pytest.fixture(scope="module")
def undisturbed() -> Course:
    return phq9_with_danger(Killer(None, "before"))


def test_given_no_crash_when_the_phq9_is_played_then_every_write_is_within_the_crashes_tried(
    undisturbed: Course,
) -> None:
    assert 15 < undisturbed[4] <= MOST_WRITES
    assert undisturbed[2] == [("urgent", "phq9_item9")]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, MOST_WRITES + 1))
def test_given_a_crash_at_a_write_when_the_service_goes_on_then_no_item_is_lost_or_asked_twice(
    number: int,
    moment: Moment,
    undisturbed: Course,
) -> None:
    sent, stored, raised, status, _ = phq9_with_danger(Killer(number, moment))

    crisis = undisturbed[0][-1]
    assert [body for body in sent if body != crisis] == undisturbed[0][:-1]
    assert 1 <= sent.count(crisis) <= 2
    assert stored == undisturbed[1]
    assert raised == undisturbed[2]
    assert status == undisturbed[3]


def test_given_two_readers_at_once_when_both_read_one_text_then_the_answer_and_the_next_question_come_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9)
    machine.patient_writes(phone_of(machine, quinn), SENDER, "1")
    (text,) = (each for each in chart(machine, quinn).incoming if each.status == "unread")
    now, others = machine.clock.now(), iter((True,))
    decided = replies.on_text

    def slow(incoming: Incoming, known: Chart, reader: Reader, at: datetime) -> Decision:
        """The first reader decides, and before it commits the other one has read everything."""
        decision = decided(incoming, known, reader, at)
        if next(others, False):
            steps_read.read(machine.service, text, now)
        return decision

    monkeypatch.setattr(replies, "on_text", slow)
    steps_read.read(machine.service, text, now)
    passes(machine, minutes=2)

    assert answers(machine, quinn) == {"phq9:1": 1}
    assert len(texts(machine, quinn)) == 2


# --- whatever patients write --------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    (
        *(
            "0",
            "1",
            "2",
            "3",
            "7",
            "10",
            "11",
            "seven",
            "yes",
            "no",
            "none",
            "some",
            "dizzy",
            "a bit of nausea, gone now",
        ),
        *("mood 7, pain 3", "pain 4", "sorry meant 3", "sorry meant 1", "perdón, quise decir 2", "mood is 6"),
        *("7. can I drive tmrw?", "the cat knocked over the lamp", "thanks!", "", "ok", "?", "siete", "varios días"),
        *('Liked "How is your mood today, 0 to 10?"', "a lot", "still there", "no idea", "1 2 3", "call me please"),
    )
)
SURVEYS = st.sampled_from(
    (
        ("mood", "side_effects"),
        ("mood", *PHQ2, "pain"),
        PHQ9,
        GAD7,
        ("visit", "health_change"),
        ("bladder:1", "bladder:2", "bladder:3", "memory:1"),
        ("pain", "target", "functioning", "side_effects", "health_change"),
    )
)
GAPS = st.sampled_from((0, 0, 1, 1, 20, 130, 700, 2000))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    questions=SURVEYS,
    written=st.lists(st.tuples(WORDS, GAPS), max_size=16),
    kind=st.sampled_from(("continued", "weekly")),
)
def test_given_any_texts_when_read_then_no_answer_is_lost_each_question_is_asked_twice_at_most_and_it_ends(
    questions: tuple[str, ...], written: list[tuple[str, int]], kind: CheckInKind
) -> None:
    with Machine(MONDAY) as machine:
        open_clinic(machine, looks=False)
        quinn = enrol(machine)
        ask(machine, quinn, *questions, kind=kind, visits=MONDAY + timedelta(days=1) if "visit" in questions else None)
        answered: dict[str, int | None] = {}
        for body, gap in written:
            machine.patient_writes(phone_of(machine, quinn), SENDER, body)
            machine.settle()
            machine.run_until(machine.clock.now() + timedelta(minutes=gap))
            waiting = [each for each in chart(machine, quinn).checkins if each.status in ("asked", "answering")]
            assert len(waiting) <= 1
            assert all(each.asking == each.open_question for each in waiting)
            assert set(answered) <= set(answers(machine, quinn))
            answered = answers(machine, quinn)
        machine.run_until(machine.clock.now() + timedelta(days=4))

        assert machine.failures == []
        assert {text.status for text in chart(machine, quinn).incoming} <= {"read"}
        assert last(machine, quinn).status not in ("planned", "asked", "answering")
        corrections = sum("corrected" in text.trail[-1].reason for text in chart(machine, quinn).incoming)
        purposes = [text.text_id.split(".", 2)[-1].rpartition("-")[0] for text in outgoing(machine, quinn)]
        for question in last(machine, quinn).questions:
            put = sum(purpose.endswith(("." + question, "again." + question)) for purpose in purposes)
            put += question == last(machine, quinn).questions[0]
            assert put <= 2 * (1 + corrections)
