"""The figures that reading has to keep, on the replies that the rules were written with and on those kept apart."""

import pytest

from infra.reading_report import (
    LANGUAGES,
    LEAST_RECALL,
    MOST_ASKED_AGAIN,
    MOST_INVENTED,
    MOST_WRONG,
    SETS,
    Tally,
    examples,
    tally,
)


@pytest.fixture(params=SETS)
def counted(request: pytest.FixtureRequest) -> Tally:
    return tally(example for language in LANGUAGES for example in examples(request.param, language))


def test_given_labelled_replies_when_read_then_hardly_a_value_is_wrong(counted: Tally) -> None:
    assert counted.wrong <= MOST_WRONG


def test_given_labelled_replies_when_read_then_few_plain_answers_are_asked_again(counted: Tally) -> None:
    assert counted.asked_again <= MOST_ASKED_AGAIN


def test_given_labelled_replies_when_read_then_enough_side_effects_are_found(counted: Tally) -> None:
    assert counted.recall >= LEAST_RECALL


def test_given_labelled_replies_when_read_then_hardly_a_side_effect_is_invented(counted: Tally) -> None:
    assert counted.invention <= MOST_INVENTED


def test_given_both_sets_when_counted_then_a_third_of_eight_hundred_replies_or_more_is_kept_apart() -> None:
    counts = {corpus: sum(len(examples(corpus, language)) for language in LANGUAGES) for corpus in SETS}
    assert sum(counts.values()) >= 800
    assert counts["kept_apart"] * 3 >= sum(counts.values()) * 0.9
