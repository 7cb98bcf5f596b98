"""Who would get which text when: the service's own planning and wording, run ahead without writing anything."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain import attempt, calendar, checkin
from followup.domain.clinic import ClinicSettings
from followup.domain.plan import replan
from followup.domain.protocol import CheckInRule, Protocol
from followup.domain.records import (
    Chart,
    CheckIn,
    CheckInId,
    CheckInKind,
    ClinicId,
    Consent,
    Language,
    Patient,
    PatientId,
    Session,
    Text,
    ThreadId,
)
from followup.domain.riding import planned_questions
from followup.domain.script import Script
from followup.domain.segments import count


@dataclass(frozen=True, slots=True)
class Forecast:
    """A text to come. Without a body it will not be sent, and `note` says why."""

    at: datetime
    kind: CheckInKind
    body: str
    note: str = ""
    questions: int = 0
    """How many questions it holds: each further one is a text of its own once the one before is answered."""

    @property
    def segments(self) -> int:
        return count(self.body).segments if self.body else 0


def forecast(
    chart: Chart, settings: ClinicSettings, protocol: Protocol, script: Script, now: datetime, days: int
) -> Iterator[Forecast]:
    """The texts that open a conversation in the next days, as if every visit were held and nobody answered.

    Nudges come only where an answer stays out, so they are not among them.
    """
    until = now + timedelta(days=days)
    ahead = chart.after(replan(chart, settings, protocol, now).writes)
    for held in ahead.checkins:
        if held.status == "planned" and held.provisional and _ended(held, ahead, now) and held.due <= until:
            yield Forecast(held.due, held.kind, "", "waits for its visit to be marked completed")
    while True:
        asking, visit = _next_asked(ahead), _next_held(ahead, now)
        if visit is not None and visit.end <= until and (asking is None or visit.end <= asking[0]):
            ahead = _marked(ahead, visit, settings, protocol)
            continue
        if asking is None or asking[0] > until:
            return
        at, coming = asking
        asked = checkin.ask(coming, ahead, settings, protocol, script, max(at, now))
        ahead = ahead.after(asked.writes or (coming.into("skipped", asked.reason, now),))
        text = next((write for write in asked.writes if isinstance(write, Text)), None)
        if text is not None:
            opened = next(write for write in asked.writes if isinstance(write, CheckIn))
            yield Forecast(at, coming.kind, text.body, questions=len(opened.questions))
            ahead = _sent(ahead, coming, text, settings, protocol, max(at, now))
        elif not asked.reason.startswith("moved"):
            yield Forecast(at, coming.kind, "", f"not sent: {asked.reason}")


def _next_asked(chart: Chart) -> tuple[datetime, CheckIn] | None:
    planned = (
        (held.next.at, held)
        for held in chart.checkins
        if held.status == "planned" and held.next is not None and held.next.step == "ask" and held.text_id is None
    )
    return min(planned, key=lambda pair: (pair[0], pair[1].checkin_id), default=None)


def _next_held(chart: Chart, now: datetime) -> Session | None:
    """The next visit to end: one that is over already waits for somebody to mark it."""
    sessions = chart.plan.sessions if chart.plan else ()
    coming = (session for session in sessions if session.status == "scheduled" and session.end > now)
    return min(coming, key=lambda session: session.end, default=None)


def _ended(held: CheckIn, chart: Chart, now: datetime) -> bool:
    sessions = chart.plan.sessions if chart.plan else ()
    return any(session.session_id == held.session_id and session.end <= now for session in sessions)


def _marked(chart: Chart, visit: Session, settings: ClinicSettings, protocol: Protocol) -> Chart:
    """The chart once this visit is marked completed at its planned end."""
    plan = chart.plan
    if plan is None:
        return chart
    done = replace(visit, status="completed")
    sessions = tuple(done if each.session_id == visit.session_id else each for each in plan.sessions)
    marked = replace(chart, plan=replace(plan, sessions=sessions))
    return marked.after(replan(marked, settings, protocol, visit.end).writes)


def _sent(
    chart: Chart, coming: CheckIn, text: Text, settings: ClinicSettings, protocol: Protocol, at: datetime
) -> Chart:
    """The chart once the text is sent: it counts against the caps, and its check-in is asked."""
    claimed = chart.after(attempt.claim(text, chart, settings, protocol, "forecast", at).decision.writes)
    if claimed.patient is None:
        return claimed
    asked = next(held for held in claimed.checkins if held.checkin_id == coming.checkin_id)
    return claimed.after(checkin.accepted(asked, claimed, claimed.patient, protocol, at, at))


@dataclass(frozen=True, slots=True)
class Example:
    """What a kind of check-in looks like: when it is asked, and its opening text."""

    kind: CheckInKind
    when: str
    language: Language
    body: str


def examples(settings: ClinicSettings, protocol: Protocol, script: Script, now: datetime) -> Iterator[Example]:
    """Every kind of check-in of a protocol in every language, for a patient who never was."""
    today = calendar.local(now, settings.zone).date()
    day = calendar.survey_day_from(today + timedelta(days=1), settings, protocol.survey_hours) or today
    moment = calendar.at_local(day, protocol.survey_hours.earliest, settings.zone)
    for rule in protocol.checkins:
        if rule.kind == "continued":
            continue
        for language in script.texts.languages:
            patient = Patient(
                status="active",
                patient_id=PatientId("example"),
                clinic_id=ClinicId("example"),
                record_number="",
                name="",
                phone="",
                language=language,
                zone=settings.zone,
                born=today.replace(year=today.year - 40, day=1),
                condition="depression",
                consent=Consent("example", "", today),
                noticed_on=today,
            )
            chart = Chart(ThreadId(patient.patient_id), patient=patient)
            asked = checkin.ask(_example(rule, protocol, moment), chart, settings, protocol, script, moment)
            body = next(write.body for write in asked.writes if isinstance(write, Text))
            yield Example(rule.kind, _when(rule, protocol), language, body)


def _example(rule: CheckInRule, protocol: Protocol, moment: datetime) -> CheckIn:
    return CheckIn(
        status="planned",
        patient_id=PatientId("example"),
        checkin_id=CheckInId(f"{moment:%Y-%m-%dT%H:%MZ}.{rule.kind}"),
        kind=rule.kind,
        due=moment,
        until=moment,
        visit=moment + timedelta(days=1) if rule.kind == "reminder" else None,
        questions=planned_questions((rule.kind,), "depression", protocol),
    )


def _when(rule: CheckInRule, protocol: Protocol) -> str:
    spread = f"{protocol.spread.earliest:%H:%M}-{protocol.spread.latest:%H:%M}"
    at = f"{rule.at:%H:%M}" if rule.at else spread
    if rule.hours is not None:
        return f"+{rule.hours} h, by {at}"
    if rule.day is not None:
        return f"day {rule.day:+d}, {at}"
    chain = protocol.chain
    match rule.kind:
        case "extra_mood":
            return f"day +{chain.extra_day} of {chain.extra_weeks} weeks, {at}"
        case "weekly":
            return f"{_links(protocol)}, {at}"
        case "baseline":
            return f"before the first visit, {at}"
        case _:
            return f"when asked for, {at}"


def _links(protocol: Protocol) -> str:
    """The chain in words, e.g. "every 7 days for 12 weeks, then every 14"."""
    said: list[str] = []
    for link in protocol.chain.links:
        days = f"every {link.every_days}" + (" days" if not said else "")
        said.append(days if link.for_weeks is None else f"{days} for {link.for_weeks} weeks")
    return ", then ".join(said)
