import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.instruments import Instrument, Total, UnknownInstrument, band, missing_of, total

INSTRUMENTS = content.load().instruments
QUESTIONS = content.load().questions
PHQ9 = INSTRUMENTS.instrument("phq9")
NINE = PHQ9.items


def answered(instrument: Instrument, *values: int | None) -> dict[str, int]:
    pairs = zip(instrument.items, values, strict=True)
    return {item: value for item, value in pairs if value is not None}


@pytest.mark.parametrize(
    ("code", "values", "expected"),
    [
        ("phq2", (0, 0), Total(0, False, 0)),
        ("phq2", (3, 3), Total(6, False, 0)),
        ("phq2", (2, None), None),
        ("phq9", (0, 0, 0, 0, 0, 0, 0, 0, 0), Total(0, False, 0)),
        ("phq9", (3, 3, 3, 3, 3, 3, 3, 3, 3), Total(27, False, 0)),
        ("phq9", (2, 3, 1, 2, 1, 2, 1, 0, 1), Total(13, False, 0)),
        # 12 from eight items: mean 1.5, so the ninth stands at 1.5 and 13.5 is rounded up.
        ("phq9", (2, 3, 1, 2, None, 2, 1, 0, 1), Total(14, True, 1)),
        # 8 from seven items: 8 * 9 / 7 = 10.29.
        ("phq9", (None, 3, 1, None, 0, 2, 1, 0, 1), Total(10, True, 2)),
        ("phq9", (None, None, None, 2, 1, 2, 1, 0, 1), None),
        ("phq9", (2, 3, 1, 2, 1, 2, 1, 0, None), None),
        ("phq9", (None, 3, 1, 2, 1, 2, 1, 0, None), None),
        ("phq9", (None,) * 9, None),
        ("gad2", (1, 2), Total(3, False, 0)),
        ("gad2", (None, 3), None),
        ("gad7", (1, 2, 3, 0, 1, 2, 3), Total(12, False, 0)),
        # 9 from six items: 10.5, rounded up.
        ("gad7", (1, 2, 3, 0, 1, 2, None), Total(11, True, 1)),
        # 7 from five items: 9.8.
        ("gad7", (1, 2, 3, 0, 1, None, None), Total(10, True, 2)),
        ("gad7", (1, 2, 3, 0, None, None, None), None),
        ("pcptsd5", (1, 0, 1, 1, 1), Total(4, False, 0)),
        ("pcptsd5", (1, 0, 1, 1, None), None),
        ("mood", (7,), Total(7, False, 0)),
        ("pain", (None,), None),
    ],
)
def test_given_answers_when_totalled_then_it_is_what_the_manual_says(
    code: str, values: tuple[int | None, ...], expected: Total | None
) -> None:
    instrument = INSTRUMENTS.instrument(code)
    assert total(instrument, answered(instrument, *values)) == expected
    assert INSTRUMENTS.total(code, answered(instrument, *values)) == expected


def test_given_a_phq9_without_item_9_when_totalled_then_there_is_none_and_the_item_is_named() -> None:
    answers = dict.fromkeys(NINE[:8], 0)
    assert total(PHQ9, answers) is None
    assert missing_of(PHQ9, answers) == ("phq9:9",)


def test_given_the_difficulty_item_when_totalled_then_it_does_not_count() -> None:
    assert total(PHQ9, {**dict.fromkeys(NINE, 1), "phq9:10": 3, "mood": 10}) == Total(9, False, 0)


def test_given_an_answer_out_of_range_when_totalled_then_it_is_an_error_and_no_value_is_told() -> None:
    with pytest.raises(ValueError, match=r"^PHQ-2: an answer is out of range$"):
        INSTRUMENTS.total("phq2", {"phq9:1": 7, "phq9:2": 0})


def test_given_an_unknown_instrument_when_asked_for_then_the_error_names_it() -> None:
    with pytest.raises(UnknownInstrument, match=r"^instrument phq8: there is no such instrument$"):
        INSTRUMENTS.total("phq8", {})


def scored() -> st.SearchStrategy[tuple[Instrument, dict[str, int]]]:
    def of(instrument: Instrument) -> st.SearchStrategy[tuple[Instrument, dict[str, int]]]:
        ranges = {item: st.integers(QUESTIONS.asked(item).low, QUESTIONS.asked(item).high) for item in instrument.items}
        return st.tuples(st.just(instrument), st.fixed_dictionaries({}, optional=ranges))

    return st.sampled_from(INSTRUMENTS.all).flatmap(of)


@given(scored())
def test_given_any_answers_when_totalled_then_it_is_in_range_and_what_the_missing_ones_could_make_it(
    drawn: tuple[Instrument, dict[str, int]],
) -> None:
    instrument, answers = drawn
    found = total(instrument, answers)
    missing = missing_of(instrument, answers)
    if found is None:
        assert missing
        return
    said = sum(answers.values())
    least = said + sum(QUESTIONS.asked(item).low for item in missing)
    most = said + sum(QUESTIONS.asked(item).high for item in missing)
    assert instrument.low <= least <= found.value <= most <= instrument.high
    assert (found.prorated, found.missing) == (bool(missing), len(missing))


@given(scored(), st.data())
def test_given_a_higher_answer_when_totalled_then_the_total_is_no_lower(
    drawn: tuple[Instrument, dict[str, int]], data: st.DataObject
) -> None:
    instrument, answers = drawn
    if not answers:
        return
    item = data.draw(st.sampled_from(sorted(answers)))
    raised = {**answers, item: data.draw(st.integers(answers[item], QUESTIONS.asked(item).high))}
    before, after = total(instrument, answers), total(instrument, raised)
    assert (before is None) == (after is None)
    assert before is None or after is None or before.value <= after.value


@given(scored())
def test_given_a_total_when_banded_then_every_value_has_one_band_or_the_instrument_has_none(
    drawn: tuple[Instrument, dict[str, int]],
) -> None:
    instrument, _ = drawn
    for value in range(instrument.low, instrument.high + 1):
        found = band(instrument, value)
        assert (found is not None) == bool(instrument.bands)


@pytest.mark.parametrize(
    ("code", "value", "name"),
    [
        ("phq9", 4, "minimal"),
        ("phq9", 5, "mild"),
        ("phq9", 10, "moderate"),
        ("phq9", 15, "moderately severe"),
        ("phq9", 20, "severe"),
        ("gad7", 15, "severe"),
        ("phq2", 3, "positive"),
        ("pcptsd5", 3, "below the cut"),
        ("pcptsd5", 4, "positive"),
        ("pain", 7, "severe"),
    ],
)
def test_given_a_published_cut_when_banded_then_it_is_the_first_of_its_band(code: str, value: int, name: str) -> None:
    found = band(INSTRUMENTS.instrument(code), value)
    assert found is not None
    assert found.name == name


def test_given_the_questionnaires_when_coded_then_items_totals_and_answers_have_their_loinc_codes() -> None:
    assert [QUESTIONS.asked(item).loinc for item in NINE] == [
        "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8",
    ]  # fmt: skip
    assert [QUESTIONS.asked(item).loinc for item in INSTRUMENTS.instrument("gad7").items] == [
        "69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7",
    ]  # fmt: skip
    for item in (*NINE, *INSTRUMENTS.instrument("gad7").items):
        assert list(QUESTIONS.asked(item).answers.values()) == ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
    totals = {instrument.code: instrument.loinc for instrument in INSTRUMENTS.all if instrument.loinc}
    assert totals == {"phq2": "55758-7", "phq9": "44261-6", "gad7": "70274-6", "pain": "72514-3"}
