"""The on-call page of the local stack, through the calls that its script makes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from followup import keys
from followup.adapters.memory import MemoryRecords
from followup.domain.records import Audit, PatientId
from infra.local.on_call import OnCallDesk, as_json
from tests.scenario.in_process import Town, town
from tests.scenario.lakeside import CLINIC, SENDER

DANGER = "I want to end my life tonight"
FIRST, SECOND = "Ana Ruiz", "Ben Cole"


@pytest.fixture
def here() -> Iterator[Town]:
    with town() as running:
        yield running


def in_danger(here: Town, name: str = "Grace Okafor", number: int = 1) -> PatientId:
    """A patient who was asked, and wrote something dangerous."""
    patient = here.enrol(name, number)
    here.step("day")
    here.send("POST", f"/api/phones/{patient}/texts", {"body": DANGER})
    here.assembly.driver.settle()
    return patient


def alerts(here: Town) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here.get("/api/alerts")["alerts"]
    return found


def act(here: Town, what: str, **body: str) -> httpx.Response:
    return here.send("POST", f"/api/alerts/{alerts(here)[0]['id']}/{what}", body)


def test_given_danger_when_the_page_asks_then_it_shows_whom_the_alert_told_and_whom_it_tells_next(here: Town) -> None:
    patient = in_danger(here)
    [alert] = alerts(here)
    assert (alert["thread"], alert["initials"], alert["status"]) == (patient, "GO", "open")
    assert alert["why"].endswith(".")
    assert alert["level"] in ("emergency", "urgent")
    assert [step["reason"] for step in alert["steps"]] == ["opened", "paged"]
    assert alert["steps"][1]["told"] == [{"to": FIRST, "status": "sent"}]
    assert alert["next"]["to"][0] == FIRST
    assert alert["next"]["at"] > alert["opened"]


def test_given_danger_when_the_page_asks_then_its_mails_are_those_that_reached_the_mailbox(here: Town) -> None:
    in_danger(here)
    [alert] = alerts(here)
    [mail] = alert["mails"]
    sent = [each for each in here.get("/api/mails")["mails"] if each["subject"] == mail["subject"]]
    assert [each["text"] for each in sent] == [mail["text"]]
    assert alert["code"] in mail["text"]


def test_given_an_alert_that_nobody_takes_when_time_passes_then_the_page_shows_each_further_page(here: Town) -> None:
    in_danger(here)
    here.step("hour")
    [alert] = alerts(here)
    told = [{each["to"] for each in step["told"]} for step in alert["steps"] if step["reason"] == "paged"]
    assert len(told) >= 3
    assert told[0] == {FIRST}
    assert {FIRST, SECOND} in told
    assert all(each["status"] == "sent" for step in alert["steps"] for each in step["told"])


def test_given_an_open_alert_when_a_named_person_takes_it_then_it_is_theirs_and_the_audit_says_so(here: Town) -> None:
    in_danger(here)
    answer = act(here, "acknowledge", who=f"  {SECOND} ")
    assert answer.json() == {"reason": "acknowledged"}
    [alert] = alerts(here)
    assert (alert["status"], alert["owner"]) == ("acknowledged", SECOND)
    assert (alert["steps"][-1]["reason"], alert["steps"][-1]["by"]) == ("acknowledged", SECOND)
    records = here.service.records
    assert isinstance(records, MemoryRecords)
    audits = [record for record in records if isinstance(record, Audit)]
    assert [(audit.who, audit.did) for audit in audits] == [(SECOND, "acknowledged")]


def test_given_an_alert_when_it_is_closed_then_it_stays_on_the_page_with_its_outcome_and_the_patient_is_free(
    here: Town,
) -> None:
    patient = in_danger(here)
    assert here.phone(patient)["alert"]
    act(here, "acknowledge", who=FIRST)
    answer = act(here, "close", who=FIRST, outcome="Phoned:  safe,\nsister stays ")
    assert answer.status_code == 200
    [alert] = alerts(here)
    assert (alert["status"], alert["outcome"], alert["next"]) == ("closed", "Phoned: safe, sister stays", None)
    assert not here.phone(patient)["alert"]
    assert not list(here.service.records.listed(keys.open_of(CLINIC)))


def test_given_two_alerts_when_the_page_asks_then_the_newer_one_stands_first(here: Town) -> None:
    in_danger(here)
    act(here, "close", who=FIRST, outcome="Phoned: safe.")
    in_danger(here, "Dana Whitfield", 2)
    assert [(alert["initials"], alert["status"]) for alert in alerts(here)] == [("DW", "open"), ("GO", "closed")]


def test_given_a_number_that_nobody_has_when_it_writes_danger_then_its_alert_shows_and_can_be_closed(
    here: Town,
) -> None:
    here.twin.receive("+13125550188", SENDER, DANGER)
    here.assembly.driver.settle()
    [alert] = alerts(here)
    assert (alert["initials"], alert["status"]) == (None, "open")
    assert act(here, "close", who=FIRST, outcome="Phoned: wrong number.").status_code == 200
    assert [each["status"] for each in alerts(here)] == ["closed"]


def test_given_an_alert_that_one_took_and_another_closed_when_the_page_asks_then_it_says_who_did_which(
    here: Town,
) -> None:
    in_danger(here)
    act(here, "acknowledge", who=FIRST)
    act(here, "close", who=SECOND, outcome="Phoned: safe.")
    [alert] = alerts(here)
    assert [step["by"] for step in alert["steps"]] == [None, None, FIRST, SECOND]


def test_given_closed_alerts_when_a_next_start_resumes_then_a_stranger_s_is_still_there_and_says_who_took_it(
    here: Town,
) -> None:
    here.twin.receive("+13125550188", SENDER, DANGER)
    here.assembly.driver.settle()
    act(here, "acknowledge", who=FIRST)
    act(here, "close", who=SECOND, outcome="Phoned: wrong number.")
    before, desk = alerts(here), here.assembly.desk
    next_start = OnCallDesk(here.service, desk.directory, here.clock)
    assert not next_start.alerts()
    next_start.resume(here.assembly.visit().on_call)
    assert [as_json(shown) for shown in next_start.alerts()] == before


def test_given_an_alert_when_the_page_asks_then_it_hears_no_name_no_number_and_no_words_of_the_patient(
    here: Town,
) -> None:
    in_danger(here)
    answer = httpx.get(f"{here.url}/api/alerts", trust_env=False).text
    for personal in ("Okafor", "Grace", "+1312555", DANGER):
        assert personal not in answer


@pytest.mark.parametrize(
    ("what", "body", "said"),
    [
        ("acknowledge", {"who": "  "}, "say who you are"),
        ("acknowledge", {"who": "x" * 81}, "say who you are"),
        ("close", {"who": FIRST, "outcome": " \n "}, "say what came of it"),
        ("close", {"who": FIRST, "outcome": "x" * 201}, "say what came of it"),
        ("close", {"who": FIRST}, "outcome"),
    ],
)
def test_given_a_form_that_lacks_something_when_sent_then_it_is_refused_in_words_and_nothing_changes(
    here: Town, what: str, body: dict[str, str], said: str
) -> None:
    in_danger(here)
    answer = act(here, what, **body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert alerts(here)[0]["status"] == "open"


def test_given_an_alert_that_is_closed_when_somebody_else_takes_it_then_they_are_told(here: Town) -> None:
    in_danger(here)
    act(here, "close", who=FIRST, outcome="Phoned: safe.")
    answer = act(here, "acknowledge", who=SECOND)
    assert answer.status_code == 404
    assert answer.json()["error"] == "this alert is not open any more"


def test_given_the_people_on_call_when_the_page_asks_then_they_are_named_in_the_order_in_which_they_are_told(
    here: Town,
) -> None:
    assert here.get("/api/alerts")["people"] == [FIRST, SECOND]


def test_given_an_acknowledged_alert_when_it_is_not_closed_in_time_then_the_page_shows_that_it_was_told_again(
    here: Town,
) -> None:
    in_danger(here)
    act(here, "acknowledge", who=SECOND)
    before = len(alerts(here)[0]["steps"])
    here.step("day")
    [alert] = alerts(here)
    assert alert["status"] == "acknowledged"
    assert [step["reason"] for step in alert["steps"][before:]].count("paged") >= 1
