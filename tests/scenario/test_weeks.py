"""Three weeks of anything: random visits, replies and faults, and what has to hold through all of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from followup import keys
from followup.adapters.memory import MemoryText
from followup.adapters.memory.carrier import SendFault
from followup.domain.calendar import local
from followup.domain.records import Alert, CheckIn, Incoming, Patient, PatientId, Score, Text
from followup.ports import Work
from followup.steps import alerts as desk
from infra.demo.machine import CarrierStatus, Machine
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    alerts_of,
    chart,
    checkins,
    enrol,
    open_clinic,
    phone_of,
    session,
    visit,
)

WEEKS: Final = 3
ROUTINE: Final = ("check_in", "nudge", "reminder")
DANGER: Final = ("I want to kill myself", "quiero morirme", "i feel hopeless", "8 but i want to die")
MOODS: Final = (*(str(n) for n in range(11)), "about 6", "7/10", "seven")
OTHER: Final = ("some", "none", "a bit of nausea", "purple", "thanks!", "who is this", "HELP", "")
FAULTS: Final[tuple[SendFault, ...]] = ("lost", "lost_after_storing", "no_connection", "busy", 21606, 21611, 21602)
RECEIPTS: Final = (
    ("delivered",),
    ("sent", "delivered"),
    ("delivered", "sent"),
    ("delivered", "delivered"),
    ("sent",),
    (),
    ("undelivered",),
)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens outside, so many minutes after the start."""

    minutes: int
    what: str
    words: str = ""
    days_ahead: int = 0


@dataclass(frozen=True, slots=True)
class Weeks:
    """What three weeks bring."""

    acts: tuple[Act, ...]
    zone: str
    language: str
    mode: str
    seed: int


minutes = st.integers(0, 60 * 24 * 7 * WEEKS)
acts = st.one_of(
    st.builds(Act, minutes, st.just("says"), st.sampled_from(MOODS)),
    st.builds(Act, minutes, st.just("says"), st.sampled_from(MOODS + OTHER)),
    st.builds(Act, minutes, st.just("says"), st.sampled_from(("START", "STOP", *OTHER, *DANGER))),
    st.builds(Act, minutes, st.sampled_from(("marks", "faults"))),
    st.builds(Act, minutes, st.sampled_from(("marks", "marks", "faults", "cancels", "outage"))),
    st.builds(Act, minutes, st.just("books"), st.just(""), st.integers(0, 6)),
)
weeks = st.builds(
    Weeks,
    st.lists(acts, min_size=15, max_size=50).map(tuple),
    st.sampled_from(("America/New_York", "America/Los_Angeles", "Pacific/Honolulu")),
    st.sampled_from(("en", "es")),
    st.sampled_from(("service", "carrier")),
    st.integers(0, 2**32),
)


def unreliable(random: Random) -> Callable[[Sequence[Work]], list[Work]]:
    """Queues that lose, double and turn round."""

    def delivery(works: Sequence[Work]) -> list[Work]:
        arrived = [each for each in works for _ in range(random.choice((0, 1, 1, 1, 2)))]
        random.shuffle(arrived)
        return arrived

    return delivery


class Life:
    """One patient's three weeks, and what was noticed on the way."""

    def __init__(self, machine: Machine, plot: Weeks) -> None:
        self.machine, self.plot, self.random = machine, plot, Random(plot.seed)
        self.quinn: PatientId = enrol(machine, zone=plot.zone, language=plot.language)
        self.said: dict[str, str] = {}
        """Words by MessageSid."""
        self.dangers: list[tuple[str, datetime]] = []
        self.most_open = 0
        self.booked = 0
        machine.queues.delivery = unreliable(self.random)
        machine.receipts = self.receipts

    def receipts(self, _: MemoryText) -> list[CarrierStatus]:
        statuses = self.random.choice(RECEIPTS)
        return [CarrierStatus(status, 30003 if status == "undelivered" else None) for status in statuses]

    def live(self) -> None:
        visit(self.machine, self.quinn, session(0, MONDAY - timedelta(hours=1)))
        for number in range(self.random.randint(0, 4)):
            self.books(Act(0, "books", days_ahead=3 * number + 2))
        for act in sorted(self.plot.acts, key=lambda each: each.minutes):
            self.until(MONDAY + timedelta(minutes=act.minutes))
            getattr(self, act.what)(act)
            self.machine.settle()
            self.notice()
        self.until(MONDAY + timedelta(weeks=WEEKS))

    def until(self, moment: datetime) -> None:
        """Time passes; about twice a day somebody looks at what is open, and now and then the patient answers."""
        while self.machine.clock.now() < moment:
            self.machine.run_until(min(moment, self.machine.clock.now() + timedelta(hours=11)))
            self.notice()
            if self.random.random() < 0.6:
                self.closes()
            if self.random.random() < 0.6:
                self.marks()
            if self.random.random() < 0.3 and any(c.status == "asked" for c in checkins(self.machine, self.quinn)):
                self.says(Act(0, "says", self.random.choice(MOODS)))

    def notice(self) -> None:
        waiting = [each for each in checkins(self.machine, self.quinn) if each.status in ("asked", "answering")]
        self.most_open = max(self.most_open, len(waiting))

    def says(self, act: Act) -> None:
        text = self.machine.carrier.receive(SENDER, phone_of(self.machine, self.quinn), act.words)
        if act.words in ("STOP", "START") and self.plot.mode == "carrier":
            blocked = self.machine.carrier.blocked
            (blocked.add if act.words == "STOP" else blocked.discard)(text.phone)
        self.said[text.sid] = act.words
        for _ in range(self.random.choice((1, 1, 2))):
            assert self.machine.webhook(text)["statusCode"] == 200
        if act.words in DANGER:
            self.dangers.append((text.sid, self.machine.clock.now()))
        self.machine.clock.forward(timedelta(milliseconds=1))

    def closes(self) -> None:
        for alert in alerts_of(self.machine, self.quinn):
            if alert.status != "closed":
                desk.close(self.machine.service, alert, "Ana Ruiz", "spoke to the patient", self.machine.clock.now())

    def books(self, act: Act) -> None:
        self.booked += 1
        start = self.machine.clock.now() + timedelta(days=act.days_ahead, hours=1)
        visit(self.machine, self.quinn, session(self.booked, start, status="scheduled"))

    def marks(self, _: Act | None = None) -> None:
        self.change("completed", ended=True)

    def cancels(self, _: Act) -> None:
        self.change("cancelled", ended=False)

    def change(self, status: str, *, ended: bool) -> None:
        plan, now = chart(self.machine, self.quinn).plan, self.machine.clock.now()
        assert plan is not None
        for each in plan.sessions:
            if each.status == "scheduled" and (each.end <= now) is ended:
                visit(self.machine, self.quinn, replace(each, status=status))  # type: ignore[arg-type]  # one of them
                return

    def faults(self, _: Act) -> None:
        self.machine.carrier.faults.extend(self.random.choices(FAULTS, k=self.random.randint(1, 4)))

    def outage(self, _: Act) -> None:
        self.machine.clock.forward(timedelta(hours=self.random.choice((0.1, 2, 9, 30))))


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(weeks)
def test_given_any_three_weeks_when_they_are_lived_then_no_rule_of_safety_or_sending_is_broken(plot: Weeks) -> None:
    with Machine(MONDAY) as machine:
        open_clinic(machine, looks=False, keyword_mode=plot.mode)
        life = Life(machine, plot)
        life.live()

        held = {text.text_id: text for text in machine.records if isinstance(text, Text)}
        sent = [(text, held[text.order.text_id]) for text in machine.carrier.sent]  # type: ignore[index]  # text ids
        event(f"{len(sent) // 10 * 10}+ texts sent")
        nothing_twice(sent)
        sensible_hours_and_caps(sent, plot.zone)
        nothing_routine_after_stop(sent, machine, life.quinn)
        nothing_routine_during_an_alert(sent, alerts_of(machine, life.quinn))
        every_danger_answered(machine, life)
        moods_as_given(machine, life)
        assert life.most_open <= 1
        assert machine.failures == []
        nothing_left_behind(machine)


