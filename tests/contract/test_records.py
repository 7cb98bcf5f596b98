"""What every store of records promises."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from followup import keys
from followup.adapters.dynamo import DynamoRecords
from followup.adapters.memory import MemoryRecords
from followup.domain.errors import Conflict, StorageBusy
from followup.domain.records import AnyRecord, Lane, Next, PatientId, ThreadId
from followup.keys import Key
from followup.ports import Due, Records
from infra.local.stack.resources import create_table
from tests.contract.samples import (
    CLINIC,
    NOW,
    ONE_OF_EACH,
    THREAD,
    a_checkin,
    a_flag,
    a_patient,
    a_plan,
    a_score,
    a_text,
    an_alert,
    an_incoming,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def client(aws: None) -> "DynamoDBClient":
    made: DynamoDBClient = boto3.client(
        "dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 2})
    )
    return made


@pytest.fixture
def dynamo(client: "DynamoDBClient") -> DynamoRecords:
    return DynamoRecords(client, create_table(client), pause=lambda _seconds: None)


@pytest.fixture(params=["memory", "dynamo"])
def records(request: pytest.FixtureRequest) -> Records:
    """Each store in turn."""
    return MemoryRecords() if request.param == "memory" else request.getfixturevalue("dynamo")


@pytest.fixture(params=["memory", "dynamo", "dynamo in pages of two"])
def queried(request: pytest.FixtureRequest) -> Records:
    """Each store in turn, and one whose every query takes many pages."""
    if request.param == "memory":
        return MemoryRecords()
    store: DynamoRecords = request.getfixturevalue("dynamo")
    if request.param == "dynamo in pages of two":
        client: DynamoDBClient = request.getfixturevalue("client")
        client.meta.events.register("before-parameter-build.dynamodb.Query", _at_most_two)
    return store


def _at_most_two(params: dict[str, Any], **_: Any) -> None:
    params["Limit"] = min(params.get("Limit", 2), 2)


def read(records: Records, record: AnyRecord) -> Any:
    return records.get(keys.of(record), consistent=True)


def shard_of(record: AnyRecord) -> int:
    return int((keys.lane_shard(record) or "#0").partition("#")[2])


def due(records: Records, record: AnyRecord, *, lane: Lane = "routine", limit: int = 50) -> list[Due]:
    return list(records.due(lane, shard_of(record), NOW, limit))


def planned(minutes: int) -> AnyRecord:
    at = NOW + timedelta(minutes=minutes)
    return a_checkin(at, next=Next("ask", at, "routine"))


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_given_a_new_record_when_it_is_committed_then_it_reads_back_with_its_first_version(
    records: Records, record: AnyRecord
) -> None:
    records.commit(record)
    assert read(records, record) == replace(record, version=1)


def test_given_nothing_stored_when_a_record_is_read_then_there_is_none(records: Records) -> None:
    assert records.get(keys.patient(PatientId("p9"))) is None


def test_given_a_record_that_was_read_when_it_is_changed_then_the_change_stands_with_the_next_version(
    records: Records,
) -> None:
    records.commit(a_patient())
    records.commit(replace(read(records, a_patient()), status="paused"))
    assert read(records, a_patient()) == a_patient(status="paused", version=2)


def test_given_a_record_that_exists_when_it_is_created_again_then_it_is_a_conflict(records: Records) -> None:
    records.commit(a_patient())
    with pytest.raises(Conflict):
        records.commit(a_patient(status="paused"))
    assert read(records, a_patient()).status == "active"


@pytest.mark.parametrize("version", [1, 3])
def test_given_a_record_that_moved_on_when_an_old_reading_is_written_then_it_is_a_conflict(
    records: Records, version: int
) -> None:
    records.commit(a_patient())
    records.commit(a_patient(version=1, status="paused"))
    with pytest.raises(Conflict):
        records.commit(a_patient(version=version, status="discharged"))
    assert read(records, a_patient()).status == "paused"


def test_given_no_record_when_a_change_of_it_is_written_then_it_is_a_conflict(records: Records) -> None:
    with pytest.raises(Conflict):
        records.commit(a_patient(version=1))
    assert read(records, a_patient()) is None


def test_given_several_records_when_they_are_committed_then_all_stand(records: Records) -> None:
    records.commit(a_patient(), a_text(), a_checkin())
    assert [read(records, record).version for record in (a_patient(), a_text(), a_checkin())] == [1, 1, 1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_given_one_record_of_several_moved_on_when_they_are_committed_then_none_is_written(
    records: Records, place: int
) -> None:
    records.commit(a_patient())
    writes: list[AnyRecord] = [a_text(), a_checkin(next=Next("ask", NOW, "routine"))]
    writes.insert(place, a_patient(status="paused"))
    with pytest.raises(Conflict, match="THREAD#p1 NOW#patient"):
        records.commit(*writes)
    assert read(records, a_text()) is None
    assert read(records, a_checkin()) is None
    assert read(records, a_patient()).status == "active"
    assert due(records, planned(0)) == []


def test_given_a_record_that_was_read_when_it_is_removed_then_it_is_gone_from_everywhere(records: Records) -> None:
    checkin = planned(0)
    records.commit(checkin)
    records.commit(removed=[read(records, checkin)])
    assert read(records, checkin) is None
    assert due(records, checkin) == []
    assert records.chart(THREAD, None).checkins == ()


def test_given_a_record_that_moved_on_when_it_is_removed_then_it_is_a_conflict_and_stays(records: Records) -> None:
    records.commit(a_patient())
    records.commit(a_patient(version=1))
    with pytest.raises(Conflict):
        records.commit(removed=[a_patient(version=1)])
    with pytest.raises(Conflict):
        records.commit(a_text(), removed=[a_patient(version=1)])
    assert read(records, a_patient()).version == 2
    assert read(records, a_text()) is None


def test_given_a_removal_and_a_write_when_they_are_committed_then_both_happen(records: Records) -> None:
    records.commit(a_text())
    records.commit(a_patient(), removed=[read(records, a_text())])
    assert read(records, a_text()) is None
    assert read(records, a_patient()).version == 1


def test_given_a_removed_record_when_it_is_created_again_then_it_starts_anew(records: Records) -> None:
    records.commit(a_text())
    records.commit(removed=[read(records, a_text())])
    records.commit(a_text())
    assert read(records, a_text()).version == 1


def test_given_no_records_when_they_are_committed_then_nothing_happens(records: Records) -> None:
    records.commit()


def test_given_a_record_twice_when_they_are_committed_then_it_is_a_mistake_of_ours(records: Records) -> None:
    with pytest.raises(ValueError, match="twice"):
        records.commit(a_patient(), removed=[a_patient()])


def test_given_more_records_than_a_transaction_holds_when_they_are_committed_then_it_is_a_mistake_of_ours(
    records: Records,
) -> None:
    with pytest.raises(ValueError, match="101"):
        records.commit(*(planned(minute) for minute in range(101)))
    assert records.chart(THREAD, None).checkins == ()


def test_given_as_many_records_as_a_transaction_holds_when_they_are_committed_then_all_stand(records: Records) -> None:
    checkins = [planned(minute) for minute in range(100)]
    records.commit(*checkins)
    assert len(records.get_many([keys.of(checkin) for checkin in checkins])) == 100


@pytest.mark.parametrize("others", [0, 1])
def test_given_many_who_read_the_same_when_all_change_it_then_the_first_wins(records: Records, others: int) -> None:
    records.commit(a_patient())
    was = read(records, a_patient())

    def change(number: int) -> str:
        notes = [a_score(NOW + SECOND * (number * others + note)) for note in range(others)]
        try:
            records.commit(replace(was, name=f"writer {number}"), *notes)
        except Conflict:
            return "lost"
        return f"writer {number}"

    outcomes = [change(number) for number in range(6)]
    assert outcomes.count("lost") == 5
    assert read(records, a_patient()).name in outcomes
    assert len(records.chart(THREAD, None).scores) == others


# --- what is due ------------------------------------------------------------------------------------------------


def test_given_steps_when_the_due_ones_are_asked_for_then_they_come_oldest_first_without_later_ones(
    queried: Records,
) -> None:
    queried.commit(*(planned(minutes) for minutes in (-1, 1, -3, 0, -2)))
    found = due(queried, planned(0))
    assert found == [Due(keys.of(planned(m)), NOW + timedelta(minutes=m)) for m in (-3, -2, -1, 0)]


@pytest.mark.parametrize("limit", [-1, 0, 1, 2, 3, 4, 5])
def test_given_more_due_than_wanted_when_they_are_asked_for_then_the_oldest_come(queried: Records, limit: int) -> None:
    queried.commit(*(planned(minutes) for minutes in (-4, -3, -2, -1)))
    found = due(queried, planned(0), limit=limit)
    assert [entry.at for entry in found] == [NOW + timedelta(minutes=m) for m in (-4, -3, -2, -1)][: max(limit, 0)]


def test_given_a_fraction_of_a_millisecond_when_due_is_asked_for_then_it_does_not_count(queried: Records) -> None:
    queried.commit(a_checkin(next=Next("ask", NOW + timedelta(microseconds=900), "routine")))
    assert [entry.at for entry in due(queried, planned(0))] == [NOW]


def test_given_a_step_that_is_done_when_the_due_ones_are_asked_for_then_it_is_not_among_them(queried: Records) -> None:
    queried.commit(planned(0))
    queried.commit(replace(read(queried, planned(0)), next=None))
    assert due(queried, planned(0)) == []


def test_given_a_step_that_was_put_off_when_the_due_ones_are_asked_for_then_it_stands_once_at_its_new_time(
    queried: Records,
) -> None:
    queried.commit(planned(-5))
    queried.commit(replace(read(queried, planned(-5)), next=Next("nudge", NOW - SECOND, "routine")))
    assert due(queried, planned(0)) == [Due(keys.of(planned(-5)), NOW - SECOND)]


def test_given_steps_of_other_lanes_and_shards_when_the_due_ones_are_asked_for_then_they_stay_out(
    queried: Records,
) -> None:
    here = planned(0)
    patients = (a_patient(patient_id=PatientId(f"q{n}"), next=Next("assess", NOW, "daily")) for n in range(20))
    elsewhere = [patient for patient in patients if shard_of(patient) != shard_of(here)]
    queried.commit(here, *elsewhere)
    assert [entry.key for entry in due(queried, here)] == [keys.of(here)]
    assert due(queried, here, lane="daily") == []
    assert {entry.key for shard in range(keys.SHARDS) for entry in queried.due("daily", shard, NOW, 50)} == {
        keys.of(patient) for patient in elsewhere
    }


# --- lists ------------------------------------------------------------------------------------------------------


def test_given_a_clinics_patients_when_they_are_listed_then_they_come_by_status_and_id(queried: Records) -> None:
    ranks = [("active", "p3"), ("paused", "p1"), ("active", "p2"), ("discharged", "p4")]
    queried.commit(*(a_patient(status=status, patient_id=PatientId(name)) for status, name in ranks))
    listed = list(queried.listed(keys.patients_of(CLINIC)))
    assert listed == [keys.patient(PatientId(name)) for name in ("p2", "p3", "p4", "p1")]
    assert list(queried.listed(keys.patients_of(CLINIC), starting="active#")) == listed[:2]
    assert list(queried.listed(keys.patients_of(CLINIC), starting="paused#")) == listed[3:]
    assert list(queried.listed(keys.patients_of(CLINIC), starting="b")) == []


def test_given_a_patient_whose_status_changes_when_patients_are_listed_then_the_patient_moves(queried: Records) -> None:
    queried.commit(a_patient())
    queried.commit(replace(read(queried, a_patient()), status="paused"))
    assert list(queried.listed(keys.patients_of(CLINIC), starting="active")) == []
    assert list(queried.listed(keys.patients_of(CLINIC), starting="paused")) == [keys.of(a_patient())]


def test_given_open_and_closed_findings_when_they_are_listed_then_the_open_ones_come_by_urgency(
    queried: Records,
) -> None:
    calm = an_alert("a2", level="same_day", thread=ThreadId("p2"))
    queried.commit(a_flag(), a_flag("old", status="done"), calm, an_alert(), an_alert("a3", status="closed"))
    assert list(queried.listed(keys.open_of(CLINIC))) == [keys.of(an_alert()), keys.of(calm), keys.of(a_flag())]
    queried.commit(replace(read(queried, an_alert()), status="closed"))
    assert list(queried.listed(keys.open_of(CLINIC))) == [keys.of(calm), keys.of(a_flag())]


def test_given_another_clinic_when_its_patients_are_listed_then_there_are_none(queried: Records) -> None:
    queried.commit(a_patient())
    assert list(queried.listed("PATIENTS#c2")) == []


# --- charts and several at once ---------------------------------------------------------------------------------


def test_given_a_course_when_its_chart_is_read_since_a_day_then_it_holds_what_stands_and_the_course_since_then(
    queried: Records,
) -> None:
    course: list[AnyRecord] = [
        make(NOW + DAY * day) for day in (2, 0, -1, 1) for make in (a_checkin, a_text, an_incoming, a_score)
    ]
    standing: list[AnyRecord] = [a_patient(), a_plan(), an_alert(), a_flag("B", born=NOW - 9 * DAY), a_flag("A")]
    queried.commit(*course, *standing, a_patient(patient_id=PatientId("p2")))
    chart = queried.chart(THREAD, NOW, consistent=True)
    days = [NOW, NOW + DAY, NOW + 2 * DAY]
    assert (chart.thread, chart.patient, chart.plan) == (THREAD, a_patient(version=1), replace(a_plan(), version=1))
    assert [checkin.due for checkin in chart.checkins] == days
    assert [text.created for text in chart.texts] == days
    assert [text.received for text in chart.incoming] == days
    assert [score.at for score in chart.scores] == days
    assert [alert.alert_id for alert in chart.alerts] == ["a1"]
    assert [flag.rule for flag in chart.flags] == ["B", "A"]


def test_given_a_course_when_its_whole_chart_is_read_then_it_goes_back_to_the_beginning(queried: Records) -> None:
    queried.commit(*(a_score(NOW + DAY * day) for day in (0, -400, -1)))
    assert [score.at for score in queried.chart(THREAD, None).scores] == [NOW - 400 * DAY, NOW - DAY, NOW]


def test_given_a_conversation_that_nobody_had_when_its_chart_is_read_then_it_is_empty(queried: Records) -> None:
    chart = queried.chart(ThreadId("x1"), NOW)
    assert (chart.thread, chart.patient, chart.texts) == (ThreadId("x1"), None, ())


def test_given_keys_of_which_some_exist_when_they_are_read_then_these_come_in_the_order_asked(queried: Records) -> None:
    queried.commit(a_score(), a_patient(), a_plan())
    wanted: list[AnyRecord] = [a_plan(), a_text(), a_patient(), a_score(), a_plan()]
    found = queried.get_many([keys.of(record) for record in wanted])
    assert found == [replace(record, version=1) for record in (a_plan(), a_patient(), a_score(), a_plan())]


def test_given_no_keys_when_they_are_read_then_there_are_no_records(queried: Records) -> None:
    assert queried.get_many([]) == []


def test_given_more_keys_than_a_batch_holds_when_they_are_read_then_all_come(queried: Records) -> None:
    checkins = [planned(minute) for minute in range(130)]
    for start in (0, 65):
        queried.commit(*checkins[start : start + 65])
    wanted = [keys.of(checkin) for checkin in reversed(checkins)]
    assert [keys.of(record) for record in queried.get_many(wanted)] == wanted


# --- DynamoDB alone ---------------------------------------------------------------------------------------------


@pytest.fixture
def calls(client: "DynamoDBClient", dynamo: DynamoRecords) -> list[str]:
    """Names of the calls that a test makes."""
    made: list[str] = []
    client.meta.events.register("before-call.dynamodb", lambda model, **_: made.append(model.name))
    return made


def _answering(status: int, body: str) -> AWSResponse:
    response = AWSResponse("https://dynamodb.invalid", status, {}, None)
    response._content = body.encode()
    return response


def _failing(client: "DynamoDBClient", operation: str, error: str, extra: str = "") -> None:
    body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{error}"{extra}}}'
    client.meta.events.register_first(f"before-send.dynamodb.{operation}", lambda **_: _answering(400, body))


def test_given_a_single_record_when_it_is_written_then_no_transaction_is_paid_for(
    dynamo: DynamoRecords, calls: list[str]
) -> None:
    dynamo.commit(a_patient())
    dynamo.commit(removed=[a_patient(version=1)])
    dynamo.commit(a_patient(), a_plan())
    assert calls == ["PutItem", "DeleteItem", "TransactWriteItems"]


@pytest.mark.parametrize("reason", ["TransactionConflict", "ConditionalCheckFailed"])
def test_given_a_transaction_beside_another_when_it_is_cancelled_then_it_is_a_conflict(
    client: "DynamoDBClient", dynamo: DynamoRecords, reason: str
) -> None:
    extra = f', "CancellationReasons": [{{"Code": "None"}}, {{"Code": "{reason}"}}]'
    _failing(client, "TransactWriteItems", "TransactionCanceledException", extra)
    with pytest.raises(Conflict, match="NOW#plan"):
        dynamo.commit(a_patient(), a_plan())


def test_given_a_single_write_beside_a_transaction_when_it_is_refused_then_it_is_a_conflict(
    client: "DynamoDBClient", dynamo: DynamoRecords
) -> None:
    _failing(client, "PutItem", "TransactionConflictException")
    with pytest.raises(Conflict):
        dynamo.commit(a_patient())


def test_given_a_throttled_transaction_when_it_is_cancelled_then_it_is_no_conflict(
    client: "DynamoDBClient", dynamo: DynamoRecords
) -> None:
    extra = ', "CancellationReasons": [{"Code": "None"}, {"Code": "ThrottlingError"}]'
    _failing(client, "TransactWriteItems", "TransactionCanceledException", extra)
    with pytest.raises(client.exceptions.TransactionCanceledException):
        dynamo.commit(a_patient(), a_plan())


@pytest.fixture
def lost_answer(client: "DynamoDBClient") -> Callable[[AnyRecord], None]:
    """The next write is answered with an error, though it, or another's write of the given record, was made."""

    def prepare(written: AnyRecord) -> None:
        left = [written]

        def spoil(**_: Any) -> AWSResponse | None:
            if not left:
                return None
            DynamoRecords(boto3.client("dynamodb"), "followup").commit(left.pop())
            return _answering(500, "{}")

        client.meta.events.register_first("before-send.dynamodb.PutItem", spoil)

    return prepare


