"""The figures that reading has to keep, on the replies that the rules were written with."""

import pytest

from infra.reading_report import (
    LANGUAGES,
    LEAST_RECALL,
    MOST_ASKED_AGAIN,
    MOST_INVENTED,
    MOST_WRONG,
    SETS,
    examples,
    tally,
)


@pytest.mark.parametrize("corpus", ["written"])
def test_given_the_replies_that_rules_were_written_with_when_read_then_every_figure_is_kept(corpus: str) -> None:
    counted = tally(example for language in LANGUAGES for example in examples(corpus, language))
    assert counted.wrong <= MOST_WRONG
    assert counted.asked_again <= MOST_ASKED_AGAIN
    assert counted.recall >= LEAST_RECALL
    assert counted.invention <= MOST_INVENTED


def test_given_the_replies_kept_apart_when_read_then_enough_side_effects_are_found() -> None:
    counted = tally(example for language in LANGUAGES for example in examples("kept_apart", language))
    assert counted.recall >= LEAST_RECALL


def test_given_both_sets_when_counted_then_a_third_of_eight_hundred_replies_or_more_is_kept_apart() -> None:
    counts = {corpus: sum(len(examples(corpus, language)) for language in LANGUAGES) for corpus in SETS}
    assert sum(counts.values()) >= 800
    assert counts["kept_apart"] * 3 >= sum(counts.values()) * 0.9
