"""Surveys over days: silence, nudges, expiry, late answers, and surveys that are split."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.demo.machine import Machine
from tests.scenario.conversation import (
    GAD7,
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
    says,
    score,
    scores,
)
from tests.scenario.lakeside import (
    MONDAY,
    alerts_of,
    chart,
    enrol,
    open_clinic,
    session,
    texts,
    visit,
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running)
        yield running


# --- silence, expiry, late answers --------------------------------------------------------------------------------


@LANGUAGES
def test_given_silence_in_the_middle_when_nudged_then_the_open_item_is_asked_and_the_survey_goes_on_there(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, kind="survey")
    says(machine, quinn, "1", "1")

    machine.run_until(datetime(2026, 3, 3, 16, tzinfo=UTC))
    nudge = texts(machine, quinn)[-1]
    following = says(machine, quinn, "2")

    of = {"en": "of", "es": "de"}[language]
    assert f"3 {of} 9: " in nudge
    assert f"4 {of} 9: " in following
    assert {"en": "Over the last", "es": "Durante las"}[language] in nudge
    assert answers(machine, quinn) == {"phq9:1": 1, "phq9:2": 1, "phq9:3": 2}


def test_given_no_answers_in_time_when_it_expires_then_what_was_answered_is_kept_and_marked_partial(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9)
    says(machine, quinn, *"0111")

    passes(machine, hours=40)

    assert last(machine, quinn).status == "partly_answered"
    assert answers(machine, quinn) == {"phq9:1": 0, "phq9:2": 1, "phq9:3": 1, "phq9:4": 1}
    assert scores(machine, quinn) == {"phq2": 1}


@LANGUAGES
def test_given_a_late_answer_within_seven_days_when_read_then_it_counts_for_the_question_that_was_asked_and_no_other(
    machine: Machine, language: str
) -> None:
    quinn = enrol(machine, language=language)
    ask(machine, quinn, *PHQ9)
    says(machine, quinn, *"01")
    passes(machine, days=5)

    assert says(machine, quinn, "2") == THANKS[language]
    says(machine, quinn, "3")

    assert answers(machine, quinn) == {"phq9:1": 0, "phq9:2": 1, "phq9:3": 2}
    assert last(machine, quinn).answers[-1].late
    assert last(machine, quinn).status == "partly_answered"
    assert flags(machine, quinn) == {"wrote_free_text": "review"}


def test_given_an_answer_after_seven_days_when_read_then_it_is_free_text(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "mood", "pain")
    says(machine, quinn, "6")
    passes(machine, days=7, hours=1)

    says(machine, quinn, "2")

    assert answers(machine, quinn) == {"mood": 6}
    assert flags(machine, quinn) == {"wrote_free_text": "review"}


def test_given_item_9_answered_late_when_read_then_it_is_acted_on_all_the_same(machine: Machine) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, "phq9:9")
    passes(machine, days=3)

    assert "988" in says(machine, quinn, "3")

    assert alert(machine, quinn) == ("urgent", "phq9_item9")


def test_given_a_gad7_short_of_two_items_when_it_expires_then_its_total_is_prorated_and_says_so(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *GAD7)
    says(machine, quinn, *"22222")

    passes(machine, hours=40)

    found = score(machine, quinn, "gad7")
    assert (found.value, found.prorated) == (14, True)


def test_given_a_prorated_total_when_the_missing_answer_comes_late_then_the_full_total_takes_its_place(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *GAD7)
    says(machine, quinn, *"222222")
    passes(machine, hours=40)
    assert score(machine, quinn, "gad7").prorated

    says(machine, quinn, "0")

    found = score(machine, quinn, "gad7")
    assert (found.value, found.prorated, found.before) == (12, False, (14,))


def test_given_a_phq9_without_item_9_when_it_expires_then_there_is_no_total_and_a_person_has_looked(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9)
    says(machine, quinn, *"01111111")
    asked = len(texts(machine, quinn))

    passes(machine, hours=3, minutes=50)
    assert alerts_of(machine, quinn) == []
    passes(machine, minutes=15)
    assert alert(machine, quinn) == ("same_day", "silent_at_item9")
    passes(machine, days=3)

    (only,) = alerts_of(machine, quinn)
    assert only.triggers == (f"{last(machine, quinn).checkin_id}.phq9:9",)
    assert scores(machine, quinn) == {"phq2": 1}
    assert len(texts(machine, quinn)) == asked
    assert last(machine, quinn).status == "partly_answered"


def test_given_silence_at_item_9_was_told_when_it_is_answered_with_danger_then_the_alert_rises_and_the_crisis_text_goes(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9)
    says(machine, quinn, *"01111111")
    passes(machine, hours=5)
    assert alert(machine, quinn) == ("same_day", "silent_at_item9")

    reply = says(machine, quinn, "3")

    assert "988" in reply
    assert reply != texts(machine, quinn)[-2]
    assert alert(machine, quinn) == ("urgent", "phq9_item9")
    assert scores(machine, quinn)["phq9_item9"] == 3


def test_given_silence_at_item_9_was_told_when_it_is_answered_with_none_then_it_is_stored_and_the_alert_stays_open(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    ask(machine, quinn, *PHQ9, "pain")
    says(machine, quinn, *"01111111")
    passes(machine, hours=5)

    says(machine, quinn, "0")

    assert scores(machine, quinn) == {"phq2": 1, "phq9_item9": 0, "phq9": 7}
    (only,) = alerts_of(machine, quinn)
    assert only.status == "open"
    assert only.level == "same_day"
    assert last(machine, quinn).status == "partly_answered"


# --- over several days --------------------------------------------------------------------------------------------


@pytest.fixture
def split() -> Iterator[Machine]:
    """A clinic whose surveys go on another day after five questions."""
    running = Machine(MONDAY)
    content = running.service.content
    protocols = {name: replace(each, questions_a_day=5) for name, each in content.protocols.items()}
    running.service = replace(running.service, content=replace(content, protocols=protocols))
    with running:
        open_clinic(running)
        yield running


@LANGUAGES
def test_given_a_survey_split_over_days_when_the_first_part_is_answered_then_the_rest_is_asked_the_next_survey_day(
    split: Machine, language: str
) -> None:
    quinn = enrol(split, language=language)
    ask(split, quinn, *PHQ9)

    assert says(split, quinn, *"01101") == THANKS[language]
    first = last(split, quinn)
    assert (first.status, first.trail[-1].reason) == ("answered", "goes on another day")
    assert scores(split, quinn) == {"phq2": 1}

    split.run_until(datetime(2026, 3, 3, 18, tzinfo=UTC))
    opening = texts(split, quinn)[-1]
    assert opening.startswith("Lakeside Wellness: ")
    assert {"en": "6 of 9: ", "es": "6 de 9: "}[language] in opening
    assert {"en": "Over the last", "es": "Durante las"}[language] in opening
    says(split, quinn, *"1100")

    assert last(split, quinn).kind == "continued"
    assert last(split, quinn).status == "answered"
    assert scores(split, quinn) == {"phq2": 1, "phq9_item9": 0, "phq9": 5}
    assert score(split, quinn, "phq9").checkin_id == last(split, quinn).checkin_id


def test_given_the_limit_between_items_8_and_9_when_item_8_is_answered_then_item_9_is_asked_at_once(
    split: Machine,
) -> None:
    quinn = enrol(split)
    ask(split, quinn, "mood", "pain", "functioning", "target", "phq9:8", "phq9:9")

    assert "dead" in says(split, quinn, *"76540")


def test_given_the_limit_among_questions_on_side_effects_when_answered_then_they_are_asked_to_the_end(
    split: Machine,
) -> None:
    quinn = enrol(split)
    infused(split, quinn, hours_ago=20)
    ask(split, quinn, "mood", "pain", "functioning", "target", "side_effects", "memory:1", session_id="v1")

    says(split, quinn, *"76541", "dizzy", "0", "1")

    assert answers(split, quinn)["still_there"] == 0
    assert last(split, quinn).trail[-1].reason == "goes on another day"


def test_given_a_phq2_split_over_days_when_both_answers_are_positive_then_phq9_opens_all_the_same(
    split: Machine,
) -> None:
    quinn = enrol(split)
    ask(split, quinn, "mood", "pain", "functioning", "target", *PHQ2)
    says(split, quinn, *"76542")
    split.run_until(datetime(2026, 3, 3, 18, tzinfo=UTC))

    following = says(split, quinn, "2")

    assert "3 of 9: " in following
    assert scores(split, quinn)["phq2"] == 4


def test_given_a_first_part_on_a_thursday_when_it_goes_on_then_that_is_on_monday(split: Machine) -> None:
    quinn = enrol(split)
    split.run_until(datetime(2026, 3, 5, 16, tzinfo=UTC))
    ask(split, quinn, *PHQ9)
    says(split, quinn, *"01101")
    said = len(texts(split, quinn))

    split.run_until(datetime(2026, 3, 9, 13, tzinfo=UTC))
    assert len(texts(split, quinn)) == said
    split.run_until(datetime(2026, 3, 9, 18, tzinfo=UTC))

    assert len(texts(split, quinn)) == said + 1
    assert last(split, quinn).open_question == "phq9:6"


def test_given_a_second_part_planned_when_visits_change_then_planning_leaves_it_alone(split: Machine) -> None:
    quinn = enrol(split)
    ask(split, quinn, *PHQ9)
    says(split, quinn, *"01101")

    visit(split, quinn, session(9, MONDAY + timedelta(days=6), status="scheduled"))

    (rest,) = (each for each in chart(split, quinn).checkins if each.kind == "continued" and each.status == "planned")
    assert rest.questions == PHQ9[5:]


def test_given_an_answer_of_the_first_part_corrected_when_the_rest_is_planned_then_both_hold_the_right_value(
    split: Machine,
) -> None:
    quinn = enrol(split)
    ask(split, quinn, *PHQ9)
    says(split, quinn, *"01101")

    says(split, quinn, "sorry meant 3")
    split.run_until(datetime(2026, 3, 3, 18, tzinfo=UTC))
    says(split, quinn, *"0000")

    assert scores(split, quinn)["phq9"] == 5


def test_given_silence_on_the_second_day_when_it_expires_then_what_both_days_gave_is_prorated(split: Machine) -> None:
    quinn = enrol(split)
    ask(split, quinn, *GAD7)
    says(split, quinn, *"22222")

    passes(split, days=4)

    found = score(split, quinn, "gad7")
    assert (found.value, found.prorated) == (14, True)


def test_given_a_rest_planned_for_a_day_when_another_survey_would_go_on_then_too_then_that_one_is_asked_to_its_end(
    split: Machine,
) -> None:
    quinn = enrol(split)
    ask(split, quinn, *PHQ9)
    split.run_until(datetime(2026, 3, 3, 14, 30, tzinfo=UTC))
    says(split, quinn, *"01101")
    split.run_until(datetime(2026, 3, 3, 15, tzinfo=UTC))
    ask(split, quinn, *GAD7)

    says(split, quinn, *"1111111")

    assert scores(split, quinn)["gad7"] == 7
    assert [each.questions for each in chart(split, quinn).checkins if each.status == "planned"] == [PHQ9[5:]]
