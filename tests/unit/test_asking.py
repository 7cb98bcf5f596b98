from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.asking import POSITIONS, Position, wording_of
from followup.domain.questions import UnknownQuestion, expectation, progress
from followup.domain.records import Language
from followup.domain.segments import count
from followup.domain.wording import UnfitText, slots_of

CONTENT = content.load()
QUESTIONS, TEXTS = CONTENT.questions, CONTENT.texts
NAME = "Lakeside Wellness"
VISIT = {"day": "Thursday, March 5", "time": "3:30 PM"}


def asked(question: str, language: Language, position: Position, **more: Any) -> str:
    slots = {"sms_name": NAME, **(VISIT if question == "visit" else {}), **more}
    return wording_of(question, language, position, questions=QUESTIONS, texts=TEXTS, **slots)


@pytest.mark.parametrize(
    ("question", "language", "position", "text"),
    [
        ("mood", "en", "open", f"{NAME}: How is your mood today, 0 to 10? 0 = worst, 10 = best. Reply with a number."),
        ("mood", "en", "next", "How is your mood today, 0 to 10? 0 = worst, 10 = best."),
        (
            "mood",
            "en",
            "again",
            "We could not read that. Please reply with one number from 0 to 10: 0 = worst mood, 10 = best.",
        ),
        (
            "mood",
            "en",
            "nudge",
            f"{NAME}: When you have a moment: how is your mood today, 0 to 10? 0 = worst, 10 = best.",
        ),
        (
            "mood",
            "es",
            "open",
            f"{NAME}: ¿Cómo está su ánimo hoy, de 0 a 10? 0 = peor, 10 = mejor. Responda con un número.",
        ),
        ("side_effects", "en", "next", "Any side effects since your visit? 0 = none, 1 = some."),
        (
            "side_effects",
            "es",
            "nudge",
            (
                f"{NAME}: Cuando tenga un momento: ¿ha tenido efectos secundarios desde su visita? "
                "0 = ninguno, 1 = alguno."
            ),
        ),
        ("health_change", "en", "next", "Any new medicine or health change? 1 = no, 2 = yes."),
        (
            "visit",
            "en",
            "open",
            (
                f"{NAME}: Your visit is Thursday, March 5 at 3:30 PM. "
                "1 = I will come, 2 = I need to move it. Reply 1 or 2."
            ),
        ),
    ],
)
def test_given_a_question_of_its_own_when_asked_then_it_says_how_to_answer(
    question: str, language: Language, position: Position, text: str
) -> None:
    assert asked(question, language, position) == text


def test_given_an_instrument_when_it_opens_then_stem_and_answers_are_said_once() -> None:
    stem = "Over the last 2 weeks, how often have you been bothered by any of the following problems?"
    key = "0 = Not at all, 1 = Several days, 2 = More than half the days, 3 = Nearly every day"
    first = asked("phq9:1", "en", "open", number=1, of=9)
    assert first == f"{NAME}: {stem} 1 of 9: Little interest or pleasure in doing things ({key})"
    assert asked("phq9:2", "en", "next", number=2, of=9) == "2 of 9: Feeling down, depressed, or hopeless (0 1 2 3)"


def test_given_an_instrument_after_another_question_when_it_begins_then_its_stem_comes_without_the_name() -> None:
    begun = asked("gad7:1", "es", "next", number=1, of=2)
    assert begun.startswith("Durante las últimas 2 semanas, ¿con qué frecuencia ha sentido molestias")
    assert "0 = Nunca" in begun
    assert NAME not in begun


@pytest.mark.parametrize("language", TEXTS.languages)
def test_given_an_item_when_asked_again_or_nudged_then_every_answer_is_spelled_out(language: Language) -> None:
    again = asked("phq9:9", language, "again", number=9, of=9)
    nudge = asked("phq9:9", language, "nudge", number=9, of=9)
    for label in QUESTIONS.labels("phq9:9", language).values():
        assert label in again
        assert label in nudge
    stem = QUESTIONS.stems["phq9"].wordings[language].stem
    assert stem not in again
    assert stem in nudge


def test_given_a_visit_on_the_same_day_when_a_check_in_opens_then_its_reminder_stands_in_front() -> None:
    both = asked("mood", "en", "open", **VISIT)
    assert both.startswith(f"{NAME}: Your visit is Thursday, March 5 at 3:30 PM. How is your mood today")
    item = asked("phq9:1", "en", "open", number=1, of=2, **VISIT)
    assert item.startswith(f"{NAME}: Your visit is Thursday, March 5 at 3:30 PM. Over the last 2 weeks")
    assert asked("mood", "en", "next", **VISIT) == asked("mood", "en", "next")


