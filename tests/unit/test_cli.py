"""The command line on in-memory adapters: what it prints, writes out and returns."""

import json
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from followup import keys
from followup.domain.alerts import raise_alert
from followup.domain.errors import BadInput
from followup.domain.records import Alert, Audit, Clinic, ClinicId
from followup.steps import enrolment
from infra.cli.clinic_file import ClinicFileError, read_clinic
from infra.cli.main import main
from infra.cli.target import LocalStack, Target, deployed
from infra.demo.machine import Machine

SAMPLES = Path(__file__).parents[2] / "docs/samples"
COLUMNS = SAMPLES / "columns"
LAKESIDE = SAMPLES / "lakeside.yaml"
CLINIC = ClinicId("lakeside")
MORNING = datetime(2026, 3, 30, 13, tzinfo=UTC)

Run = Callable[..., Result]


@pytest.fixture
def machine() -> Machine:
    return Machine(MORNING)


@pytest.fixture
def run(machine: Machine) -> Run:
    def invoke(*words: object) -> Result:
        there = Target(machine.service, machine.clock)
        return CliRunner().invoke(main, [str(word) for word in words], obj=lambda: there, catch_exceptions=False)

    return invoke


@pytest.fixture
def sample(run: Run) -> None:
    """The sample clinic with its patients and visits."""
    assert run("clinic", "apply", LAKESIDE).exit_code == 0
    assert importing(run, "patients", SAMPLES / "lakeside-roster.csv").exit_code == 0
    assert importing(run, "infusions", SAMPLES / "lakeside-infusions.csv").exit_code == 0


def importing(run: Run, what: str, file: Path, *more: object) -> Result:
    columns = COLUMNS / {"patients": "roster.yaml", "infusions": "infusions.yaml", "scores": "scores.yaml"}[what]
    return run(what, "import", file, "--columns", columns, "--clinic", CLINIC, "--by", "Desk", *more)


def changed(tmp_path: Path, old: str, new: str, file: Path = LAKESIDE) -> Path:
    """A copy of a sample file with one thing replaced."""
    text = file.read_text()
    assert old in text
    copy = tmp_path / file.name
    copy.write_text(text.replace(old, new, 1))
    return copy


def test_given_a_clinic_file_when_applied_twice_then_the_second_time_says_unchanged(run: Run, machine: Machine) -> None:
    first, second = run("clinic", "apply", LAKESIDE), run("clinic", "apply", LAKESIDE)

    assert (first.exit_code, first.output) == (0, "clinic lakeside: created\n")
    assert (second.exit_code, second.output) == (0, "clinic lakeside: unchanged\n")
    clinic = machine.records.get(keys.clinic(CLINIC))
    assert isinstance(clinic, Clinic)
    assert clinic.next is not None
    assert (clinic.next.step, clinic.next.at) == ("make_digest", datetime(2026, 3, 31, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("zone: America/Chicago", "zone: EST", "lakeside.yaml:6: zone: is no IANA zone; write one such as"),
        ('"+13125550100"', "312-555-0100", "texts.sender: is no US number; write it in quotes"),
        ("Lakeside Wellness ", "Lakeside Ketamine ", 'sms_name: "ketamine"'),
        ("  - {name: Theo Marsh RN, email: marsh@lakeside.example}", "  - {name: Theo Marsh RN}", "email: is missing"),
        ("email: lowell@lakeside.example}", "email: lowell}", "email: is no mail address; write one such as"),
        ('{opens: "08:00", closes: "17:00"}', '{opens: "18:00", closes: "17:00"}', "hours.monday: closes before it"),
        ('at: "07:00"', "at: 7", 'digest.at: is no time of day; write it in quotes as "07:00"'),
        ("consent: {form", "consents: {form", "consents: is no field of a clinic; correct its spelling"),
        ("desk@lakeside.example", "lowell@lakeside.example", "names an address twice"),
        ("clinic: lakeside", "clinic: Lake Side", "lakeside.yaml:2: clinic: is no clinic id; use lower-case"),
        ("hours:  ", "hours: [", "the file: is not valid YAML"),
    ],
)
def test_given_a_mistake_in_a_clinic_file_then_line_field_and_fix_are_named_and_nothing_is_done(
    run: Run, machine: Machine, tmp_path: Path, old: str, new: str, told: str
) -> None:
    result = run("clinic", "apply", changed(tmp_path, old, new))

    assert result.exit_code == 2
    assert told in result.output
    assert machine.records.commits == 0


