"""What a patient's text means: an answer to the open question, a correction, a late answer, or words for a person."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain import alerts, answers, calendar, survey
from followup.domain.answers import ITEM9, Outcome
from followup.domain.asking import Position
from followup.domain.attempt import claimed_at
from followup.domain.checkin import Place, close_unfinished, last_asked, place, visit_slots
from followup.domain.clinic import ClinicSettings
from followup.domain.flags import raise_flag
from followup.domain.outgoing import compose
from followup.domain.reading import Expectation, Reading, ReadingWords, read
from followup.domain.records import (
    Alert,
    Answer,
    AnyRecord,
    Chart,
    CheckIn,
    Decision,
    Flag,
    Incoming,
    Next,
    Patient,
    Question,
    Text,
)
from followup.domain.script import Script

LOW_MOOD = 3
"""A last mood answer up to this, or item 9 of PHQ-9 lately at 1 or more: words that nobody can place are urgent."""
LATELY = timedelta(days=14)

_LINE_EVERY = timedelta(minutes=30)
_LATE_WITHIN = timedelta(days=7)
_CORRECTED_WITHIN = timedelta(hours=2)
_ITEM9_WITHIN = timedelta(hours=4)
_MOMENT = timedelta(seconds=1)
_UNSURE_FOR = timedelta(minutes=10)

_WISHES: Mapping[str, str] = {
    "person": "asks_for_person",
    "booster": "asks_for_booster",
    "question": "asks_a_question",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading needs beside the records."""

    settings: ClinicSettings
    script: Script
    words: ReadingWords


@dataclass(frozen=True, slots=True)
class _Said:
    """One text with what it was read as, and where it belongs."""

    incoming: Incoming
    chart: Chart
    patient: Patient
    reading: Reading


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
    reading = read(incoming.body, _expected(question, reader), reader.words)
    said = _Said(incoming, chart, patient, reading)
    corrected = _correction(said, reader)
    if corrected is not None:
        return _recorded(said, corrected.spot, corrected.answers, reader, now, corrects=True)
    if spot is None or question is None:
        return _free_text(said, reader, now)
    given = _given(said, spot, question, reader)
    if given:
        return _recorded(said, spot, given, reader, now)
    return _unclear(said, spot, question, reader, now)


def _expected(question: Question | None, reader: Reader) -> Expectation | None:
    return reader.script.expects(question) if question is not None else None


def _leaving(incoming: Incoming, chart: Chart, now: datetime) -> datetime | None:
    """When more is known of a question that may have left before this text came; none if there is no such question.

    Whoever answers within a minute may be answering a text of which we do not know yet that it was sent.
    """
    for text in chart.texts:
        if text.kind not in ("check_in", "reminder") or text.status != "claimed" or text.next is None:
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


def _during_alert(
    incoming: Incoming, chart: Chart, patient: Patient | None, alert: Alert, reader: Reader, now: datetime
) -> Decision:
    """While an alert is open everything goes to its owner; the patient hears the automated line now and then."""
    joined = alerts.wrote_again(alert, incoming.sid, reader.settings, now)
    writes: list[AnyRecord] = [incoming.into("read", "joined the open alert", now), joined]
    spoken = any(text.kind in ("crisis", "answer") and now - text.created < _LINE_EVERY for text in chart.texts)
    if not spoken and patient is not None and patient.status != "opted_out":
        body = reader.script.texts.render("crisis.automated_line", patient.language)
        writes.append(_answer(incoming, patient, body, "line", now))
    return Decision("joined the open alert", tuple(writes))


# --- which questions a text answers -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Correction:
    spot: Place
    answers: tuple[Answer, ...]


def _correction(said: _Said, reader: Reader) -> _Correction | None:
    """An answer in the place of the one given last, if the text says that this one was wrong.

    "Sorry, meant 3" speaks of the last answer, not of a question that has been asked since. It counts for two hours.
    """
    held = last_asked(said.chart, said.incoming.received)
    last = survey.last_answer(held) if held is not None else None
    if not said.reading.correction or held is None or last is None:
        return None
    if said.incoming.received - last.at > _CORRECTED_WITHIN:
        return None
    reading = read(said.incoming.body, _expected(last.question, reader), reader.words)
    if reading.confidence != "sure" or reading.value is None or reading.value == last.value:
        return None
    answer = _one(last.question, reading, said.incoming, late=False)
    return _Correction(Place(held, late=False), (answer,))


def _given(said: _Said, spot: Place, question: Question, reader: Reader) -> tuple[Answer, ...]:
    """The answers in a text, that to the open question first; none if that one cannot be read.

    An answer to another question of the check-in counts when the text names what it is about ("mood 7, pain 3").
    Side effects named in passing answer the question about them, if it is to come.
    """
    reading = said.reading
    words_count = question_takes_words(question, reader) and not reading.automatic and said.incoming.body.strip()
    found: list[Answer] = []
    if reading.confidence == "sure" or words_count:
        found.append(_one(question, reading, said.incoming, late=spot.late))
    for topic, value in reading.others:
        other = reader.script.about(topic, among=spot.checkin.questions)
        if other is not None and other != question and survey.answer_to(spot.checkin, other) is None:
            found.append(Answer(other, value, said.incoming.received, late=spot.late))
    if found and question != "side_effects" and reading.side_effects and _to_come("side_effects", spot.checkin):
        found.append(_one("side_effects", replace(reading, value=1), said.incoming, late=spot.late))
    return tuple(found)


