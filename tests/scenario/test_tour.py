"""The tour of the start page: each stop is done when the service shows it, and stays done."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from infra.local.resting import Visit
from tests.scenario.in_process import Town, town

DANGER = "I want to end my life tonight"


@pytest.fixture
def here() -> Iterator[Town]:
    with town() as running:
        yield running


def stops(here: Town) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here.get("/api/tour")["stops"]
    return found


def done(here: Town) -> list[str]:
    return [stop["name"] for stop in stops(here) if stop["done"]]


def suggested(here: Town) -> dict[str, str]:
    return {stop["name"]: stop["patient"]["initials"] for stop in stops(here) if stop["patient"]}


def types(here: Town, patient: str, words: str) -> None:
    here.send("POST", f"/api/phones/{patient}/texts", {"body": words})
    here.assembly.driver.settle()


def people(here: Town) -> list[str]:
    names = ("Grace Okafor", "Dana Whitfield", "Omar Haddad")
    english = [here.enrol(name, number) for number, name in enumerate(names, start=1)]
    return [*english, here.enrol("Lucía Navarro", 4, language="es")]


def test_given_a_fresh_start_when_the_tour_is_asked_then_nothing_is_done_and_nobody_is_suggested(here: Town) -> None:
    people(here)
    assert done(here) == []
    assert suggested(here) == {}


def test_given_patients_who_were_asked_when_the_tour_is_asked_then_each_stop_names_somebody_else(here: Town) -> None:
    people(here)
    here.step("day")
    assert done(here) == ["ask"]
    assert suggested(here) == {"nonsense": "DW", "stop": "GO", "danger": "OH", "spanish": "LN"}


def test_given_the_stops_when_a_visitor_does_them_then_each_is_done_and_no_other(here: Town) -> None:
    nonsense, stop, danger, spanish = people(here)
    here.step("day")
    types(here, nonsense, "purple")
    assert done(here) == ["ask", "nonsense"]
    types(here, spanish, "como un siete")
    assert done(here) == ["ask", "nonsense", "spanish"]
    types(here, stop, "STOP")
    assert done(here) == ["ask", "nonsense", "spanish", "stop"]
    types(here, danger, DANGER)
    assert done(here) == ["ask", "nonsense", "spanish", "stop", "danger"]
    assert suggested(here) == {}
    [alert] = here.get("/api/alerts")["alerts"]
    here.send("POST", f"/api/alerts/{alert['id']}/acknowledge", {"who": "Ana Ruiz"})
    assert done(here)[-1] == "take"
    here.send("POST", f"/api/alerts/{alert['id']}/close", {"who": "Ana Ruiz", "outcome": "Phoned: safe."})
    assert done(here)[-1] == "close"


def test_given_nonsense_that_is_made_good_before_anybody_looks_then_the_stop_is_done_all_the_same(here: Town) -> None:
    nonsense, *_ = people(here)
    here.step("day")
    types(here, nonsense, "purple")
    types(here, nonsense, "about six I guess")
    assert "nonsense" in done(here)


def test_given_one_patient_who_was_asked_then_stop_and_danger_name_others_who_were_not(here: Town) -> None:
    here.enrol("Grace Okafor", 1)
    here.step("day")
    assert suggested(here) == {"nonsense": "GO"}
    here.enrol("Dana Whitfield", 2)
    here.enrol("Omar Haddad", 3)
    assert suggested(here) == {"nonsense": "GO", "stop": "DW", "danger": "OH"}


def test_given_a_stop_that_was_done_when_the_patient_takes_it_back_then_it_stays_done(here: Town) -> None:
    _, stop, *_ = people(here)
    here.step("day")
    types(here, stop, "STOP")
    assert "stop" in done(here)
    types(here, stop, "START")
    assert here.phone(stop)["status"] == "active"
    assert "stop" in done(here)


def test_given_patients_who_answer_by_themselves_when_a_week_passes_then_none_of_it_counts_as_the_visitor_s(
    here: Town,
) -> None:
    people(here)
    here.send("PUT", "/api/answering", {"on": True})
    here.step("week")
    assert done(here) == ["ask"]


def test_given_eight_weeks_when_they_are_over_then_only_a_digest_that_is_opened_later_was_read(here: Town) -> None:
    people(here)
    here.step("day")
    [mail] = here.get("/api/mails")["mails"]
    httpx.get(f"{here.url}/api/mails/{mail['id']}/html", trust_env=False)
    assert done(here) == ["ask"]
    here.clock.pass_(timedelta(weeks=8))
    assert done(here) == ["ask", "weeks"]
    httpx.get(f"{here.url}/api/mails/{mail['id']}/html", trust_env=False)
    assert done(here) == ["ask", "weeks", "digest"]


def test_given_a_visit_when_the_next_start_resumes_it_then_the_tour_and_the_played_patients_are_as_before() -> None:
    with town() as before:
        nonsense, *_ = people(before)
        before.step("day")
        types(before, nonsense, "purple")
        assert done(before) == ["ask", "nonsense"]
        visit = before.assembly.visit()
    assert visit == Visit(played=(nonsense,), toured=("ask", "nonsense"))

    with town() as after:
        people(after)
        after.assembly.resume(visit)
        assert done(after) == ["ask", "nonsense"]
        assert after.phone(nonsense)["played"]
