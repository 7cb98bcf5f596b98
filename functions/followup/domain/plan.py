"""From sessions to check-ins: what the next days should hold, against what is planned already, exactly once.

Planning again on its own result changes nothing, and the order in which visits were moved, marked and cancelled leaves
no trace in what is planned: a check-in is known by its planned time and kind.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from followup.domain.cadence import join_reminders, place, series_end, wanted_checkins
from followup.domain.clinic import ClinicSettings
from followup.domain.course import Course, course
from followup.domain.desk import called_off, desk_flags, withdraw
from followup.domain.eligibility import ineligible
from followup.domain.protocol import Protocol
from followup.domain.records import AnyRecord, Chart, Decision, Next, Plan
from followup.domain.settling import Standing, why_gone

__all__ = ["Course", "course", "replan", "series_end"]


def replan(chart: Chart, settings: ClinicSettings, protocol: Protocol, now: datetime) -> Decision:
    """All check-ins that the next days should hold, as writes against those that there are.

    The chart must reach back at least 8 days. Check-ins that were asked, or whose text may have left, stay as they
    are, and so do those whose window is past. The plan is always among the writes, with the time to look again.
    """
    patient, plan = chart.patient, chart.plan
    if patient is None or plan is None:
        return Decision("nothing to plan for")
    plan = replace(plan, called_off=called_off(plan, now))
    standing = Standing(chart, patient)
    writes: list[AnyRecord] = []
    refused = ineligible(patient, now)
    if refused:
        for held in chart.checkins:
            if standing.movable(held):
                writes.extend(standing.cancel(held, refused, now))
        return Decision(refused, (replace(plan, next=None), *writes, *withdraw(chart.flags, now)))

    here = course(plan, settings, now)
    wanted = wanted_checkins(plan.sessions, here, patient, protocol, now)
    open_ones = join_reminders(item for item in wanted if not standing.settled(item))
    placed = place(
        ((item, standing.waits(item, now)) for item in open_ones),
        standing.texted_on(now),
        here,
        patient,
        protocol,
        now,
    )
    for item in placed:
        writes.extend(standing.settle(item, now))
    kept = {item.wanted.checkin_id for item in placed}
    joined = {item.wanted.visit for item in placed if item.wanted.kind == "next_day"}
    for held in chart.checkins:
        if held.checkin_id not in kept and standing.movable(held) and held.until > now:
            writes.extend(standing.cancel(held, why_gone(held, plan, here, joined), now))
    flags = desk_flags(chart, patient, plan, here, settings, protocol, now)
    extended = replace(plan, next=Next("extend", _look_again(plan, here, protocol, now), "daily"))
    return Decision("planned", (extended, *writes, *flags))


def _look_again(plan: Plan, here: Course, protocol: Protocol, now: datetime) -> datetime:
    """The next moment at which something changes though nothing is recorded, or at which the horizon has moved on."""
    late = timedelta(minutes=protocol.unmarked_minutes)
    moments = [session.end + late for session in plan.sessions if session.status == "scheduled"]
    if here.changes_at is not None:
        moments.append(here.changes_at)
    return min([now + timedelta(days=protocol.roll_days), *(moment for moment in moments if moment > now)])
