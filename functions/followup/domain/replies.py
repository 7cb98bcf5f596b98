"""What a patient's text means: an answer to the open question, a late one, or words that a person should see."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain import alerts, calendar
from followup.domain.attempt import claimed_at
from followup.domain.checkin import Place, close_unfinished, place
from followup.domain.clinic import ClinicSettings
from followup.domain.flags import raise_flag
from followup.domain.outgoing import compose
from followup.domain.reading import Reading, ReadingWords, read
from followup.domain.records import (
    Alert,
    Answer,
    AnyRecord,
    Chart,
    CheckIn,
    Decision,
    Flag,
    FlagGroup,
    Incoming,
    Next,
    Patient,
    Question,
    Score,
    Text,
)
from followup.domain.safety import level_of_mood
from followup.domain.wording import Texts

_LINE_EVERY = timedelta(minutes=30)
_LATE_WITHIN = timedelta(days=7)
_MOODS_KEPT = 4
_MOMENT = timedelta(seconds=1)
_UNSURE_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading needs beside the records."""

    settings: ClinicSettings
    texts: Texts
    words: ReadingWords


def on_text(incoming: Incoming, chart: Chart, reader: Reader, now: datetime) -> Decision:
    """Read one stored text and decide on records and reply. The screen for danger has been passed already."""
    if incoming.status != "unread":
        return Decision("read already")
    patient = chart.patient
    if chart.open_alert is not None:
        return _during_alert(incoming, chart, patient, chart.open_alert, reader, now)
    if patient is None:
        return Decision("unknown number", (incoming.into("read", "unknown number", now),))
    unsure = _leaving(incoming, chart, now)
    if unsure is not None:
        waiting = replace(incoming, next=Next("read", unsure + _MOMENT, "replies"))
        return Decision("waits until it is known what was asked", (waiting,))
    spot = place(chart, incoming.received)
    if spot is not None and spot.late and incoming.received - spot.checkin.due > _LATE_WITHIN:
        spot = None
    question = spot.checkin.open_question if spot else None
    if spot is None or question is None:
        return _free_text(incoming, chart, patient, reader, now)
    reading = read(incoming.body, question, reader.words)
    if reading.confidence == "sure" or (question == "which_effects" and reading.reason not in _NO_WORDS):
        return _answered(incoming, chart, patient, spot, question, reading, reader, now)
    return _unclear(incoming, chart, patient, spot, question, reading, reader, now)


def _leaving(incoming: Incoming, chart: Chart, now: datetime) -> datetime | None:
    """When more is known of a question that may have left before this text came; none if there is no such question.

    Whoever answers within a minute may be answering a text of which we do not know yet that it was sent.
    """
    for text in chart.texts:
        if text.kind != "check_in" or text.status != "claimed" or text.next is None:
            continue
        if claimed_at(text) <= incoming.received and now - claimed_at(text) < _UNSURE_FOR:
            return max(text.next.at, now)
    return None


def unreadable(incoming: Incoming, chart: Chart, settings: ClinicSettings, now: datetime) -> Decision:
    """A text on which the reader itself broke: a person reads it the same day, and the next text is not held up."""
    alert = alerts.raise_alert(
        chart.open_alert,
        clinic_id=incoming.clinic_id,
        thread=incoming.thread,
        level="same_day",
        rule="text_not_readable",
        trigger=incoming.sid,
        settings=settings,
        now=now,
    )
    # The patient is written unchanged: a routine text that is being claimed on an older reading of it fails.
    patient = (chart.patient,) if chart.patient else ()
    unread = incoming.into("unreadable", "reader failed", now)
    return Decision("reader failed, staff alerted", (unread, alert, *patient))


_NO_WORDS = ("tapback", "auto-reply", "empty")


def _during_alert(
    incoming: Incoming, chart: Chart, patient: Patient | None, alert: Alert, reader: Reader, now: datetime
) -> Decision:
    """While an alert is open everything goes to its owner; the patient hears the automated line now and then."""
    joined = alerts.wrote_again(alert, incoming.sid, reader.settings, now)
    writes: list[AnyRecord] = [incoming.into("read", "joined the open alert", now), joined]
    spoken = any(text.kind in ("crisis", "answer") and now - text.created < _LINE_EVERY for text in chart.texts)
    if not spoken and patient is not None and patient.status != "opted_out":
        body = reader.texts.render("crisis.automated_line", patient.language)
        writes.append(_answer(incoming, patient, body, "line", now))
    return Decision("joined the open alert", tuple(writes))


def _answered(
    incoming: Incoming,
    chart: Chart,
    patient: Patient,
    spot: Place,
    question: Question,
    reading: Reading,
    reader: Reader,
    now: datetime,
) -> Decision:
    checkin = spot.checkin
    answer = Answer(question, reading.value, incoming.received, reading.side_effects, late=spot.late)
    questions = checkin.questions
    if question == "side_effects" and reading.value == 1 and not reading.side_effects:
        questions = (*questions, "which_effects")
    updated = replace(checkin, answers=(*checkin.answers, answer), questions=questions, asked_again=False)
    writes: list[AnyRecord] = [incoming.into("read", f"answered {question}", now)]
    if question == "mood" and reading.value is not None:
        writes.extend(_mood(incoming, chart, patient, checkin, reading.value, reader, now))
    following = updated.open_question
    if following is not None and any(isinstance(record, Alert) for record in writes):
        updated = close_unfinished(updated, "stopped: an alert is open", now)
    elif following is None:
        updated = updated.into("answered", "answered late" if spot.late else "answered", now)
    elif spot.late:
        updated = updated.into("partly_answered", "answered late", now)
    else:
        updated = updated.into("answering", f"answered {question}", now, then=checkin.next)
    writes.append(updated)
    flag = _side_effects(chart, patient, updated, question, reading, now)
    writes.extend([flag] if flag else [])
    if patient.status != "opted_out":
        alerted = any(isinstance(record, Alert) for record in writes)
        writes.append(_reply(incoming, patient, updated, spot, flag, alerted, reader, now))
    return Decision(f"answered {question}", tuple(writes))


