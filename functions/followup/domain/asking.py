"""How a question becomes a text.

A text that opens a conversation, and a nudge, has the clinic's name in front. An item of an instrument completes a
stem, which is sent once, with the meaning of the numbers; further items repeat the numbers only and say how far it is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from followup.domain.questions import Questions
from followup.domain.records import Language, Question
from followup.domain.wording import Slot, Texts, UnfitText, fill, slots_of

Position = Literal["open", "next", "again", "nudge"]

FRAMES: Final[Mapping[str, tuple[Slot, ...]]] = MappingProxyType(
    {
        "frame.open": ("sms_name", "question", "key", "reply"),
        "frame.open_with_reminder": ("sms_name", "day", "time", "question", "key", "reply"),
        "frame.next": ("question", "key"),
        "frame.again": ("again",),
        "frame.nudge": ("sms_name", "later", "key"),
        "frame.item_open": ("sms_name", "stem", "number", "of", "question", "key"),
        "frame.item_open_with_reminder": ("sms_name", "day", "time", "stem", "number", "of", "question", "key"),
        "frame.item_begin": ("stem", "number", "of", "question", "key"),
        "frame.item_next": ("number", "of", "question", "key"),
        "frame.item_again": ("number", "of", "question", "key"),
        "frame.item_nudge": ("sms_name", "stem", "number", "of", "question", "key"),
    }
)
"""The texts that questions are put into, and the slots of each."""

POSITIONS: Final[tuple[Position, ...]] = ("open", "next", "again", "nudge")


def wording_of(
    question: Question,
    language: Language,
    position: Position,
    *,
    questions: Questions,
    texts: Texts,
    number: int = 1,
    of: int = 1,
    **slots: str,
) -> str:
    """The text that asks this question.

    `number` and `of` say how far an instrument is (see `questions.progress`); the item with number 1 brings the stem
    when it follows another question. `slots` are the clinic's `sms_name`, needed to open and to nudge, and the `day`
    and `time` of a visit: where the question itself has no slot for them, an opening text gets the reminder in front.

    Raises:
        UnknownQuestion: there is no such question, or not in this language.
        UnfitText: a slot that the text needs is missing or empty.
    """
    asked = questions.asked(question)
    wording = questions.wording(question, language)
    values = {name: value for name, value in slots.items() if value}
    parts = {"number": str(number), "of": str(of), "reply": wording.reply, "key": wording.key}
    for name, sentence in (("question", wording.text), ("later", wording.later), ("again", wording.again)):
        parts[name] = _filled(question, sentence, values)
    stem = questions.stem(question)
    if stem is not None:
        shared = stem.wordings[language]
        brief = position == "next" and number > 1
        parts |= {"stem": shared.stem, "key": shared.short if brief else shared.key}
    frame = _frame(position, item=stem is not None, number=number)
    if position == "open" and "day" in values and "day" not in asked.slots:
        frame += "_with_reminder"
    # Parts that a question does not have leave a gap.
    return " ".join(_filled(question, texts.wording(frame, language).text, values | parts).split())


def _frame(position: Position, *, item: bool, number: int) -> str:
    if not item:
        return f"frame.{position}"
    return "frame.item_begin" if position == "next" and number == 1 else f"frame.item_{position}"


def _filled(question: Question, sentence: str, values: dict[str, str]) -> str:
    missing = sorted(slots_of(sentence) - values.keys())
    if missing:
        raise UnfitText(f"question {question}: slot {missing[0]} is missing")
    return fill(sentence, values)
