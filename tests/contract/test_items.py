from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.adapters.items import from_item, to_item
from followup.domain.errors import UnreadableRecord
from followup.domain.records import AnyRecord, Next, Receipt
from tests.contract.samples import NOW, ONE_OF_EACH, THREAD, a_checkin, a_clinic, a_patient, values_of

RECORDS = st.sampled_from(get_args(AnyRecord)).flatmap(values_of)


@given(record=RECORDS)
def test_given_any_record_when_it_is_stored_and_read_then_it_is_the_same(record: AnyRecord) -> None:
    assert from_item(to_item(record)) == record


def test_given_every_kind_of_record_then_the_samples_hold_one() -> None:
    assert [type(record) for record in ONE_OF_EACH] == list(get_args(AnyRecord))


def test_given_a_bare_record_when_it_is_stored_then_its_empty_fields_take_no_room() -> None:
    item = to_item(a_checkin())
    assert sorted(item) == [
        "checkin_id", "due", "kind", "patient_id", "pk", "record", "sk", "status", "until",
    ]  # fmt: skip


def test_given_settings_at_their_defaults_when_they_are_stored_then_the_item_says_what_they_were() -> None:
    booster = to_item(a_clinic())["settings"]["M"]["booster"]["M"]
    assert booster["loss_of_gain"] == {"N": "0.5"}


def test_given_a_time_of_another_zone_when_it_is_stored_then_it_stands_in_utc() -> None:
    at = NOW.astimezone(timezone(timedelta(hours=-7)))
    assert to_item(a_checkin(asked_at=at))["asked_at"] == {"S": "2026-03-05T15:00:00+00:00"}


def test_given_a_time_without_a_zone_when_it_is_stored_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_item(a_checkin(asked_at=datetime(2026, 3, 5)))  # noqa: DTZ001 that is the point


def test_given_a_number_that_is_none_when_it_is_stored_then_it_is_refused() -> None:
    settings = a_clinic().settings
    endless = replace(settings, booster=replace(settings.booster, loss_of_gain=float("inf")))
    with pytest.raises(ValueError, match="float"):
        to_item(replace(a_clinic(), settings=endless))


def test_given_a_pending_step_when_it_is_stored_then_the_due_index_has_it_in_milliseconds() -> None:
    item = to_item(a_checkin(next=Next("ask", NOW + timedelta(microseconds=1999), "routine")))
    assert item["due_lane"]["S"].startswith("routine#")
    assert item["next_at"] == {"N": "1772722800001"}


def test_given_a_receipt_when_it_is_stored_then_the_table_may_drop_it_after_its_time() -> None:
    item = to_item(Receipt(sid="SM1", thread=THREAD, expires=NOW))
    assert item["ttl"] == {"N": "1772722800"}


def test_given_attributes_of_a_newer_version_when_it_is_read_then_they_are_passed_over() -> None:
    item = to_item(a_patient())
    item |= {"invented": {"SS": ["later"]}, "due_lane": {"S": "daily#1"}}
    item["consent"]["M"]["by"] = {"S": "desk"}
    assert from_item(item) == a_patient()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"record": {"S": "Secret"}},
        {"status": {"N": "1"}},
        {"condition": {"S": "rareword"}},
        {"name": {"B": b"rareword"}},
        {"born": {"S": "rareword"}},
    ],
)
def test_given_an_item_that_does_not_fit_when_it_is_read_then_the_error_names_its_key_and_no_value(
    spoilt: dict[str, Any],
) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        from_item(to_item(a_patient()) | spoilt)
    assert "THREAD#p1 NOW#patient" in str(caught.value)
    assert "rareword" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_given_an_item_without_a_field_that_it_must_have_when_it_is_read_then_it_is_unreadable() -> None:
    item = to_item(a_patient())
    del item["name"]
    with pytest.raises(UnreadableRecord):
        from_item(item)
