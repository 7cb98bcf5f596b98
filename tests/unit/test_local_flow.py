"""What the flow page tells, from log lines as the functions write them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.clock import LocalClock
from infra.local.flow import SHOWN, FlowError, FunctionLogs, event_of

STARTED = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
"""In real time."""
MORNING = datetime(2026, 3, 30, 11, 30, tzinfo=UTC)
"""On the local clock."""
GROUP = "/aws/lambda/followup-send-texts"


def a_line(message: str, after: timedelta = timedelta(seconds=1), level: str = "INFO", **more: Any) -> str:
    written = STARTED + after
    stamp = f"{written:%Y-%m-%d %H:%M:%S},{written.microsecond // 1000:03d}+0000"
    return json.dumps(
        {"level": level, "message": message, "timestamp": stamp, "function_name": "followup-send-texts", **more}
    )


def a_clock() -> LocalClock:
    return LocalClock(MORNING, real=lambda: STARTED)


class Logs:
    """CloudWatch Logs with one group, as the emulator answers: oldest first, no ids, a stream for each run."""

    def __init__(self, most: int = 10_000) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[int] = []
        self._most = most

    def writes(self, stream: str, after_s: float, *lines: str) -> None:
        at = int((STARTED + timedelta(seconds=after_s)).timestamp() * 1000)
        self.events += [{"timestamp": at, "message": line, "logStreamName": stream} for line in lines]

    def describe_log_groups(self, *, logGroupNamePrefix: str) -> dict[str, Any]:  # noqa: N803 - as AWS spells it
        return {"logGroups": [{"logGroupName": GROUP}] if GROUP.startswith(logGroupNamePrefix) else []}

    def filter_log_events(self, *, logGroupName: str, startTime: int, limit: int) -> dict[str, Any]:  # noqa: N803
        assert logGroupName == GROUP
        self.asked.append(startTime)
        return {"events": [event for event in self.events if event["timestamp"] >= startTime][: min(limit, self._most)]}


def test_given_a_step_when_it_was_done_then_its_reasons_and_its_record_are_told_by_ids() -> None:
    line = a_line("step done", record="THREAD#p4y AT#2026-03-30T14:00Z.same_day#checkin", reasons=["asked", "claimed"])
    event = event_of(line, "send_texts", a_clock())
    assert event is not None
    assert (event.function, event.outcome, event.reason) == ("send_texts", "done", "asked")
    assert (event.kind, event.of, event.at) == ("check-in", "p4y", MORNING)


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (["paged", "claimed", "sent", "claimed", "sent"], "paged → 2 × sent"),
        (["claimed"], "claimed"),
        (["claimed", "outcome unknown"], "outcome unknown"),
        (["answered which_effects"], "answered: Which side effects"),
        (["corrected mood", "answered phq9:9"], "corrected: Mood → answered: PHQ-9 9: thoughts of death or self-harm"),
        (["answered late"], "answered late"),
        (
            ["moved: a visit is near", "moved: a visit is near", "moved: quiet hours"],
            "2 × moved: a visit is near → moved: quiet hours",
        ),
    ],
)
def test_given_what_one_run_did_when_told_then_it_reads_in_order_with_repeats_counted_and_questions_named(
    reasons: list[str], said: str
) -> None:
    event = event_of(a_line("step done", reasons=reasons), "send_texts", a_clock())
    assert event is not None
    assert event.reason == said


@pytest.mark.parametrize(
    ("record", "kind", "of"),
    [
        ("THREAD#p1 AT#2026-03-30T14:00:00.000Z.same_day#text", "text", "p1"),
        ("THREAD#p1 AT#2026-03-30T14:00:00.000Z#SM1#incoming", "reply", "p1"),
        ("THREAD#xabc NOW#alert#20260330-1", "alert", "xabc"),
        ("THREAD#p1 NOW#patient", "patient", "p1"),
        ("CLINIC#lakeside NOW#clinic", "clinic", "lakeside"),
        ("CLINIC#lakeside MAIL#digest-1", "mail", "lakeside"),
        ("", "", ""),
    ],
)
def test_given_a_record_s_key_when_told_then_its_kind_and_owner_are_named(record: str, kind: str, of: str) -> None:
    event = event_of(a_line("step done", record=record), "send_texts", a_clock())
    assert event is not None
    assert (event.kind, event.of) == (kind, of)


@pytest.mark.parametrize(
    ("line", "outcome", "reason"),
    [
        (a_line("request taken", reason="stored", message_sid="SM1"), "done", "stored"),
        (a_line("request refused", level="WARNING", reason="signature"), "refused", "signature"),
        (a_line("step failed", level="ERROR", error="ValueError"), "failed", "ValueError"),
        (a_line("function failed", level="CRITICAL"), "failed", "function failed"),
        (a_line("swept", lane="daily", handed_over=3), "done", "daily: handed over 3"),
    ],
)
def test_given_a_line_when_told_then_its_level_is_the_outcome_and_its_phrase_the_reason(
    line: str, outcome: str, reason: str
) -> None:
    event = event_of(line, "receive_text", a_clock())
    assert event is not None
    assert (event.outcome, event.reason) == (outcome, reason)


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 1 Version: $LATEST",
        '{"_aws":{"Timestamp":1},"service":"followup","StepFailed":[1.0]}',
        a_line("swept", lane="routine", handed_over=0),
        json.dumps({"level": "INFO", "message": "m", "timestamp": "yesterday", "function_name": "f"}),
    ],
)
def test_given_what_is_no_event_when_read_then_it_is_left_out(line: str) -> None:
    assert event_of(line, "sweep", a_clock()) is None


def test_given_a_clock_that_moved_when_lines_are_read_later_then_each_has_the_time_shown_when_it_was_written() -> None:
    real = STARTED
    clock = LocalClock(MORNING, real=lambda: real)
    real = STARTED + timedelta(seconds=10)
    clock.move_to(MORNING + timedelta(hours=3))
    before = event_of(a_line("step done", timedelta(seconds=9)), "send_texts", clock)
    after = event_of(a_line("step done", timedelta(seconds=10)), "send_texts", clock)
    assert before is not None
    assert after is not None
    assert (before.at, after.at) == (MORNING, MORNING + timedelta(hours=3))


def test_given_more_lines_when_read_again_then_each_is_told_once_and_the_newest_first() -> None:
    logs = Logs()
    flow = FunctionLogs(logs, "followup", a_clock(), since=STARTED)
    logs.writes("a", 1, "START", a_line("step done", timedelta(seconds=1), reasons=["first"]))
    assert [event.reason for event in flow()] == ["first"]
    logs.writes("b", 1, a_line("step done", timedelta(seconds=1, milliseconds=1), reasons=["second"]))
    logs.writes("c", 2, a_line("step done", timedelta(seconds=2), reasons=["third"]))
    assert [event.reason for event in flow()] == ["third", "second", "first"]
    assert [event.reason for event in flow()] == ["third", "second", "first"]


def test_given_lines_from_before_the_start_when_read_then_they_are_left_out() -> None:
    logs = Logs()
    logs.writes("old", -60, a_line("step done", timedelta(seconds=-60)))
    assert FunctionLogs(logs, "followup", a_clock(), since=STARTED)() == []


def test_given_more_lines_than_are_shown_when_read_then_the_last_ones_stay() -> None:
    logs = Logs()
    for number in range(SHOWN + 50):
        logs.writes("a", number, a_line("step done", timedelta(seconds=number), reasons=[str(number)]))
    found = FunctionLogs(logs, "followup", a_clock(), since=STARTED)()
    assert [event.reason for event in found] == [str(number) for number in reversed(range(50, SHOWN + 50))]


def test_given_logs_that_cannot_be_read_when_asked_then_it_says_so_and_names_nothing() -> None:
    class Broken(Logs):
        def filter_log_events(self, **_: object) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "500"}}, "FilterLogEvents")

    flow = FunctionLogs(Broken(), "followup", a_clock(), since=STARTED)
    with pytest.raises(FlowError, match="could not be read"):
        flow()


def test_given_more_lines_than_one_call_brings_when_read_then_none_is_missed_and_none_told_twice() -> None:
    logs = Logs(most=10_000)
    lines = (a_line("step done", timedelta(seconds=1), reasons=[str(number)]) for number in range(10_050))
    for number, line in enumerate(lines):
        logs.writes(f"run {number}", 1 + number // 100, line)
    found = FunctionLogs(logs, "followup", a_clock(), since=STARTED)()
    assert {event.reason for event in found} == {str(number) for number in range(10_050 - SHOWN, 10_050)}
