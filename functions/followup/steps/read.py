"""Read all unread texts of a conversation, oldest first."""

from datetime import datetime

from followup.domain import replies
from followup.domain.attribution import Reader
from followup.domain.records import Chart, Decision, Incoming
from followup.steps.service import Service, settle


def read(service: Service, incoming: Incoming, now: datetime) -> tuple[Decision, ...]:
    """Each text is one commit, so one that breaks the reader does not hold up the next."""
    settings = service.settings(incoming.clinic_id)
    protocol = service.content.protocols[settings.protocol]
    reader = Reader(settings, protocol, service.content.script, service.content.reading)
    decisions: list[Decision] = []
    chart: Chart | None = service.chart(incoming.thread, now)
    # The text that was queued is read even if it is older than the chart.
    waiting = {text.sid: text for text in (incoming, *(chart.incoming if chart else ())) if text.status == "unread"}
    for text in sorted(waiting.values(), key=lambda each: (each.received, each.sid)):

        def decide(consistent: bool, text: Incoming = text) -> Decision:
            nonlocal chart
            current = chart if chart is not None and not consistent else None
            current = current or service.chart(text.thread, now, consistent=True)
            chart = current
            latest = next((other for other in current.incoming if other.sid == text.sid), text)
            return _decide(latest, current, reader, now)

        decision = settle(service, decide)
        decisions.append(decision)
        chart = chart.after(decision.writes) if chart is not None else None
    return tuple(decisions)


def _decide(text: Incoming, chart: Chart, reader: Reader, now: datetime) -> Decision:
    try:
        return replies.on_text(text, chart, reader, now)
    except Exception:  # noqa: BLE001 - a text that breaks the reader goes to a person the same day
        return replies.unreadable(text, chart, reader.settings, now)
