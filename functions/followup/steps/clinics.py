"""Create a clinic, or change its settings."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from followup import keys
from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput
from followup.domain.records import AnyRecord, Clinic, ClinicId, Decision, Next, Patient, Plan, Sender
from followup.steps.auditing import audit
from followup.steps.digests import next_digest
from followup.steps.service import Service, settle

PLANS_FOLLOW = timedelta(minutes=15)
"""After a change that plans depend on, they are extended this much later: by then the settings are written."""

_AT_ONCE = 100


def apply(service: Service, clinic_id: ClinicId, settings: ClinicSettings, *, who: str, now: datetime) -> Decision:
    """Bring the clinic's record and its sender's to these settings; applied again they change nothing.

    Texts are written by the settings of the moment. Check-ins planned already follow a change of protocol, zone or
    series when their plans are extended, a quarter of an hour later. The plans are woken before the settings are
    written, so that a run that breaks off in between does the same again. A sender that is given up still takes texts
    in, but is no longer looked through for missed ones.

    Raises:
        BadInput: the sender is another clinic's, or there is no such protocol.
    """
    if settings.protocol not in service.content.protocols:
        known = ", ".join(sorted(service.content.protocols))
        raise BadInput(f"protocol: there is no such protocol; write one of: {known}")
    before = service.records.get(keys.clinic(clinic_id), consistent=True)
    if isinstance(before, Clinic) and _planned_by(before.settings) != _planned_by(settings):
        for patient in patients_of(service, clinic_id):
            _wake_plan(service, patient, now)
    return settle(service, lambda _: _applied(service, clinic_id, settings, who, now))


def patients_of(service: Service, clinic_id: ClinicId) -> Iterator[Patient]:
    """The clinic's patients, whatever their status."""
    listed = service.records.listed(keys.patients_of(clinic_id))
    while batch := list(islice(listed, _AT_ONCE)):
        yield from (record for record in service.records.get_many(batch) if isinstance(record, Patient))


def _applied(service: Service, clinic_id: ClinicId, settings: ClinicSettings, who: str, now: datetime) -> Decision:
    sender = _sender(service, clinic_id, settings, now)
    held = service.records.get(keys.clinic(clinic_id), consistent=True)
    if not isinstance(held, Clinic):
        clinic = Clinic(clinic_id=clinic_id, settings=settings, next=_digest(settings, now))
        log = audit(service, clinic_id, who=who, did="created the clinic", about=f"clinic {clinic_id}", now=now)
        return Decision("created", (clinic, *sender, log))
    given_up = _given_up(service, held, settings)
    changed = held if held.settings == settings else replace(held, settings=settings)
    clocks = (held.settings.digest_at, held.settings.zone) != (settings.digest_at, settings.zone)
    if held.next is None or clocks:
        changed = replace(changed, next=_digest(settings, now, held))
    if changed == held and not sender and not given_up:
        return Decision("unchanged")
    log = audit(service, clinic_id, who=who, did="changed the settings", about=f"clinic {clinic_id}", now=now)
    return Decision("updated", (changed, *sender, *given_up, log))


def _sender(service: Service, clinic_id: ClinicId, settings: ClinicSettings, now: datetime) -> tuple[Sender, ...]:
    sender_key = service.phones.key(settings.sender)
    held = service.records.get(keys.sender(sender_key), consistent=True)
    look = Next("look", now, "replies")
    if not isinstance(held, Sender):
        return (Sender(sender_key=sender_key, clinic_id=clinic_id, next=look),)
    if held.clinic_id != clinic_id:
        raise BadInput("sender: the number belongs to another clinic; give each clinic a number of its own")
    return () if held.next else (replace(held, next=look),)


def _given_up(service: Service, held: Clinic, settings: ClinicSettings) -> tuple[AnyRecord, ...]:
    if held.settings.sender == settings.sender:
        return ()
    old = service.records.get(keys.sender(service.phones.key(held.settings.sender)), consistent=True)
    return (replace(old, next=None),) if isinstance(old, Sender) and old.next else ()


def _digest(settings: ClinicSettings, now: datetime, held: Clinic | None = None) -> Next:
    at = next_digest(settings, now)
    if held is not None and held.last_digest == calendar.local(at, settings.zone).date():
        at = next_digest(settings, at)
    return Next("make_digest", at, "daily")


def _planned_by(settings: ClinicSettings) -> tuple[object, ...]:
    """What check-ins that are planned already depend on."""
    return settings.protocol, settings.zone, settings.series_sessions, settings.maintenance_every_days


def _wake_plan(service: Service, patient: Patient, now: datetime) -> None:
    if patient.status != "active":
        return

    def decide(_: bool) -> Decision:
        plan = service.records.get(keys.plan(patient.patient_id), consistent=True)
        if not isinstance(plan, Plan):
            return Decision("no plan")
        return Decision("woken", (replace(plan, next=Next("extend", now + PLANS_FOLLOW, "daily")),))

    settle(service, decide)
