"""Make a clinic's digest: one mail per recipient and local day, written with the clinic's next digest."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice

from followup import keys
from followup.domain import calendar
from followup.domain.clinic import ClinicSettings, DigestGroups, DigestRecipient
from followup.domain.digest import Counts, Digest, build
from followup.domain.records import Alert, AnyRecord, Change, Chart, Clinic, Decision, Flag, Mail, Next, Patient
from followup.keys import Key
from followup.rendering import render_digest
from followup.steps.service import Service, settle

_AT_ONCE = 100
_TOO_OLD_AT = time(12)


def make(service: Service, clinic: Clinic, now: datetime) -> Decision:
    """Gather what stands, and write the mails and the next digest's time in one commit."""
    settings = clinic.settings
    today = calendar.local(now, settings.zone).date()
    since = _last_made(clinic)
    standing = list(_read(service, service.records.listed(keys.open_of(clinic.clinic_id))))
    alerts = [record for record in standing if isinstance(record, Alert)]
    flags = [record for record in standing if isinstance(record, Flag)]
    listed = _read(service, service.records.listed(keys.patients_of(clinic.clinic_id)))
    patients = [record for record in listed if isinstance(record, Patient)]
    looked_back = since or now - timedelta(days=1)
    charts = [service.records.chart(patient.thread, looked_back - timedelta(days=7)) for patient in patients]
    flags.extend(flag for chart in charts for flag in chart.flags if flag.status == "withdrawn")
    counts = count(patients, charts, alerts, since=looked_back, now=now)
    digests = {
        groups: build(settings, alerts, flags, patients, counts, since, now, groups=groups)
        for groups in {recipient.groups for recipient in settings.digest_to}
    }

    def decide(consistent: bool) -> Decision:
        current = service.records.get(keys.of(clinic), consistent=True) if consistent else clinic
        if not isinstance(current, Clinic) or current.next is None or current.next.at > now:
            return Decision("made already")
        made = replace(current, last_digest=today, next=Next("make_digest", next_digest(settings, now), "daily"))
        if current.last_digest == today:
            return Decision("made already", (made,))  # the digest's hour was moved to later in the same day
        if _too_late(settings, now):
            return Decision("too late today", (made,))
        mails = [_mail(service, clinic, recipient, digests, today, now) for recipient in settings.digest_to]
        return Decision("digest made", (made, *mails))

    return settle(service, decide)


def next_digest(settings: ClinicSettings, now: datetime) -> datetime:
    """The clinic's next digest hour after now."""
    today = calendar.local(now, settings.zone).date()
    at = calendar.at_local(today, settings.digest_at, settings.zone)
    return at if at > now else calendar.at_local(today + timedelta(days=1), settings.digest_at, settings.zone)


def count(
    patients: Iterable[Patient], charts: Iterable[Chart], alerts: Iterable[Alert], *, since: datetime, now: datetime
) -> Counts:
    """What the machine did since the last digest: the proof, on a quiet day, that it works."""
    followed = sum(patient.status == "active" for patient in patients)
    delivered = answered = unreadable = 0
    for chart in charts:
        delivered += sum(_became(text.trail, "delivered", since) for text in chart.texts)
        answered += sum(_became(checkin.trail, "answered", since) for checkin in chart.checkins if checkin.questions)
        unreadable += sum(flag.rule == "unreadable_reply" and flag.born > since for flag in chart.flags)
    return Counts(
        followed=followed,
        delivered=delivered,
        answered=answered,
        unreadable=unreadable,
        alerts_open=sum(alert.status != "closed" for alert in alerts),
        checked_at=now,
    )


def _became(trail: tuple[Change, ...], status: str, since: datetime) -> bool:
    return any(change.status == status and change.at > since for change in trail)


def _last_made(clinic: Clinic) -> datetime | None:
    if clinic.last_digest is None:
        return None
    return calendar.at_local(clinic.last_digest, clinic.settings.digest_at, clinic.settings.zone)


def _too_late(settings: ClinicSettings, now: datetime) -> bool:
    return now > _stale_at(settings, calendar.local(now, settings.zone).date())


def _stale_at(settings: ClinicSettings, day: date) -> datetime:
    """Noon; for a clinic that reads in the afternoon, two hours after its own time."""
    noon = calendar.at_local(day, _TOO_OLD_AT, settings.zone)
    return max(noon, calendar.at_local(day, settings.digest_at, settings.zone) + timedelta(hours=2))


def _mail(
    service: Service,
    clinic: Clinic,
    recipient: DigestRecipient,
    digests: dict[DigestGroups, Digest],
    today: date,
    now: datetime,
) -> Mail:
    settings = clinic.settings
    subject, text, html = render_digest(digests[recipient.groups], service.content.staff)
    mail = Mail(
        status="planned",
        mail_id=f"digest-{today:%Y%m%d}-{recipient.groups}-{service.phones.key(recipient.email)[:12]}",
        clinic_id=clinic.clinic_id,
        kind="digest",
        to=recipient.email,
        subject=subject,
        text=text,
        html=html,
        created=now,
        stale=_stale_at(settings, today),
    )
    return mail.into("planned", "written", now, then=Next("send", now, "routine"))


def _read(service: Service, listed: Iterator[Key]) -> Iterator[AnyRecord]:
    while batch := list(islice(listed, _AT_ONCE)):
        yield from service.records.get_many(batch)
