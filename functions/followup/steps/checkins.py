"""The due step of a check-in: ask, nudge or expire."""

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
        if current.next.step == "expire" or chart.patient is None:
            return domain.expire(current, chart, now)
        clinic = service.clinic(chart.patient.clinic_id)
        protocol, texts = protocol_of(service, clinic), service.content.texts
        act = domain.ask if current.next.step == "ask" else domain.nudge
        return act(current, chart, clinic.settings, protocol, texts, now)

    return settle(service, decide)