def test_given_an_unknown_protocol_then_those_there_are_are_named(run: Run, tmp_path: Path) -> None:
    result = run("clinic", "apply", changed(tmp_path, "protocol: standard", "protocol: weekly"))
    assert (result.exit_code, result.output) == (2, "protocol: there is no such protocol; write one of: standard\n")


def test_given_a_clinic_file_then_everything_in_it_becomes_settings() -> None:
    clinic_id, settings = read_clinic(LAKESIDE)
    assert clinic_id == CLINIC
    assert settings.keyword_mode == "service"
    assert [hours.weekday for hours in settings.hours] == [0, 1, 2, 3, 4]
    assert settings.on_call[0].name == "Dr. Nadia Lowell"
    assert dict(settings.visits.by_route) == {"nasal": 120, "im": 90}
    assert settings.consent is not None
    assert settings.consent.form_version == "2026-01"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("{en: Please do not eat for 6 hours before.}", None),
        ('{es: {text: "Puede tomar líquidos.", ucs2: true}}', None),
        ('{es: "Puede tomar líquidos."}', "preparation.es: holds í, which makes texts cost double"),
        ("{en: Your ketamine visit}", 'preparation.en: "ketamine" names a drug'),
        ('{en: "Reply CANCEL to move it."}', "preparation.en: names CANCEL, which the carrier acts on by itself"),
        ("{xx: Please do not eat.}", "preparation: xx is no language that patients are texted in"),
        ('{en: ""}', "preparation.en: has 0 characters; write 1 to 160"),
    ],
)
def test_given_what_a_reminder_says_of_preparation_then_it_passes_the_rules_of_every_text(
    tmp_path: Path, words: str, told: str | None
) -> None:
    file = tmp_path / "clinic.yaml"
    file.write_text(f"{LAKESIDE.read_text()}\npreparation: {words}\n")
    if told is None:
        _, settings = read_clinic(file)
        assert len(settings.preparation) == 1
        return
    with pytest.raises(ClinicFileError) as caught:
        read_clinic(file)
    assert told in str(caught.value)


def test_given_several_mistakes_then_all_are_named(tmp_path: Path) -> None:
    path = changed(tmp_path, "zone: America/Chicago", "zone: Nowhere")
    path.write_text(path.read_text().replace('at: "07:00"', "at: seven"))
    with pytest.raises(ClinicFileError) as error:
        read_clinic(path)
    assert [mistake.field for mistake in error.value.mistakes] == ["zone", "digest.at"]


@pytest.mark.usefixtures("sample")
def test_given_the_sample_clinic_when_imported_again_then_nothing_changes(run: Run, machine: Machine) -> None:
    commits = machine.records.commits

    patients = importing(run, "patients", SAMPLES / "lakeside-roster.csv")
    visits = importing(run, "infusions", SAMPLES / "lakeside-infusions.csv")

    assumed, summary = patients.output.splitlines()
    assert assumed.startswith("lakeside-roster.csv, row 8, Time Zone: blank, taken as the clinic's (America/Chicago);")
    assert summary == "lakeside-roster.csv: 14 unchanged, 0 rejected"
    assert visits.output == "lakeside-infusions.csv: 87 unchanged, 1 left out, 0 rejected\n"
    assert machine.records.commits == commits
    audits = [record for record in machine.records if isinstance(record, Audit)]
    assert {audit.who for audit in audits if "patient" in audit.about} == {"Desk"}


def test_given_bad_rows_then_the_good_ones_go_in_and_the_bad_come_back_to_be_corrected(
    run: Run, machine: Machine, tmp_path: Path
) -> None:
    run("clinic", "apply", LAKESIDE)
    bad = changed(tmp_path, "312-555-0121", "312-555-01", SAMPLES / "lakeside-roster.csv")

    first = importing(run, "patients", bad)
    rejected = tmp_path / "lakeside-roster.rejected.csv"
    mode = stat.S_IMODE(rejected.stat().st_mode)
    rejected.write_text(rejected.read_text().replace("312-555-01", "312-555-0121"))
    second = importing(run, "patients", rejected)

    assert first.exit_code == 1
    assert "lakeside-roster.csv, row 2, Cell: too few digits; give a US mobile number of 10 digits" in first.output
    assert "13 enrolled, 1 rejected" in first.output
    assert mode == 0o600
    assert (second.exit_code, second.output) == (0, "lakeside-roster.rejected.csv: 1 enrolled, 0 rejected\n")


