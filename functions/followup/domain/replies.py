"""What a patient's text means: an answer to the open question, a correction, a late answer, or words for a person."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from followup.domain import alerts, answers, attribution, calendar, survey
from followup.domain.answers import ITEM9, Outcome, prorated
from followup.domain.asking import Position
from followup.domain.attempt import claimed_at
from followup.domain.attribution import Given, Reader, Said
from followup.domain.checkin import OPEN, Place, close_unfinished, place, visit_slots
from followup.domain.clinic import ClinicSettings
from followup.domain.flags import raise_flag
from followup.domain.outgoing import compose
from followup.domain.reading import Reading, read
from followup.domain.records import (
    Alert,
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
from followup.domain.splitting import GOES_ON, continued, goes_on, pause, resumed

LOW_MOOD = 3
"""A last mood answer up to this, or item 9 of PHQ-9 lately at 1 or more: words that nobody can place are urgent."""
LATELY = timedelta(days=14)

_LINE_EVERY = timedelta(minutes=30)
_LATE_WITHIN = timedelta(days=7)
_ITEM9_WITHIN = timedelta(hours=4)
_MOMENT = timedelta(seconds=1)
_UNSURE_FOR = timedelta(minutes=10)

WISHES: Mapping[str, str] = {
    "person": "asks_for_person",
    "booster": "asks_for_booster",
    "question": "asks_a_question",
}


def on_text(incoming: Incoming, chart: Chart, reader: Reader, now: datetime) -> Decision:
    """Read one stored text and decide on records and reply. The screen for danger has been passed already."""
    if incoming.status != "unread":
        return Decision("read already")
    patient, alert = chart.patient, chart.open_alert
    if patient is None:
        if alert is not None:
            return _during_alert(incoming, chart, None, alert, reader, now)
        return Decision("unknown number", (incoming.into("read", "unknown number", now),))
    unsure = _leaving(incoming, chart, now) if alert is None else None
    if unsure is not None:
        waiting = replace(incoming, next=Next("read", unsure + _MOMENT, "replies"))
        return Decision("waits until it is known what was asked", (waiting,))
    spot = place(chart, incoming.received)
    if spot is not None and spot.late and incoming.received - spot.checkin.due > _LATE_WITHIN:
        spot = None
    question = spot.checkin.open_question if spot else None
    said = Said(incoming, chart, patient, read(incoming.body, attribution.expected(question, reader), reader.words))
    if not incoming.body.strip() and not incoming.media:
        said = replace(said, reading=replace(said.reading, automatic=True))
    if alert is not None:
        return _to_owner(said, spot, question, alert, reader, now)
    corrected = attribution.correction(said, question, reader)
    if corrected is not None:
        return _recorded(said, corrected, reader, now)
    if spot is None or question is None:
        return _free_text(said, reader, now)
    if attribution.said_twice(said, spot):
        return Decision("said twice", (incoming.into("read", "said twice", now),))
    given = attribution.given(said, spot, question, reader)
    if given:
        return _recorded(said, Given(spot, given), reader, now)
    if spot.late:
        return _free_text(said, reader, now)
    return _unclear(said, spot, question, reader, now)


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


def _during_alert(
    incoming: Incoming, chart: Chart, patient: Patient | None, alert: Alert, reader: Reader, now: datetime
) -> Decision:
    """While an alert is open everything goes to its owner; the patient hears the automated line now and then."""
    joined = alerts.wrote_again(alert, incoming.sid, reader.settings, now)
    writes: list[AnyRecord] = [incoming.into("read", "joined the open alert", now), joined]
    if not _line_said(chart, now) and patient is not None and patient.status != "opted_out":
        body = reader.script.texts.render("crisis.automated_line", patient.language)
        writes.append(_answer(incoming, patient, body, "line", now))
    return Decision("joined the open alert", tuple(writes))


def _line_said(chart: Chart, now: datetime) -> bool:
    """Whether the patient has heard from us in the last half hour."""
    return any(text.kind in ("crisis", "answer") and now - text.created < _LINE_EVERY for text in chart.texts)


def _to_owner(
    said: Said, spot: Place | None, question: Question | None, alert: Alert, reader: Reader, now: datetime
) -> Decision:
    """While an alert is open, an answer to a question that still waits counts, and so does a correction.

    Item 9 of PHQ-9 may be what it waits for. Nothing more is asked, and everything else goes to the owner alone.
    """
    given = attribution.correction(said, question, reader)
    if given is None and spot is not None and question is not None and not spot.late:
        found = attribution.given(said, spot, question, reader)
        given = Given(spot, found) if found else None
    if given is not None:
        return _recorded(said, given, reader, now)
    return _during_alert(said.incoming, said.chart, said.patient, alert, reader, now)


# --- what follows -----------------------------------------------------------------------------------------------


def _recorded(said: Said, given: Given, reader: Reader, now: datetime) -> Decision:
    incoming, patient, reading, spot = said.incoming, said.patient, said.reading, given.spot
    reason = f"{'corrected' if given.corrects else 'answered'} {given.answers[0].question}"
    outcome = answers.record(
        given.answers,
        spot.checkin,
        said.chart,
        patient,
        reader.settings,
        reader.script,
        trigger=incoming.sid,
        unclear_words=reading.more_said,
        now=now,
    )
    alert = outcome.alert
    writes: list[AnyRecord] = [incoming.into("read", reason, now), *outcome.writes, *_wishes(said, now)]
    if alert is None and said.chart.open_alert is not None:
        alert = alerts.wrote_again(said.chart.open_alert, incoming.sid, reader.settings, now)
        writes.append(alert)
    moved = _moved_on(outcome.checkin, spot, said, alert is not None, reason, reader, now)
    writes.extend(moved)
    following = moved[0].asking if moved[0].status == "answering" else None
    if following == spot.checkin.open_question and spot.checkin.asked_again:
        following = None  # it was asked twice
    reply = _reply(said, moved[0], following, outcome, alert, reader, now)
    if reply is not None:
        writes.append(reply)
    return Decision(reason, tuple(writes))


def _moved_on(
    updated: CheckIn, spot: Place, said: Said, alerted: bool, reason: str, reader: Reader, now: datetime
) -> tuple[CheckIn, ...]:
    """The check-in in its next state, with what is due for it; and the one that goes on with it another day."""
    following, before = updated.open_question, spot.checkin
    updated = replace(updated, asking=None, asking_since=None)
    if before.status not in OPEN and not spot.late:
        return _corrected_after(updated, before, said, alerted, reason, now)
    if following is None:
        return (updated.into("answered", "answered late" if spot.late else "answered", now),)
    if alerted:
        return (close_unfinished(updated, "stopped: an alert is open", now),)
    if spot.late:
        return (updated.into("partly_answered", "answered late", now),)
    if said.patient.status != "active":
        return (close_unfinished(updated, f"patient is {said.patient.status}".replace("_", " "), now),)
    if pause(updated, reader.protocol):
        rest = continued(updated, said.patient, reader.settings, reader.protocol, now)
        # Another survey may go on that day already; then this one is asked to its end.
        if rest is not None and all(held.checkin_id != rest.checkin_id for held in said.chart.checkins):
            return (updated.into("answered", GOES_ON, now), rest)
    if following == before.open_question:
        # It was put already: asked once more with what the patient did say, and then not again.
        since, again = before.asking_since, True
    else:
        since, again = now, False
    waiting = replace(updated, asking=following, asking_since=since, asked_again=again)
    then = Next("look_in", now + _ITEM9_WITHIN, "routine") if following == ITEM9 else updated.next
    return (waiting.into("answering", reason, now, then=then),)


def _corrected_after(
    updated: CheckIn, before: CheckIn, said: Said, alerted: bool, reason: str, now: datetime
) -> tuple[CheckIn, ...]:
    """A survey that had ended, with a corrected answer: it goes on if that opened questions."""
    following = updated.open_question
    ended = replace(updated, asking=before.asking, asking_since=before.asking_since)
    if goes_on(updated):
        rest = next((c for c in said.chart.checkins if c.kind == "continued" and c.status == "planned"), None)
        if rest is None or rest.text_id is not None:
            return (ended.into(updated.status, reason, now),)
        changed = resumed(rest, updated)
        if changed.questions:
            return (ended.into(updated.status, reason, now), changed.into("planned", reason, now, then=rest.next))
        return (ended.into(updated.status, reason, now), changed.into("cancelled", reason, now))
    expires = updated.expires
    reopens = before.status == "answered" and following is not None and expires is not None and now < expires
    if reopens and expires is not None and not alerted and said.patient.status == "active":
        waiting = replace(updated, asking=following, asking_since=now)
        return (waiting.into("answering", reason, now, then=Next("expire", expires, "routine")),)
    status = "partly_answered" if following is not None and before.status == "answered" else updated.status
    return (ended.into(status, reason, now, then=updated.next),)


def _reply(
    said: Said,
    checkin: CheckIn,
    following: Question | None,
    outcome: Outcome,
    alert: Alert | None,
    reader: Reader,
    now: datetime,
) -> Text | None:
    """The crisis text if need be; otherwise the question that follows, or thanks."""
    patient, incoming, texts = said.patient, said.incoming, reader.script.texts
    if outcome.crisis and outcome.alert is not None:
        return compose(
            thread=patient.thread,
            clinic_id=patient.clinic_id,
            kind="crisis",
            to=incoming.phone,
            body=texts.render("crisis.self_harm", patient.language, sms_name=reader.settings.sms_name),
            purpose=f"crisis.self_harm-{patient.language}-{incoming.sid[-8:]}",
            alert_id=outcome.alert.alert_id,
            now=now,
        )
    if patient.status == "opted_out":
        return None
    if alert is not None:
        if said.chart.open_alert is not None and _line_said(said.chart, now):
            return None
        return _answer(incoming, patient, texts.render("crisis.automated_line", patient.language), "line", now)
    if following is not None:
        body = _asks(following, checkin, patient, reader, "next")
    elif outcome.to_watch:
        body = texts.render("thanks.side_effect", patient.language, phone=reader.settings.phone)
    else:
        body = texts.render("thanks", patient.language)
    return _answer(incoming, patient, body, following or "thanks", now)


def _wishes(said: Said, now: datetime) -> list[Flag]:
    """What the text asks of a person, whatever else it says; one flag a day for each kind of wish."""
    day = calendar.local(said.incoming.received, said.patient.zone).date().isoformat()
    return [
        raise_flag(said.chart, said.patient, "review", WISHES[wish], now, about=day)
        for wish in said.reading.wants
        if wish in WISHES
    ]


def _unclear(said: Said, spot: Place, question: Question, reader: Reader, now: datetime) -> Decision:
    """Ask again once, with an example; unclear a second time, a person reads it and the patient is thanked.

    Words that are no attempt at an answer are shown to a person at once: this is the net under every detector.
    """
    incoming, patient, reading, checkin = said.incoming, said.patient, said.reading, spot.checkin
    if reading.automatic:
        return Decision(reading.reason, (incoming.into("read", reading.reason, now),))
    if _only_thanks(reading) and checkin.asked_again:
        return Decision("thanks", (incoming.into("read", "thanks", now),))
    in_words = reading.confidence == "none" and (reading.more_said or incoming.media > 0)
    if in_words and recently_low(patient, now):
        return _alerted(said, "unclear_after_low_score", spot, reader, now)
    writes: list[AnyRecord] = [*_wishes(said, now)]
    if in_words:
        writes.append(_words_flag(said, now))
    silent = (
        in_words and not calendar.open_at(reader.settings, now) and not _night_said(said.chart, reader, patient, now)
    )
    night = _night(reader, patient) if silent else ""
    if not checkin.asked_again and patient.status == "active":
        again = replace(checkin, asked_again=True, asking=question).into(
            checkin.status, f"asked again: {reading.reason}", now, then=checkin.next
        )
        body = f"{night} {_asks(question, checkin, patient, reader, 'again')}".strip()
        return Decision(
            "unclear, asked again",
            (
                incoming.into("read", "unclear, asked again", now),
                again,
                *writes,
                _answer(incoming, patient, body, f"again.{question}", now),
            ),
        )
    if question == ITEM9:
        return _alerted(said, "unclear_at_item9", spot, reader, now)
    writes.append(raise_flag(said.chart, patient, "review", "unreadable_reply", now, about=checkin.checkin_id))
    writes.append(checkin.into("partly_answered", "unclear twice, shown to staff", now))
    writes.extend(prorated(checkin, said.chart, reader.script.instruments))
    if patient.status != "opted_out":
        body = night or reader.script.texts.render("thanks", patient.language)
        writes.append(_answer(incoming, patient, body, "thanks", now))
    reason = "unclear, shown to staff"
    return Decision(reason, (incoming.into("read", reason, now), *writes))


def _only_thanks(reading: Reading) -> bool:
    return reading.thanks and reading.confidence == "none" and not reading.more_said and not reading.wants


def _words_flag(said: Said, now: datetime) -> Flag:
    day = calendar.local(said.incoming.received, said.patient.zone).date().isoformat()
    return raise_flag(said.chart, said.patient, "review", "wrote_free_text", now, about=day)


def recently_low(patient: Patient, now: datetime) -> bool:
    """Whether the patient's last answers were low enough that words nobody can place are read the same day."""
    today = calendar.local(now, patient.zone).date()
    low_mood = bool(patient.recent_moods) and patient.recent_moods[-1] <= LOW_MOOD
    said = patient.item9_positive_on
    return low_mood or (said is not None and today - said <= LATELY)


