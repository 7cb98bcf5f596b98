"""What every queue promises, with SQS played in process."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from followup.adapters.aws import client_config
from followup.adapters.memory import MemoryQueues
from followup.adapters.sqs import SqsQueues, parse_work
from followup.domain.errors import BadInput
from followup.keys import Key
from followup.ports import Queue, Queues, Work
from infra.local.stack.resources import create_queues
from tests.contract.samples import NOW

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUES: tuple[Queue, ...] = ("replies", "routine", "urgent")


def work(number: int, queue: Queue = "routine", *, thread: str = "p1") -> Work:
    return Work(queue, Key(f"THREAD#{thread}", f"AT#{number}"), NOW + timedelta(milliseconds=number))


class Bench(Protocol):
    @property
    def queues(self) -> Queues: ...

    def take(self, queue: Queue) -> list[Work]:
        """All that waits."""
        ...


class MemoryBench:
    def __init__(self) -> None:
        self.queues = MemoryQueues()

    def take(self, queue: Queue) -> list[Work]:
        return self.queues.take(queue, 1000)


class SqsBench:
    def __init__(self) -> None:
        self.client: SQSClient = boto3.client("sqs", config=client_config(attempts=1))
        self.urls: dict[Queue, str] = {}
        made = create_queues(self.client)
        self.urls.update({queue: made[queue] for queue in QUEUES})

    @property
    def queues(self) -> SqsQueues:
        return SqsQueues(self.client, self.urls)

    def messages(self, queue: Queue) -> list[Any]:
        found: list[Any] = []
        while True:
            answer = self.client.receive_message(
                QueueUrl=self.urls[queue], MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return found
            for message in answer["Messages"]:
                found.append(message)
                self.client.delete_message(QueueUrl=self.urls[queue], ReceiptHandle=message["ReceiptHandle"])

    def take(self, queue: Queue) -> list[Work]:
        return [Work(queue, *parse_work(message["Body"])) for message in self.messages(queue)]


@pytest.fixture
def sqs_bench(aws: None) -> SqsBench:
    return SqsBench()


@pytest.fixture(params=["memory", "sqs"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return MemoryBench() if request.param == "memory" else request.getfixturevalue("sqs_bench")


def test_given_works_when_they_are_put_then_they_wait_on_their_own_queues(bench: Bench) -> None:
    works = [work(1), work(2, "urgent"), work(3), work(4, "replies")]
    assert bench.queues.put(works) == 0
    assert bench.take("routine") == [work(1), work(3)]
    assert bench.take("urgent") == [work(2, "urgent")]
    assert bench.take("replies") == [work(4, "replies")]
    assert bench.take("routine") == []


def test_given_no_works_when_they_are_put_then_nothing_waits(bench: Bench) -> None:
    assert bench.queues.put([]) == 0
    assert bench.take("routine") == []


def test_given_more_works_than_a_batch_holds_when_they_are_put_then_all_wait(bench: Bench) -> None:
    works = [work(number) for number in range(25)]
    assert bench.queues.put(works) == 0
    assert sorted(bench.take("routine"), key=lambda waiting: waiting.at) == works


def test_given_replies_of_one_conversation_when_they_are_put_then_they_come_in_order(bench: Bench) -> None:
    works = [work(number, "replies") for number in (3, 1, 2)]
    bench.queues.put(works)
    assert bench.take("replies") == works


# --- SQS alone --------------------------------------------------------------------------------------------------


def test_given_a_reply_put_twice_when_the_queue_is_read_then_it_comes_once_for_its_due_moment(
    sqs_bench: SqsBench,
) -> None:
    first, later = work(1, "replies"), work(2, "replies")
    sqs_bench.queues.put([first])
    sqs_bench.queues.put([first, Work("replies", first.key, later.at), work(1, "replies", thread="p2")])
    messages = sqs_bench.messages("replies")
    assert [parse_work(message["Body"]) for message in messages if "p1" in message["Body"]] == [
        (first.key, first.at),
        (first.key, later.at),
    ]
    groups = [message["Attributes"]["MessageGroupId"] for message in messages]
    assert sorted(groups) == ["THREAD#p1", "THREAD#p1", "THREAD#p2"]


def test_given_a_queue_that_is_gone_when_works_are_put_then_they_count_as_not_taken(sqs_bench: SqsBench) -> None:
    sqs_bench.client.delete_queue(QueueUrl=sqs_bench.urls["routine"])
    assert sqs_bench.queues.put([work(1), work(2, "urgent"), work(3)]) == 2
    assert sqs_bench.take("urgent") == [work(2, "urgent")]


def test_given_entries_that_are_refused_when_works_are_put_then_these_count_as_not_taken(sqs_bench: SqsBench) -> None:
    def refuse(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Failed"] = [parsed["Successful"].pop()]

    sqs_bench.client.meta.events.register("after-call.sqs.SendMessageBatch", refuse)
    assert sqs_bench.queues.put([work(number) for number in range(12)]) == 2


def test_given_no_connection_when_works_are_put_then_nothing_is_raised(sqs_bench: SqsBench) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://sqs.us-east-1.amazonaws.com")

    sqs_bench.client.meta.events.register_first("before-send.sqs.SendMessageBatch", fail)
    assert sqs_bench.queues.put([work(1)]) == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "rareword",
        "[]",
        '{"pk": "rareword"}',
        '{"pk": "a", "sk": "rareword", "at": "1"}',
        '{"pk": "a", "sk": "rareword", "at": 1.5}',
        '{"pk": "a", "sk": 7, "at": 1}',
        '{"pk": "a", "sk": "b", "at": 1, "rareword": 1}',
        '{"pk": "a", "sk": "b", "at": 999999999999999999}',
        '{"pk": "a", "sk": "b", "at": 99999999999999999999999}',
    ],
)
def test_given_a_body_that_is_no_message_of_ours_when_it_is_read_then_the_error_quotes_nothing_of_it(body: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_work(body)
    assert "rareword" not in repr(caught.value)
    assert caught.value.__context__ is None


# --- memory alone -----------------------------------------------------------------------------------------------


def test_given_a_queue_that_doubles_and_turns_round_when_works_are_put_then_they_come_so() -> None:
    def badly(works: Sequence[Work]) -> Sequence[Work]:
        return [*reversed(works), *works]

    queues = MemoryQueues(badly)
    queues.put([work(1), work(2)])
    assert queues.waiting("routine") == 4
    assert queues.take("routine", 3) == [work(2), work(1), work(1)]
    assert queues.take("routine") == [work(2)]
    assert queues.waiting("urgent") == 0


def test_given_work_for_later_when_it_is_put_then_the_queue_holds_it_back_that_long(sqs_bench: SqsBench) -> None:
    later = Work("urgent", Key("THREAD#p1", "AT#1#text"), NOW + timedelta(seconds=15), delay=15)
    sent: list[dict[str, Any]] = []
    sqs_bench.client.meta.events.register(
        "provide-client-params.sqs.SendMessageBatch", lambda params, **_: sent.append(params)
    )
    assert sqs_bench.queues.put([later, work(2, "urgent")]) == 0
    assert [entry.get("DelaySeconds") for entry in sent[0]["Entries"]] == [15, None]
