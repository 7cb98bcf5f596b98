"""Danger is answered at once and reaches a person, whatever state the patient, the clinic or the carrier is in."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from followup import keys
from followup.domain import reading, replies, safety, triage
from followup.domain.records import Alert, Next, Patient, PatientId, PhoneLink, Text
from followup.domain.wording import Texts
from followup.keys import Key
from followup.ports import Work
from followup.steps import alerts as desk
from infra.demo.machine import CarrierStatus, Machine
from tests.scenario.lakeside import (
    CLINIC,
    MONDAY,
    SENDER,
    alerts_of,
    chart,
    checkins,
    enrol,
    open_clinic,
    outgoing,
    pages,
    phone_of,
    session,
    status_of,
    texts,
    visit,
    write,
)

DANGER = "I want to kill myself"
PELIGRO = "me quiero matar"
HOPELESS = "i feel hopeless"
ANA, BEN = "ana@lakeside.example", "ben@lakeside.example"
THREE_AT_NIGHT = datetime(2026, 3, 4, 8, tzinfo=UTC)
FRIDAY_NIGHT = datetime(2026, 3, 7, 3, tzinfo=UTC)
"""Ten in the evening in New York."""
STRANGER = "+13125550199"


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running, looks=False)
        yield running


def crisis_texts(machine: Machine, phone: str) -> list[str]:
    return [t.order.body for t in machine.carrier.sent if t.order.to == phone and "911" in t.order.body]


def answered_at_once(machine: Machine, patient_id: PatientId, *, level: str = "emergency") -> None:
    """In the moment of the text: one crisis reply, one alert of this level, and the first person paged."""
    now = machine.clock.now()
    sent = [text for text in outgoing(machine, patient_id) if text.kind == "crisis" and text.created == now]
    assert [text.status for text in sent] == ["delivered"]
    assert "911" in sent[0].body
    (alert,) = alerts_of(machine, patient_id)
    assert (alert.level, alert.status) == (level, "open")
    if level != "same_day":
        assert pages(machine)[-1] == ANA
        assert machine.mailer.sent[-1].mail.created == now
    assert machine.failures == []


# --- in every state -----------------------------------------------------------------------------------------------


def nothing_open(_machine: Machine, _quinn: PatientId) -> None:
    pass


def check_in_open(machine: Machine, quinn: PatientId) -> None:
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=25))
    assert any(each.status == "asked" for each in checkins(machine, quinn))


def answering(machine: Machine, quinn: PatientId) -> None:
    check_in_open(machine, quinn)
    write(machine, quinn, "6")
    assert any(each.status == "answering" for each in checkins(machine, quinn))


def opted_out(machine: Machine, quinn: PatientId) -> None:
    write(machine, quinn, "STOP")
    assert status_of(machine, quinn) == "opted_out"


def in_status(status: str) -> Callable[[Machine, PatientId], None]:
    def put(machine: Machine, quinn: PatientId) -> None:
        patient = machine.records.get(keys.patient(quinn))
        assert isinstance(patient, Patient)
        machine.records.commit(patient.into(status, "by staff", machine.clock.now(), then=patient.next))

    return put


def without_consent(machine: Machine, quinn: PatientId) -> None:
    patient = machine.records.get(keys.patient(quinn))
    assert isinstance(patient, Patient)
    machine.records.commit(replace(patient, consent=None))


def three_at_night(machine: Machine, _quinn: PatientId) -> None:
    machine.run_until(THREE_AT_NIGHT)


def caps_reached(machine: Machine, quinn: PatientId) -> None:
    patient = machine.records.get(keys.patient(quinn))
    assert isinstance(patient, Patient)
    machine.records.commit(
        replace(patient, texted_on=(MONDAY.date(),) * 7, answered_at=(MONDAY - timedelta(minutes=1),) * 10)
    )


STATES = (
    nothing_open,
    check_in_open,
    answering,
    opted_out,
    three_at_night,
    caps_reached,
    without_consent,
    *(in_status(status) for status in ("invited", "paused", "unreachable", "discharged")),
)


@pytest.mark.parametrize("mode", ["service", "carrier"])
@pytest.mark.parametrize(("language", "words"), [("en", DANGER), ("es", PELIGRO), ("en", f"7 but {DANGER}")])
@pytest.mark.parametrize("state", STATES)
def test_given_any_state_when_danger_is_texted_then_reply_alert_and_page_go_out_at_once(
    state: Callable[[Machine, PatientId], None], language: str, words: str, mode: str
) -> None:
    with Machine(MONDAY) as machine:
        open_clinic(machine, keyword_mode=mode, looks=False)
        quinn = enrol(machine, language=language)
        state(machine, quinn)

        write(machine, quinn, words)

        answered_at_once(machine, quinn)
        assert not any(each.status in ("asked", "answering") for each in checkins(machine, quinn))


def test_given_an_unknown_number_when_danger_is_texted_then_it_is_answered_in_both_languages_and_alerts_the_clinic(
    machine: Machine,
) -> None:
    machine.patient_writes(STRANGER, SENDER, DANGER)
    machine.settle()

    english, spanish = crisis_texts(machine, STRANGER)
    assert "988" in english
    assert "AYUDA" in spanish
    thread = f"x{machine.service.phones.key(STRANGER)}"
    assert [alert.level for alert in alerts_of(machine, thread)] == ["emergency"]
    assert pages(machine) == [ANA]


def test_given_a_stranger_with_an_open_alert_when_they_write_on_then_the_owner_hears_of_it(machine: Machine) -> None:
    machine.patient_writes(STRANGER, SENDER, DANGER)
    machine.settle()
    thread = f"x{machine.service.phones.key(STRANGER)}"
    machine.run_until(MONDAY + timedelta(minutes=3))

    machine.patient_writes(STRANGER, SENDER, "on the bridge by the mill")
    machine.settle()

    (alert,) = alerts_of(machine, thread)
    assert len(alert.triggers) == 2
    assert pages(machine) == [ANA, ANA]


def shared_number(machine: Machine) -> tuple[PatientId, PatientId]:
    quinn, robin = enrol(machine, 1), enrol(machine, 2, language="es")
    phone = phone_of(machine, quinn)
    link = machine.records.get(keys.phone(machine.service.phones.key(phone), CLINIC))
    assert isinstance(link, PhoneLink)
    machine.records.commit(replace(link, patient_ids=(quinn, robin)))
    return quinn, robin


def test_given_a_number_of_two_patients_when_danger_is_texted_then_both_have_an_alert_and_both_are_paged(
    machine: Machine,
) -> None:
    quinn, robin = shared_number(machine)

    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(minutes=6))

    (one,), (other,) = alerts_of(machine, quinn), alerts_of(machine, robin)
    assert one.alert_id != other.alert_id
    assert one.code != other.code
    assert [one.pages, other.pages] == [2, 2]
    assert len(crisis_texts(machine, phone_of(machine, quinn))) == 1
    assert machine.failures == []


def test_given_a_number_of_two_patients_when_our_reply_does_not_arrive_then_the_page_says_phone_now(
    machine: Machine,
) -> None:
    machine.receipts = lambda _: (CarrierStatus("undelivered", 30003),)
    quinn, _ = shared_number(machine)

    write(machine, quinn, DANGER)

    assert alerts_of(machine, quinn)[0].phone_now


def test_given_a_number_of_two_patients_with_open_alerts_when_they_write_on_then_both_owners_hear_of_it(
    machine: Machine,
) -> None:
    quinn, robin = shared_number(machine)
    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(minutes=3))

    write(machine, quinn, "where are you")

    assert [len(alerts_of(machine, each)[0].triggers) for each in (quinn, robin)] == [2, 2]
    assert all("mood" not in body for body in texts(machine, quinn))


# --- one alert, and its pages -------------------------------------------------------------------------------------


def test_given_an_open_alert_when_more_danger_comes_then_it_joins_and_a_higher_level_pages_at_once(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, "i want to die")
    machine.run_until(MONDAY + timedelta(seconds=30))

    write(machine, quinn, DANGER)

    (alert,) = alerts_of(machine, quinn)
    assert alert.level == "emergency"
    assert len(alert.triggers) == 2
    assert pages(machine) == [ANA, ANA]
    assert len(crisis_texts(machine, phone_of(machine, quinn))) == 2


def test_given_an_urgent_alert_that_reached_two_people_when_it_becomes_an_emergency_then_its_chain_begins_anew(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, "i want to die")
    machine.run_until(MONDAY + timedelta(minutes=31))
    before = len(pages(machine))

    write(machine, quinn, DANGER)
    at_once = pages(machine)[before:]
    machine.run_until(MONDAY + timedelta(minutes=41))

    assert at_once == [ANA]
    assert pages(machine)[before:] == [ANA, ANA, ANA, BEN]


def test_given_an_open_alert_when_the_same_level_is_texted_again_then_the_owner_hears_at_most_every_two_minutes(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, "i want to die")
    for _ in range(6):
        machine.run_until(machine.clock.now() + timedelta(seconds=10))
        write(machine, quinn, "i want to die")
    soon = pages(machine)
    machine.run_until(MONDAY + timedelta(minutes=2))

    assert soon == [ANA]
    assert len(pages(machine)) == 2
    assert len(alerts_of(machine, quinn)[0].triggers) == 7


def test_given_an_acknowledged_alert_when_danger_is_texted_again_then_its_owner_is_told_at_once(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, DANGER)
    desk.acknowledge(machine.service, alerts_of(machine, quinn)[0], "Ana Ruiz", machine.clock.now())
    machine.run_until(MONDAY + timedelta(seconds=20))

    write(machine, quinn, DANGER)

    assert pages(machine) == [ANA, ANA]


def test_given_nobody_acknowledges_when_time_passes_then_pages_repeat_and_reach_the_second_person(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, DANGER)
    told: dict[int, list[str]] = {}
    for minute in (0, 5, 10, 15, 25, 35):
        before = len(pages(machine))
        machine.run_until(MONDAY + timedelta(minutes=minute))
        told[minute] = pages(machine)[before:] if minute else pages(machine)

    assert told == {0: [ANA], 5: [ANA], 10: [ANA, BEN], 15: [ANA, BEN], 25: [ANA, BEN], 35: [ANA, BEN]}


def test_given_an_urgent_alert_when_nobody_acknowledges_then_the_second_person_is_told_at_half_an_hour_even_at_night(
    machine: Machine,
) -> None:
    machine.run_until(THREE_AT_NIGHT)
    quinn = enrol(machine)

    write(machine, quinn, "quiero morirme")
    machine.run_until(THREE_AT_NIGHT + timedelta(minutes=16))
    first_quarter = pages(machine)
    machine.run_until(THREE_AT_NIGHT + timedelta(minutes=31))

    assert first_quarter == [ANA, ANA]
    assert pages(machine)[2:] == [ANA, BEN]


def test_given_an_acknowledged_alert_when_it_is_not_closed_in_time_then_it_is_told_again_until_it_is(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, DANGER)
    desk.acknowledge(machine.service, alerts_of(machine, quinn)[0], "Ana Ruiz", machine.clock.now())
    machine.run_until(MONDAY + timedelta(minutes=59))
    quiet = pages(machine)
    machine.run_until(MONDAY + timedelta(minutes=61))
    again = pages(machine)
    desk.close(machine.service, alerts_of(machine, quinn)[0], "Ana Ruiz", "spoke to the patient", machine.clock.now())
    machine.run_until(MONDAY + timedelta(hours=6))

    assert quiet == [ANA]
    assert again == [ANA, ANA]
    assert pages(machine) == again


def test_given_a_closed_alert_when_danger_is_texted_then_a_new_alert_opens(machine: Machine) -> None:
    quinn = enrol(machine)
    write(machine, quinn, DANGER)
    desk.close(machine.service, alerts_of(machine, quinn)[0], "Ana Ruiz", "safe", machine.clock.now())
    machine.run_until(MONDAY + timedelta(hours=2))

    write(machine, quinn, DANGER)

    assert [alert.status for alert in alerts_of(machine, quinn)] == ["closed", "open"]
    assert len({alert.alert_id for alert in alerts_of(machine, quinn)}) == 2


@pytest.mark.parametrize(
    ("written", "nine"),
    [
        (THREE_AT_NIGHT, datetime(2026, 3, 4, 14, tzinfo=UTC)),
        (FRIDAY_NIGHT, datetime(2026, 3, 7, 14, tzinfo=UTC)),
        (datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 3, 8, 13, tzinfo=UTC)),  # clocks change on that Sunday
        (datetime(2026, 3, 12, 2, tzinfo=UTC), datetime(2026, 3, 12, 13, tzinfo=UTC)),  # closed on that Thursday
    ],
)
def test_given_a_same_day_alert_outside_clinic_hours_when_the_next_nine_comes_then_a_person_is_told(
    written: datetime, nine: datetime
) -> None:
    with Machine(written) as machine:
        open_clinic(machine, looks=False, closed_on=(datetime(2026, 3, 12, tzinfo=UTC).date(),))
        quinn = enrol(machine)

        write(machine, quinn, HOPELESS)
        answered_at_once(machine, quinn, level="same_day")
        machine.run_until(nine - timedelta(minutes=1))
        before = pages(machine)
        machine.run_until(nine)

        assert before == []
        assert pages(machine) == [ANA]


def test_given_a_same_day_alert_in_clinic_hours_when_two_hours_pass_then_the_next_person_is_told(
    machine: Machine,
) -> None:
    quinn = enrol(machine)

    write(machine, quinn, HOPELESS)
    at_once = pages(machine)
    machine.run_until(MONDAY + timedelta(hours=2))

    assert at_once == [ANA]
    assert pages(machine) == [ANA, ANA, BEN]


def test_given_a_same_day_alert_at_night_when_the_level_rises_then_a_person_is_paged_at_once(machine: Machine) -> None:
    machine.run_until(THREE_AT_NIGHT)
    quinn = enrol(machine)
    write(machine, quinn, HOPELESS)
    asleep = pages(machine)

    write(machine, quinn, DANGER)

    assert asleep == []
    assert pages(machine) == [ANA]


def test_given_a_mood_of_zero_when_it_is_read_then_staff_are_alerted_and_no_further_question_is_asked(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    check_in_open(machine, quinn)
    asked = len(texts(machine, quinn))

    write(machine, quinn, "0")

    (alert,) = alerts_of(machine, quinn)
    assert (alert.rule, alert.level) == ("low_mood", "same_day")
    assert pages(machine) == [ANA]
    assert [score.value for score in chart(machine, quinn).scores] == [0]
    (reply,) = texts(machine, quinn)[asked:]
    assert "988" in reply


# --- with STOP ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["stop texting me I want to die", "no me manden mas mensajes, quiero morirme"])
def test_given_service_keywords_when_a_stop_comes_with_danger_then_both_are_honoured(
    machine: Machine, words: str
) -> None:
    quinn = enrol(machine)

    write(machine, quinn, words)

    assert status_of(machine, quinn) == "opted_out"
    kinds = sorted(text.kind for text in outgoing(machine, quinn))
    assert kinds == ["crisis", "keyword"]
    answered_at_once(machine, quinn, level="urgent")


def test_given_the_carrier_blocks_when_a_stop_comes_with_danger_at_night_then_the_alert_begins_as_phone_now() -> None:
    with Machine(THREE_AT_NIGHT) as machine:
        open_clinic(machine, looks=False, keyword_mode="carrier")
        quinn = enrol(machine)
        machine.carrier.blocked.add(phone_of(machine, quinn))

        write(machine, quinn, "no hope left", opt_out_type="STOP")

        (alert,) = alerts_of(machine, quinn)
        assert (alert.level, alert.phone_now) == ("emergency", True)
        assert pages(machine)[0] == ANA
        assert "phone" in machine.mailer.sent[-1].mail.text.lower()
        assert status_of(machine, quinn) == "opted_out"


def test_given_phone_now_was_told_when_a_blocking_stop_comes_with_danger_then_it_pages_at_once_all_the_same() -> None:
    with Machine(THREE_AT_NIGHT) as machine:
        open_clinic(machine, looks=False, keyword_mode="carrier")
        machine.receipts = lambda _: (CarrierStatus("undelivered", 30003),)
        quinn = enrol(machine)
        write(machine, quinn, HOPELESS)
        told = len(pages(machine))

        write(machine, quinn, HOPELESS, opt_out_type="STOP")

        assert alerts_of(machine, quinn)[0].level == "emergency"
        assert len(pages(machine)) > told


@pytest.mark.parametrize("mode", ["service", "carrier"])
def test_given_an_opted_out_patient_when_danger_follows_then_the_block_does_not_hide_it(mode: str) -> None:
    with Machine(MONDAY) as machine:
        open_clinic(machine, looks=False, keyword_mode=mode)
        quinn = enrol(machine)
        write(machine, quinn, "STOP")
        if mode == "carrier":
            machine.carrier.blocked.add(phone_of(machine, quinn))

        write(machine, quinn, DANGER)

        (alert,) = alerts_of(machine, quinn)
        assert alert.phone_now is (mode == "carrier")
        assert set(pages(machine)) == {ANA}


# --- while an alert is open ---------------------------------------------------------------------------------------


def test_given_an_open_alert_when_days_pass_then_no_routine_text_goes_out_until_it_is_closed(machine: Machine) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    visit(machine, quinn, session(2, MONDAY + timedelta(days=3), status="scheduled"))

    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(days=2, hours=12))
    during = [text.kind for text in outgoing(machine, quinn) if text.status == "delivered"]

    assert during == ["crisis"]
    skipped = [each.trail[-1].reason for each in checkins(machine, quinn) if each.status == "skipped"]
    assert "an alert is open" in skipped


def test_given_a_nudge_is_due_when_an_alert_is_open_then_it_is_not_sent(machine: Machine) -> None:
    quinn = enrol(machine)
    check_in_open(machine, quinn)
    write(machine, quinn, HOPELESS)

    machine.run_until(MONDAY + timedelta(days=3))

    assert "nudge" not in {text.kind for text in outgoing(machine, quinn)}


def test_given_a_text_is_being_claimed_when_danger_is_stored_meanwhile_then_the_claim_fails_and_it_is_dropped(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    phone, written = phone_of(machine, quinn), False
    original = machine.records.chart

    def chart_then_danger(*args: object, **options: object) -> object:
        nonlocal written
        found = original(*args, **options)  # type: ignore[arg-type]  # passed on as they came
        planned = any(text.kind == "check_in" and text.status == "planned" for text in found.texts)
        if planned and not written:
            written = True
            machine.patient_writes(phone, SENDER, DANGER)
        return found

    machine.records.chart = chart_then_danger  # type: ignore[method-assign,assignment]  # an interleaving by hand
    machine.run_until(MONDAY + timedelta(hours=5))

    assert written
    assert [text.status for text in outgoing(machine, quinn) if text.kind == "check_in"] == ["dropped"]
    assert [body for body in texts(machine, quinn) if "side effects" in body] == []


def test_given_an_open_alert_when_the_patient_goes_on_writing_then_the_automated_line_comes_twice_an_hour_at_most(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, DANGER)
    for _ in range(12):
        machine.run_until(machine.clock.now() + timedelta(minutes=10))
        write(machine, quinn, "are you there")

    lines = [text for text in outgoing(machine, quinn) if text.kind == "answer"]
    assert 1 <= len(lines) <= 4
    assert all(later.created - text.created >= timedelta(minutes=30) for text, later in pairwise(lines))


# --- the reply and the carrier ------------------------------------------------------------------------------------


def test_given_the_carriers_answer_is_lost_when_fifteen_seconds_pass_then_the_reply_is_repeated_once(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    machine.receipts = lambda _: ()
    machine.carrier.faults.extend(["lost_after_storing", "lost_after_storing"])
    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(seconds=14))
    early = len(crisis_texts(machine, phone_of(machine, quinn)))
    machine.run_until(MONDAY + timedelta(seconds=15))
    repeated = len(crisis_texts(machine, phone_of(machine, quinn)))
    machine.run_until(MONDAY + timedelta(hours=3))

    assert (early, repeated) == (1, 2)
    assert len(crisis_texts(machine, phone_of(machine, quinn))) == 2
    assert alerts_of(machine, quinn)[0].phone_now


@pytest.mark.parametrize(
    "receipts",
    [
        (CarrierStatus("sent"), CarrierStatus("undelivered", 30003)),
        (CarrierStatus("failed", 30007),),
        (CarrierStatus("undelivered", 21610),),
        (CarrierStatus("undelivered"),),
    ],
)
def test_given_the_reply_is_undelivered_when_the_carrier_says_so_then_the_page_says_phone_now_at_once(
    machine: Machine, receipts: tuple[CarrierStatus, ...]
) -> None:
    quinn = enrol(machine)
    machine.receipts = lambda _: receipts

    write(machine, quinn, DANGER)

    (alert,) = alerts_of(machine, quinn)
    assert alert.phone_now
    assert machine.mailer.sent[-1].mail.created == MONDAY
    assert "phone" in machine.mailer.sent[-1].mail.text.lower()


@pytest.mark.parametrize(
    "receipts", [(), (CarrierStatus("sent"),), (CarrierStatus("queued"), CarrierStatus("sending"))]
)
def test_given_no_receipt_when_two_minutes_pass_then_the_page_says_phone_now(
    machine: Machine, receipts: tuple[CarrierStatus, ...]
) -> None:
    quinn = enrol(machine)
    machine.receipts = lambda _: receipts
    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(seconds=119))
    before = alerts_of(machine, quinn)[0].phone_now
    machine.run_until(MONDAY + timedelta(seconds=120))

    assert not before
    assert alerts_of(machine, quinn)[0].phone_now
    assert len(crisis_texts(machine, phone_of(machine, quinn))) == 1


@pytest.mark.parametrize("fault", ["no_connection", "busy"])
def test_given_the_carrier_cannot_be_reached_when_two_minutes_pass_then_phone_now_and_the_reply_goes_once_it_can(
    machine: Machine, fault: str
) -> None:
    quinn = enrol(machine)
    machine.carrier.faults.extend([fault] * 30)  # type: ignore[list-item]  # one of the faults
    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(seconds=121))
    told = alerts_of(machine, quinn)[0].phone_now
    machine.run_until(MONDAY + timedelta(hours=3))

    assert told
    assert len(crisis_texts(machine, phone_of(machine, quinn))) == 1


@pytest.mark.parametrize("code", [21606, 20003, 21611, 21211, 21602, 21610, 99999])
def test_given_the_carrier_refuses_the_reply_when_it_answers_then_the_page_says_phone_now_at_once(
    machine: Machine, code: int
) -> None:
    quinn = enrol(machine)
    machine.carrier.faults.append(code)

    write(machine, quinn, DANGER)

    assert alerts_of(machine, quinn)[0].phone_now
    assert machine.clock.now() == MONDAY


def test_given_ten_thousand_routine_texts_wait_when_danger_comes_then_one_turn_of_each_function_answers_it(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    waiting = [Work("routine", Key(f"THREAD#q{n}", "AT#2026#text"), MONDAY) for n in range(10_000)]
    machine.service.queues.put(waiting)
    machine.patient_writes(phone_of(machine, quinn), SENDER, DANGER)

    for queue in ("routine", "urgent", "pages"):
        machine.work(queue)

    assert len(crisis_texts(machine, phone_of(machine, quinn))) == 1
    assert pages(machine) == [ANA]
    assert machine.queues.waiting("routine") > 9_000
    machine.queues.take("routine", 10_000)


def test_given_a_page_mail_is_refused_when_time_passes_then_the_alert_goes_on_to_the_next_person(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    machine.mailer.faults.extend(["refused", "refused"])

    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(minutes=10))

    assert pages(machine) == [ANA, BEN]


def test_given_a_page_mails_outcome_is_unknown_when_half_a_minute_passes_then_it_is_sent_again(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    machine.mailer.faults.append("lost")

    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(seconds=31))

    assert pages(machine) == [ANA]


# --- what breaks --------------------------------------------------------------------------------------------------


class Broken(Exception):
    """Stands for a defect."""


def breaking(*_: object, **__: object) -> object:
    raise Broken("the words of a patient")


def test_given_the_screen_breaks_when_a_text_comes_then_it_is_stored_and_staff_are_alerted_the_same_day(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn = enrol(machine)
    monkeypatch.setattr(triage, "first_look", breaking)

    write(machine, quinn, DANGER)

    (alert,) = alerts_of(machine, quinn)
    assert (alert.level, alert.rule) == ("same_day", "triage_failed")
    assert [text.body for text in chart(machine, quinn).incoming] == [DANGER]
    assert pages(machine) == [ANA]


def test_given_the_screen_breaks_when_stop_comes_then_it_is_honoured_all_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn = enrol(machine)
    monkeypatch.setattr(triage, "first_look", breaking)

    write(machine, quinn, "STOP")

    assert status_of(machine, quinn) == "opted_out"
    assert [alert.rule for alert in alerts_of(machine, quinn)] == ["triage_failed"]


def test_given_the_reply_cannot_be_written_when_danger_comes_then_the_alert_is_raised_at_its_level(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn = enrol(machine)
    monkeypatch.setattr(Texts, "render", breaking)

    write(machine, quinn, DANGER)

    assert [alert.level for alert in alerts_of(machine, quinn)] == ["emergency"]
    assert pages(machine) == [ANA]


def test_given_the_reader_breaks_on_a_text_when_the_next_one_comes_then_staff_are_alerted_and_it_is_read(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn = enrol(machine)
    check_in_open(machine, quinn)
    reader = reading.read

    def breaks_on_one(body: str, *args: object) -> object:
        if body == "purple":
            raise Broken(body)
        return reader(body, *args)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(replies, "read", breaks_on_one)
    machine.patient_writes(phone_of(machine, quinn), SENDER, "purple")
    machine.clock.forward(timedelta(seconds=1))
    write(machine, quinn, "7")

    statuses = [text.status for text in chart(machine, quinn).incoming]
    assert statuses == ["unreadable", "read"]
    assert [(alert.rule, alert.level) for alert in alerts_of(machine, quinn)] == [("text_not_readable", "same_day")]
    assert machine.failures == []


def test_given_a_crash_at_any_write_of_the_answer_to_danger_when_it_goes_on_then_reply_and_page_go_out() -> None:
    for number in range(1, 9):
        for moment in ("before", "after"):
            with Machine(MONDAY) as machine:
                open_clinic(machine, looks=False)
                quinn = enrol(machine)
                seen = 0

                def die(_: int, when: str, at: int = number, wanted: str = moment) -> None:
                    nonlocal seen
                    seen += when == "before"
                    if seen == at and when == wanted:
                        seen += 100
                        raise Broken

                machine.records.on_commit = die
                machine.patient_writes(phone_of(machine, quinn), SENDER, DANGER)
                machine.run_until(MONDAY + timedelta(minutes=4))

                assert 1 <= len(crisis_texts(machine, phone_of(machine, quinn))) <= 2
                assert [alert.level for alert in alerts_of(machine, quinn)] == ["emergency"]
                assert pages(machine)[0] == ANA


def test_given_the_safety_content_when_it_is_screened_then_the_words_of_these_tests_mean_what_they_say(
    machine: Machine,
) -> None:
    rules = machine.service.content.danger
    found = [safety.screen(words, rules) for words in (DANGER, PELIGRO, HOPELESS, "quiero morirme")]
    assert [danger.level for danger in found if danger] == ["emergency", "emergency", "same_day", "urgent"]


def test_given_an_alert_when_its_pages_are_read_then_they_hold_a_code_and_nobodys_name_or_words(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, DANGER)

    (mail,) = [sent.mail for sent in machine.mailer.sent if sent.mail.kind == "page"]
    (alert,) = alerts_of(machine, quinn)
    said = mail.subject + mail.text
    assert alert.code in said
    assert not any(word in said for word in ("Quinn", "kill", phone_of(machine, quinn), "R1"))


def test_given_alerts_and_texts_when_all_is_done_then_every_open_alert_has_its_next_page_and_no_text_is_left(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    write(machine, quinn, DANGER)
    machine.run_until(MONDAY + timedelta(hours=1))

    alerts = [record for record in machine.records if isinstance(record, Alert)]
    assert all(isinstance(alert.next, Next) for alert in alerts)
    assert [text.next for text in machine.records if isinstance(text, Text)] == [None]
