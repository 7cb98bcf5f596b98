"""A long survey over several days: after so many answers it ends for the day, and its rest is a check-in of its own."""

from dataclasses import replace
from datetime import datetime, timedelta

from followup.domain import calendar, survey
from followup.domain.answers import ITEM8, ITEM9, SIDE_EFFECTS
from followup.domain.cadence import minute_of
from followup.domain.clinic import ClinicSettings
from followup.domain.protocol import Protocol
from followup.domain.records import CheckIn, CheckInId, Next, Patient

GOES_ON = "goes on another day"
"""Why a long survey has ended for the day."""


def goes_on(checkin: CheckIn) -> bool:
    """Whether the rest of it is asked on another day."""
    return any(change.reason == GOES_ON for change in checkin.trail)


def pause(checkin: CheckIn, protocol: Protocol) -> bool:
    """Whether enough was asked for one day. What belongs together stays together.

    Item 9 of PHQ-9 follows item 8 at once, so that nobody is left with it open overnight, and what is asked of side
    effects that the patient has is asked while they are spoken of.
    """
    following = checkin.open_question
    if protocol.questions_a_day is None or following is None or len(checkin.answers) < protocol.questions_a_day:
        return False
    if following == ITEM9:
        return ITEM8 not in survey.values(checkin)
    return following not in SIDE_EFFECTS or following not in checkin.opened


def continued(
    checkin: CheckIn, patient: Patient, settings: ClinicSettings, protocol: Protocol, now: datetime
) -> CheckIn | None:
    """The rest of a survey, as a check-in of the next day of the survey hours; none if there is no such day."""
    today = calendar.local(now, patient.zone).date()
    day = calendar.survey_day_from(today + timedelta(days=1), settings, protocol.survey_hours)
    if day is None:
        return None
    rule = protocol.rule("continued")
    due = calendar.at_local(day, minute_of(patient.patient_id, protocol.spread), patient.zone)
    rest = CheckIn(
        status="planned",
        patient_id=patient.patient_id,
        checkin_id=CheckInId(f"{due:%Y-%m-%dT%H:%MZ}.continued"),
        kind="continued",
        due=due,
        until=calendar.at_local(day + timedelta(days=rule.moves_days), rule.until, patient.zone),
        session_id=checkin.session_id,
    )
    return resumed(rest, checkin).into("planned", "goes on from the day before", now, then=Next("ask", due, "routine"))


def resumed(rest: CheckIn, begun: CheckIn) -> CheckIn:
    """The second day of a survey with what the first one has by now: its answers, and its questions without one."""
    answered = {answer.question for answer in begun.answers}
    left = tuple(question for question in begun.questions if question not in answered)
    return replace(
        rest,
        questions=left,
        opened=tuple(question for question in begun.opened if question in left),
        carried=(*begun.carried, *begun.answers),
    )
