"""Record infusion visits from a clinic's list: each patient's plan is changed and planned anew once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from followup import keys
from followup.domain import visits as domain
from followup.domain.errors import Missing
from followup.domain.records import Audit, ClinicId, Plan
from followup.domain.visits import Changes, Visit
from followup.intake.infusions import InfusionRow
from followup.steps import plans
from followup.steps.auditing import audit
from followup.steps.clinics import patients_of
from followup.steps.enrolment import patient_id
from followup.steps.service import Service

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records visits of one clinic in somebody's name."""

    service: Service
    clinic_id: ClinicId
    who: str

    def record(self, record_number: str, rows: Sequence[InfusionRow], now: datetime) -> Changes:
        """Bring one patient's plan to these visits; what stands already is not written again.

        Raises:
            Missing: no such patient is enrolled.
        """
        service, lengths = self.service, self.service.settings(self.clinic_id).visits
        patient = patient_id(service, self.clinic_id, record_number)
        if service.records.get(keys.patient(patient)) is None:
            raise Missing(f"patient {patient} does not exist")
        listed = [_visit(row) for row in rows]
        stored = service.records.get(keys.plan(patient), consistent=True)
        before = stored if isinstance(stored, Plan) else Plan(patient_id=patient, clinic_id=self.clinic_id)
        after = domain.merge(before, listed, lengths)
        if after is not before:
            log = self._log(f"patient {patient}", now)
            plans.change(service, patient, lambda plan: domain.merge(plan, listed, lengths), now, beside=(log,))
        return domain.compare(before, listed, after)

    def take_from_others(self, rows: Iterable[InfusionRow], now: datetime) -> int:
        """Visits that a list gives to another patient than before leave the earlier one's plan. Says how many did."""
        owners = {row.visit: patient_id(self.service, self.clinic_id, row.record_number) for row in rows}
        taken = 0
        everybody = [keys.plan(patient.patient_id) for patient in patients_of(self.service, self.clinic_id)]
        for start in range(0, len(everybody), _AT_ONCE):
            for plan in self.service.records.get_many(everybody[start : start + _AT_ONCE]):
                if not isinstance(plan, Plan):
                    continue
                ids = {session.session_id for session in plan.sessions}
                wrong = {each for each in ids if owners.get(each, plan.patient_id) != plan.patient_id}
                if wrong:
                    self._take(plan, frozenset(wrong), now)
                    taken += len(wrong)
        return taken

    def _take(self, plan: Plan, wrong: frozenset[str], now: datetime) -> None:
        log = self._log(f"patient {plan.patient_id}", now)
        plans.change(self.service, plan.patient_id, lambda held: domain.without(held, wrong), now, beside=(log,))

    def _log(self, about: str, now: datetime) -> Audit:
        return audit(self.service, self.clinic_id, who=self.who, did="recorded visits", about=about, now=now)


def record_visits(
    service: Service, clinic_id: ClinicId, rows: Iterable[InfusionRow], *, who: str, now: datetime
) -> Changes:
    """Record the visits of any number of patients, and say what changed in all.

    Raises:
        Missing: a row's patient is not enrolled; the patients before it are recorded.
    """
    recorder = Recorder(service, clinic_id, who)
    total = Changes()
    moved: list[InfusionRow] = []
    for record_number, theirs in by_patient(rows).items():
        changes = recorder.record(record_number, theirs, now)
        total = add(total, changes)
        moved += theirs if changes.added else ()
    if moved:
        recorder.take_from_others(moved, now)
    return total


def by_patient(rows: Iterable[InfusionRow]) -> Mapping[str, Sequence[InfusionRow]]:
    """The rows of each record number, in the order of the file."""
    found: dict[str, list[InfusionRow]] = {}
    for row in rows:
        found.setdefault(row.record_number, []).append(row)
    return found


def add(one: Changes, other: Changes) -> Changes:
    return Changes(*(getattr(one, field.name) + getattr(other, field.name) for field in fields(Changes)))


def _visit(row: InfusionRow) -> Visit:
    return Visit(
        session_id=row.visit, start=row.start, end=row.end, status=row.status, series=row.series, route=row.route
    )
