"""Side effects against the time in which they are expected to pass, counted from the end of the infusion.

Mild and inside its window is a note. Strong inside the window, or of a kind that has no window, is for review. Still
there when the window is over, a clinician phones the same day. Some kinds are watched whatever the time, because they
may be harm of repeated treatment: they hold a booster back until a clinician has looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Verdict = Literal["expected", "review", "same_day"]
Severity = Literal["mild", "strong"]

_WEIGHT: Final[dict[Verdict, int]] = {"expected": 0, "review": 1, "same_day": 2}


@dataclass(frozen=True, slots=True)
class Window:
    """For how many hours after an infusion an effect is expected, what follows when it is still there, and why.

    Without hours it is never expected. `holds`: a clinician looks before the next infusion, whatever the time.
    """

    after: Verdict
    source: str
    hours: int | None = None
    holds: bool = False

    def __post_init__(self) -> None:
        if self.hours is not None and not 1 <= self.hours <= 7 * 24:
            raise ValueError("hours must be 1 to 168")
        if self.after == "expected":
            raise ValueError("after must be review or same_day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The windows by code of the effect (content/side_effects.yaml); `unlisted` holds for all others."""

    effects: Mapping[str, Window]
    unlisted: Window

    def of(self, code: str) -> Window:
        return self.effects.get(code, self.unlisted)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gravest of the effects calls for, and which codes call for it. `hold`: one of them holds a booster."""

    verdict: Verdict
    because: tuple[str, ...]
    hold: bool = False


def judge(
    effects: tuple[str, ...],
    *,
    severity: Severity | None,
    still_there: bool | None,
    said_at: datetime,
    ended: datetime | None,
    windows: Windows,
) -> Judgement:
    """Judge named effects by what was said of them.

    `ended` is the end of the infusion; without one no window applies. An effect counts as there at `said_at` unless
    the patient said that it has gone.
    """
    since = said_at - ended if ended is not None else None
    verdicts: dict[str, Verdict] = {code: _one(windows.of(code), severity, still_there, since) for code in effects}
    gravest: Verdict = max(verdicts.values(), key=_WEIGHT.__getitem__, default="review")
    because = tuple(code for code, verdict in verdicts.items() if verdict == gravest)
    return Judgement(gravest, because, any(windows.of(code).holds for code in effects))


def _one(window: Window, severity: Severity | None, still_there: bool | None, since: timedelta | None) -> Verdict:
    if window.hours is None or since is None:
        return window.after
    if still_there is not False and since > timedelta(hours=window.hours):
        return window.after
    if severity == "strong" or window.holds:
        return "review"
    return "expected"
