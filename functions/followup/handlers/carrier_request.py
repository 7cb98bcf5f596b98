"""What both webhooks do: verify, act, and answer empty TwiML whatever happens."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from followup import webhook, wiring
from followup.domain.errors import Refused
from followup.handlers.observing import Entry, count, logger, observed
from followup.webhook import Form

Act = Callable[[Form, datetime], str]
"""Takes a verified form, does what follows, and says so in a fixed phrase."""


def carrier_request(route: str, act: Act) -> Entry:
    """The entry point of a webhook: an HTTP API request from the carrier.

    A request that is not the carrier's is answered 403. Anything else that fails is answered 500, so that the carrier
    delivers again; the claim on the text makes that harmless.
    """

    def entry(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        del context
        try:
            form = webhook.verified(
                event,
                public_url=wiring.setting("PUBLIC_URL"),
                route=route,
                account=wiring.setting("TWILIO_ACCOUNT"),
                tokens=wiring.signing_tokens(),
            )
            logger.append_keys(message_sid=form.sid)
            reason = act(form, wiring.clock().now())
        except Refused as refused:
            count("WebhookRefused")
            logger.warning("request refused", extra={"reason": str(refused)})
            return webhook.answer(403)
        except Exception as error:  # noqa: BLE001 - whatever it was, the answer must not be text, nor its message logged
            logger.error("request failed", extra={"error": type(error).__name__})
            return webhook.answer(500)
        logger.info("request taken", extra={"reason": reason})
        return webhook.answer()

    return observed(entry)