@pytest.mark.usefixtures("sample")
def test_given_a_number_that_is_taken_then_both_record_numbers_and_the_column_are_named(
    run: Run, tmp_path: Path
) -> None:
    header, _, second, *_ = (SAMPLES / "lakeside-roster.csv").read_text().splitlines()
    file = tmp_path / "new.csv"
    file.write_text(f"{header}\n{second.replace('L1002', 'L2002')}\n")

    result = importing(run, "patients", file, "--rejected", tmp_path / "back.csv")

    assert result.exit_code == 1
    assert "new.csv, row 2, Cell: record L2002 has the same number as record L1002; give each" in result.output
    assert "L2002" in (tmp_path / "back.csv").read_text()


@pytest.mark.parametrize(
    ("what", "text", "told"),
    [
        ("patients", "", "row 1, (whole file): the file has no rows"),
        ("patients", "A,B\n1,2\n", "no such header in the file"),
        ("infusions", "A,B\n1,2\n", "no such header in the file"),
        ("scores", "", "the file has no rows"),
    ],
)
def test_given_a_file_that_cannot_be_read_then_nothing_is_done(
    run: Run, machine: Machine, tmp_path: Path, what: str, text: str, told: str
) -> None:
    run("clinic", "apply", LAKESIDE)
    file = tmp_path / "export.csv"
    file.write_text(text)
    commits = machine.records.commits

    result = importing(run, what, file)

    assert result.exit_code == 2
    assert told in result.output
    assert "nothing was imported" in result.output
    assert machine.records.commits == commits


def test_given_no_such_clinic_then_it_is_said(run: Run) -> None:
    result = importing(run, "patients", SAMPLES / "lakeside-roster.csv")
    assert (result.exit_code, result.output) == (2, "clinic lakeside does not exist\n")


def test_given_a_column_map_with_a_mistake_then_line_field_and_fix_are_named(run: Run, tmp_path: Path) -> None:
    run("clinic", "apply", LAKESIDE)
    columns = changed(tmp_path, "  born: DOB", "  birthday: DOB", COLUMNS / "roster.yaml")
    result = run(
        "patients", "import", SAMPLES / "lakeside-roster.csv", "--columns", columns, "--clinic", CLINIC, "--by", "Desk"
    )
    assert result.exit_code == 2
    assert "roster.yaml, line 5, columns.birthday: is no field of a column map" in result.output


def test_given_a_map_that_declares_another_consent_than_the_clinic_then_nothing_is_done(
    run: Run, machine: Machine, tmp_path: Path
) -> None:
    run("clinic", "apply", LAKESIDE)
    commits = machine.records.commits
    columns = changed(tmp_path, '"2026-01"', '"2025-01"', COLUMNS / "roster.yaml")
    result = run("patients", "import", SAMPLES / "lakeside-roster.csv", "--columns", columns, "--clinic", CLINIC)
    assert result.exit_code == 2
    assert "consent.declaration: another form or version than the clinic declares" in result.output
    assert machine.records.commits == commits


def test_given_the_file_itself_is_named_for_rejected_rows_then_it_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    run("clinic", "apply", LAKESIDE)
    file = changed(tmp_path, "312-555-0121", "312", SAMPLES / "lakeside-roster.csv")
    before = file.read_bytes()
    assert importing(run, "patients", file, "--rejected", file).exit_code == 2
    assert file.read_bytes() == before


@pytest.mark.usefixtures("sample")
def test_given_scores_then_they_go_in_and_a_recent_item_9_opens_an_alert_that_a_person_takes_and_closes(
    run: Run, machine: Machine, tmp_path: Path
) -> None:
    file = tmp_path / "scores.csv"
    file.write_text("MRN,Date,Instrument,Score,Item 9\nL1001,2026-03-29,PHQ-9,14,2\nX9,2026-03-29,PHQ-9,3,0\n")

    entered = importing(run, "scores", file)
    [alert] = [record for record in machine.records if isinstance(record, Alert)]
    listed = run("alerts", "list", "--clinic", CLINIC)
    taken = run("alerts", "acknowledge", alert.code, "--clinic", CLINIC, "--by", "Dr. Lowell")
    closed = run("alerts", "close", alert.code, "--clinic", CLINIC, "--by", "Dr. Lowell", "--outcome", "Phoned, safe")

    assert entered.exit_code == 1
    assert "scores.csv, row 3, MRN: no enrolled patient has this record number" in entered.output
    assert "1 alerted, 1 rejected" in entered.output
    assert alert.code in listed.output
    assert "URGENT" in listed.output
    assert "L1001" in listed.output
    assert "+13125550121" in listed.output
    assert (taken.exit_code, closed.output) == (0, f"alert {alert.code}: closed\n")
    assert run("alerts", "list", "--clinic", CLINIC).output == "no alert is open\n"
    audits = {record.did for record in machine.records if isinstance(record, Audit) and record.who == "Dr. Lowell"}
    assert audits == {"acknowledged", "closed: Phoned, safe"}


