"""A clinic's visit list against a patient's plan: visits are added, moved, marked and taken out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain.clinic import VisitLengths
from followup.domain.records import Plan, Series, Session, SessionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An infusion visit as a list has it; `end` is none where the list gives none."""

    session_id: str
    start: datetime
    end: datetime | None
    status: SessionStatus
    series: Series
    route: str


@dataclass(frozen=True, slots=True)
class Changes:
    """How many visits of a list were new, changed, taken out, or stood already as listed."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0


def merge(plan: Plan, visits: Iterable[Visit], lengths: VisitLengths) -> Plan:
    """The plan with these visits, by start; the very same plan if they change nothing.

    A visit that the list does not mention stays: exports cover a period. One entered in error goes. Where the list
    gives no end, a known visit keeps its length and a new one gets the usual length of its route.
    """
    sessions = {session.session_id: session for session in plan.sessions}
    for visit in visits:
        if visit.status == "entered_in_error":
            sessions.pop(visit.session_id, None)
        else:
            sessions[visit.session_id] = _session(visit, sessions.get(visit.session_id), lengths)
    ordered = tuple(sorted(sessions.values(), key=lambda session: (session.start, session.session_id)))
    return plan if ordered == plan.sessions else replace(plan, sessions=ordered)


def without(plan: Plan, session_ids: Iterable[str]) -> Plan:
    """The plan without these visits; the very same plan if it has none of them."""
    gone = set(session_ids)
    kept = tuple(session for session in plan.sessions if session.session_id not in gone)
    return plan if kept == plan.sessions else replace(plan, sessions=kept)


def compare(before: Plan, visits: Sequence[Visit], after: Plan) -> Changes:
    """What the visits of a list did to a plan."""
    were = {session.session_id: session for session in before.sessions}
    are = {session.session_id: session for session in after.sessions}
    found = [(were.get(visit.session_id), are.get(visit.session_id)) for visit in visits]
    return Changes(
        added=sum(was is None and now is not None for was, now in found),
        changed=sum(was is not None and now is not None and was != now for was, now in found),
        removed=sum(was is not None and now is None for was, now in found),
        unchanged=sum(was == now for was, now in found),
    )


def _session(visit: Visit, held: Session | None, lengths: VisitLengths) -> Session:
    return Session(
        session_id=visit.session_id,
        start=visit.start,
        end=visit.end or visit.start + (held.end - held.start if held else _usual(visit.route, lengths)),
        status=visit.status,
        series=visit.series,
        route=visit.route,
    )


def _usual(route: str, lengths: VisitLengths) -> timedelta:
    return timedelta(minutes=dict(lengths.by_route).get(route, lengths.minutes))
