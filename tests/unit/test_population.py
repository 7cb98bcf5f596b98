from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from math import inf
from random import Random
from statistics import fmean, median
from zoneinfo import ZoneInfo

import pytest

from infra.demo.population import (
    PHQ9_MAX,
    Language,
    Person,
    Question,
    RareEvent,
    Reply,
    answers,
    draw,
    effects_after,
    item9,
    maintenance,
    mood_reading,
    parameters,
    phq9_reading,
    true_phq9,
)

LANGUAGES = tuple(parameters().words)
QUESTIONS = (
    "mood",
    "side_effects",
    "which_effects",
    "phq9:1",
    "phq9:9",
    "gad7:3",
    "pain",
    "how_bad",
    "still_there",
    "visit",
)
DAY = timedelta(days=1)
START = datetime(2025, 3, 3, 16, tzinfo=UTC)
SERIES = tuple(START + days * DAY for days in (0, 2, 4, 7, 9, 11))
END = SERIES[-1]
LONG_SERIES = tuple(START + 2 * days * DAY for days in range(12))  # as good as the whole improvement is reached


@cache
def people(preset: str, count: int) -> tuple[Person, ...]:
    return tuple(draw(f"{preset}-{number}", preset) for number in range(count))


def a_person(
    *,
    baseline: float = 20.0,
    improvement: float = 0.6,
    half_gain_days: float = 60.0,
    shortening: float = 1.0,
    propensity: float = 0.8,
    item9_baseline: int = 0,
    item9_improved: int = 0,
    opt_out_day: float = 1e6,
    events: tuple[RareEvent, ...] = (),
) -> Person:
    return replace(
        draw("anna", "community"),
        baseline=baseline,
        improvement=improvement,
        half_gain_days=half_gain_days,
        shortening=shortening,
        propensity=propensity,
        item9_baseline=item9_baseline,
        item9_improved=item9_improved,
        opt_out_day=opt_out_day,
        events=events,
    )


def ask(
    person: Person,
    question: Question = "mood",
    *,
    at: datetime = END + 7 * DAY,
    language: Language = "en",
    infusions: Sequence[datetime] = SERIES,
    is_nudge: bool = False,
    daily: bool = False,
    conversing: bool = False,
) -> Reply | None:
    return answers(
        person,
        question=question,
        language=language,
        asked_at=at,
        infusions=infusions,
        is_nudge=is_nudge,
        daily=daily,
        conversing=conversing,
    )


def texts(replies: Iterator[Reply | None]) -> list[str]:
    return [reply.text for reply in replies if reply]


def share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)


def effect(person: Person, infusions: Sequence[datetime], at: datetime) -> float:
    """Share of the person's improvement that is there."""
    return (1 - true_phq9(person, infusions, at) / person.baseline) / person.improvement


@cache
def scores_before_and_at_full_gain(preset: str) -> tuple[tuple[int, int], ...]:
    rng = Random(7)
    return tuple(
        (
            phq9_reading(person, (), START, rng),
            phq9_reading(replace(person, half_gain_days=inf), LONG_SERIES, LONG_SERIES[-1] + 20 * DAY, rng),
        )
        for person in people(preset, 2500)
    )


def test_given_many_people_when_drawn_then_baselines_are_those_of_a_ketamine_practice() -> None:
    baselines = [person.baseline for person in people("community", 2500)]
    assert fmean(baselines) == pytest.approx(18.1, abs=0.3)
    assert min(baselines) >= 10
    assert max(baselines) <= PHQ9_MAX


def test_given_the_community_preset_when_scored_at_full_gain_then_outcomes_are_as_published() -> None:
    scores = scores_before_and_at_full_gain("community")
    assert share([after <= before / 2 for before, after in scores]) == pytest.approx(0.538, abs=0.02)
    assert share([after < 5 for _, after in scores]) == pytest.approx(0.285, abs=0.02)
    assert share([after > before for before, after in scores]) == pytest.approx(0.088, abs=0.015)