@pytest.mark.parametrize("language", TEXTS.languages)
@pytest.mark.parametrize("question", QUESTIONS.questions)
def test_given_any_question_when_asked_in_any_place_then_nothing_is_left_to_fill_in(
    question: str, language: Language
) -> None:
    for position in POSITIONS:
        for number in (1, 2):
            body = asked(question, language, position, number=number, of=9)
            assert body == " ".join(body.split())
            assert not slots_of(body)
            assert "()" not in body
            assert body.startswith(f"{NAME}: ") == (position in ("open", "nudge"))


def test_given_the_texts_of_questions_when_measured_then_english_costs_no_more_than_told() -> None:
    nexts = {
        question: count(asked(question, "en", "next", number=2, of=9)).segments for question in QUESTIONS.questions
    }
    assert {question for question, segments in nexts.items() if segments > 1} == {"phq9:8", "phq9:10"}
    assert max(nexts.values()) == 2


@pytest.mark.parametrize("language", TEXTS.languages)
@pytest.mark.parametrize("question", ["mood", "pain", "target", "functioning"])
def test_given_a_scale_when_it_is_asked_then_both_ends_are_said(question: str, language: Language) -> None:
    for position in POSITIONS:
        body = asked(question, language, position)
        assert " 0 = " in body
        assert " 10 = " in body


def test_given_a_missing_slot_when_a_question_is_asked_then_the_error_names_question_and_slot() -> None:
    with pytest.raises(UnfitText, match=r"^question mood: slot sms_name is missing$"):
        wording_of("mood", "en", "open", questions=QUESTIONS, texts=TEXTS)
    with pytest.raises(UnfitText, match=r"^question visit: slot day is missing$"):
        wording_of("visit", "en", "next", questions=QUESTIONS, texts=TEXTS)


def test_given_an_unknown_question_or_language_when_asked_then_the_error_names_the_question() -> None:
    with pytest.raises(UnknownQuestion, match=r"^question phq9:11: there is no such question$"):
        asked("phq9:11", "en", "next")
    with pytest.raises(UnknownQuestion, match=r"^question mood: it is not written in the patient's language$"):
        asked("mood", "fr", "next")


@given(st.text(min_size=1).filter(str.strip))
def test_given_any_clinic_name_when_a_question_opens_then_the_name_is_never_read_for_slots(name: str) -> None:
    body = asked("mood", "en", "open", sms_name=name)
    assert body.startswith(" ".join(name.split()))


# --- how far it is, and what the reader expects -----------------------------------------------------------------


def test_given_a_survey_when_progress_is_told_then_items_are_counted_within_their_instrument() -> None:
    survey = ["mood", "phq9:1", "phq9:2", "gad7:1", "gad7:2"]
    assert [progress(survey, question, QUESTIONS) for question in survey] == [(1, 1), (1, 2), (2, 2), (1, 2), (2, 2)]
    longer = [*survey[:3], *(f"phq9:{item}" for item in range(3, 10)), "phq9:10"]
    assert progress(longer, "phq9:3", QUESTIONS) == (3, 9)
    assert progress(longer, "phq9:10", QUESTIONS) == (1, 1)
    assert progress(["phq9:6", "phq9:7"], "phq9:6", QUESTIONS) == (1, 2)


def test_given_yes_or_no_when_expected_then_shown_digits_and_both_languages_lead_to_stored_values() -> None:
    expected = expectation("pcptsd5:3", QUESTIONS)
    assert (expected.form, expected.low, expected.high) == ("yes_no", 0, 1)
    assert dict(expected.digits) == {1: 0, 2: 1}
    assert set(expected.labels) == {("no", 0), ("yes", 1), ("sí", 1)}


def test_given_a_scale_when_expected_then_its_better_end_and_topic_are_told() -> None:
    mood, pain = expectation("mood", QUESTIONS), expectation("pain", QUESTIONS)
    assert (mood.low, mood.high, mood.best, mood.topic, mood.labels) == (0, 10, 10, "mood", ())
    assert (pain.best, pain.topic) == (0, "pain")
    assert {("no pain", 0), ("worst pain imaginable", 10), ("sin dolor", 0)} <= set(pain.labels)


def test_given_an_item_when_expected_then_the_labels_of_its_instrument_in_all_languages_are_told() -> None:
    labels = dict(expectation("gad7:4", QUESTIONS).labels)
    assert labels["Nearly every day"] == labels["Casi todos los días"] == 3
    assert labels["Nunca"] == labels["Not at all"] == 0


def test_given_a_post_traumatic_screen_when_texted_then_no_text_says_what_it_is_about() -> None:
    for language in TEXTS.languages:
        for item in range(1, 6):
            for position in POSITIONS:
                body = asked(f"pcptsd5:{item}", language, position, number=item, of=5).lower()
                assert not {"trauma", "ptsd", "tept", "assault", "abuse", "war", "guerra"} & set(body.split())
                assert "trauma" not in body
