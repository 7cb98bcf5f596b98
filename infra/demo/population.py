"""Simulated patients: how a person's depression moves under infusions, and what that person texts back.

The figures and the words are data in ``population.yaml``, each block with its public source. Everything is repeatable:
a person is drawn from a seed, and a reply depends only on that seed, the question and the time it was asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from math import exp, inf, log
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import TypeVar

import msgspec
from ruamel.yaml import YAML

Language = str
Question = str
"""Id of a question that the service asks."""
T = TypeVar("T")

PHQ9_MAX = 27
PHQ9_ITEMS = 9
ITEM_MAX = 3
MOOD_MAX = 10
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12


@dataclass(frozen=True, slots=True)
class Limits:
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Baseline:
    mean: float
    sd: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class NormalPart:
    share: float
    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class LognormalPart:
    share: float
    median: float | None
    sigma: float


@dataclass(frozen=True, slots=True)
class Preset:
    improvement: tuple[NormalPart, ...]
    half_gain_days: tuple[LognormalPart, ...]


@dataclass(frozen=True, slots=True)
class Course:
    left_after_each: float
    series_days: float
    series_gap_days: float
    onset_hours: Limits
    best_hours: float
    one_infusion_half_days: float
    full_duration_from: int
    decay_shape: float
    booster_restores: float
    shortening_share: float
    shortening_factor: float
    maintenance_interval_days: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    phq9_sd: float
    recall_days: int
    mood_sd: float


@dataclass(frozen=True, slots=True)
class ReplyHabit:
    propensity_alpha: float
    propensity_beta: float
    daily_factor: float
    fall_per_week: float
    fall_per_phq9_point: float
    usual_phq9: float
    least: float
    most: float
    conversing: float
    nudged: float
    delay_minutes_median: float
    delay_sigma: float
    conversing_minutes_median: float
    conversing_sigma: float
    invalid: float
    consent: float
    opt_out_per_month: float


@dataclass(frozen=True, slots=True)
class Item9:
    at_baseline: tuple[float, float, float, float]
    better: float
    worse: float
    text_per_point: float


@dataclass(frozen=True, slots=True)
class RareEvents:
    told_days: float
    per_year: dict[str, float]


@dataclass(frozen=True, slots=True)
class SideEffects:
    after_leaving: float
    hours_median: float
    past_24_hours: float
    recall_hours: float
    named_at_most: int
    how_bad: tuple[float, float, float]
    effects: dict[str, float]


@dataclass(frozen=True, slots=True)
class Words:
    numbers: tuple[str, ...]
    joined_by: str
    mood: dict[str, float]
    digit: dict[str, float]
    no_effects: dict[str, float]
    some_effects: dict[str, float]
    which_effects: dict[str, float]
    no_effects_after_all: dict[str, float]
    invalid: tuple[str, ...]
    stop: dict[str, float]
    danger: dict[int, tuple[str, ...]]
    events: dict[str, tuple[str, ...]]
    effects: dict[str, tuple[str, ...]]
    lasting_effects: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The whole of ``population.yaml``; the blocks' ``source`` lines are for its readers."""

    version: int
    baseline_phq9: Baseline
    improvement_limits: Limits
    presets: dict[str, Preset]
    course: Course
    reading: Reading
    reply: ReplyHabit
    item9: Item9
    rare_events: RareEvents
    side_effects: SideEffects
    keycaps: tuple[str, ...]
    faces: tuple[str, ...]
    words: dict[Language, Words]


