"""The mails that the emulated mail service holds, for reading: nothing here is sent anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from followup.adapters.memory import MemoryMailer
from infra.local.clock import LocalClock

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StaffMail:
    """A mail as its reader gets it. `at`: when it came, by the local clock."""

    mail_id: str
    at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None


Mails = Callable[[], Sequence[StaffMail]]
"""All mails, newest first. Raises MailboxError when the mail service cannot be asked."""


class MailboxError(Exception):
    """The mail service of the local stack did not answer."""


class _Listed(msgspec.Struct, rename="pascal"):
    message_id: str
    source: str
    to: list[str]
    subject: str
    body_text: str
    timestamp: float
    body_html: str | None = None


class _Answer(msgspec.Struct):
    messages: dict[str, list[_Listed]]


def of_emulator(url: str, clock: LocalClock) -> Mails:
    """The mails that the emulator took in place of SES, as it lists them at this address.

    It stamps each with the real time, and forgets them all when it stops.
    """

    def read() -> Sequence[StaffMail]:
        try:
            answer = httpx.get(url, timeout=_SECONDS, trust_env=False)
            found = msgspec.json.decode(answer.content, type=_Answer)
        except (httpx.HTTPError, msgspec.MsgspecError):
            raise MailboxError("the mail service of the local stack did not answer") from None
        listed = [mail for mails in found.messages.values() for mail in mails]
        return [
            StaffMail(
                mail_id=mail.message_id,
                at=clock.shown_at(datetime.fromtimestamp(mail.timestamp, UTC)),
                sender=mail.source,
                to=tuple(mail.to),
                subject=mail.subject,
                text=mail.body_text,
                html=mail.body_html or None,
            )
            for mail in sorted(listed, key=lambda mail: mail.timestamp, reverse=True)
        ]

    return read


def of_memory(mailer: MemoryMailer) -> Mails:
    """The mails that the mailer in memory was given, each at the moment at which it was written."""

    def read() -> Sequence[StaffMail]:
        return [
            StaffMail(
                mail_id=str(number),
                at=sent.mail.created,
                sender=sent.sender,
                to=(sent.mail.to,),
                subject=sent.mail.subject,
                text=sent.mail.text,
                html=sent.mail.html,
            )
            for number, sent in reversed(list(enumerate(mailer.sent)))
        ]

    return read


def as_json(mail: StaffMail) -> dict[str, Any]:
    return {
        "id": mail.mail_id,
        "at": mail.at.isoformat(),
        "from": mail.sender,
        "to": list(mail.to),
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html is not None,
    }
