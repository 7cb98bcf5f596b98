"""What an answer changes: the survey it belongs to, the scores it completes, and who must hear of it.

An answer is acted on the moment it is given, not when its survey ends: a low mood, item 9 of PHQ-9 and side effects
that last are told at once.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from followup.domain import calendar, survey
from followup.domain.alerts import SEVERITY, raise_alert
from followup.domain.clinic import ClinicSettings
from followup.domain.flags import STANDING, raise_flag
from followup.domain.instruments import Instruments, Total
from followup.domain.records import (
    Alert,
    Answer,
    AnyRecord,
    Chart,
    CheckIn,
    Flag,
    FlagGroup,
    Next,
    Patient,
    Question,
    Score,
    ScoreInstrument,
)
from followup.domain.scoring import ITEM9_RULE, Concern, concern
from followup.domain.script import Script
from followup.domain.side_effects import Judgement, Severity, Windows, judge
from followup.domain.survey import Flow, Known

ITEM8: Question = "phq9:8"
ITEM9: Question = "phq9:9"
"""Thoughts of being better off dead, or of self-harm."""

LASTS = "side_effect_past_window"
"""The rule of the alert on a side effect that is still there when its window is over."""

_MOODS_KEPT = 4
SIDE_EFFECTS: tuple[Question, ...] = ("side_effects", "which_effects", "how_bad", "still_there")
"""The question about them, and those that follow on "some"."""
SIDE_EFFECT_RULES = ("side_effect_in_words", "side_effect_reported", "side_effect_lasts", "side_effect_holds")
_MILD = 0
_LOOKED_AT_ONCE = ("phq2", "phq9", "gad2", "gad7", "pain", "target")
"""Instruments that booster rules are held against: the patient is looked at again when one is complete."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written for an answer beside the text that gave it.

    `crisis`: the patient gets the crisis text. `to_watch`: side effects that are mild, inside their window and not said
    to be over, so that the patient hears when to call.
    """

    checkin: CheckIn
    writes: tuple[AnyRecord, ...]
    alert: Alert | None = None
    crisis: bool = False
    to_watch: bool = False


def record(
    answers: Iterable[Answer],
    checkin: CheckIn,
    chart: Chart,
    patient: Patient,
    settings: ClinicSettings,
    script: Script,
    *,
    trigger: str,
    unclear_words: bool,
    now: datetime,
) -> Outcome:
    """Put answers of one text into their check-in, in the place of earlier ones to the same questions.

    `trigger` is the id of the text, which an alert counts once. `unclear_words`: the text says more than was read, so
    side effects in it are never taken for mild.
    """
    known = known_of(patient, now)
    updated = checkin
    given: list[Answer] = []
    for answer in answers:
        updated = survey.record(updated, answer, script.flow, known)
        given.append(answer)
    touched = {answer.question for answer in given}
    scores = _scores(updated, touched, chart, script.instruments)
    changed = _patient_after(patient, checkin, updated, scores, touched & set(script.flow.now_and_then), now)
    # A value that is taken back is none of the answers that the new one is held against.
    earlier = replace(patient, recent_moods=_moods_before(patient, checkin))
    concerns = [found for score in scores if (found := concern(score.instrument, score.value, earlier))]
    flags: list[Flag] = []
    to_watch = False
    if touched & set(SIDE_EFFECTS) and _has_effects(updated):
        judgement = _judged(updated, chart, script.windows, settled=_side_effects_complete(updated))
        mild = judgement.verdict == "expected" and not unclear_words
        to_watch = mild and bool(_effects(updated)) and _still_there(updated) is not False
        flags.extend(_side_effect_flags(chart, patient, updated, judgement, mild, now))
        if judgement.verdict == "same_day":
            concerns.append(Concern("same_day", LASTS))
    elif touched & set(SIDE_EFFECTS):
        flags.extend(_taken_back(chart, SIDE_EFFECT_RULES, updated, now))
    for consequence in script.flow.consequences:
        value = survey.values(updated).get(consequence.question)
        if consequence.question not in touched or value is None:
            continue
        if value < consequence.least:
            if not _called_for(consequence.rule, updated, script.flow):
                flags.extend(_taken_back(chart, (consequence.rule,), updated, now))
            continue
        if consequence.level is not None:
            concerns.append(Concern(consequence.level, consequence.rule))
        if consequence.group is not None:
            about = updated.checkin_id
            flags.append(raise_flag(chart, patient, consequence.group, consequence.rule, now, about=about))
    alert = _alert(concerns, chart, patient, settings, trigger, now)
    # Two answers may call for the same flag.
    writes: list[AnyRecord] = [*scores, *{flag.flag_id: flag for flag in flags}.values()]
    if changed != patient or alert is not None:
        # Also unchanged: a routine text that is being claimed on an older reading of the patient fails.
        writes.append(changed)
    if alert is not None:
        writes.append(alert)
    crisis = any(found.rule == ITEM9_RULE for found in concerns)
    return Outcome(updated, tuple(writes), alert, crisis, to_watch)


def unfinished(
    checkin: CheckIn, chart: Chart, patient: Patient, settings: ClinicSettings, script: Script, now: datetime
) -> tuple[AnyRecord, ...]:
    """What a check-in that closes half answered still says: prorated totals, and side effects of unknown end."""
    writes: list[AnyRecord] = list(prorated(checkin, chart, script.instruments))
    if _has_effects(checkin) and not _side_effects_complete(checkin):
        judgement = _judged(checkin, chart, script.windows, settled=True)
        writes.extend(_side_effect_flags(chart, patient, checkin, judgement, mild=False, now=now))
        if judgement.verdict == "same_day":
            concerns = [Concern("same_day", LASTS)]
            alert = _alert(concerns, chart, patient, settings, f"{checkin.checkin_id}.side_effects", now)
            writes.extend([alert, patient] if alert else [])
    return tuple(writes)


def prorated(checkin: CheckIn, chart: Chart, instruments: Instruments) -> tuple[Score, ...]:
    """The totals that a survey makes which ends short of one or two answers; none of those that stand already."""
    standing = {score.instrument for score in _stored(chart, checkin)}
    return tuple(
        _score(checkin, kind, items, reached)
        for kind, items, reached in _totals(checkin, instruments)
        if reached.prorated and kind not in standing
    )


def known_of(patient: Patient, now: datetime) -> Known:
    """What branches ask about a patient."""
    references = {"phq2": patient.phq2_reference} if patient.phq2_reference is not None else {}
    return Known(calendar.local(now, patient.zone).date(), references, dict(patient.filled_on))


def _side_effect_flags(
    chart: Chart, patient: Patient, checkin: CheckIn, judgement: Judgement, mild: bool, now: datetime
) -> tuple[Flag, ...]:
    """The flag on the side effects of one check-in, and the end of those that said less of the same.

    A note if all is named, mild and expected; otherwise for review.
    """
    effects = _effects(checkin)
    named = ", ".join(effect.replace("_", " ") for effect in effects)
    rule = "side_effect_reported" if named else "side_effect_in_words"
    if judgement.verdict == "same_day":
        rule = "side_effect_lasts"
    elif judgement.hold:
        rule = "side_effect_holds"
    group: FlagGroup = "note" if mild and not judgement.hold else "review"
    numbers = (("effects", named),) if named else ()
    flag = raise_flag(chart, patient, group, rule, now, about=checkin.checkin_id, numbers=numbers)
    earlier = _taken_back(chart, SIDE_EFFECT_RULES, checkin, now)
    return (flag, *(held for held in earlier if held.flag_id != flag.flag_id))


def _taken_back(chart: Chart, rules: Collection[str], checkin: CheckIn, now: datetime) -> tuple[Flag, ...]:
    """The end of flags by these rules on the answers of a check-in, which say something else by now."""
    stems = {f"{rule}.{checkin.checkin_id}" for rule in rules}
    return tuple(
        replace(held, changed=now).into("withdrawn", "more was said", now)
        for held in chart.flags
        if held.flag_id.partition("@")[0] in stems and held.status in STANDING
    )


def _called_for(rule: str, checkin: CheckIn, flow: Flow) -> bool:
    """Whether any answer of the check-in calls for this rule."""
    given = survey.values(checkin)
    return any(given.get(each.question, -1) >= each.least for each in flow.consequences if each.rule == rule)


# --- scores -----------------------------------------------------------------------------------------------------


def _scores(checkin: CheckIn, touched: set[Question], chart: Chart, instruments: Instruments) -> tuple[Score, ...]:
    """The scores that these answers complete or correct; item 9 of PHQ-9 is one by itself."""
    found: list[Score] = []
    given = survey.values(checkin)
    if ITEM9 in touched and ITEM9 in given:
        found.append(_score(checkin, "phq9_item9", (ITEM9,), Total(given[ITEM9], prorated=False, missing=0)))
    for kind, items, reached in _totals(checkin, instruments):
        if not reached.prorated and touched & set(items):
            found.append(_score(checkin, kind, items, reached))
    return tuple(_renewed(chart, score) for score in found)


def _totals(
    checkin: CheckIn, instruments: Instruments
) -> Iterator[tuple[ScoreInstrument, tuple[Question, ...], Total]]:
    """The totals that the answers so far make, of the instruments that the check-in asks in full."""
    carried = {answer.question: answer.value for answer in checkin.carried if answer.value is not None}
    asked = {*checkin.questions, *(answer.question for answer in checkin.carried)}
    for instrument in instruments.all:
        if instrument.score is None or not asked.issuperset(instrument.items):
            continue
        reached = instruments.total(instrument.code, carried | survey.values(checkin))
        if reached is not None:
            yield instrument.score, instrument.items, reached


def _score(checkin: CheckIn, instrument: ScoreInstrument, items: tuple[Question, ...], reached: Total) -> Score:
    return Score(
        patient_id=checkin.patient_id,
        instrument=instrument,
        value=reached.value,
        at=survey.given_at(checkin, items),
        origin="reply",
        checkin_id=checkin.checkin_id,
        prorated=reached.prorated,
    )


def _stored(chart: Chart, checkin: CheckIn) -> tuple[Score, ...]:
    return tuple(score for score in chart.scores if score.checkin_id == checkin.checkin_id)


def _renewed(chart: Chart, score: Score) -> Score:
    """The stored score with the corrected value, if this one corrects it, or completes a prorated one."""
    held = next(
        (
            stored
            for stored in chart.scores
            if stored.instrument == score.instrument
            and (stored.at == score.at or (stored.prorated and stored.checkin_id == score.checkin_id))
        ),
        None,
    )
    if held is None:
        return score
    return replace(held, value=score.value, prorated=score.prorated, before=(*held.before, held.value))


def _patient_after(
    patient: Patient,
    before: CheckIn,
    updated: CheckIn,
    scores: tuple[Score, ...],
    now_and_then: set[Question],
    now: datetime,
) -> Patient:
    changed = patient
    filled = dict(patient.filled_on)
    today = calendar.local(now, patient.zone).date()
    for score in scores:
        day = calendar.local(score.at, patient.zone).date()
        filled[score.instrument] = max(day, filled.get(score.instrument, day))
        if score.instrument == "mood":
            changed = replace(changed, recent_moods=(*_moods_before(patient, before), score.value)[-_MOODS_KEPT:])
        if score.instrument == "phq9_item9" and score.value >= 1:
            changed = replace(changed, item9_positive_on=max(day, patient.item9_positive_on or day))
        if score.instrument == "phq9" and updated.kind == "baseline" and patient.baseline_phq9 in (None, *score.before):
            changed = replace(changed, baseline_phq9=score.value)
        if score.instrument in _LOOKED_AT_ONCE and patient.status != "discharged":
            changed = replace(changed, next=Next("assess", now, "daily"))
    filled |= dict.fromkeys(now_and_then, today)
    filled.pop("mood", None)
    if filled != dict(patient.filled_on):
        changed = replace(changed, filled_on=tuple(sorted(filled.items())))
    return changed


def _moods_before(patient: Patient, checkin: CheckIn) -> tuple[int, ...]:
    """The patient's last moods without the one that this check-in holds."""
    held = survey.answer_to(checkin, "mood")
    return patient.recent_moods[:-1] if held is not None and held.value is not None else patient.recent_moods


