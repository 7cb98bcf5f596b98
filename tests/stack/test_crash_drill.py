"""The running service is killed in the middle of sends and stopped in the middle of eight weeks; each text goes once.

A text is recognised at the carrier by its own id, which stands in the address that the carrier reports to.
"""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from followup.adapters.items import from_item
from followup.domain import checkin
from followup.domain.records import AnyRecord, CheckIn, Mail, Sender, Text, TextId
from infra.local.driver import Goal
from infra.local.run import Running, running
from infra.local.sample import SAMPLES
from infra.local.twin import Twin
from infra.local.twin.faults import AnswerKind
from tests.stack.processes import command, descendants
from tests.stack.waiting import WITHIN_S, until

pytestmark = pytest.mark.stack

UNANSWERED: AnswerKind = "timeout"
WORKER = "followup-send-texts"
PATIENTS = ("L1004", "L1008", "L1009", "L1011")
TAKEN_AGAIN_S = "4"
"""How soon a queue hands work out again that was taken and not finished: deployed it is minutes, of real time."""
SENT = ("accepted", "delivered")
UNSETTLED = ("planned", "claimed", "unknown", "stuck")
LOST = ("too old", checkin.NOT_PROVEN)
"""Reasons for which a check-in that was due is not asked because its text was held up."""


@dataclass(frozen=True)
class Drill:
    """A service that runs, and the processes that it has started."""

    up: Running
    before: frozenset[int]

    @property
    def twin(self) -> Twin:
        return self.up.assembly.desk.twin

    def records(self) -> list[AnyRecord]:
        pages = self.up.stack.dynamodb().get_paginator("scan").paginate(TableName=self.up.stack.table_name)
        return [from_item(item) for page in pages for item in page["Items"]]

    def texts(self) -> dict[TextId, Text]:
        return {record.text_id: record for record in self.records() if isinstance(record, Text)}

    def only_claimed(self) -> TextId | None:
        """The one text that is claimed, once those that others are sending at the moment are through."""
        claimed = [text_id for text_id, text in self.texts().items() if text.status == "claimed"]
        return claimed[0] if len(claimed) == 1 else None

    def hold_a_send(self, *, taken: bool) -> TextId:
        """Let the carrier leave the next send without an answer, taken or not; the text that stays claimed."""
        self.twin.faults.answer(UNANSWERED, stored=taken)
        assert self.twin.faults.wait_until_held(WITHIN_S)
        return until(self.only_claimed)

    def kill_workers(self) -> None:
        """SIGKILL: nothing of theirs is run any more."""
        workers = [pid for pid in descendants(os.getpid()) if pid not in self.before and WORKER in command(pid)]
        assert workers
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(WORKER in command(pid) for pid in workers))
        until(lambda: not self.twin.faults.wait_until_held(0))

    def redeliver_soon(self) -> None:
        sqs = self.up.stack.client("sqs")
        for url in self.up.stack.queue_urls.values():
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": TAKEN_AGAIN_S})

    def begin(self, goal: Goal) -> None:
        assert self.up.assembly.runs.start(goal)

    def step(self, goal: Goal) -> None:
        self.begin(goal)
        assert until(lambda: self.up.assembly.runs.join(0), within_s=120)
        assert self.up.assembly.runs.state().problem is None

    def queued(self) -> dict[str, int]:
        """Messages of every queue that holds any, those of dead letters too."""
        found: dict[str, Any] = httpx.get(self.up.stack.queued_url, trust_env=False).json()["messages"]
        return {
            url.rpartition("/")[2]: len(held)
            for regions in found.values()
            for queues in regions.values()
            for url, held in queues.items()
            if held
        }

    def arrived(self) -> Counter[TextId]:
        """How many messages the carrier took for each text of ours."""
        ours = [message for message in self.twin.newest_first() if message.direction == "outbound-api"]
        return Counter(TextId(parse_qs(urlsplit(message.status_callback or "").query)["text"][0]) for message in ours)


def a_few_patients(folder: Path) -> Path:
    """The sample clinic with the few patients whose texts go out on the first day."""
    shutil.copytree(SAMPLES, folder)
    for table in folder.glob("*.csv"):
        heading, *rows = table.read_text().splitlines(keepends=True)
        table.write_text(heading + "".join(row for row in rows if any(name in row for name in PATIENTS)))
    return folder


@contextmanager
def drilling(folder: Path, samples: Path) -> Iterator[Drill]:
    before = frozenset(descendants(os.getpid()))
    with running(port=0, state=folder / "state", stack_file=folder / "stack.json", samples=samples) as up:
        drill = Drill(up, before)
        drill.redeliver_soon()
        yield drill


def is_late(record: AnyRecord, now: datetime) -> bool:
    """Whether a step of a record was left undone; looking for missed texts waits for whatever else is due."""
    return record.next is not None and record.next.at <= now and not isinstance(record, Sender)


def test_given_workers_killed_in_a_send_and_a_stop_within_eight_weeks_when_it_goes_on_then_each_text_was_sent_once(
    tmp_path: Path,
) -> None:
    samples = a_few_patients(tmp_path / "samples")
    with drilling(tmp_path, samples) as drill:
        drill.twin.faults.callbacks("dropped")
        drill.begin("eight_weeks")
        taken = drill.hold_a_send(taken=True)
        drill.kill_workers()
        never_taken = drill.hold_a_send(taken=False)
        drill.kill_workers()
        in_the_stop = drill.hold_a_send(taken=True)
        stopped_at = drill.up.clock.now()
    assert drill.up.assembly.runs.join(30)

    with drilling(tmp_path, samples) as again:
        assert again.up.clock.now() == stopped_at
        again.step("day")
        now = again.up.clock.now()
        texts, arrived, records = again.texts(), again.arrived(), again.records()
        assert again.queued() == {}

    checkins = [record for record in records if isinstance(record, CheckIn)]
    assert {text_id: times for text_id, times in arrived.items() if times > 1} == {}
    assert set(arrived) == {text_id for text_id, text in texts.items() if text.status in SENT}
    assert {each.text_id for each in checkins if each.asked_at is not None} <= set(arrived)
    assert {texts[text_id].status for text_id in (taken, never_taken, in_the_stop)} <= set(SENT)
    assert (texts[taken].repeats, texts[never_taken].repeats) == (0, 1)
    assert not [each for each in checkins if each.status == "skipped" and each.trail[-1].reason in LOST]
    assert not [record for record in records if is_late(record, now)]
    assert not [record for record in records if isinstance(record, Text | Mail) and record.status in UNSETTLED]
