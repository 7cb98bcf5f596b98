"""Take in a judged file row by row. A row that cannot be taken is named; those before and after it stay taken."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from followup.domain.enrolment import Refusal
from followup.domain.errors import Conflict, Missing, StorageBusy
from followup.domain.records import ClinicId
from followup.intake.infusions import InfusionRow
from followup.intake.judging import Intake
from followup.intake.roster import RosterRow
from followup.intake.scores import ScoreRow
from followup.steps import enrolment, scoring
from followup.steps.service import Service
from followup.steps.visits import Recorder, by_patient

Place = Literal["phone", "consent_date", "record_number", "score", "row"]
"""The field that is wrong with a row; `row` stands for the whole of it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that the file itself has nothing against, and why it was not taken all the same."""

    row: int
    place: Place
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: how many of what, by name, and the rows that were not taken."""

    counts: Mapping[str, int]
    rejected: tuple[Rejected, ...]


_BUSY = (Conflict, StorageBusy)
"""The table's own trouble, which passes; the next row may well be taken."""
NOT_STORED = "could not be stored now"
AGAIN = "import the file again; what went in stays as it is"
DIFFERS = "another score stands for the same patient, questionnaire and time"
DIFFERS_FIX = "correct the date or the score; a stored score is never written over"
NOT_ENROLLED = "no enrolled patient has this record number"
NOT_ENROLLED_FIX = "correct it, or import the patient first"


def patients(service: Service, clinic_id: ClinicId, intake: Intake[RosterRow], *, who: str, now: datetime) -> Taken:
    """Enrol the good rows, and stop the texts of enrolled patients whom rejected rows speak against."""
    counts: Counter[str] = Counter()
    rejected: list[Rejected] = []
    for stop in intake.stops:
        if enrolment.stop(service, clinic_id, stop.record_number, stop.because, who=who, now=now, others=stop.others):
            counts["stopped"] += 1
    for number, row in zip(intake.rows, intake.good, strict=True):
        try:
            outcome = enrolment.enrol(service, clinic_id, row, who=who, now=now)
        except _BUSY:
            rejected.append(Rejected(number, "row", NOT_STORED, AGAIN))
            continue
        if isinstance(outcome, Refusal):
            rejected.append(Rejected(number, outcome.field, outcome.problem, outcome.fix))
        else:
            counts[outcome] += 1
    return Taken(counts, tuple(rejected))


def infusions(service: Service, clinic_id: ClinicId, intake: Intake[InfusionRow], *, who: str, now: datetime) -> Taken:
    """Record the good rows, patient by patient, so that each plan is made anew once."""
    counts: Counter[str] = Counter()
    rejected: list[Rejected] = []
    recorder = Recorder(service, clinic_id, who)
    numbers = {row.visit: number for number, row in zip(intake.rows, intake.good, strict=True)}
    moved: list[InfusionRow] = []
    for record_number, rows in by_patient(intake.good).items():
        try:
            changes = recorder.record(record_number, rows, now)
        except Missing:
            rejected += (Rejected(numbers[row.visit], "record_number", NOT_ENROLLED, NOT_ENROLLED_FIX) for row in rows)
            continue
        except _BUSY:
            rejected += (Rejected(numbers[row.visit], "row", NOT_STORED, AGAIN) for row in rows)
            continue
        counts.update(asdict(changes))
        moved += rows if changes.added else ()
    if moved:
        counts["taken from another patient"] = recorder.take_from_others(moved, now)
    return Taken(counts, tuple(sorted(rejected, key=lambda each: each.row)))


def scores(service: Service, clinic_id: ClinicId, intake: Intake[ScoreRow], *, who: str, now: datetime) -> Taken:
    """Store the good rows, in the order of the file."""
    counts: Counter[str] = Counter()
    rejected: list[Rejected] = []
    for number, row in zip(intake.rows, intake.good, strict=True):
        try:
            outcome = scoring.enter(service, clinic_id, row, who=who, now=now)
        except Missing:
            rejected.append(Rejected(number, "record_number", NOT_ENROLLED, NOT_ENROLLED_FIX))
            continue
        except _BUSY:
            rejected.append(Rejected(number, "row", NOT_STORED, AGAIN))
            continue
        if outcome == "differs":
            rejected.append(Rejected(number, "score", DIFFERS, DIFFERS_FIX))
        else:
            counts[outcome] += 1
    return Taken(counts, tuple(rejected))
