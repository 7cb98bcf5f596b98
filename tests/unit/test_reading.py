from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.reading import Question, read

WORDS = content.load().reading

MOODS = (
    ("7", 7),
    ("0", 0),
    ("10", 10),
    (" 7 ", 7),
    ("10!!", 10),
    ("７", 7),
    ("7️⃣", 7),
    ("1️⃣0️⃣", 10),
    ("🔟", 10),
    ("seven", 7),
    ("Siete", 7),
    ("7/10", 7),
    ("7 / 10", 7),
    ("7 out of 10", 7),
    ("siete de diez", 7),
    ("7 de 10", 7),
    ("about 7", 7),
    ("About a 7", 7),
    ("a solid 6", 6),
    ("😀 8 😀", 8),
    ("8.", 8),
    ("(5)", 5),
    ("“6”", 6),
    ("my mood is 7 today", 7),
    ("I'd say a 6", 6),
    ("como un 7", 7),
    ("me siento en un 8, gracias", 8),
    ("7ish", 7),
    ("10/10", 10),
    ("0/10", 0),
    ("7, slept well", 7),
    ("7 but tired", 7),
    ("7. Slept better last night", 7),
    ("7 I feel ok", 7),
    ("un 7", 7),
    ("mas o menos 5", 5),
    ("más o menos un 5", 5),
    ("7 7", 7),
    ("٧", 7),
    ("7\u200b", 7),
    ("\u202e7\u202c", 7),
    ("good day, 8", 8),
    ("zero", 0),
    ("cero", 0),
    ("6 maybe", 6),
    ("On a scale of 0 to 10, 7", 7),
    ("en una escala de 0 a 10, un 4", 4),
    ("7\nthanks", 7),
    ("2 today, bad headache", 2),
    ("3 😢", 3),
    ("nueve", 9),
    ("SEVEN!", 7),
    ("7 out of ten", 7),
    ("uno", 1),
)

NO_MOODS = (
    "seven/10",
    "11",
    "-3",
    "7.5",
    "7,5",
    "7½",
    "lO",
    "1O",
    "back at 7",
    "took 2 pills",
    "7pm",
    "7:30",
    "555-123-4567",
    "7/11",
    "10/10/2025",
    "6 or 7",
    "6-7",
    "6 7",
    "7 no wait 5",
    "not 7",
    "good",
    "",
    "👍",
    "2 pills",
    "4 days ago",
    "100",
    "70%",
    "1,000",
    "my pain is 7",
    "pain 7/10",
    "once",
    "eleven",
    "twenty five",
    "seven and a half",
    "siete y medio",
    "less than 5",
    "between 6 and 7",
    "1. tired 2. sad",
    "1. tired",
    "5551234567",
    "$7",
    "7²",
    "1\n0",
    "two kids",
    "I slept 7 hours",
    "7 hours",
    "7?",
    "7th",
    "at 7",
    'Liked "How is your mood today, 0 to 10?"',
    'Le gustó "7"',
    "I'm driving right now, 7",
    "12/10",
    "7+",
    "3 times",
    "one of the worst",
    "b4",
    "7mg",
    "999999999999999999999999",
    "5 5 5 5",
)

CHOICES = (
    ("0", 0),
    ("1", 1),
    ("none", 0),
    ("None.", 0),
    ("no", 0),
    ("No!", 0),
    ("nope all good", 0),
    ("ninguno", 0),
    ("Ningún", 0),
    ("nada", 0),
    ("todo bien", 0),
    ("no side effects", 0),
    ("sin efectos secundarios", 0),
    ("no tengo ninguno", 0),
    ("N/A", 0),
    ("I'm fine thanks", 0),
    ("no, all good, thank you", 0),
    ("0 none", 0),
    ("zero", 0),
    ("cero", 0),
    ("uno", 1),
    ("yes", 1),
    ("sí", 1),
    ("some", 1),
    ("a few", 1),
    ("un poco", 1),
    ("algunos", 1),
    ("Yes, some", 1),
    ("1 yes", 1),
    ("1: nauseous", 1),
    ("1 a bit of a headache", 1),
)

NO_CHOICES = (
    "0 yes",
    "2",
    "0 or 1",
    "maybe",
    "idk",
    "no sé",
    "no idea",
    "no thanks",
    "not sure",
    "hello",
    "7",
    "purple",
    "no headache",
    "nausea?",
    "my sister has a headache",
    "nausea is gone",
    "0 but dizzy",
    "i went to the beach",
    "👍",
    "1.5",
    "not yet",
)

EFFECTS = (
    ("un poco de náusea", ("nausea",)),
    ("dizzy and nauseous", ("nausea", "dizziness")),
    ("no, just a headache", ("headache",)),
    ("no nausea but a headache", ("headache",)),
    ("no nausea or vomiting, some dizziness", ("dizziness",)),
    ("threw up twice", ("vomiting",)),
    ("me duele la cabeza", ("headache",)),
    ("mareada y con sueño", ("dizziness", "sleepiness")),
    ("a little tired", ("sleepiness",)),
    ("sin náusea pero con dolor de cabeza", ("headache",)),
    ("I felt sick to my stomach and my vision was blurry", ("nausea", "blurred_vision")),
    ("panic attack", ("anxiety",)),
    ("peeing a lot", ("urination",)),
    ("disassociated a bit", ("dissociation",)),
)


@pytest.mark.parametrize(("text", "value"), MOODS)
def test_given_a_plain_mood_when_read_then_its_number_is_sure(text: str, value: int) -> None:
    reading = read(text, "mood", WORDS)
    assert (reading.value, reading.confidence) == (value, "sure")


