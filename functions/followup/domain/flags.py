"""Flags for people to look at: born once, changed when their reasons change, never silently dropped."""

from dataclasses import replace
from datetime import datetime, timedelta

from followup.domain.records import Chart, Decision, Flag, FlagGroup, Next, Patient

STANDING = ("open", "acknowledged", "snoozed")

NOTES_STAND = timedelta(days=7)
"""A note was read on the morning after it was born; later it stands on the patient's page only."""


def raise_flag(
    chart: Chart,
    patient: Patient,
    group: FlagGroup,
    rule: str,
    now: datetime,
    *,
    about: str = "",
    numbers: tuple[tuple[str, str], ...] = (),
) -> Flag:
    """The standing flag of this rule about this thing, or a new one. Raising it again renews numbers and group."""
    stem = f"{rule}.{about}" if about else rule
    standing = next((flag for flag in chart.flags if flag.status in STANDING and _stem(flag) == stem), None)
    if standing is not None:
        if (standing.numbers, standing.group) == (numbers, group):
            return standing
        then = _then(group, now) if group != standing.group else standing.next
        return replace(standing, numbers=numbers, group=group, changed=now, next=then)
    flag_id = f"{stem}@{now:%Y%m%dT%H%M%S}"
    withdrawn = next((flag for flag in chart.flags if flag.flag_id == flag_id), None)
    if withdrawn is not None:
        # Withdrawn within the same second: its key is taken.
        return replace(withdrawn, numbers=numbers, changed=now).into("open", "raised again", now)
    return Flag(
        status="open",
        flag_id=flag_id,
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        group=group,
        rule=rule,
        numbers=numbers,
        born=now,
        changed=now,
    ).into("open", "raised", now, then=_then(group, now))


def _then(group: FlagGroup, now: datetime) -> Next | None:
    return Next("wake", now + NOTES_STAND, "daily") if group == "note" else None


def done(flag: Flag, outcome: str, now: datetime) -> Decision:
    """A person has dealt with it; `outcome` is what they say came of it."""
    if flag.status not in STANDING:
        return Decision(f"flag is {flag.status}")
    return Decision("done", (replace(flag, changed=now).into("done", outcome, now),))


def snooze(flag: Flag, until: datetime, now: datetime) -> Decision:
    """Off the list until then; what it found stands meanwhile."""
    if flag.status not in STANDING:
        return Decision(f"flag is {flag.status}")
    return Decision("snoozed", (flag.into("snoozed", "snoozed", now, then=Next("wake", until, "daily")),))


def wake(flag: Flag, now: datetime) -> Decision:
    """A snooze has run out: back on the list. A note has stood long enough: off it."""
    if flag.status == "snoozed":
        return Decision("woken", (flag.into("open", "snooze ended", now),))
    if flag.group == "note" and flag.status in STANDING:
        return Decision("note lapsed", (flag.into("done", "note lapsed", now),))
    return Decision("nothing to wake", (replace(flag, next=None),))


def _stem(flag: Flag) -> str:
    return flag.flag_id.partition("@")[0]
