"""Everything that a patient can be asked: what each question takes as an answer, and its wording in each language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from followup.domain.errors import FollowUpError
from followup.domain.reading import Expectation, Form
from followup.domain.records import Language, Question
from followup.domain.wording import Slot, slots_of

Frame = Literal["own", "item"]
"""`own`: the question stands by itself. `item`: it completes the stem of its instrument, which is sent once."""


class UnknownQuestion(FollowUpError):
    """No such question, or it is not written in a language; the message names the id, never an answer."""


@dataclass(frozen=True, slots=True)
class QuestionWording:
    """A question in one language.

    `text` is the question or, for an item, the instrument's own words. `labels` name stored values, so that an answer
    in words is read; an item has those of its stem. The rest is for questions of the frame `own`: `key` says what each
    number means, `later` is the question inside a sentence, `again` asks once more with an example, `reply` says how
    to answer and stands in the opening text only. `official`: the words of the instrument's authors, exempt from the
    rules on words. `ucs2`: it needs characters outside GSM-7. `max_segments` bounds the longest text made of it.
    """

    text: str
    key: str = ""
    later: str = ""
    again: str = ""
    reply: str = ""
    labels: Mapping[int, str] = field(default_factory=dict)
    official: bool = False
    ucs2: bool = False
    max_segments: int = 1


@dataclass(frozen=True, slots=True)
class StemWording:
    """What the items of an instrument have in common, in one language: how they begin, and the answers.

    `key` says what each number means, `short` repeats the numbers with every further item.
    """

    stem: str
    key: str
    short: str
    labels: Mapping[int, str]
    official: bool = False
    ucs2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stem:
    """The opening of an instrument whose items are asked one by one."""

    name: str
    source: str
    wordings: Mapping[Language, StemWording] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, by what its answer is.

    `low` to `high` is the range of stored values. `digits` are the digits that the text shows and the value that each
    stands for, if they are not the same (yes and no are shown as 1 and 2 and stored as 1 and 0). `best` is the better
    end of a scale. `topic` is what patients call it when they name several numbers in one reply. `answers` are the
    LOINC codes of the answers, by stored value; `loinc` is None where no code is verified.
    """

    form: Form
    low: int
    high: int
    name: str
    """What staff call it."""
    source: str
    frame: Frame = "own"
    instrument: str | None = None
    item: int | None = None
    digits: Mapping[int, int] = field(default_factory=dict)
    best: int | None = None
    topic: str | None = None
    loinc: str | None = None
    answers: Mapping[int, str] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    wordings: Mapping[Language, QuestionWording] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[tuple[int, int], ...]:
        """Each digit that a patient may send, and the value that it stands for."""
        return tuple(self.digits.items()) or tuple((value, value) for value in range(self.low, self.high + 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Questions:
    """All questions by id, and the stems of the instruments that have one (content/questions.yaml).

    Compared by identity, so that what is made of them is made once.
    """

    stems: Mapping[str, Stem]
    questions: Mapping[Question, Asked]

    def asked(self, question: Question) -> Asked:
        """A question by its id.

        Raises:
            UnknownQuestion: there is none.
        """
        asked = self.questions.get(question)
        if asked is None:
            raise UnknownQuestion(f"question {question}: there is no such question")
        return asked

    def stem(self, question: Question) -> Stem | None:
        """The stem that goes before this question, if it is an item of an instrument that has one."""
        asked = self.asked(question)
        return self.stems[asked.instrument] if asked.frame == "item" and asked.instrument is not None else None

    def labels(self, question: Question, language: Language) -> Mapping[int, str]:
        """What stored values are called in one language."""
        own = self.wording(question, language).labels
        stem = self.stem(question)
        return own or (stem.wordings[language].labels if stem is not None else own)

    def wording(self, question: Question, language: Language) -> QuestionWording:
        """A question in one language.

        Raises:
            UnknownQuestion: there is no such question, or not in this language.
        """
        wording = self.asked(question).wordings.get(language)
        if wording is None:
            raise UnknownQuestion(f"question {question}: it is not written in the patient's language")
        return wording


@lru_cache(maxsize=256)
def expectation(question: Question, questions: Questions) -> Expectation:
    """What the reader needs to know to read an answer; labels and wording in all languages, whatever the patient's.

    Raises:
        UnknownQuestion: there is no such question.
    """
    asked = questions.asked(question)
    labels = {
        (label, value)
        for language in asked.wordings
        for value, label in questions.labels(question, language).items()
        if label.strip()
    }
    return Expectation(
        form=asked.form,
        low=asked.low,
        high=asked.high,
        digits=tuple(asked.digits.items()),
        labels=tuple(sorted(labels)),
        topic=asked.topic,
        best=asked.best,
        wording=_wording(question, questions),
    )


_SHORTEST_QUOTED: Final = 20  # characters; patients write shorter pieces of a question themselves


def _wording(question: Question, questions: Questions) -> tuple[str, ...]:
    """The sentences by which a question is put, in every language, the longest first."""
    stem = questions.stem(question)
    said = {
        sentence.strip()
        for wording in questions.asked(question).wordings.values()
        for sentence in (wording.text, wording.key, wording.later, wording.again, wording.reply)
    }
    if stem is not None:
        said |= {sentence.strip() for shared in stem.wordings.values() for sentence in (shared.stem, shared.key)}
    plain = (sentence for sentence in said if len(sentence) >= _SHORTEST_QUOTED and not slots_of(sentence))
    return tuple(sorted(plain, key=lambda sentence: (-len(sentence), sentence)))


def progress(asked: Sequence[Question], question: Question, questions: Questions) -> tuple[int, int]:
    """Which one this is among the items of its instrument that a survey holds, from 1, and of how many.

    (1, 1) for a question that stands by itself.
    """
    stem = questions.stem(question)
    siblings = [other for other in asked if stem is not None and questions.stem(other) is stem]
    return (siblings.index(question) + 1, len(siblings)) if question in siblings else (1, 1)
