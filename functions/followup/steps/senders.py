"""Look for texts that the webhook never saw: list them at the carrier and claim each like the webhook does."""

from dataclasses import replace
from datetime import datetime, timedelta

from followup import keys
from followup.domain.errors import CarrierUnavailable
from followup.domain.records import Decision, Next, Sender
from followup.domain.triage import Message
from followup.steps.receive import receive
from followup.steps.service import Service, settle

EVERY = timedelta(minutes=5)
NOT_CLAIMED = "a missed text could not be claimed"
_OVERLAP = timedelta(hours=24)


def look(service: Service, sender: Sender, now: datetime) -> Decision:
    """Claim every incoming text of the last day that is not known yet; a text is handled once whoever sees it first."""
    number = service.settings(sender.clinic_id).sender
    reached = sender.looked_until
    since = (reached or now) - _OVERLAP
    reason, failed = "looked", False
    try:
        for text in service.carrier.received(number, since=since):
            if service.records.get(keys.receipt(text.sid)) is None:
                found = Message(text.sid, text.phone, text.body, text.received, text.media)
                reason = _claim(service, number, found, now)
                failed = failed or reason == NOT_CLAIMED
        reached = now
    except CarrierUnavailable:
        reason = "carrier could not be asked"

    def decide(consistent: bool) -> Decision:
        current = service.records.get(keys.of(sender), consistent=True) if consistent else sender
        if not isinstance(current, Sender):
            return Decision("sender is gone")
        said = NOT_CLAIMED if failed else reason
        return Decision(said, (replace(current, looked_until=reached, next=Next("look", now + EVERY, "replies")),))

    return settle(service, decide)


def _claim(service: Service, number: str, message: Message, now: datetime) -> str:
    try:
        receive(service, number, message, now)
    except Exception:  # noqa: BLE001 - one text that cannot be claimed does not hold up the next; it is tried again
        return NOT_CLAIMED
    return "found a missed text"
