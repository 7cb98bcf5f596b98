"""Two silent weeks: shown on Mondays once in 14 days, daily where silence may mean harm."""

from datetime import datetime, timedelta
from typing import Final

from followup.domain.clinic import ClinicSettings
from followup.domain.findings import Case, Finding, Verdict, settle
from followup.domain.records import Chart, Decision

SILENT_FOR: Final = timedelta(days=14)
UNANSWERED: Final = 2
"""Check-ins that must have been asked and left without an answer: silence counts only where something was asked."""
LOW_MOOD: Final = 3
"""A last mood at or below this (0 worst, 10 best) makes silence a daily matter."""
ALERT_WITHIN: Final = timedelta(days=28)
EARLY_INFUSIONS: Final = 2

_MONDAY: Final = 0


def judge(chart: Chart, settings: ClinicSettings, now: datetime) -> Decision:
    """Raise, keep or withdraw the flag on a patient's silence, judged on the whole history up to `now`."""
    if chart.patient is None:
        return Decision("no such patient")
    case = Case.of(chart, chart.patient, settings, now)
    writes = settle(two_silent_weeks(case), case)
    return Decision("flags changed" if writes else "nothing changed", tuple(writes))


def two_silent_weeks(case: Case) -> Verdict:
    """No text from the patient for 14 days although check-ins were asked; withdrawn when the patient writes."""
    family = "silence"
    if case.patient.status != "active":
        return Verdict(family, None, because="patient gets no texts now")
    last = _last_word(case)
    unanswered = [
        checkin.asked_at
        for checkin in case.checkins
        if checkin.status == "expired" and checkin.asked_at is not None and (last is None or checkin.asked_at > last)
    ]
    if len(unanswered) < UNANSWERED:
        return Verdict(family, None, because="patient wrote")
    since = last or min(unanswered)
    if case.now - since < SILENT_FOR:
        return Verdict(family, None, because="patient wrote")
    # The number of weeks grows by two at a time, so that the flag is news again only once in 14 days.
    numbers = [("last", case.day(since).isoformat()), ("weeks", str((case.now - since) // SILENT_FOR * 2))]
    watched = _watched(case)
    if watched is not None:
        numbers.append(("watched", watched))
    finding = Finding(
        about=case.day(since).isoformat(),
        rule="silent_two_weeks" if last is not None else "never_answered",
        group="silent",
        numbers=tuple(numbers),
        only_keeps=watched is None and case.today.weekday() != _MONDAY,
    )
    return Verdict(family, finding)


def _last_word(case: Case) -> datetime | None:
    """The last sign of the patient: a text that came in, whatever it said, or an answer that was read."""
    texts = [incoming.received for incoming in case.incoming]
    answers = [answer.at for checkin in case.checkins for answer in checkin.answers if answer.at <= case.now]
    return max(texts + answers, default=None)


def _watched(case: Case) -> str | None:
    """Why this silence is shown daily, or none: a low last mood, a recent alert, or the first two infusions."""
    moods = case.readings("mood")
    if moods and moods[-1].value <= LOW_MOOD:
        return "low_mood"
    if any(case.now - alert.opened <= ALERT_WITHIN for alert in case.alerts):
        return "recent_alert"
    if case.course.phase == "series" and 1 <= len(case.infusions) <= EARLY_INFUSIONS:
        return "early_infusion"
    return None
