"""Flags for people to look at: born once, changed when their reasons change, never silently dropped."""

from dataclasses import replace
from datetime import datetime

from followup.domain.records import Chart, Flag, FlagGroup, Patient

STANDING = ("open", "acknowledged", "snoozed")


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
    """The standing flag of this rule about this thing, or a new one. Raising it again changes only its numbers."""
    stem = f"{rule}.{about}" if about else rule
    standing = next((flag for flag in chart.flags if flag.status in STANDING and _stem(flag) == stem), None)
    if standing is not None:
        if standing.numbers == numbers:
            return standing
        return replace(standing, numbers=numbers, changed=now)
    return Flag(
        status="open",
        flag_id=f"{stem}@{now:%Y%m%dT%H%M%S}",
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        group=group,
        rule=rule,
        numbers=numbers,
        born=now,
        changed=now,
    ).into("open", "raised", now)


def _stem(flag: Flag) -> str:
    return flag.flag_id.partition("@")[0]
