from datetime import UTC, date, datetime, time, timedelta

import pytest

from followup.domain.clinic import ClinicSettings, DigestRecipient, OnCall, OpenHours
from followup.domain.records import Alert, Chart, ClinicId, Consent, Decision, Patient, PatientId, Score, ThreadId
from followup.domain.scoring import Differs, Entered, enter, records_of

NOW = datetime(2026, 3, 30, 15, tzinfo=UTC)
SETTINGS = ClinicSettings(
    name="Clinic",
    sms_name="Clinic",
    zone="America/Chicago",
    phone="312-555-0101",
    sender="+13125550100",
    messaging_service=None,
    keyword_mode="service",
    hours=(OpenHours(0, time(8), time(17)),),
    closed_on=(),
    on_call=(OnCall("Dr. Example", "oncall@clinic.example"),),
    digest_at=time(7),
    digest_to=(DigestRecipient("Dr. Example", "digest@clinic.example"),),
    mail_from="followup@clinic.example",
)
PATIENT = Patient(
    status="active",
    patient_id=PatientId("p1"),
    clinic_id=ClinicId("c"),
    record_number="R1",
    name="Quinn Example",
    phone="+13125550121",
    language="en",
    zone="America/Chicago",
    born=date(1980, 1, 1),
    condition="depression",
    consent=Consent("texts", "2", date(2026, 3, 1)),
)
CHART = Chart(ThreadId("p1"), patient=PATIENT)


def entered(item9: int | None = None, days_ago: float = 1, total: int = 14) -> Entered:
    return Entered("phq9", NOW - timedelta(days=days_ago), total, item9)


def decide(what: Entered, *stored: Score) -> Decision:
    return enter(what, stored, PATIENT, CHART, SETTINGS, NOW)


def alerts(decision: Decision) -> list[Alert]:
    return [record for record in decision.writes if isinstance(record, Alert)]


def test_given_a_score_then_it_is_stored_and_the_patient_is_looked_at() -> None:
    decision = decide(entered(item9=0))
    scores = [(s.instrument, s.value, s.origin) for s in decision.writes if isinstance(s, Score)]
    [patient] = [record for record in decision.writes if isinstance(record, Patient)]
    assert scores == [("phq9", 14, "import"), ("phq9_item9", 0, "import")]
    assert patient.next is not None
    assert (patient.next.step, patient.next.at) == ("assess", NOW)
    assert patient.item9_positive_on is None
    assert not alerts(decision)


def test_given_the_same_score_again_then_nothing_is_written() -> None:
    what = entered(item9=2)
    assert decide(what, *records_of(PATIENT.patient_id, what)).writes == ()


def test_given_item_9_is_added_to_a_known_total_then_only_it_is_stored() -> None:
    decision = decide(entered(item9=1), *records_of(PATIENT.patient_id, entered()))
    assert [record.instrument for record in decision.writes if isinstance(record, Score)] == ["phq9_item9"]
    assert len(alerts(decision)) == 1


def test_given_another_value_at_the_same_time_then_it_is_not_taken() -> None:
    with pytest.raises(Differs):
        decide(entered(total=15), *records_of(PATIENT.patient_id, entered()))


@pytest.mark.parametrize(
    ("item9", "days_ago", "levels"),
    [
        (0, 1, []),
        (1, 1, ["same_day"]),
        (2, 1, ["urgent"]),
        (3, 1, ["urgent"]),
        (3, 14, ["urgent"]),
        (3, 14.1, []),
        (1, -0.1, ["same_day"]),
    ],
)
def test_given_item_9_then_staff_are_alerted_by_its_weight_while_it_is_news(
    item9: int, days_ago: float, levels: list[str]
) -> None:
    decision = decide(entered(item9, days_ago))
    assert [alert.level for alert in alerts(decision)] == levels


def test_given_an_older_positive_item_9_then_the_later_day_stays() -> None:
    old = enter(entered(1, days_ago=60), (), PATIENT, CHART, SETTINGS, NOW)
    [patient] = [record for record in old.writes if isinstance(record, Patient)]
    new = enter(entered(1, days_ago=80), (), patient, CHART, SETTINGS, NOW)
    [after] = [record for record in new.writes if isinstance(record, Patient)]
    assert after.item9_positive_on == patient.item9_positive_on == date(2026, 1, 29)
