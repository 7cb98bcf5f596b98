"""Send a mail, find out what became of one, and take in what the mail service reports."""

from datetime import datetime

from followup import keys
from followup.domain import mail as domain
from followup.domain.records import ClinicId, Decision, Mail
from followup.steps.service import Service, settle


def send(service: Service, mail: Mail, now: datetime) -> tuple[Decision, ...]:
    """Claim the mail, call the mail service once, record what it said."""
    token = service.token()
    claimed = settle(service, lambda consistent: domain.claim(_latest(service, mail, consistent), token, now))
    if claimed.reason != "claimed":
        return (claimed,)
    result = service.mailer.send(mail, sender=service.settings(ClinicId(mail.clinic_id)).mail_from)

    def merge(_: bool) -> Decision:
        latest = _latest(service, mail, consistent=True)
        return domain.outcome(latest, result, now) if latest.claim == token else Decision("settled already")

    return claimed, settle(service, merge)


def find_out(service: Service, mail: Mail, now: datetime) -> Decision:
    return settle(service, lambda consistent: domain.find_out(_latest(service, mail, consistent), now))


def reported(service: Service, clinic_id: str, mail_id: str, now: datetime) -> Decision:
    """The mail service reported a mail as sent."""
    record = service.records.get(keys.mail(ClinicId(clinic_id), mail_id))
    if not isinstance(record, Mail):
        return Decision("unknown mail")
    return settle(service, lambda consistent: domain.event(_latest(service, record, consistent), now))


def _latest(service: Service, mail: Mail, consistent: bool) -> Mail:
    if not consistent:
        return mail
    record = service.records.get(keys.of(mail), consistent=True)
    return record if isinstance(record, Mail) else mail