def test_given_the_severe_preset_when_scored_at_full_gain_then_outcomes_are_as_published() -> None:
    scores = scores_before_and_at_full_gain("severe")
    assert share([after <= before / 2 for before, after in scores]) == pytest.approx(0.268, abs=0.02)
    assert share([after <= 5 for _, after in scores]) == pytest.approx(0.149, abs=0.02)
    assert share([before - after >= 5 for before, after in scores]) == pytest.approx(0.475, abs=0.03)


@pytest.mark.parametrize(
    ("preset", "days", "kept"),
    [("community", 28, 0.80), ("community", 56, 0.60), ("trial", 18, 0.50), ("trial", 83, 0.24), ("ptsd", 27.5, 0.50)],
)
def test_given_a_preset_when_days_pass_then_the_published_share_still_has_half_the_gain(
    preset: str, days: float, kept: float
) -> None:
    still = [person.half_gain_days > days for person in people(preset, 2500)]
    assert share(still) == pytest.approx(kept, abs=0.02)


def test_given_responders_when_infusions_follow_each_other_then_the_median_one_responds_at_the_third() -> None:
    needed = []
    for person in people("community", 400):
        lasting = replace(person, half_gain_days=inf)
        for count in range(1, len(LONG_SERIES) + 1):
            a_day_after = LONG_SERIES[count - 1] + DAY
            if true_phq9(lasting, LONG_SERIES[:count], a_day_after) <= person.baseline / 2:
                needed.append(count)
                break
    assert median(needed) == 3


def test_given_no_infusion_when_asked_how_ill_then_the_baseline_stands() -> None:
    assert true_phq9(a_person(), (), START) == 20
    assert true_phq9(a_person(), SERIES, START) == 20


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_given_a_series_when_a_day_has_passed_then_its_share_of_the_improvement_is_reached(count: int) -> None:
    given = SERIES[:count]
    reached = effect(a_person(half_gain_days=inf), given, given[-1] + DAY)
    assert reached == pytest.approx(1 - 0.6**count, abs=0.02)


def test_given_an_infusion_when_hours_pass_then_relief_starts_after_the_onset_and_is_best_at_a_day() -> None:
    person = replace(a_person(), onset_hours=2.0)
    hours = [effect(person, SERIES[:1], START + timedelta(hours=hour)) for hour in (0, 2, 6, 12, 24, 72)]
    assert hours[:2] == [0, 0]
    assert hours[1] < hours[2] < hours[3] < hours[4] > hours[5]


def test_given_the_patients_half_gain_days_when_they_have_passed_then_half_the_gain_is_lost() -> None:
    assert effect(a_person(half_gain_days=60), SERIES, END + 60 * DAY) == pytest.approx(0.5 * (1 - 0.6**6))


def test_given_one_infusion_only_when_a_week_has_passed_then_half_the_gain_is_lost_however_long_a_series_lasts() -> (
    None
):
    assert effect(a_person(half_gain_days=200), SERIES[:1], START + 7 * DAY) == pytest.approx(0.5 * 0.4)


def test_given_lost_gain_when_a_booster_is_given_then_three_quarters_of_the_loss_come_back() -> None:
    person = a_person(half_gain_days=40)
    booster = END + 40 * DAY
    before, full = effect(person, SERIES, booster), 1 - 0.6**6
    after = effect(person, (*SERIES, booster), booster + DAY)
    assert after == pytest.approx(before + 0.75 * (full - before), abs=0.01)


def test_given_a_patient_who_shortens_when_boosted_twice_then_half_the_gain_is_lost_a_fifth_sooner_each_time() -> None:
    person = a_person(half_gain_days=50, shortening=0.8)
    given = SERIES
    for booster, half_gain_days in ((END + 50 * DAY, 40), (END + 100 * DAY, 32)):
        before = effect(person, given, booster)
        given = (*given, booster)
        best = before + 0.75 * (1 - 0.6**6 - before)
        assert effect(person, given, booster + half_gain_days * DAY) == pytest.approx(best / 2)


