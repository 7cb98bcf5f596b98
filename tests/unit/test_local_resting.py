"""What outlives an orderly stop of the local stack."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from followup.domain.errors import BadInput
from infra.local.on_call import Remembered
from infra.local.resting import RestingPlace, Visit
from infra.local.twin import Number, Settings, Twin

NOW = datetime(2026, 4, 7, 12, 0, tzinfo=UTC)
OURS, THEIRS = "+13125550100", "+13125550121"


def a_twin() -> Twin:
    settings = Settings(
        account_sid="AC" + "0" * 32,
        auth_token="token",
        api_key_sid="SK" + "0" * 32,
        api_key_secret="secret",
        numbers=(Number(number=OURS),),
        public_base_url="https://texts.example",
        deliver_base_url="http://127.0.0.1:9",
    )
    return Twin(settings, clock=lambda: NOW)


def test_given_a_rest_when_it_is_woken_then_the_time_and_the_phones_are_as_before(tmp_path: Path) -> None:
    place, before, after = RestingPlace(tmp_path / "run"), a_twin(), a_twin()
    before.receive(THEIRS, OURS, "about 7")
    place.rest(before, NOW)

    place.wake(after)

    assert place.time() == NOW
    assert after.texts() == before.texts()


def test_given_a_rest_when_it_is_looked_at_by_others_then_they_may_not_read_it(tmp_path: Path) -> None:
    place = RestingPlace(tmp_path / "run")
    place.rest(a_twin(), NOW)
    assert (tmp_path / "run" / "carrier.json").stat().st_mode & 0o077 == 0


def test_given_no_rest_when_asked_for_the_time_then_there_is_none(tmp_path: Path) -> None:
    assert RestingPlace(tmp_path / "run").time() is None


def test_given_an_unfinished_rest_when_asked_for_the_time_then_what_is_left_of_it_goes(tmp_path: Path) -> None:
    place = RestingPlace(tmp_path / "run")
    place.rest(a_twin(), NOW)
    (tmp_path / "run" / "clock").unlink()

    assert place.time() is None
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("time", ["noon", "2026-04-07T12:00:00"])
def test_given_no_time_in_the_file_when_asked_then_it_says_how_to_go_on(tmp_path: Path, time: str) -> None:
    place = RestingPlace(tmp_path / "run")
    place.rest(a_twin(), NOW)
    (tmp_path / "run" / "clock").write_text(time)
    with pytest.raises(BadInput, match="start again with --fresh"):
        place.time()


def test_given_another_file_in_the_carriers_place_when_woken_then_it_says_how_to_go_on(tmp_path: Path) -> None:
    place = RestingPlace(tmp_path / "run")
    place.rest(a_twin(), NOW)
    (tmp_path / "run" / "carrier.json").write_text("{}")
    with pytest.raises(BadInput, match="start again with --fresh"):
        place.wake(a_twin())


def test_given_a_visit_when_it_is_kept_then_the_next_start_knows_it_and_forgetting_forgets_it(tmp_path: Path) -> None:
    place = RestingPlace(tmp_path / "run")
    assert place.visit() == Visit()
    alerts = Remembered(seen=(("x1", "20260407-1"),), takers=(("20260407-1", 2, "Ana Ruiz"),))
    visit = Visit(played=("p1", "p2"), toured=("ask",), on_call=alerts)
    place.keep(visit)
    place.rest(a_twin(), NOW)
    assert place.visit() == visit
    place.forget()
    assert place.visit() == Visit()


def test_given_another_file_in_the_visit_s_place_when_asked_then_the_visit_begins_anew(tmp_path: Path) -> None:
    place = RestingPlace(tmp_path)
    (tmp_path / "visit.json").write_text("[]")
    assert place.visit() == Visit()
