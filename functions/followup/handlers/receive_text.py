"""Takes in a patient's text from the carrier: verify, validate, triage, claim and store, then empty TwiML."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from followup import webhook, wiring
from followup.domain.errors import Refused
from followup.domain.triage import Message
from followup.handlers.observing import count, logger, observed
from followup.steps.receive import receive

ROUTE = "/twilio/inbound"


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An HTTP API request. Anything that fails after verification answers 500: the carrier delivers again."""
    try:
        form = webhook.verified(
            event,
            public_url=wiring.setting("PUBLIC_URL"),
            route=ROUTE,
            account=wiring.setting("TWILIO_ACCOUNT"),
            tokens=wiring.signing_tokens(),
        )
        now = wiring.clock().now()
        message = Message(
            sid=form.sid,
            phone=form.phone("From"),
            body=form.body,
            received=now,
            media=form.media,
            opt_out_type=form.fields.get("OptOutType"),
        )
        to = form.phone("To")
    except Refused as refused:
        count("WebhookRefused")
        logger.warning("request refused", extra={"reason": str(refused)})
        return webhook.answer(403)
    try:
        reason = receive(wiring.service(), to, message, now)
    except Exception as error:  # noqa: BLE001 - a 500 makes the carrier deliver again; the sweep finds the rest
        logger.error("text not stored", extra={"message_sid": message.sid, "error": type(error).__name__})
        return webhook.answer(500)
    logger.info("text received", extra={"message_sid": message.sid, "reason": reason})
    return webhook.answer()