def test_given_a_write_whose_answer_was_lost_when_the_client_sends_it_again_then_it_is_no_conflict(
    dynamo: DynamoRecords, lost_answer: Callable[[AnyRecord], None]
) -> None:
    lost_answer(a_patient(status="paused"))
    dynamo.commit(a_patient(status="paused"))
    assert read(dynamo, a_patient()) == a_patient(status="paused", version=1)


def test_given_a_write_that_failed_when_another_was_faster_then_sending_it_again_is_a_conflict(
    dynamo: DynamoRecords, lost_answer: Callable[[AnyRecord], None]
) -> None:
    lost_answer(a_patient(status="discharged"))
    with pytest.raises(Conflict):
        dynamo.commit(a_patient(status="paused"))


@pytest.fixture
def forgetful(client: "DynamoDBClient") -> Callable[[int], None]:
    """The next so many batches leave the last of their keys unread."""

    def prepare(times: int) -> None:
        left = iter(range(times))

        def drop(parsed: dict[str, Any], **_: Any) -> None:
            if next(left, None) is not None:
                item = parsed["Responses"]["followup"].pop()
                parsed["UnprocessedKeys"] = {"followup": {"Keys": [{name: item[name] for name in ("pk", "sk")}]}}

        client.meta.events.register("after-call.dynamodb.BatchGetItem", drop)

    return prepare


