"""Takes in a status callback from the carrier and merges it into the text that it names: `?text=` is the text's id."""

from datetime import datetime

from followup import wiring
from followup.handlers.carrier_request import carrier_request
from followup.steps.service import hand_over
from followup.steps.texts import delivered
from followup.webhook import Form

ROUTE = "/twilio/status"


def _take(form: Form, now: datetime) -> str:
    service = wiring.service()
    decision = delivered(service, form.query.get("text", ""), form.sid, form.status, form.error_code, now)
    hand_over(service, decision.writes, now)
    return decision.reason


lambda_handler = carrier_request(ROUTE, _take)
