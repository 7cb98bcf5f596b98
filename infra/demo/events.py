"""Events as AWS hands them to the functions: queue batches, schedules, and HTTP requests that the carrier signed."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.utilities.typing import LambdaContext
from twilio.request_validator import RequestValidator

from followup.adapters.epoch import to_ms
from followup.ports import Work


def queue_event(works: Sequence[Work]) -> dict[str, Any]:
    """A batch of one queue's messages."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "receipt",
                "body": json.dumps({"pk": work.key.pk, "sk": work.key.sk, "at": to_ms(work.at)}),
                "attributes": {"MessageGroupId": work.key.pk, "ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{work.queue}",
                "awsRegion": "us-east-1",
            }
            for number, work in enumerate(works)
        ]
    }


def webhook_event(
    route: str, fields: Mapping[str, str], *, public_url: str, token: str, query: str = ""
) -> dict[str, Any]:
    """An HTTP API request with a form body and the carrier's signature over the public URL."""
    url = f"{public_url}{route}" + (f"?{query}" if query else "")
    signature = RequestValidator(token).compute_signature(url, dict(fields))
    return {
        "version": "2.0",
        "rawPath": route,
        "rawQueryString": query,
        "headers": {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature},
        "requestContext": {"http": {"method": "POST", "path": route}},
        "body": base64.b64encode(urlencode(fields).encode()).decode(),
        "isBase64Encoded": True,
    }


class Context(LambdaContext):
    """A Lambda context, as far as the functions look at it."""

    def __init__(self) -> None:
        self._function_name = "local"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:local"
        self._aws_request_id = "local"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Half a minute, always."""
        return 30_000
