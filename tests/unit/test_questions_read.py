"""What a question asks for is read as that, in every language that it is asked in."""

import pytest

from followup import content
from followup.domain.questions import expectation
from followup.domain.reading import read
from followup.domain.records import Language

CONTENT = content.load()
QUESTIONS = CONTENT.questions
NUMBERED = tuple(name for name, asked in QUESTIONS.questions.items() if asked.form != "words")


@pytest.mark.parametrize("question", NUMBERED)
def test_given_a_digit_that_a_question_shows_when_a_patient_sends_it_then_its_value_is_sure(question: str) -> None:
    expected = expectation(question, QUESTIONS)
    for digit, value in QUESTIONS.asked(question).shown:
        reading = read(str(digit), expected, CONTENT.reading)
        assert (reading.value, reading.confidence) == (value, "sure"), f"{question}: {digit}"


@pytest.mark.parametrize("question", NUMBERED)
@pytest.mark.parametrize("language", CONTENT.texts.languages)
def test_given_a_label_that_a_question_shows_when_a_patient_sends_it_then_its_value_is_sure(
    question: str, language: Language
) -> None:
    expected = expectation(question, QUESTIONS)
    for value, label in QUESTIONS.labels(question, language).items():
        for said in (label, label.upper(), f"{label}."):
            reading = read(said, expected, CONTENT.reading)
            assert (reading.value, reading.confidence) == (value, "sure"), f"{question}: {said}"


@pytest.mark.parametrize("question", NUMBERED)
def test_given_a_digit_that_a_question_does_not_show_when_a_patient_sends_it_then_it_is_no_answer(
    question: str,
) -> None:
    expected = expectation(question, QUESTIONS)
    shown = {digit for digit, _ in QUESTIONS.asked(question).shown}
    for digit in set(range(12)) - shown:
        assert read(str(digit), expected, CONTENT.reading).value is None, f"{question}: {digit}"


@pytest.mark.parametrize("language", CONTENT.texts.languages)
def test_given_the_examples_that_a_question_names_when_a_patient_sends_them_then_they_are_read(
    language: Language,
) -> None:
    wording = QUESTIONS.wording("which_effects", language)
    for sentence in (wording.text, wording.later, wording.again):
        _, _, examples = sentence.rpartition(": ")
        for example in examples.rstrip(".").split(", "):
            reading = read(example, expectation("which_effects", QUESTIONS), CONTENT.reading)
            assert reading.side_effects, f"{language}: {example}"
