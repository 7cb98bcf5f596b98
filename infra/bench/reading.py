"""How many texts a second one core reads and screens for danger, and the longest that any long text takes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, get_args

from followup import content
from followup.domain.reading import read
from followup.domain.records import Question
from followup.domain.safety import screen

TEXTS: Final = (
    "7",
    "about a 6 today",
    "7 out of 10",
    "Siete",
    "como un 8, gracias",
    "0",
    "no",
    "1 - a little dizzy and a headache since yesterday",
    "me mareo un poco",
    "better than last week, maybe 5? slept badly",
    "Thanks! Can I call tomorrow about my appointment?",
    "I was so tired after the visit that I slept until noon, but today is fine",
    "👍",
    "not great. 3",
)
LONGEST: Final = 1_600
LONG: Final = tuple(
    (piece * LONGEST)[:LONGEST]
    for piece in (
        "a",
        "1 ",
        "no ",
        "7/10 ",
        "d i e ",
        "i do not want to ",
        "not never no ",
        "soooooo ",
        "'",
        "\u0301",
        "ﷺ",
        "7.",
        "¿no? ",
        "want to die but not ",
        'Liked "7" ',
        "-- ",
    )
)
SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Speed:
    """Everyday texts a second, and milliseconds for the slowest long text."""

    per_second: float
    worst_ms: float


def measure(seconds: float = SECONDS) -> dict[str, Speed]:
    """Reading answers and the danger screen, each on its own."""
    loaded = content.load()
    questions: tuple[Question, ...] = get_args(Question)
    readers = [partial(_read, question) for question in questions]
    return {
        "read": _speed(readers, seconds),
        "screened": _speed([lambda text: screen(text, loaded.danger)], seconds),
    }


def _read(question: Question, text: str) -> object:
    return read(text, question, content.load().reading)


def _speed(works: Sequence[Callable[[str], object]], seconds: float) -> Speed:
    for work in works:
        work(TEXTS[0])  # compiles the word lists
    done, begun = 0, time.process_time()
    while (taken := time.process_time() - begun) < seconds:
        for work in works:
            for text in TEXTS:
                work(text)
        done += len(works) * len(TEXTS)
    return Speed(done / taken, 1000 * max(_fastest(work, text) for work in works for text in LONG))


def _fastest(work: Callable[[str], object], text: str) -> float:
    """Seconds of processor time, the best of three: what the text takes, not what the machine does beside it."""
    times = []
    for _ in range(3):
        begun = time.process_time()
        work(text)
        times.append(time.process_time() - begun)
    return min(times)