def _alerted(said: Said, rule: str, spot: Place | None, reader: Reader, now: datetime) -> Decision:
    """Words that nobody can place from somebody who was low, or at item 9: a person reads them the same day."""
    incoming, patient = said.incoming, said.patient
    alert = alerts.raise_alert(
        said.chart.open_alert,
        clinic_id=patient.clinic_id,
        thread=patient.thread,
        level="same_day",
        rule=rule,
        trigger=incoming.sid,
        settings=reader.settings,
        now=now,
    )
    reason = f"{rule.replace('_', ' ')}, staff alerted"
    writes: list[AnyRecord] = [incoming.into("read", reason, now), alert, patient, *_wishes(said, now)]
    if spot is not None and not spot.late:
        writes.append(close_unfinished(spot.checkin, "stopped: an alert is open", now))
    if patient.status != "opted_out":
        body = reader.script.texts.render("crisis.automated_line", patient.language)
        writes.append(_answer(incoming, patient, body, "line", now))
    return Decision(reason, tuple(writes))


def _free_text(said: Said, reader: Reader, now: datetime) -> Decision:
    """Nothing was asked: the words are kept and shown to staff; at night the patient hears once that nobody reads."""
    incoming, patient, reading = said.incoming, said.patient, said.reading
    if reading.automatic:
        return Decision(reading.reason, (incoming.into("read", reading.reason, now),))
    if _only_thanks(reading):
        return Decision("thanks", (incoming.into("read", "thanks", now),))
    if recently_low(patient, now):
        return _alerted(said, "unclear_after_low_score", None, reader, now)
    writes: list[AnyRecord] = [incoming.into("read", "free text, shown to staff", now), _words_flag(said, now)]
    writes.extend(_wishes(said, now))
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
    return reader.script.asks(question, survey.in_all(checkin), patient.language, position, **visit)


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
