import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.consent import keyword, wishes_to_stop

WORDS = content.load().keywords

WISHES = (
    "please stop texting me",
    "don't message me again",
    "take me off this list",
    "wrong number",
    "Stop texting me!!",
    "dont text me anymore",
    "no more texts please",
    "you have the wrong number",
    "I don't want these texts",
    "i do not want to receive these messages anymore",
    "unsubscribe me from this",
    "please remove me from your list",
    "quit texting me",
    "stop please",
    "Please stop",
    "stop sending me messages",
    "deje de escribirme",
    "no me escriban más",
    "número equivocado",
    "ya no quiero recibir mensajes",
    "no me mande más mensajes",
    "quiero darme de baja",
    "no quiero más mensajes",
    "dejen de mandarme mensajes",
    "STOP sending these texts",
    "Who is this? Wrong number",
    "I'd like to opt out",
    "stop the messages",
    "lose my number",
    "se equivocó de número",
    "quítenme de la lista",
    "por favor no me manden mensajes",
    "stop messaging this number",
    "please stop, wrong person",
    "I no longer want to receive texts",
)

NO_WISHES = (
    "I want it to stop",
    "I want to end it",
    "the shaking won't stop",
    "make it stop",
    "please make it stop",
    "I want the voices to stop",
    "don't stop texting me",
    "why did you stop texting me",
    "I want to stop feeling like this",
    "can't stop crying",
    "stop the pain",
    "I stopped taking my meds",
    "7",
    "none",
    "quiero que pare",
    "no puedo más",
    "he won't stop texting me",
    "I want the pain to end",
    "quiero que termine",
    "don't text me before 9",
    "my ex keeps texting me",
    "please don't stop the texts",
    "no quiero vivir",
    "I can't stop texting him",
    "help me stop",
    "I need this to stop",
    "leave me alone they keep saying",
    "I don't want to wake up",
    "yes",
    "sí",
    "I want to quit my job",
    "end it all",
    "cancel my appointment",
    "can I cancel my visit",
    "no quiero más dolor",
    "I am not going to stop",
    "stop the bleeding",
    "bleeding won't stop",
    "they won't stop following me",
    "I got your text",
)


@pytest.mark.parametrize("word", [*WORDS.stop, *(word.upper() for word in WORDS.stop), "NO MÁS", "Opt-out"])
def test_given_a_stop_word_as_the_whole_text_when_read_then_it_stops(word: str) -> None:
    for text in (word, f"  {word}. ", f"“{word}”", f"{word}!! 🛑", f"¡{word}!", f"{word}\n"):
        assert keyword(text, None, WORDS) == "stop"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S T O P", "stop"),
        ("Ｓｔｏｐ", "stop"),
        ("st\u200bop", "stop"),
        ("start", "start"),
        ("UNSTOP", "start"),
        ("help", "help"),
        ("¡Ayuda!", "help"),
        ("info?", "help"),
        ("STOP PLEASE", None),
        ("help me", None),
        ("end it", None),
        ("7", None),
        ("", None),
        ("🛑", None),
    ],
)
def test_given_a_text_when_read_then_only_exact_words_are_keywords(text: str, expected: str | None) -> None:
    assert keyword(text, None, WORDS) == expected


@pytest.mark.parametrize("text", ["yes", "YES", "Y", "si", "Sí", "sí!", "ok", "empezar"])
def test_given_a_yes_when_read_then_it_never_opts_in(text: str) -> None:
    assert keyword(text, None, WORDS) is None


@pytest.mark.parametrize(
    ("text", "judged", "expected"),
    [
        ("hola", "STOP", "stop"),
        ("stop", "START", "start"),
        ("7", "HELP", "help"),
        ("stop", "", "stop"),
        ("stop", "X", "stop"),
    ],
)
def test_given_the_carriers_judgement_when_read_then_it_wins(text: str, judged: str, expected: str) -> None:
    assert keyword(text, judged, WORDS) == expected


@pytest.mark.parametrize("text", WISHES)
def test_given_a_clear_wish_for_no_more_texts_when_read_then_it_is_one(text: str) -> None:
    assert wishes_to_stop(text, WORDS)


@pytest.mark.parametrize("text", NO_WISHES)
def test_given_distress_or_another_stop_when_read_then_it_is_no_opt_out(text: str) -> None:
    assert not wishes_to_stop(text, WORDS)
    assert keyword(text, None, WORDS) is None


def test_given_a_reaction_to_our_text_when_read_then_what_it_quotes_is_no_wish() -> None:
    assert not wishes_to_stop('Liked "HELP for help. To stop texting me reply STOP"', WORDS)


@given(st.text(max_size=400))
def test_given_any_text_when_read_then_nothing_raises(text: str) -> None:
    assert keyword(text, None, WORDS) in {None, "stop", "start", "help"}
    assert wishes_to_stop(text, WORDS) in {True, False}
