"""The kinds of outgoing texts: what each may ignore, when it is too old to go, and which lane it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from followup.domain.records import CheckInId, ClinicId, Lane, Next, Text, TextId, TextKind, ThreadId, stamp


@dataclass(frozen=True, slots=True)
class KindRules:
    """What holds for a kind of text."""

    lane: Lane
    needs_consent: bool
    opens_conversation: bool
    """Bound by quiet hours, counted against the caps."""
    too_old_after: timedelta | None
    """None: its own window says (check-ins), or never (crisis)."""
    repeats: int
    """How often it may be sent again: after a proven absence, crisis texts after any unknown outcome."""
    looks: int = 1
    """How many times, five minutes apart, the carrier's list must not know it before it counts as proven absent."""


KINDS: Mapping[TextKind, KindRules] = {
    "check_in": KindRules("routine", True, True, None, 1, looks=2),
    "nudge": KindRules("routine", True, True, None, 1, looks=2),
    "answer": KindRules("replies", False, False, timedelta(hours=2), 1),
    "keyword": KindRules("replies", False, False, timedelta(minutes=5), 0),
    "crisis": KindRules("urgent", False, False, None, 1),
}


def compose(
    *,
    thread: ThreadId,
    clinic_id: ClinicId,
    kind: TextKind,
    to: str,
    body: str,
    purpose: str,
    now: datetime,
    stale: datetime | None = None,
    checkin_id: CheckInId | None = None,
    alert_id: str | None = None,
) -> Text:
    """A text to be sent now. `purpose` tells apart the texts of one moment and stands in the id."""
    rules = KINDS[kind]
    limit = now + rules.too_old_after if rules.too_old_after is not None else stale
    text = Text(
        status="planned",
        text_id=TextId(f"{thread}.{stamp(now)}.{purpose}"),
        thread=thread,
        clinic_id=clinic_id,
        kind=kind,
        to=to,
        body=body,
        created=now,
        stale=limit,
        checkin_id=checkin_id,
        alert_id=alert_id,
    )
    return text.into("planned", "written", now, then=Next("send", now, rules.lane))
