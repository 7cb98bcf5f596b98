"""Surveys item by item: what is asked, scored, told and opened, in both languages."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

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
    scores,
)
from tests.scenario.lakeside import (
    MONDAY,
    alerts_of,
    enrol,
    open_clinic,
    pages,
    texts,
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running)
        yield running


# --- item by item -------------------------------------------------------------------------------------------------


@LANGUAGES
def test_given_a_phq9_when_answered_item_by_item_then_the_stem_comes_once_and_total_and_item_9_are_stored(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, *PHQ9)

    says(machine, quinn, "1", "0", "3", "2", "0", "1", "0", "0", "0")

    stem = {"en": "Over the last 2 weeks", "es": "Durante las últimas 2 semanas"}[language]
    sent = texts(machine, quinn)
    assert [stem in body for body in sent] == [True, *[False] * 9]
    of = {"en": "of", "es": "de"}[language]
    assert [f"{item} {of} 9: " in body for item, body in enumerate(sent[:9], start=1)] == [True] * 9
    assert all(body.endswith("(0 1 2 3)") for body in sent[1:9])
    assert sent[9] == THANKS[language]
    assert scores(machine, quinn) == {"phq2": 1, "phq9_item9": 0, "phq9": 7}
    assert last(machine, quinn).status == "answered"
    assert dict(patient(machine, quinn).filled_on)["phq9"] == date(2026, 3, 2)
    assert alerts_of(machine, quinn) == []


@LANGUAGES
@pytest.mark.parametrize(("value", "level"), [("1", "same_day"), ("2", "urgent"), ("3", "urgent")])
def test_given_item_9_answered_when_read_then_patient_and_staff_hear_at_that_moment_and_the_survey_stops(
    machine: Machine, language: str, value: str, level: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, *PHQ9, "pain")

    reply = says(machine, quinn, *"00000000", value)

    assert "911" in reply
    assert "988" in reply
    assert alert(machine, quinn) == (level, "phq9_item9")
    assert pages(machine)
    assert scores(machine, quinn) == {"phq2": 0, "phq9_item9": int(value), "phq9": int(value)}
    assert last(machine, quinn).status == "partly_answered"
    assert last(machine, quinn).open_question == "pain"
    said = len(texts(machine, quinn))
    passes(machine, hours=40)
    assert len(texts(machine, quinn)) == said


def test_given_answers_in_words_when_read_then_the_official_labels_count_in_both_languages(machine: Machine) -> None:
    quinn = enrol(machine, language="es")
    ask(machine, quinn, *PHQ2)

    says(machine, quinn, "Varios días", "Not at all")

    assert answers(machine, quinn) == {"phq9:1": 1, "phq9:2": 0}


# --- PHQ-2 and what it opens --------------------------------------------------------------------------------------


@LANGUAGES
def test_given_a_positive_phq2_when_answered_then_phq9_goes_on_in_the_same_conversation(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, "mood", *PHQ2, "pain")

    says(machine, quinn, "6", "2")
    third = says(machine, quinn, "1")

    assert {"en": "3 of 9: ", "es": "3 de 9: "}[language] in third
    says(machine, quinn, *"1111110")
    assert last(machine, quinn).open_question == "pain"
    assert says(machine, quinn, "4") == THANKS[language]
    assert scores(machine, quinn) == {"mood": 6, "phq2": 3, "phq9_item9": 0, "phq9": 9, "pain": 4}


def test_given_a_negative_phq2_when_answered_then_the_survey_goes_on_without_phq9(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ2, "pain")

    says(machine, quinn, "1")
    following = says(machine, quinn, "1")

    assert "pain" in following
    assert scores(machine, quinn) == {"phq2": 2}


@pytest.mark.parametrize(("second", "opens"), [("1", False), ("2", True)])
def test_given_a_reference_when_phq2_is_answered_then_it_counts_from_two_above_it(
    machine: Machine, second: str, opens: bool
) -> None:
    quinn = enrol(machine, phq2_reference=2.0)
    ask(machine, quinn, *PHQ2)

    says(machine, quinn, "2", second)

    assert (last(machine, quinn).open_question == "phq9:3") == opens


@pytest.mark.parametrize(("ago", "opens"), [(13, False), (14, True)])
def test_given_an_earlier_phq9_when_phq2_is_positive_then_it_is_not_asked_again_within_14_days(
    machine: Machine, ago: int, opens: bool
) -> None:
    quinn = enrol(machine, filled_on=(("phq9", date(2026, 3, 2) - timedelta(days=ago)),))
    ask(machine, quinn, *PHQ2)

    says(machine, quinn, "3", "3")

    assert (last(machine, quinn).open_question == "phq9:3") == opens


# --- side effects -------------------------------------------------------------------------------------------------


@LANGUAGES
def test_given_some_side_effects_when_said_then_which_how_bad_and_whether_they_last_are_asked(
    machine: Machine, language: str
) -> None:
    said = {"en": ("some", "dizzy", "a little", "yes"), "es": ("algunos", "mareo", "un poco", "sí")}[language]
    quinn = enrol(machine, language=language)
    infused(machine, quinn, hours_ago=20)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    says(machine, quinn, "7", *said)

    assert answers(machine, quinn) == {"mood": 7, "side_effects": 1, "which_effects": 1, "how_bad": 0, "still_there": 1}
    assert flags(machine, quinn) == {"side_effect_reported": "note"}
    assert "911" in texts(machine, quinn)[-1]
    assert last(machine, quinn).status == "answered"


@LANGUAGES
def test_given_everything_said_at_once_when_read_then_nothing_more_is_asked(machine: Machine, language: str) -> None:
    said = {"en": "a bit dizzy, gone now", "es": "un poco de mareo, ya se me quitó"}[language]
    quinn = enrol(machine, language=language)
    infused(machine, quinn, hours_ago=20)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    assert says(machine, quinn, "7", said) == THANKS[language]

    assert list(answers(machine, quinn)) == ["mood", "side_effects"]
    assert last(machine, quinn).answers[-1].effects == ("dizziness",)
    assert flags(machine, quinn) == {"side_effect_reported": "note"}


def test_given_a_strong_effect_inside_its_window_when_told_then_it_is_for_review(machine: Machine) -> None:
    quinn = enrol(machine)
    infused(machine, quinn, hours_ago=20)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    says(machine, quinn, "7", "some", "nausea", "2", "1")

    assert flags(machine, quinn) == {"side_effect_reported": "review"}
    assert alerts_of(machine, quinn) == []


@LANGUAGES
def test_given_an_effect_past_its_window_when_still_there_the_next_day_then_staff_are_told_the_same_day(
    machine: Machine, language: str
) -> None:
    said = {"en": "nausea, still there", "es": "náusea, todavía la tengo"}[language]
    quinn = enrol(machine, language=language)
    infused(machine, quinn, hours_ago=26)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    says(machine, quinn, "7", said, "0")
    if last(machine, quinn).status == "answering":
        says(machine, quinn, "2")

    assert alert(machine, quinn) == ("same_day", "side_effect_past_window")
    assert flags(machine, quinn) == {"side_effect_lasts": "review"}
    assert "988" in texts(machine, quinn)[-1]


def test_given_urinary_signs_when_told_then_they_hold_whatever_the_time(machine: Machine) -> None:
    quinn = enrol(machine)
    infused(machine, quinn, hours_ago=4)
    ask(machine, quinn, "side_effects", session_id="v1")

    says(machine, quinn, "burning when I pee, a little, gone now")

    assert flags(machine, quinn) == {"side_effect_holds": "review"}


def test_given_silence_in_the_middle_when_the_check_expires_then_what_was_said_is_kept_and_judged_as_lasting(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    infused(machine, quinn, hours_ago=20)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    says(machine, quinn, "7", "dizzy")
    assert alerts_of(machine, quinn) == []
    passes(machine, hours=40)

    assert last(machine, quinn).status == "partly_answered"
    assert list(answers(machine, quinn)) == ["mood", "side_effects"]
    # The words came 20 hours after the infusion, inside the window of 24: for review, no alert.
    assert flags(machine, quinn) == {"side_effect_reported": "review"}


@LANGUAGES
def test_given_no_nausea_but_dizzy_when_read_then_only_what_is_there_counts(machine: Machine, language: str) -> None:
    said = {"en": "no nausea but dizzy", "es": "sin náusea pero mareada"}[language]
    quinn = enrol(machine, language=language)
    infused(machine, quinn, hours_ago=20)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    says(machine, quinn, "7", said)

    assert last(machine, quinn).answers[-1].effects == ("dizziness",)
    assert last(machine, quinn).open_question == "how_bad"


def test_given_some_and_then_none_after_all_when_read_then_nothing_more_is_asked_and_no_flag_stands(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    infused(machine, quinn, hours_ago=20)
    ask(machine, quinn, *AFTER_SESSION, session_id="v1")

    assert says(machine, quinn, "7", "1", "none actually") == THANKS["en"]

    assert answers(machine, quinn)["side_effects"] == 0
    assert flags(machine, quinn) == {}


# --- tasks --------------------------------------------------------------------------------------------------------


@LANGUAGES
@pytest.mark.parametrize(("said", "tasks"), [("1", {}), ("2", {"wants_to_move": "desk"})])
def test_given_a_visit_question_when_answered_then_moving_it_is_a_task_for_the_desk(
    machine: Machine, language: str, said: str, tasks: dict[str, str]
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, "visit", "health_change", visits=MONDAY + timedelta(days=1))

    following = says(machine, quinn, said)

    assert flags(machine, quinn) == tasks
    assert {"en": "new medicine", "es": "medicamento nuevo"}[language] in following


@pytest.mark.parametrize(
    ("question", "rule", "group"),
    [
        ("health_change", "health_change", "desk"),
        ("bladder:1", "urinary_signs", "review"),
        ("bladder:2", "urinary_signs", "review"),
        ("memory:1", "memory_worse", "review"),
    ],
)
def test_given_a_yes_that_a_person_acts_on_when_read_then_it_is_flagged_and_the_day_is_kept(
    machine: Machine, question: str, rule: str, group: str
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, question)

    says(machine, quinn, "2")

    assert flags(machine, quinn) == {rule: group}
    kept = dict(patient(machine, quinn).filled_on)
    assert kept == ({} if question == "bladder:2" else {question: date(2026, 3, 2)})


def test_given_blood_in_the_urine_when_told_then_staff_are_told_the_same_day(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "bladder:1", "bladder:2", "bladder:3")

    says(machine, quinn, "yes", "yes", "yes")

    assert alert(machine, quinn) == ("same_day", "blood_in_urine")
    assert flags(machine, quinn) == {"urinary_signs": "review", "blood_in_urine": "review"}
