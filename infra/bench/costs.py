"""What AWS and the carrier ask for a check-in, and for a month in which nothing happens."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML

from infra.bench.course import Course
from infra.local.stack.places import FUNCTIONS

PRICES: Final = Path(__file__).with_name("prices.yaml")
HANDLERS: Final = FUNCTIONS / "followup" / "handlers"

_MONTH_MINUTES = 30 * 24 * 60
_MILLION = 1_000_000
_GB = 1024**3
_QUEUE_REQUESTS = 3  # sent, received, deleted
_MEMORY_GB = 0.5
_SHARDS_READ = 4 * 0.5


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of prices."""

    version: int
    source: str
    review: str
    as_of: str
    per_million: dict[str, float]
    lambda_gb_second: float
    logs_gb: float
    month: dict[str, float]
    sms_segment: float
    sms_carrier_fee: float
    free_a_month: dict[str, int]
    assumed: dict[str, int]


@cache
def prices() -> Prices:
    """The prices, read once."""
    return msgspec.convert(YAML(typ="safe", pure=True).load(PRICES), Prices)


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a bill: how much of what, and USD without and with what AWS gives for free."""

    what: str
    amount: float
    list_price: float
    after_free: float


def of_checkin(course: Course, steps: tuple[str, ...]) -> tuple[Line, ...]:
    """AWS's part of one completed check-in; nothing is taken for free here."""
    calls = [call for call in course.calls if call.step in steps]
    each = 1 / course.completed
    functions = Counter(call.function for call in calls)
    webhooks = functions["receive_text"] + functions["record_delivery"]
    queued = len(calls) - webhooks
    amounts = {
        "dynamodb_write_unit": sum(call.usage.write_units for call in calls) * each,
        "dynamodb_read_unit": sum(call.usage.read_units for call in calls) * each,
        "lambda_request": len(calls) * each,
        "sqs_request": queued * _QUEUE_REQUESTS * each,
        "http_request": webhooks * each,
    }
    lines = [_line(_NAMES[name], amount, prices().per_million[name] / _MILLION) for name, amount in amounts.items()]
    return (*lines, *_running(amounts["lambda_request"]))


_NAMES: Final = {
    "dynamodb_write_unit": "DynamoDB write units",
    "dynamodb_read_unit": "DynamoDB read units",
    "lambda_request": "Lambda calls",
    "sqs_request": "SQS requests",
    "http_request": "HTTP API requests",
}


def _running(calls: float, free: float = 0) -> tuple[Line, Line]:
    assumed = prices().assumed
    seconds = calls * assumed["billed_ms"] / 1000 * _MEMORY_GB
    logged = calls * assumed["log_bytes"] / _GB
    return (
        _line("Lambda GB-seconds", seconds, prices().lambda_gb_second, free),
        _line("GB of logs", logged, prices().logs_gb),
    )


def _line(what: str, amount: float, price: float, free: float = 0) -> Line:
    return Line(what, amount, amount * price, max(0.0, amount - free) * price)


def of_texts(segments: float) -> float:
    """The carrier's part: segments sent and received, with its fee on each."""
    return segments * (prices().sms_segment + prices().sms_carrier_fee)


def of_idle_month(template: Mapping[str, Any]) -> tuple[Line, ...]:
    """What a deployed service costs in thirty days in which nobody is texted, by what stands in the template."""
    resources = template["Resources"].values()
    kinds = Counter(each["Type"] for each in resources)
    functions = [each["Properties"] for each in resources if each["Type"] == "AWS::Serverless::Function"]
    events = [event for each in functions for event in each.get("Events", {}).values()]
    polled = sum(event["Type"] == "SQS" for event in events)
    sweeps = sum(_runs(event["Properties"]) for event in events if event["Type"] == "ScheduleV2")
    free, million, assumed = prices().free_a_month, prices().per_million, prices().assumed
    polls = polled * assumed["pollers"] * _MONTH_MINUTES * 60 / assumed["poll_seconds"]
    return (
        _line("alarms", kinds["AWS::CloudWatch::Alarm"], prices().month["alarm"], free["alarms"]),
        _line("custom metrics", len(_metrics(resources)), prices().month["custom_metric"], free["custom_metrics"]),
        _line("secrets", kinds["AWS::SecretsManager::Secret"], prices().month["secret"]),
        _line(f"SQS requests of Lambda's polling, {polled} queues", polls, million["sqs_request"] / _MILLION,
              free["sqs_requests"]),
        _line("schedule runs", sweeps, million["schedule"] / _MILLION, free["schedules"]),
        _line("Lambda calls of the sweep", sweeps, million["lambda_request"] / _MILLION, free["lambda_requests"]),
        *_running(sweeps, free["lambda_gb_seconds"]),
        _line("DynamoDB read units of the sweep", sweeps * _SHARDS_READ, million["dynamodb_read_unit"] / _MILLION),
    )  # fmt: skip


def _metrics(resources: Any) -> set[tuple[str, str]]:
    """Custom metrics: what alarms watch, one for every set of dimensions, and what functions count beside that."""
    alarms = [each["Properties"] for each in resources if each["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {
        (each["MetricName"], str(each["Dimensions"])) for each in alarms if not each["Namespace"].startswith("AWS/")
    }
    counted = {name for path in HANDLERS.glob("*.py") for name in re.findall(r'count\("(\w+)"\)', path.read_text())}
    return watched | {(name, "") for name in counted - {name for name, _ in watched}}


def _runs(schedule: Mapping[str, Any]) -> int:
    """How often a month `rate(n minutes)` comes round."""
    minutes = int(schedule["ScheduleExpression"].removeprefix("rate(").split()[0])
    return _MONTH_MINUTES // minutes
