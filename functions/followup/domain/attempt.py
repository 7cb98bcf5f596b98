"""A send attempt: claim -> carrier -> outcome, and finding out after a crash or an unknown answer.

The claim is written before the carrier is called, so an attempt that may have acted is never run again blindly.
Outcomes and callbacks merge on the claim: the carrier's id is set if absent, the status only moves upwards.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain import alerts, calendar, checkin
from followup.domain.cadence import uncounted
from followup.domain.clinic import ClinicSettings
from followup.domain.delivery import Carried, CarrierCodes, CodeClass, Found, SendOrder, code_class
from followup.domain.flags import raise_flag
from followup.domain.outgoing import KINDS
from followup.domain.protocol import Protocol
from followup.domain.records import (
    AnyRecord,
    Chart,
    CheckIn,
    Decision,
    Next,
    Patient,
    Text,
)

MOST_TRIES = 5
"""After so many tries without an outcome a text is stuck: it leaves the index and stands on the staff list."""

_LEASE = timedelta(seconds=60)
_URGENT_LEASE = timedelta(seconds=15)
_LOOK_AGAIN = timedelta(minutes=5)
_RECEIPT_WITHIN = timedelta(minutes=2)
_BACK_OFF = timedelta(seconds=30)
_CONFIG_RETRY = timedelta(minutes=5)
_MOST_URGENT_BACK_OFF = timedelta(minutes=2)
_ANSWERS_AN_HOUR = 30
"""More than the longest survey has questions, each asked once more; only a loop of machines needs more."""
_RANK = {
    "scheduled": 0,
    "accepted": 0,
    "queued": 1,
    "sending": 2,
    "sent": 3,
    "delivered": 4,
    "undelivered": 4,
    "failed": 4,
    "canceled": 4,
    "read": 5,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What to write first, and what to ask of the carrier once that is written (nothing, if there is no order)."""

    decision: Decision
    order: SendOrder | None = None


def claim(
    text: Text,
    chart: Chart,
    settings: ClinicSettings,
    protocol: Protocol,
    token: str,
    now: datetime,
) -> Attempt:
    """Claim a text for one call to the carrier, or drop or hold it and say why."""
    rules = KINDS[text.kind]
    if text.status != "planned":
        return Attempt(Decision("not waiting to be sent"))
    asking = _checkin_of(text, chart)
    if text.stale is not None and now > text.stale:
        return Attempt(_drop(text, asking, "too old", now))
    patient = chart.patient
    moved: tuple[AnyRecord, ...] = ()
    if rules.needs_consent:
        refused = checkin.refusal(patient, chart, now)
        if refused or patient is None:
            return Attempt(_drop(text, asking, refused or "no such patient", now))
        held = _hold(text, asking, patient, chart, settings, protocol, now)
        if held:
            return Attempt(held)
        if not text.counted:
            today = calendar.local(now, patient.zone).date()
            week = tuple(day for day in patient.texted_on if (today - day).days < 7)
            beside = asking is not None and text.kind == "check_in" and uncounted(asking.kind, asking.reasons)
            texted_on = week if beside else (*week, today)
            noticed = today if checkin.notice_due(patient, today) and text.kind != "nudge" else patient.noticed_on
            moved = (replace(patient, texted_on=texted_on, noticed_on=noticed),)
        else:
            moved = (patient,)
    elif text.kind == "answer" and patient is not None:
        if patient.status == "opted_out":
            return Attempt(_drop(text, asking, "patient is opted out", now))
        hour = tuple(at for at in patient.answered_at if now - at < timedelta(hours=1))
        if len(hour) >= _ANSWERS_AN_HOUR:
            return Attempt(_drop(text, asking, "loop guard", now))
        moved = (replace(patient, answered_at=(*hour, now)),)
    lease = _URGENT_LEASE if rules.lane == "urgent" else _LEASE
    claimed = replace(text, claim=token, tries=text.tries + 1, counted=True).into(
        "claimed", "claimed", now, then=Next("find_out", now + lease, rules.lane)
    )
    zone = patient.zone if patient else settings.zone
    order = order_of(claimed, settings, _valid_for(text, zone, protocol, now))
    return Attempt(Decision("claimed", (claimed, *moved)), order)


