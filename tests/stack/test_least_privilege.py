"""Roles allow what the functions do, and nothing else: each call of a played course against the template's policies."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from followup.domain.records import Clinic, Consent, Next, Patient, PatientId, PhoneLink, Plan, Sender, Session
from infra.local.stack.template import Template
from infra.local.twin import Twin
from infra.local.twin.records import Handset
from tests.scenario.lakeside import CLINIC, MONDAY, NEW_YORK, SENDER, SETTINGS
from tests.stack.policies import Grant, Resolver, grants
from tests.stack.recorded import Played, asked, playing

USED_BY_AWS = {
    "logs:CreateLogStream": "Lambda writes the functions' logs",
    "logs:PutLogEvents": "Lambda writes the functions' logs",
    "sqs:ReceiveMessage": "Lambda polls the queues, with the function's role",
    "sqs:DeleteMessage": "Lambda polls the queues, with the function's role",
    "sqs:GetQueueAttributes": "Lambda polls the queues, with the function's role",
}
"""What no function calls itself, and why its role allows it nevertheless."""

LEFT_TO_THE_SWEEP = {
    (
        "SendTextsFunction",
        "daily",
    ): "the patient is counted a text while an assessment is overdue, and so queued already"
}
"""Work that a function may come across, of a queue that its role does not allow, and why nothing is lost by that."""

DANGER = "I want to kill myself"
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Course:
    """A played course: the service, and what it ended with."""

    played: Played
    twin: Twin
    unanswered: int = 0
    """Which of the mails got no answer, in the order of calls."""

    def enrol(self, number: int, *, ended: timedelta) -> str:
        """A patient whose infusion ended so long ago, and whose plan is due to be extended. Returns the phone."""
        now, service = self.played.clock.now(), self.played.service
        patient_id, phone = PatientId(f"p{number}"), f"+1212555{100 + number:04d}"
        patient = Patient(
            status="active",
            patient_id=patient_id,
            clinic_id=CLINIC,
            record_number=f"R{number}",
            name="Quinn Example",
            phone=phone,
            language="en",
            zone=NEW_YORK,
            born=date(1980, 1, 1),
            condition="depression",
            consent=Consent("texts", "2", date(2026, 1, 5)),
            next=Next("assess", now + timedelta(hours=20), "daily"),
        )
        session = Session(
            session_id=f"v{number}",
            start=now - ended - timedelta(hours=1),
            end=now - ended,
            status="completed",
            series="induction",
            route="iv",
        )
        service.records.commit(
            patient,
            PhoneLink(phone_key=service.phones.key(phone), clinic_id=CLINIC, patient_ids=(patient_id,)),
            Plan(patient_id=patient_id, clinic_id=CLINIC, sessions=(session,), next=Next("extend", now, "daily")),
        )
        return phone

    def write(self, phone: str, body: str) -> None:
        self.twin.receive(phone, SENDER, body)
        self.played.settle(self.twin)

    def later(self, time: timedelta = MINUTE) -> None:
        self.played.pass_(time, self.twin)

    def mail_is_reported(self, tags: dict[str, str]) -> None:
        """The mail service's event, which names the mail by the tags that it was sent with."""
        told = {"eventType": "Send", "mail": {"tags": {name: [value] for name, value in tags.items()}}}
        self.played.call("RecordMailFunction", {"detail": told})


def by_aws(granted: frozenset[Grant]) -> frozenset[Grant]:
    return frozenset(grant for grant in granted if grant.action in USED_BY_AWS)


def play(course: Course) -> None:
    """Two days at a clinic on which everything happens that a function hands over, looks up or mails."""
    played = course.played
    played.records.commit(
        Clinic(clinic_id=CLINIC, settings=SETTINGS, next=Next("make_digest", MONDAY + timedelta(hours=21), "daily")),
        Sender(sender_key=played.service.phones.key(SENDER), clinic_id=CLINIC, next=Next("look", MONDAY, "replies")),
    )
    _answers(course)
    _danger(course)
    _stop_and_start(course)
    _texts_without_webhooks(course)
    _lost_work(course)
    course.later(timedelta(hours=25))  # the morning's digest, and a nudge


def _answers(course: Course) -> None:
    quinn, low = course.enrol(1, ended=timedelta(hours=24)), course.enrol(2, ended=timedelta(hours=24))
    course.later()
    course.write(quinn, "7")
    course.write(quinn, "a bit of nausea")
    course.write(low, "0")


def _danger(course: Course) -> None:
    """A crisis reply that does not arrive, one without an answer, one reported late; pages that fail in two ways."""
    twin = course.twin
    unheard, unknown, late = (course.enrol(number, ended=timedelta(days=3)) for number in (3, 4, 5))
    twin.set_handset(unheard, Handset("undelivered", 30003))
    recorder = course.played.recorder
    recorder.mail_faults = [503, 429]
    course.unanswered = len(recorder.mails)
    course.write(unheard, DANGER)
    course.mail_is_reported(recorder.mails[course.unanswered])
    twin.faults.answer("reset", stored=False, times=2)
    course.write(unknown, DANGER)
    course.later()
    course.later()
    twin.faults.callbacks("late", by=timedelta(seconds=70))
    course.write(late, DANGER)
    course.played.clock.pass_(timedelta(seconds=75))
    course.played.settle(twin)


