import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.questions import expectation
from followup.domain.reading import Reading
from followup.domain.reading import read as read_as
from followup.domain.safety import level_of_mood
from infra.reading_report import LANGUAGES, Example, examples
from infra.reading_report import read as read_example

LOADED = content.load()
WORDS = LOADED.reading
EXPECTED = {question: expectation(question, LOADED.questions) for question in LOADED.questions.questions}
QUESTIONS = tuple(EXPECTED)
AFTER_A_VISIT = ("mood", "side_effects", "which_effects")


def read(text: str, question: str | None) -> Reading:
    return read_as(text, EXPECTED[question] if question else None, WORDS)


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
    ("seven/10", 7),
    ("7 no wait 5", 5),
    ("1. tired", 1),
    ("5 5 5 5", 5),
    ("was 2 now 7", 7),
    ("7, no wait 6", 6),
    ("sorry meant 3", 3),
    ("Not 7, 4.", 4),
    ("mood 7 pain 3", 7),
    ("pain 3, mood 7", 7),
    ("7. can I drive tomorrow at 2?", 7),
    ("took 2 pills, mood 8", 8),
    ("5's about right", 5),
    ("⑦", 7),
    ("> How is your mood today, 0 to 10?\n7", 7),
)

NO_MOODS = (
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
    "0 but dizzy",
    "i went to the beach",
    "👍",
    "1.5",
    "not yet",
)