def order_of(text: Text, settings: ClinicSettings, valid_for: int = 3600) -> SendOrder:
    """The call that sends this text, or that it is looked up by."""
    return SendOrder(
        text_id=text.text_id,
        to=text.to,
        sender=settings.sender,
        messaging_service=settings.messaging_service,
        body=text.body,
        valid_for=valid_for,
    )


def _valid_for(text: Text, zone: str, protocol: Protocol, now: datetime) -> int:
    if KINDS[text.kind].opens_conversation:
        return calendar.valid_for(now, zone, protocol.quiet)
    return 36000 if text.kind == "crisis" else 7200


def outcome(
    text: Text,
    carried: Carried,
    chart: Chart,
    protocol: Protocol,
    codes: CarrierCodes,
    now: datetime,
) -> Decision:
    """Merge what the carrier answered into the claimed text."""
    if text.status != "claimed":
        return Decision("settled already")
    match carried.outcome:
        case "accepted":
            return _accepted(text, carried.sid, carried.status, chart, protocol, now)
        case "refused":
            return _refused(text, carried.code or 0, chart, codes, now)
        case "not_sent":
            return _again(text, chart, "not sent", now + _BACK_OFF * text.tries, now)
        case "unknown":
            return Decision("outcome unknown")


def find_out(
    text: Text,
    found: Found | None,
    chart: Chart,
    protocol: Protocol,
    now: datetime,
) -> Decision:
    """Decide on an attempt whose outcome was never written. `found`: what the carrier lists (none: not asked)."""
    if text.status == "accepted" and text.kind == "crisis":
        return _unheard(text, chart, "no receipt", now)
    if text.status != "claimed":
        return Decision("settled already", (replace(text, next=None),))
    if found is not None and found.outcome == "found":
        return _accepted(text, found.sid, found.status, chart, protocol, now)
    rules = KINDS[text.kind]
    if text.kind == "crisis":
        if text.repeats < rules.repeats:
            repeat = replace(text, repeats=text.repeats + 1)
            return Decision(
                "repeated after an unknown outcome",
                (repeat.into("planned", "repeated after an unknown outcome", now, then=Next("send", now, "urgent")),),
            )
        return _unheard(text, chart, "outcome unknown", now)
    if found is None or found.outcome == "unsure":
        if text.tries >= MOST_TRIES:
            return Decision("stuck", (text.into("stuck", "carrier could not be asked", now),))
        later = now + _LEASE * 2**text.tries
        waiting = replace(text, tries=text.tries + 1, next=Next("find_out", later, rules.lane))
        return Decision("carrier could not be asked", (waiting,))
    if rules.looks > 1 and (text.absent_since is None or now - text.absent_since < _LOOK_AGAIN):
        # None is better than two: only an absence that still stands minutes later proves that nothing left.
        since = text.absent_since or now
        looking = replace(text, absent_since=since, next=Next("find_out", since + _LOOK_AGAIN, rules.lane))
        return Decision("absent, looking again", (looking,))
    if text.repeats < rules.repeats and not (text.stale and now > text.stale):
        repeat = replace(text, repeats=text.repeats + 1, absent_since=None)
        return Decision(
            "absent, sent once more",
            (repeat.into("planned", "absent, sent once more", now, then=Next("send", now, rules.lane)),),
        )
    unknown = text.into("unknown", "absent, not repeated", now)
    return Decision("absent, not repeated", (unknown, *_skip(_checkin_of(text, chart), checkin.NOT_PROVEN, now)))


def claimed_at(text: Text) -> datetime:
    """When the carrier was last asked to send it: the earliest moment at which the patient may have it."""
    return max((change.at for change in text.trail if change.status == "claimed"), default=text.created)


