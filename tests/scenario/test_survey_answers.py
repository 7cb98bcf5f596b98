"""Several answers in one text, corrections, and texts written before the question was put."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from followup.domain.records import (
    Alert,
    PatientId,
    ThreadId,
)
from infra.demo.machine import Machine
from tests.scenario.conversation import (
    AFTER_SESSION,
    LANGUAGES,
    PHQ2,
    PHQ9,
    THANKS,
    alert,
    answers,
    ask,
    flags,
    infused,
    last,
    passes,
    patient,
    says,
    score,
    scores,
)
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    alerts_of,
    enrol,
    open_clinic,
    outgoing,
    phone_of,
    texts,
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running)
        yield running


# --- several answers, corrections ---------------------------------------------------------------------------------


@LANGUAGES
def test_given_several_answers_in_one_text_when_read_then_each_goes_to_its_question(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, "mood", "pain", "functioning")

    says(machine, quinn, {"en": "mood 7, pain 3", "es": "ánimo 7, dolor 3"}[language])

    assert answers(machine, quinn) == {"mood": 7, "pain": 3}
    assert last(machine, quinn).open_question == "functioning"


def test_given_an_answer_to_a_later_question_when_read_then_it_is_kept_and_the_open_one_asked_once_more(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")

    following = says(machine, quinn, "pain 3")

    assert "mood" in following.lower()
    assert says(machine, quinn, "6") == THANKS["en"]
    assert answers(machine, quinn) == {"pain": 3, "mood": 6}


def test_given_a_number_out_of_range_for_a_named_question_when_read_then_it_is_not_stored(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")

    says(machine, quinn, "mood 7, pain 30")

    assert answers(machine, quinn) == {"mood": 7}


def test_given_side_effects_named_beside_an_answer_when_read_then_they_count_too(machine: Machine) -> None:
    quinn = enrol(machine)
    infused(machine, quinn, hours_ago=20)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    says(machine, quinn, "mood 7, a bit of nausea")

    assert list(answers(machine, quinn)) == ["mood", "side_effects"]
    assert last(machine, quinn).open_question == "still_there"


@LANGUAGES
def test_given_an_answer_followed_by_a_question_when_read_then_it_is_stored_and_a_person_sees_the_question(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, "mood")

    says(machine, quinn, {"en": "7. can I drive tmrw?", "es": "7. ¿puedo manejar mañana?"}[language])

    assert answers(machine, quinn) == {"mood": 7}
    assert flags(machine, quinn)["asks_a_question"] == "review"


@LANGUAGES
def test_given_a_correction_within_two_hours_when_read_then_the_value_changes_and_the_trail_is_kept(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "8")
    passes(machine, minutes=110)

    following = says(machine, quinn, {"en": "sorry meant 3", "es": "perdón, quise decir 3"}[language])

    assert {"en": "pain", "es": "dolor"}[language] in following
    (answer,) = last(machine, quinn).answers
    assert (answer.value, answer.before) == (3, (8,))
    found = score(machine, quinn, "mood")
    assert (found.value, found.before) == (3, (8,))
    assert patient(machine, quinn).recent_moods == (3,)
    assert "corrected mood" in [change.reason for change in last(machine, quinn).trail]


def test_given_a_correction_after_two_hours_when_read_then_nothing_changes_and_staff_see_it(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood")
    says(machine, quinn, "8")
    passes(machine, minutes=125)

    says(machine, quinn, "sorry meant 3")

    assert answers(machine, quinn) == {"mood": 8}
    assert flags(machine, quinn) == {"wrote_free_text": "review"}


def test_given_a_correction_after_two_hours_with_a_question_open_when_read_then_it_is_no_answer_to_that(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "8")
    passes(machine, minutes=125)

    says(machine, quinn, "sorry meant 3")

    assert answers(machine, quinn) == {"mood": 8}
    assert last(machine, quinn).open_question == "pain"


def test_given_a_correction_after_the_survey_ended_when_read_then_it_counts(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood")
    says(machine, quinn, "8")

    assert says(machine, quinn, "sorry meant 6") == THANKS["en"]

    assert scores(machine, quinn) == {"mood": 6}
    assert last(machine, quinn).status == "answered"


def test_given_a_correction_that_says_the_same_when_read_then_it_is_no_answer_to_the_open_question(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ2)
    says(machine, quinn, "2")

    says(machine, quinn, "I meant 2")

    assert answers(machine, quinn) == {"phq9:1": 2}


def test_given_a_correction_by_name_when_read_then_that_answer_changes(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain", "functioning")
    says(machine, quinn, "mood 7, pain 3")

    says(machine, quinn, "sorry, mood is 6")

    assert answers(machine, quinn) == {"mood": 6, "pain": 3}
    assert last(machine, quinn).open_question == "functioning"


def test_given_two_answers_in_one_text_when_corrected_without_a_name_then_it_is_asked_not_guessed(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "mood 7, pain 3")

    says(machine, quinn, "sorry meant 4")

    assert answers(machine, quinn) == {"mood": 7, "pain": 3}
    assert flags(machine, quinn) == {"wrote_free_text": "review"}


@LANGUAGES
def test_given_a_correction_that_opens_a_branch_when_the_survey_had_ended_then_it_goes_on(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, *PHQ2)
    assert says(machine, quinn, "1", "1") == THANKS[language]

    third = says(machine, quinn, {"en": "sorry meant 2", "es": "perdón, quise decir 2"}[language])

    assert {"en": "3 of 9: ", "es": "3 de 9: "}[language] in third
    says(machine, quinn, *"0000000")
    assert scores(machine, quinn) == {"phq2": 3, "phq9": 3, "phq9_item9": 0}


def test_given_a_correction_that_closes_a_branch_when_read_then_its_questions_go(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ2)
    says(machine, quinn, "1", "3")
    assert last(machine, quinn).open_question == "phq9:3"

    assert says(machine, quinn, "oops I meant 0") == THANKS["en"]

    assert last(machine, quinn).status == "answered"
    assert score(machine, quinn, "phq2").before == (4,)


@LANGUAGES
def test_given_a_mood_corrected_from_8_to_1_when_read_then_staff_are_told_the_same_day(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "8")

    says(machine, quinn, {"en": "sorry meant 1", "es": "perdón, quise decir 1"}[language])

    assert alert(machine, quinn) == ("same_day", "low_mood")
    assert last(machine, quinn).status == "partly_answered"


def test_given_a_mood_corrected_upwards_while_its_alert_is_open_when_read_then_the_chart_is_right_and_the_alert_stays(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood")
    says(machine, quinn, "1")

    says(machine, quinn, "sorry meant 10")

    found = score(machine, quinn, "mood")
    assert (found.value, found.before) == (10, (1,))
    (only,) = alerts_of(machine, quinn)
    assert only.status == "open"
    assert len(only.triggers) == 2


def test_given_a_visit_answer_taken_back_when_corrected_then_its_task_goes(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "visit", visits=MONDAY + timedelta(days=3))
    says(machine, quinn, "2")
    assert flags(machine, quinn) == {"wants_to_move": "desk"}

    says(machine, quinn, "sorry meant 1")

    assert flags(machine, quinn) == {}


# --- written before it was asked ----------------------------------------------------------------------------------


def backlog(machine: Machine, patient_id: PatientId, *bodies: str) -> None:
    """Texts that come in seconds apart while nobody reads; then all are read at once."""
    for body in bodies:
        machine.patient_writes(phone_of(machine, patient_id), SENDER, body)
        machine.clock.set(machine.clock.now() + timedelta(seconds=5))
    passes(machine, minutes=5)
    assert machine.failures == []


def test_given_an_answer_sent_twice_when_both_are_read_at_once_then_the_second_is_no_answer_to_the_next_item(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9)
    says(machine, quinn, *"0000000")

    backlog(machine, quinn, "0", "0")

    assert last(machine, quinn).open_question == "phq9:9"
    assert texts(machine, quinn)[-1].startswith("9 of 9")
    assert not last(machine, quinn).asked_again


def test_given_two_numbers_written_before_the_second_question_when_read_then_it_is_asked_not_guessed(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")

    backlog(machine, quinn, "7", "4")

    assert answers(machine, quinn) == {"mood": 7}
    assert last(machine, quinn).open_question == "pain"


def test_given_answers_over_several_texts_when_each_says_what_it_is_about_then_all_count(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")

    backlog(machine, quinn, "mood 7", "pain 4")

    assert answers(machine, quinn) == {"mood": 7, "pain": 4}
    assert last(machine, quinn).status == "answered"


def test_given_the_same_message_twice_when_delivered_then_it_counts_once(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9)
    text = machine.carrier.receive(SENDER, phone_of(machine, quinn), "1")

    for _ in range(3):
        assert machine.webhook(text)["statusCode"] == 200
        passes(machine, minutes=1)

    assert answers(machine, quinn) == {"phq9:1": 1}
    assert len(texts(machine, quinn)) == 2


def test_given_a_whole_phq9_with_more_questions_when_answered_within_an_hour_then_no_question_is_held_back(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    questions = (
        "mood",
        *PHQ9,
        "pain",
        "functioning",
        "health_change",
        "bladder:1",
        "bladder:2",
        "bladder:3",
        "memory:1",
    )
    ask(machine, quinn, *questions)

    says(machine, quinn, "7", *"000000000", "3", "6", "1", "1", "1", "1")
    assert says(machine, quinn, "1") == THANKS["en"]

    assert last(machine, quinn).status == "answered"
    assert len(texts(machine, quinn)) == len(questions) + 1


def test_given_every_way_to_ask_when_texts_are_written_then_each_belongs_to_this_conversation(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ2)
    says(machine, quinn, "1", "1")

    assert {text.thread for text in outgoing(machine, quinn)} == {ThreadId(quinn)}
    assert not [record for record in machine.records if isinstance(record, Alert)]
