from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.records import Language
from followup.domain.wording import REQUIRED, UnfitText, fill, slots_of

TEXTS = content.load().texts
SLOTS = {
    "sms_name": "Lakeside Wellness",
    "phone": "(555) 555-0100",
    "day": "Thursday, March 5",
    "time": "3:30 PM",
}
LANGUAGES: tuple[Language, ...] = ("en", "es")


def rendered(text_id: str, language: Language) -> str:
    return TEXTS.render(text_id, language, **{slot: SLOTS[slot] for slot in TEXTS.entries[text_id].slots})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text_id", REQUIRED)
def test_given_its_slots_when_a_text_is_rendered_then_nothing_is_left_to_fill_in(
    text_id: str, language: Language
) -> None:
    body = rendered(text_id, language)
    assert body
    assert not slots_of(body)
    assert "{" not in body
    assert body == " ".join(body.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_given_an_opening_text_when_rendered_then_the_clinics_name_stands_in_front(language: Language) -> None:
    for text_id in REQUIRED:
        if text_id.startswith(("home", "welcome", "keyword.")):
            assert rendered(text_id, language).startswith("Lakeside Wellness: ")


def test_given_the_approved_danger_texts_when_rendered_then_they_are_word_for_word_as_approved() -> None:
    assert rendered("crisis.self_harm", "en") == (
        "Lakeside Wellness, automated: in danger or might hurt yourself? Call 911, or call/text 988 any time. "
        "We are alerting on-call staff. Do not wait for them."
    )
    assert rendered("crisis.self_harm", "es") == (
        "Lakeside Wellness, respuesta automática: si está en peligro o podría hacerse daño, llame al 911, o llame al "
        "988 (oprima 2) o envíe AYUDA al 988, 24/7. Avisamos al personal de guardia, pero no espere su llamada."
    )
    assert rendered("crisis.medical", "en") == (
        "Lakeside Wellness, automated: this can be serious. Call 911 now. Do not drive yourself. "
        "We are alerting on-call staff; do not wait for them."
    )
    assert rendered("crisis.not_acknowledged", "en") == "We have not reached staff. Call 911 or 988 now."
    assert rendered("crisis.automated_line", "en") == "Automated line. For help now: 911, or call/text 988."
    assert rendered("thanks.side_effect", "en") == (
        "Thanks, noted for your care team. If it gets worse, or is not gone by tomorrow 9 AM, call (555) 555-0100. "
        "Emergency: 911."
    )
    assert rendered("night", "en") == (
        "Automated line, not read at night. Call Lakeside Wellness at (555) 555-0100 after 9 AM. "
        "In danger: 911, or call/text 988."
    )
    assert rendered("welcome", "en") == (
        "Lakeside Wellness: you agreed to check-in texts, up to 7 a week. Automated, NOT read in real time. "
        "In danger: 911, or call/text 988. Msg&data rates may apply. HELP for help, STOP to end."
    )


def test_given_an_unknown_text_when_rendered_then_the_error_names_it() -> None:
    with pytest.raises(UnfitText, match=r"^text open\.sleep: there is no such text$"):
        TEXTS.render("open.sleep", "en")


def test_given_a_missing_or_empty_slot_when_rendered_then_the_error_names_the_slot() -> None:
    with pytest.raises(UnfitText, match=r"^text night: slot phone is missing$"):
        TEXTS.render("night", "en", sms_name="Lakeside Wellness")
    with pytest.raises(UnfitText, match=r"^text night: slot phone is missing$"):
        TEXTS.render("night", "en", sms_name="Lakeside Wellness", phone="")


def test_given_a_slot_that_the_text_has_not_when_rendered_then_the_error_names_it_and_no_value() -> None:
    with pytest.raises(UnfitText, match=r"^text thanks: it has no slot phone$") as raised:
        TEXTS.render("thanks", "en", phone="555-0142")
    assert "0142" not in str(raised.value)


def test_given_a_value_that_looks_like_a_slot_when_rendered_then_it_is_left_as_it_is() -> None:
    body = TEXTS.render("night", "en", sms_name="{phone}", phone="(555) 555-0100")
    assert "Call {phone} at (555) 555-0100" in body


@given(st.text(max_size=40), st.text(max_size=40))
def test_given_any_values_when_filled_then_they_stand_there_unchanged(first: str, second: str) -> None:
    assert fill("{day}|{time}|{day}", {"day": first, "time": second}) == f"{first}|{second}|{first}"


@pytest.mark.parametrize(
    ("day", "english", "spanish"),
    [
        (date(2026, 3, 5), "Thursday, March 5", "jueves 5 de marzo"),
        (date(2026, 3, 7), "Saturday, March 7", "sábado 7 de marzo"),
        (date(2026, 9, 30), "Wednesday, September 30", "miércoles 30 de septiembre"),
    ],
)
def test_given_a_day_when_said_then_each_language_says_it_its_way(day: date, english: str, spanish: str) -> None:
    assert TEXTS.day(day, "en") == english
    assert TEXTS.day(day, "es") == spanish


@pytest.mark.parametrize(
    ("at", "english", "spanish"),
    [
        (time(0, 5), "12:05 AM", "las 12:05 a. m."),
        (time(9, 0), "9:00 AM", "las 9:00 a. m."),
        (time(12, 30), "12:30 PM", "las 12:30 p. m."),
        (time(13, 0), "1:00 PM", "la 1:00 p. m."),
        (time(15, 30), "3:30 PM", "las 3:30 p. m."),
    ],
)
def test_given_a_time_when_said_then_each_language_says_it_its_way(at: time, english: str, spanish: str) -> None:
    assert TEXTS.time(at, "en") == english
    assert TEXTS.time(at, "es") == spanish