def test_given_a_batch_that_is_not_read_in_full_when_it_is_asked_for_again_then_all_come(
    dynamo: DynamoRecords, forgetful: Callable[[int], None]
) -> None:
    dynamo.commit(a_patient(), a_plan())
    forgetful(2)
    found = dynamo.get_many([keys.of(a_plan()), keys.of(a_patient())])
    assert [keys.of(record) for record in found] == [keys.of(a_plan()), keys.of(a_patient())]


def test_given_a_batch_that_is_never_read_in_full_when_the_tries_are_up_then_the_table_is_busy(
    dynamo: DynamoRecords, forgetful: Callable[[int], None]
) -> None:
    dynamo.commit(a_patient(), a_plan())
    forgetful(99)
    with pytest.raises(StorageBusy, match="1 records"):
        dynamo.get_many([keys.of(a_plan()), keys.of(a_patient())])


# --- memory alone -----------------------------------------------------------------------------------------------


class Crash(Exception):
    pass


@pytest.mark.parametrize(("dies", "standing"), [("before", None), ("after", a_plan())])
def test_given_a_process_that_dies_at_a_write_then_the_write_is_missing_or_made(
    dies: str, standing: AnyRecord | None
) -> None:
    def at_the_second(number: int, moment: str) -> None:
        if (number, moment) == (2, dies):
            raise Crash

    records = MemoryRecords(at_the_second)
    records.commit(a_patient())
    with pytest.raises(Crash):
        records.commit(a_plan())
    found: Iterator[Key] = (keys.of(record) for record in records)
    assert set(found) == {keys.of(record) for record in (a_patient(), standing) if record is not None}
    assert records.commits == 2
