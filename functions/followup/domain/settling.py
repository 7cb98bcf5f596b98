"""What planning may change about check-ins that exist, and the writes that bring them to what is wanted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from followup.domain import calendar
from followup.domain.cadence import CHAIN, OWN_SKIPS, Placed, Wanted, uncounted
from followup.domain.course import Course
from followup.domain.records import (
    Change,
    Chart,
    CheckIn,
    CheckInId,
    CheckInKind,
    Next,
    Patient,
    Plan,
    Text,
)

_ASKED = ("asked", "answering", "answered", "partly_answered", "expired")
_SAME_ASKING_DAYS = 3
"""Asked fewer days apart than this, one check-in stands for another: visits are corrected after the fact."""
_SPOKEN: dict[CheckInKind, str] = {
    "next_day": "next-day check",
    "day_3": "check of day 3",
    "day_7": "check of day 7",
    "day_14": "check of day 14",
    "weekly": "weekly check",
}
_HELD_BY_A_CAP = tuple(f"moved: {cap}" for cap in calendar.CAPPED)
_GONE = {"cancelled": "visit cancelled", "no_show": "visit missed", "entered_in_error": "visit entered in error"}


@dataclass(frozen=True, slots=True)
class Standing:
    """The check-ins of a patient as they stand."""

    chart: Chart
    patient: Patient

    def held(self, checkin_id: CheckInId) -> CheckIn | None:
        return next((held for held in self.chart.checkins if held.checkin_id == checkin_id), None)

    def leaving(self, held: CheckIn) -> bool:
        """Its text may have left, so that it can be neither changed nor taken back."""
        if held.status != "planned" or held.text_id is None:
            return False
        return self._unsent(held) is None

    def movable(self, held: CheckIn) -> bool:
        """Planned, and planning may still change it. The second day of a survey is the survey's own."""
        return held.status == "planned" and held.kind != "continued" and not self.leaving(held)

    def settled(self, wanted: Wanted) -> bool:
        """It was asked already, is being asked, or was decided on when its time came."""
        return any(self._stands_for(held, wanted) for held in self.chart.checkins)

    def waits(self, wanted: Wanted, now: datetime) -> datetime | None:
        """When it was due before, but is held until later: that later time. A cap is judged anew each time."""
        held = self.held(wanted.checkin_id)
        if held is None or held.status != "planned" or held.due > now or held.next is None or held.next.step != "ask":
            return None
        return None if held.trail[-1].reason in _HELD_BY_A_CAP else held.next.at

    def texted_on(self, now: datetime) -> tuple[date, ...]:
        """Local days of texts that have gone, today's too if one is just leaving, and of surveys to be continued."""
        today = calendar.local(now, self.patient.zone).date()
        days = self.patient.texted_on
        counted = (held for held in self.chart.checkins if not uncounted(held.kind, held.reasons))
        if today not in days and any(self.leaving(held) for held in counted):
            days = (*days, today)
        continued = (
            calendar.local(held.next.at, self.patient.zone).date()
            for held in self.chart.checkins
            if held.kind == "continued" and held.status == "planned" and held.text_id is None and held.next is not None
        )
        return (*days, *continued)

    def texted_beside(self, now: datetime) -> tuple[date, ...]:
        """Local days of texts that have gone, or are just leaving, and that the weekly caps do not count."""
        beside = [held for held in self.chart.checkins if uncounted(held.kind, held.reasons)]
        gone = [calendar.local(held.asked_at, self.patient.zone).date() for held in beside if held.asked_at]
        leaving = [calendar.local(now, self.patient.zone).date()] if any(map(self.leaving, beside)) else []
        return (*gone, *leaving)

    def settle(self, placed: Placed, now: datetime) -> tuple[CheckIn | Text, ...]:
        """The writes, if any, that make the stored check-in what is wanted."""
        wanted, held = placed.wanted, self.held(placed.wanted.checkin_id)
        then = _then(placed)
        if held is None:
            status, why = _beginning(placed)
            return (replace(_new(wanted, self.patient, status, why, now), next=then),)
        same = _with(held, wanted) == held
        if held.text_id is not None:  # what it asks was decided when it was asked
            same = replace(_with(held, wanted), questions=held.questions) == held
        if placed.at is None:
            reason = placed.reason or ""
            if same and held.status == "skipped" and held.trail[-1].reason == reason:
                return ()
            return self._rewrite(held, wanted, "skipped", reason, None, now)
        if held.status != "planned":
            return self._rewrite(held, wanted, "planned", "planned again", then, now)
        being_asked = held.text_id is not None and placed.at <= now
        if same and (being_asked or held.next == then):
            return ()
        return self._rewrite(held, wanted, "planned", _why_changed(held, placed), then, now)

    def cancel(self, held: CheckIn, reason: str, now: datetime) -> tuple[CheckIn | Text, ...]:
        """Cancel a check-in that may still be changed, and its text if that was not handed over yet."""
        return (held.into("cancelled", reason, now), *self._dropped(held, reason, now))

    def _rewrite(
        self, held: CheckIn, wanted: Wanted, status: str, reason: str, then: Next | None, now: datetime
    ) -> tuple[CheckIn | Text, ...]:
        changed = replace(_with(held, wanted), text_id=None).into(status, reason, now, then=then)
        return (changed, *self._dropped(held, reason, now))

    def _dropped(self, held: CheckIn, reason: str, now: datetime) -> tuple[Text, ...]:
        text = self._unsent(held)
        return (text.into("dropped", reason, now),) if text else ()

    def _unsent(self, held: CheckIn) -> Text | None:
        texts = (t for t in self.chart.texts if t.text_id == held.text_id and t.status == "planned")
        return next(texts, None)

    def _stands_for(self, held: CheckIn, wanted: Wanted) -> bool:
        if held.status == "skipped":
            return held.checkin_id == wanted.checkin_id and held.trail[-1].reason not in OWN_SKIPS
        if held.status not in _ASKED and not self.leaving(held):
            return False
        if held.checkin_id == wanted.checkin_id:
            return True
        zone = self.patient.zone
        if wanted.kind == "reminder":
            return _same_day(held.visit, wanted.visit, zone)
        near = abs((calendar.local(held.due, zone).date() - wanted.day).days) < _SAME_ASKING_DAYS
        if wanted.kind == "survey":
            return near and set(wanted.reasons) <= set(held.reasons)
        if wanted.kind in CHAIN:
            asks_as_much = held.kind == wanted.kind or set(wanted.questions) <= set(held.questions)
            return near and held.kind in CHAIN and asks_as_much
        if wanted.kind == "baseline":
            return "baseline" in (held.kind, *held.joined) and held.session_id == wanted.session_id
        return near and (held.kind, held.session_id) == (wanted.kind, wanted.session_id)


