from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followup.content import load
from followup.domain.attempt import find_out
from followup.domain.delivery import Found
from followup.domain.outgoing import compose
from followup.domain.records import Chart, ClinicId, Mail, Text, TextKind, ThreadId
from followup.domain.stuck import UNASKED, retry_mail, retry_text

NOW = datetime(2026, 3, 30, 15, tzinfo=UTC)


def stuck(kind: TextKind = "check_in", stale: datetime | None = None, reason: str = "not sent") -> Text:
    text = compose(
        thread=ThreadId("p1"),
        clinic_id=ClinicId("c"),
        kind=kind,
        to="+13125550121",
        body="How are you?",
        purpose="ask",
        now=NOW - timedelta(minutes=30),
    )
    claimed = text.into("claimed", "claimed", NOW - timedelta(minutes=20))
    return replace(claimed, stale=stale, tries=5, claim="old").into("stuck", reason, NOW - timedelta(minutes=10))


@pytest.mark.parametrize(("kind", "lane"), [("check_in", "routine"), ("answer", "replies"), ("crisis", "urgent")])
def test_given_a_stuck_text_then_it_is_sent_again_in_its_own_lane(kind: TextKind, lane: str) -> None:
    [text] = retry_text(stuck(kind), NOW).writes
    assert isinstance(text, Text)
    assert (text.status, text.tries, text.claim) == ("planned", 0, None)
    assert text.next is not None
    assert (text.next.step, text.next.at, text.next.lane) == ("send", NOW, lane)


def test_given_a_check_in_whose_window_is_past_then_it_stays_stuck() -> None:
    decision = retry_text(stuck(stale=NOW - timedelta(seconds=1)), NOW)
    assert decision.writes == ()
    assert decision.reason == "its time is past"


def test_given_a_text_that_may_have_left_then_the_carrier_is_asked_first() -> None:
    [text] = retry_text(stuck(reason=UNASKED, stale=NOW - timedelta(minutes=1)), NOW).writes
    assert isinstance(text, Text)
    assert text.status == "claimed"
    assert text.next is not None
    assert text.next.step == "find_out"
    assert [change.at for change in text.trail if change.status == "claimed"] == [NOW - timedelta(minutes=20)]


def test_given_a_text_got_stuck_because_the_carrier_could_not_be_asked_then_that_is_known_from_its_reason() -> None:
    claimed = replace(stuck(), status="claimed", next=None)
    given_up = find_out(claimed, Found("unsure"), Chart(claimed.thread), load().protocols["standard"], NOW)
    [text] = given_up.writes
    assert isinstance(text, Text)
    assert (text.status, text.trail[-1].reason) == ("stuck", UNASKED)


def test_given_a_text_that_is_not_stuck_then_nothing_happens() -> None:
    assert retry_text(replace(stuck(), status="delivered"), NOW).writes == ()


@pytest.mark.parametrize(("late", "writes"), [(False, 1), (True, 0)])
def test_given_a_stuck_mail_then_it_is_sent_again_unless_its_time_is_past(late: bool, writes: int) -> None:
    mail = Mail(
        status="stuck",
        mail_id="m1",
        clinic_id=ClinicId("c"),
        kind="digest",
        to="digest@clinic.example",
        subject="List",
        text="Nothing.",
        html=None,
        created=NOW - timedelta(hours=1),
        stale=NOW + timedelta(minutes=-1 if late else 1),
        tries=5,
    )
    assert len(retry_mail(mail, NOW).writes) == writes
