"""A survey: which question is open, what an answer opens, and what a correction changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from followup.domain import survey
from followup.domain.records import Answer, CheckIn, CheckInId, PatientId
from followup.domain.survey import Branch, Flow, Known, Skip

TODAY = date(2026, 3, 5)
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
REST = tuple(f"phq9:{item}" for item in range(3, 10))
FLOW = Flow(
    branches=(
        Branch(
            after=("phq9:1", "phq9:2"),
            least=3,
            instrument="phq2",
            above_reference=2,
            fills="phq9",
            at_most_every_days=14,
            opens=REST,
        ),
        Branch(after=("side_effects",), least=1, opens=("which_effects", "how_bad", "still_there")),
    ),
    skips=(
        Skip("which_effects", "effects"),
        Skip("how_bad", "severity"),
        Skip("still_there", "still_there"),
    ),
)
UNKNOWN = Known(TODAY)


def a_checkin(*questions: str) -> CheckIn:
    return CheckIn(
        status="asked",
        patient_id=PatientId("p1"),
        checkin_id=CheckInId("2026-03-05T12:00Z.weekly"),
        kind="weekly",
        due=NOON,
        until=NOON + timedelta(hours=7),
        questions=questions,
    )


def answered(checkin: CheckIn, *answers: tuple[str, int], known: Known = UNKNOWN) -> CheckIn:
    for minute, (question, value) in enumerate(answers):
        at = NOON + timedelta(minutes=minute)
        checkin = survey.record(checkin, Answer(question, value, at), FLOW, known)
    return checkin


def test_given_no_answers_when_asked_then_the_first_question_is_open() -> None:
    assert a_checkin("mood", "phq9:1").open_question == "mood"


def test_given_a_low_phq2_when_recorded_then_the_survey_goes_on_without_phq9() -> None:
    checkin = answered(a_checkin("mood", "phq9:1", "phq9:2", "pain"), ("mood", 7), ("phq9:1", 1), ("phq9:2", 1))
    assert checkin.open_question == "pain"


def test_given_a_positive_phq2_when_recorded_then_phq9_opens_before_the_questions_that_follow() -> None:
    checkin = answered(a_checkin("mood", "phq9:1", "phq9:2", "pain"), ("mood", 4), ("phq9:1", 2), ("phq9:2", 1))
    assert checkin.questions == ("mood", "phq9:1", "phq9:2", *REST, "pain")
    assert checkin.open_question == "phq9:3"


def test_given_a_reference_near_the_score_when_recorded_then_phq9_stays_closed() -> None:
    known = Known(TODAY, references={"phq2": 2.0})
    assert answered(a_checkin("phq9:1", "phq9:2"), ("phq9:1", 2), ("phq9:2", 1), known=known).open_question is None
    assert answered(a_checkin("phq9:1", "phq9:2"), ("phq9:1", 2), ("phq9:2", 2), known=known).open_question == "phq9:3"


def test_given_a_phq9_within_14_days_when_phq2_is_positive_then_it_is_not_asked_again() -> None:
    recent = Known(TODAY, filled_on={"phq9": TODAY - timedelta(days=13)})
    older = Known(TODAY, filled_on={"phq9": TODAY - timedelta(days=14)})
    assert answered(a_checkin("phq9:1", "phq9:2"), ("phq9:1", 3), ("phq9:2", 3), known=recent).open_question is None
    assert answered(a_checkin("phq9:1", "phq9:2"), ("phq9:1", 3), ("phq9:2", 3), known=older).open_question == "phq9:3"


def test_given_some_side_effects_when_recorded_then_which_how_bad_and_whether_they_last_follow() -> None:
    checkin = answered(a_checkin("mood", "side_effects"), ("mood", 6), ("side_effects", 1))
    assert checkin.questions[-3:] == ("which_effects", "how_bad", "still_there")


def test_given_effects_named_and_called_mild_when_recorded_then_only_whether_they_last_is_asked() -> None:
    answer = Answer("side_effects", 1, NOON, effects=("nausea",), severity="mild")
    checkin = survey.record(a_checkin("side_effects"), answer, FLOW, UNKNOWN)
    assert checkin.questions == ("side_effects", "still_there")


def test_given_everything_said_at_once_when_recorded_then_nothing_more_is_asked() -> None:
    answer = Answer("side_effects", 1, NOON, effects=("nausea",), severity="mild", still_there=False)
    assert survey.record(a_checkin("side_effects"), answer, FLOW, UNKNOWN).open_question is None


def test_given_a_correction_when_recorded_then_the_old_value_and_the_first_time_are_kept() -> None:
    checkin = answered(a_checkin("mood", "side_effects"), ("mood", 3))
    corrected = survey.record(checkin, Answer("mood", 8, NOON + timedelta(minutes=5)), FLOW, UNKNOWN)
    (answer,) = corrected.answers
    assert (answer.value, answer.before, answer.at) == (8, (3,), NOON)
    assert corrected.open_question == "side_effects"


def test_given_a_correction_below_the_line_when_recorded_then_only_unanswered_questions_of_the_branch_go() -> None:
    opened = answered(a_checkin("phq9:1", "phq9:2", "pain"), ("phq9:1", 3), ("phq9:2", 3), ("phq9:3", 1))
    corrected = survey.record(opened, Answer("phq9:1", 0, NOON), FLOW, UNKNOWN)
    corrected = survey.record(corrected, Answer("phq9:2", 1, NOON), FLOW, UNKNOWN)
    assert corrected.questions == ("phq9:1", "phq9:2", "phq9:3", "pain")


def test_given_a_survey_that_asks_phq9_anyway_when_its_first_items_are_low_then_the_others_stay() -> None:
    checkin = answered(a_checkin("phq9:1", "phq9:2", *REST), ("phq9:1", 3), ("phq9:2", 3))
    assert answered(checkin, ("phq9:1", 0), ("phq9:2", 0)).questions == ("phq9:1", "phq9:2", *REST)


def test_given_an_answer_out_of_order_when_recorded_then_the_first_unanswered_question_is_open() -> None:
    checkin = answered(a_checkin("mood", "pain", "functioning"), ("pain", 3))
    assert checkin.open_question == "mood"
    assert answered(checkin, ("mood", 5)).open_question == "functioning"


@given(
    st.lists(
        st.tuples(st.sampled_from(("mood", "phq9:1", "phq9:2", "side_effects", *REST)), st.integers(0, 3)), max_size=25
    )
)
def test_given_any_answers_and_corrections_when_recorded_then_each_question_stands_once_and_no_answer_is_lost(
    given_answers: list[tuple[str, int]],
) -> None:
    checkin = a_checkin("mood", "phq9:1", "phq9:2", "side_effects")
    last: dict[str, int] = {}
    for question, value in given_answers:
        if question not in checkin.questions:
            continue
        checkin = survey.record(checkin, Answer(question, value, NOON), FLOW, UNKNOWN)
        last[question] = value
        assert len(set(checkin.questions)) == len(checkin.questions)
        assert survey.values(checkin) == last
        assert set(last) <= set(checkin.questions)


@given(st.permutations([("phq9:1", 2), ("phq9:2", 2), ("mood", 5)]))
def test_given_answers_in_any_order_when_recorded_then_the_same_questions_stand(
    order: list[tuple[str, int]],
) -> None:
    checkin = a_checkin("mood", "phq9:1", "phq9:2", "pain")
    assert answered(checkin, *order).questions == ("mood", "phq9:1", "phq9:2", *REST, "pain")


def test_given_answers_when_their_time_is_asked_then_it_is_that_of_the_last_of_them() -> None:
    checkin = answered(a_checkin("mood", "pain"), ("mood", 5), ("pain", 2))
    assert survey.given_at(checkin, ("mood", "pain")) == NOON + timedelta(minutes=1)
    assert survey.given_at(checkin, ("mood",)) == NOON
    last = survey.last_answer(checkin)
    assert last is not None
    assert last.question == "pain"
    assert survey.last_answer(replace(checkin, answers=())) is None