@dataclass(frozen=True, slots=True)
class RareEvent:
    """When something rare befalls a person, mostly long after any simulation ends.

    Attributes:
        kind: mania, urinary, misuse or emergency.
        day: days after the first infusion.
    """

    kind: str
    day: float


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated patient, everything about whom is settled when drawn.

    Attributes:
        seed: what the person was drawn from; replies are drawn from it too.
        baseline: true PHQ-9 before the first infusion, 0-27.
        improvement: share of the baseline a complete series takes away, -0.6 to 1; negative means worse.
        half_gain_days: days after the series until half of the gain is lost; infinite if it is kept.
        onset_hours: hours from the end of an infusion to the first relief.
        shortening: factor on ``half_gain_days`` at each booster; 1 for most people.
        propensity: chance to answer a weekly check-in at the start, 0-1.
        consents: would agree to texts when invited. For the caller: ``answers`` does not look at it.
        item9_baseline: true answer to PHQ-9 item 9 before the first infusion, 0-3.
        item9_improved: the same while more than half of the course's effect is there.
        opt_out_day: days after the first infusion from which the person answers STOP.
        events: the first rare event of each kind.
    """

    seed: str
    baseline: float
    improvement: float
    half_gain_days: float
    onset_hours: float
    shortening: float
    propensity: float
    consents: bool
    item9_baseline: int
    item9_improved: int
    opt_out_day: float
    events: tuple[RareEvent, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A text from a patient: when it arrives and what it says."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class _Infusion:
    """What one infusion does: effects are shares of the person's full improvement, 0-1."""

    at: datetime
    effect_before: float
    effect_best: float
    tau_days: float


@cache
def parameters() -> Parameters:
    """Read ``population.yaml`` once.

    Raises:
        msgspec.ValidationError: a parameter is missing or of the wrong type; names its place in the file.
    """
    raw: object = YAML(typ="safe", pure=True).load(Path(__file__).with_name("population.yaml"))
    return msgspec.convert(raw, Parameters)


def draw(seed: str, preset: str, baseline_phq9: int | None = None) -> Person:
    """Draw one patient.

    Args:
        seed: any text; the same seed gives the same person in every run and on every machine.
        preset: community, severe, trial or ptsd.
        baseline_phq9: a known intake score, 0-27, in place of a drawn one; everything else stays as drawn.

    Raises:
        ValueError: no such preset, or a score that cannot be.
    """
    p = parameters()
    if preset not in p.presets:
        raise ValueError(f"preset must be one of {', '.join(p.presets)}")
    if baseline_phq9 is not None and not 0 <= baseline_phq9 <= PHQ9_MAX:
        raise ValueError(f"baseline_phq9 must be 0 to {PHQ9_MAX}")
    rng = _random(seed)
    drawn_baseline = _draw_baseline(rng, p.baseline_phq9)
    parts = p.presets[preset].improvement
    part = rng.choices(parts, [part.share for part in parts])[0]
    limits = p.improvement_limits
    improvement = _clip(rng.gauss(part.mean, part.sd), limits.lowest, limits.highest)
    half_gain_days = _draw_half_gain_days(rng, p.presets[preset].half_gain_days)
    onset_hours = rng.uniform(p.course.onset_hours.lowest, p.course.onset_hours.highest)
    shortening = p.course.shortening_factor if rng.random() < p.course.shortening_share else 1.0
    propensity = rng.betavariate(p.reply.propensity_alpha, p.reply.propensity_beta)
    consents = rng.random() < p.reply.consent
    item9_baseline, item9_improved = _draw_item9(rng, p.item9)
    opt_out_day = rng.expovariate(-log(1 - p.reply.opt_out_per_month) / DAYS_PER_MONTH)
    events = tuple(
        RareEvent(kind, rng.expovariate(rate / DAYS_PER_YEAR)) for kind, rate in p.rare_events.per_year.items()
    )
    return Person(
        seed=seed,
        baseline=drawn_baseline if baseline_phq9 is None else float(baseline_phq9),
        improvement=improvement,
        half_gain_days=half_gain_days,
        onset_hours=onset_hours,
        shortening=shortening,
        propensity=propensity,
        consents=consents,
        item9_baseline=item9_baseline,
        item9_improved=item9_improved,
        opt_out_day=opt_out_day,
        events=events,
    )


def true_phq9(person: Person, infusions: Sequence[datetime], at: datetime) -> float:
    """How ill the person truly is, as a PHQ-9 without noise, 0-27.

    After k infusions of a series 1 - 0.6 ** k of the improvement is reached (Phillips 2019: median 3 to response), a
    day after the infusion; the gain then decays as exp(-(t / tau) ** 1.5). An infusion after the series restores
    75 % of what was lost; in one of ten people the gain lasts 20 % shorter after each.

    Args:
        person: who.
        infusions: ends of the infusions given, in any order; later ones than ``at`` do not count.
        at: an aware time.
    """
    return _phq9_at(person, _course(person, infusions), at.astimezone(UTC))