def callback(
    text: Text,
    sid: str,
    status: str,
    code: int | None,
    chart: Chart,
    protocol: Protocol,
    codes: CarrierCodes,
    now: datetime,
) -> Decision:
    """Merge a status callback: upwards only, in any order, any number of times."""
    rank = _RANK.get(status)
    if rank is None:
        return Decision("unknown status")
    if text.sid is not None and text.sid != sid:
        return Decision("another message of this attempt")
    writes: tuple[AnyRecord, ...] = ()
    if text.status in ("claimed", "unknown", "stuck"):
        # A callback proves that the message exists, even if the create call never answered.
        settled = _accepted(text, sid, status, chart, protocol, now)
        text = next(record for record in settled.writes if isinstance(record, Text))
        writes = tuple(record for record in settled.writes if not isinstance(record, Text))
    elif _RANK.get(text.carrier_status or "", -1) >= rank:
        return Decision("nothing new")
    if rank < 4:
        return Decision("on its way", (replace(text, sid=sid, carrier_status=status), *writes))
    if status in ("delivered", "read"):
        arrived = replace(text, sid=sid, carrier_status=status).into("delivered", "delivered", now)
        return Decision("delivered", (arrived, *writes))
    failed = replace(text, sid=sid, carrier_status=status, error_code=code).into("undelivered", "undelivered", now)
    consequences = _consequences(failed, code_class(code, codes, origin="callback"), chart, now)
    return Decision("undelivered", (failed, *writes, *consequences))


def _accepted(
    text: Text, sid: str | None, status: str | None, chart: Chart, protocol: Protocol, now: datetime
) -> Decision:
    then = Next("find_out", now + _RECEIPT_WITHIN, "urgent") if text.kind == "crisis" else None
    settled = replace(text, sid=text.sid or sid, carrier_status=text.carrier_status or status)
    writes: list[AnyRecord] = [settled.into("accepted", "accepted", now, then=then)]
    asking = _checkin_of(text, chart)
    if asking is not None and chart.patient is not None and text.kind == "check_in":
        writes.extend(checkin.accepted(asking, chart, chart.patient, protocol, claimed_at(text), now))
    return Decision("accepted", tuple(writes))


def _refused(
    text: Text,
    code: int,
    chart: Chart,
    codes: CarrierCodes,
    now: datetime,
) -> Decision:
    coded = replace(text, error_code=code)
    asked = code_class(code, codes, origin="create")
    match asked:
        case "config":
            return _again(coded, chart, "carrier not configured", now + _CONFIG_RETRY, now, refused=True)
        case "pace":
            later = now + _BACK_OFF * (text.tries + 1)
            return _again(coded, chart, "carrier asked to slow down", later, now, refused=True)
        case _:
            wrong = asked == "bug"
            reason = "stuck" if wrong else "refused by the carrier"
            refused = coded.into("stuck" if wrong else "refused", "refused by the carrier", now)
            return Decision(
                reason,
                (
                    refused,
                    *_consequences(coded, asked, chart, now),
                    *_skip(_checkin_of(text, chart), "refused by the carrier", now),
                ),
            )


def _again(text: Text, chart: Chart, reason: str, at: datetime, now: datetime, *, refused: bool = False) -> Decision:
    """The text surely did not leave, and the same call may be made again."""
    if text.kind == "crisis":
        return _crisis_again(text, chart, reason, now, refused=refused)
    lane = KINDS[text.kind].lane
    if text.tries < MOST_TRIES:
        return Decision(reason, (text.into("planned", reason, now, then=Next("send", at, lane)),))
    asking = _checkin_of(text, chart)
    waiting = (
        (replace(asking, next=Next("expire", asking.until, "routine")),)
        if asking is not None and asking.status == "planned"
        else ()
    )
    return Decision("stuck", (text.into("stuck", reason, now), *waiting))


