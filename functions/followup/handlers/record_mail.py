"""Takes in what the mail service reports of a mail: the proof that it left when the answer to the call was lost."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from followup import wiring
from followup.handlers.observing import count, logger, observed
from followup.steps.mails import reported


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An EventBridge event of the mail service; its tags `clinic` and `mail` name the record."""
    detail = event.get("detail", {})
    tags = detail.get("mail", {}).get("tags", {})
    clinic, mail = (next(iter(tags.get(name, [])), "") for name in ("clinic", "mail"))
    kind = str(detail.get("eventType", ""))
    if kind == "Bounce":
        count("MailBounced")
        logger.warning("mail bounced", extra={"mail": mail})
        return {}
    decision = reported(wiring.service(), clinic, mail, wiring.clock().now())
    logger.info("mail reported", extra={"mail": mail, "reason": decision.reason})
    return {}
