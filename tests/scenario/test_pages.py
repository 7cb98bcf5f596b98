"""The pages of the local stack, through the calls that their scripts make."""

import json
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from infra.local.layout import PAGES
from tests.scenario.in_process import Town, town

DANGER = "I want to end my life tonight"


@pytest.fixture
def here() -> Iterator[Town]:
    with town() as running:
        yield running


def test_given_a_first_visit_when_its_check_in_is_answered_then_the_next_text_stands_on_the_phone(
    here: Town,
) -> None:
    grace = here.enrol("Grace Okafor", 1)
    here.step("day")
    asked = here.phone(grace)["texts"]
    assert "0 = worst, 10 = best" in asked[-1]["body"]

    here.send("POST", f"/api/phones/{grace}/texts", {"body": "7"})
    here.assembly.driver.settle()

    texts = here.phone(grace)["texts"]
    assert [text["from_patient"] for text in texts[len(asked) :]] == [True, False]
    assert texts[-1]["body"] == "Any side effects since your visit? 0 = none, 1 = some."


def test_given_an_open_page_when_a_text_arrives_then_it_is_told_without_asking_again(here: Town) -> None:
    grace = here.enrol("Grace Okafor", 1)
    here.step("day")
    told: list[dict[str, object]] = []
    with httpx.stream("GET", f"{here.url}/api/events", trust_env=False, timeout=10) as events:
        lines = events.iter_lines()
        assert next(lines) == "retry: 1000"
        here.send("POST", f"/api/phones/{grace}/texts", {"body": "7"})
        here.assembly.driver.settle()
        for line in lines:
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
            if len(told) == 2:
                break
    assert [news["patients"] for news in told] == [[grace], [grace]]
    assert [news["text"]["from_patient"] for news in told] == [True, False]  # type: ignore[index] # it is JSON


def test_given_the_phones_when_listed_then_they_show_initials_language_and_zone_but_no_name_and_no_number(
    here: Town,
) -> None:
    here.enrol("Navarro-Ruiz, Lucía", 1, language="es", zone="America/Denver")
    answer = httpx.get(f"{here.url}/api/phones", trust_env=False)
    [phone] = answer.json()["phones"]
    assert (phone["initials"], phone["language"], phone["zone"]) == ("NRL", "es", "America/Denver")
    assert "Navarro" not in answer.text
    assert "555" not in answer.text


def test_given_planned_texts_when_the_clock_page_asks_then_it_hears_what_happens_next_and_for_whom(here: Town) -> None:
    here.enrol("Grace Okafor", 1)
    here.enrol("Dana Whitfield", 2)
    here.assembly.driver.settle()
    state = here.get("/api/clock")
    entries = [(entry["what"], entry["who"]) for entry in state["next"]]
    assert ("Text: check-in on the day of the visit", ["DW", "GO"]) in [(what, sorted(who)) for what, who in entries]
    assert ("Make the daily digest", ["Lakeside Infusion"]) in entries
    assert [entry["at"] for entry in state["next"]] == sorted(entry["at"] for entry in state["next"])
    assert len(state["next"]) <= 20
    assert state["zone"] == "America/New_York"


def test_given_a_day_when_stepped_then_the_digest_lies_in_the_mailbox_in_both_forms(here: Town) -> None:
    here.enrol("Grace Okafor", 1)
    here.step("day")
    [mail] = here.get("/api/mails")["mails"]
    html = httpx.get(f"{here.url}/api/mails/{mail['id']}/html", trust_env=False)
    assert mail["to"] == ["day@lakeside.example"]
    assert datetime.fromisoformat(mail["at"]) <= here.clock.now()
    assert mail["text"]
    assert html.text.lstrip().startswith("<!")
    assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_given_patients_who_answer_when_a_week_passes_then_all_but_the_one_typed_for_have_written(here: Town) -> None:
    names = ("Grace Okafor", "Dana Whitfield", "Omar Haddad", "Nora Lind", "Ivo Petrov")
    played, *others = [here.enrol(name, number, baseline_phq9=12) for number, name in enumerate(names, start=1)]
    here.step("day")
    here.send("POST", f"/api/phones/{played}/texts", {"body": "7"})
    here.assembly.driver.settle()
    here.send("PUT", "/api/answering", {"on": True})

    here.step("week")

    texts = {patient: here.phone(patient)["texts"] for patient in (played, *others)}
    assert [text["body"] for text in texts[played] if text["from_patient"]] == ["7"]
    assert sum(text["from_patient"] for patient in others for text in texts[patient]) >= 4
    assert here.phone(played)["played"]
    assert not any(here.phone(patient)["played"] for patient in others)
    assert here.assembly.driver.given_up == 0