# --- side effects -----------------------------------------------------------------------------------------------


def _effects(checkin: CheckIn) -> tuple[str, ...]:
    return tuple(dict.fromkeys(effect for answer in checkin.answers for effect in answer.effects))


def _has_effects(checkin: CheckIn) -> bool:
    return bool(_effects(checkin)) or survey.values(checkin).get("side_effects", 0) > 0


def _side_effects_complete(checkin: CheckIn) -> bool:
    answered = {answer.question for answer in checkin.answers}
    return all(question in answered for question in checkin.questions if question in SIDE_EFFECTS)


def _judged(checkin: CheckIn, chart: Chart, windows: Windows, *, settled: bool) -> Judgement:
    """Judge by all that was said; before all is `settled`, nothing is held to last that may yet be said to be over."""
    last = max(answer.at for answer in checkin.answers)
    still_there = _still_there(checkin)
    return judge(
        _effects(checkin),
        severity=_severity(checkin),
        still_there=still_there if settled or still_there is not None else False,
        said_at=last,
        ended=_ended(checkin, chart, last),
        windows=windows,
    )


def _severity(checkin: CheckIn) -> Severity | None:
    rated = survey.values(checkin).get("how_bad")
    if rated is not None:
        return "mild" if rated == _MILD else "strong"
    said = [answer.severity for answer in checkin.answers if answer.severity is not None]
    return "strong" if "strong" in said else said[-1] if said else None


def _still_there(checkin: CheckIn) -> bool | None:
    asked = survey.values(checkin).get("still_there")
    if asked is not None:
        return asked == 1
    said = [answer.still_there for answer in checkin.answers if answer.still_there is not None]
    return said[-1] if said else None


def _ended(checkin: CheckIn, chart: Chart, at: datetime) -> datetime | None:
    """The end of the infusion that the check-in follows, or else of the last one before these words."""
    sessions = chart.plan.sessions if chart.plan else ()
    ends = {s.session_id: s.end for s in sessions if s.status == "completed" and s.end <= at}
    if checkin.session_id in ends:
        return ends[checkin.session_id]
    return max(ends.values(), default=None)


def _alert(
    concerns: list[Concern], chart: Chart, patient: Patient, settings: ClinicSettings, trigger: str, now: datetime
) -> Alert | None:
    if not concerns:
        return None
    gravest = max(concerns, key=lambda found: SEVERITY[found.level])
    return raise_alert(
        chart.open_alert,
        clinic_id=patient.clinic_id,
        thread=patient.thread,
        level=gravest.level,
        rule=gravest.rule,
        trigger=trigger,
        settings=settings,
        now=now,
    )
