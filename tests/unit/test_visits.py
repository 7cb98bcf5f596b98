from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from followup.domain.clinic import VisitLengths
from followup.domain.records import ClinicId, PatientId, Plan
from followup.domain.visits import Changes, Visit, compare, merge, without

START = datetime(2026, 3, 5, 15, tzinfo=UTC)
EMPTY = Plan(patient_id=PatientId("p1"), clinic_id=ClinicId("c"))
LENGTHS = VisitLengths(60, (("nasal", 120),))


def visit(number: int = 1, **changes: Any) -> Visit:
    given_: dict[str, Any] = {
        "session_id": f"V{number}",
        "start": START + timedelta(days=number),
        "end": None,
        "status": "scheduled",
        "series": "induction",
        "route": "iv",
    }
    return Visit(**(given_ | changes))


def planned(*visits: Visit, plan: Plan = EMPTY) -> Plan:
    return merge(plan, visits, LENGTHS)


def test_given_visits_in_any_order_then_the_plan_has_them_by_start() -> None:
    plan = planned(visit(3), visit(1), visit(2))
    assert [session.session_id for session in plan.sessions] == ["V1", "V2", "V3"]


def test_given_no_end_then_a_new_visit_has_the_usual_length_of_its_route() -> None:
    plan = planned(visit(1), visit(2, route="nasal"))
    assert [session.end - session.start for session in plan.sessions] == [timedelta(hours=1), timedelta(hours=2)]


def test_given_no_end_any_more_then_a_known_visit_keeps_its_length_when_it_moves() -> None:
    plan = planned(visit(end=START + timedelta(days=1, minutes=45)))
    moved = planned(visit(start=START + timedelta(days=4)), plan=plan)
    assert moved.sessions[0].end - moved.sessions[0].start == timedelta(minutes=45)


def test_given_a_visit_marked_missed_or_cancelled_then_it_stays_with_that_status() -> None:
    plan = planned(visit(1), visit(2))
    marked = planned(visit(1, status="no_show"), visit(2, status="cancelled"), plan=plan)
    assert [session.status for session in marked.sessions] == ["no_show", "cancelled"]


def test_given_a_visit_entered_in_error_then_it_goes_and_an_unknown_one_changes_nothing() -> None:
    plan = planned(visit(1), visit(2))
    assert [s.session_id for s in planned(visit(1, status="entered_in_error"), plan=plan).sessions] == ["V2"]
    assert planned(visit(9, status="entered_in_error"), plan=plan) is plan


def test_given_a_list_that_lacks_a_visit_then_it_stays() -> None:
    plan = planned(visit(1), visit(2))
    assert len(planned(visit(2), plan=plan).sessions) == 2


def test_given_a_visit_of_somebody_else_then_it_can_be_taken_out() -> None:
    plan = planned(visit(1), visit(2))
    assert [session.session_id for session in without(plan, {"V1"}).sessions] == ["V2"]
    assert without(plan, {"V9"}) is plan


def test_given_a_merge_then_it_can_be_said_what_it_did() -> None:
    before = planned(visit(1), visit(2), visit(3))
    changes = [visit(1), visit(2, status="completed"), visit(3, status="entered_in_error"), visit(4)]
    assert compare(before, changes, planned(*changes, plan=before)) == Changes(1, 1, 1, 1)


VISITS = st.lists(
    st.builds(
        visit,
        st.integers(1, 4),
        start=st.integers(0, 200).map(lambda hours: START + timedelta(hours=hours)),
        status=st.sampled_from(["scheduled", "completed", "cancelled", "no_show", "entered_in_error"]),
        route=st.sampled_from(["iv", "nasal"]),
    ),
    unique_by=lambda each: each.session_id,
    max_size=4,
)


@given(first=VISITS, second=VISITS)
def test_whatever_was_planned_a_list_merged_again_changes_nothing(first: list[Visit], second: list[Visit]) -> None:
    plan = planned(*second, plan=planned(*first))
    assert planned(*second, plan=plan) is plan
    assert planned(*reversed(second), plan=plan) is plan
    assert list(plan.sessions) == sorted(plan.sessions, key=lambda session: (session.start, session.session_id))


@given(first=VISITS)
def test_whatever_is_merged_nothing_but_the_sessions_changes(first: list[Visit]) -> None:
    plan = replace(EMPTY, series_ended_on=START)
    assert replace(planned(*first, plan=plan), sessions=()) == plan
