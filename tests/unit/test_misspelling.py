import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.misspelling import Misspellings
from followup.domain.safety import screen

WORDS = Misspellings(("suicide", "overdose", "kill", "pills", "hopeless"), ("homeless", "pulls"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("suicide", "suicide"),
        ("suicde", "suicide"),
        ("suiicide", "suicide"),
        ("suixide", "suicide"),
        ("sucide", "suicide"),
        ("usicide", "suicide"),
        ("overdsoe", "overdose"),
        ("klil", "kill"),
    ],
)
def test_given_one_slip_when_looked_up_then_the_word_is_known(written: str, meant: str) -> None:
    assert WORDS.meant(written) == meant


@pytest.mark.parametrize("written", ["kiln", "ill", "kills", "hills", "pulls", "homeless", "side", "", "overdooose"])
def test_given_another_word_when_looked_up_then_it_stays_itself(written: str) -> None:
    assert WORDS.meant(written) is None


@given(st.text(max_size=40))
def test_given_any_word_when_looked_up_then_only_listed_words_come_back(written: str) -> None:
    assert WORDS.meant(written) in {None, "suicide", "overdose", "kill", "pills", "hopeless"}


@pytest.mark.parametrize(
    "text", ["i wnat to dei", "thinking about sucide", "i took all my pils", "kiero morirme", "pensando en suicidarne"]
)
def test_given_a_misspelt_danger_when_screened_then_it_is_seen(text: str) -> None:
    danger = screen(text, content.load().danger)
    assert danger is not None
    assert danger.tier is not None
    assert danger.tier >= 2