def _mood(
    incoming: Incoming,
    chart: Chart,
    patient: Patient,
    checkin: CheckIn,
    value: int,
    reader: Reader,
    now: datetime,
) -> list[AnyRecord]:
    score = Score(
        patient_id=patient.patient_id,
        instrument="mood",
        value=value,
        at=incoming.received,
        origin="reply",
        checkin_id=checkin.checkin_id,
    )
    known = replace(patient, recent_moods=(*patient.recent_moods, value)[-_MOODS_KEPT:])
    writes: list[AnyRecord] = [score, known]
    level = level_of_mood(value, patient.recent_moods)
    if level is not None:
        writes.append(
            alerts.raise_alert(
                chart.open_alert,
                clinic_id=patient.clinic_id,
                thread=patient.thread,
                level=level,
                rule="low_mood",
                trigger=incoming.sid,
                settings=reader.settings,
                now=now,
            )
        )
    return writes


def _side_effects(
    chart: Chart, patient: Patient, checkin: CheckIn, question: Question, reading: Reading, now: datetime
) -> Flag | None:
    reported = (question == "side_effects" and reading.value == 1 and bool(reading.side_effects)) or (
        question == "which_effects"
    )
    if not reported:
        return None
    named = ", ".join(effect.replace("_", " ") for effect in reading.side_effects)
    numbers = (("effects", named),) if named else ()
    rule = "side_effect_reported" if named else "side_effect_in_words"
    group: FlagGroup = "note" if _mild(reading) else "review"
    return raise_flag(chart, patient, group, rule, now, about=checkin.checkin_id, numbers=numbers)


def _mild(reading: Reading) -> bool:
    """Named, not called strong, and nothing else said: only then may the patient hear what to do if it lasts."""
    return bool(reading.side_effects) and reading.severity != "strong" and not reading.more_said


def _reply(
    incoming: Incoming,
    patient: Patient,
    checkin: CheckIn,
    spot: Place,
    flag: Flag | None,
    alerted: bool,
    reader: Reader,
    now: datetime,
) -> Text:
    following = None if spot.late else checkin.open_question
    if alerted:
        following, body = None, reader.texts.render("crisis.automated_line", patient.language)
    elif following is not None:
        body = reader.texts.render(f"ask.{following}", patient.language)
    elif flag is not None and flag.group == "note":
        body = reader.texts.render("thanks.side_effect", patient.language, phone=reader.settings.phone)
    else:
        body = reader.texts.render("thanks", patient.language)
    return _answer(incoming, patient, body, following or "thanks", now)


def _unclear(
    incoming: Incoming,
    chart: Chart,
    patient: Patient,
    spot: Place,
    question: Question,
    reading: Reading,
    reader: Reader,
    now: datetime,
) -> Decision:
    """Ask again once, kindly; unclear a second time, a person reads it and the patient is thanked."""
    if reading.reason in _NO_WORDS:
        return Decision(reading.reason, (incoming.into("read", reading.reason, now),))
    checkin = spot.checkin
    if not spot.late and not checkin.asked_again:
        again = replace(checkin, asked_again=True).into(
            checkin.status, f"asked again: {reading.reason}", now, then=checkin.next
        )
        writes: list[AnyRecord] = [incoming.into("read", "unclear, asked again", now), again]
        if patient.status != "opted_out":
            body = reader.texts.render(f"again.{question}", patient.language)
            writes.append(_answer(incoming, patient, body, f"again.{question}", now))
        return Decision("unclear, asked again", tuple(writes))
    flag = raise_flag(chart, patient, "review", "unreadable_reply", now, about=checkin.checkin_id)
    writes = [incoming.into("read", "unclear, shown to staff", now), flag]
    if not spot.late:
        writes.append(checkin.into("partly_answered", "unclear twice, shown to staff", now))
    if patient.status != "opted_out":
        writes.append(_answer(incoming, patient, reader.texts.render("thanks", patient.language), "thanks", now))
    return Decision("unclear, shown to staff", tuple(writes))


def _free_text(incoming: Incoming, chart: Chart, patient: Patient, reader: Reader, now: datetime) -> Decision:
    """Nothing was asked: the words are kept and shown to staff; at night the patient hears once that nobody reads."""
    day = calendar.local(incoming.received, patient.zone).date().isoformat()
    flag = raise_flag(chart, patient, "review", "wrote_free_text", now, about=day)
    writes: list[AnyRecord] = [incoming.into("read", "free text, shown to staff", now), flag]
    if patient.status == "opted_out":
        return Decision("free text, shown to staff", tuple(writes))
    if calendar.open_at(reader.settings, now):
        spoken = timedelta(hours=12)
        body = reader.texts.render("thanks", patient.language)
    else:
        spoken = timedelta(hours=14)
        body = reader.texts.render(
            "night", patient.language, sms_name=reader.settings.sms_name, phone=reader.settings.phone
        )
    if not any(text.kind == "answer" and text.body == body and now - text.created < spoken for text in chart.texts):
        writes.append(_answer(incoming, patient, body, "noted", now))
    return Decision("free text, shown to staff", tuple(writes))


def _answer(incoming: Incoming, patient: Patient, body: str, purpose: str, now: datetime) -> Text:
    return compose(
        thread=patient.thread,
        clinic_id=patient.clinic_id,
        kind="answer",
        to=incoming.phone,
        body=body,
        purpose=f"{purpose}-{incoming.sid[-8:]}",
        now=now,
    )