def phq9_reading(person: Person, infusions: Sequence[datetime], at: datetime, rng: Random) -> int:
    """A PHQ-9 total the person would fill in, 0-27: the mean of the last 14 days with noise of SD 2.5 (Loewe 2004)."""
    reading = parameters().reading
    course = _course(person, infusions)
    days = range(reading.recall_days)
    now = at.astimezone(UTC)
    recalled = sum(_phq9_at(person, course, now - (day + 0.5) * DAY) for day in days) / reading.recall_days
    return round(_clip(recalled + rng.gauss(0, reading.phq9_sd), 0, PHQ9_MAX))


def mood_reading(person: Person, infusions: Sequence[datetime], at: datetime, rng: Random) -> int:
    """The person's "mood today", 0-10, high = better, as noisy as it follows the PHQ-9 in Richmond 2015."""
    score = MOOD_MAX - true_phq9(person, infusions, at) * MOOD_MAX / PHQ9_MAX
    return round(_clip(score + rng.gauss(0, parameters().reading.mood_sd), 0, MOOD_MAX))


def item9(person: Person, infusions: Sequence[datetime], at: datetime) -> int:
    """The person's true answer to PHQ-9 item 9, 0-3: it changes with the course's effect and back with its loss."""
    effect = _effect_at(person, _course(person, infusions), at.astimezone(UTC))
    return person.item9_improved if effect > 0.5 else person.item9_baseline


def maintenance(series_end: datetime, until: datetime) -> tuple[datetime, ...]:
    """Usual infusion times after a series: weekly at first, every 3-4 weeks by month 5 (Pfeiffer 2024)."""
    intervals = parameters().course.maintenance_interval_days
    times: list[datetime] = []
    at = series_end
    while True:
        month = int((at - series_end) / DAY / DAYS_PER_MONTH)
        at += intervals[min(month, len(intervals) - 1)] * DAY
        if at > until:
            return tuple(times)
        times.append(at)


def effects_after(person: Person, infusion: datetime) -> dict[str, float]:
    """Side effects the person has after leaving the clinic: name to hours after the infusion until it ends."""
    p = parameters().side_effects
    rng = _random(person.seed, "effects", infusion.astimezone(UTC).isoformat())
    sigma = log(24 / p.hours_median) / NormalDist().inv_cdf(1 - p.past_24_hours)
    felt = [effect for effect, rate in p.effects.items() if rng.random() < rate * p.after_leaving]
    return {effect: p.hours_median * exp(rng.gauss(0, sigma)) for effect in felt}


def answers(
    person: Person,
    *,
    question: Question,
    language: Language,
    asked_at: datetime,
    infusions: Sequence[datetime],
    is_nudge: bool = False,
    daily: bool = False,
    conversing: bool = False,
) -> Reply | None:
    """Decide whether, when and in which words the person answers; the same for the same person, question and time.

    Args:
        person: who is asked.
        question: what is asked: an item of PHQ-9 or GAD-7, mood, pain, side effects and what follows on them, ...
        language: of the reply.
        asked_at: when the text arrived, aware.
        infusions: ends of the infusions, in any order; later ones than ``asked_at`` do not count.
        is_nudge: the question repeats one that stayed silent; only ask then.
        daily: the check-ins come about daily, which fewer answer than weekly ones.
        conversing: the question follows at once on an answer; which_effects always does.

    Returns:
        The reply, after ``asked_at`` and in UTC; None for silence.
    """
    p = parameters()
    words = p.words[language]
    now = asked_at.astimezone(UTC)
    rng = _random(person.seed, question, now.isoformat())
    past = sorted(infusion.astimezone(UTC) for infusion in infusions if infusion <= asked_at)
    days = (now - past[0]) / DAY if past else 0.0
    conversing = conversing or question == "which_effects"
    chance = _reply_chance(person, days, true_phq9(person, past, now), daily=daily)
    if is_nudge:
        chance = p.reply.nudged
    elif conversing:
        chance = p.reply.conversing
    silent = rng.random() >= chance
    at = now + _delay(rng, conversing=conversing)
    if past and days >= person.opt_out_day:
        return Reply(at, _pick(rng, words.stop))
    if silent:
        return None
    if not conversing:
        for event in person.events:
            if past and event.day <= days < event.day + p.rare_events.told_days:
                return Reply(at, rng.choice(words.events[event.kind]))
    if rng.random() < p.reply.invalid:
        return Reply(at, rng.choice(words.invalid))
    if question == "mood":
        return Reply(at, _mood_text(person, words, past, at, rng))
    if question in ("side_effects", "which_effects"):
        return Reply(at, _effects_text(person, question, words, past, now, rng))
    return Reply(at, _pick(rng, words.digit).format(n=_digit(person, question, past, now, rng)))


