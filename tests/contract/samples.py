"""One filled record of every kind, and how to make any other."""

import types
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from followup.domain.clinic import ClinicSettings, DigestRecipient, OnCall, OpenHours
from followup.domain.records import (
    Alert,
    Answer,
    AnyRecord,
    Audit,
    Change,
    CheckIn,
    CheckInId,
    Clinic,
    ClinicId,
    Consent,
    Flag,
    Incoming,
    Mail,
    Next,
    Patient,
    PatientId,
    PhoneLink,
    Plan,
    Receipt,
    Score,
    Sender,
    Session,
    Text,
    TextId,
    ThreadId,
)

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
CLINIC, PATIENT, THREAD = ClinicId("c1"), PatientId("p1"), ThreadId("p1")


def a_patient(**changes: Any) -> Patient:
    given: dict[str, Any] = {
        "patient_id": PATIENT,
        "clinic_id": CLINIC,
        "record_number": "0815",
        "name": "Ann Example",
        "phone": "+15555550123",
        "language": "en",
        "zone": "America/Denver",
        "born": date(1980, 2, 29),
        "condition": "depression",
        "consent": Consent("texts", "2", date(2026, 1, 2)),
        "status": "active",
    }
    return Patient(**(given | changes))


def a_checkin(at: datetime = NOW, **changes: Any) -> CheckIn:
    given: dict[str, Any] = {
        "patient_id": PATIENT,
        "checkin_id": CheckInId(f"{at:%Y-%m-%dT%H:%MZ}.next_day"),
        "kind": "next_day",
        "due": at,
        "until": at + timedelta(hours=2),
        "status": "planned",
    }
    return CheckIn(**(given | changes))


def a_flag(rule: str = "E", **changes: Any) -> Flag:
    given: dict[str, Any] = {
        "flag_id": rule,
        "clinic_id": CLINIC,
        "patient_id": PATIENT,
        "group": "booster",
        "rule": rule,
        "born": NOW,
        "changed": NOW,
        "status": "open",
    }
    return Flag(**(given | changes))


def an_alert(alert_id: str = "a1", **changes: Any) -> Alert:
    given: dict[str, Any] = {
        "alert_id": alert_id,
        "clinic_id": CLINIC,
        "thread": THREAD,
        "code": "4821",
        "level": "emergency",
        "rule": "self_harm",
        "opened": NOW,
        "triggers": ("SM1",),
        "status": "open",
    }
    return Alert(**(given | changes))


def a_clinic(**changes: Any) -> Clinic:
    settings = ClinicSettings(
        name="Clinic",
        sms_name="Clinic",
        zone="America/Denver",
        phone="555-0100",
        sender="+15555550100",
        messaging_service=None,
        keyword_mode="carrier",
        hours=(OpenHours(0, time(8), time(17, 30)),),
        closed_on=(date(2026, 12, 25),),
        on_call=(OnCall("Dr. Example", "oncall@clinic.example"),),
        digest_at=time(7),
        digest_to=(DigestRecipient("Dr. Example", "digest@clinic.example"),),
        mail_from="followup@clinic.example",
    )
    return Clinic(clinic_id=CLINIC, settings=settings, **changes)


def an_incoming(at: datetime = NOW, sid: str = "SM1") -> Incoming:
    return Incoming(
        sid=sid,
        thread=THREAD,
        clinic_id=CLINIC,
        phone="+15555550123",
        body="7",
        received=at,
        status="unread",
        next=Next("read", at, "replies"),
    )


def a_text(at: datetime = NOW) -> Text:
    return Text(
        text_id=TextId(f"p1.{at:%Y-%m-%dT%H:%M:%S.000Z}.ask"),
        thread=THREAD,
        clinic_id=CLINIC,
        kind="check_in",
        to="+15555550123",
        body="How are you, 0 to 10?",
        created=at,
        stale=None,
        status="planned",
    )


def a_score(at: datetime = NOW, value: int = 7) -> Score:
    return Score(patient_id=PATIENT, instrument="mood", value=value, at=at, origin="reply")


def a_plan() -> Plan:
    session = Session("v1", NOW, NOW + timedelta(hours=1), "scheduled", "induction", "iv")
    return Plan(patient_id=PATIENT, clinic_id=CLINIC, sessions=(session,))


ONE_OF_EACH: tuple[AnyRecord, ...] = (
    a_clinic(next=Next("make_digest", NOW, "daily"), last_digest=date(2026, 3, 4)),
    Sender(sender_key="s1", clinic_id=CLINIC, looked_until=NOW),
    PhoneLink(phone_key="h1", clinic_id=CLINIC, patient_ids=(PATIENT, PatientId("p2"))),
    a_patient(recent_moods=(3, 0), texted_on=(date(2026, 3, 4),), answered_at=(NOW,), item9_positive_on=None),
    a_plan(),
    a_checkin(
        questions=("mood", "side_effects"),
        answers=(Answer("mood", 0, NOW), Answer("side_effects", None, NOW, ("nausea",), late=True)),
        trail=(Change(NOW, "planned", "a plan"),),
        next=Next("ask", NOW, "routine"),
    ),
    a_text(),
    an_incoming(),
    Receipt(sid="SM1", thread=THREAD, expires=NOW + timedelta(days=30)),
    a_score(),
    an_alert(),
    a_flag(numbers=(("base", "18"), ("score", "13"))),
    Mail(
        mail_id="2026-03-05.1",
        clinic_id=CLINIC,
        kind="digest",
        to="digest@clinic.example",
        subject="Today",
        text="Nothing is due.",
        html="<p>Nothing is due.</p>",
        created=NOW,
        stale=NOW + timedelta(hours=5),
        status="planned",
    ),
    Audit(clinic_id=CLINIC, audit_id="1", at=NOW, who="desk", did="closed", about="a1"),
)

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 zone is given
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(10**12), 10**12),
    float: st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9),
    bool: st.booleans(),
    datetime: MOMENTS,
    date: st.dates(),
    time: st.times(),
    type(None): st.none(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that the type of a record's field allows."""
    if isinstance(kind, NewType):
        return values_of(kind.__supertype__)
    if kind in PLAIN:
        return PLAIN[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values_of, inner))
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(values_of(inner[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, inner))
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})
    raise TypeError(kind)