EFFECTS = (
    ("un poco de náusea", ("nausea",)),
    ("dizzy and nauseous", ("nausea", "dizziness")),
    ("nausea is gone", ("nausea",)),
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
    reading = read(text, "mood")
    assert (reading.value, reading.confidence) == (value, "sure")


@pytest.mark.parametrize("text", NO_MOODS)
def test_given_a_text_that_could_mean_something_else_when_read_as_mood_then_it_is_asked_again(text: str) -> None:
    reading = read(text, "mood")
    assert reading.value is None
    assert reading.confidence != "sure"
    assert reading.reason


@pytest.mark.parametrize(("text", "value"), CHOICES)
def test_given_a_plain_answer_on_side_effects_when_read_then_it_is_sure(text: str, value: int) -> None:
    reading = read(text, "side_effects")
    assert (reading.value, reading.confidence) == (value, "sure")


@pytest.mark.parametrize("text", NO_CHOICES)
def test_given_an_unclear_answer_on_side_effects_when_read_then_it_is_asked_again(text: str) -> None:
    reading = read(text, "side_effects")
    assert reading.value is None
    assert reading.confidence != "sure"


@pytest.mark.parametrize("question", ["side_effects", "which_effects"])
@pytest.mark.parametrize(("text", "codes"), EFFECTS)
def test_given_named_effects_when_read_then_there_are_some_and_these(
    text: str, codes: tuple[str, ...], question: str
) -> None:
    reading = read(text, question)
    assert (reading.value, reading.confidence, reading.side_effects) == (1, "sure", codes)


def is_plain(phrase: str) -> bool:
    """Words alone, without the notation for several wordings."""
    return phrase.replace(" ", "").isalnum()


@pytest.mark.parametrize("effect", WORDS.effects, ids=lambda effect: effect.code)
def test_given_a_phrase_of_an_effect_when_read_then_it_has_that_code(effect: object) -> None:
    for listed in WORDS.effects:
        if listed is effect:
            for phrase in filter(is_plain, listed.phrases):
                assert listed.code in read(phrase, "which_effects").side_effects, phrase


def test_given_other_words_when_asked_which_effects_then_they_are_free_text_and_no_error() -> None:
    reading = read("my left ear feels odd", "which_effects")
    assert (reading.value, reading.confidence, reading.reason) == (None, "none", "free text")
    assert reading.more_said
    assert read("none", "which_effects").value == 0


@pytest.mark.parametrize(
    ("text", "severity", "more_said"),
    [
        ("a little nausea", "mild", False),
        ("un poco de mareo", "mild", False),
        ("very dizzy", "strong", False),
        ("me duele mucho la cabeza", "strong", False),
        ("panic attack", "strong", False),
        ("nausea", None, False),
        ("nausea since my cousin visited", None, True),
    ],
)
def test_given_an_effect_when_read_then_how_bad_it_is_and_whether_more_was_said_are_known(
    text: str, severity: str | None, more_said: bool
) -> None:
    reading = read(text, "side_effects")
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
    for question in QUESTIONS:
        reading = read(text, question)
        assert (reading.value, reading.confidence, reading.reason) == (None, "none", reason)


@given(st.text(max_size=300), st.sampled_from(QUESTIONS))
def test_given_any_text_when_read_then_a_value_is_sure_and_within_its_range(text: str, question: str) -> None:
    reading = read(text, question)
    assert (reading.value is not None) == (reading.confidence == "sure")
    if reading.value is not None:
        assert EXPECTED[question].low <= reading.value <= EXPECTED[question].high


@given(st.integers(min_value=-1_000_000, max_value=1_000_000))
def test_given_any_whole_number_when_read_as_mood_then_it_is_itself_or_asked_never_clipped(number: int) -> None:
    assert read(str(number), "mood").value == (number if 0 <= number <= 10 else None)


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
    assert read(way.format(number), "mood").value == number


@given(st.integers(0, 10), st.integers(0, 10), st.sampled_from([" ", ", ", "\n", " or ", "-", " y ", "... "]))
def test_given_two_numbers_when_read_as_mood_then_different_ones_are_asked_again(
    one: int, two: int, between: str
) -> None:
    reading = read(f"{one}{between}{two}", "mood")
    assert reading.value in ({None} if one != two else {None, one})


@given(
    st.integers(0, 20),
    st.sampled_from(
        ["took {} pills", "back at {}", "{} hours", "I slept {}", "{}pm", "{}:30", "{}.5", "my pain is {}"]
    ),
)
def test_given_a_number_of_something_else_when_read_as_mood_then_it_is_no_answer(number: int, way: str) -> None:
    assert read(way.format(number), "mood").value is None


@pytest.mark.parametrize("example", [each for language in LANGUAGES for each in examples("written", language)])
def test_given_a_labelled_reply_when_read_then_no_value_is_stored_that_a_careful_reader_would_not_store(
    example: Example,
) -> None:
    assert read_example(example).verdict(example) != "wrong"


@pytest.mark.parametrize(
    ("text", "question", "value"),
    [
        ("not at all", "phq9:1", 0),
        ("Not. At. All.", "phq9:1", 0),
        ("severaldays", "phq9:1", 1),
        ("varios días", "phq9:4", 1),
        ("nunca", "gad7:1", 0),
        ("casi todos los dias", "phq9:3", 3),
        ("1 not at all", "phq9:1", None),
        ("not every day", "phq9:1", None),
        ("4", "phq9:1", None),
        ("3 out of 7 days", "phq9:1", None),
        ("no pain at all", "pain", 0),
        ("10 feeling great no pain at all", "pain", None),
        ("10 worst its ever been", "mood", None),
        ("yes", "health_change", 1),
        ("2", "health_change", 1),
        ("1", "health_change", 0),
        ("no wait yes", "health_change", 1),
        ("yes... actually no", "health_change", 0),
        ("yes and no", "health_change", None),
        ("claro que sí", "health_change", 1),
        ("👍", "health_change", None),
    ],
)
def test_given_a_choice_when_read_then_the_label_or_digit_counts_and_a_contradiction_is_asked_again(
    text: str, question: str, value: int | None
) -> None:
    assert read(text, question).value == value


@pytest.mark.parametrize(
    ("text", "value", "codes"),
    [
        ("no nausea, vomiting or headache", 0, ()),
        ("no nausea but dizzy", 1, ("dizziness",)),
        ("headache no. dizzy no. tingly fingers yes", 1, ("numbness",)),
        ("other than being tired no", 1, ("sleepiness",)),
        ("last time i threw up but this time nothing", 0, ()),
        ("my husband has a headache", None, ()),
        ("what if i get a headache", None, ()),
        ("can't shake this headache", 1, ("headache",)),
        ("nauseas no pero si mareos", 1, ("dizziness",)),
        ("sin nauseas, mareos ni dolor de cabeza", 0, ()),
        ("itchy rash on my arm", 1, ("other",)),
        ("nausious and palpitatons", 1, ("nausea", "palpitations")),
    ],
)
def test_given_effects_affirmed_and_denied_when_read_then_only_what_the_patient_has_is_told(
    text: str, value: int | None, codes: tuple[str, ...]
) -> None:
    reading = read(text, "side_effects")
    assert (reading.value, reading.side_effects) == (value, codes)


def test_given_effects_with_time_when_read_then_how_long_and_whether_still_there_are_known() -> None:
    assert read("dizzy for 3 hours, gone now", "side_effects").hours == 3
    assert read("dizzy for 3 hours, gone now", "side_effects").still_there == "no"
    assert read("still dizzy", "side_effects").still_there == "yes"


def test_given_numbers_of_several_topics_when_read_then_the_others_are_told_apart() -> None:
    assert read("mood 7, pain 3", "mood").others == (("pain", 3),)
    assert read("mood 7, pain 3", None).others == (("mood", 7), ("pain", 3))


def test_given_a_correction_when_read_then_it_says_whether_an_earlier_text_is_meant() -> None:
    assert read("sorry meant 3", "mood").correction
    assert not read("7, no wait 6", "mood").correction
    assert not read("7", "mood").correction


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("can someone call me", ("person",)),
        ("I need another infusion", ("booster",)),
        ("7. can I drive?", ("question",)),
        ("que me llame la enfermera", ("person",)),
        ("7", ()),
        ("7?", ()),
    ],
)
def test_given_a_wish_when_read_then_it_is_told(text: str, wants: tuple[str, ...]) -> None:
    assert read(text, "mood").wants == wants


