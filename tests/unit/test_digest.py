"""What a clinic reads in the morning, and the mail it comes in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from followup.domain.clinic import ClinicSettings
from followup.domain.digest import MOST_ROWS, Counts, Digest, build
from followup.domain.names import initials
from followup.domain.records import Alert, ClinicId, Flag, FlagGroup, Level, Patient, PatientId, ThreadId
from followup.domain.staff_wording import StaffWording
from followup.rendering import render_digest, render_page

CLINIC = ClinicId("c1")
NOW = datetime(2026, 3, 5, 12, 55, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
SETTINGS = ClinicSettings(
    name="Lakeside Infusion",
    sms_name="Lakeside",
    zone="America/Chicago",
    phone="555-0100",
    sender="+15555550100",
    messaging_service=None,
    keyword_mode="carrier",
    hours=(),
    closed_on=(),
    on_call=(),
    digest_at=time(6, 55),
    digest_to=(),
    mail_from="followup@lakeside.example",
    desk_link="https://staff.lakeside.example/",
)
COUNTS = Counts(followed=143, delivered=31, answered=24, unreadable=2, alerts_open=0, checked_at=NOW)
CONTENT = Path(__file__).parents[2] / "functions" / "followup" / "content"


@pytest.fixture(scope="module")
def wording() -> StaffWording:
    return msgspec.convert(YAML(typ="safe").load(CONTENT / "staff.yaml"), StaffWording)


def a_patient(number: int, name: str = "Ana Reyes") -> Patient:
    return Patient(
        patient_id=PatientId(f"p{number}"),
        clinic_id=CLINIC,
        record_number=f"MRN-{number}",
        name=name,
        phone=f"+1555555{number:04d}",
        language="en",
        zone="America/Chicago",
        born=date(1980, 1, 1),
        condition="depression",
        consent=None,
        status="active",
    )


def a_flag(number: int, group: FlagGroup = "booster", rule: str = "rule_a", **changes: Any) -> Flag:
    given: dict[str, Any] = {
        "flag_id": f"{rule}.{number}",
        "clinic_id": CLINIC,
        "patient_id": PatientId(f"p{number}"),
        "group": group,
        "rule": rule,
        "born": NOW - timedelta(hours=2),
        "changed": NOW - timedelta(hours=2),
        "status": "open",
    }
    return Flag(**(given | changes))


def an_alert(number: int, level: Level = "urgent", **changes: Any) -> Alert:
    given: dict[str, Any] = {
        "alert_id": f"a{number}",
        "clinic_id": CLINIC,
        "thread": ThreadId(f"p{number}"),
        "code": f"{4820 + number}",
        "level": level,
        "rule": "self_harm",
        "opened": NOW - timedelta(hours=3),
        "triggers": ("SM1",),
        "status": "open",
    }
    return Alert(**(given | changes))


PATIENTS = tuple(a_patient(number) for number in range(60))


def a_digest(
    *flags: Flag,
    alerts: tuple[Alert, ...] = (),
    patients: tuple[Patient, ...] = PATIENTS,
    last: datetime | None = YESTERDAY,
    **more: Any,
) -> Digest:
    return build(SETTINGS, alerts, flags, patients, COUNTS, last, NOW, **more)


OLD: Mapping[str, Any] = {"born": NOW - timedelta(days=5), "changed": NOW - timedelta(days=5)}


def test_given_everything_at_once_when_built_then_danger_leads_and_notes_come_last() -> None:
    groups: tuple[FlagGroup, ...] = ("note", "desk", "unreachable", "silent", "planned", "booster", "review")
    flags = [a_flag(number, group) for number, group in enumerate(groups)]
    levels: tuple[Level, ...] = ("same_day", "emergency", "urgent")
    alerts = tuple(an_alert(number, level) for number, level in enumerate(levels))
    digest = a_digest(*flags, alerts=alerts)
    assert [row.level for row in digest.alerts] == ["emergency", "urgent", "same_day"]
    assert [row.group for row in digest.rows] == list(reversed(groups))


@pytest.mark.parametrize(("alerts", "rows", "more"), [(0, 12, 18), (5, 7, 23), (12, 0, 30), (20, 0, 30)])
def test_given_too_much_when_built_then_twelve_rows_remain_and_alerts_are_never_cut(
    alerts: int, rows: int, more: int
) -> None:
    digest = a_digest(
        *(a_flag(number) for number in range(30)), alerts=tuple(an_alert(number) for number in range(alerts))
    )
    assert (len(digest.alerts), len(digest.rows), digest.more) == (alerts, rows, more)


def test_given_flags_without_news_when_built_then_they_count_in_one_line(wording: StaffWording) -> None:
    digest = a_digest(a_flag(0), *(a_flag(number, **OLD) for number in range(1, 10)))
    assert (len(digest.rows), digest.still_open) == (1, 9)
    _, text, html = render_digest(digest, wording)
    assert "still open: 9" in text
    assert 'href="https://staff.lakeside.example/"' in html


def test_given_a_reason_that_changed_when_built_then_the_row_is_back_and_says_so() -> None:
    digest = a_digest(a_flag(0, born=NOW - timedelta(days=9)))
    assert [row.news for row in digest.rows] == ["changed"]
    assert (digest.new, digest.changed) == (0, 1)


def test_given_a_snooze_that_ended_when_built_then_the_row_is_back() -> None:
    woken = a_flag(0, **OLD).into("open", "snooze ended", NOW - timedelta(hours=1))
    assert [row.news for row in a_digest(woken).rows] == ["changed"]


def test_given_flags_that_are_snoozed_or_closed_when_built_then_only_withdrawn_ones_are_counted() -> None:
    earlier, lately = NOW - timedelta(days=3), NOW - timedelta(hours=2)
    digest = a_digest(
        a_flag(0).into("snoozed", "snoozed", lately),
        a_flag(1).into("done", "session booked", lately),
        a_flag(2).into("withdrawn", "patient wrote", lately),
        a_flag(3).into("withdrawn", "patient wrote", earlier),
        alerts=(an_alert(4, status="closed"),),
    )
    assert digest.quiet
    assert digest.withdrawn == 1


def test_given_silence_that_is_watched_when_it_is_no_news_then_it_has_a_row_all_the_same() -> None:
    digest = a_digest(
        a_flag(0, "silent", "silent_two_weeks", numbers=(("watched", "low_mood"),), **OLD),
        a_flag(1, "silent", "silent_two_weeks", **OLD),
    )
    assert ([row.initials for row in digest.rows], digest.still_open) == (["AR"], 1)


def test_given_the_first_digest_when_built_then_everything_is_new() -> None:
    assert [row.news for row in a_digest(a_flag(0, **OLD), last=None).rows] == ["new"]


def test_given_a_front_desk_recipient_when_built_then_only_desk_items_are_there(wording: StaffWording) -> None:
    flags = (a_flag(0), a_flag(1, "desk", "enter_baseline"), a_flag(2, "review", **OLD))
    digest = a_digest(*flags, alerts=(an_alert(3),), groups="desk")
    assert ([row.group for row in digest.rows], digest.alerts, digest.still_open) == (["desk"], (), 0)
    _, quiet, _ = render_digest(a_digest(a_flag(0), groups="desk"), wording)
    assert "Nothing to act on. Checked 06:55." in quiet


def test_given_a_quiet_day_when_rendered_then_the_line_proves_that_the_machine_works(wording: StaffWording) -> None:
    _, text, html = render_digest(a_digest(), wording)
    line = (
        "Nothing to act on. 143 patients followed, 31 texts delivered, 24 answered, 2 not readable, 0 alerts open. "
        "Checked 06:55."
    )
    assert line in text
    assert line in html


def test_given_one_of_something_when_counted_then_it_is_said_in_the_singular(wording: StaffWording) -> None:
    one = replace(COUNTS, followed=1, delivered=1, alerts_open=1)
    _, text, _ = render_digest(replace(a_digest(a_flag(0)), counts=one), wording)
    assert "1 patient followed, 1 text delivered, 24 answered, 2 not readable, 1 alert open. " in text


def test_given_a_busy_day_when_rendered_then_text_and_html_say_the_same(wording: StaffWording) -> None:
    digest = a_digest(
        a_flag(0, "review", numbers=(("score", "13"), ("held", "open_alert"))),
        a_flag(1, numbers=(("score", "13"), ("response", "partial"), ("reference", "one_score"))),
        alerts=(an_alert(0, phone_now=True), an_alert(2, "same_day", status="acknowledged", thread=ThreadId("x9"))),
    )
    subject, text, html = render_digest(digest, wording)
    assert subject == "Lakeside: follow-up list for Thursday, March 5"
    for said in (
        "Alerts: URGENT",
        "Alert 4820, open for 3 h, not acknowledged",
        "phone now",
        "Alert 4822, open for 3 h, acknowledged",
        "Unknown number",
        "On hold while an alert is open; also meets: Gain lost, confirmed",
        "Partial response to the series.",
        "The reference is one score only.",
        "https://staff.lakeside.example/a0",
        "https://staff.lakeside.example/p1",
        "New: 4. Changed: 0. No longer on the list: 0.",
    ):
        assert said in text
        assert said in html
    assert "13" not in text


def test_given_a_rule_without_wording_when_rendered_then_its_group_is_named(wording: StaffWording) -> None:
    _, text, _ = render_digest(a_digest(a_flag(0, "silent", "some_new_rule")), wording)
    assert "- AR: Silent (new)" in text


HOSTILE = (
    "<script>alert(1)</script> \"'&",
    "{{7*7}} {% raw %}",
    "=HYPERLINK(1)",
    "\u202eAna\r\nBcc: a@b.example",
    "&amp;<b>",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_given_a_hostile_name_when_rendered_then_it_is_neither_markup_nor_header(
    name: str, wording: StaffWording
) -> None:
    hostile = replace(SETTINGS, sms_name=name, desk_link=f'https://x.example/"><script>{name}')
    digest = build(hostile, (an_alert(0),), (a_flag(0),), (a_patient(0, name),), COUNTS, None, NOW)
    subject, _, html = render_digest(digest, wording)
    page_subject, _ = render_page(an_alert(0), hostile, wording)
    assert not set("\r\n") & set(subject + page_subject)
    assert "script" not in tags(html)
    assert "b" not in tags(html)
    assert "49" not in html.partition("<body")[2].partition("open for")[0]


def test_given_patients_when_rendered_then_nothing_personal_stands_anywhere_but_initials(wording: StaffWording) -> None:
    flags = [a_flag(number, numbers=(("score", "17"), ("base", "23"))) for number in range(5)]
    subject, text, html = render_digest(a_digest(*flags, alerts=(an_alert(0),)), wording)
    preheader = html.partition("mso-hide:all;")[2].partition("</div>")[0]
    for personal in ("AR", "Ana", "Reyes", "MRN", "p0", "4820"):
        assert personal not in subject
        assert personal not in preheader
    for personal in ("Ana", "Reyes", "MRN", "+1555", "17", "23"):
        assert personal not in text


def test_given_html_when_read_by_a_machine_then_tables_and_colour_schemes_are_declared(wording: StaffWording) -> None:
    _, _, html = render_digest(a_digest(a_flag(0), alerts=(an_alert(1),)), wording)
    assert '<html lang="en">' in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert html.count('scope="row"') == 2
    assert 'aria-label="Open: AR, Gain lost, confirmed"' in html
    assert balanced(html)


def test_given_an_alert_when_paged_then_the_mail_holds_code_link_level_and_no_initials(
    wording: StaffWording,
) -> None:
    subject, text = render_page(an_alert(1), SETTINGS, wording)
    assert subject == "Lakeside on-call: urgent alert 4821"
    assert text == "Lakeside on-call: urgent alert 4821. Open: https://staff.lakeside.example/a1\n\nLevel: URGENT.\n"
    _, undelivered = render_page(an_alert(1, phone_now=True), SETTINGS, wording)
    assert undelivered.endswith("phone now.\n")


def test_given_a_clinic_without_staff_pages_when_paged_then_the_first_line_ends_with_the_code(
    wording: StaffWording,
) -> None:
    _, text = render_page(an_alert(1), replace(SETTINGS, desk_link=""), wording)
    assert text.startswith("Lakeside on-call: urgent alert 4821\n\n")


@pytest.mark.parametrize(
    ("level", "name"), [("emergency", "EMERGENCY"), ("urgent", "URGENT"), ("same_day", "SAME DAY")]
)
def test_given_an_alert_s_level_when_paged_then_the_first_line_is_the_same_and_the_body_names_it(
    wording: StaffWording, level: Level, name: str
) -> None:
    subject, text = render_page(an_alert(1, level), SETTINGS, wording)
    assert subject == "Lakeside on-call: urgent alert 4821"
    first, *_, last = text.splitlines()
    assert (first.partition(". ")[0], last) == (subject, f"Level: {name}.")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ana Reyes", "AR"),
        ("Inés María de la Cruz", "IC"),
        ("Cher", "C"),
        ("émile zola", "ÉZ"),
        ("<b> 7", ""),
        ("", ""),
    ],
)
def test_initials_are_the_first_and_the_last_letter(name: str, expected: str) -> None:
    assert initials(name) == expected


FLAGS = st.lists(
    st.builds(
        a_flag,
        st.integers(0, 59),
        st.sampled_from(["booster", "review", "planned", "silent", "unreachable", "desk", "note"]),
        born=st.just(NOW - timedelta(days=9)),
        changed=st.sampled_from([NOW - timedelta(hours=1), NOW - timedelta(days=5)]),
    ),
    max_size=40,
)


@given(FLAGS, st.lists(st.builds(an_alert, st.integers(0, 59)), max_size=20))
def test_every_open_flag_is_a_row_or_is_counted(flags: list[Flag], alerts: list[Alert]) -> None:
    digest = a_digest(*flags, alerts=tuple(alerts))
    old_notes = sum(flag.group == "note" and flag.changed <= YESTERDAY for flag in flags)
    assert len(digest.rows) + digest.more + digest.still_open == len(flags) - old_notes
    assert len(digest.alerts) == len(alerts)
    assert len(digest.rows) <= max(0, MOST_ROWS - len(alerts))


class _Tags(HTMLParser):
    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []
        self.balanced = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.balanced = self.balanced and bool(self.open) and self.open.pop() == tag


def tags(html: str) -> set[str]:
    parser = _Tags()
    parser.feed(html)
    return parser.seen


def balanced(html: str) -> bool:
    parser = _Tags()
    parser.feed(html)
    return parser.balanced and not parser.open
