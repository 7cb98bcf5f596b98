"""From sessions to check-ins: what the next days should hold, against what is planned already, exactly once.

Planning again on its own result changes nothing, and the order in which visits were moved, marked and cancelled leaves
no trace in what is planned: a check-in is known by its planned time and kind.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from followup.domain import calendar
from followup.domain.cadence import Setting, join, place, series_end, wanted_checkins
from followup.domain.clinic import ClinicSettings
from followup.domain.course import Course, course
from followup.domain.desk import called_off, desk_flags, withdraw
from followup.domain.eligibility import ineligible
from followup.domain.protocol import Protocol
from followup.domain.records import AnyRecord, Chart, Decision, Next, Plan, SurveyRequest
from followup.domain.settling import Standing, why_gone

__all__ = ["Course", "course", "replan", "series_end"]

_REQUESTS_KEPT = timedelta(days=14)
"""So long after it was due a request is remembered, so that what asked for it does not ask again at once."""


def replan(chart: Chart, settings: ClinicSettings, protocol: Protocol, now: datetime) -> Decision:
    """All check-ins that the next days should hold, as writes against those that there are.

    The chart must reach back at least 8 days. Check-ins that were asked, or whose text may have left, stay as they
    are, and so do those whose window is past. The plan is always among the writes, with the time to look again.
    """
    patient, plan = chart.patient, chart.plan
    if patient is None or plan is None:
        return Decision("nothing to plan for")
    today = calendar.local(now, patient.zone).date()
    plan = replace(plan, called_off=called_off(plan, now), requests=_standing_requests(plan, today))
    standing = Standing(chart, patient)
    writes: list[AnyRecord] = []
    refused = ineligible(patient, now)
    if refused:
        for held in chart.checkins:
            if standing.movable(held):
                writes.extend(standing.cancel(held, refused, now))
        return Decision(refused, (replace(plan, next=None), *writes, *withdraw(chart.flags, now)))

    here = course(plan, settings, now)
    setting = Setting(patient, here, settings, protocol)
    wanted = (item for item in wanted_checkins(plan, setting, now) if not standing.settled(item))
    placed = place(
        ((item, standing.waits(item, now)) for item in join(wanted, setting)),
        standing.texted_on(now),
        standing.texted_beside(now),
        setting,
        now,
    )
    for item in placed:
        writes.extend(standing.settle(item, now))
    kept = {item.wanted.checkin_id for item in placed}
    joined = [item.wanted for item in placed if item.wanted.joined]
    for held in chart.checkins:
        if held.checkin_id not in kept and standing.movable(held) and held.until > now:
            writes.extend(standing.cancel(held, why_gone(held, plan, here, joined, patient.zone), now))
    flags = desk_flags(chart, patient, plan, here, settings, protocol, now)
    extended = replace(plan, next=Next("extend", _look_again(plan, here, protocol, now), "daily"))
    return Decision("planned", (extended, *writes, *flags))


def _standing_requests(plan: Plan, today: date) -> tuple[SurveyRequest, ...]:
    return tuple(request for request in plan.requests if today - request.due <= _REQUESTS_KEPT)


def _look_again(plan: Plan, here: Course, protocol: Protocol, now: datetime) -> datetime:
    """The next moment at which something changes though nothing is recorded, or at which the horizon has moved on."""
    late = timedelta(minutes=protocol.unmarked_minutes)
    moments = [session.end + late for session in plan.sessions if session.status == "scheduled"]
    if here.changes_at is not None:
        moments.append(here.changes_at)
    return min([now + timedelta(days=protocol.roll_days), *(moment for moment in moments if moment > now)])


def next_survey(chart: Chart) -> datetime | None:
    """When the next survey that a clinician asked for is asked; none if none is planned."""
    planned = (
        held.next.at
        for held in chart.checkins
        if held.status == "planned" and "clinician" in held.reasons and held.next is not None
    )
    return min(planned, default=None)