def _crisis_again(text: Text, chart: Chart, reason: str, now: datetime, *, refused: bool) -> Decision:
    """A crisis reply is tried until it leaves or its alert is closed; from two minutes on somebody has to phone."""
    alert = chart.open_alert
    if alert is None and text.tries >= MOST_TRIES:
        return Decision("stuck", (text.into("stuck", reason, now),))
    overdue = text.created + _RECEIPT_WITHIN
    at = now + min(_URGENT_LEASE * text.tries, _MOST_URGENT_BACK_OFF)
    if now < overdue:
        at = min(at, overdue)
    planned = text.into("planned", reason, now, then=Next("send", at, "urgent"))
    tell = alert is not None and (refused or now >= overdue)
    return Decision(reason, (planned, *((alerts.phone_now(alert, now),) if alert is not None and tell else ())))


def _unheard(text: Text, chart: Chart, reason: str, now: datetime) -> Decision:
    """A crisis reply that may not have arrived: whoever is on call must phone."""
    settled = text.into("unknown" if text.status == "claimed" else text.status, reason, now)
    alert = chart.open_alert
    told = (alerts.phone_now(alert, now),) if alert is not None else ()
    return Decision(reason, (settled, *told))


def _consequences(
    text: Text,
    asked: CodeClass,
    chart: Chart,
    now: datetime,
) -> tuple[AnyRecord, ...]:
    writes: list[AnyRecord] = []
    patient, alert = chart.patient, chart.open_alert
    if text.kind == "crisis" and alert is not None:
        writes.append(alerts.phone_now(alert, now))
    if patient is None:
        return tuple(writes)
    match asked:
        case "opt_out" if patient.status not in ("opted_out", "discharged"):
            writes.append(patient.into("opted_out", "carrier holds a stop", now, then=patient.next))
            writes.append(raise_flag(chart, patient, "unreachable", "opted_out", now))
        case "bad_number" if patient.status in ("active", "paused", "invited"):
            writes.append(patient.into("unreachable", "number cannot receive texts", now, then=patient.next))
            writes.append(raise_flag(chart, patient, "unreachable", "unreachable", now))
        case "unreachable" | "blocked" if _failed_before(text, chart):
            writes.append(raise_flag(chart, patient, "unreachable", "undelivered_twice", now))
        case _:
            pass
    return tuple(writes)


def _failed_before(text: Text, chart: Chart) -> bool:
    earlier = [other for other in chart.texts if other.created < text.created and other.status != "dropped"]
    return bool(earlier) and max(earlier, key=lambda other: other.created).status == "undelivered"


def _checkin_of(text: Text, chart: Chart) -> CheckIn | None:
    return next((c for c in chart.checkins if c.checkin_id == text.checkin_id), None) if text.checkin_id else None


def _hold(
    text: Text,
    asking: CheckIn | None,
    patient: Patient,
    chart: Chart,
    settings: ClinicSettings,
    protocol: Protocol,
    now: datetime,
) -> Decision | None:
    """Quiet hours and caps are judged again at the moment of sending: queues and outages move texts."""
    if text.kind == "nudge":
        if asking is None or asking.status not in checkin.OPEN:
            return _drop(text, asking, "not waiting for a reply", now)
    elif asking is None or asking.status != "planned":
        return _drop(text, asking, "check-in is not planned any more", now)
    else:
        held = checkin.hold(asking, patient, chart, settings, protocol, now, counted=text.counted)
        return Decision(held.reason, (text.into("dropped", held.reason, now), *held.writes)) if held else None
    if not calendar.may_start(now, patient.zone, protocol.quiet):
        return _drop(text, asking, "quiet hours", now)
    capped = None if text.counted else checkin.capped(patient, chart, settings, protocol, now)
    return _drop(text, asking, capped, now) if capped else None


def _drop(text: Text, asking: CheckIn | None, reason: str, now: datetime) -> Decision:
    return Decision(reason, (text.into("dropped", reason, now), *_skip(asking, reason, now)))


def _skip(asking: CheckIn | None, reason: str, now: datetime) -> tuple[CheckIn, ...]:
    if asking is None or asking.status != "planned":
        return ()
    return (asking.into("skipped", reason, now),)
