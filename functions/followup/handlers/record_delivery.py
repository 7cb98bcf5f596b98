"""Takes in a status callback from the carrier and merges it into the text that it names."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from followup import webhook, wiring
from followup.domain.errors import Refused
from followup.handlers.observing import count, logger, observed
from followup.steps.service import hand_over
from followup.steps.texts import delivered

ROUTE = "/twilio/status"


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An HTTP API request; `?text=` in its query is the id of the text."""
    try:
        form = webhook.verified(
            event,
            public_url=wiring.setting("PUBLIC_URL"),
            route=ROUTE,
            account=wiring.setting("TWILIO_ACCOUNT"),
            tokens=wiring.signing_tokens(),
        )
        sid, status, code = form.sid, form.status, form.error_code
        text_id = form.query.get("text", "")
    except Refused as refused:
        count("WebhookRefused")
        logger.warning("request refused", extra={"reason": str(refused)})
        return webhook.answer(403)
    service, now = wiring.service(), wiring.clock().now()
    try:
        decision = delivered(service, text_id, sid, status, code, now)
    except Exception as error:  # noqa: BLE001 - a 500 makes the carrier deliver again; the sweep finds the rest
        logger.error("status not stored", extra={"message_sid": sid, "error": type(error).__name__})
        return webhook.answer(500)
    hand_over(service, decision.writes, now)
    logger.info("status received", extra={"message_sid": sid, "status": status, "reason": decision.reason})
    return webhook.answer()
