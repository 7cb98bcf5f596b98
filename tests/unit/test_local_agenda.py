"""What the clock page says of the steps to come."""

from typing import get_args

from followup.domain.records import CheckInKind, Step, TextKind
from infra.local.agenda import CHECK_INS, STEPS, TEXTS


def test_given_every_kind_of_step_check_in_and_text_when_it_comes_up_then_there_are_words_for_it() -> None:
    assert (set(STEPS), set(CHECK_INS), set(TEXTS)) == (
        set(get_args(Step)),
        set(get_args(CheckInKind)),
        set(get_args(TextKind)),
    )
