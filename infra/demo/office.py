"""The clinic's side of the demo: its export is imported every morning, flags and alerts are answered.

The export is played as it would have come day by day: visits of the past with what became of them, visits of the next
two weeks as booked.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from followup import keys
from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.records import Alert, ClinicId, Flag, Patient
from followup.intake.infusions import InfusionRow
from followup.steps import alerts, flags, visits
from followup.steps.clinics import patients_of
from infra.demo.machine import Machine

OPENS = time(6, 30)
"""Clinic-local time of the morning's imports."""
BOOKED_AHEAD = timedelta(days=14)
ACKNOWLEDGED_AFTER = timedelta(minutes=8)
CLOSED_AFTER = timedelta(minutes=40)
_DEALT_WITH_AFTER = timedelta(hours=30)
_WHO = "demo"
_VISIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Booking:
    """How this clinic acts on a booster flag: a visit so many days later, at this time."""

    after_days: int = 4
    at: time = time(10)


class Office:
    """Everything the clinic's people do: each morning, after each visit, and whenever an alert waits."""

    def __init__(
        self,
        machine: Machine,
        clinic_id: ClinicId,
        settings: ClinicSettings,
        rows: Sequence[InfusionRow],
        booking: Booking | None,
    ) -> None:
        self._machine = machine
        self._clinic = clinic_id
        self._settings = settings
        self._booking = booking
        self._booked = 0
        self._to_book = sorted(rows, key=lambda row: row.start)
        self._to_mark = sorted((row for row in rows if row.status != "scheduled"), key=known_at)
        self._morning = machine.clock.now()
        self._alerts: list[datetime] = []

    def next_at(self) -> datetime:
        """When the clinic's people do something next."""
        marked = [known_at(self._to_mark[0])] if self._to_mark else []
        return min([self._morning, *marked, *self._alerts])

    def act(self, now: datetime) -> None:
        """Do what is due."""
        if self._morning <= now:
            self._write_visits(now)
            self._book(now)
            self._look_at_flags(now)
            today = calendar.local(now, self._settings.zone).date()
            self._morning = calendar.at_local(today + timedelta(days=1), OPENS, self._settings.zone)
        self._write_visits(now)
        self._alerts = [at for at in self._alerts if at > now]
        self._answer_alerts(now)

    def _write_visits(self, now: datetime) -> None:
        """Visits booked for the next two weeks, and what became of those that are over."""
        visible = {row.visit: replace(row, status="scheduled", end=None) for row in self._to_book if booked(row, now)}
        self._to_book = [row for row in self._to_book if row.visit not in visible]
        marked = {row.visit: row for row in self._to_mark if known_at(row) <= now}
        self._to_mark = [row for row in self._to_mark if row.visit not in marked]
        rows = [*(visible | marked).values()]
        if rows:
            visits.record_visits(self._machine.service, self._clinic, rows, who=_WHO, now=now)

    def _patients(self) -> list[Patient]:
        return list(patients_of(self._machine.service, self._clinic))

    def _book(self, now: datetime) -> None:
        """Book a visit for whoever has stood on the list for a booster since yesterday."""
        if self._booking is None:
            return
        today = calendar.local(now, self._settings.zone).date()
        names = {patient.patient_id: patient.record_number for patient in self._patients()}
        for key in list(self._machine.records.listed(keys.open_of(self._clinic))):
            flag = self._machine.records.get(key)
            waiting = isinstance(flag, Flag) and flag.group == "booster" and now - flag.born > timedelta(hours=20)
            if not isinstance(flag, Flag) or not waiting or flag.patient_id not in names:
                continue
            day = today + timedelta(days=self._booking.after_days)
            while day.weekday() not in {hours.weekday for hours in self._settings.hours}:
                day += timedelta(days=1)
            self._booked += 1
            start = calendar.at_local(day, self._booking.at, self._settings.zone)
            self._add(
                InfusionRow(
                    visit=f"BOOSTER{self._booked:04d}",
                    record_number=names[flag.patient_id],
                    route="iv",
                    start=start,
                    end=start + _VISIT,
                    status="completed",
                    series="maintenance",
                )
            )
        self._write_visits(now)

    def _look_at_flags(self, now: datetime) -> None:
        """The day after a flag is born somebody has dealt with it; booster flags wait for their visit."""
        for flag in list(flags.standing(self._machine.service, self._clinic)):
            if flag.group not in ("booster", "planned", "note") and now - flag.born > _DEALT_WITH_AFTER:
                flags.done(self._machine.service, flag, "looked at", who=_WHO, now=now)

    def _add(self, row: InfusionRow) -> None:
        self._to_book.append(row)
        insort(self._to_mark, row, key=known_at)

    def _answer_alerts(self, now: datetime) -> None:
        """Whoever was paged phones the patient, and closes the alert with what came of it."""
        for key in list(self._machine.records.listed(keys.open_of(self._clinic))):
            alert = self._machine.records.get(key)
            if not isinstance(alert, Alert) or alert.told is None:
                if isinstance(alert, Alert) and alert.next is not None:
                    self._alerts.append(alert.next.at + timedelta(seconds=1))
                continue
            if alert.status == "open" and alert.told + ACKNOWLEDGED_AFTER <= now:
                alerts.acknowledge(self._machine.service, alert, self._settings.on_call[0].name, now)
                self._alerts.append(now + CLOSED_AFTER)
            elif alert.status == "open":
                self._alerts.append(alert.told + ACKNOWLEDGED_AFTER)
            elif alert.status == "acknowledged" and _taken_at(alert) + CLOSED_AFTER <= now:
                who = self._settings.on_call[0].name
                alerts.close(self._machine.service, alert, who, "spoke with the patient", now)
            elif alert.status == "acknowledged":
                self._alerts.append(_taken_at(alert) + CLOSED_AFTER)


def booked(row: InfusionRow, now: datetime) -> bool:
    """Whether the clinic has this visit in its book by now."""
    return row.start <= now + BOOKED_AHEAD


def known_at(row: InfusionRow) -> datetime:
    """When the clinic writes down what became of a visit."""
    if row.status == "completed":
        return (row.end or row.start + _VISIT) + timedelta(minutes=15)
    return row.start - timedelta(days=1) if row.status == "cancelled" else row.start + _VISIT


def _taken_at(alert: Alert) -> datetime:
    return max(change.at for change in alert.trail if change.reason == "acknowledged")
