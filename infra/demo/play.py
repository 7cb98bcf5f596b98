"""Play a clinic for some weeks: its own list and visits, the service's own functions, people who answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput
from followup.domain.records import ClinicId
from followup.intake.columns import InfusionColumns, RosterColumns, read_columns
from followup.intake.infusions import InfusionRow, read_infusions
from followup.intake.judging import Intake
from followup.intake.rewrite import rewrite_roster, without_rejected_rows
from followup.intake.roster import RosterRow, read_roster
from followup.steps import clinics, imports
from infra.demo.machine import Machine
from infra.demo.office import Booking, Office
from infra.demo.phones import Phones

SENDS_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Course:
    """What is played: the clinic, its people, its visits."""

    clinic_id: ClinicId
    settings: ClinicSettings
    roster: Intake[RosterRow]
    visits: Intake[InfusionRow]


def read(
    clinic_id: ClinicId,
    settings: ClinicSettings,
    roster: Path,
    roster_columns: Path,
    infusions: Path,
    infusion_columns: Path,
    today: date,
    *,
    invented: bool,
) -> Course:
    """Read an export. Unless its people are invented, numbers and names are rewritten while reading; nothing is kept.

    Raises:
        BadInput: a file or a column map cannot be used; the message names it.
    """
    people_map = read_columns(roster_columns.read_bytes(), file=roster_columns.name, kind=RosterColumns)
    visits_map = read_columns(infusion_columns.read_bytes(), file=infusion_columns.name, kind=InfusionColumns)
    listed = read_roster(roster.read_bytes(), people_map, clinic_zone=settings.zone, today=today)
    people = listed if invented else rewrite_roster(listed)
    if people.unreadable:
        raise BadInput(f"{roster.name}: {people.problems[0].problem}; {people.problems[0].fix}")
    known = [row.record_number for row in people.good]
    visits = without_rejected_rows(
        read_infusions(infusions.read_bytes(), visits_map, clinic_zone=settings.zone, known=known, today=None)
    )
    if visits.unreadable:
        raise BadInput(f"{infusions.name}: {visits.problems[0].problem}; {visits.problems[0].fix}")
    if invented:
        visits = replace(visits, good=tuple(_held(row) for row in visits.good))
    return Course(clinic_id, settings, people, visits)


def _held(row: InfusionRow) -> InfusionRow:
    """A visit still to come when the list was made is held when its time comes."""
    return replace(row, status="completed") if row.status == "scheduled" else row


def busiest(rows: tuple[InfusionRow, ...], span: timedelta) -> datetime:
    """The start of the stretch of this length with the most infusions, at midnight UTC of its first visit's day.

    Raises:
        BadInput: there are no visits.
    """
    starts = sorted(row.start for row in rows if row.status == "completed")
    if not starts:
        raise BadInput("infusions: there is no completed visit to play")
    best, most = starts[0], 0
    for first, start in enumerate(starts):
        inside = sum(1 for other in starts[first:] if other < start + span)
        if inside > most:
            best, most = start, inside
    return best.replace(hour=0, minute=0, second=0, microsecond=0)


def play(
    course: Course,
    start: datetime,
    length: timedelta,
    *,
    seed: str,
    booking: Booking | None,
    on_day: Callable[[int], None],
) -> Machine:
    """Play from start on, with the people that the seed draws. `on_day` is told of each virtual day that is over."""
    machine = Machine(start, routine_per_minute=SENDS_A_MINUTE)
    with machine:
        phones = Phones(machine, seed)
        clinics.apply(machine.service, course.clinic_id, course.settings, who="demo", now=start)
        imports.patients(machine.service, course.clinic_id, course.roster, who="demo", now=start)
        office = Office(machine, course.clinic_id, course.settings, course.visits.good, booking)

        def outside(now: datetime) -> datetime | None:
            office.act(now)
            phones.write_due(now)
            machine.settle()
            return min(at for at in (office.next_at(), phones.next_at()) if at is not None)

        machine.on_moment = outside
        for day in range(length.days):
            machine.run_until(start + timedelta(days=day + 1))
            on_day(day + 1)
    return machine