Sent = list[tuple[MemoryText, Text]]


def nothing_twice(sent: Sent) -> None:
    for text_id, times in Counter(text.text_id for _, text in sent).items():
        kind = next(text.kind for _, text in sent if text.text_id == text_id)
        assert times <= (2 if kind == "crisis" else 1), (kind, times)


def sensible_hours_and_caps(sent: Sent, zone: str) -> None:
    routine = [local(text.created, zone) for text, record in sent if record.kind in ROUTINE]
    assert all(time(9) <= moment.time() < time(19, 50) for moment in routine)
    days = Counter(moment.date() for moment in routine)
    assert max(days.values(), default=0) <= 1
    for day in days:
        assert sum(0 <= (other - day).days < 7 for other in days) <= 7


def nothing_routine_after_stop(sent: Sent, machine: Machine, quinn: PatientId) -> None:
    patient = machine.records.get(keys.patient(quinn))
    assert isinstance(patient, Patient)
    for text, record in sent:
        if record.kind in (*ROUTINE, "answer"):
            status = next((c.status for c in reversed(patient.trail) if c.at < text.created), "active")
            assert status == "active" or record.kind == "answer", (record.kind, status)
            assert status != "opted_out"


def nothing_routine_during_an_alert(sent: Sent, alerts: list[Alert]) -> None:
    for alert in alerts:
        closed = next((c.at for c in alert.trail if c.status == "closed"), datetime.max.replace(tzinfo=UTC))
        for text, record in sent:
            assert record.kind not in ROUTINE or not alert.opened < text.created < closed


def every_danger_answered(machine: Machine, life: Life) -> None:
    alerts = alerts_of(machine, life.quinn)
    crisis = [text for text in machine.records if isinstance(text, Text) and text.kind == "crisis"]
    assert len(crisis) == len(life.dangers)
    for sid, at in life.dangers:
        (alert,) = [alert for alert in alerts if sid in alert.triggers]
        (text,) = [text for text in crisis if text.created == at]
        assert text.status == "delivered" or alert.phone_now or alert.status == "closed" or text.next is not None
        assert alert.pages >= 1 or alert.status != "open" or alert.next is not None
    assert all(alert.next is not None for alert in alerts if alert.status != "closed")


def moods_as_given(machine: Machine, life: Life) -> None:
    numbers = {**{str(n): n for n in range(11)}, "about 6": 6, "7/10": 7, "seven": 7}
    texts = [text for text in machine.records if isinstance(text, Incoming)]
    assert len(texts) == len(life.said)
    for score in (record for record in machine.records if isinstance(record, Score)):
        (text,) = [each for each in texts if each.received == score.at]
        assert numbers[text.body] == score.value


def nothing_left_behind(machine: Machine) -> None:
    """Whatever is still going has its next step; whatever has none has come to an end."""
    ends = {"delivered", "undelivered", "refused", "unknown", "dropped", "stuck", "accepted"}
    for record in machine.records:
        if isinstance(record, Text) and record.next is None:
            assert record.status in ends
        if isinstance(record, CheckIn) and record.next is None and record.status in ("asked", "answering"):
            raise AssertionError("an open check-in without a next step")
        if isinstance(record, Incoming):
            assert record.status in ("read", "unreadable") or record.next is not None
