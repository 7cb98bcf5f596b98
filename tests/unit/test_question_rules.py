"""What the content check refuses in questions, instruments and surveys: file, line, field and fix are named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from followup import content
from followup.domain.asking import POSITIONS
from followup.domain.records import Language
from infra.content.__main__ import main
from infra.content.compiling import CONTENT, judge
from infra.content.question_rules import size_of

QUESTIONS, EN, ES = "questions.yaml", "languages/en/questions.yaml", "languages/es/questions.yaml"
INSTRUMENTS, SURVEYS, TEXTS = "instruments.yaml", "surveys.yaml", "texts.yaml"
Breaking = Callable[[str, str, str], list[str]]


@pytest.fixture
def breaking(tmp_path: Path) -> Breaking:
    """Replace something in one file of a copy of the content, and tell what the check says."""

    def break_it(file: str, old: str, new: str) -> list[str]:
        shutil.copytree(CONTENT, tmp_path, dirs_exist_ok=True)
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds what this test breaks"
        (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return [str(problem) for problem in judge(tmp_path).problems]

    return break_it


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (EN, "How is your mood today,", "How is your depression today,", 'questions.mood.text: "depression" names a'),
        (EN, "How is your mood today,", "After your infusion, how is your mood,", '"infusion" says what kind of visit'),
        (EN, "0 = worst, 10 = best.", "10 = best.", "questions.mood.key: does not say what 0 means; state both ends"),
        (
            EN,
            'labels: {0: "none", 1: "some"}',
            'labels: {0: "none"}',
            "side_effects.labels: has none for 1; name every",
        ),
        (EN, "0 = a little, 1 = quite a bit", "0 = a little, 1 = rather", "how_bad.key: does not hold 1 = quite a bit"),
        (
            EN,
            "Are they still there?",
            "Are they still there? Say YES or no.",
            "text: names YES, which the carrier acts",
        ),
        (
            EN,
            "Your visit is {day} at {time}.",
            "Your visit is {day}.",
            "questions.visit.text: lacks the slot time; use",
        ),
        (
            EN,
            "How much do they bother you?",
            "How much do {they} bother?",
            "text: has the unknown slot they; known here",
        ),
        (
            EN,
            "Which ones? A few words",
            "Which ones? \u201cA few words\u201d",
            "is not GSM-7 because of \u201c \u201d; choose",
        ),
        (EN, "Any new medicine or health change?", "Any new medicine? " + "More? " * 20, "takes 2 segments with the"),
        (
            EN,
            '    text: "Trouble relaxing"\n',
            '    text: "Trouble relaxing"\n    ucs2: true\n',
            "is set although nothing",
        ),
        (
            EN,
            '    text: "Trouble relaxing"\n',
            '    text: "Trouble relaxing"\n    again: "x"\n',
            "gad7:4.again: is not for",
        ),
        (EN, 'short: "0 1 2 3"', 'short: "0 1 2"', "stems.phq9.short: does not show 3; repeat every number"),
        (
            EN,
            "3 = Nearly every day",
            "3 = Every day",
            "stems.phq9.key: does not hold 3 = Nearly every day; let the key",
        ),
        (ES, "    ucs2: true # on Saturdays only: sábado\n", "", "questions.visit: is not GSM-7 because of a day's"),
        (ES, "  mood:\n", "  animo:\n", "questions.mood: is missing; write it: Mood"),
        (ES, "  mood:\n", "  animo:\n", "questions.animo: is not declared in questions.yaml; correct its name"),
        (QUESTIONS, "digits: &no_yes {1: 0, 2: 1}", "digits: &no_yes {1: 0, 2: 2}", "stands for a value outside low"),
        (
            QUESTIONS,
            "    instrument: gad7\n",
            "    instrument: gad8\n",
            "gad7:1.instrument: has no stem; write its stem",
        ),
        (QUESTIONS, "3: LA6571-9}", "4: LA6571-9}", "phq9:1.answers.4: is a code for no answer; remove it"),
        (TEXTS, "  frame.again:\n", "  frame.anew:\n", "entries.frame.again: is missing; add it"),
        (
            TEXTS,
            "    slots: [again]\n",
            "    slots: [question]\n",
            "frame.again.slots: are not the slots of this frame",
        ),
        (INSTRUMENTS, '"phq9:8", "phq9:9"]', '"phq9:8", "phq9:12"]', "holds phq9:12, which is no question; correct it"),
        (INSTRUMENTS, "    high: 27\n", "    high: 28\n", "is not what the items can add up to (0 to 27); correct low"),
        (
            INSTRUMENTS,
            "{name: mild, low: 5,",
            "{name: mild, low: 6,",
            "does not begin at 5; let the bands cover the range",
        ),
        (INSTRUMENTS, "code: gad2", "code: phq9", "phq9 is there twice; correct one of them"),
        (INSTRUMENTS, 'never_prorated: ["phq9:9"]', 'never_prorated: ["gad7:1"]', "holds gad7:1, which is no item"),
        (SURVEYS, 'after: ["phq9:1", "phq9:2"]', 'after: ["phq9:1", "phq9:0"]', "holds phq9:0, which is no question"),
        (SURVEYS, "instrument: phq2", "instrument: phq3", "branches.0.instrument: phq3 is no instrument; correct it"),
    ],
)
def test_given_a_broken_question_when_checked_then_it_is_refused(
    breaking: Breaking, file: str, old: str, new: str, said: str
) -> None:
    problems = breaking(file, old, new)
    assert [problem for problem in problems if problem.startswith(f"{file}:") and said in problem], problems


def test_given_a_question_that_gives_something_away_when_told_then_its_own_line_is_named(breaking: Breaking) -> None:
    lines = (CONTENT / EN).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "How is your mood today" in text)
    (told,) = breaking(EN, "How is your mood today,", "How is your anxiety today,")
    assert told == f'{EN}:{line}: questions.mood.text: "anxiety" names a diagnosis or a symptom of one; leave it out'


def test_given_a_digit_that_the_carrier_acts_on_when_a_question_asks_for_it_then_it_is_refused(
    breaking: Breaking,
) -> None:
    problems = breaking("carrier.yaml", "keywords: [STOP,", 'keywords: ["2", STOP,')
    said = "key: asks for 2, which the carrier acts on by itself; renumber it"
    asking = [problem for problem in problems if said in problem]
    assert [problem for problem in asking if "questions.health_change" in problem]
    assert not [problem for problem in asking if "questions.side_effects" in problem]


def test_given_official_wording_when_checked_then_its_words_are_exempt_and_ours_are_not(breaking: Breaking) -> None:
    official = (CONTENT / EN).read_text(encoding="utf-8")
    assert "Feeling down, depressed, or hopeless" in official
    reworded = '    text: "Feeling down, depressed, or hopeless"\n    official: true\n'
    problems = breaking(EN, reworded, reworded.replace("    official: true\n", ""))
    assert [problem for problem in problems if '"depressed" names a diagnosis' in problem]


def test_given_the_content_when_shown_then_each_question_is_listed_with_what_it_costs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show"]) == 0
    lines = capsys.readouterr().out.splitlines()
    loaded = content.load()
    assert len(lines) == len(loaded.questions.questions) * len(loaded.texts.languages) * len(POSITIONS)
    assert "phq9:2 en next: GSM-7, 1: 2 of 9: Feeling down, depressed, or hopeless (0 1 2 3)" in lines
    assert "mood es next: UCS-2, 1: ¿Cómo está su ánimo hoy, de 0 a 10? 0 = peor, 10 = mejor." in lines


@pytest.mark.parametrize("language", content.load().texts.languages)
@pytest.mark.parametrize("question", content.load().questions.questions)
def test_given_the_longest_slots_when_a_question_is_measured_then_it_takes_no_more_segments_than_it_may(
    question: str, language: Language
) -> None:
    loaded = content.load()
    allowed = loaded.questions.wording(question, language).max_segments
    for position in POSITIONS:
        assert size_of(question, language, position, loaded.questions, loaded.texts).segments <= allowed
