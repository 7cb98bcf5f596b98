"""The mails of the local stack's mail service, as the pages read them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.clock import LocalClock
from infra.local.mailbox import MailboxError, of_emulator
from infra.local.serving import LoopbackServer

STARTED = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
"""In real time."""
MORNING = datetime(2026, 3, 30, 11, 30, tzinfo=UTC)
"""On the local clock."""


def a_mail(number: int, after_s: float) -> dict[str, object]:
    return {
        "MessageId": f"m{number}",
        "Source": "followup@lakeside.example",
        "To": ["ana@lakeside.example"],
        "Subject": "Lakeside on-call: urgent alert 4821",
        "BodyText": "Lakeside on-call: urgent alert 4821.",
        "Timestamp": (STARTED + timedelta(seconds=after_s)).timestamp(),
    }


@pytest.fixture
def mails_url() -> Iterator[str]:
    """Two mails with the same subject, as the emulator lists them: with the real time."""

    async def listed(_request: Request) -> Response:
        return JSONResponse({"messages": {"000000000000": [a_mail(1, 1), a_mail(2, 20)]}})

    with LoopbackServer(Starlette(routes=[Route("/mails", listed)]), name="mails") as server:
        yield f"{server.url}/mails"


def test_given_mails_that_look_the_same_when_listed_then_each_has_the_time_that_the_local_clock_showed(
    mails_url: str,
) -> None:
    real = STARTED
    clock = LocalClock(MORNING, real=lambda: real)
    real = STARTED + timedelta(seconds=10)
    clock.move_to(MORNING + timedelta(minutes=5))
    found = of_emulator(mails_url, clock)()
    assert [(mail.mail_id, mail.at) for mail in found] == [("m2", MORNING + timedelta(minutes=5)), ("m1", MORNING)]


def test_given_a_mail_service_that_does_not_answer_as_it_should_when_asked_then_it_says_so(mails_url: str) -> None:
    with pytest.raises(MailboxError, match="did not answer"):
        of_emulator(f"{mails_url}/other", LocalClock(MORNING))()
