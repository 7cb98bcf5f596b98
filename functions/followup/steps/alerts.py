"""Page whoever is on call for an alert, and let a named person acknowledge or close it."""

from collections.abc import Callable
from datetime import datetime

from followup import keys
from followup.domain import alerts as domain
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import Missing
from followup.domain.records import Alert, AnyRecord, ClinicId, Decision, Mail, Next
from followup.rendering import render_page
from followup.steps.auditing import audit
from followup.steps.service import Service, settle


def page(service: Service, alert: Alert, now: datetime) -> Decision:
    """Tell the people whose turn it is; their mails are written with the alert's next page, and then sent."""
    settings = service.settings(alert.clinic_id)

    def decide(consistent: bool) -> Decision:
        current = _latest(service, alert, consistent)
        if current.next is None or current.next.at > now:
            return Decision("nothing due")
        turn = domain.page(current, settings, now)
        mails = tuple(_mail(service, current, settings, to, now) for to in {p.email: None for p in turn.people})
        return Decision(turn.reason, (turn.alert, *mails))

    return settle(service, decide)


def page_mail_id(service: Service, alert: Alert, nth: int, to: str) -> str:
    """The id of the mail to this address that goes with the nth change of an alert's trail, counted from 0."""
    return f"page-{alert.alert_id}-{nth}-{service.phones.key(to)[:8]}"


def acknowledge(service: Service, alert: Alert, who: str, now: datetime) -> Decision:
    """A named person takes the alert."""
    settings = service.settings(alert.clinic_id)
    return _staff(service, alert, who, "acknowledged", lambda a: domain.acknowledge(a, who, settings, now), now)


def close(service: Service, alert: Alert, who: str, outcome: str, now: datetime) -> Decision:
    """A named person closes the alert with its outcome."""
    return _staff(service, alert, who, f"closed: {outcome}", lambda a: domain.close(a, who, outcome, now), now)


def by_code(service: Service, clinic_id: str, code: str) -> Alert:
    """The open alert with this code.

    Raises:
        Missing: no open alert of the clinic has it.
    """
    for key in service.records.listed(keys.open_of(ClinicId(clinic_id))):
        record = service.records.get(key, consistent=True)
        if isinstance(record, Alert) and record.status != "closed" and record.code == code:
            return record
    raise Missing(f"no open alert has code {code}")


def _staff(
    service: Service, alert: Alert, who: str, did: str, change: Callable[[Alert], Alert], now: datetime
) -> Decision:
    def decide(consistent: bool) -> Decision:
        current = _latest(service, alert, consistent)
        if current.status == "closed":
            return Decision("closed already")
        log = audit(service, alert.clinic_id, who=who, did=did, about=f"alert {alert.alert_id}", now=now)
        writes: tuple[AnyRecord, ...] = (change(current), log)
        return Decision(did, writes)

    return settle(service, decide)


def _mail(service: Service, alert: Alert, settings: ClinicSettings, to: str, now: datetime) -> Mail:
    subject, text = render_page(alert, settings, service.content.staff)
    mail = Mail(
        status="planned",
        mail_id=page_mail_id(service, alert, len(alert.trail), to),
        clinic_id=alert.clinic_id,
        kind="page",
        to=to,
        subject=subject,
        text=text,
        html=None,
        created=now,
        stale=None,
        alert_id=alert.alert_id,
    )
    return mail.into("planned", "written", now, then=Next("send", now, "urgent"))


def _latest(service: Service, alert: Alert, consistent: bool) -> Alert:
    if not consistent:
        return alert
    record = service.records.get(keys.of(alert), consistent=True)
    return record if isinstance(record, Alert) else alert
