"""Who may be due for a booster, and why. Each rule says what it finds; a clinician decides.

PHQ-9 runs from 0 to 27, 27 worst. Terms: `base` is the PHQ-9 before the first infusion, `ref` the mean of the two
readings after the series, `gain` = base - ref. A reading counts from the seventh day after an infusion, because an
earlier one measures that infusion. Five points are a change in one person (Loewe et al., Med Care 2004).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from followup.domain import requests
from followup.domain.calendar import at_local
from followup.domain.clinic import BoosterThresholds, ClinicSettings
from followup.domain.findings import SESSION_BOOKED, SESSION_RECORDED, Case, Finding, Verdict, settle
from followup.domain.flags import STANDING
from followup.domain.records import AnyRecord, Chart, Decision, Flag, Next, Plan, Score, ScoreInstrument

DAY_7: Final = range(4, 11)
"""Days after the last infusion of the series on which a reading counts as the one of day 7; the first one is taken."""
DAY_14: Final = range(11, 21)
"""The same for day 14. Both ranges together end where a single reading has to do."""
ONE_SCORE_FROM: Final = 21
"""From this day on one of the two readings is enough; the flag then says so."""
MEASURES_THE_INFUSION: Final = 7
"""Days after an infusion in which readings, and dates that the plan does not name, are too early to act on."""
RESPONSE: Final = 0.25
"""Least share of `base` gained for rules on the loss of it; below, the question is the plan, not a booster."""
FULL_RESPONSE: Final = 0.5
ASKED_AFTER: Final = timedelta(days=3)
_FRIDAY: Final = 4
ASKED_AT: Final = time(10)
"""When the confirming PHQ-9 is due: three days on, clinic time; Friday to Sunday move to Monday."""
LOOKS_AT: Final = time(5)
"""Clinic-local time of the daily assessment, before any digest."""


def assess(chart: Chart, settings: ClinicSettings, now: datetime) -> Decision:
    """Hold every rule against a patient's history, ask for the PHQ-9 that they wait for, and set when to look again.

    Assessing again without news changes nothing. Records dated after `now` are not looked at.
    """
    patient = chart.patient
    if patient is None:
        return Decision("no such patient")
    case = Case.of(chart, patient, settings, now)
    gone = patient.status == "discharged"
    writes: list[AnyRecord] = []
    for rule in RULES:
        verdict = rule(case)
        if gone:
            verdict = Verdict(verdict.family, None, "withdrawn", "patient was discharged")
        writes.extend(settle(verdict, case))
    reason = "flags changed" if writes else "nothing changed"
    then = None if gone else Next("assess", _next_look(case), "daily")
    known = replace(patient, next=then, phq2_reference=phq2_reference(case))
    if known != patient:
        writes.append(known)
    if chart.plan is not None and not gone:
        writes.extend(_requests(case, chart.plan))
    return Decision(reason, tuple(writes))


def _requests(case: Case, plan: Plan) -> tuple[Plan, ...]:
    """The plan with the surveys that are asked for now, to be planned at once; nothing if it has them."""
    renewed = requests.renewed(plan, _to_confirm(case), requests.early_drift(case, plan), case.today)
    if renewed is plan:
        return ()
    return (replace(renewed, next=Next("extend", case.now, "daily")),)


def phq2_reference(case: Case) -> float | None:
    """Mean of PHQ-2 on days 7 and 14 after the series, against which a later one is held; one of them will do."""
    ended = case.course.series_ended_at
    if ended is None:
        return case.patient.phq2_reference
    taken = _of_days_7_and_14(case, "phq2", ended)
    return sum(score.value for score in taken) / len(taken) if taken else None


# --- rule A: loss of gain ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """The gain of a series, and the line above which it counts as lost."""

    base: int
    ref: float
    one_score: bool
    thresholds: BoosterThresholds

    @property
    def gain(self) -> float:
        return self.base - self.ref

    @property
    def responded(self) -> bool:
        return self.gain >= RESPONSE * self.base

    def met_by(self, score: float) -> bool:
        """Enough of the gain is lost, and the change is more than noise."""
        lost = score - self.ref
        return lost >= self.thresholds.loss_of_gain * self.gain and lost >= self.thresholds.least_change

    def lost(self, score: float) -> int:
        """Share of the gain that is lost at this score, in percent."""
        return round(100 * (score - self.ref) / self.gain)


@dataclass(frozen=True, slots=True)
class Watch:
    """What the readings after the reference have shown so far; `seen` takes the next one.

    `since` began the loss, `first` is the reading to confirm, `second` confirmed it, `shown` is the reading that the
    flag names. Once shown, a loss ends only with a reading below the line.
    """

    line: Line
    before: Score | None = None
    since: Score | None = None
    first: Score | None = None
    second: Score | None = None
    shown: Score | None = None

    def seen(self, reading: Score, days: int | None) -> "Watch":
        """The next reading, this many days after `first` (None without one)."""
        watch = replace(self, line=self._lowered(reading), before=reading)
        above = watch.line.met_by(reading.value)
        if watch.first is None or days is None:
            return replace(watch, since=reading, first=reading, shown=reading) if above else watch
        if watch.second is not None:
            return watch._worse(reading) if above else watch.cleared()
        thresholds = watch.line.thresholds
        if days < thresholds.confirm_from_days:
            return watch
        if days > thresholds.confirm_to_days:
            return replace(watch, first=reading, shown=reading) if above else watch.cleared()
        mean = (watch.first.value + reading.value) / 2
        return replace(watch, second=reading, shown=reading) if watch.line.met_by(mean) else watch.cleared()

    def cleared(self) -> "Watch":
        return Watch(self.line, self.before)

    def _lowered(self, reading: Score) -> Line:
        """The reference moves only down: to the mean of two readings running that are both clearly better."""
        line = self.line
        better = line.ref - line.thresholds.least_change
        if self.before is None or self.before.value > better or reading.value > better:
            return line
        return replace(line, ref=(self.before.value + reading.value) / 2, one_score=False)

    def _worse(self, reading: Score) -> "Watch":
        """Only a reading that differs clearly from the one shown is news."""
        shown = self.shown
        news = shown is None or abs(reading.value - shown.value) >= self.line.thresholds.least_change
        return replace(self, shown=reading) if news else self


def loss_of_gain(case: Case) -> Verdict:
    """Rule A: at least half of the gain lost and 5 points, confirmed by the next PHQ-9 2 to 10 days later.

    The mean of the two readings must meet both. Silent for 72 hours after the confirmation was due, it is shown as
    unconfirmed. Off without an intake score, with one below 10, and with a gain below a quarter of it.
    """
    family = "rule_a"
    standing = case.standing(family)
    if standing is not None and _infused_since_loss(case, standing):
        return Verdict(family, None, "done", SESSION_RECORDED)
    watch = _watch(case)
    if watch is None or not watch.line.responded:
        return Verdict(family, None, because="rule is off")
    if watch.since is None or watch.first is None or watch.shown is None:
        return Verdict(family, None, because="a later score is below the line")
    about = case.day(watch.since.at).isoformat()
    if _newly_booked(case, family, about):
        return Verdict(family, None, "done", SESSION_BOOKED)
    if watch.second is None and watch.first is watch.since and case.now < _unanswered_at(case, watch.first):
        return Verdict(family, None, because="waits to be confirmed")
    return Verdict(family, _loss(case, watch, watch.shown, about))


def _loss(case: Case, watch: Watch, shown: Score, about: str) -> Finding:
    line, first, second = watch.line, watch.first, watch.second
    at_confirmation = first is not None and shown is second
    judged, said = float(shown.value), str(shown.value)
    if first is not None and at_confirmation:
        judged, said = (first.value + shown.value) / 2, f"{first.value} and {shown.value}"
    numbers = [
        ("base", str(line.base)),
        ("ref", f"{line.ref:g}"),
        ("score", said),
        ("lost", str(line.lost(judged))),
        ("since", about),
    ]
    if second is not None:
        numbers.append(("confirmed", case.day(second.at).isoformat()))
    else:
        numbers.append(("hours", str(line.thresholds.unconfirmed_after_hours)))
    if line.one_score:
        numbers.append(("reference", "one_score"))
    if line.gain < FULL_RESPONSE * line.base:
        numbers.append(("response", "partial"))
    if case.booked is not None:
        numbers.append(("booked", case.day(case.booked.start).isoformat()))
    rule = "rule_a_unconfirmed" if second is None else "rule_a"
    return _unless_held(case, Finding(about=about, rule=rule, group="booster", numbers=tuple(numbers)))


def _watch(case: Case) -> Watch | None:
    """What the readings say up to now, or none while rule A is off: no gain is known that could be lost."""
    line = _line(case)
    if line is None:
        return None
    watch = Watch(line.line)
    for reading in case.readings("phq9"):
        if reading.at <= line.known_at or _measures_an_infusion(case, reading):
            continue
        if watch.since is not None and _infused_between(case, watch.since.at, reading.at):
            watch = watch.cleared()
        days = None if watch.first is None else (case.day(reading.at) - case.day(watch.first.at)).days
        watch = watch.seen(reading, days)
    if watch.since is not None and _infused_between(case, watch.since.at, case.now):
        watch = watch.cleared()
    return watch


@dataclass(frozen=True, slots=True)
class _Known:
    line: Line
    known_at: datetime
    """The last reading that the reference rests on."""


def _line(case: Case) -> _Known | None:
    base = baseline(case)
    thresholds = case.settings.booster
    if base is None or base < thresholds.baseline_floor or case.course.phase != "after":
        return None
    series_over = case.course.series_ended_at
    if series_over is None:
        return None
    taken = _of_days_7_and_14(case, "phq9", series_over)
    if not taken or (len(taken) == 1 and (case.today - case.day(series_over)).days < ONE_SCORE_FROM):
        return None
    ref = sum(score.value for score in taken) / len(taken)
    return _Known(Line(base, ref, len(taken) == 1, thresholds), taken[-1].at)


def _of_days_7_and_14(case: Case, instrument: ScoreInstrument, series_over: datetime) -> list[Score]:
    """The first reading of each of the two; either may be missing."""
    days = {score: (case.day(score.at) - case.day(series_over)).days for score in case.readings(instrument)}
    found = [
        next((score for score, day in days.items() if day in window and score.at > series_over), None)
        for window in (DAY_7, DAY_14)
    ]
    return [score for score in found if score is not None]


def baseline(case: Case) -> int | None:
    """PHQ-9 from intake, else the last one before the first infusion."""
    if case.patient.baseline_phq9 is not None:
        return case.patient.baseline_phq9
    if not case.infusions:
        return None
    before = [score.value for score in case.readings("phq9") if score.at < case.infusions[0].start]
    return before[-1] if before else None


def _measures_an_infusion(case: Case, reading: Score) -> bool:
    last = case.last_infusion_before(reading.at)
    return last is not None and (case.day(reading.at) - case.day(last.start)).days < MEASURES_THE_INFUSION


def _infused_between(case: Case, after: datetime, until: datetime) -> bool:
    return any(after < session.start <= until for session in case.infusions)


def _infused_since_loss(case: Case, flag: Flag) -> bool:
    since = date.fromisoformat(dict(flag.numbers)["since"])
    return bool(case.infusions) and case.day(case.infusions[-1].start) >= since


def _to_confirm(case: Case) -> date | None:
    """The day on which PHQ-9 is asked to confirm a loss of gain; none while there is no loss to confirm.

    With a visit soon there is none either: PHQ-9 is then asked once before it.
    """
    watch = _watch(case)
    if watch is None or not watch.line.responded or watch.first is None or watch.second is not None:
        return None
    if watch.first is not watch.since or case.now >= _unanswered_at(case, watch.first):
        return None
    if _newly_booked(case, "rule_a", case.day(watch.first.at).isoformat()):
        return None
    return _confirmed_on(case, watch.first)


def _confirmed_on(case: Case, first: Score) -> date:
    day = case.day(first.at + ASKED_AFTER)
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= _FRIDAY else day


def _unanswered_at(case: Case, first: Score) -> datetime:
    """When the silence on the confirming PHQ-9 is long enough to show the loss unconfirmed."""
    due = at_local(_confirmed_on(case, first), ASKED_AT, case.settings.zone)
    return due + timedelta(hours=case.settings.booster.unconfirmed_after_hours)


def _newly_booked(case: Case, family: str, about: str) -> bool:
    """A visit soon, or one that was not in the book when the flag was raised, answers it.

    A visit that was booked far ahead before the loss does not: the flag names it, and a person decides whether it has
    to come forward.
    """
    if case.booked is None:
        return False
    day = case.day(case.booked.start)
    if (day - case.today).days <= case.settings.booster.planned_within_days:
        return True
    flag = case.standing(family) or case.flag(f"{family}.{about}")
    if flag is None:
        return False
    noted = dict(flag.numbers).get("booked")
    return noted is None or day < date.fromisoformat(noted)


# --- response to the series, and the score that everything rests on ---------------------------------------------


def little_response(case: Case) -> Verdict:
    """Gain below a quarter of the intake score: more of the same rarely helps, so a person reviews the plan, once."""
    family = "non_responder"
    watch = _watch(case)
    if watch is None or watch.line.responded:
        return Verdict(family, None)
    numbers = [("base", str(watch.line.base)), ("ref", f"{watch.line.ref:g}")]
    if watch.line.one_score:
        numbers.append(("reference", "one_score"))
    finding = Finding(about=_series(case), rule=family, group="review", numbers=tuple(numbers))
    return Verdict(family, finding)


def _series(case: Case) -> str:
    ended = case.course.series_ended_at
    return "series" if ended is None else case.day(ended).isoformat()


def intake_score(case: Case) -> Verdict:
    """Scores without one from intake are a task for the desk; an intake score below the floor is a note."""
    family = "intake_score"
    base, floor = baseline(case), case.settings.booster.baseline_floor
    if base is None and case.readings("phq9"):
        return Verdict(family, Finding(about="missing", rule="enter_baseline", group="desk"))
    if base is not None and base < floor and case.course.phase == "after":
        numbers = (("base", str(base)), ("floor", str(floor)))
        return Verdict(family, Finding(about="low", rule="baseline_too_low", group="note", numbers=numbers))
    return Verdict(family, None, "done", "intake score entered")


# --- rule E: planned date ---------------------------------------------------------------------------------------


def planned_date(case: Case) -> Verdict:
    """Rule E: nothing is booked though the plan's date is near.

    Without a date in the plan it is the clinic's interval after the last maintenance session.
    """
    family = "rule_e"
    standing = case.standing(family)
    if case.booked is not None:
        return Verdict(family, None, "done", SESSION_BOOKED)
    day = _next_planned(case)
    near = timedelta(days=case.settings.booster.planned_within_days)
    if day is not None and case.course.phase == "after" and case.today >= day - near:
        date_ = day.isoformat()
        finding = Finding(about=date_, rule=family, group="planned", numbers=(("date", date_),))
        return Verdict(family, _unless_held(case, finding))
    if standing is not None and case.infused_since(standing.born):
        return Verdict(family, None, "done", SESSION_RECORDED)
    return Verdict(family, None, because="no planned date is near")


def _next_planned(case: Case) -> date | None:
    last = case.day(case.infusions[-1].start) if case.infusions else None
    own = case.planned_booster
    near = timedelta(days=case.settings.booster.planned_within_days)
    if own is not None and (last is None or last < own - near):
        return own
    every = case.settings.maintenance_every_days
    if every is None or last is None or case.infusions[-1].series != "maintenance":
        return None
    if (case.today - last).days < MEASURES_THE_INFUSION:
        return None
    return last + timedelta(days=every)


RULES: Final[tuple[Callable[[Case], Verdict], ...]] = (
    loss_of_gain,
    little_response,
    intake_score,
    planned_date,
)
"""Every rule, each with its own family of flags."""


def _unless_held(case: Case, finding: Finding) -> Finding:
    """While an alert is open nobody is simply due: the flag stands under review and still says what it meets."""
    if not case.alert_open:
        return finding
    return replace(finding, group="review", numbers=(*finding.numbers, ("held", "open_alert")))


# --- when to look again -----------------------------------------------------------------------------------------


def _next_look(case: Case) -> datetime:
    """The next morning on which something can change: daily after the series or with a flag, else within a week."""
    tomorrow = case.today + timedelta(days=1)
    first = case.today if _morning(case, case.today) > case.now else tomorrow
    if case.course.phase == "after" or any(flag.status in STANDING for flag in case.flags):
        return _morning(case, first)
    monday = first + timedelta(days=-first.weekday() % 7)
    if case.course.phase == "before":
        return _morning(case, monday)
    by_itself = case.course.changes_at
    changes = [case.booked.end] if case.booked is not None else []
    changes += [by_itself] if by_itself is not None else []
    after = [case.day(change) + timedelta(days=1) for change in changes]
    return _morning(case, max(first, min((monday, *after))))


def _morning(case: Case, day: date) -> datetime:
    return at_local(day, LOOKS_AT, case.settings.zone)