def _reply_chance(person: Person, days: float, phq9: float, *, daily: bool) -> float:
    habit = parameters().reply
    weekly = person.propensity - habit.fall_per_week * days / 7 - habit.fall_per_phq9_point * (phq9 - habit.usual_phq9)
    return _clip(weekly * (habit.daily_factor if daily else 1), habit.least, habit.most)


def _delay(rng: Random, *, conversing: bool) -> timedelta:
    habit = parameters().reply
    median, sigma = habit.delay_minutes_median, habit.delay_sigma
    if conversing:
        median, sigma = habit.conversing_minutes_median, habit.conversing_sigma
    seconds = max(1, round(60 * median * exp(rng.gauss(0, sigma))))  # whole seconds, as carriers stamp texts
    return timedelta(seconds=seconds)


def _mood_text(person: Person, words: Words, infusions: Sequence[datetime], at: datetime, rng: Random) -> str:
    p = parameters()
    thoughts = item9(person, infusions, at)
    if rng.random() < thoughts * p.item9.text_per_point:
        return rng.choice(words.danger[thoughts])
    n = mood_reading(person, infusions, at, rng)
    return _pick(rng, words.mood).format(n=n, word=words.numbers[n], keycap=p.keycaps[n], face=p.faces[n])


def _effects_text(
    person: Person, question: Question, words: Words, infusions: Sequence[datetime], at: datetime, rng: Random
) -> str:
    p = parameters().side_effects
    felt: list[str] = []
    if infusions:
        hours = (at - infusions[-1]) / HOUR
        phrases = words.effects if hours <= 24 else words.lasting_effects
        for effect, until in effects_after(person, infusions[-1]).items():
            if until > hours:
                felt.append(rng.choice(phrases[effect]))
            elif hours <= p.recall_hours:
                felt.append(rng.choice(words.effects[effect]))
    if not felt:
        return _pick(rng, words.no_effects if question == "side_effects" else words.no_effects_after_all)
    named = words.joined_by.join(rng.sample(felt, min(len(felt), p.named_at_most)))
    return _pick(rng, words.some_effects if question == "side_effects" else words.which_effects).format(effects=named)


def _digit(person: Person, question: Question, infusions: Sequence[datetime], at: datetime, rng: Random) -> int:
    """The digit that answers any other question, as the text shows the choices."""
    instrument, _, item = question.partition(":")
    illness = true_phq9(person, infusions, at) / PHQ9_MAX
    noise = rng.gauss(0, parameters().reading.mood_sd)
    match instrument:
        case "phq9" if item.isdecimal() and int(item) in range(1, PHQ9_ITEMS):
            return _items(person, infusions, at)[int(item) - 1]
        case "phq9" if item == str(PHQ9_ITEMS):
            return item9(person, infusions, at)
        case "gad7" | "phq9":
            return round(_clip(illness * ITEM_MAX + rng.gauss(0, 0.5), 0, ITEM_MAX))
        case "pain" | "target":
            return round(_clip(illness * MOOD_MAX + noise, 0, MOOD_MAX))
        case "functioning":
            return round(_clip((1 - illness) * MOOD_MAX + noise, 0, MOOD_MAX))
        case "how_bad":
            return rng.choices((0, 1, 2), parameters().side_effects.how_bad)[0]
        case "still_there":
            hours = (at - infusions[-1]) / HOUR if infusions else 0.0
            lasts = bool(infusions) and any(until > hours for until in effects_after(person, infusions[-1]).values())
            return 2 if lasts else 1
        case _:  # no news, no trouble, will come
            return 1