def test_given_many_people_when_drawn_then_one_in_ten_shortens_and_seven_in_ten_consent() -> None:
    drawn = people("community", 2500)
    assert {person.shortening for person in drawn} == {0.8, 1.0}
    assert share([person.shortening < 1 for person in drawn]) == pytest.approx(0.10, abs=0.02)
    assert share([person.consents for person in drawn]) == pytest.approx(0.70, abs=0.02)


def test_given_patients_with_thoughts_of_death_when_the_series_worked_then_most_are_better_and_few_of_all_worse() -> (
    None
):
    drawn = people("community", 2500)
    before = [item9(person, SERIES, START) for person in drawn]
    after = [item9(person, SERIES, END + DAY) for person in drawn]
    pairs = list(zip(before, after, strict=True))
    assert share([was > 0 for was in before]) == pytest.approx(0.40, abs=0.02)
    assert share([now < was for was, now in pairs if was]) == pytest.approx(0.73, abs=0.03)
    assert share([now > was for was, now in pairs]) == pytest.approx(0.06, abs=0.015)


def test_given_a_steady_patient_when_scored_often_then_readings_spread_by_the_standard_error() -> None:
    rng = Random(5)
    person = a_person(baseline=14)
    readings = [phq9_reading(person, (), START, rng) for _ in range(1500)]
    assert fmean(readings) == pytest.approx(14, abs=0.2)
    assert fmean((reading - 14) ** 2 for reading in readings) == pytest.approx(2.5**2 + 1 / 12, rel=0.1)


def test_given_a_fresh_improvement_when_scored_then_the_last_two_weeks_weigh_it_down() -> None:
    rng = Random(5)
    person = a_person(half_gain_days=inf)
    at = START + 7 * DAY  # a week after the only infusion
    readings = [phq9_reading(person, SERIES[:1], at, rng) for _ in range(400)]
    assert true_phq9(person, SERIES[:1], at) + 0.5 < fmean(readings) < person.baseline - 1


def test_given_a_stable_patient_at_six_when_scored_weekly_then_noise_alone_shows_rises_as_often_as_calculated() -> None:
    rng = Random(11)
    stable = a_person(baseline=12, improvement=0.5, half_gain_days=inf)
    rises, highs, pairs = [], [], []
    for _ in range(500):
        lowest, rise_at, high_at, pair_at, last = PHQ9_MAX, inf, inf, inf, 0
        for week in range(1, 13):
            score = phq9_reading(stable, LONG_SERIES, LONG_SERIES[-1] + (14 + 7 * week) * DAY, rng)
            rise_at = min(rise_at, week) if score >= lowest + 5 else rise_at
            high_at = min(high_at, week) if score >= 10 else high_at
            pair_at = min(pair_at, week) if score >= 10 and last >= 10 else pair_at
            lowest, last = min(lowest, score), score
        rises.append(rise_at)
        highs.append(high_at)
        pairs.append(pair_at)
    by = (4, 8, 12)
    assert [share([at <= week for at in rises]) for week in by] == pytest.approx([0.38, 0.78, 0.93], abs=0.06)
    assert [share([at <= week for at in highs]) for week in by] == pytest.approx([0.29, 0.49, 0.64], abs=0.06)
    assert [share([at <= week for at in pairs]) for week in by] == pytest.approx([0.02, 0.04, 0.07], abs=0.03)


def test_given_responders_who_keep_half_their_gain_when_scored_for_half_a_year_then_simple_rules_flag_too_many() -> (
    None
):
    rng = Random(13)
    half_gain_lost, five_above_lowest = [], []
    for person in people("community", 2500):
        if person.improvement < 0.5 or person.half_gain_days <= 182:
            continue
        base = phq9_reading(person, (), START, rng)
        reference = fmean(phq9_reading(person, SERIES, END + days * DAY, rng) for days in (7, 14))
        weekly = [phq9_reading(person, SERIES, END + 7 * week * DAY, rng) for week in range(3, 27)]
        answered = [score for score in weekly if rng.random() < 0.8]
        line = max(reference + 0.5 * (base - reference), reference + 5)
        half_gain_lost.append(max(answered) >= line)
        lowest = [min(answered[: index + 1]) for index in range(len(answered))]
        five_above_lowest.append(any(score >= low + 5 for score, low in zip(answered, lowest, strict=True)))
    assert share(half_gain_lost) == pytest.approx(0.43, abs=0.08)
    assert share(five_above_lowest) == pytest.approx(0.98, abs=0.03)


