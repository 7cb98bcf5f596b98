"""`followup smoke`: whether a stack that was just deployed does what it is there for."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import click
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from followup.adapters.secrets import ApiKey, AuthTokens
from followup.domain.errors import BadInput, FollowUpError
from followup.domain.records import Lane
from infra.checklist import Check, failed, ok, show, skipped
from infra.cli.deployed_stack import DeployedStack
from infra.cli.session import REJECTED, guarded, target
from infra.cli.target import Target

UNKNOWN_SENDER: Final = "+15555550198"
"""A number that nobody has (555-01xx is kept for fiction), so that a text to it is taken in and goes nowhere."""
UNKNOWN_PHONE: Final = "+15555550199"
SMOKE_SID: Final = f"SM{'5' * 32}"
REPORTED_WITHIN: Final = timedelta(minutes=15)
"""Three rounds of the slowest lane."""
LOOKS: Final = 3
PAUSE_S: Final = 5.0
_DEPTHS: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_SETTLED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_WRONG_PERMISSION: Final = "look at the error; does your AWS user have this permission?"

Post = Callable[[str, dict[str, str], dict[str, str]], tuple[int, str]]
"""Sends a form with these headers to an address, and returns status and body."""


@click.command()
@guarded
def smoke() -> None:
    """Check a stack after it was deployed: table, sweep, webhooks, queues, secrets, mail. Sends nothing to anybody.

    Two requests are refused on purpose; the alarm WebhookRefused sounds at five within five minutes.
    """
    there = target()
    stack = there.stack()
    if not show(checks(stack, there, post=deliver, pause=lambda: time.sleep(PAUSE_S))):
        raise SystemExit(REJECTED)


def checks(stack: DeployedStack, there: Target, *, post: Post, pause: Callable[[], None]) -> Iterator[Check]:
    """Every check in turn, each made when it is asked for; whatever goes wrong in one fails that one alone."""
    now = there.clock.now()
    steps: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("stack", lambda: _stack(stack)),
        ("table", lambda: _table(there, now)),
        ("phone key", lambda: _phone_key(stack)),
        ("auth token", lambda: _auth_token(stack)),
        ("API key", lambda: _api_key(stack)),
        ("sweep", lambda: _sweep(stack)),
        ("schedules", lambda: _schedules(stack, now)),
        ("webhook refuses", lambda: _refuses(stack, post)),
        ("webhook accepts", lambda: _accepts(stack, post)),
        ("queues", lambda: _queues(stack, pause)),
        ("dead letters", lambda: _dead_letters(stack)),
        ("mail", lambda: _mail(stack)),
    )
    for name, step in steps:
        try:
            yield step()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            yield failed(name, f"AWS refused: {code}", _WRONG_PERMISSION)
        except (BotoCoreError, OSError, FollowUpError) as error:
            yield failed(name, f"could not be checked: {type(error).__name__}", "run it again; look at the logs")


def deliver(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    """Post a form. Raises OSError: nobody answers."""
    import requests

    answer = requests.post(url, data=form, headers=headers, timeout=20, allow_redirects=False)
    return answer.status_code, answer.text


def _stack(stack: DeployedStack) -> Check:
    if stack.status in _SETTLED:
        return ok("stack", f"{stack.name} is {stack.status}")
    return failed("stack", f"{stack.name} is {stack.status}", "wait, or look at its events in CloudFormation")


def _table(there: Target, now: datetime) -> Check:
    there.service.records.due("urgent", 0, now, 1)
    return ok("table", "answers, and so does its index of due steps")


def _phone_key(stack: DeployedStack) -> Check:
    try:
        stack.secrets().phone_key()
    except BadInput:
        return failed("phone key", "is not what the stack made", "restore it from a backup; never make a new one")
    return ok("phone key", "is there")


def _auth_token(stack: DeployedStack) -> Check:
    name = "auth token"
    tokens = _filled(stack.secrets().auth_tokens)
    if isinstance(tokens, AuthTokens) and tokens.primary:
        return ok(name, "is there")
    return failed(name, "is empty or malformed: every webhook answers 500", "fill it: docs/runbooks/secrets.md")


def _api_key(stack: DeployedStack) -> Check:
    name = "API key"
    key = _filled(stack.secrets().api_key)
    if isinstance(key, ApiKey) and key.sid.startswith("SK") and key.secret:
        return ok(name, "is there")
    if not stack.carrier_url:
        return skipped(name, "empty or malformed; not needed while the stack has no carrier")
    return failed(name, "is empty or malformed: no text leaves", "fill it: docs/runbooks/secrets.md")


def _filled(read: Callable[[], Any]) -> Any:
    """The secret, or nothing if it holds no value or not the right one."""
    try:
        return read()
    except BadInput:
        return None
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            return None
        raise


def _sweep(stack: DeployedStack) -> Check:
    payload = json.dumps({"lane": "urgent"}).encode()
    answer = stack.clients("lambda").invoke(FunctionName=f"{stack.name}-sweep", Payload=payload)
    told = answer["Payload"].read()
    if answer.get("FunctionError") or "handed_over" not in msgspec.json.decode(told):
        log = f"look at the log /aws/lambda/{stack.name}-sweep"
        return failed("sweep", "fails when it is called", f"{log}; docs/runbooks/overdue-steps.md")
    return ok("sweep", "works when it is called")


def _schedules(stack: DeployedStack, now: datetime) -> Check:
    if stack.emulator:
        return skipped("schedules", "moved by the clock on this machine")
    client = stack.clients("cloudwatch")
    silent = [lane for lane in get_args(Lane) if not _reported(client, lane, now)]
    if not silent:
        return ok("schedules", "every lane has reported")
    minutes = REPORTED_WITHIN // timedelta(minutes=1)
    return failed(
        "schedules",
        f"no report in {minutes} minutes from: {', '.join(silent)}",
        "after a first deployment wait ten minutes and run this again; then docs/runbooks/overdue-steps.md",
    )


def _reported(client: Any, lane: str, now: datetime) -> bool:
    found = client.get_metric_statistics(
        Namespace="FollowUp",
        MetricName="OldestDueSeconds",
        Dimensions=[{"Name": "service", "Value": "followup"}, {"Name": "lane", "Value": lane}],
        StartTime=now - REPORTED_WITHIN,
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    return bool(found["Datapoints"])


def _refuses(stack: DeployedStack, post: Post) -> Check:
    name = "webhook refuses"
    if not stack.public_url:
        return failed(name, "PublicUrl is empty", _second_deployment(stack))
    answers = {route: post(f"{stack.webhooks_at}{route}", _text(stack), {})[0] for route in _routes()}
    wrong = [f"{route} answers {status}" for route, status in answers.items() if status != 403]
    if wrong:
        return failed(name, f"an unsigned request: {', '.join(wrong)}", "docs/runbooks/webhooks.md")
    return ok(name, "an unsigned request gets 403")


def _accepts(stack: DeployedStack, post: Post) -> Check:
    from twilio.request_validator import RequestValidator

    from followup.handlers.receive_text import ROUTE

    name = "webhook accepts"
    if not stack.public_url:
        return failed(name, "PublicUrl is empty", _second_deployment(stack))
    tokens = _filled(stack.secrets().auth_tokens)
    if not isinstance(tokens, AuthTokens) or not tokens.primary:
        return failed(name, "the auth token is empty or malformed", "fill it: docs/runbooks/secrets.md")
    form = _text(stack)
    signature = RequestValidator(tokens.primary).compute_signature(f"{stack.public_url}{ROUTE}", form)
    status, body = post(f"{stack.webhooks_at}{ROUTE}", form, {"X-Twilio-Signature": signature})
    if status == 200 and body.endswith("<Response/>"):
        return ok(name, "a signed text to a number that nobody has gets 200 and no words")
    if status == 403:
        why = "is PublicUrl the address that this was sent to? after a rotation wait five minutes"
        return failed(name, "a signed text gets 403", f"{why}; docs/runbooks/webhooks.md")
    return failed(name, f"a signed text gets {status}", "docs/runbooks/webhooks.md")


def _queues(stack: DeployedStack, pause: Callable[[], None]) -> Check:
    client, waiting = stack.clients("sqs"), 0
    for look in range(LOOKS):
        if look:
            pause()
        waiting = sum(_depth(client, url) for name, url in _queue_urls(stack) if not name.endswith("DeadLetters"))
        if not waiting:
            return ok("queues", "are empty")
    why = "a busy clinic's may be; else a function does not take its work: look at its log"
    return failed("queues", f"{waiting} messages wait, {LOOKS} looks in a row", why)


def _dead_letters(stack: DeployedStack) -> Check:
    client = stack.clients("sqs")
    full = [
        url.rpartition("/")[2]
        for name, url in _queue_urls(stack)
        if name.endswith("DeadLetters") and _depth(client, url)
    ]
    if full:
        return failed("dead letters", f"hold messages: {', '.join(full)}", "docs/runbooks/dead-letters.md")
    return ok("dead letters", "there are none")


def _queue_urls(stack: DeployedStack) -> list[tuple[str, str]]:
    return sorted(stack.of_type("AWS::SQS::Queue").items())


def _depth(client: Any, url: str) -> int:
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_DEPTHS))["Attributes"]
    return sum(int(found[name]) for name in _DEPTHS)


def _mail(stack: DeployedStack) -> Check:
    client, domain = stack.clients("sesv2"), stack.parameters.get("MailDomain", "")
    if not client.get_email_identity(EmailIdentity=domain).get("VerifiedForSendingStatus"):
        return failed(
            "mail", f"{domain} is not proven", "add the CNAME records of the output MailDnsRecords to its DNS"
        )
    if not client.get_account().get("ProductionAccessEnabled"):
        return failed("mail", "SES is in its sandbox: staff get no mail", "ask for production access: docs/deploy.md")
    return ok("mail", f"{domain} is proven, and SES may mail anybody")


def _text(stack: DeployedStack) -> dict[str, str]:
    return {
        "MessageSid": SMOKE_SID,
        "AccountSid": stack.account,
        "From": UNKNOWN_PHONE,
        "To": UNKNOWN_SENDER,
        "Body": "smoke test",
        "NumMedia": "0",
        "FromCity": "",
    }


def _routes() -> tuple[str, str]:
    # Handlers bring the functions' libraries along, and no other command needs them.
    from followup.handlers import receive_text, record_delivery

    return receive_text.ROUTE, record_delivery.ROUTE


def _second_deployment(stack: DeployedStack) -> str:
    url = stack.outputs.get("ApiUrl", "")
    return f'write PublicUrl = "{url}" in samconfig.toml and run `make deploy` again'
