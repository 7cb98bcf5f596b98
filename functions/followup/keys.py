"""The only place that spells keys. Keys hold ids and keyed hashes only.

A conversation is one partition. Its sort keys stand on two shelves, so that one query from `AT#<since>` upwards
answers what every worker asks: `AT#<time>#...` is the course in time order, `NOW#...` what stands at present.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime

from followup.domain.records import (
    Alert,
    AnyRecord,
    Audit,
    CheckIn,
    CheckInId,
    Clinic,
    ClinicId,
    Flag,
    Incoming,
    Mail,
    Patient,
    PatientId,
    PhoneLink,
    Plan,
    Receipt,
    Score,
    Sender,
    Text,
    TextId,
    ThreadId,
    stamp,
)

SHARDS = 4
"""Partitions of the due index per lane."""
STUCK_RANK = "7#stuck#"
"""How the ranks of stuck texts and mails begin among what is open at a clinic."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    pk: str
    sk: str


def thread_pk(thread: ThreadId) -> str:
    return f"THREAD#{thread}"


def since(at: datetime) -> str:
    """Where on the shelf of time a chart begins."""
    return f"AT#{stamp(at)}"


def clinic(clinic_id: ClinicId) -> Key:
    return Key(f"CLINIC#{clinic_id}", "NOW#clinic")


def sender(sender_key: str) -> Key:
    return Key(f"SENDER#{sender_key}", "NOW#sender")


def phone(phone_key: str, clinic_id: ClinicId) -> Key:
    return Key(f"PHONE#{phone_key}", f"CLINIC#{clinic_id}")


def patient(patient_id: PatientId) -> Key:
    return Key(thread_pk(ThreadId(patient_id)), "NOW#patient")


def plan(patient_id: PatientId) -> Key:
    return Key(thread_pk(ThreadId(patient_id)), "NOW#plan")


def checkin(patient_id: PatientId, checkin_id: CheckInId) -> Key:
    return Key(thread_pk(ThreadId(patient_id)), f"AT#{checkin_id}#checkin")


def text(text_id: TextId) -> Key:
    thread, _, rest = text_id.partition(".")
    return Key(thread_pk(ThreadId(thread)), f"AT#{rest}#text")


def incoming(thread: ThreadId, received: datetime, sid: str) -> Key:
    return Key(thread_pk(thread), f"AT#{stamp(received)}#{sid}#incoming")


def receipt(sid: str) -> Key:
    return Key(f"TEXT#{sid}", "NOW#receipt")


def alert(thread: ThreadId, alert_id: str) -> Key:
    return Key(thread_pk(thread), f"NOW#alert#{alert_id}")


def flag(patient_id: PatientId, flag_id: str) -> Key:
    return Key(thread_pk(ThreadId(patient_id)), f"NOW#flag#{flag_id}")


def mail(clinic_id: ClinicId, mail_id: str) -> Key:
    return Key(f"CLINIC#{clinic_id}", f"MAIL#{mail_id}")


def of(record: AnyRecord) -> Key:
    """The key of a record."""
    match record:
        case Clinic():
            return clinic(record.clinic_id)
        case Sender():
            return sender(record.sender_key)
        case PhoneLink():
            return phone(record.phone_key, record.clinic_id)
        case Patient():
            return patient(record.patient_id)
        case Plan():
            return plan(record.patient_id)
        case CheckIn():
            return checkin(record.patient_id, record.checkin_id)
        case Text():
            return text(record.text_id)
        case Incoming():
            return incoming(record.thread, record.received, record.sid)
        case Receipt():
            return receipt(record.sid)
        case Score():
            thread = thread_pk(ThreadId(record.patient_id))
            return Key(thread, f"AT#{stamp(record.at)}#{record.instrument}#score")
        case Alert():
            return alert(record.thread, record.alert_id)
        case Flag():
            return flag(record.patient_id, record.flag_id)
        case Mail():
            return mail(record.clinic_id, record.mail_id)
        case Audit():
            return Key(f"AUDIT#{record.clinic_id}", f"{stamp(record.at)}#{record.audit_id}")


def lane_shard(record: AnyRecord) -> str | None:
    """Partition of the due index, or none while nothing is pending (the index is sparse)."""
    if record.next is None:
        return None
    return f"{record.next.lane}#{zlib.crc32(of(record).pk.encode()) % SHARDS}"


def listing(record: AnyRecord) -> tuple[str, str] | None:
    """Partition and rank in the sparse index of lists: a clinic's patients, and what is open there.

    Open are alerts and flags, and texts and mails that are stuck.
    """
    match record:
        case Patient():
            return patients_of(record.clinic_id), f"{record.status}#{record.patient_id}"
        case Alert() if record.status != "closed":
            rank = {"emergency": 0, "urgent": 1, "same_day": 2}[record.level]
            return open_of(record.clinic_id), f"{rank}#{stamp(record.opened)}"
        case Flag() if record.status in ("open", "acknowledged", "snoozed"):
            return open_of(record.clinic_id), f"5#{record.group}#{stamp(record.born)}"
        case Text() | Mail() if record.status == "stuck":
            return open_of(record.clinic_id), f"{STUCK_RANK}{stamp(record.created)}"
        case _:
            return None


def patients_of(clinic_id: ClinicId) -> str:
    return f"PATIENTS#{clinic_id}"


def open_of(clinic_id: ClinicId) -> str:
    return f"OPEN#{clinic_id}"