def test_given_a_practice_when_phq9_and_mood_are_taken_together_then_they_agree_as_texts_did_in_the_trial() -> None:
    rng = Random(17)
    at = END + 21 * DAY
    pairs = [
        (phq9_reading(person, SERIES, at, rng), mood_reading(person, SERIES, at, rng))
        for person in people("community", 400)
    ]
    assert -tau_b(pairs) == pytest.approx(0.57, abs=0.06)


def tau_b(pairs: Sequence[tuple[int, int]]) -> float:
    """Kendall's tau-b: rank agreement of two measures, corrected for ties."""
    score = tied_first = tied_second = total = 0
    for (first, second), (other_first, other_second) in combinations(pairs, 2):
        a, b = first - other_first, second - other_second
        score += (a * b > 0) - (a * b < 0)
        tied_first += a == 0
        tied_second += b == 0
        total += 1
    return float(score / ((total - tied_first) * (total - tied_second)) ** 0.5)


def test_given_weekly_check_ins_when_a_month_passes_then_four_of_five_are_answered() -> None:
    replies = [ask(person, at=END + 7 * week * DAY) for person in people("community", 500) for week in (1, 2, 3, 4)]
    assert share([reply is not None for reply in replies]) == pytest.approx(0.80, abs=0.02)


def test_given_daily_check_ins_when_asked_then_fewer_are_answered() -> None:
    replies = [ask(person, at=START + day * DAY, daily=True) for person in people("community", 800) for day in (1, 3)]
    assert share([reply is not None for reply in replies]) == pytest.approx(0.64, abs=0.03)


def test_given_half_a_year_when_weeks_pass_then_answers_grow_rarer_and_worse_mood_makes_them_rarer_too() -> None:
    person, worse = a_person(half_gain_days=inf), a_person(improvement=-0.3, half_gain_days=inf)
    minutes = [timedelta(minutes=minute) for minute in range(1000)]
    early = share([ask(person, at=END + 7 * DAY + minute) is not None for minute in minutes])
    late = share([ask(person, at=END + 189 * DAY + minute) is not None for minute in minutes])
    ill = share([ask(worse, at=END + 7 * DAY + minute) is not None for minute in minutes])
    assert early - late == pytest.approx(0.003 * 26, abs=0.04)
    assert early - ill == pytest.approx(0.07, abs=0.04)


def test_given_silence_when_reminded_then_one_in_four_answers() -> None:
    replies = [ask(person, is_nudge=True) for person in people("community", 2000)]
    assert share([reply is not None for reply in replies]) == pytest.approx(0.25, abs=0.03)


def test_given_replies_when_timed_then_half_come_within_thirty_minutes_and_few_after_a_day() -> None:
    at = END + 7 * DAY
    delays = [(reply.at - at) / timedelta(minutes=1) for person in people("community", 2000) if (reply := ask(person))]
    assert min(delays) > 0
    assert median(delays) == pytest.approx(30, rel=0.1)
    assert 0.001 < share([delay > 1440 for delay in delays]) < 0.02


def test_given_replies_when_read_then_about_one_in_a_hundred_makes_no_sense() -> None:
    at = [END + 7 * DAY, END + 14 * DAY]
    replies = texts(ask(person, at=when) for person in people("community", 2000) for when in at)
    nonsense = parameters().words["en"].invalid
    assert share([text in nonsense for text in replies]) == pytest.approx(0.011, abs=0.004)


