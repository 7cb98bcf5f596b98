"""What the content check says of a protocol that would not work, with file, line and fix."""

from pathlib import Path

import pytest

from followup import content
from followup.domain.protocol import Protocol
from infra.content import protocol_rules
from infra.content.compiling import CONTENT
from infra.content.ordinary_course import taken_by_caps
from infra.content.schemas import decode
from infra.content.sources import Problem, load

KNOWN = content.load()


def problems(tmp_path: Path, *changes: tuple[str, str]) -> list[Problem]:
    """What is wrong with the standard protocol after these changes to its text."""
    text = (CONTENT / "protocols.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "protocols.yaml").write_text(text, encoding="utf-8")
    found: list[Problem] = []
    source = load(tmp_path, "protocols.yaml", found)
    assert source is not None
    value, wrong = decode(source, source.values["protocols"], dict[str, Protocol], ("protocols",))
    if value is None:
        return list(wrong)
    whole = protocol_rules.with_modules(value, KNOWN.instruments)
    return [*wrong, *protocol_rules.protocol_problems(source, whole, KNOWN.questions)]


def test_given_the_standard_protocol_when_checked_then_nothing_is_wrong(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_given_an_ordinary_course_when_lived_by_the_standard_protocol_then_no_cap_takes_anything_away() -> None:
    assert taken_by_caps(KNOWN.protocols["standard"]) == ()


WEEKLY = "questions: [mood, phq2]"


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        (WEEKLY, "questions: [mood, phq3]", "questions.1", "asks phq3, which is no question and no instrument"),
        ("{module: functioning,", "{module: function,", "module", "asks function, which is no question"),
        ("replaces: phq2", "replaces: gad2", "replaces", "replaces gad2, which these check-ins do not ask"),
        (
            "every_days: 28, least_days: 14, on: [weekly], overdue_on",
            "every_days: 21, least_days: 14, on: [weekly], overdue_on",
            "every_days",
            "cannot keep both least_days and every_days",
        ),
        (WEEKLY, "questions: []", "questions", "is empty, so it is never asked"),
        ("day: -1\n", "day: 0\n", "day", "is not before the visit"),
        ("        day: 3\n        until", "        day: 0\n        until", "day", "is not after the infusion"),
        ('least_hours: 2\n        at: "19:15:00"', 'least_hours: 4\n        at: "11:15:00"', "at", "can never be sent"),
        ('latest: "12:45:00"', 'latest: "13:00:00"', "", ""),
        (
            'earliest: "10:00:00", latest: "13:00:00"',
            'earliest: "11:00:00", latest: "13:00:00"',
            "kind",
            "outside survey_hours",
        ),
        ('closes_at: "21:00:00"', 'closes_at: "19:00:00"', "closes_at", "closes it while it may still be asked"),
        ("after_hours: 20", "after_hours: 48", "nudge", "has a nudge that can never go"),
        ("also: &own_scale {pain: [pain],", "also: &own_scale {pain: [phq2],", "also.pain", "may come to PHQ-9 item 9"),
        (
            "per_week_after: 3",
            "per_week_after: 2",
            "checkins",
            "is more than the caps allow, even in an ordinary course",
        ),
        ("per_week_in_series: 7", "per_week_in_series: 3", "checkins", "weekly cap of the series"),
        ("- {every_days: 7, for_weeks: 12}", "- {every_days: 9, for_weeks: 12}", "chain", "at least weekly"),
        ("from_day: 11", "from_day: 15", "checkins", "from_day must not be after day"),
        ("by_day: 20", "by_day: 13", "checkins", "by_day must not be before day"),
        ("- {every_days: 14}\n", "- {every_days: 10}\n", "chain", "must be a multiple of the first link's"),
        ("- {every_days: 14}\n", "- {every_days: 14, for_weeks: 4}\n", "chain", "the last has none"),
        (
            "- {every_days: 14}\n",
            "- {every_days: 14, for_weeks: 5}\n        - {every_days: 28}\n",
            "chain",
            "a gap opens before the next link",
        ),
    ],
)
def test_given_a_protocol_that_would_not_work_when_checked_then_field_and_reason_are_named(
    tmp_path: Path, old: str, new: str, field: str, said: str
) -> None:
    found = problems(tmp_path, (old, new))
    if not said:
        assert found == []
        return
    told = [problem for problem in found if said in problem.problem]
    assert told, found
    assert all(problem.file == "protocols.yaml" and problem.line > 10 and problem.fix for problem in told)
    assert any(field in problem.field for problem in told)


def test_given_an_unknown_question_when_checked_then_its_line_is_named(tmp_path: Path) -> None:
    [problem] = [each for each in problems(tmp_path, (WEEKLY, "questions: [mood, phq3]")) if "phq3" in each.problem]
    line = (tmp_path / "protocols.yaml").read_text(encoding="utf-8").splitlines()[problem.line - 1]
    assert line.strip() == "questions: [mood, phq3]"


@pytest.mark.parametrize(
    "links",
    [
        "- {every_days: 7, for_weeks: 8}\n        - {every_days: 14}\n",
        "- {every_days: 7, for_weeks: 12}\n        - {every_days: 14, for_weeks: 12}\n        - {every_days: 7}\n",
        "- {every_days: 7}\n",
    ],
)
def test_given_other_chains_when_checked_then_they_may_be_written(tmp_path: Path, links: str) -> None:
    old = "- {every_days: 7, for_weeks: 12}\n        - {every_days: 14}\n"
    assert problems(tmp_path, (old, links)) == []