def test_given_no_alert_with_that_code_then_it_is_said(run: Run) -> None:
    run("clinic", "apply", LAKESIDE)
    result = run("alerts", "acknowledge", "4821", "--clinic", CLINIC, "--by", "Dr. Lowell")
    assert (result.exit_code, result.output) == (2, "no open alert has code 4821\n")


@pytest.mark.usefixtures("sample")
def test_given_a_preview_then_who_when_what_and_cost_are_shown_and_nothing_is_written(
    run: Run, machine: Machine
) -> None:
    commits = machine.records.commits

    result = run("preview", "--clinic", CLINIC, "--patient", "l1011", "--days", "2", "--price", "0.01")

    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert [re.split(r" {2,}", line)[:4] for line in lines[1:-2]] == [
        ["Mon 2026-03-30 14:30 CDT", "DY L1011", "en", "same_day"],
        ["Tue 2026-03-31 10:00 CDT", "DY L1011", "en", "next_day"],
    ]
    assert "Your visit is Wednesday, April 1 at 9:30 AM" in lines[2]
    assert lines[-2].endswith("(estimate at 0.01 a segment)")
    assert machine.records.commits == commits


@pytest.mark.usefixtures("sample")
def test_given_an_open_alert_then_the_preview_says_that_texts_wait(run: Run, machine: Machine) -> None:
    first = run("preview", "--clinic", CLINIC, "--patient", "L1011").output
    clinic = machine.service.clinic(CLINIC)
    patient = enrolment.patient(machine.service, CLINIC, "L1011")
    assert patient is not None
    machine.records.commit(
        raise_alert(
            None,
            clinic_id=CLINIC,
            thread=patient.thread,
            level="urgent",
            rule="rule",
            trigger="SM1",
            settings=clinic.settings,
            now=MORNING,
        )
    )

    result = run("preview", "--clinic", CLINIC, "--patient", "L1011")

    assert "not sent" not in first
    assert "[not sent: an alert is open]" in result.output
    assert "0 texts, 0 segments, 0.00 USD" in result.output


def test_given_a_protocol_then_every_kind_is_shown_in_both_languages(run: Run) -> None:
    run("clinic", "apply", LAKESIDE)
    result = run("preview", "--clinic", CLINIC, "--protocol", "standard")
    kinds = [line.split()[0] for line in result.output.splitlines()[1:-1]]
    assert result.exit_code == 0
    assert all(kinds.count(kind) == 2 for kind in ("reminder", "same_day", "next_day", "day_3", "day_7", "weekly"))


def test_given_an_unknown_patient_then_the_preview_says_so(run: Run) -> None:
    run("clinic", "apply", LAKESIDE)
    result = run("preview", "--clinic", CLINIC, "--patient", "nobody")
    assert result.exit_code == 2
    assert "--patient: no enrolled patient has this record number" in result.output


@pytest.mark.usefixtures("sample")
def test_given_a_clinician_wants_a_survey_then_it_is_planned_once_for_the_next_survey_hours_and_written_down(
    run: Run, machine: Machine
) -> None:
    first = run("survey", "request", "l1001", "--clinic", CLINIC, "--by", "Dr. Lowell")
    again = run("survey", "request", "L1001", "--clinic", CLINIC, "--by", "Dr. Lowell")

    assert (first.exit_code, first.output) == (again.exit_code, again.output)
    assert re.fullmatch(r"PHQ-9 will be asked on (Mon|Tue|Wed|Thu) 2026-\d\d-\d\d 1[0-3]:\d\d \w+\n", first.output)
    patient = enrolment.patient(machine.service, CLINIC, "L1001")
    assert patient is not None
    chart = machine.records.chart(patient.thread, None)
    planned = [each for each in chart.checkins if "clinician" in each.reasons]
    assert [("survey" in (each.kind, *each.joined), each.status) for each in planned] == [(True, "planned")]
    audits = [record for record in machine.records if isinstance(record, Audit)]
    assert ("Dr. Lowell", "asked for a survey") in [(audit.who, audit.did) for audit in audits]


