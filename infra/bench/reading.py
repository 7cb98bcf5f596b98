"""How many texts a second one core reads and screens for danger, and the longest that any long text takes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from followup import content
from followup.domain.questions import expectation
from followup.domain.reading import read
from followup.domain.safety import screen
from followup.domain.understanding import understand

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
        "7 no ",
        "sorry 7 or ",
        "no nausea or ",
        "severl dais ",
        "mood 7 pain 3 ",
    )
)
SECONDS: Final = 1.0
QUESTIONS: Final = ("mood", "side_effects", "which_effects", "phq9:1", "health_change")


@dataclass(frozen=True, slots=True)
class Speed:
    """Everyday texts a second, and milliseconds for the slowest long text."""

    per_second: float
    worst_ms: float


def measure(seconds: float = SECONDS) -> dict[str, Speed]:
    """Reading answers and the danger screen, each on its own, and all that is read of a text."""
    loaded = content.load()
    expected = [expectation(question, loaded.questions) for question in QUESTIONS]
    understands = partial(understand, rules=loaded.danger, keywords=loaded.keywords, words=loaded.reading)
    return {
        "read": _speed([partial(read, expectation=one, words=loaded.reading) for one in expected], seconds),
        "screened": _speed([lambda text: screen(text, loaded.danger)], seconds),
        "understood": _speed([partial(understands, expectation=one) for one in expected], seconds),
    }


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
