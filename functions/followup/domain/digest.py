"""What a clinic reads in the morning: who needs a person, ranked, in a dozen rows.

A flag has a row on the day on which its reason appears or changes; afterwards it counts in one line. Alerts that are
not closed have a row every day and are never cut. Rows hold initials and the class of a reason, no scores, no words.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from followup.domain.alerts import SEVERITY
from followup.domain.calendar import local
from followup.domain.clinic import ClinicSettings, DigestGroups
from followup.domain.flags import STANDING
from followup.domain.names import initials
from followup.domain.records import Alert, Flag, FlagGroup, Level, Patient

MOST_ROWS: Final = 12
RANKED: Final[tuple[FlagGroup, ...]] = ("review", "booster", "planned", "silent", "unreachable", "desk", "note")

News = Literal["new", "changed", "standing"]
Mark = Literal["one_score", "partial", "open_alert", "phone_now"]
"""What a row adds to the class of its reason: the reference is one score, the response was partial, the flag waits for
an open alert, our reply may not have reached the patient."""

_MARKS: Final[tuple[Mark, ...]] = ("open_alert", "partial", "one_score")
_MARK_SLOTS: Final = ("held", "response", "reference")
_DAILY_SLOT: Final = "watched"
"""A number of a silent patient's flag that says why it is shown every day."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Proof that the machine works: since the last digest, and at present."""

    followed: int
    """Patients followed now."""
    delivered: int
    """Texts delivered."""
    answered: int
    """Check-ins answered."""
    unreadable: int
    """Replies that could not be read."""
    alerts_open: int
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    level: Level
    code: str
    initials: str
    """Empty for a number that we do not know."""
    rule: str
    link: str
    age: timedelta
    acknowledged: bool
    news: News
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRow:
    group: FlagGroup
    initials: str
    rule: str
    link: str
    news: News
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One morning's list for recipients of one kind. Times are clinic-local."""

    short: str
    """The clinic's neutral name, fit for a subject line."""
    day: date
    groups: DigestGroups
    alerts: tuple[AlertRow, ...]
    rows: tuple[FlagRow, ...]
    still_open: int
    """Flags that stand without news."""
    more: int
    """Flags with news that found no row."""
    new: int
    changed: int
    withdrawn: int
    """Flags withdrawn since the last digest."""
    counts: Counts
    link: str
    """The whole list; empty if the clinic has no staff pages."""

    @property
    def quiet(self) -> bool:
        """Nothing to act on."""
        return not (self.alerts or self.rows or self.still_open or self.more)


def build(
    settings: ClinicSettings,
    alerts: Iterable[Alert],
    flags: Iterable[Flag],
    patients: Iterable[Patient],
    counts: Counts,
    last_digest_at: datetime | None,
    now: datetime,
    *,
    groups: DigestGroups = "clinical",
) -> Digest:
    """Rank what stands for a clinic and choose what gets a row.

    Closed alerts and snoozed or done flags may be among those given and are left out; withdrawn ones are counted if
    they are given. `last_digest_at` is none for the first digest: then everything is new.
    """
    names: dict[str, str] = {patient.thread: initials(patient.name) for patient in patients}
    shown = [flag for flag in flags if groups == "clinical" or flag.group == "desk"]
    standing = [flag for flag in shown if flag.status in STANDING and flag.status != "snoozed"]
    ranked = sorted(standing, key=lambda flag: (RANKED.index(flag.group), flag.born, flag.patient_id, flag.flag_id))
    with_row = [
        FlagRow(
            group=flag.group,
            initials=names.get(flag.patient_id, ""),
            rule=flag.rule,
            link=staff_link(settings, flag.patient_id),
            news=news,
            marks=_marks(flag),
        )
        for flag in ranked
        if (news := _news(flag, last_digest_at)) != "standing" or _DAILY_SLOT in dict(flag.numbers)
    ]
    alert_rows = _alert_rows(settings, alerts, names, last_digest_at, now) if groups == "clinical" else ()
    rows = tuple(with_row[: max(0, MOST_ROWS - len(alert_rows))])
    return Digest(
        short=settings.sms_name,
        day=local(now, settings.zone).date(),
        groups=groups,
        alerts=alert_rows,
        rows=rows,
        still_open=sum(flag.group != "note" for flag in ranked) - sum(row.group != "note" for row in with_row),
        more=len(with_row) - len(rows),
        new=_count(with_row, alert_rows, "new"),
        changed=_count(with_row, alert_rows, "changed"),
        withdrawn=sum(_withdrawn(flag, last_digest_at) for flag in shown),
        counts=replace(counts, checked_at=local(counts.checked_at, settings.zone)),
        link=settings.desk_link,
    )


def staff_link(settings: ClinicSettings, opaque_id: str) -> str:
    """Where staff open this patient or alert, behind sign-in; empty if the clinic has no staff pages."""
    return f"{settings.desk_link.rstrip('/')}/{opaque_id}" if settings.desk_link else ""


def _alert_rows(
    settings: ClinicSettings,
    alerts: Iterable[Alert],
    names: dict[str, str],
    last_digest_at: datetime | None,
    now: datetime,
) -> tuple[AlertRow, ...]:
    not_closed = [alert for alert in alerts if alert.status != "closed"]
    ranked = sorted(not_closed, key=lambda alert: (-SEVERITY[alert.level], alert.opened, alert.alert_id))
    return tuple(
        AlertRow(
            level=alert.level,
            code=alert.code,
            initials=names.get(alert.thread, ""),
            rule=alert.rule,
            link=staff_link(settings, alert.alert_id),
            age=now - alert.opened,
            acknowledged=alert.status == "acknowledged",
            news="new" if last_digest_at is None or alert.opened > last_digest_at else "standing",
            marks=("phone_now",) if alert.phone_now else (),
        )
        for alert in ranked
    )


def _news(flag: Flag, last_digest_at: datetime | None) -> News:
    if last_digest_at is None or flag.born > last_digest_at:
        return "new"
    woke = bool(flag.trail) and flag.trail[-1].status == "open" and flag.trail[-1].at > last_digest_at
    return "changed" if flag.changed > last_digest_at or woke else "standing"


def _marks(flag: Flag) -> tuple[Mark, ...]:
    numbers = dict(flag.numbers)
    said = {numbers.get(slot) for slot in _MARK_SLOTS}
    return tuple(mark for mark in _MARKS if mark in said)


def _withdrawn(flag: Flag, last_digest_at: datetime | None) -> bool:
    if flag.status != "withdrawn" or last_digest_at is None or not flag.trail:
        return False
    return flag.trail[-1].at > last_digest_at


def _count(rows: Iterable[FlagRow], alerts: Iterable[AlertRow], news: News) -> int:
    return sum(row.news == news for row in rows) + sum(row.news == news for row in alerts)
