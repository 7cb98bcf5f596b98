"""The front desk of the local stack: it marks each visit as completed when the visit ends, as a clinic's import would.

Without it no check-in about a visit would ever leave once the clock has moved past the visits in the import.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from followup import keys
from followup.domain.records import PatientId, Plan, Session
from followup.steps.plans import change
from followup.steps.service import Service
from infra.local.directory import Directory

_PLAN: Final = keys.plan(PatientId("")).sk
"""A plan stands beside its patient; patients themselves need not be read to find it."""


class FrontDesk:
    """Acts at the planned end of every visit that is still scheduled."""

    def __init__(self, service: Service, directory: Directory) -> None:
        self._service, self._directory = service, directory
        self._next: datetime | None = None

    def next_at(self) -> datetime | None:
        """As of the last time it acted, which is when it looks at the plans."""
        return self._next

    def act(self, now: datetime) -> None:
        plans = self._plans()
        for plan in plans:
            if any(session.end <= now for session in _open(plan)):
                change(self._service, plan.patient_id, lambda current: _marked(current, now), now)
        ends = (session.end for plan in plans for session in _open(plan))
        self._next = min((end for end in ends if end > now), default=None)

    def idle(self) -> bool:
        return True

    def _plans(self) -> list[Plan]:
        wanted = [replace(patient, sk=_PLAN) for patient in self._directory.listed()]
        return [record for record in self._service.records.get_many(wanted) if isinstance(record, Plan)]


def _open(plan: Plan) -> list[Session]:
    return [session for session in plan.sessions if session.status == "scheduled"]


def _marked(plan: Plan, now: datetime) -> Plan:
    return replace(
        plan,
        sessions=tuple(
            replace(session, status="completed") if session.status == "scheduled" and session.end <= now else session
            for session in plan.sessions
        ),
    )