def test_given_an_unknown_patient_then_no_survey_is_requested(run: Run) -> None:
    assert run("clinic", "apply", LAKESIDE).exit_code == 0
    result = run("survey", "request", "A99999", "--clinic", CLINIC)
    assert (result.exit_code, result.output[:45]) == (2, "no enrolled patient has this record number; c")


def test_given_nothing_is_stuck_then_it_is_said_and_an_unknown_id_is_named(run: Run) -> None:
    run("clinic", "apply", LAKESIDE)
    assert run("retry", "--clinic", CLINIC).output == "nothing is stuck\n"
    unknown = run("retry", "p1.2026-03-30T10:00:00.000Z.ask")
    assert unknown.exit_code == 2
    assert "there is no text or mail" in unknown.output
    assert run("retry").exit_code == 2


def test_given_neither_local_nor_a_stack_then_the_command_asks_which(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["clinic", "apply", str(LAKESIDE)], env={"FOLLOWUP_STACK_NAME": ""})
    assert result.exit_code == 2
    assert "say which service: --local, or --stack-name NAME" in result.output


def test_given_the_local_stack_is_written_down_then_its_environment_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    LocalStack(
        endpoint_url="http://127.0.0.1:4566",
        table="followup",
        queues={"urgent": "http://127.0.0.1:4566/queue/urgent"},
        secrets={"phone_key": "followup-phone-key"},
        clock_url="http://127.0.0.1:8000/clock",
    ).save(path)

    environment = LocalStack.load(path).environment()

    assert environment["TABLE_NAME"] == "followup"
    assert environment["QUEUE_URGENT"].endswith("/urgent")
    assert environment["PHONE_KEY_SECRET"] == "followup-phone-key"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["AWS_ACCESS_KEY_ID"] == "test"


@pytest.mark.parametrize("content", [None, "{", '{"endpoint_url": "https://dynamodb.us-east-1.amazonaws.com"}'])
def test_given_no_local_stack_or_one_elsewhere_then_it_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "stack.json"
    if content is not None:
        full = {"table": "t", "queues": {}, "secrets": {}}
        path.write_text(json.dumps(json.loads(content) | full) if content != "{" else content)
    with pytest.raises(BadInput, match="make run"):
        LocalStack.load(path)


class Stacks:
    """Describes one stack."""

    def __init__(self, **outputs: str) -> None:
        self._outputs = outputs

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self._outputs.items()]
        return {"Stacks": [{"Outputs": outputs}]}


def test_given_a_deployed_stack_then_its_outputs_become_the_environment() -> None:
    found = deployed("followup", Stacks(TableName="T", PhoneKeySecret="arn", ApiUrl="https://x"))
    assert found == {"TABLE_NAME": "T", "PHONE_KEY_SECRET": "arn"}
    with pytest.raises(BadInput, match="no output for PHONE_KEY_SECRET"):
        deployed("followup", Stacks(TableName="T"))


def test_given_another_day_on_the_services_clock_then_that_day_counts(
    run: Run, machine: Machine, tmp_path: Path
) -> None:
    run("clinic", "apply", LAKESIDE)
    machine.clock.forward(timedelta(days=-40))
    result = importing(run, "patients", SAMPLES / "lakeside-roster.csv", "--rejected", tmp_path / "back.csv")
    assert "Consent Date: dated in the future" in result.output


@pytest.mark.usefixtures("sample")
def test_given_flags_when_one_is_dealt_with_and_one_put_off_then_the_list_and_the_audit_say_so(
    run: Run, machine: Machine
) -> None:
    with machine:
        machine.run_until(MORNING + timedelta(days=1))
    listed = run("flags", "list", "--clinic", CLINIC)
    before = len(listed.output.splitlines()) - 1

    finished = run("flags", "done", 1, "--clinic", CLINIC, "--by", "Dr. Lowell", "--outcome", "Phoned")
    put_off = run("flags", "snooze", 1, "--clinic", CLINIC, "--by", "Dr. Lowell", "--until", "2026-04-20")
    after = run("flags", "list", "--clinic", CLINIC)

    assert before >= 2
    assert (finished.output, put_off.output) == ("flag 1: done\n", "flag 1: snoozed\n")
    assert len(after.output.splitlines()) - 1 == before - 1
    assert "snoozed" in after.output
    audits = [record.did for record in machine.records if isinstance(record, Audit) and record.who == "Dr. Lowell"]
    assert sorted(audits) == ["closed a flag", "snoozed a flag"]
    assert run("flags", "done", 99, "--clinic", CLINIC, "--by", "X", "--outcome", "y").exit_code == 2
