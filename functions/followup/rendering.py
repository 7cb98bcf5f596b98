"""Mail to staff as it is sent: the digest in HTML and plain text, and the page to the person on call."""

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
class Line:
    """A row as the templates show it."""

    who: str
    why: str
    link: str
    news: News
    notes: tuple[str, ...]
    held: bool
    """The flag waits for an open alert and says what it meets beside that."""


@dataclass(frozen=True, slots=True)
class Section:
    """The rows under one heading; `urgent` sections are the alerts."""

    heading: str
    lines: tuple[Line, ...]
    urgent: bool = False


def render_digest(digest: Digest, wording: StaffWording) -> tuple[str, str, str]:
    """Subject, plain text and HTML of a digest. Subject and preheader hold nothing about any patient."""
    day = f"{digest.day:%A}, {digest.day:%B} {digest.day.day}"
    shown = {
        "digest": digest,
        "sections": tuple(_sections(digest, wording)),
        "preheader": wording.digest_preheader,
        "heading": fill(wording.digest_heading, {"short": digest.short, "day": day}),
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
    return subject, text.strip() + "\n", html


def render_page(alert: Alert, settings: ClinicSettings, wording: StaffWording) -> tuple[str, str]:
    """Subject and text that call the person on call to an alert: a code and a link, nobody's initials.

    A clinic without staff pages gets the code alone, which `followup alerts list` knows.
    """
    slots = {"short": settings.sms_name, "code": alert.code, "link": staff_link(settings, alert.alert_id)}
    body = fill(wording.alert_body if slots["link"] else wording.alert_subject, slots).strip()
    text = f"{body}\n\n{wording.alert_phone_now}\n" if alert.phone_now else f"{body}\n"
    return _one_line(fill(wording.alert_subject, slots)), text


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
        heading = f"{wording.alerts_heading}: {wording.levels[level]}"
        yield Section(heading, tuple(_alert_line(row, wording) for row in alerts), urgent=True)
    for group, flags in groupby(digest.rows, key=lambda row: row.group):
        yield Section(wording.groups[group], tuple(_flag_line(row, wording) for row in flags))


def _alert_line(row: AlertRow, wording: StaffWording) -> Line:
    status = "acknowledged" if row.acknowledged else "not acknowledged"
    about = fill(wording.alert_row, {"code": row.code, "age": _age(row.age), "status": status})
    why = wording.classes.get(row.rule, wording.alert_screened)
    return Line(row.initials, why, row.link, row.news, (about, *_notes(row.marks, wording)), held=False)


def _flag_line(row: FlagRow, wording: StaffWording) -> Line:
    # A list that says less is better than no list: a rule without a class of its own shows its group's name.
    why = wording.classes.get(row.rule, wording.groups[row.group])
    return Line(row.initials, why, row.link, row.news, _notes(row.marks, wording), held="open_alert" in row.marks)


def _notes(marks: tuple[Mark, ...], wording: StaffWording) -> tuple[str, ...]:
    words: dict[Mark, str] = {
        "partial": wording.partial_response,
        "one_score": wording.one_score,
        "phone_now": wording.alert_phone_now,
    }
    return tuple(words[mark] for mark in marks if mark in words)


def _counts(digest: Digest, wording: StaffWording) -> str:
    counts: Counts = digest.counts
    figures = {
        "followed": str(counts.followed),
        "delivered": str(counts.delivered),
        "answered": str(counts.answered),
        "unreadable": str(counts.unreadable),
        "alerts": str(counts.alerts_open),
        "time": f"{counts.checked_at:%H:%M}",
    }
    if digest.groups == "desk":
        return fill(wording.quiet_desk, figures) if digest.quiet else ""
    return fill(wording.quiet_day if digest.quiet else wording.counts, figures)


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _one_line(text: str) -> str:
    """A mail header is one line, whatever a setting holds."""
    return " ".join(text.split())
