"""Logs and metrics as every function writes them: ids and fixed phrases only. Events are never logged."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from followup.domain.errors import FollowUpError

logger = Logger()
metrics = Metrics()

Entry = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class FunctionFailed(FollowUpError):
    """A function raised. Lambda logs whatever leaves a function, so the cause is named by its type only."""

    retryable = True


def count(metric: str, value: float = 1) -> None:
    metrics.add_metric(metric, MetricUnit.Count, value)


def observed(entry: Entry) -> Entry:
    """A function's entry point with the request's id on every log line and its metrics, if any, written at the end.

    Errors raised on purpose pass, because their messages name ids and fixed phrases only; of any other one only the
    type is told: its message may hold personal words.
    """

    def measured(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        try:
            return entry(event, context)
        except FollowUpError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, its message may hold personal words
            logger.error("function failed", extra={"error": type(error).__name__})
            raise FunctionFailed("function failed") from None
        finally:
            if metrics.provider.metric_set:
                metrics.flush_metrics()

    logged: Entry = logger.inject_lambda_context(measured, clear_state=True)
    return logged
