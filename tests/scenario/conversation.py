"""A patient and the service in conversation: ask a survey now, answer, let time pass, look at what is stored."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from followup.domain.records import (
    CheckIn,
    CheckInId,
    CheckInKind,
    Flag,
    Next,
    Patient,
    PatientId,
    Score,
)
from infra.demo.machine import Machine
from tests.scenario.lakeside import (
    SENDER,
    alerts_of,
    chart,
    phone_of,
    session,
    texts,
    visit,
)

PHQ2 = ("phq9:1", "phq9:2")
PHQ9 = tuple(f"phq9:{item}" for item in range(1, 10))
GAD7 = tuple(f"gad7:{item}" for item in range(1, 8))
AFTER_SESSION = ("mood", "side_effects")
MINUTE = timedelta(minutes=1)
THANKS = {"en": "Thanks, noted for your care team.", "es": "Gracias, lo anotamos para su equipo de salud."}
LANGUAGES = pytest.mark.parametrize("language", ["en", "es"])


def ask(
    machine: Machine,
    patient_id: PatientId,
    *questions: str,
    kind: CheckInKind = "continued",
    session_id: str | None = None,
    visits: datetime | None = None,
) -> None:
    """A check-in with these questions leaves now; other kinds than `continued` ask what the protocol says."""
    now = machine.clock.now()
    checkin = CheckIn(
        status="planned",
        patient_id=patient_id,
        checkin_id=CheckInId(f"{now:%Y-%m-%dT%H:%MZ}.{kind}"),
        kind=kind,
        due=now,
        until=now + timedelta(days=2),
        questions=questions,
        session_id=session_id,
        visit=visits,
    )
    machine.records.commit(checkin.into("planned", "planned", now, then=Next("ask", now, "routine")))
    machine.run_until(now + MINUTE)


def says(machine: Machine, patient_id: PatientId, *bodies: str, media: int = 0) -> str:
    """The patient writes these one after the other, a minute apart; returns the last text that the phone got."""
    for body in bodies:
        answer = machine.patient_writes(phone_of(machine, patient_id), SENDER, body, media=media)
        assert answer["statusCode"] == 200
        machine.run_until(machine.clock.now() + MINUTE)
    assert machine.failures == []
    return texts(machine, patient_id)[-1]


def passes(machine: Machine, **amount: float) -> None:
    machine.run_until(machine.clock.now() + timedelta(**amount))


def last(machine: Machine, patient_id: PatientId) -> CheckIn:
    asked = (each for each in chart(machine, patient_id).checkins if each.asked_at)
    return max(asked, key=lambda each: each.asked_at or each.due)


def answers(machine: Machine, patient_id: PatientId) -> dict[str, int | None]:
    return {answer.question: answer.value for answer in last(machine, patient_id).answers}


def scores(machine: Machine, patient_id: PatientId) -> dict[str, int]:
    return {score.instrument: score.value for score in chart(machine, patient_id).scores}


def score(machine: Machine, patient_id: PatientId, instrument: str) -> Score:
    (found,) = (each for each in chart(machine, patient_id).scores if each.instrument == instrument)
    return found


def flags(machine: Machine, patient_id: PatientId) -> dict[str, str]:
    """The standing flags that answers raised, by rule, with their groups."""
    desk = ("enter_baseline", "series_over", "unmarked", "rebook")
    standing: list[Flag] = [flag for flag in chart(machine, patient_id).flags if flag.status == "open"]
    return {flag.rule: flag.group for flag in standing if flag.rule not in desk}


def alert(machine: Machine, patient_id: PatientId) -> tuple[str, str]:
    (only,) = alerts_of(machine, patient_id)
    return only.level, only.rule


def patient(machine: Machine, patient_id: PatientId) -> Patient:
    found = chart(machine, patient_id).patient
    assert found is not None
    return found


def close_alert(machine: Machine, patient_id: PatientId) -> None:
    (found,) = (each for each in alerts_of(machine, patient_id) if each.status != "closed")
    machine.records.commit(
        replace(found, owner="Ana Ruiz", outcome="phoned").into("closed", "closed", machine.clock.now())
    )


def infused(machine: Machine, patient_id: PatientId, *, hours_ago: float) -> None:
    start = machine.clock.now() - timedelta(hours=hours_ago + 1)
    visit(machine, patient_id, session(1, start, end=start + timedelta(hours=1)))
