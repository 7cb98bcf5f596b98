"""Finds what is due in a lane and queues it. One schedule a lane wakes it."""

from typing import Any, get_args

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from followup import wiring
from followup.domain.errors import BadInput
from followup.domain.records import Lane
from followup.handlers.observing import logger, metrics, observed
from followup.steps.sweep import sweep


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event`: `{"lane": "urgent" | "replies" | "routine" | "daily"}`."""
    lane: Lane | None = next((name for name in get_args(Lane) if name == event.get("lane")), None)
    if lane is None:
        raise BadInput(f"lane: must be one of {', '.join(get_args(Lane))}")
    swept = sweep(wiring.service(), lane, wiring.clock().now())
    metrics.add_dimension("lane", lane)
    metrics.add_metric("OldestDueSeconds", MetricUnit.Seconds, swept.oldest_age)
    logger.info("swept", extra={"lane": lane, "handed_over": swept.handed_over})
    return {"handed_over": swept.handed_over}
