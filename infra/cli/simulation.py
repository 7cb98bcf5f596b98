"""One invented patient's course, played on the service's own functions: every text that passes, either way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from followup import content, keys
from followup.adapters.memory import MemoryText
from followup.domain import calendar
from followup.domain.checkin import OPEN
from followup.domain.clinic import ClinicSettings
from followup.domain.records import (
    CheckIn,
    Clinic,
    ClinicId,
    Condition,
    Consent,
    Language,
    Next,
    Patient,
    PatientId,
    PhoneLink,
    Plan,
    Question,
    Sender,
    Series,
    Session,
    Text,
    TextId,
)
from followup.steps import plans
from infra.demo.machine import Machine

Answers = Literal["all", "some", "silent", "relapses"]
"""Answers every text; every other check-in; none; every text, and loses the gain from the fifth week on."""

CLINIC: Final = ClinicId("simulated")
PATIENT: Final = PatientId("simulated")
PHONE: Final = "+13125550123"
ANSWERED_AFTER: Final = timedelta(minutes=10)
VISIT_AT: Final = time(13)
VISIT: Final = timedelta(hours=1)
_BEFORE, _AFTER = 0.8, 0.2
"""How bad it is, from 0 to 1, before the first infusion and after the series."""
_RELAPSE_FROM_DAY, _RELAPSE_DAYS = 28, 42


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who is simulated, and how the course runs."""

    condition: Condition
    language: Language
    starts: date
    """Day of the enrolment; the first visit follows a week later."""
    weeks: int
    sessions: int
    every_days: int
    maintenance_every_days: int | None
    answers: Answers
    baseline_known: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One text: ours, with its kind, or the patient's (no kind)."""

    at: datetime
    body: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """All that passed, and which check-ins were skipped and why."""

    lines: tuple[Line, ...]
    skipped: tuple[tuple[datetime, str, str], ...]
    flags: tuple[tuple[datetime, str], ...]


def play(scenario: Scenario, settings: ClinicSettings) -> Played:
    """Run the whole course; nothing leaves this process."""
    start = calendar.at_local(scenario.starts, time(8), settings.zone)
    machine = Machine(start)
    with machine:
        phone = _Phone(machine, scenario, settings)
        _enrol(machine, scenario, settings, start)
        visits = _visits(scenario, settings)
        plans.change(machine.service, PATIENT, lambda plan: replace(plan, sessions=visits), start)
        to_mark = sorted(visits, key=lambda visit: visit.end)

        def outside(now: datetime) -> datetime | None:
            while to_mark and to_mark[0].end <= now:
                _mark(machine, to_mark.pop(0), now)
            phone.write_due(now)
            machine.settle()
            moments = [to_mark[0].end] if to_mark else []
            return min([*moments, *phone.waiting()], default=None)

        machine.on_moment = outside
        machine.run_until(start + timedelta(weeks=scenario.weeks))
        chart = machine.records.chart(phone.thread, None)
    skipped = tuple((each.due, each.kind, each.trail[-1].reason) for each in chart.checkins if each.status == "skipped")
    flags = tuple((flag.born, flag.rule) for flag in chart.flags)
    return Played(tuple(phone.lines), skipped, flags)


