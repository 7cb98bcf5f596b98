from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.domain.errors import BadInput
from followup.domain.records import Consent
from followup.intake.judging import Intake, Problem
from followup.intake.phones import read_us_phone
from followup.intake.rewrite import AREA_CODES, NUMBERS, fictional_numbers, rewrite_roster
from followup.intake.roster import RosterRow


def a_row(record_number: str) -> RosterRow:
    return RosterRow(
        record_number=record_number,
        name="Inés Xyzzy",
        born=date(1979, 10, 31),
        phone="+13122000121",
        language="es",
        zone="America/Chicago",
        zone_assumed=False,
        condition="pain",
        consent=Consent("form", "1", date(2026, 3, 2)),
    )


def test_given_ten_thousand_patients_then_each_has_a_fictional_number_of_its_own() -> None:
    numbers = fictional_numbers(f"A{n}" for n in range(10_000))
    assert len(set(numbers.values())) == 10_000
    assert all(number[5:10] == "55501" and len(number) == 12 for number in numbers.values())


def test_given_more_patients_than_fictional_numbers_then_it_is_refused() -> None:
    with pytest.raises(BadInput, match="shorter list"):
        fictional_numbers(f"A{n}" for n in range(NUMBERS + 1))


@pytest.mark.parametrize("area", AREA_CODES)
def test_every_fictional_number_counts_as_one_that_can_be_texted(area: int) -> None:
    assert read_us_phone(f"{area}-555-0100") == f"+1{area}5550100"
    assert read_us_phone(f"{area}-555-0199") == f"+1{area}5550199"


@given(st.lists(st.text("ab0123456789", max_size=8)))
def test_the_same_patients_get_the_same_numbers_in_any_order(patients: list[str]) -> None:
    assert fictional_numbers(patients) == fictional_numbers(reversed(patients))


def test_given_a_judged_roster_when_it_is_rewritten_then_names_numbers_and_rejected_rows_are_gone() -> None:
    intake = Intake(good=(a_row("R1"), a_row("R2")), problems=(Problem(4, "Cell", "x", "y"),), rejected=b"Xyzzy")
    rewritten = rewrite_roster(intake)
    assert [row.name for row in rewritten.good] == ["I X", "I X"]
    assert len({row.phone for row in rewritten.good}) == 2
    assert not {row.phone for row in rewritten.good} & {"+13122000121"}
    assert (rewritten.rejected, rewritten.problems) == (b"", intake.problems)
    assert rewrite_roster(rewritten).good[0].phone == rewritten.good[0].phone
