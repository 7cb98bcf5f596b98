"""Side effects against their windows, counted from the end of the infusion."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.domain.side_effects import Judgement, Severity, Window, Windows, judge

ENDED = datetime(2026, 3, 5, 17, tzinfo=UTC)
WINDOWS = Windows(
    effects={
        "nausea": Window("same_day", "trial", hours=24),
        "headache": Window("review", "trial", hours=48),
        "urination": Window("review", "reports", holds=True),
    },
    unlisted=Window("review", "unknown"),
)


def judged(
    *effects: str, hours: float = 2, severity: Severity | None = None, still_there: bool | None = None
) -> Judgement:
    return judge(
        effects,
        severity=severity,
        still_there=still_there,
        said_at=ENDED + timedelta(hours=hours),
        ended=ENDED,
        windows=WINDOWS,
    )


@pytest.mark.parametrize(
    ("hours", "severity", "still_there", "verdict"),
    [
        (2, "mild", True, "expected"),
        (2, None, None, "expected"),
        (2, "strong", True, "review"),
        (24, None, True, "expected"),
        (24.1, "mild", True, "same_day"),
        (24.1, None, None, "same_day"),
        (24.1, "mild", False, "expected"),
        (24.1, "strong", False, "review"),
    ],
)
def test_given_an_effect_when_judged_then_its_window_severity_and_end_decide(
    hours: float, severity: Severity | None, still_there: bool | None, verdict: str
) -> None:
    assert judged("nausea", hours=hours, severity=severity, still_there=still_there).verdict == verdict


def test_given_several_effects_when_judged_then_the_gravest_counts_and_is_named() -> None:
    judgement = judged("nausea", "headache", hours=30)
    assert (judgement.verdict, judgement.because) == ("same_day", ("nausea",))


def test_given_a_urinary_sign_when_judged_then_it_is_for_review_at_any_time_and_holds() -> None:
    assert judged("urination", hours=1, severity="mild") == Judgement("review", ("urination",), hold=True)


def test_given_an_effect_that_no_list_names_when_judged_then_a_person_reads_it() -> None:
    assert judged("other").verdict == "review"


def test_given_no_effect_named_or_no_infusion_known_when_judged_then_it_is_never_taken_for_expected() -> None:
    assert judged().verdict == "review"
    unanchored = judge(("nausea",), severity="mild", still_there=None, said_at=ENDED, ended=None, windows=WINDOWS)
    assert unanchored.verdict == "same_day"


@given(st.floats(0, 100), st.floats(0, 100), st.sampled_from(["nausea", "headache", "urination", "other"]))
def test_given_the_same_words_when_said_later_then_the_verdict_is_never_milder(
    first: float, second: float, effect: str
) -> None:
    order = ("expected", "review", "same_day")
    earlier, later = sorted((first, second))
    assert order.index(judged(effect, hours=earlier).verdict) <= order.index(judged(effect, hours=later).verdict)


def test_given_a_window_that_makes_no_sense_when_written_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="hours"):
        Window("review", "trial", hours=0)
    with pytest.raises(ValueError, match="after"):
        Window("expected", "trial", hours=2)