def why_gone(held: CheckIn, plan: Plan, course: Course, joined: Iterable[Wanted], zone: str) -> str:
    """Why a check-in that was planned is not wanted any more."""
    session = next((session for session in plan.sessions if session.session_id == held.session_id), None)
    if held.session_id is not None and session is None:
        return "visit no longer recorded"
    if session is not None and session.status in _GONE:
        return _GONE[session.status]
    its_day = calendar.local(held.due, zone).date()
    other = next((item for item in joined if item.day == its_day and held.kind in item.joined), None)
    if other is not None and (held.visit is None or other.visit == held.visit):
        return f"joined with the {_SPOKEN.get(other.kind, other.kind)}"
    if held.kind in CHAIN:
        last = course.last_infusion
        if course.phase != "after":
            return "the series goes on"
        if last is not None and last.session_id != held.session_id:
            return "a later visit was recorded"
        return "no longer called for"
    if held.kind == "reminder" and session is not None and session.status == "completed":
        return "visit marked completed"
    return "visit moved"


def _then(placed: Placed) -> Next | None:
    if placed.at is None:
        return None
    if placed.wanted.provisional:
        return Next("expire", placed.wanted.until, "routine")
    return Next("ask", placed.at, "routine")


def _beginning(placed: Placed) -> tuple[str, str]:
    if placed.at is None:
        return "skipped", placed.reason or ""
    if placed.wanted.provisional:
        return "planned", "waits for its visit to be marked completed"
    return "planned", f"moved: {placed.reason}" if placed.reason else "planned"


def _why_changed(held: CheckIn, placed: Placed) -> str:
    wanted = placed.wanted
    if held.provisional != wanted.provisional:
        return "visit not marked completed any more" if wanted.provisional else "visit marked completed"
    if held.visit != wanted.visit:
        if wanted.visit is None:
            return "visit not reminded of any more"
        return "visit moved" if held.visit else "visit reminded of beside the questions"
    if placed.reason:
        return f"moved: {placed.reason}"
    if held.next is not None and held.next != _then(placed):
        return "back at its own time"
    return "visit or protocol changed"


def _with(held: CheckIn, wanted: Wanted) -> CheckIn:
    return replace(
        held,
        due=wanted.due,
        until=wanted.until,
        session_id=wanted.session_id,
        visit=wanted.visit,
        joined=wanted.joined,
        reasons=wanted.reasons,
        provisional=wanted.provisional,
        questions=wanted.questions,
    )


def _new(wanted: Wanted, patient: Patient, status: str, reason: str, now: datetime) -> CheckIn:
    return CheckIn(
        status=status,
        trail=(Change(now, status, reason),),
        patient_id=patient.patient_id,
        checkin_id=wanted.checkin_id,
        kind=wanted.kind,
        due=wanted.due,
        until=wanted.until,
        session_id=wanted.session_id,
        visit=wanted.visit,
        joined=wanted.joined,
        reasons=wanted.reasons,
        provisional=wanted.provisional,
        questions=wanted.questions,
    )


def _same_day(one: datetime | None, other: datetime | None, zone: str) -> bool:
    if one is None or other is None:
        return False
    return calendar.local(one, zone).date() == calendar.local(other, zone).date()
