"""A mailer in memory."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from followup.domain.delivery import MailResult
from followup.domain.records import Mail

MailFault = Literal["refused", "not_sent", "lost", "lost_after_sending"]
"""What happens to a send call; a lost answer leaves the outcome unknown, whether or not the mail went out."""


@dataclass(frozen=True, slots=True)
class MemoryMail:
    """A mail that went out."""

    mail: Mail
    sender: str


class MemoryMailer:
    """Sends every mail, unless a fault is due."""

    def __init__(self) -> None:
        self.sent: list[MemoryMail] = []
        self.faults: deque[MailFault] = deque()
        """What happens to the next mails, one entry each."""

    def send(self, mail: Mail, *, sender: str) -> MailResult:
        fault = self.faults.popleft() if self.faults else None
        match fault:
            case "refused" | "not_sent":
                return MailResult(fault)
            case "lost":
                return MailResult("unknown")
        self.sent.append(MemoryMail(mail, sender))
        return MailResult("sent" if fault is None else "unknown")
