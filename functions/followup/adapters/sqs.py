"""Queues in SQS: a message names a record and the moment at which its step was due, and holds nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from followup.adapters.epoch import from_ms, to_ms
from followup.domain.errors import BadInput
from followup.keys import Key
from followup.ports import Queue, Work

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_A_BATCH: Final = 10
LONGEST_DELAY_S: Final = 900


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message's body; `at` in milliseconds since 1970."""

    pk: str
    sk: str
    at: int


class SqsQueues:
    """The queues by their URLs. One whose URL ends in `.fifo` keeps a conversation's works in order and apart."""

    def __init__(self, client: "SQSClient", urls: Mapping[Queue, str]) -> None:
        self._client = client
        self._urls = urls

    def put(self, works: Sequence[Work]) -> int:
        ordered = sorted(works, key=attrgetter("queue"))
        refused = 0
        for queue, of_queue in groupby(ordered, key=attrgetter("queue")):
            same = list(of_queue)
            for start in range(0, len(same), MESSAGES_A_BATCH):
                refused += self._send(queue, same[start : start + MESSAGES_A_BATCH])
        return refused

    def _send(self, queue: Queue, works: Sequence[Work]) -> int:
        url = self._urls.get(queue)
        if url is None:  # this function may not feed that queue: the sweep does
            return len(works)
        entries = [_entry(number, work, fifo=url.endswith(".fifo")) for number, work in enumerate(works)]
        try:
            return len(self._client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", []))
        except (ClientError, BotoCoreError):
            return len(works)


def _entry(number: int, work: Work, *, fifo: bool) -> Any:
    body = msgspec.json.encode(Message(work.key.pk, work.key.sk, to_ms(work.at)))
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": body.decode()}
    if work.delay and not fifo:  # a FIFO queue delays all or nothing
        entry["DelaySeconds"] = min(work.delay, LONGEST_DELAY_S)
    if fifo:
        entry |= {"MessageGroupId": work.key.pk, "MessageDeduplicationId": sha256(body).hexdigest()}
    return entry


def parse_work(body: str) -> tuple[Key, datetime]:
    """The record's key and when its step was due.

    Raises:
        BadInput: the body is not a message of ours.
    """
    try:
        message = msgspec.json.decode(body, type=Message)
        return Key(message.pk, message.sk), from_ms(message.at)
    except (ValueError, OverflowError):  # msgspec's own error is a ValueError, and quotes the value
        pass
    raise BadInput("work message: expected a JSON object of pk (text), sk (text) and at (milliseconds)")
