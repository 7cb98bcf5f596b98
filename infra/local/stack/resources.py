"""The table and the queues of `template.yaml`, made through plain API calls for tests that run AWS in process."""

from typing import TYPE_CHECKING, Any, Final

from followup.ports import Queue
from infra.local.stack.template import read_template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

STACK_NAME: Final = "followup"
TABLE: Final = "FollowUpTable"

_TABLE_SHAPE: Final = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
_QUEUE_SHAPE: Final = (
    "FifoQueue",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
    "MessageRetentionPeriod",
)


def create_table(client: "DynamoDBClient", name: str = STACK_NAME) -> str:
    """Create the table with its keys, indexes and expiry, and return its name."""
    properties = read_template()["Resources"][TABLE]["Properties"]
    shape: dict[str, Any] = {part: properties[part] for part in _TABLE_SHAPE}
    client.create_table(TableName=name, **shape)
    client.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    return name


def create_queues(client: "SQSClient", stack_name: str = STACK_NAME) -> dict[Queue, str]:
    """Create the work queues, each with its dead-letter queue, and return their URLs."""
    urls: dict[Queue, str] = {}
    for name, logical_id in work_queues().items():
        properties = read_template()["Resources"][logical_id]["Properties"]
        dead_letters = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        dead_url = _create_queue(client, dead_letters, stack_name, {})
        arn = client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        most = properties["RedrivePolicy"]["maxReceiveCount"]
        redrive = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": {most}}}'
        urls[name] = _create_queue(client, logical_id, stack_name, {"RedrivePolicy": redrive})
    return urls


def work_queues() -> dict[Queue, str]:
    """Logical ids of the work queues in the template, by the names that the code knows them by."""
    sweep = read_template()["Resources"]["SweepFunction"]["Properties"]["Environment"]["Variables"]
    found: dict[Queue, str] = {}
    for variable, value in sweep.items():
        if variable.startswith("QUEUE_"):
            found[variable.removeprefix("QUEUE_").lower()] = value["Ref"]
    return found


def _create_queue(client: "SQSClient", logical_id: str, stack_name: str, more: dict[str, str]) -> str:
    properties = read_template()["Resources"][logical_id]["Properties"]
    name = properties["QueueName"]["Fn::Sub"].replace("${AWS::StackName}", stack_name)
    attributes: Any = {part: _text(properties[part]) for part in _QUEUE_SHAPE if part in properties} | more
    return client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
