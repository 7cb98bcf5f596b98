"""The daily digest: one for each recipient and local day, whatever breaks, and a quiet day proves that it works."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from followup import keys
from followup.adapters.memory import MemoryRecords
from followup.adapters.memory.records import Moment
from followup.domain.clinic import DigestRecipient
from followup.domain.records import Clinic, Mail
from followup.ports import Work
from infra.demo.machine import Machine
from tests.scenario.lakeside import CLINIC, MONDAY, enrol, open_clinic, session, visit, write

TUESDAY_SEVEN = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY, FRONT = "day@lakeside.example", "desk@lakeside.example"
RECIPIENTS = (DigestRecipient("Dr. Day", DAY), DigestRecipient("Desk", FRONT, groups="desk"))


class ProcessDied(Exception):
    """The process was killed at a write."""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running, looks=False, digest_to=RECIPIENTS)
        yield running


def digests(machine: Machine) -> list[tuple[str, date]]:
    """Who got a digest, and on which day it was written."""
    return [(sent.mail.to, sent.mail.created.date()) for sent in machine.mailer.sent if sent.mail.kind == "digest"]


def clinic_of(machine: Machine) -> Clinic:
    record = machine.records.get(keys.clinic(CLINIC))
    assert isinstance(record, Clinic)
    return record


def mails(machine: Machine) -> list[Mail]:
    return [record for record in machine.records if isinstance(record, Mail)]


def test_given_a_week_when_it_passes_then_each_recipient_has_one_digest_a_day_at_the_clinics_hour(
    machine: Machine,
) -> None:
    machine.run_until(MONDAY + timedelta(days=8))

    days = [date(2026, 3, 3) + timedelta(days=n) for n in range(8)]
    assert sorted(digests(machine)) == sorted((to, day) for day in days for to in (DAY, FRONT))
    hours = {sent.mail.created.hour for sent in machine.mailer.sent}
    assert hours == {12, 11}  # seven in the morning in New York, before and after clocks change
    assert machine.failures == []


def test_given_the_step_is_delivered_twice_when_both_run_then_nobody_has_two_digests(machine: Machine) -> None:
    machine.queues.delivery = lambda works: [each for each in works for _ in range(3)]
    machine.run_until(TUESDAY_SEVEN)
    machine.service.queues.put([Work("digests", keys.clinic(CLINIC), TUESDAY_SEVEN)])

    machine.run_until(TUESDAY_SEVEN + timedelta(hours=6))

    assert sorted(digests(machine)) == [(DAY, date(2026, 3, 3)), (FRONT, date(2026, 3, 3))]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_given_a_crash_at_a_write_when_the_morning_goes_on_then_each_recipient_still_has_one_digest(
    number: int, moment: Moment
) -> None:
    armed, seen = False, 0

    def die(_: int, now: Moment) -> None:
        nonlocal seen
        if not armed:
            return
        seen += now == "before"
        if seen == number and now == moment:
            seen += 100
            raise ProcessDied

    with Machine(MONDAY, records=MemoryRecords(die)) as machine:
        open_clinic(machine, looks=False, digest_to=RECIPIENTS)
        enrol(machine)
        machine.run_until(TUESDAY_SEVEN - timedelta(minutes=1))
        armed = True
        machine.run_until(TUESDAY_SEVEN + timedelta(hours=2))

        # A mail that left although the process died before writing so is sent again: two are better than none.
        sent = digests(machine)
        assert {to for to, _ in sent} == {DAY, FRONT}
        assert len(sent) <= 3
        assert len(mails(machine)) == 2
        assert {mail.status for mail in mails(machine)} == {"sent"}


def test_given_a_quiet_day_when_the_digest_comes_then_its_line_counts_what_the_machine_did(machine: Machine) -> None:
    quinn, robin = enrol(machine, 1), enrol(machine, 2)
    enrol(machine, 3, status="discharged")
    for patient in (quinn, robin):
        visit(machine, patient, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=5))
    write(machine, quinn, "0")
    machine.run_until(TUESDAY_SEVEN)

    (mail,) = [sent.mail for sent in machine.mailer.sent if sent.mail.to == DAY]
    said = " ".join(mail.text.split())
    # Two check-ins and one thanks were delivered, one was answered.
    for figure in ("2 patients followed", "3 texts delivered", "1 answered", "0 alerts open", "07:00"):
        assert figure in said, figure


def test_given_an_open_alert_when_the_digest_comes_then_it_is_on_it_without_name_or_words(machine: Machine) -> None:
    quinn = enrol(machine)
    write(machine, quinn, "I want to kill myself")

    machine.run_until(TUESDAY_SEVEN)

    (mail,) = [sent.mail for sent in machine.mailer.sent if sent.mail.to == DAY]
    said = f"{mail.subject} {mail.text} {mail.html}"
    assert "Q" in said
    assert "1 alert" in said.lower() or "alert" in said.lower()
    assert not any(word in said for word in ("Quinn", "Example", "kill", "+1212"))


def test_given_the_mail_services_answer_is_lost_when_ten_minutes_pass_then_the_digest_is_sent_again_once(
    machine: Machine,
) -> None:
    open_clinic_for_one(machine)
    machine.mailer.faults.append("lost")
    machine.run_until(TUESDAY_SEVEN + timedelta(minutes=9))
    early = digests(machine)
    machine.run_until(TUESDAY_SEVEN + timedelta(minutes=10))

    assert early == []
    assert digests(machine) == [(DAY, date(2026, 3, 3))]


def open_clinic_for_one(machine: Machine) -> None:
    clinic = clinic_of(machine)
    machine.records.commit(replace(clinic, settings=replace(clinic.settings, digest_to=RECIPIENTS[:1])))


def test_given_a_mail_service_that_is_down_until_the_afternoon_when_it_is_back_then_the_digest_of_today_is_dropped(
    machine: Machine,
) -> None:
    open_clinic_for_one(machine)
    machine.mailer.faults.append("lost")
    machine.run_until(TUESDAY_SEVEN)
    machine.clock.set(TUESDAY_SEVEN + timedelta(hours=6))

    machine.run_until(TUESDAY_SEVEN + timedelta(hours=7))

    assert digests(machine) == []
    assert [mail.trail[-1].reason for mail in mails(machine)] == ["too old"]


@pytest.mark.parametrize(("hours", "sent"), [(4, 1), (5, 1), (6, 0), (13, 0)])
def test_given_an_outage_over_the_morning_when_the_service_is_back_then_the_digest_goes_out_until_noon(
    machine: Machine, hours: int, sent: int
) -> None:
    open_clinic_for_one(machine)
    machine.clock.set(TUESDAY_SEVEN + timedelta(hours=hours))

    machine.run_until(TUESDAY_SEVEN + timedelta(hours=hours + 1))

    assert len(digests(machine)) == sent
    following = clinic_of(machine).next
    assert following is not None
    assert following.at == TUESDAY_SEVEN + timedelta(days=1)


def test_given_an_outage_of_days_when_the_service_is_back_then_one_digest_covers_them(machine: Machine) -> None:
    open_clinic_for_one(machine)
    machine.run_until(TUESDAY_SEVEN)
    machine.clock.set(TUESDAY_SEVEN + timedelta(days=4, hours=1))

    machine.run_until(TUESDAY_SEVEN + timedelta(days=4, hours=3))

    assert digests(machine) == [(DAY, date(2026, 3, 3)), (DAY, date(2026, 3, 7))]


def test_given_todays_digest_is_made_when_its_hour_moves_to_later_today_then_there_is_no_second_one_until_tomorrow(
    machine: Machine,
) -> None:
    open_clinic_for_one(machine)
    machine.run_until(TUESDAY_SEVEN)
    clinic = clinic_of(machine)
    assert clinic.next is not None
    later = replace(clinic.settings, digest_at=time(9))
    at = replace(clinic.next, at=TUESDAY_SEVEN + timedelta(hours=2))
    machine.records.commit(replace(clinic, settings=later, next=at))

    machine.run_until(TUESDAY_SEVEN + timedelta(days=1, hours=3))

    assert [sent.mail.created for sent in machine.mailer.sent] == [
        TUESDAY_SEVEN,
        TUESDAY_SEVEN + timedelta(days=1, hours=2),
    ]
    assert machine.failures == []
