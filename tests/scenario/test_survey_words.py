"""Words that answer nothing, and patients who are not to be asked more."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from infra.demo.machine import Machine
from tests.scenario.conversation import (
    LANGUAGES,
    PHQ2,
    PHQ9,
    THANKS,
    alert,
    answers,
    ask,
    close_alert,
    flags,
    infused,
    last,
    passes,
    patient,
    says,
)
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    alerts_of,
    chart,
    enrol,
    open_clinic,
    phone_of,
    texts,
    write,
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running)
        yield running


# --- words that answer nothing ------------------------------------------------------------------------------------


@LANGUAGES
def test_given_words_that_are_no_answer_when_read_then_staff_see_them_at_once_and_it_is_asked_again_once(
    machine: Machine, language: str
) -> None:
    words = {"en": "the cat knocked over the lamp", "es": "el gato tumbó la lámpara"}[language]
    quinn = enrol(machine, language=language)
    ask(machine, quinn, "mood")

    again = says(machine, quinn, words)
    assert "10" in again
    assert flags(machine, quinn) == {"wrote_free_text": "review"}
    assert says(machine, quinn, words) == THANKS[language]

    assert set(flags(machine, quinn)) == {"wrote_free_text", "unreadable_reply"}
    assert last(machine, quinn).status == "expired" or last(machine, quinn).status == "partly_answered"
    assert [text.body for text in chart(machine, quinn).incoming] == [words, words]
    assert answers(machine, quinn) == {}


@pytest.mark.parametrize(
    "low", [{"recent_moods": (7, 3)}, {"item9_positive_on": date(2026, 2, 20)}], ids=["mood", "item 9"]
)
def test_given_a_low_last_answer_when_words_are_no_answer_then_a_person_reads_them_the_same_day(
    machine: Machine, low: dict[str, Any]
) -> None:
    quinn = enrol(machine, **low)
    ask(machine, quinn, "mood")

    says(machine, quinn, "the cat knocked over the lamp")

    assert alert(machine, quinn) == ("same_day", "unclear_after_low_score")


def test_given_words_twice_at_item_9_when_read_then_a_person_reads_them_the_same_day(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9)
    says(machine, quinn, *"01111111", "purple lamp")

    says(machine, quinn, "purple lamp")

    assert alert(machine, quinn) == ("same_day", "unclear_at_item9")


@LANGUAGES
def test_given_words_outside_clinic_hours_when_nothing_is_open_then_the_night_text_goes_once_a_night(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    machine.run_until(datetime(2026, 3, 3, 3, tzinfo=UTC))  # ten in the evening

    night = says(machine, quinn, "the cat knocked over the lamp")
    says(machine, quinn, "and the vase")
    passes(machine, hours=8)
    says(machine, quinn, "and the plant")

    assert "312-555-0101" in night
    assert "988" in night
    assert texts(machine, quinn) == [night]
    passes(machine, hours=16)
    assert says(machine, quinn, "and the mirror") == night
    assert len(texts(machine, quinn)) == 2


def test_given_words_outside_clinic_hours_when_a_question_is_open_then_the_night_text_comes_with_the_question(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood")
    machine.run_until(datetime(2026, 3, 3, 3, tzinfo=UTC))

    again = says(machine, quinn, "the cat knocked over the lamp")

    assert "not read at night" in again
    assert "0 to 10" in again


@LANGUAGES
def test_given_words_in_clinic_hours_when_nothing_is_open_then_the_patient_is_thanked_once(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)

    assert says(machine, quinn, "the cat knocked over the lamp") == THANKS[language]
    says(machine, quinn, "and the vase")

    assert len(texts(machine, quinn)) == 1
    assert flags(machine, quinn) == {"wrote_free_text": "review"}


@pytest.mark.parametrize(("language", "thanks"), [("en", "thanks!"), ("en", "ok thank you"), ("es", "¡gracias!")])
@pytest.mark.parametrize("hour", [16, 27])
def test_given_thanks_alone_when_nothing_is_open_then_nobody_is_bothered(
    machine: Machine, language: str, thanks: str, hour: int
) -> None:
    quinn = enrol(machine, language=language)
    machine.run_until(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour))

    write(machine, quinn, thanks)

    assert texts(machine, quinn) == []
    assert flags(machine, quinn) == {}


def test_given_a_photo_alone_when_read_then_staff_see_that_there_is_one_and_it_is_asked_again(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood")

    assert "0 to 10" in says(machine, quinn, "", media=1)

    assert flags(machine, quinn) == {"wrote_free_text": "review"}
    assert chart(machine, quinn).incoming[-1].media == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "   ",
        'Liked "How is your mood today, 0 to 10?"',
        'Le gustó "¿Cómo está su ánimo hoy, de 0 a 10?"',
        "I'm driving with Do Not Disturb While Driving turned on. I'll see your message when I get there.",
    ],
    ids=["empty", "blank", "tapback", "tapback es", "auto-reply"],
)
@pytest.mark.parametrize("waiting", [True, False])
def test_given_a_text_that_no_person_wrote_when_read_then_nothing_is_answered_and_the_question_stays_open(
    machine: Machine, body: str, waiting: bool
) -> None:
    quinn = enrol(machine)
    if waiting:
        ask(machine, quinn, "mood")
    before = texts(machine, quinn)

    for _ in range(3):
        write(machine, quinn, body)

    assert texts(machine, quinn) == before
    assert flags(machine, quinn) == {}
    assert not waiting or last(machine, quinn).open_question == "mood"
    assert not waiting or not last(machine, quinn).asked_again


def test_given_1600_characters_when_read_then_they_are_kept_and_shown_to_staff(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood")
    long = ("the cat knocked over the lamp " * 60)[:1600]

    says(machine, quinn, long)

    assert chart(machine, quinn).incoming[-1].body == long
    assert flags(machine, quinn) == {"wrote_free_text": "review"}


@pytest.mark.parametrize("body", ["We got your message and will be in touch", "1", "dizzy", "sorry meant 3", "?"])
@pytest.mark.parametrize("questions", [("mood", "side_effects", *PHQ2), ("which_effects",)])
def test_given_a_machine_that_answers_every_text_when_it_meets_the_service_then_the_exchange_ends(
    machine: Machine, body: str, questions: tuple[str, ...]
) -> None:
    quinn = enrol(machine)
    infused(machine, quinn, hours_ago=20)
    answered: list[str] = []

    def echo(_: object) -> None:
        if len(answered) < 200:
            answered.append(machine.patient_writes(phone_of(machine, quinn), SENDER, body)["body"])

    machine.on_text = echo
    ask(machine, quinn, *questions)
    passes(machine, hours=30)

    assert len(texts(machine, quinn)) <= 20
    assert last(machine, quinn).status not in ("asked", "answering") or len(answered) <= 2


# --- who is not to be asked more ----------------------------------------------------------------------------------


def test_given_an_opted_out_patient_when_writing_then_it_is_kept_and_nothing_is_answered(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "7")
    write(machine, quinn, "STOP", opt_out_type="STOP")
    before = len(texts(machine, quinn))

    write(machine, quinn, "4")
    write(machine, quinn, "the cat knocked over the lamp")

    assert len(texts(machine, quinn)) == before
    assert flags(machine, quinn)["wrote_free_text"] == "review"


def test_given_an_opted_out_patient_when_item_9_is_answered_late_with_danger_then_the_crisis_text_goes_all_the_same(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "phq9:9")
    write(machine, quinn, "STOP", opt_out_type="STOP")

    write(machine, quinn, "2")

    assert "988" in texts(machine, quinn)[-1]
    assert alert(machine, quinn) == ("urgent", "phq9_item9")


def test_given_a_paused_patient_when_answering_then_it_is_stored_and_nothing_more_is_asked(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")
    held = patient(machine, quinn)
    machine.records.commit(held.into("paused", "paused by staff", machine.clock.now(), then=held.next))

    assert says(machine, quinn, "7") == THANKS["en"]

    assert answers(machine, quinn) == {"mood": 7}
    assert last(machine, quinn).status == "partly_answered"


def test_given_an_open_alert_when_the_patient_writes_on_then_the_owner_gets_it_and_the_line_is_said_now_and_then(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "0")
    line = texts(machine, quinn)[-1]

    says(machine, quinn, "5", "the cat", "knocked")
    assert texts(machine, quinn)[-1] == line
    said = len(texts(machine, quinn))
    passes(machine, minutes=31)
    says(machine, quinn, "over the lamp")

    assert len(texts(machine, quinn)) == said + 1
    (only,) = alerts_of(machine, quinn)
    assert len(only.triggers) == 5
    assert answers(machine, quinn) == {"mood": 0}


def test_given_a_closed_alert_when_a_number_comes_then_it_is_no_answer_to_a_question_that_was_never_asked(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "0")
    close_alert(machine, quinn)

    says(machine, quinn, "5")

    assert answers(machine, quinn) == {"mood": 0}
