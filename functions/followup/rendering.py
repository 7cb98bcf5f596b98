"""Mail to staff as it is sent: the digest in HTML and plain text, and the page to the person on call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from followup.domain.clinic import ClinicSettings
from followup.domain.digest import AlertRow, Counts, Digest, FlagRow, Mark, News, staff_link
from followup.domain.records import Alert
from followup.domain.staff_wording import StaffWording
from followup.domain.wording import fill

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "content"


@dataclass(frozen=True, slots=True)
class Note:
    """A remark under the reason of a row; an urgent one says what to do now."""

    words: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row as the templates show it, every word of it from the content."""

    who: str
    why: str
    news: str
    link: str
    spoken: str
    """The link as a screen reader says it."""
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The rows under one heading; `urgent` sections are the alerts."""

    heading: str
    lines: tuple[Line, ...]
    urgent: bool = False


def render_digest(digest: Digest, wording: StaffWording) -> tuple[str, str, str]:
    """Subject, plain text and HTML of a digest. Subject and preheader hold nothing about any patient."""
    day = wording.day_of(digest.day)
    shown = {
        "short": digest.short,
        "day": day,
        "quiet": digest.quiet,
        "alarming": bool(digest.alerts),
        "link": digest.link,
        "sections": tuple(_sections(digest, wording)),
        "preheader": wording.digest_preheader,
        "heading": fill(wording.digest_heading, {"short": digest.short, "day": day}),
        "since_last": _since_last(digest, wording),
        "counts": _counts(digest, wording),
        "still_open": fill(wording.still_open, {"n": str(digest.still_open)}) if digest.still_open else "",
        "more": fill(wording.more, {"n": str(digest.more)}) if digest.more else "",
        "open_link": wording.open_link,
        "footer": wording.footer,
    }
    environment = _environment()
    subject = _one_line(fill(wording.digest_subject, {"short": digest.short, "day": day}))
    text = environment.get_template("digest.txt.j2").render(shown)
    html = environment.get_template("digest.html.j2").render(shown)
    return subject, re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n", html


def render_page(alert: Alert, settings: ClinicSettings, wording: StaffWording) -> tuple[str, str]:
    """Subject and text that call the person on call to an alert: a code, a link and the level, nobody's initials.

    A clinic without staff pages gets the code alone, which `followup alerts list` knows.
    """
    slots = {"short": settings.sms_name, "code": alert.code, "link": staff_link(settings, alert.alert_id)}
    body = fill(wording.alert_body if slots["link"] else wording.alert_subject, slots).strip()
    said = [body, fill(wording.alert_level, {"level": wording.levels[alert.level]})]
    if alert.phone_now:
        said.append(wording.alert_phone_now)
    return _one_line(fill(wording.alert_subject, slots)), "\n\n".join(said) + "\n"


@cache
def _environment() -> "Environment":
    """Built on first use: most functions never render mail, and importing the template engine costs start-up time."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _sections(digest: Digest, wording: StaffWording) -> Iterator[Section]:
    for level, alerts in groupby(digest.alerts, key=lambda row: row.level):
        heading = fill(wording.alerts_heading, {"level": wording.levels[level]})
        yield Section(heading, tuple(_alert_line(row, wording) for row in alerts), urgent=True)
    for group, flags in groupby(digest.rows, key=lambda row: row.group):
        yield Section(wording.groups[group], tuple(_flag_line(row, wording) for row in flags))


def _alert_line(row: AlertRow, wording: StaffWording) -> Line:
    status = wording.acknowledged if row.acknowledged else wording.not_acknowledged
    about = fill(wording.alert_row, {"code": row.code, "age": _age(row.age, wording), "status": status})
    return _line(row, wording.classes.get(row.rule, wording.alert_screened), wording, Note(about))


def _flag_line(row: FlagRow, wording: StaffWording) -> Line:
    # A list that says less is better than no list: a rule without a class of its own shows its group's name.
    why = wording.classes.get(row.rule, wording.groups[row.group])
    return _line(row, fill(wording.held, {"why": why}) if "open_alert" in row.marks else why, wording)


def _line(row: AlertRow | FlagRow, why: str, wording: StaffWording, *first: Note) -> Line:
    labels: dict[News, str] = {"new": wording.is_new, "changed": wording.is_changed, "standing": ""}
    who = row.initials or wording.unknown_number
    return Line(
        who=who,
        why=why,
        news=labels[row.news],
        link=row.link,
        spoken=fill(wording.open_link_spoken, {"who": who, "why": why}),
        notes=(*first, *_notes(row.marks, wording)),
    )


def _notes(marks: tuple[Mark, ...], wording: StaffWording) -> Iterator[Note]:
    notes: dict[Mark, Note] = {
        "partial": Note(wording.partial_response),
        "one_score": Note(wording.one_score),
        "phone_now": Note(wording.alert_phone_now, urgent=True),
    }
    return (notes[mark] for mark in marks if mark in notes)


def _since_last(digest: Digest, wording: StaffWording) -> str:
    figures = {"new": digest.new, "changed": digest.changed, "withdrawn": digest.withdrawn}
    if digest.quiet or not any(figures.values()):
        return ""
    return fill(wording.since_last, {name: str(figure) for name, figure in figures.items()})


def _counts(digest: Digest, wording: StaffWording) -> str:
    counts: Counts = digest.counts
    figures = {
        "followed": _counted(counts.followed, wording.patient_followed, wording.patients_followed),
        "delivered": _counted(counts.delivered, wording.text_delivered, wording.texts_delivered),
        "answered": str(counts.answered),
        "unreadable": str(counts.unreadable),
        "alerts": _counted(counts.alerts_open, wording.alert_open, wording.alerts_open),
        "time": f"{counts.checked_at:%H:%M}",
    }
    if digest.groups == "desk":
        return fill(wording.quiet_desk, figures) if digest.quiet else ""
    return fill(wording.quiet_day if digest.quiet else wording.counts, figures)


def _counted(figure: int, one: str, several: str) -> str:
    return one if figure == 1 else fill(several, {"n": str(figure)})


def _age(age: timedelta, wording: StaffWording) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return fill(wording.minutes, {"n": str(minutes)})
    if minutes < 48 * 60:
        return fill(wording.hours, {"n": str(minutes // 60)})
    return fill(wording.days, {"n": str(minutes // (24 * 60))})


def _one_line(text: str) -> str:
    """A mail header is one line, whatever a setting holds."""
    return " ".join(text.split())