class _Phone:
    """The patient's phone: takes down what arrives, and answers as the scenario says."""

    def __init__(self, machine: Machine, scenario: Scenario, settings: ClinicSettings) -> None:
        self._machine, self._scenario, self._settings = machine, scenario, settings
        self._questions = content.load().questions
        self._replies: list[tuple[datetime, str]] = []
        self.thread = _patient(scenario, settings).thread
        self.lines: list[Line] = []
        machine.on_text = self._arrived

    def waiting(self) -> Iterator[datetime]:
        return (at for at, _ in self._replies)

    def write_due(self, now: datetime) -> None:
        due, self._replies = [r for r in self._replies if r[0] <= now], [r for r in self._replies if r[0] > now]
        for _, words in due:
            self.lines.append(Line(now, words))
            self._machine.patient_writes(PHONE, self._settings.sender, words)

    def _arrived(self, text: MemoryText) -> None:
        record = self._machine.records.get(keys.text(TextId(text.order.text_id)))
        now = self._machine.clock.now()
        if not isinstance(record, Text):
            return
        chart = self._machine.records.chart(self.thread, None)
        waiting = [each for each in chart.checkins if each.status in OPEN and each.open_question]
        asked = max(waiting, key=lambda each: each.asked_at or each.due, default=None)
        opens = asked is not None and record.kind == "check_in"
        self.lines.append(Line(now, record.body, asked.kind if asked and opens else record.kind))
        if asked is not None and asked.open_question is not None and self._answers(asked, len(chart.checkins)):
            value = self._value(asked.open_question, now)
            self._replies.append((now + ANSWERED_AFTER, value))

    def _answers(self, asked: CheckIn, known: int) -> bool:
        match self._scenario.answers:
            case "silent":
                return False
            case "some":
                return asked.due.date().toordinal() % 2 == 0
            case _:
                return known > 0

    def _value(self, question: Question, now: datetime) -> str:
        asked = self._questions.asked(question)
        if asked.form == "words":
            return "a little tired"
        if question == "visit":
            return "1"
        if question == "phq9:9" or asked.form in ("yes_no", "effects"):
            stored = 0
        else:
            bad = self._severity(now)
            better_high = asked.best is not None and asked.best == asked.high
            stored = round(asked.low + (1 - bad if better_high else bad) * (asked.high - asked.low))
        return str(next(digit for digit, value in asked.shown if value == stored))

    def _severity(self, now: datetime) -> float:
        scenario = self._scenario
        today = calendar.local(now, self._settings.zone).date()
        first = scenario.starts + timedelta(days=7)
        length = max(1, (scenario.sessions - 1) * scenario.every_days)
        gone = min(1.0, max(0, (today - first).days) / length)
        bad = _BEFORE + (_AFTER - _BEFORE) * gone
        if scenario.answers != "relapses":
            return bad
        lost = (today - first).days - length - _RELAPSE_FROM_DAY
        return bad + (_BEFORE - _AFTER) * min(1.0, max(0.0, lost / _RELAPSE_DAYS))


def _patient(scenario: Scenario, settings: ClinicSettings) -> Patient:
    return Patient(
        status="active",
        patient_id=PATIENT,
        clinic_id=CLINIC,
        record_number="SIMULATED",
        name="Simulated Patient",
        phone=PHONE,
        language=scenario.language,
        zone=settings.zone,
        born=date(1980, 1, 1),
        condition=scenario.condition,
        consent=Consent("simulated", "1", scenario.starts),
        baseline_phq9=18 if scenario.baseline_known else None,
    )


def _enrol(machine: Machine, scenario: Scenario, settings: ClinicSettings, start: datetime) -> None:
    patient = replace(_patient(scenario, settings), next=Next("assess", start + timedelta(hours=1), "daily"))
    service = machine.service
    service.records.commit(
        Clinic(clinic_id=CLINIC, settings=settings),
        Sender(sender_key=service.phones.key(settings.sender), clinic_id=CLINIC),
        PhoneLink(phone_key=service.phones.key(PHONE), clinic_id=CLINIC, patient_ids=(PATIENT,)),
        patient,
        Plan(patient_id=PATIENT, clinic_id=CLINIC),
    )


def _visits(scenario: Scenario, settings: ClinicSettings) -> tuple[Session, ...]:
    first = scenario.starts + timedelta(days=7)
    series = [first + timedelta(days=scenario.every_days * n) for n in range(scenario.sessions)]
    later: list[date] = []
    if scenario.maintenance_every_days is not None:
        ends = scenario.starts + timedelta(weeks=scenario.weeks)
        day = series[-1] + timedelta(days=scenario.maintenance_every_days)
        while day < ends:
            later.append(day)
            day += timedelta(days=scenario.maintenance_every_days)
    return (*_sessions(series, "induction", settings), *_sessions(later, "maintenance", settings))


def _sessions(days: Sequence[date], series: Series, settings: ClinicSettings) -> Iterator[Session]:
    for number, planned in enumerate(days, start=1):
        day = planned
        while day.weekday() not in {hours.weekday for hours in settings.hours} or day in settings.closed_on:
            day += timedelta(days=1)
        start = calendar.at_local(day, VISIT_AT, settings.zone)
        yield Session(f"{series}-{number}", start, start + VISIT, "scheduled", series, "iv")


def _mark(machine: Machine, visit: Session, now: datetime) -> None:
    def completed(plan: Plan) -> Plan:
        held = (replace(s, status="completed") if s.session_id == visit.session_id else s for s in plan.sessions)
        return replace(plan, sessions=tuple(held))

    plans.change(machine.service, PATIENT, completed, now)
