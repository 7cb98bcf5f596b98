"""The one table, in DynamoDB. Reads are key lookups and queries; nothing here ever scans."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from followup import keys
from followup.adapters.change import Change, changes, conflict
from followup.adapters.charting import chart_of
from followup.adapters.epoch import from_ms, to_ms
from followup.adapters.items import DUE_LANE, LIST_RANK, LISTED, NEXT_AT, PK, SK, VERSION, from_item, key_of, to_item
from followup.domain.errors import StorageBusy
from followup.domain.records import AnyRecord, Chart, Lane, ThreadId
from followup.keys import Key
from followup.ports import Due

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DUE_INDEX: Final = "due"
LISTED_INDEX: Final = "listed"
KEYS_A_BATCH: Final = 100
BATCH_TRIES: Final = 6
FIRST_PAUSE_S: Final = 0.05
OVERTAKEN: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


class DynamoRecords:
    """The records in a table with the indexes `due` and `listed`. `pause` waits for so many seconds."""

    def __init__(self, client: "DynamoDBClient", table: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._pause = pause

    def get(self, key: Key, *, consistent: bool = False) -> AnyRecord | None:
        answer = self._client.get_item(TableName=self._table, Key=key_of(key), ConsistentRead=consistent)
        item = answer.get("Item")
        return None if item is None else from_item(item)

    def get_many(self, keys: Sequence[Key]) -> list[AnyRecord]:
        """The records that exist, in the order asked.

        Raises:
            StorageBusy: some were still left out after several tries.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, AnyRecord] = {}
        for start in range(0, len(wanted), KEYS_A_BATCH):
            for item in self._batch([key_of(key) for key in wanted[start : start + KEYS_A_BATCH]]):
                found[_key(item)] = from_item(item)
        return [found[key] for key in keys if key in found]

    def _batch(self, left: list[Any]) -> Iterator[dict[str, Any]]:
        for attempt in range(BATCH_TRIES):
            if attempt:
                self._pause(FIRST_PAUSE_S * 2**attempt)
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": left}})
            yield from answer["Responses"].get(self._table, [])
            left = list(answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"])
            if not left:
                return
        raise StorageBusy(f"{len(left)} records left unread")

    def chart(self, thread: ThreadId, since: datetime | None, *, consistent: bool = False) -> Chart:
        items = self._query(
            KeyConditionExpression="#pk = :pk AND #sk >= :since",
            ExpressionAttributeNames={"#pk": PK, "#sk": SK},
            ExpressionAttributeValues={
                ":pk": {"S": keys.thread_pk(thread)},
                ":since": {"S": "AT#" if since is None else keys.since(since)},
            },
            ConsistentRead=consistent,
        )
        return chart_of(thread, map(from_item, items))

    def due(self, lane: Lane, shard: int, up_to: datetime, limit: int) -> Sequence[Due]:
        if limit < 1:
            return []
        items = self._query(
            most=limit,
            IndexName=DUE_INDEX,
            KeyConditionExpression="#lane = :lane AND #at <= :up_to",
            ExpressionAttributeNames={"#lane": DUE_LANE, "#at": NEXT_AT},
            ExpressionAttributeValues={":lane": {"S": f"{lane}#{shard}"}, ":up_to": {"N": str(to_ms(up_to))}},
        )
        return [Due(_key(item), from_ms(int(item[NEXT_AT]["N"]))) for item in items]

    def listed(self, listing: str, *, starting: str = "") -> Iterator[Key]:
        names, values = {"#listed": LISTED}, {":listed": {"S": listing}}
        condition = "#listed = :listed"
        if starting:
            names["#rank"], values[":starting"] = LIST_RANK, {"S": starting}
            condition += " AND begins_with(#rank, :starting)"
        items = self._query(
            IndexName=LISTED_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
        return map(_key, items)

    def _query(self, *, most: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        left = most
        while True:
            limit: dict[str, Any] = {} if left is None else {"Limit": left}
            answer = self._client.query(TableName=self._table, **query, **limit)
            yield from answer["Items"]
            left = None if left is None else left - len(answer["Items"])
            if "LastEvaluatedKey" not in answer or left == 0:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def commit(self, *records: AnyRecord, removed: Sequence[AnyRecord] = ()) -> None:
        writes = changes(records, removed)
        if len(writes) == 1:
            self._write_one(writes[0])
        elif writes:
            self._write_all(writes)

    def _write_one(self, change: Change) -> None:
        """A plain conditional write, at half the price of a transaction.

        Unlike a transaction it carries no token: when an answer is lost and the client sends the write again, the
        second try fails on what the first one wrote. Only then is the record read back, to tell this from a conflict.
        """
        try:
            if change.stored is None:
                self._client.delete_item(TableName=self._table, Key=key_of(change.key), **_condition(change))
            else:
                self._client.put_item(TableName=self._table, Item=to_item(change.stored), **_condition(change))
        except (
            self._client.exceptions.ConditionalCheckFailedException,
            self._client.exceptions.TransactionConflictException,
        ) as error:
            sent_again = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
            if sent_again and self.get(change.key, consistent=True) == change.stored:
                return
            raise conflict(change.key) from error

    def _write_all(self, writes: Sequence[Change]) -> None:
        try:
            self._client.transact_write_items(TransactItems=[self._operation(change) for change in writes])
        except self._client.exceptions.TransactionCanceledException as error:
            for change, reason in zip(writes, _reasons(error), strict=False):
                if reason in OVERTAKEN:
                    raise conflict(change.key) from error
            raise

    def _operation(self, change: Change) -> Any:
        if change.stored is None:
            return {"Delete": {"TableName": self._table, "Key": key_of(change.key)} | _condition(change)}
        return {"Put": {"TableName": self._table, "Item": to_item(change.stored)} | _condition(change)}


def _condition(change: Change) -> dict[str, Any]:
    if change.was == 0:
        return {"ConditionExpression": "attribute_not_exists(#pk)", "ExpressionAttributeNames": {"#pk": PK}}
    return {
        "ConditionExpression": "#version = :was",
        "ExpressionAttributeNames": {"#version": VERSION},
        "ExpressionAttributeValues": {":was": {"N": str(change.was)}},
    }


def _reasons(error: ClientError) -> list[str]:
    return [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]


def _key(item: dict[str, Any]) -> Key:
    return Key(item[PK]["S"], item[SK]["S"])
