"""The on-call desk of the local stack: every alert with whom it has told so far, and a named person taking it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final

from followup import keys
from followup.domain import alerts as domain
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput, Missing
from followup.domain.records import Alert, ClinicId, Decision, Mail, PatientId, ThreadId
from followup.steps import alerts as steps
from followup.steps.service import Service
from infra.cli.alerts import OUTCOME_LETTERS
from infra.local.clock import LocalClock
from infra.local.directory import Directory, initials

NAME_LETTERS: Final = 80
_PAGED: Final = "paged"
_TAKEN: Final = "acknowledged"
_CLOSED: Final = "closed"


@dataclass(frozen=True, slots=True)
class Told:
    """A page mail: to whom by name, and what became of it."""

    to: str
    mail: Mail


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A change in an alert's life, who was told with it, and whose deed it was, if it was somebody's and is known."""

    at: datetime
    reason: str
    told: tuple[Told, ...]
    by: str | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the desk knows and no list of the records holds.

    `seen`: conversation and id of alerts, because closed ones stand in no index. `takers`: an alert's id, which change
    of it, counted from 0, and who made it, because an alert names only whoever has it now.
    """

    seen: tuple[tuple[str, str], ...] = ()
    takers: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OnCallAlert:
    """An alert as the page shows it. `initials`: none for a number that the clinic does not know.

    `then`: whom the next page tells, by name; empty when none is planned.
    """

    alert: Alert
    why: str
    initials: str | None
    zone: str
    taken: tuple[StepTaken, ...]
    then: tuple[str, ...]


class OnCallDesk:
    """Reads the alerts, and changes them as `followup alerts` does."""

    def __init__(self, service: Service, directory: Directory, clock: LocalClock) -> None:
        self._service, self._directory, self._clock = service, directory, clock
        self._lock = Lock()
        self._seen: set[tuple[ThreadId, str]] = set()
        self._takers: dict[tuple[str, int], str] = {}

    def resume(self, before: Remembered) -> None:
        """Go on with what was known before the last stop."""
        with self._lock:
            self._seen |= {(ThreadId(thread), alert_id) for thread, alert_id in before.seen}
            self._takers |= {(alert_id, nth): who for alert_id, nth, who in before.takers}

    def remembered(self) -> Remembered:
        """What the next start should know."""
        with self._lock:
            takers = sorted((alert_id, nth, who) for (alert_id, nth), who in self._takers.items())
            return Remembered(seen=tuple(sorted(self._seen)), takers=tuple(takers))

    def people(self) -> Sequence[str]:
        """Names of those on call, in the order in which they are told, each once."""
        clinics = self._directory.clinics()
        return tuple({person.name: None for clinic in clinics for person in clinic.settings.on_call})

    def alerts(self) -> Sequence[OnCallAlert]:
        """Every alert of a patient, and those of unknown numbers that the desk has seen open; newest first.

        Closed alerts stand in no index, so the patients' own records are read.
        """
        settings = {clinic.clinic_id: clinic.settings for clinic in self._directory.clinics()}
        found = {alert.alert_id: alert for alert in (*self._of_patients(), *self._of_strangers(settings))}
        newest = sorted(found.values(), key=lambda alert: (alert.opened, alert.alert_id), reverse=True)
        names = {patient.patient_id: initials(patient.name) for patient in self._directory.patients()}
        return [self._shown(alert, settings[alert.clinic_id], names) for alert in newest]

    def open_threads(self) -> frozenset[str]:
        """The conversations whose alert is not closed: their patients are asked nothing."""
        return frozenset(alert.thread for alert in self._open())

    def acknowledge(self, alert_id: str, who: str) -> Decision:
        """A named person takes an alert.

        Raises:
            BadInput: no name.
            Missing: no such alert is open.
        """
        name = _name(who)
        decision = steps.acknowledge(self._service, self._still_open(alert_id), name, self._clock.now())
        for record in decision.writes:
            if isinstance(record, Alert):
                self._notice(record)
        return decision

    def close(self, alert_id: str, who: str, outcome: str) -> Decision:
        """A named person closes an alert with what came of it.

        Raises:
            BadInput: no name, or no outcome.
            Missing: no such alert is open.
        """
        name, came = _name(who), " ".join(outcome.split())
        if not came or len(came) > OUTCOME_LETTERS:
            raise BadInput(f"say what came of it, in at most {OUTCOME_LETTERS} letters")
        return steps.close(self._service, self._still_open(alert_id), name, came, self._clock.now())

    def _still_open(self, alert_id: str) -> Alert:
        for alert in self._open():
            if alert.alert_id == alert_id:
                return alert
        raise Missing("this alert is not open any more")

    def _open(self) -> Iterator[Alert]:
        records = self._service.records
        for clinic in self._directory.clinics():
            for key in records.listed(keys.open_of(clinic.clinic_id)):
                record = records.get(key, consistent=True) if key.sk.startswith("NOW#alert#") else None
                if isinstance(record, Alert) and record.status != "closed":
                    self._notice(record)
                    yield record

    def _of_patients(self) -> Iterator[Alert]:
        now = self._clock.now()
        for patient in self._directory.patients():
            yield from self._service.records.chart(ThreadId(patient.patient_id), now, consistent=True).alerts

    def _of_strangers(self, clinics: dict[ClinicId, ClinicSettings]) -> Iterator[Alert]:
        opened = {(alert.thread, alert.alert_id) for alert in self._open()}
        with self._lock:
            self._seen |= opened
            seen = [keys.alert(thread, alert_id) for thread, alert_id in sorted(self._seen)]
        for record in self._service.records.get_many(seen):
            if isinstance(record, Alert) and record.clinic_id in clinics:
                yield record

    def _notice(self, alert: Alert) -> None:
        """Remember who took an alert, as long as it says so."""
        nth = max((nth for nth, change in enumerate(alert.trail) if change.reason == _TAKEN), default=None)
        if nth is not None and alert.status == _TAKEN and alert.owner:
            with self._lock:
                self._takers[alert.alert_id, nth] = alert.owner

    def _by(self, alert: Alert, nth: int) -> str | None:
        if alert.trail[nth].reason == _CLOSED:
            return alert.owner
        with self._lock:
            return self._takers.get((alert.alert_id, nth))

    def _shown(self, alert: Alert, settings: ClinicSettings, names: dict[PatientId, str]) -> OnCallAlert:
        wording = self._service.content.staff
        turn = domain.page(alert, settings, alert.next.at).people if alert.next else ()
        return OnCallAlert(
            alert=alert,
            why=wording.reasons.get(alert.rule, wording.alert_screened),
            initials=names.get(PatientId(alert.thread)),
            zone=settings.zone,
            taken=self._taken(alert, settings),
            then=tuple({person.name: None for person in turn}),
        )

    def _taken(self, alert: Alert, settings: ClinicSettings) -> tuple[StepTaken, ...]:
        names = {person.email: person.name for person in settings.on_call}
        wanted = {
            keys.mail(alert.clinic_id, steps.page_mail_id(self._service, alert, nth, to)): (nth, name)
            for nth, change in enumerate(alert.trail)
            if change.reason == _PAGED
            for to, name in names.items()
        }
        told: dict[int, list[Told]] = {}
        for mail in self._service.records.get_many(list(wanted)):
            if isinstance(mail, Mail):
                nth, name = wanted[keys.of(mail)]
                told.setdefault(nth, []).append(Told(name, mail))
        return tuple(
            StepTaken(change.at, change.reason, tuple(told.get(nth, ())), self._by(alert, nth))
            for nth, change in enumerate(alert.trail)
        )


def as_json(shown: OnCallAlert) -> dict[str, Any]:
    alert = shown.alert
    return {
        "id": alert.alert_id,
        "code": alert.code,
        "level": alert.level,
        "status": alert.status,
        "why": shown.why,
        "thread": alert.thread,
        "initials": shown.initials,
        "zone": shown.zone,
        "opened": alert.opened.isoformat(),
        "owner": alert.owner,
        "outcome": alert.outcome,
        "phone_now": alert.phone_now and alert.status != "closed",
        "steps": [
            {
                "at": step.at.isoformat(),
                "reason": step.reason,
                "by": step.by,
                "told": [{"to": told.to, "status": told.mail.status} for told in step.told],
            }
            for step in shown.taken
        ],
        "next": {"at": alert.next.at.isoformat(), "to": list(shown.then)} if alert.next else None,
        "mails": [
            {
                "id": told.mail.mail_id,
                "at": told.mail.created.isoformat(),
                "to": told.to,
                "address": told.mail.to,
                "subject": told.mail.subject,
                "text": told.mail.text,
                "status": told.mail.status,
            }
            for step in shown.taken
            for told in step.told
        ],
    }


def _name(who: str) -> str:
    name = " ".join(who.split())
    if not name or len(name) > NAME_LETTERS:
        raise BadInput(f"say who you are, in at most {NAME_LETTERS} letters")
    return name
