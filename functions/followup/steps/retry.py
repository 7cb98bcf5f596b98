"""What is stuck at a clinic, and setting it going again by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from followup import keys
from followup.domain import stuck as domain
from followup.domain.errors import BadInput, Missing
from followup.domain.records import ClinicId, Decision, Mail, Text, TextId
from followup.steps.auditing import audit
from followup.steps.service import Service, settle


@dataclass(frozen=True, slots=True)
class Stuck:
    """A text or mail that gave up. `retry_id` is what `retry` takes."""

    retry_id: str
    kind: str
    since: datetime
    reason: str


def stuck(service: Service, clinic_id: ClinicId) -> Iterator[Stuck]:
    """What is stuck at a clinic, oldest first."""
    for key in service.records.listed(keys.open_of(clinic_id), starting=keys.STUCK_RANK):
        record = service.records.get(key)
        if isinstance(record, Text | Mail) and record.status == domain.STUCK:
            last = record.trail[-1]
            kind = f"mail ({record.kind})" if isinstance(record, Mail) else f"text ({record.kind})"
            yield Stuck(retry_id(record), kind, last.at, last.reason)


def retry_id(record: Text | Mail) -> str:
    """What `retry` knows a text or mail by; a mail's names its clinic, in whose partition it stands."""
    return f"{record.clinic_id}/{record.mail_id}" if isinstance(record, Mail) else record.text_id


def retry(service: Service, stuck_id: str, *, who: str, now: datetime) -> Decision:
    """Set a stuck text or mail going again.

    Raises:
        Missing: there is none with this id.
        BadInput: it is not stuck, or its time is past: a late check-in is worse than none.
    """
    clinic_id, slash, mail_id = stuck_id.partition("/")
    key = keys.mail(ClinicId(clinic_id), mail_id) if slash else keys.text(TextId(stuck_id))

    def decide(_: bool) -> Decision:
        record = service.records.get(key, consistent=True)
        match record:
            case Text():
                decision = domain.retry_text(record, now)
            case Mail():
                decision = domain.retry_mail(record, now)
            case _:
                raise Missing(f"there is no text or mail {stuck_id}")
        if not decision.writes:
            raise BadInput(f"{stuck_id}: {decision.reason}; nothing was sent")
        about = f"text {stuck_id}" if isinstance(record, Text) else f"mail {stuck_id}"
        log = audit(service, record.clinic_id, who=who, did=domain.RETRIED, about=about, now=now)
        return replace(decision, writes=(*decision.writes, log))

    return settle(service, decide)