@pytest.mark.parametrize("language", LANGUAGES)
def test_given_a_mood_question_when_answered_then_every_text_but_nonsense_names_a_number(language: Language) -> None:
    words = parameters().words[language]
    well = a_person(improvement=0.9)
    replies = texts(ask(well, at=END + DAY + timedelta(minutes=m), language=language) for m in range(600))
    named = (*map(str, range(11)), *words.numbers, *parameters().keycaps)
    assert all(any(number in text for number in named) for text in replies if text not in words.invalid)
    assert len(set(replies)) > 20


def test_given_a_better_and_a_worse_patient_when_asked_then_their_moods_follow() -> None:
    rng = Random(3)
    at = END + 2 * DAY
    better = fmean(mood_reading(a_person(improvement=0.9), SERIES, at, rng) for _ in range(200))
    worse = fmean(mood_reading(a_person(improvement=-0.2), SERIES, at, rng) for _ in range(200))
    assert better > 8
    assert worse < 2.5


def test_given_infusions_when_the_patient_is_home_then_side_effects_come_at_half_the_trial_rates() -> None:
    felt = [effects_after(person, START) for person in people("community", 2500)]
    hours = [until for effects in felt for until in effects.values()]
    for name, rate in parameters().side_effects.effects.items():
        assert share([name in effects for effects in felt]) == pytest.approx(rate / 2, abs=0.02)
    assert share([until > 24 for until in hours]) == pytest.approx(0.08, abs=0.012)


@pytest.mark.parametrize("language", LANGUAGES)
def test_given_a_patient_with_side_effects_when_asked_which_then_only_those_are_named(language: Language) -> None:
    words, at = parameters().words[language], START + timedelta(hours=5)
    for person in people("community", 300):
        felt = effects_after(person, START)
        reply = ask(person, "which_effects", at=at, language=language, infusions=(START,))
        if reply is None or reply.text in words.invalid:
            continue
        named = [name for name, phrases in words.effects.items() if any(phrase in reply.text for phrase in phrases)]
        assert set(named) <= set(felt)
        assert bool(named) == bool(felt)


def test_given_effects_a_week_old_when_asked_then_hardly_anyone_still_has_them() -> None:
    none = parameters().words["en"].no_effects
    replies = texts(ask(person, "side_effects") for person in people("community", 600))
    assert share([text in none for text in replies]) > 0.95


def test_given_a_patient_who_opts_out_when_next_asked_then_the_answer_is_stop() -> None:
    replies = [ask(a_person(opt_out_day=10), at=START + day * DAY) for day in (10, 17, 24)]
    stop = parameters().words["en"].stop
    assert all(reply and reply.text in stop for reply in replies)


def test_given_many_people_when_a_month_passes_then_one_in_a_hundred_opts_out() -> None:
    assert share([person.opt_out_day < 365.25 for person in people("community", 2500)]) == pytest.approx(
        1 - 0.99**12, abs=0.015
    )