def test_given_the_same_words_typed_twice_while_the_clock_stands_when_read_then_no_two_texts_share_a_moment(
    here: Town,
) -> None:
    grace = here.enrol("Grace Okafor", 1)
    here.step("day")
    for _ in range(3):
        here.send("POST", f"/api/phones/{grace}/texts", {"body": "purple"})
    here.assembly.driver.settle()
    own = [text["at"] for text in here.phone(grace)["texts"] if text["from_patient"]]
    assert len(set(own)) == 3
    assert own == sorted(own)


def test_given_stop_when_typed_then_the_phone_says_that_it_is_opted_out(here: Town) -> None:
    grace = here.enrol("Grace Okafor", 1)
    here.step("day")
    here.send("POST", f"/api/phones/{grace}/texts", {"body": "STOP"})
    here.assembly.driver.settle()
    assert here.phone(grace)["status"] == "opted_out"


def test_given_danger_when_typed_then_the_crisis_reply_arrives_and_staff_have_mail(here: Town) -> None:
    grace = here.enrol("Grace Okafor", 1)
    here.step("day")
    before = len(here.get("/api/mails")["mails"])
    here.send("POST", f"/api/phones/{grace}/texts", {"body": DANGER})
    here.assembly.driver.settle()
    assert "988" in here.phone(grace)["texts"][-1]["body"]
    assert len(here.get("/api/mails")["mails"]) > before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/phones/nobody/texts", {"body": "7"}, 404),
        ("POST", "/api/phones/p1/texts", {"body": " "}, 400),
        ("POST", "/api/phones/p1/texts", {"body": "x" * 1601}, 400),
        ("POST", "/api/phones/p1/texts", {"body": 7}, 400),
        ("POST", "/api/phones/p1/texts", {"body": "7", "to": "+1"}, 400),
        ("POST", "/api/clock/run", {"to": "year"}, 400),
        ("PUT", "/api/answering", {"on": "yes"}, 400),
    ],
)
def test_given_a_call_that_does_not_fit_when_made_then_it_is_refused_with_a_reason(
    here: Town, method: str, path: str, body: object, status: int
) -> None:
    here.enrol("Grace Okafor", 1)
    answer = here.send(method, path, body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_given_a_page_of_another_origin_when_it_posts_then_it_is_refused(here: Town) -> None:
    grace = here.enrol("Grace Okafor", 1)
    answer = here.send("POST", f"/api/phones/{grace}/texts", {"body": "7"}, Origin="http://elsewhere.example")
    assert answer.status_code == 403
    assert here.phone(grace)["texts"] == []


def test_given_a_form_of_another_page_when_it_posts_plain_text_then_it_is_refused(here: Town) -> None:
    grace = here.enrol("Grace Okafor", 1)
    answer = httpx.post(f"{here.url}/api/phones/{grace}/texts", content='{"body": "7"}', trust_env=False)
    assert answer.status_code == 415


def test_given_another_host_name_when_asked_then_nothing_is_shown(here: Town) -> None:
    answer = httpx.get(f"{here.url}/api/phones", headers={"Host": "rebound.example"}, trust_env=False)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/", "/phones", "/on-call", "/mailbox", "/clock", "/flow"])
def test_given_a_page_when_opened_then_it_may_load_and_run_only_what_comes_from_here(here: Town, path: str) -> None:
    answer = httpx.get(here.url + path, trust_env=False)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", sorted(PAGES.rglob("*.*")), ids=lambda path: path.name)
def test_given_a_file_of_the_pages_when_read_then_it_names_no_other_host_and_holds_no_inline_script_or_style(
    page: Path,
) -> None:
    text = page.read_text().replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in text
    assert "https://" not in text
    for inline in (" onclick", " onload", " style=", "<style", "<script>", "innerHTML"):
        assert inline not in text


def test_given_the_pages_when_served_then_they_listen_on_loopback_only(here: Town) -> None:
    port = int(here.url.rpartition(":")[2])
    with socket.socket() as elsewhere:
        elsewhere.settimeout(1)
        assert elsewhere.connect_ex(("127.0.0.2", port)) != 0
