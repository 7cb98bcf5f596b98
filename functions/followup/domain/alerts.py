"""Alerts: one for a conversation at a time, paged until a named person acknowledges, open until closed with an outcome.

Levels and their timers: an EMERGENCY is paged at once, again at 5 minutes, to the second person at 10, to the third
at 15, then to all every 10 minutes. URGENT: at once, at 15, 30 and 60 minutes, then hourly, day and night. SAME DAY:
at once in clinic hours, otherwise at the next 09:00, weekends and holidays too, then every 2 hours.
"""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain.calendar import next_nine, next_opening, open_at
from followup.domain.clinic import ClinicSettings, OnCall
from followup.domain.records import Alert, ClinicId, Level, Next, ThreadId

SEVERITY: dict[Level, int] = {"same_day": 1, "urgent": 2, "emergency": 3}

_PAGES_AFTER: dict[Level, tuple[int, ...]] = {"emergency": (0, 5, 10, 15), "urgent": (0, 15, 30, 60), "same_day": (0,)}
_THEN_EVERY: dict[Level, int] = {"emergency": 10, "urgent": 60, "same_day": 120}
_CLOSE_WITHIN: dict[Level, timedelta] = {"emergency": timedelta(minutes=60), "urgent": timedelta(hours=4)}
_WROTE_AGAIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Page:
    """Whom to tell now, and the alert with its next page set."""

    alert: Alert
    people: tuple[OnCall, ...]
    reason: str


def raise_alert(
    current: Alert | None,
    *,
    clinic_id: ClinicId,
    thread: ThreadId,
    level: Level,
    rule: str,
    trigger: str,
    settings: ClinicSettings,
    now: datetime,
) -> Alert:
    """Open an alert for this trigger, or let it join the one that is open. The same trigger counts once."""
    if current is None or current.status == "closed":
        # One text can open an alert for each of several patients, so the conversation is part of the id.
        alert_id = f"{now:%Y%m%d%H%M%S}-{zlib.crc32(f'{thread} {trigger}'.encode()):08x}"
        fresh = Alert(
            status="open",
            alert_id=alert_id,
            clinic_id=clinic_id,
            thread=thread,
            code=f"{1000 + zlib.crc32(alert_id.encode()) % 9000}",
            level=level,
            rule=rule,
            opened=now,
            triggers=(trigger,),
        )
        return fresh.into("open", "opened", now, then=Next("page", _first_page(level, settings, now), "urgent"))
    if trigger in current.triggers:
        return current
    joined = replace(current, triggers=(*current.triggers, trigger))
    if SEVERITY[level] > SEVERITY[current.level]:
        risen = replace(joined, level=level, rule=rule, pages=0)
        return risen.into("open", "level rose", now, then=Next("page", _first_page(level, settings, now), "urgent"))
    # Told that the patient wrote again at most every two minutes, but at once whoever thinks that it is in hand.
    in_hand = current.status == "acknowledged" and current.trail[-1].reason == "acknowledged"
    again = now if current.told is None or in_hand else max(now, current.told + _WROTE_AGAIN)
    first = _first_page(current.level, settings, again)
    pending = current.next.at if current.next else first
    return joined.into(current.status, "wrote again", now, then=Next("page", min(first, pending), "urgent"))


def wrote_again(alert: Alert, trigger: str, settings: ClinicSettings, now: datetime) -> Alert:
    """The same conversation goes on while its alert is open: whoever has it is told, the level stays."""
    return raise_alert(
        alert,
        clinic_id=alert.clinic_id,
        thread=alert.thread,
        level=alert.level,
        rule=alert.rule,
        trigger=trigger,
        settings=settings,
        now=now,
    )


def phone_now(alert: Alert, now: datetime) -> Alert:
    """Our reply may not have reached the patient: whoever is on call is told at once to phone."""
    if alert.status == "closed" or alert.phone_now:
        return alert
    return replace(alert, phone_now=True).into(
        alert.status, "reply may not have arrived", now, then=Next("page", now, "urgent")
    )


def page(alert: Alert, settings: ClinicSettings, now: datetime) -> Page:
    """Tell the people whose turn it is, and set when to tell again. Only closing an alert ends this."""
    if alert.status == "closed":
        return Page(replace(alert, next=None), (), "closed already")
    turn = alert.pages
    people = settings.on_call[: max(1, _people(alert.level, turn))]
    told = replace(alert, pages=turn + 1, told=now)
    then = Next("page", _next_page(alert, settings, turn, now), "urgent")
    return Page(told.into(alert.status, "paged", now, then=then), people, "paged")


def acknowledge(alert: Alert, who: str, settings: ClinicSettings, now: datetime) -> Alert:
    """A named person takes the alert; it is told again if it is not closed in time."""
    limit = _CLOSE_WITHIN.get(alert.level)
    again = now + limit if limit else next_opening(settings, now + timedelta(hours=12))
    owned = replace(alert, owner=who, pages=0)
    return owned.into("acknowledged", "acknowledged", now, then=Next("page", again, "urgent"))


def close(alert: Alert, who: str, outcome: str, now: datetime) -> Alert:
    """A named person closes the alert with what came of it."""
    return replace(alert, owner=who, outcome=outcome).into("closed", "closed", now)


def _first_page(level: Level, settings: ClinicSettings, now: datetime) -> datetime:
    if level != "same_day" or open_at(settings, now):
        return now
    return next_nine(settings, now)


def _next_page(alert: Alert, settings: ClinicSettings, turn: int, now: datetime) -> datetime:
    offsets = _PAGES_AFTER[alert.level]
    if turn + 1 < len(offsets):
        return now + timedelta(minutes=offsets[turn + 1] - offsets[turn])
    later = now + timedelta(minutes=_THEN_EVERY[alert.level])
    return later if alert.level != "same_day" else _first_page("same_day", settings, later)


def _people(level: Level, turn: int) -> int:
    if level == "emergency":
        return max(1, turn)  # 0 and 5 minutes: the first; 10: the second too; 15: the third; then all
    return turn + 1 if level == "same_day" else max(1, turn)
