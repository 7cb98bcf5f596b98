"""All that one text says, and what counts before what."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.questions import expectation
from followup.domain.safety import findings, screen
from followup.domain.understanding import Understanding, first_look, understand
from infra.cli.main import main

LOADED = content.load()
QUESTIONS = (None, *LOADED.questions.questions)


def understood(text: str, question: str | None = "mood") -> Understanding:
    return understand(
        text,
        expectation(question, LOADED.questions) if question else None,
        rules=LOADED.danger,
        keywords=LOADED.keywords,
        words=LOADED.reading,
    )


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("text", "tier"), [("7. I want to die", 2), ("STOP i am going to kill myself", 3), ("no longer want to die, 7", 1)]
)
def test_given_danger_when_read_in_any_state_then_it_is_found_before_all_else(
    text: str, tier: int, question: str | None
) -> None:
    first = understood(text, question).first
    assert (first.tier, first.red_flags) == (tier, ())
    assert first.danger is not None


@pytest.mark.parametrize("question", QUESTIONS)
def test_given_several_red_flags_when_read_in_any_state_then_each_is_told(question: str | None) -> None:
    first = understood("7 but my chest hurts, i can't breathe and i passed out", question).first
    assert set(first.red_flags) == {"chest_pain", "breathing", "fainting"}
    assert first.tier is None


def test_given_danger_and_a_red_flag_when_read_then_the_graver_leads_and_both_are_told() -> None:
    first = understood("chest pain and i want to kill myself tonight").first
    assert first.danger is not None
    assert first.danger.kind == "self_harm"
    assert (first.tier, first.red_flags) == (3, ("chest_pain",))


def test_given_a_wish_for_no_more_texts_when_a_number_stands_there_too_then_it_is_no_answer() -> None:
    seen = understood("7. stop texting me")
    assert seen.first.opts_out
    assert (seen.reading.value, seen.reading.confidence) == (None, "none")


def test_given_a_keyword_when_it_could_be_a_word_of_an_answer_then_the_keyword_counts() -> None:
    seen = understood("no mas", "health_change")
    assert seen.first.opts_out
    assert seen.reading.value is None


def test_given_a_wish_and_an_answer_when_read_then_both_are_told() -> None:
    seen = understood("6. can the nurse call me")
    assert (seen.reading.value, seen.reading.wants) == (6, ("person",))


def test_given_driving_when_there_was_no_infusion_then_it_is_danger_only_after_one() -> None:
    first = first_look("i am driving home", LOADED.danger, LOADED.keywords)
    assert first.danger is None
    assert first.red_flags == ()
    assert first.after_infusion is not None


@given(st.text(max_size=200))
def test_given_any_text_when_screened_then_the_gravest_of_the_findings_is_what_the_screen_says(text: str) -> None:
    found = findings(text, LOADED.danger)
    assert screen(text, LOADED.danger) == (found[0] if found else None)
    assert len({danger.rule for danger in found}) == len(found)


def test_given_lines_when_read_from_the_command_line_then_each_good_one_is_answered_and_a_bad_one_is_named() -> None:
    lines = (
        '{"text": "6 but dizzy", "question": "mood", "language": "en"}',
        "",
        "not json",
        '{"text": "sí", "question": "yes_no", "language": "es"}',
        '{"text": "STOP", "question": null, "language": "en"}',
        '{"question": "mood", "language": "en"}',
        '{"text": "7", "question": "weather", "language": "en"}',
        '{"text": "7", "question": "mood", "language": "fr"}',
        '{"text": "7 chest pain", "question": "mood"}',
    )
    result = CliRunner().invoke(main, ["read"], input="\n".join(lines))

    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert answers[0] == {
        "value": 6,
        "confidence": "sure",
        "reason": "a number",
        "side_effects": ["dizziness"],
        "danger": None,
        "red_flags": [],
        "opt_out": False,
        "wants": [],
    }
    assert [answer["value"] for answer in answers] == [6, "yes", None, 7]
    assert [answer["opt_out"] for answer in answers] == [False, False, True, False]
    assert answers[3]["red_flags"] == ["chest_pain"]
    told = result.stderr.splitlines()
    assert [line.split(":")[0] for line in told] == [
        "line 3, the line",
        "line 6, text",
        "line 7, question",
        "line 8, language",
    ]
    assert result.exit_code == 1


def test_given_only_good_lines_when_read_from_the_command_line_then_it_ends_well() -> None:
    result = CliRunner().invoke(main, ["read"], input='{"text": "dos", "question": "gad7:1", "language": "es"}\n')
    assert json.loads(result.stdout)["value"] == 2
    assert (result.exit_code, result.stderr) == (0, "")
