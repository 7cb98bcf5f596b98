"""Where a patient stands in the course of infusions: before the series, in it, or after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from followup.domain.clinic import ClinicSettings
from followup.domain.records import Plan, Session

Phase = Literal["before", "series", "after"]

SERIES_LIMIT = timedelta(days=14)
"""With nothing booked for so long after an infusion, the series counts as over until staff answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where the patient stands now."""

    phase: Phase
    infusions: int = 0
    """Completed infusions, all series."""
    last_infusion: Session | None = None
    series_ended_at: datetime | None = None
    """After the series: the end of its last infusion, from which days 3 and 7 and the reference scores count. When no
    infusion is known, the time that staff gave; none if the patient came here after the series."""
    series_question: bool = False
    """Nothing was booked for 14 days and nobody has said that the series is over."""
    changes_at: datetime | None = None
    """When this changes without any event, if nothing is recorded before."""

    @property
    def last_infusion_end(self) -> datetime | None:
        return self.last_infusion.end if self.last_infusion else None


@dataclass(frozen=True, slots=True)
class _Series:
    """Induction sessions that belong together, by start; `moved_on` once a maintenance session follows them."""

    sessions: tuple[Session, ...]
    moved_on: bool = False

    @property
    def completed(self) -> tuple[Session, ...]:
        return tuple(session for session in self.sessions if session.status == "completed")


def course(plan: Plan, settings: ClinicSettings, now: datetime) -> Course:
    """Judge the course by its sessions.

    The series ends at its last planned session, when staff say so, or after 14 days with nothing booked. Its last
    planned session is the one that completes the clinic's number, or the last one before a maintenance session. A
    visit that nobody marked counts as booked for 14 days after its planned end.
    """
    held = sorted(
        (s for s in plan.sessions if s.status == "completed" or _pending(s, now)), key=lambda s: (s.start, s.session_id)
    )
    completed = [session for session in held if session.status == "completed"]
    if not completed:
        ended = plan.series_ended_on is not None and plan.series_ended_on <= now
        return Course(phase="after", series_ended_at=plan.series_ended_on) if ended else Course(phase="before")
    last = completed[-1]
    begun = [series for series in _series_of(held, plan, settings) if series.completed]
    here = Course(
        phase="after",
        infusions=len(completed),
        last_infusion=last,
        series_ended_at=begun[-1].completed[-1].end if begun else None,
    )
    if last.series == "maintenance":
        return here
    series = begun[-1]
    if plan.series_ended_on is not None and last.start <= plan.series_ended_on <= now:
        return here
    ahead = [session for session in series.sessions if session.start > last.start]
    if ahead:
        limit = max(session.end for session in ahead) + SERIES_LIMIT
        return replace(here, phase="series", series_ended_at=None, changes_at=limit)
    if series.moved_on or (settings.series_sessions and len(series.completed) >= settings.series_sessions):
        return here
    limit = last.end + SERIES_LIMIT
    if now >= limit:
        return replace(here, series_question=True)
    return replace(here, phase="series", series_ended_at=None, changes_at=limit)


def _pending(session: Session, now: datetime) -> bool:
    return session.status == "scheduled" and session.end + SERIES_LIMIT > now


def _series_of(held: Sequence[Session], plan: Plan, settings: ClinicSettings) -> list[_Series]:
    found: list[_Series] = []
    for session in held:
        if session.series == "maintenance":
            if found:
                found[-1] = replace(found[-1], moved_on=True)
        elif not found or _opens_another(found[-1], session, plan, settings):
            found.append(_Series((session,)))
        else:
            found[-1] = replace(found[-1], sessions=(*found[-1].sessions, session))
    return found


def _opens_another(series: _Series, session: Session, plan: Plan, settings: ClinicSettings) -> bool:
    last = series.sessions[-1]
    said = plan.series_ended_on
    full = settings.series_sessions is not None and len(series.sessions) >= settings.series_sessions
    return (
        series.moved_on
        or (said is not None and last.start <= said < session.start)
        or (full and session.start - last.end > SERIES_LIMIT)
    )