def _stop_and_start(course: Course) -> None:
    leaving = course.enrol(6, ended=timedelta(days=3))
    course.write(leaving, "STOP")
    course.write(leaving, "START")


def _texts_without_webhooks(course: Course) -> None:
    silent, words = course.enrol(7, ended=timedelta(days=3)), course.enrol(8, ended=timedelta(days=3))
    course.write(silent, "STOP")
    course.twin.faults.inbound("dropped", times=4)
    for phone, body in ((silent, "START"), (words, "good morning"), (words, DANGER), (words, "STOP")):
        course.twin.receive(phone, SENDER, body)
        course.played.clock.pass_(timedelta(seconds=1))
    course.later(timedelta(minutes=6))


def _lost_work(course: Course) -> None:
    """Whatever queues lose is found by the sweep."""
    played, twin = course.played, course.twin
    danger, words = course.enrol(9, ended=timedelta(days=3)), course.enrol(10, ended=timedelta(hours=22))
    leaving = course.enrol(11, ended=timedelta(days=3))
    for phone, body in ((danger, DANGER), (words, "good morning"), (leaving, "STOP")):
        twin.receive(phone, SENDER, body)
    while twin.deliver_pending():
        pass
    played.lose_work()
    course.later()


@pytest.fixture(scope="module")
def course(translated: Template) -> Iterator[Course]:
    with playing(translated) as (played, twin):
        made = Course(played, twin)
        play(made)
        yield made


def test_given_a_played_course_when_each_call_is_judged_then_the_functions_role_allows_it(course: Course) -> None:
    granted = course.played.grants
    made = course.played.recorder.calls
    refused = {(function, call) for function, call in made if not any(each.allows(call) for each in granted[function])}
    assert refused == set()


def test_given_a_played_course_when_each_grant_is_looked_for_then_some_call_has_used_it(course: Course) -> None:
    made = course.played.recorder.calls
    unused = {
        (function, grant.action, grant.resource)
        for function, granted in course.played.grants.items()
        for grant in granted - by_aws(granted)
        if not any(caller == function and grant.allows(call) for caller, call in made)
    }
    assert unused == set()


def test_given_a_played_course_when_work_is_handed_over_then_each_function_knows_its_queue(course: Course) -> None:
    assert course.played.recorder.kept_back == set(LEFT_TO_THE_SWEEP)


def test_given_what_aws_does_itself_when_looked_for_among_the_calls_then_no_function_does_it(course: Course) -> None:
    assert {call.action for _, call in course.played.recorder.calls} & set(USED_BY_AWS) == set()
    assert {grant.action for granted in course.played.grants.values() for grant in by_aws(granted)} == set(USED_BY_AWS)


def test_given_a_mail_whose_answer_was_lost_when_its_event_comes_then_it_is_not_sent_again(course: Course) -> None:
    """The proof that the tags of a mail are those that its events are looked up by."""
    unanswered = course.played.recorder.mails[course.unanswered]
    assert set(unanswered) == {"clinic", "mail"}
    assert course.played.recorder.mails.count(unanswered) == 1


MAIL = Grant(
    "ses:SendEmail",
    "arn:aws:ses:us-east-1:123456789012:identity/lakeside.example",
    (("StringLike", "ses:FromAddress", "*@lakeside.example"),),
)
INDEX = Grant("dynamodb:Query", "arn:aws:dynamodb:us-east-1:123456789012:table/followup/index/due")


@pytest.mark.parametrize(
    ("service", "operation", "params", "grant", "allowed"),
    [
        ("sesv2", "SendEmail", {"FromEmailAddress": "care@lakeside.example"}, MAIL, True),
        ("sesv2", "SendEmail", {"FromEmailAddress": "care@elsewhere.example"}, MAIL, False),
        ("dynamodb", "Query", {"TableName": "followup", "IndexName": "due"}, INDEX, True),
        ("dynamodb", "Query", {"TableName": "followup", "IndexName": "listed"}, INDEX, False),
        ("dynamodb", "Query", {"TableName": "followup"}, INDEX, False),
        ("dynamodb", "Scan", {"TableName": "followup", "IndexName": "due"}, INDEX, False),
        ("s3", "ListBuckets", {}, Grant("s3:GetObject", "arn:aws:s3:::*"), False),
    ],
)
def test_given_a_call_when_a_grant_is_asked_then_action_resource_and_condition_all_count(
    service: str, operation: str, params: dict[str, str], grant: Grant, allowed: bool
) -> None:
    assert all(grant.allows(call) for call in asked(service, operation, params)) == allowed


def test_given_a_transaction_when_it_is_judged_then_each_of_its_writes_is() -> None:
    items = [{"Put": {"TableName": "followup"}}, {"Delete": {"TableName": "followup"}}]
    actions = [call.action for call in asked("dynamodb", "TransactWriteItems", {"TransactItems": items})]
    assert actions == ["dynamodb:PutItem", "dynamodb:DeleteItem"]


@pytest.mark.parametrize(
    "more",
    [
        {"Effect": "Deny"},
        {"NotAction": "sqs:*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_given_a_statement_that_is_not_understood_when_it_is_read_then_it_is_an_error(
    more: dict[str, Any], template: Template
) -> None:
    statement = {"Sid": "Odd", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"} | more
    role = {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}
    with pytest.raises(ValueError, match="not understood"):
        list(grants(role, Resolver(template, {}, {})))
