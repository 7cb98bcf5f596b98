import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.domain.segments import BASIC, EXTENSION, Segments, count, outside_gsm7

GSM7 = "".join(sorted(BASIC | EXTENSION))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 1)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("a" * 158 + "€", Segments("GSM-7", 160, 1)),
        ("a" * 159 + "€", Segments("GSM-7", 161, 2)),
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 306, 3)),
        ("a" * 151 + "€" + "a" * 153, Segments("GSM-7", 306, 2)),
        ("[]{}~^|\\€\f", Segments("GSM-7", 20, 1)),
        ("¿Qué? ñ Ç é ü ¡\n", Segments("GSM-7", 16, 1)),
        ("á", Segments("UCS-2", 1, 1)),
        ("ç", Segments("UCS-2", 1, 1)),
        ("\t", Segments("UCS-2", 1, 1)),
        ("`", Segments("UCS-2", 1, 1)),
        ("\u00a0", Segments("UCS-2", 1, 1)),
        ("“", Segments("UCS-2", 1, 1)),
        ("í" * 70, Segments("UCS-2", 70, 1)),
        ("í" * 71, Segments("UCS-2", 71, 2)),
        ("í" * 134, Segments("UCS-2", 134, 2)),
        ("í" * 135, Segments("UCS-2", 135, 3)),
        ("😀", Segments("UCS-2", 2, 1)),
        ("😀" * 35, Segments("UCS-2", 70, 1)),
        ("a" * 66 + "😀" + "a" * 66, Segments("UCS-2", 134, 3)),
        ("a" * 65 + "😀" + "a" * 67, Segments("UCS-2", 134, 2)),
        ("😀" * 67, Segments("UCS-2", 134, 3)),
        ("á€", Segments("UCS-2", 2, 1)),
    ],
)
def test_given_a_text_when_counted_then_units_and_segments_follow_the_gsm_standard(
    text: str, expected: Segments
) -> None:
    assert count(text) == expected


def test_given_the_default_alphabet_when_listed_then_it_has_127_characters_and_the_escape_is_not_one() -> None:
    assert len(BASIC) == 127
    assert "\x1b" not in BASIC | EXTENSION
    assert not BASIC & EXTENSION


def test_given_odd_characters_when_asked_which_then_each_is_named_once_in_order() -> None:
    assert outside_gsm7("así — «así»  ó") == ("í", "—", "«", "»", "ó")
    assert outside_gsm7("¿Qué tal, señor? 7 €") == ()


@given(st.text(alphabet=GSM7, max_size=700))
def test_given_only_gsm7_characters_when_counted_then_a_part_loses_at_most_one_unit(text: str) -> None:
    size = count(text)
    assert size.encoding == "GSM-7"
    assert size.units == len(text) + sum(char in EXTENSION for char in text)
    if size.units <= 160:
        assert size.segments == 1
    else:
        assert -(-size.units // 153) <= size.segments <= -(-size.units // 152)


@given(st.text(max_size=700))
def test_given_any_text_when_counted_then_ucs2_units_are_utf16_code_units(text: str) -> None:
    size = count(text)
    if outside_gsm7(text):
        assert size.encoding == "UCS-2"
        assert size.units == len(text.encode("utf-16-be", "surrogatepass")) // 2
        assert size.segments == 1 if size.units <= 70 else -(-size.units // 67) <= size.segments <= -(-size.units // 66)


@given(st.text(max_size=300), st.characters())
def test_given_one_more_character_when_counted_then_a_text_never_gets_cheaper(text: str, char: str) -> None:
    assert count(text + char).segments >= count(text).segments
