"""What template.yaml says of the table, the queues, the webhooks, the alarms, and what tests make of it."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import boto3
import pytest
from cfnlint.api import lint_file
from moto import mock_aws

from followup.adapters import dynamo, items
from followup.domain.records import Lane
from followup.ports import Queue
from infra.local.stack.local_template import localised
from infra.local.stack.places import FUNCTIONS
from infra.local.stack.resources import create_queues, create_table, work_queues
from infra.local.stack.template import ROOT, Template, read_template
from tests.stack.shapes import ALARM, FUNCTION, LOG, QUEUE, Resources, of_type, sources, target

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ALARMS = of_type(read_template()["Resources"], ALARM)
QUEUES = of_type(read_template()["Resources"], QUEUE)
WORK = sorted(work_queues().items())
MOST_CUSTOM_METRICS = 10


def test_given_the_table_when_the_stack_is_deleted_or_replaced_then_records_stay(resources: Resources) -> None:
    table = resources["FollowUpTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_given_the_phone_key_when_the_stack_is_deleted_then_it_stays(resources: Resources) -> None:
    assert resources["PhoneKeySecret"]["DeletionPolicy"] == "Retain"
    assert resources["PhoneKeySecret"]["Properties"]["GenerateSecretString"]["PasswordLength"] == 64


def test_given_the_table_when_compared_with_its_adapter_then_keys_and_indexes_are_the_same(
    resources: Resources,
) -> None:
    properties = resources["FollowUpTable"]["Properties"]
    keys = {index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
            for index in properties["GlobalSecondaryIndexes"]}  # fmt: skip
    assert keys == {
        dynamo.DUE_INDEX: [items.DUE_LANE, items.NEXT_AT],
        dynamo.LISTED_INDEX: [items.LISTED, items.LIST_RANK],
    }
    assert [key["AttributeName"] for key in properties["KeySchema"]] == [items.PK, items.SK]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": items.TTL, "Enabled": True}


def test_given_the_queues_when_compared_with_the_code_then_each_name_has_one() -> None:
    assert set(work_queues()) == set(get_args(Queue))


@pytest.mark.parametrize(("queue", "logical_id"), WORK)
def test_given_a_work_queue_when_a_message_fails_five_times_then_it_is_set_aside_and_somebody_hears_of_it(
    queue: Queue, logical_id: str
) -> None:
    work = QUEUES[logical_id]
    dead_letters = target(work["RedrivePolicy"]["deadLetterTargetArn"])
    assert work["RedrivePolicy"]["maxReceiveCount"] == 5
    assert QUEUES[dead_letters].get("FifoQueue") == work.get("FifoQueue")
    assert work["QueueName"]["Fn::Sub"].endswith(".fifo") == bool(work.get("FifoQueue")) == (queue == "replies")
    watching = [alarm for alarm in ALARMS.values() if alarm["Dimensions"][0].get("Value") == {
        "Fn::GetAtt": [dead_letters, "QueueName"]}]  # fmt: skip
    assert [alarm["MetricName"] for alarm in watching] == ["ApproximateNumberOfMessagesVisible"]


def test_given_all_queues_when_read_then_each_is_encrypted_and_takes_work_or_keeps_dead_letters() -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())
    kept = {
        target(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in QUEUES.values() if "RedrivePolicy" in queue
    }
    assert set(QUEUES) == {logical_id for _, logical_id in WORK} | kept
    assert len(kept) == len(WORK)


@pytest.mark.parametrize(("queue", "logical_id"), WORK)
def test_given_a_work_queue_when_a_batch_fails_in_part_then_only_that_part_comes_again_and_not_too_soon(
    queue: Queue, logical_id: str, resources: Resources
) -> None:
    readers = [each for each in of_type(resources, FUNCTION).values() if logical_id in sources(each)]
    assert len(readers) == 1
    assert sources(readers[0])[logical_id]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert QUEUES[logical_id]["VisibilityTimeout"] == 6 * readers[0]["Timeout"]


def test_given_the_lanes_when_texts_pile_up_then_routine_is_capped_and_urgent_is_not(resources: Resources) -> None:
    functions = of_type(resources, FUNCTION)
    routine = sources(functions["SendTextsFunction"])["RoutineQueue"]
    assert routine["ScalingConfig"] == {"MaximumConcurrency": 2}
    for name, queue in (("SendUrgentFunction", "UrgentQueue"), ("PageOnCallFunction", "PagesQueue")):
        assert "ScalingConfig" not in sources(functions[name])[queue]
        assert sources(functions[name])[queue]["BatchSize"] == 1


def test_given_the_webhooks_when_requests_rush_in_then_only_the_status_route_is_throttled(
    resources: Resources,
) -> None:
    api = resources["CarrierApi"]["Properties"]
    assert list(api["RouteSettings"]) == ["POST /twilio/status"]
    assert "DefaultRouteSettings" not in api


def test_given_the_access_log_when_written_then_it_holds_no_query_no_body_and_no_caller(resources: Resources) -> None:
    log_format = resources["CarrierApi"]["Properties"]["AccessLogSettings"]["Format"]
    json.loads(re.sub(r"\$context\.\w+", "x", log_format))
    logged = set(re.findall(r"\$context\.([\w.]+)", log_format))
    assert logged == {"requestId", "requestTime", "routeKey", "status", "responseLatency", "integrationErrorMessage"}


def test_given_the_webhook_addresses_when_printed_then_they_make_the_carrier_deliver_again(template: Template) -> None:
    for name in ("InboundWebhook", "StatusWebhook"):
        assert template["Outputs"][name]["Value"]["Fn::Sub"].endswith("#rc=2&rp=ct,rt,5xx")


def test_given_the_logs_when_read_then_each_expires(resources: Resources) -> None:
    assert all("RetentionInDays" in log for log in of_type(resources, LOG).values())


@pytest.mark.parametrize("name", ALARMS)
def test_given_an_alarm_when_it_goes_off_then_it_tells_somebody_and_names_a_page_that_exists(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    [page] = re.findall(r"See (docs/runbooks/[a-z-]+\.md)$", alarm["AlarmDescription"])
    text = (ROOT / page).read_text()
    assert all(heading in text for heading in ("## What it means", "## What to look at", "## What to do"))


def test_given_the_lanes_when_a_sweep_stops_coming_then_the_missing_data_sounds_the_alarm() -> None:
    watched = {}
    for alarm in ALARMS.values():
        if alarm["MetricName"] == "OldestDueSeconds":
            dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
            assert dimensions["service"] == "followup"  # the functions' metrics carry it on every line
            watched[dimensions["lane"]] = alarm["TreatMissingData"]
    assert watched == dict.fromkeys(get_args(Lane), "breaching")


def test_given_the_alarms_when_compared_with_the_code_then_their_metrics_are_written_and_few() -> None:
    code = "\n".join(path.read_text() for path in (FUNCTIONS / "followup" / "handlers").glob("*.py"))
    written = set(re.findall(r'(?:count|add_metric)\(\s*"(\w+)"', code))
    watched = {alarm["MetricName"] for alarm in ALARMS.values() if alarm["Namespace"] == "FollowUp"}
    assert watched <= written
    assert len(written) - 1 + len(get_args(Lane)) <= MOST_CUSTOM_METRICS  # OldestDueSeconds is one for each lane


def test_given_the_template_when_linted_as_translated_then_nothing_is_wrong(
    translated: Template, tmp_path: Path
) -> None:
    file = tmp_path / "translated.json"
    file.write_text(json.dumps(translated))
    assert [f"{match.rule.id} {match.message}" for match in lint_file(file)] == []


def test_given_the_local_template_when_compared_with_the_deployed_one_then_only_the_named_parts_differ(
    translated: Template, tmp_path: Path
) -> None:
    local = localised(translated, libraries=tmp_path, secrets={"AuthTokenSecret": "{}"})
    added = set(local["Resources"]) - set(translated["Resources"])
    assert {local["Resources"][name]["Type"] for name in added} == {
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
    }
    changed = {name for name, each in translated["Resources"].items() if local["Resources"][name] != each}
    kinds = {translated["Resources"][name]["Type"] for name in changed}
    assert kinds == {"AWS::Lambda::Function", "AWS::ApiGatewayV2::Api", "AWS::SecretsManager::Secret", "AWS::IAM::Role"}
    for name in changed:
        if translated["Resources"][name]["Type"] == "AWS::Lambda::Function":
            local["Resources"][name]["Properties"]["Environment"]["Variables"].pop("PYTHONPATH")
            assert local["Resources"][name] == translated["Resources"][name]


@mock_aws
def test_given_the_template_when_tests_make_their_table_then_it_has_its_keys_indexes_and_expiry() -> None:
    client: DynamoDBClient = boto3.client("dynamodb")
    name = create_table(client)
    made = client.describe_table(TableName=name)["Table"]
    assert {index["IndexName"] for index in made["GlobalSecondaryIndexes"]} == {"due", "listed"}
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


@mock_aws
def test_given_the_template_when_tests_make_their_queues_then_each_has_its_dead_letters() -> None:
    client: SQSClient = boto3.client("sqs")
    urls = create_queues(client)
    assert set(urls) == set(get_args(Queue))
    assert urls["replies"].endswith("/followup-replies.fifo")
    made = client.get_queue_attributes(QueueUrl=urls["urgent"], AttributeNames=["All"])["Attributes"]
    assert made["VisibilityTimeout"] == str(6 * 14)
    assert "followup-urgent-dead-letters" in made["RedrivePolicy"]
