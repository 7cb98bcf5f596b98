import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.domain.normalisation import fold, tokenise
from followup.domain.phrases import Phrasebook, PhraseError

CLASSES = {"self": ("myself", "my self"), "verb": ("kill", "end")}


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("a b", "a b", True),
        ("a b", "x a b y", True),
        ("a b", "a, b", False),
        ("a b", "a. b", False),
        ("a b", "a\nb", True),
        ("a b", "a... b", True),
        ("a b", "a x b", False),
        ("a|c b", "c b", True),
        ("a b? c", "a c", True),
        ("a b? c", "a b c", True),
        ("a ..2 b", "a b", True),
        ("a ..2 b", "a x y b", True),
        ("a ..2 b", "a x y z b", False),
        ("a ..1 b", "a, b", True),
        ("a ..2 b", "a. x b", False),
        ("@verb @self", "end my self", True),
        ("@verb @self", "end my, self", False),
        ("suicid*", "suicidality", True),
        ("took #10 pills", "took 30 pills", True),
        ("took #10 pills", "took 2 pills", False),
        ("took #10|ten pills", "took ten pills", True),
        ("a being_alive|life", "a being alive", True),
        ("^ stop $", "Stop!", True),
        ("^ stop $", "stop it", False),
        ("^ stop $", "please stop", False),
        ("a b|>", "a b", True),
        ("a b|>", "a", True),
        ("a b|>", "a, x", True),
        ("a b|>", "a x", False),
        ("a|x_y ..1 my_own|b c", "x y my own c", True),
        ("a ..2 b ..2 c", "a x x b x x c", True),
        ("< help me", "hi, help me", True),
        ("< help me", "they help me", False),
        ("help >", "help, please", True),
        ("help >", "help us", False),
    ],
)
def test_given_a_phrase_when_looked_for_then_its_notation_holds(phrase: str, text: str, found: bool) -> None:
    book = Phrasebook([("key", phrase)], CLASSES)
    assert bool(book.find(tokenise(fold(text)))) is found


@pytest.mark.parametrize(
    "phrase", ["", "a? b", "..2 b", "^ $", "a ..x b", "a ..0 b", "@nobody", "#x", "A", "más", "a-b"]
)
def test_given_a_malformed_phrase_when_compiled_then_it_is_refused(phrase: str) -> None:
    with pytest.raises(PhraseError):
        Phrasebook([("key", phrase)], CLASSES)


def test_given_a_phrase_that_fits_twice_at_a_place_when_looked_for_then_the_longest_counts() -> None:
    (match,) = Phrasebook([("key", "a ..3 b")]).find(tokenise("a b x b"))
    assert (match.start, match.end) == (0, 4)


@given(st.lists(st.sampled_from(["a", "b", "c", ",", "."]), max_size=300))
def test_given_any_text_when_looked_through_then_matches_lie_within_it(parts: list[str]) -> None:
    tokens = tokenise(" ".join(parts))
    for match in Phrasebook([("k", "a ..9 b ..9 c ..9 a"), ("k", "a b? c? a?")]).find(tokens):
        assert 0 <= match.start < match.end <= len(tokens.words)