@pytest.mark.parametrize("kind", ["mania", "urinary", "misuse", "emergency"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_given_a_rare_event_when_asked_within_its_week_then_the_patient_tells_of_it(
    kind: str, language: Language
) -> None:
    person = a_person(events=(RareEvent(kind, 20),), propensity=1)
    told = parameters().words[language].events[kind]
    within = texts(ask(person, at=START + day * DAY, language=language) for day in range(20, 27))
    outside = texts(ask(person, at=START + day * DAY, language=language) for day in (13, 19, 28, 35))
    assert within
    assert all(text in told for text in within)
    assert not any(text in told for text in outside)


def danger_texts(level: int) -> list[bool | str]:
    """What a patient with this item 9 answers to mood questions: the text where it speaks of danger, else False."""
    danger = {text for phrases in parameters().words["en"].danger.values() for text in phrases}
    person = a_person(item9_baseline=level, item9_improved=level)
    replies = texts(ask(person, at=END + timedelta(minutes=minute)) for minute in range(2500))
    return [text if text in danger else False for text in replies]


def test_given_no_thoughts_of_death_when_asked_about_mood_then_nobody_writes_of_them() -> None:
    assert not any(danger_texts(0))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_given_thoughts_of_death_when_asked_about_mood_then_a_small_share_writes_of_them(level: int) -> None:
    told = danger_texts(level)
    expected = 0.005 * level
    standard_error = (expected * (1 - expected) / len(told)) ** 0.5
    assert share([bool(text) for text in told]) == pytest.approx(expected, abs=3 * standard_error)
    assert {text for text in told if text} <= set(parameters().words["en"].danger[level])


def test_given_the_same_seed_when_drawn_and_asked_again_then_everything_is_the_same() -> None:
    first, again = draw("p-17", "community"), draw("p-17", "community")
    assert first == again
    assert draw("p-18", "community") != first
    for question in QUESTIONS:
        assert ask(first, question) == ask(again, question)
    local = END.astimezone(ZoneInfo("America/New_York")) + 7 * DAY
    assert ask(first, at=local) == ask(first, at=local.astimezone(UTC), infusions=tuple(reversed(SERIES)))


def test_given_the_first_person_when_drawn_on_any_machine_then_it_is_this_one() -> None:
    person = draw("p-1", "community")
    assert (round(person.baseline, 3), round(person.improvement, 3), round(person.half_gain_days, 2)) == (
        20.533,
        0.868,
        288.98,
    )


def test_given_a_known_intake_score_when_drawn_then_only_the_baseline_differs() -> None:
    assert replace(draw("p-1", "ptsd"), baseline=22.0) == draw("p-1", "ptsd", baseline_phq9=22)


def test_given_an_unknown_preset_or_an_impossible_score_when_drawn_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="preset must be one of community, severe, trial, ptsd"):
        draw("p-1", "mild")
    with pytest.raises(ValueError, match="baseline_phq9 must be 0 to 27"):
        draw("p-1", "community", baseline_phq9=28)


def test_given_maintenance_for_a_year_when_planned_then_intervals_widen_to_about_eighteen_infusions() -> None:
    times = maintenance(END, END + 365 * DAY)
    intervals = [(later - earlier) / DAY for earlier, later in zip((END, *times), times, strict=False)]
    assert intervals == sorted(intervals)
    assert intervals[0] == 7
    assert 21 <= intervals[-1] <= 28
    assert 17 <= len(times) <= 19


@pytest.mark.parametrize("language", LANGUAGES)
def test_given_a_language_when_its_words_are_read_then_none_is_missing(language: Language) -> None:
    p = parameters()
    words = p.words[language]
    assert len(words.numbers) == len(p.keycaps) == len(p.faces) == 11
    assert set(words.danger) == {1, 2, 3}
    assert set(words.events) == set(p.rare_events.per_year)
    assert set(words.effects) == set(words.lasting_effects) == set(p.side_effects.effects)


def test_given_a_day_when_phq9_is_asked_item_by_item_then_the_answers_make_up_that_days_reading() -> None:
    person = a_person(item9_baseline=1, item9_improved=0)
    told = []
    for item in range(1, 10):
        reply = ask(replace(person, propensity=1.0), f"phq9:{item}", at=END + 9 * DAY + timedelta(minutes=item))
        told.append(reply)
    numbers = [
        int("".join(filter(str.isdecimal, reply.text)))
        for reply in told
        if reply and any(map(str.isdecimal, reply.text))
    ]
    assert all(0 <= number <= 3 for number in numbers)
    truth = true_phq9(person, SERIES, END + 9 * DAY)
    assert sum(numbers) == pytest.approx(truth, abs=8)
    assert numbers[-1] == 0


def test_given_effects_that_are_over_when_asked_whether_they_last_then_the_digit_for_no_is_sent() -> None:
    gone = [
        ask(person, "still_there", at=SERIES[0] + 9 * DAY, infusions=SERIES[:1]) for person in people("community", 60)
    ]
    assert {reply.text.strip(" .!") for reply in gone if reply} & {"1"}
