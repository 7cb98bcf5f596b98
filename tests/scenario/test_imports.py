"""A clinic's lists, imported day after day: what changes, what never does, and who is never texted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from followup import keys
from followup.domain.errors import BadInput, StorageBusy
from followup.domain.outgoing import compose
from followup.domain.records import (
    Alert,
    Audit,
    CheckIn,
    ClinicId,
    Flag,
    Patient,
    PhoneLink,
    Plan,
    Score,
    Text,
    ThreadId,
)
from followup.intake.columns import AnyColumns, InfusionColumns, RosterColumns, ScoreColumns, read_columns
from followup.intake.infusions import read_infusions
from followup.intake.roster import read_roster
from followup.intake.scores import read_scores
from followup.steps import clinics, enrolment, imports, retry
from followup.steps.imports import Taken
from infra.cli.clinic_file import read_clinic
from infra.demo.machine import Machine

SAMPLES = Path(__file__).parents[2] / "docs/samples"
CLINIC, SETTINGS = read_clinic(SAMPLES / "lakeside.yaml")
MORNING = datetime(2026, 3, 30, 13, tzinfo=UTC)
"""Eight in the morning in Chicago, on the day of the sample lists."""
TODAY = MORNING.date()
ROSTER = (SAMPLES / "lakeside-roster.csv").read_text()
VISITS = (SAMPLES / "lakeside-infusions.csv").read_text()
DESK = "front desk"


def columns(name: str, kind: type[AnyColumns]) -> AnyColumns:
    return read_columns((SAMPLES / "columns" / name).read_bytes(), file=name, kind=kind)


ROSTER_COLUMNS = columns("roster.yaml", RosterColumns)
VISIT_COLUMNS = columns("infusions.yaml", InfusionColumns)
SCORE_COLUMNS = columns("scores.yaml", ScoreColumns)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MORNING) as running:
        clinics.apply(running.service, CLINIC, SETTINGS, who=DESK, now=MORNING)
        yield running


def import_patients(machine: Machine, text: str = ROSTER) -> Taken:
    now = machine.clock.now()
    intake = read_roster(text.encode(), ROSTER_COLUMNS, clinic_zone=SETTINGS.zone, today=now.date())
    return imports.patients(machine.service, CLINIC, intake, who=DESK, now=now)


def import_visits(machine: Machine, text: str = VISITS) -> Taken:
    now = machine.clock.now()
    intake = read_infusions(text.encode(), VISIT_COLUMNS, clinic_zone=SETTINGS.zone, known=None, today=now.date())
    return imports.infusions(machine.service, CLINIC, intake, who=DESK, now=now)


def import_scores(machine: Machine, *rows: str) -> Taken:
    now = machine.clock.now()
    text = "\n".join(("MRN,Date,Instrument,Score,Item 9", *rows))
    intake = read_scores(text.encode(), SCORE_COLUMNS, clinic_zone=SETTINGS.zone, known=None, today=now.date())
    return imports.scores(machine.service, CLINIC, intake, who=DESK, now=now)


def roster(*record_numbers: str, **changes: str) -> str:
    """The sample list, only these patients, with words replaced in their rows."""
    header, *rows = ROSTER.splitlines()
    kept = [row for row in rows if row.split(",")[0] in record_numbers]
    for old, new in changes.items():
        kept = [row.replace(CELLS[old], new) for row in kept]
    return "\n".join((header, *kept))


CELLS = {"phone": "312-555-0121", "consent_date": "02/24/2026", "consent": ",Y,", "intake": ",19,"}
"""Cells of patient L1001."""


def patient(machine: Machine, record_number: str) -> Patient:
    found = enrolment.patient(machine.service, CLINIC, record_number)
    assert found is not None
    return found


def plan(machine: Machine, record_number: str) -> Plan:
    found = machine.records.get(keys.plan(patient(machine, record_number).patient_id))
    assert isinstance(found, Plan)
    return found


def planned(machine: Machine, record_number: str) -> list[CheckIn]:
    chart = machine.records.chart(patient(machine, record_number).thread, None)
    return [checkin for checkin in chart.checkins if checkin.status == "planned"]


def flags(machine: Machine, rule: str) -> list[Flag]:
    return [record for record in machine.records if isinstance(record, Flag) and record.rule == rule]


def test_given_the_sample_clinic_when_everything_is_imported_twice_then_the_second_time_changes_nothing(
    machine: Machine,
) -> None:
    first = (import_patients(machine), import_visits(machine))
    commits = machine.records.commits
    second = (import_patients(machine), import_visits(machine))
    clinics.apply(machine.service, CLINIC, SETTINGS, who=DESK, now=MORNING)

    assert [dict(taken.counts) for taken in second] == [{"unchanged": 14}, {**_none(), "unchanged": 87}]
    assert dict(first[0].counts) == {"enrolled": 14}
    assert first[1].counts["added"] == 87
    assert not any(taken.rejected for taken in (*first, *second))
    assert machine.records.commits == commits


def _none() -> dict[str, int]:
    return {"added": 0, "changed": 0, "removed": 0}


def test_given_a_new_patient_then_record_plan_number_and_intake_score_stand_and_the_import_is_audited(
    machine: Machine,
) -> None:
    import_patients(machine, roster("L1001"))

    grace = patient(machine, "L1001")
    link = machine.records.get(keys.phone(machine.service.phones.key("+13125550121"), CLINIC))
    scores = [record for record in machine.records if isinstance(record, Score)]
    audits = [record for record in machine.records if isinstance(record, Audit) and "patient" in record.about]
    assert grace.status == "active"
    assert grace.baseline_phq9 == 19
    assert "L1001" not in grace.patient_id
    assert plan(machine, "L1001").next is not None
    assert isinstance(link, PhoneLink)
    assert link.patient_ids == (grace.patient_id,)
    assert [(score.value, score.origin) for score in scores] == [(19, "intake")]
    assert [(audit.who, audit.did) for audit in audits] == [(DESK, "enrolled")]


def test_given_a_visit_that_moved_when_it_is_imported_then_its_checks_move_with_it_once(machine: Machine) -> None:
    import_patients(machine, roster("L1013"))
    import_visits(machine)
    before = _asked_about(machine, "2026-04-01")
    later = VISITS.replace("04/01/2026 11:30 AM,,Scheduled", "04/02/2026 01:30 PM,,Scheduled")

    taken = import_visits(machine, later)
    after = _asked_about(machine, "2026-04-02")
    commits = machine.records.commits
    import_visits(machine, later)

    assert taken.counts["changed"] == 1
    assert {kind: due - before[kind] for kind, due in after.items()} == {
        "reminder": timedelta(days=1),
        "same_day": timedelta(days=1, hours=2),
        "next_day": timedelta(days=1),
    }
    assert machine.records.commits == commits


def _asked_about(machine: Machine, day: str) -> dict[str, datetime]:
    """When each check-in about the visit of patient L1013 on this day is due."""
    [visit] = [session for session in plan(machine, "L1013").sessions if session.start.date().isoformat() == day]
    return {each.kind: each.due for each in planned(machine, "L1013") if each.session_id == visit.session_id}


def test_given_a_visit_that_is_cancelled_then_nothing_is_asked_about_it(machine: Machine) -> None:
    import_patients(machine, roster("L1014"))
    import_visits(machine)
    first = plan(machine, "L1014").sessions[0]

    import_visits(machine, _with_status(VISITS, "04/06/2026 10:00 AM", "Cancelled"))

    assert not [checkin for checkin in planned(machine, "L1014") if checkin.session_id == first.session_id]
    assert plan(machine, "L1014").sessions[0].status == "cancelled"


def test_given_a_visit_entered_in_error_then_it_leaves_the_plan(machine: Machine) -> None:
    import_patients(machine, roster("L1014"))
    import_visits(machine)

    taken = import_visits(machine, _with_status(VISITS, "04/06/2026 10:00 AM", "Entered in error"))

    assert taken.counts["removed"] == 1
    assert len(plan(machine, "L1014").sessions) == 5


def test_given_a_visit_that_was_another_patients_then_it_leaves_the_earlier_plan(machine: Machine) -> None:
    import_patients(machine)
    import_visits(machine)
    first = plan(machine, "L1014").sessions[0]
    corrected = VISITS.replace(f"{first.session_id},L1014", f"{first.session_id},L1011")

    taken = import_visits(machine, corrected)

    assert taken.counts["taken from another patient"] == 1
    assert first not in plan(machine, "L1014").sessions
    assert first in plan(machine, "L1011").sessions


def _with_status(text: str, start: str, status: str) -> str:
    rows = [row.replace("Scheduled", status) if f",{start}," in row else row for row in text.splitlines()]
    return "\n".join(rows)


def test_given_two_people_on_one_number_in_a_list_then_neither_is_enrolled(machine: Machine) -> None:
    both = roster("L1001", "L1002").replace("312-555-0122", "312-555-0121")

    import_patients(machine, both)

    assert not [record for record in machine.records if isinstance(record, Patient)]


def test_given_an_enrolled_patient_when_a_list_gives_the_number_to_another_then_neither_is_texted(
    machine: Machine,
) -> None:
    import_patients(machine, roster("L1001"))
    import_visits(machine)

    taken = import_patients(machine, roster("L1002").replace("312-555-0122", "312-555-0121"))

    [rejected] = taken.rejected
    [flag] = flags(machine, "shared_number")
    assert rejected.place == "phone"
    assert "L1001" in rejected.problem
    assert "L1002" in rejected.problem
    assert enrolment.patient(machine.service, CLINIC, "L1002") is None
    assert patient(machine, "L1001").status == "paused"
    assert planned(machine, "L1001") == []
    assert dict(flag.numbers) == {"record": "L1001", "others": "L1002"}
    assert (flag.group, flag.status) == ("desk", "open")


def test_given_two_patients_held_back_for_one_number_when_each_has_their_own_then_both_are_texted(
    machine: Machine,
) -> None:
    import_patients(machine, roster("L1001"))
    import_patients(machine, roster("L1001", "L1002").replace("312-555-0122", "312-555-0121"))
    held = patient(machine, "L1001").status

    import_patients(machine, roster("L1001", "L1002"))

    assert held == "paused"
    assert [patient(machine, number).status for number in ("L1001", "L1002")] == ["active", "active"]
    assert [flag.status for flag in flags(machine, "shared_number")] == ["withdrawn"]


@pytest.mark.parametrize(
    ("changes", "note", "status"),
    [
        ({"consent": ",N,"}, "", "discharged"),
        ({"consent": ",,"}, "", "paused"),
        ({}, "Passed away 3/28", "discharged"),
    ],
)
def test_given_an_enrolled_patient_when_the_list_speaks_against_texting_then_the_texts_stop(
    machine: Machine, changes: dict[str, str], note: str, status: str
) -> None:
    import_patients(machine, roster("L1001"))
    import_visits(machine)
    machine.run_until(MORNING + timedelta(minutes=5))

    taken = import_patients(machine, roster("L1001", **changes) + note)
    machine.run_until(MORNING + timedelta(days=10))

    assert taken.counts["stopped"] == 1
    assert patient(machine, "L1001").status == status
    assert planned(machine, "L1001") == []
    assert [text for text in machine.carrier.sent if text.order.to == "+13125550121"] == []


def test_given_a_patient_noted_as_deceased_by_mistake_when_the_note_is_gone_then_they_are_followed_again(
    machine: Machine,
) -> None:
    import_patients(machine, roster("L1001"))
    import_patients(machine, roster("L1001") + "Mother passed away")

    taken = import_patients(machine, roster("L1001"))

    assert taken.counts["updated"] == 1
    assert patient(machine, "L1001").status == "active"


def test_given_consent_was_withdrawn_when_the_old_consent_is_listed_again_then_it_does_not_count(
    machine: Machine,
) -> None:
    import_patients(machine, roster("L1001"))
    import_patients(machine, roster("L1001", consent=",N,"))

    [rejected] = import_patients(machine, roster("L1001")).rejected
    held = patient(machine, "L1001").status
    import_patients(machine, roster("L1001", consent_date="03/29/2026"))

    assert rejected.place == "consent_date"
    assert held == "discharged"
    assert patient(machine, "L1001").status == "active"


def test_given_a_patient_texted_stop_when_the_list_is_imported_again_then_they_stay_opted_out(
    machine: Machine,
) -> None:
    import_patients(machine, roster("L1001"))
    machine.patient_writes("+13125550121", SETTINGS.sender, "STOP")
    machine.settle()

    import_patients(machine, roster("L1001") + "Passed away")
    import_patients(machine, roster("L1001", consent_date="03/29/2026", intake=",21,"))

    assert patient(machine, "L1001").status == "opted_out"
    assert patient(machine, "L1001").baseline_phq9 == 21


def test_given_a_number_that_opted_out_when_another_record_brings_it_then_it_is_not_enrolled(machine: Machine) -> None:
    import_patients(machine, roster("L1001"))
    machine.patient_writes("+13125550121", SETTINGS.sender, "STOP")
    machine.settle()

    [rejected] = import_patients(machine, roster("L1001").replace("L1001", "L2001")).rejected

    assert "START" in rejected.fix
    assert enrolment.patient(machine.service, CLINIC, "L2001") is None


def test_given_another_number_then_it_is_taken_with_a_later_consent_only(machine: Machine) -> None:
    import_patients(machine, roster("L1001"))

    [rejected] = import_patients(machine, roster("L1001", phone="312-555-0199")).rejected
    held = patient(machine, "L1001").phone
    import_patients(machine, roster("L1001", phone="312-555-0199", consent_date="03/28/2026"))

    old = machine.records.get(keys.phone(machine.service.phones.key("+13125550121"), CLINIC))
    assert (rejected.row, rejected.place) == (2, "phone")
    assert "consent" in rejected.fix
    assert held == "+13125550121"
    assert patient(machine, "L1001").phone == "+13125550199"
    assert isinstance(old, PhoneLink)
    assert old.patient_ids == ()


def test_given_a_corrected_intake_score_then_it_stands_once(machine: Machine) -> None:
    import_patients(machine, roster("L1001"))

    import_patients(machine, roster("L1001", intake=",21,"))

    assert [record.value for record in machine.records if isinstance(record, Score)] == [21]
    assert patient(machine, "L1001").baseline_phq9 == 21


def test_given_a_row_that_cannot_be_stored_then_the_others_go_in_and_it_is_named(machine: Machine) -> None:
    def busy(number: int, moment: str) -> None:
        if moment == "before" and number == before + 1:
            raise StorageBusy("busy")

    before = machine.records.commits
    machine.records.on_commit = busy
    taken = import_patients(machine, roster("L1001", "L1002"))

    assert [(one.row, one.place) for one in taken.rejected] == [(2, "row")]
    assert patient(machine, "L1002").status == "active"


def test_given_scores_when_they_are_imported_twice_then_they_stand_once_and_a_different_value_is_named(
    machine: Machine,
) -> None:
    import_patients(machine, roster("L1001"))

    first = import_scores(machine, "L1001,2026-03-27,PHQ-9,8,0", "L1001,2026-03-27,Mood,6,")
    second = import_scores(machine, "L1001,2026-03-27,PHQ-9,8,0", "L1001,2026-03-27,PHQ-9,9,")
    third = import_scores(machine, "L1001,2026-03-27,PHQ-9,9,")

    assert dict(first.counts) == {"stored": 2}
    assert dict(second.counts) == {}
    assert [(one.row, one.place) for one in third.rejected] == [(2, "score")]
    assert not [record for record in machine.records if isinstance(record, Alert)]


@pytest.mark.parametrize(
    ("day", "item9", "levels"),
    [("2026-03-29", 1, ["same_day"]), ("2026-03-29", 3, ["urgent"]), ("2026-02-26", 3, []), ("2026-03-29", 0, [])],
)
def test_given_thoughts_of_death_in_a_recent_score_then_staff_are_alerted_once(
    machine: Machine, day: str, item9: int, levels: list[str]
) -> None:
    import_patients(machine, roster("L1001"))

    import_scores(machine, f"L1001,{day},PHQ-9,14,{item9}")
    import_scores(machine, f"L1001,{day},PHQ-9,14,{item9}")

    alerts = [record for record in machine.records if isinstance(record, Alert)]
    assert [alert.level for alert in alerts] == levels
    assert (patient(machine, "L1001").item9_positive_on is not None) == (item9 > 0)


def test_given_a_stuck_text_then_it_is_listed_and_goes_again_unless_its_time_is_past(machine: Machine) -> None:
    import_patients(machine, roster("L1001"))
    thread = patient(machine, "L1001").thread
    text = _text(machine, thread, stale=MORNING + timedelta(hours=1))

    listed = [one.retry_id for one in retry.stuck(machine.service, CLINIC)]
    retry.retry(machine.service, text.text_id, who=DESK, now=MORNING)
    machine.run_until(MORNING + timedelta(minutes=2))

    late = _text(machine, thread, stale=MORNING - timedelta(hours=1))
    with pytest.raises(BadInput, match="its time is past"):
        retry.retry(machine.service, late.text_id, who=DESK, now=MORNING)

    assert listed == [text.text_id]
    assert [sent.order.body for sent in machine.carrier.sent] == ["Thanks."]
    assert [one.retry_id for one in retry.stuck(machine.service, CLINIC)] == [late.text_id]


def _text(machine: Machine, thread: ThreadId, stale: datetime) -> Text:
    made = compose(
        thread=thread,
        clinic_id=CLINIC,
        kind="answer",
        to="+13125550121",
        body="Thanks.",
        purpose=f"thanks-{stale:%H}",
        now=MORNING,
    )
    stuck = replace(made, stale=stale, tries=5).into("stuck", "not sent", MORNING)
    machine.records.commit(stuck)
    return stuck


def test_given_a_sender_of_another_clinic_then_it_is_refused(machine: Machine) -> None:
    with pytest.raises(BadInput, match="sender: the number belongs to another clinic"):
        clinics.apply(machine.service, ClinicId("other"), SETTINGS, who=DESK, now=MORNING)


def test_given_another_protocol_zone_or_series_then_plans_follow_within_the_day(machine: Machine) -> None:
    import_patients(machine, roster("L1001"))
    machine.run_until(MORNING + timedelta(minutes=5))

    changed = replace(SETTINGS, series_sessions=8)
    clinics.apply(machine.service, CLINIC, changed, who=DESK, now=machine.clock.now())

    due = plan(machine, "L1001").next
    assert due is not None
    assert due.at <= machine.clock.now() + timedelta(days=1)
