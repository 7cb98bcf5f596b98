"""The two readers of what lies ahead: shard by shard, and the whole index in one call."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from followup.adapters.dynamo import DynamoRecords
from followup.domain.records import AnyRecord, ClinicId, Next, Sender, Text, TextId, ThreadId
from infra.local.due import LANES, QueriedSteps, ScannedSteps
from infra.local.stack.resources import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)


@pytest.fixture
def client(aws: None) -> "DynamoDBClient":
    made: DynamoDBClient = boto3.client("dynamodb")
    return made


def a_text(number: int, then: Next | None) -> Text:
    thread = ThreadId(f"p{number}")
    return Text(
        status="planned",
        text_id=TextId(f"{thread}.{number}"),
        thread=thread,
        clinic_id=ClinicId("lakeside"),
        kind="check_in",
        to="+13125550121",
        body="How are you?",
        created=NOON,
        stale=None,
        next=then,
    )


def test_given_steps_in_every_lane_when_read_in_one_call_then_they_are_those_of_all_shards_in_order(
    client: "DynamoDBClient",
) -> None:
    table = create_table(client)
    records = DynamoRecords(client, table)
    steps = [Next("send", NOON + timedelta(minutes=7 * n % 60), LANES[n % len(LANES)]) for n in range(24)]
    look = Next("look", NOON, "replies")
    texts: list[AnyRecord] = [a_text(number, then) for number, then in enumerate((*steps, None))]
    for record in (*texts, Sender(sender_key="s", clinic_id=ClinicId("lakeside"), next=look)):
        records.commit(record)

    scanned = ScannedSteps(client, table).ahead(1)

    assert [(step.at, step.lane) for step in scanned] == sorted((each.at, each.lane) for each in steps)
    assert list(scanned) == list(QueriedSteps(records).ahead(24))
