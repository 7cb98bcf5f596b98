"""What every function on a queue does: one due step per message, each on its own.

A message that cannot be parsed and a step that fails raise, so that the queue delivers it again and after five times
sets it aside. A step that is no longer due returns.
"""

import contextlib
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from followup import wiring
from followup.adapters.sqs import parse_work
from followup.domain.errors import FollowUpError
from followup.handlers.observing import count, logger, observed
from followup.ports import Queue, Work
from followup.steps import work

STUCK = frozenset({"stuck", "refused by the mail service", "a missed text could not be claimed"})
"""Reasons that raise the alarm: something has given up, or was not taken in, and a person has to look."""


class StepFailed(FollowUpError):
    """A step raised; the cause is named by its type only, because its message may hold personal words."""

    retryable = True


class QueueHandler:
    """The entry point of a function that works on one queue, or on several of them."""

    def __init__(self, *queues: Queue) -> None:
        self._queues = queues
        fifo = queues == ("replies",)
        self._processor = SqsFifoPartialProcessor(skip_group_on_error=True) if fifo else BatchProcessor(EventType.SQS)
        self._processor.raise_on_entire_batch_failure = False

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        return observed(self._run)(event, context)

    def _run(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        return dict(process_partial_response(event, self._one, self._processor, context))

    def _one(self, record: SQSRecord) -> None:
        key, at = parse_work(record.body)
        queue = self._queue(record)
        try:
            reasons = work.do(wiring.service(), Work(queue, key, at), wiring.clock().now())
        except Exception as error:  # noqa: BLE001 - whatever it was, its message may hold personal words
            count("StepFailed")
            logger.error("step failed", extra={"record": f"{key.pk} {key.sk}", "error": type(error).__name__})
            with contextlib.suppress(Exception):  # if the table is what broke, the sweep finds the record as it was
                work.postpone(wiring.service(), key, wiring.clock().now())
            raise StepFailed("step failed") from None
        logger.info("step done", extra={"record": f"{key.pk} {key.sk}", "reasons": reasons})
        if STUCK.intersection(reasons):
            count("Stuck")
        if "carrier not configured" in reasons:
            count("SenderNotConfigured")

    def _queue(self, record: SQSRecord) -> Queue:
        """The queue that the message came on, told by the end of its ARN's name when there are several."""
        name = str(record.event_source_arn or "").rpartition(":")[2].lower()
        return next((queue for queue in self._queues if name.endswith(queue)), self._queues[0])
