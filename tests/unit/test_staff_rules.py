"""Every rule that the service can raise is worded for staff: one sentence, and a few words that are fit for mail."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from followup import content
from followup.domain import answers, replies
from followup.domain.wording import slots_of

FUNCTIONS = Path(replies.__file__).parents[1]
STAFF = content.load().staff
POSITION = {"raise_flag": 3, "Concern": 1, "_alerted": 1}
"""Where a rule stands among the arguments of what raises it, if it has no name there."""


def strings(node: ast.AST) -> Iterator[str]:
    """The text constants of an expression, both of "a if b else c" among them, but none that is only compared."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from strings(node.body)
            yield from strings(node.orelse)
        case _:
            pass


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node


def spelled() -> frozenset[str]:
    """The rules that stand as text in the source, wherever an alert, a flag or a finding is made."""
    found: set[str] = set()
    for path in (*FUNCTIONS.glob("domain/*.py"), *FUNCTIONS.glob("steps/*.py")):
        for name, call in calls(ast.parse(path.read_text("utf-8"))):
            if name in POSITION and len(call.args) > POSITION[name]:
                found.update(strings(call.args[POSITION[name]]))
            for keyword in call.keywords:
                if keyword.arg == "rule":
                    found.update(strings(keyword.value))
    return frozenset(found)


CONSEQUENCES = content.load().flow.consequences
ALERTING = {each.rule for each in CONSEQUENCES if each.level is not None} | {
    *("low_mood", "worse_than_baseline", "phq9_item9", answers.LASTS, "silent_at_item9", "unclear_at_item9"),
    *("unclear_after_low_score", "text_not_readable", "triage_failed", "asked_for_help"),
}
RULES = sorted(
    spelled()
    | ALERTING
    | {each.rule for each in CONSEQUENCES}
    | set(replies.WISHES.values())
    | set(answers.SIDE_EFFECT_RULES)
)


def test_given_the_source_when_searched_then_the_rules_that_it_spells_are_found() -> None:
    assert {"wrote_free_text", "unclear_at_item9", "low_mood", "opted_out", "silent_two_weeks"} <= spelled()


@pytest.mark.parametrize("rule", RULES)
def test_given_a_rule_that_can_be_raised_when_staff_read_of_it_then_it_has_a_reason_and_a_class(rule: str) -> None:
    assert STAFF.reasons[rule]
    assert STAFF.classes[rule]
    assert not slots_of(STAFF.classes[rule])


@pytest.mark.parametrize("rule", sorted(ALERTING))
def test_given_a_rule_that_opens_alerts_when_its_reason_is_shown_then_it_needs_no_numbers(rule: str) -> None:
    assert not slots_of(STAFF.reasons[rule])
