"""Do the due step of a record, whichever kind it is, and go on with what is due at once in the same place."""

from dataclasses import replace
from datetime import datetime, timedelta

from followup.domain.errors import FollowUpError
from followup.domain.records import (
    Alert,
    AnyRecord,
    CheckIn,
    Clinic,
    Decision,
    Flag,
    Incoming,
    Mail,
    Patient,
    Plan,
    Sender,
    Text,
)
from followup.keys import Key
from followup.ports import Work
from followup.steps.service import Service, due_works

_BROKEN_WAIT = timedelta(minutes=5)
_POSTPONED = ("routine", "daily")
_MOST_STEPS = 50
"""Steps done in one go; what is left is found by the sweep."""


def do(service: Service, work: Work, now: datetime) -> tuple[str, ...]:
    """Do the work, and what it makes due on the same queue; hand the rest over. Returns the reason phrases.

    Work that is no longer due (done, moved, delivered twice) changes nothing.
    """
    reasons: list[str] = []
    here = [work]
    for _ in range(_MOST_STEPS):
        if not here:
            break
        current = here.pop(0)
        decisions = step(service, current.key, now)
        reasons.extend(decision.reason for decision in decisions)
        following = due_works((record for decision in decisions for record in decision.writes), now)
        at_once = [each for each in following if each.queue == work.queue and not each.delay]
        here.extend(at_once)
        elsewhere = [each for each in following if each not in at_once]
        if elsewhere:
            service.queues.put(elsewhere)
    return tuple(reasons)


def step(service: Service, key: Key, now: datetime) -> tuple[Decision, ...]:
    """The due step of the record under this key, or nothing if none is due."""
    record = service.records.get(key)
    if not _due(record, now):
        # A queue can be faster than the table's replicas: look again before letting it go.
        record = service.records.get(key, consistent=True)
    if record is None or not _due(record, now):
        return (Decision("nothing due"),)
    return _run(service, record, now)


def postpone(service: Service, key: Key, now: datetime) -> None:
    """A routine step that broke gives way to those behind it: due again in five minutes, with nothing else changed.

    Raises:
        Conflict: the record moved meanwhile, which is as good.
    """
    record = service.records.get(key, consistent=True)
    if record is not None and record.next is not None and _due(record, now) and record.next.lane in _POSTPONED:
        later = replace(record.next, at=now + _BROKEN_WAIT)
        service.records.commit(replace(record, next=later))


def _due(record: AnyRecord | None, now: datetime) -> bool:
    return record is not None and record.next is not None and record.next.at <= now


def _run(service: Service, record: AnyRecord, now: datetime) -> tuple[Decision, ...]:
    """Imports stand inside: a function loads only the steps that its queue brings."""
    sending = record.next is not None and record.next.step == "send"
    match record:
        case Text():
            from followup.steps import texts

            return texts.send(service, record, now) if sending else (texts.find_out(service, record, now),)
        case CheckIn():
            from followup.steps import checkins

            return (checkins.step(service, record, now),)
        case Incoming():
            from followup.steps import read

            return read.read(service, record, now)
        case Alert():
            from followup.steps import alerts

            return (alerts.page(service, record, now),)
        case Mail():
            from followup.steps import mails

            return mails.send(service, record, now) if sending else (mails.find_out(service, record, now),)
        case Patient():
            from followup.steps import patients

            return (patients.assess(service, record, now),)
        case Plan():
            from followup.steps import plans

            return (plans.extend(service, record, now),)
        case Flag():
            from followup.steps import flags

            return (flags.wake(service, record, now),)
        case Clinic():
            from followup.steps import digests

            return (digests.make(service, record, now),)
        case Sender():
            from followup.steps import senders

            return (senders.look(service, record, now),)
        case _:
            raise FollowUpError("a record of this kind has no steps")