def _items(person: Person, infusions: Sequence[datetime], at: datetime) -> tuple[int, ...]:
    """PHQ-9 items 1 to 8, which together with item 9 make that day's reading; the same all day long."""
    rng = _random(person.seed, "phq9", at.date().isoformat())
    left = phq9_reading(person, infusions, at.replace(hour=12, minute=0, second=0, microsecond=0), rng)
    left = min(left - item9(person, infusions, at), (PHQ9_ITEMS - 1) * ITEM_MAX)
    items = [0] * (PHQ9_ITEMS - 1)
    for _ in range(max(0, left)):
        place = rng.choice([place for place, value in enumerate(items) if value < ITEM_MAX])
        items[place] += 1
    return tuple(items)


def _course(person: Person, infusions: Sequence[datetime]) -> tuple[_Infusion, ...]:
    # One zone, so that differences are elapsed time and not what clocks on the wall show.
    return _effects_of(person, tuple(sorted(infusion.astimezone(UTC) for infusion in infusions)))


@lru_cache(maxsize=1024)  # a reading looks at the same course on many days
def _effects_of(person: Person, infusions: tuple[datetime, ...]) -> tuple[_Infusion, ...]:
    p = parameters().course
    course: list[_Infusion] = []
    in_series = boosters = 0
    complete = 0.0  # the effect the series reached, which boosters bring back
    for at in infusions:
        before = _effect_at(person, course, at)
        if not boosters and (not course or _within_series(course, at)):
            in_series += 1
            best = complete = 1 - p.left_after_each**in_series
        else:
            boosters += 1
            best = before + p.booster_restores * (complete - before)
        half_days = person.half_gain_days
        if in_series < p.full_duration_from:
            half_days = min(half_days, p.one_infusion_half_days * 2.0 ** (in_series - 1))
        half_days *= person.shortening**boosters
        course.append(_Infusion(at, before, best, tau_days=half_days / log(2) ** (1 / p.decay_shape)))
    return tuple(course)


def _within_series(course: Sequence[_Infusion], at: datetime) -> bool:
    p = parameters().course
    return at - course[0].at <= p.series_days * DAY and at - course[-1].at <= p.series_gap_days * DAY


def _effect_at(person: Person, course: Sequence[_Infusion], at: datetime) -> float:
    p = parameters().course
    for infusion in reversed(course):
        if infusion.at > at:
            continue
        hours = (at - infusion.at) / HOUR
        risen = _clip((hours - person.onset_hours) / (p.best_hours - person.onset_hours), 0, 1)
        left = exp(-((hours / 24 / infusion.tau_days) ** p.decay_shape))
        return infusion.effect_before * (1 - risen) + infusion.effect_best * left * risen
    return 0.0


def _phq9_at(person: Person, course: Sequence[_Infusion], at: datetime) -> float:
    return _clip(person.baseline * (1 - person.improvement * _effect_at(person, course, at)), 0, PHQ9_MAX)


def _draw_baseline(rng: Random, baseline: Baseline) -> float:
    while (score := rng.gauss(baseline.mean, baseline.sd)) < baseline.lowest:
        pass
    return min(score, baseline.highest)


def _draw_half_gain_days(rng: Random, parts: Sequence[LognormalPart]) -> float:
    part = rng.choices(parts, [part.share for part in parts])[0]
    spread = exp(rng.gauss(0, part.sigma))
    return inf if part.median is None else part.median * spread


def _draw_item9(rng: Random, p: Item9) -> tuple[int, int]:
    before = _pick(rng, dict(enumerate(p.at_baseline)))
    if before and rng.random() < p.better:
        return before, rng.randrange(before)
    better = (1 - p.at_baseline[0]) * p.better
    worse = rng.random() < p.worse / (1 - better)
    return before, min(before + worse, 3)


def _pick(rng: Random, weights: Mapping[T, float]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]


def _clip(value: float, lowest: float, highest: float) -> float:
    return min(max(value, lowest), highest)


def _random(*seed: str) -> Random:
    return Random("|".join(seed))  # noqa: S311 - a simulation has to repeat; nothing here is a secret