def _to_come(question: Question, checkin: CheckIn) -> bool:
    return question in checkin.questions and survey.answer_to(checkin, question) is None


def question_takes_words(question: Question, reader: Reader) -> bool:
    """Whether any words are an answer to this question."""
    return reader.script.questions.asked(question).form == "words"


def _one(question: Question, reading: Reading, incoming: Incoming, *, late: bool) -> Answer:
    still = None if reading.still_there is None else reading.still_there == "yes"
    return Answer(
        question, reading.value, incoming.received, reading.side_effects, late, reading.severity, still_there=still
    )


# --- what follows -----------------------------------------------------------------------------------------------


def _recorded(
    said: _Said, spot: Place, given: tuple[Answer, ...], reader: Reader, now: datetime, *, corrects: bool = False
) -> Decision:
    incoming, patient, reading = said.incoming, said.patient, said.reading
    reason = f"corrected {given[0].question}" if corrects else f"answered {given[0].question}"
    outcome = answers.record(
        given,
        spot.checkin,
        said.chart,
        patient,
        reader.settings,
        reader.script,
        trigger=incoming.sid,
        unclear_words=reading.more_said,
        now=now,
    )
    moved = _moved_on(outcome, spot, incoming, reason, now)
    wishes = _wishes(said, now)
    writes: list[AnyRecord] = [incoming.into("read", reason, now), *outcome.writes, *wishes, moved]
    if patient.status != "opted_out" or outcome.crisis:
        writes.append(_reply(said, moved, spot, outcome, reader, now))
    return Decision(reason, tuple(writes))


def _moved_on(outcome: Outcome, spot: Place, incoming: Incoming, reason: str, now: datetime) -> CheckIn:
    """The check-in in its next state, with what is due for it."""
    updated, following = outcome.checkin, outcome.checkin.open_question
    if updated.status in ("answered", "partly_answered") and not spot.late:
        return updated.into(updated.status, reason, now, then=updated.next)
    if following is not None and outcome.alert is not None:
        return close_unfinished(updated, "stopped: an alert is open", now)
    if following is None:
        return updated.into("answered", "answered late" if spot.late else "answered", now)
    if spot.late:
        return updated.into("partly_answered", "answered late", now)
    if following == ITEM9:
        return updated.into(
            "answering", reason, now, then=Next("look_in", incoming.received + _ITEM9_WITHIN, "routine")
        )
    return updated.into("answering", reason, now, then=updated.next)


def _reply(said: _Said, checkin: CheckIn, spot: Place, outcome: Outcome, reader: Reader, now: datetime) -> Text:
    patient, incoming = said.patient, said.incoming
    if outcome.crisis and outcome.alert is not None:
        return compose(
            thread=patient.thread,
            clinic_id=patient.clinic_id,
            kind="crisis",
            to=incoming.phone,
            body=reader.script.texts.render("crisis.self_harm", patient.language, sms_name=reader.settings.sms_name),
            purpose=f"crisis.self_harm-{patient.language}-{incoming.sid[-8:]}",
            alert_id=outcome.alert.alert_id,
            now=now,
        )
    following = checkin.open_question if checkin.status == "answering" and not spot.late else None
    if outcome.alert is not None:
        body = reader.script.texts.render("crisis.automated_line", patient.language)
    elif following is not None:
        body = _asks(following, checkin, patient, reader, "next")
    elif outcome.to_watch:
        body = reader.script.texts.render("thanks.side_effect", patient.language, phone=reader.settings.phone)
    else:
        body = reader.script.texts.render("thanks", patient.language)
    return _answer(incoming, patient, body, following or "thanks", now)


def _wishes(said: _Said, now: datetime) -> list[Flag]:
    """What the text asks of a person, whatever else it says; one flag a day for each kind of wish."""
    day = calendar.local(said.incoming.received, said.patient.zone).date().isoformat()
    return [
        raise_flag(said.chart, said.patient, "review", _WISHES[wish], now, about=day)
        for wish in said.reading.wants
        if wish in _WISHES
    ]


