"""Takes in a patient's text from the carrier: verify, validate, triage, claim and store, then empty TwiML."""

from datetime import datetime

from followup import wiring
from followup.domain.triage import Message
from followup.handlers.carrier_request import carrier_request
from followup.steps.receive import receive
from followup.webhook import Form

ROUTE = "/twilio/inbound"


def _take(form: Form, now: datetime) -> str:
    message = Message(
        sid=form.sid,
        phone=form.phone("From"),
        body=form.body,
        received=now,
        media=form.media,
        opt_out_type=form.fields.get("OptOutType"),
    )
    return receive(wiring.service(), form.phone("To"), message, now)


lambda_handler = carrier_request(ROUTE, _take)
