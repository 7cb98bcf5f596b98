import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.domain.normalisation import HEAD, TAIL, Break, fold, tokenise


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÁNIMO Ñandú", "animo nandu"),
        ("７／10", "7/10"),
        ("7️⃣", "7"),
        ("🔟", "10"),
        ("٧", "7"),
        ("don’t don´t don`t", "don't don't don't"),
        ("“so”", '"so"'),
        ("s\u200bto\u200dp\ufeff", "stop"),
        ("7½", "7.5"),
        ("7²", "7 ^2"),
        ("a…b", "a...b"),
        ("a\r\nb\tc\u00a0d", "a\nb c d"),
        ("7😀8", "7 8"),
        ("Straße", "strasse"),
    ],
)
def test_given_a_way_to_write_when_folded_then_it_has_one_spelling(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_given_words_and_marks_when_tokenised_then_breaks_are_known() -> None:
    tokens = tokenise("no, i'm fine. well... ok\nself-harm - yes?")
    assert tokens.words == ("no", "im", "fine", "well", "ok", "self", "harm", "yes")
    assert tokens.breaks == (
        Break.NONE,
        Break.COMMA,
        Break.NONE,
        Break.SENTENCE,
        Break.LINE,
        Break.LINE,
        Break.NONE,
        Break.COMMA,
    )
    assert tokens.asks


def test_given_spellings_when_tokenised_then_words_are_standard() -> None:
    spellings = {"i'll": ("i", "will"), "dont": ("do", "not"), "wanna": ("want", "to")}
    known = {"die", "good", "ill"}
    assert tokenise("i'll don't wannaaa", spellings, known).words == ("i", "will", "do", "not", "want", "to")
    assert tokenise("ill diiiie goooood", spellings, known).words == ("ill", "die", "good")
    assert tokenise("a d i e b", spellings, known).words == ("a", "die", "b")


@given(st.text(max_size=3_000))
def test_given_any_text_when_folded_then_it_is_bounded_and_folding_again_changes_no_word(text: str) -> None:
    folded = fold(text)
    assert len(folded) <= 5 * (HEAD + TAIL + 1) or not text.isascii()
    assert len(folded) <= 24_000
    assert len(tokenise(folded).words) == len(tokenise(folded).breaks)


@given(st.text(max_size=200))
def test_given_letter_case_when_folded_then_it_does_not_matter_for_ascii(text: str) -> None:
    plain = text.encode("ascii", "ignore").decode()
    assert fold(plain.upper()) == fold(plain.lower())