def _unclear(said: _Said, spot: Place, question: Question, reader: Reader, now: datetime) -> Decision:
    """Ask again once, with an example; unclear a second time, a person reads it and the patient is thanked.

    Words that are no attempt at an answer are shown to a person at once: this is the net under every detector.
    """
    incoming, patient, reading = said.incoming, said.patient, said.reading
    if reading.automatic or (not incoming.body.strip() and not incoming.media):
        return Decision(reading.reason, (incoming.into("read", reading.reason, now),))
    wishes = _wishes(said, now)
    in_words = reading.confidence == "none" and (reading.more_said or incoming.media > 0)
    if in_words and recently_low(patient, now):
        return _alerted(said, spot, reader, now)
    checkin = spot.checkin
    if not spot.late and not checkin.asked_again:
        again = replace(checkin, asked_again=True).into(
            checkin.status, f"asked again: {reading.reason}", now, then=checkin.next
        )
        writes: list[AnyRecord] = [incoming.into("read", "unclear, asked again", now), again, *wishes]
        if in_words:
            day = calendar.local(incoming.received, patient.zone).date().isoformat()
            writes.append(raise_flag(said.chart, patient, "review", "wrote_free_text", now, about=day))
        if patient.status != "opted_out":
            body = _asks(question, checkin, patient, reader, "again")
            if (
                in_words
                and not calendar.open_at(reader.settings, now)
                and not _night_said(said.chart, reader, patient, now)
            ):
                body = f"{_night(reader, patient)} {body}"
            writes.append(_answer(incoming, patient, body, f"again.{question}", now))
        return Decision("unclear, asked again", tuple(writes))
    if question == ITEM9 and not spot.late:
        return _alerted(said, spot, reader, now)
    flag = raise_flag(said.chart, patient, "review", "unreadable_reply", now, about=checkin.checkin_id)
    writes = [incoming.into("read", "unclear, shown to staff", now), flag, *wishes]
    if not spot.late:
        writes.append(checkin.into("partly_answered", "unclear twice, shown to staff", now))
    if patient.status != "opted_out":
        writes.append(_answer(incoming, patient, reader.script.texts.render("thanks", patient.language), "thanks", now))
    return Decision("unclear, shown to staff", tuple(writes))


def recently_low(patient: Patient, now: datetime) -> bool:
    """Whether the patient's last answers were low enough that words nobody can place are read the same day."""
    today = calendar.local(now, patient.zone).date()
    low_mood = bool(patient.recent_moods) and patient.recent_moods[-1] <= LOW_MOOD
    said = patient.item9_positive_on
    return low_mood or (said is not None and today - said <= LATELY)


def _alerted(said: _Said, spot: Place | None, reader: Reader, now: datetime) -> Decision:
    """Words that nobody can place from somebody who was low: a person reads them the same day."""
    incoming, patient = said.incoming, said.patient
    alert = alerts.raise_alert(
        said.chart.open_alert,
        clinic_id=patient.clinic_id,
        thread=patient.thread,
        level="same_day",
        rule="unclear_after_low_score",
        trigger=incoming.sid,
        settings=reader.settings,
        now=now,
    )
    writes: list[AnyRecord] = [incoming.into("read", "unclear after a low score, staff alerted", now), alert, patient]
    if spot is not None and not spot.late:
        writes.append(close_unfinished(spot.checkin, "stopped: an alert is open", now))
    if patient.status != "opted_out":
        body = reader.script.texts.render("crisis.automated_line", patient.language)
        writes.append(_answer(incoming, patient, body, "line", now))
    return Decision("unclear after a low score, staff alerted", tuple(writes))


def _free_text(said: _Said, reader: Reader, now: datetime) -> Decision:
    """Nothing was asked: the words are kept and shown to staff; at night the patient hears once that nobody reads."""
    incoming, patient, reading = said.incoming, said.patient, said.reading
    if reading.automatic or not (incoming.body.strip() or incoming.media):
        return Decision(reading.reason, (incoming.into("read", reading.reason, now),))
    if reading.thanks and not reading.more_said and not reading.wants:
        return Decision("thanks", (incoming.into("read", "thanks", now),))
    if recently_low(patient, now):
        return _alerted(said, None, reader, now)
    day = calendar.local(incoming.received, patient.zone).date().isoformat()
    flag = raise_flag(said.chart, patient, "review", "wrote_free_text", now, about=day)
    writes: list[AnyRecord] = [incoming.into("read", "free text, shown to staff", now), flag, *_wishes(said, now)]
    if patient.status == "opted_out":
        return Decision("free text, shown to staff", tuple(writes))
    if not calendar.open_at(reader.settings, now):
        body, spoken = _night(reader, patient), _night_said(said.chart, reader, patient, now)
    else:
        body = reader.script.texts.render("thanks", patient.language)
        spoken = _spoken(said.chart, body, timedelta(hours=12), now)
    if not spoken:
        writes.append(_answer(incoming, patient, body, "noted", now))
    return Decision("free text, shown to staff", tuple(writes))


def _night(reader: Reader, patient: Patient) -> str:
    settings = reader.settings
    return reader.script.texts.render("night", patient.language, sms_name=settings.sms_name, phone=settings.phone)


def _night_said(chart: Chart, reader: Reader, patient: Patient, now: datetime) -> bool:
    return _spoken(chart, _night(reader, patient), timedelta(hours=14), now)


def _spoken(chart: Chart, body: str, within: timedelta, now: datetime) -> bool:
    return any(t.kind == "answer" and t.body.startswith(body) and now - t.created < within for t in chart.texts)


def _asks(question: Question, checkin: CheckIn, patient: Patient, reader: Reader, position: Position) -> str:
    visit = visit_slots(checkin, patient, reader.script.texts) if question == "visit" else {}
    return reader.script.asks(question, checkin.questions, patient.language, position, **visit)


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