POLITE = (
    "{}, thank you",
    "{} please",
    "good morning, {}",
    "hi, my mood is {} today",
    "i would say {}, thanks for asking",
    "about a {} i guess",
    "{} gracias",
    "buenos dias, un {}",
    "hola, estoy en un {}, muchas gracias",
    "{} 🙂",
    "probably {}!!",
)


@given(st.integers(0, 10), st.sampled_from(POLITE))
def test_given_a_number_in_polite_words_when_read_then_it_is_the_number_alone(number: int, way: str) -> None:
    assert read(way.format(number), "mood").value == read(str(number), "mood").value == number


@given(st.text(max_size=200), st.sampled_from(QUESTIONS))
def test_given_any_text_when_read_twice_or_with_unseen_marks_then_the_reading_is_the_same(
    text: str, question: str
) -> None:
    once = read(text, question)
    assert read(text, question) == once
    assert read(f"\u200b{text}\u200b", question).value == once.value


PIECES = (
    "7 ",
    "no ",
    "nausea ",
    "not ",
    "sorry ",
    "or ",
    "mood ",
    "pain ",
    "\n",
    "? ",
    ", ",
    "7/10 ",
    "several days ",
    '"',
)


@given(st.lists(st.sampled_from(PIECES), max_size=400).map("".join), st.sampled_from(QUESTIONS))
def test_given_any_heap_of_meaningful_pieces_when_read_then_the_value_is_in_range_or_asked(
    text: str, question: str
) -> None:
    reading = read(text, question)
    assert (reading.value is not None) == (reading.confidence == "sure")
    if reading.value is not None:
        assert EXPECTED[question].low <= reading.value <= EXPECTED[question].high


@given(st.integers(0, 10), st.integers(0, 10), st.lists(st.integers(0, 10), max_size=4))
def test_given_a_better_mood_in_the_same_words_when_read_then_it_is_never_graver(
    one: int, other: int, last: list[int]
) -> None:
    worse, better = sorted((one, other))
    levels = [level_of_mood(read(f"i would say {value}", "mood").value or 0, last) for value in (worse, better)]
    assert not (levels[1] is not None and levels[0] is None)
