"""Send a text, find out what became of one, and merge what the carrier reports later."""

from datetime import datetime, timedelta

from followup import keys
from followup.domain import attempt
from followup.domain.attempt import Attempt
from followup.domain.delivery import Found
from followup.domain.protocol import Protocol
from followup.domain.records import Chart, Clinic, Decision, Text, TextId
from followup.steps.service import Service, settle

_LOOK_BACK = timedelta(minutes=2)


def send(service: Service, text: Text, now: datetime) -> tuple[Decision, ...]:
    """Claim the text, call the carrier once, record what it said."""
    clinic = service.clinic(text.clinic_id)
    protocol = protocol_of(service, clinic)
    token = service.token()
    tried = Attempt(Decision("not claimed"))
    chart = Chart(text.thread)

    def decide(consistent: bool) -> Decision:
        nonlocal tried, chart
        chart = service.chart(text.thread, now, consistent=consistent)
        tried = attempt.claim(_text(chart, text), chart, clinic.settings, protocol, token, now)
        return tried.decision

    claimed = settle(service, decide)
    if tried.order is None:
        return (claimed,)
    carried = service.carrier.send(tried.order)
    known: Chart | None = chart.after(claimed.writes)

    def merge(_: bool) -> Decision:
        nonlocal known
        current = known or service.chart(text.thread, now, consistent=True)
        known = None
        latest = _text(current, text)
        if latest.claim != token:
            return Decision("settled already")
        return attempt.outcome(latest, carried, current, protocol, service.content.carrier, now)

    return claimed, settle(service, merge)


def find_out(service: Service, text: Text, now: datetime) -> Decision:
    """Ask the carrier what became of a claimed text, and decide on it."""
    clinic = service.clinic(text.clinic_id)
    protocol = protocol_of(service, clinic)
    found: Found | None = None
    if text.status == "claimed" and text.kind != "crisis":
        since = attempt.claimed_at(text) - _LOOK_BACK
        found = service.carrier.find(attempt.order_of(text, clinic.settings), since=since)

    def decide(consistent: bool) -> Decision:
        chart = service.chart(text.thread, now, consistent=consistent)
        return attempt.find_out(_text(chart, text), found, chart, protocol, now)

    return settle(service, decide)


def delivered(service: Service, text_id: str, sid: str, status: str, code: int | None, now: datetime) -> Decision:
    """Merge a status callback into the text that it names."""
    key = keys.text(TextId(text_id))
    text = service.records.get(key)
    if not isinstance(text, Text):
        return Decision("unknown text")
    clinic = service.clinic(text.clinic_id)
    protocol = protocol_of(service, clinic)

    def decide(consistent: bool) -> Decision:
        alone = _settles_alone(text, sid, status)
        chart = (
            Chart(text.thread, texts=(text,))
            if alone and not consistent
            else service.chart(text.thread, now, consistent=consistent)
        )
        return attempt.callback(_text(chart, text), sid, status, code, chart, protocol, service.content.carrier, now)

    return settle(service, decide)


def protocol_of(service: Service, clinic: Clinic) -> Protocol:
    return service.content.protocols[clinic.settings.protocol]


def _settles_alone(text: Text, sid: str, status: str) -> bool:
    """Whether the callback concerns the text only, so that one small read is enough."""
    return text.sid == sid and status not in ("undelivered", "failed", "canceled")


def _text(chart: Chart, text: Text) -> Text:
    """The text as the chart holds it now; a text older than the chart stands as it was read."""
    return next((other for other in chart.texts if other.text_id == text.text_id), text)
