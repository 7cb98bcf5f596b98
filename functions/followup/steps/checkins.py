"""The due step of a check-in: ask, nudge, look in or expire."""

from datetime import datetime

from followup.domain import checkin as domain
from followup.domain.records import CheckIn, Decision, ThreadId
from followup.steps.service import Service, settle
from followup.steps.texts import protocol_of


def step(service: Service, checkin: CheckIn, now: datetime) -> Decision:
    """Do what is due on this check-in, on the patient's chart as it stands."""

    def decide(consistent: bool) -> Decision:
        chart = service.chart(ThreadId(checkin.patient_id), now, consistent=consistent)
        current = next((c for c in chart.checkins if c.checkin_id == checkin.checkin_id), checkin)
        if current.next is None or current.next.at > now:
            return Decision("nothing due")
        if chart.patient is None:
            return domain.abandon(current, now)
        clinic, script = service.clinic(chart.patient.clinic_id), service.content.script
        match current.next.step:
            case "expire":
                return domain.expire(current, chart, clinic.settings, script, now)
            case "look_in":
                return domain.look_in(current, chart, clinic.settings, now)
            case "nudge":
                return domain.nudge(current, chart, clinic.settings, protocol_of(service, clinic), script, now)
            case _:
                return domain.ask(current, chart, clinic.settings, protocol_of(service, clinic), script, now)

    return settle(service, decide)