@pytest.mark.parametrize("text", NO_MOODS)
def test_given_a_text_that_could_mean_something_else_when_read_as_mood_then_it_is_asked_again(text: str) -> None:
    reading = read(text, "mood", WORDS)
    assert reading.value is None
    assert reading.confidence != "sure"
    assert reading.reason


@pytest.mark.parametrize(("text", "value"), CHOICES)
def test_given_a_plain_answer_on_side_effects_when_read_then_it_is_sure(text: str, value: int) -> None:
    reading = read(text, "side_effects", WORDS)
    assert (reading.value, reading.confidence) == (value, "sure")


@pytest.mark.parametrize("text", NO_CHOICES)
def test_given_an_unclear_answer_on_side_effects_when_read_then_it_is_asked_again(text: str) -> None:
    reading = read(text, "side_effects", WORDS)
    assert reading.value is None
    assert reading.confidence != "sure"


@pytest.mark.parametrize("question", ["side_effects", "which_effects"])
@pytest.mark.parametrize(("text", "codes"), EFFECTS)
def test_given_named_effects_when_read_then_there_are_some_and_these(
    text: str, codes: tuple[str, ...], question: Question
) -> None:
    reading = read(text, question, WORDS)
    assert (reading.value, reading.confidence, reading.side_effects) == (1, "sure", codes)


@pytest.mark.parametrize("effect", WORDS.effects, ids=lambda effect: effect.code)
def test_given_a_phrase_of_an_effect_when_read_then_it_has_that_code(effect: object) -> None:
    for listed in WORDS.effects:
        if listed is effect:
            for phrase in listed.phrases:
                assert listed.code in read(phrase.replace("*", ""), "which_effects", WORDS).side_effects, phrase


def test_given_other_words_when_asked_which_effects_then_they_are_free_text_and_no_error() -> None:
    reading = read("my left ear feels odd", "which_effects", WORDS)
    assert (reading.value, reading.confidence, reading.reason) == (None, "none", "free text")
    assert reading.more_said
    assert read("none", "which_effects", WORDS).value == 0


@pytest.mark.parametrize(
    ("text", "severity", "more_said"),
    [
        ("a little nausea", "mild", False),
        ("un poco de mareo", "mild", False),
        ("very dizzy", "strong", False),
        ("me duele mucho la cabeza", "strong", True),
        ("panic attack", "strong", False),
        ("nausea", None, False),
        ("nausea since my cousin visited", None, True),
    ],
)
def test_given_an_effect_when_read_then_how_bad_it_is_and_whether_more_was_said_are_known(
    text: str, severity: str | None, more_said: bool
) -> None:
    reading = read(text, "side_effects", WORDS)
    assert (reading.severity, reading.more_said) == (severity, more_said)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('Liked "How is your mood, 0 to 10?"', "reaction"),
        ("Loved “7”", "reaction"),
        ("Le gustó “¿Cómo está su ánimo?”", "reaction"),
        ("👍 to “How is your mood”", "reaction"),
        ("\u200b👍\u200b a “Gracias”", "reaction"),
        ("Reacted 😂 to “7/10”", "reaction"),
        ("Removed a heart from “7”", "reaction"),
        ("I'm driving with Focus turned on. I'll see your message later.", "automatic reply"),
        ("(I'm not receiving notifications. If this is urgent, reply “urgent”.)", "automatic reply"),
        ("Auto-Reply: 7 days away", "automatic reply"),
        ("Respuesta automática: 7", "automatic reply"),
        ("", "empty"),
        (" \n ", "empty"),
        ("\u200b", "empty"),
    ],
)
def test_given_a_text_that_a_phone_wrote_when_read_then_it_is_no_answer_for_its_own_reason(
    text: str, reason: str
) -> None:
    for question in get_args(Question):
        reading = read(text, question, WORDS)
        assert (reading.value, reading.confidence, reading.reason) == (None, "none", reason)


@given(st.text(max_size=300), st.sampled_from(get_args(Question)))
def test_given_any_text_when_read_then_a_value_is_sure_and_within_its_range(text: str, question: Question) -> None:
    reading = read(text, question, WORDS)
    assert (reading.value is not None) == (reading.confidence == "sure")
    if reading.value is not None:
        assert 0 <= reading.value <= (10 if question == "mood" else 1)


@given(st.integers(min_value=-1_000_000, max_value=1_000_000))
def test_given_any_whole_number_when_read_as_mood_then_it_is_itself_or_asked_never_clipped(number: int) -> None:
    assert read(str(number), "mood", WORDS).value == (number if 0 <= number <= 10 else None)


@given(
    st.integers(0, 10),
    st.sampled_from(
        [
            "{}",
            " {} ",
            "{}!",
            "{}...",
            "about {}",
            "{}/10",
            "un {}",
            "😀{}😀",
            "{} gracias",
            "\u200f{}",
            "*{}*",
            "{} out of 10",
        ]
    ),
)
def test_given_a_usual_way_to_write_a_mood_when_read_then_it_is_that_number(number: int, way: str) -> None:
    assert read(way.format(number), "mood", WORDS).value == number


@given(st.integers(0, 10), st.integers(0, 10), st.sampled_from([" ", ", ", "\n", " or ", "-", " y ", "... "]))
def test_given_two_numbers_when_read_as_mood_then_different_ones_are_asked_again(
    one: int, two: int, between: str
) -> None:
    reading = read(f"{one}{between}{two}", "mood", WORDS)
    assert reading.value in ({None} if one != two else {None, one})


@given(
    st.integers(0, 20),
    st.sampled_from(
        ["took {} pills", "back at {}", "{} hours", "I slept {}", "{}pm", "{}:30", "{}.5", "my pain is {}"]
    ),
)
def test_given_a_number_of_something_else_when_read_as_mood_then_it_is_no_answer(number: int, way: str) -> None:
    assert read(way.format(number), "mood", WORDS).value is None
