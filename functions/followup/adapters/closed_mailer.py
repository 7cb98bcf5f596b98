"""The mailer of functions that send no mail."""

from followup.domain.delivery import MailResult
from followup.domain.records import Mail


class ClosedMailer:
    def send(self, mail: Mail, *, sender: str) -> MailResult:
        """Send nothing and say so."""
        del mail, sender
        return MailResult("not_sent")
