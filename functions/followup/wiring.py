"""The only module that knows every adapter. What a function's environment names decides what is built for it.

Clients are made on first use and kept for the life of the container; importing a handler does nothing.
"""

import os
import secrets
from dataclasses import dataclass
from functools import cache
from typing import get_args

import boto3

from followup import content
from followup.adapters.aws import client_config
from followup.adapters.clock import SystemClock
from followup.adapters.closed_carrier import ClosedCarrier
from followup.adapters.closed_mailer import ClosedMailer
from followup.adapters.dynamo import DynamoRecords
from followup.adapters.secrets import HashedPhones, StoredSecrets
from followup.adapters.sqs import SqsQueues
from followup.ports import Carrier, Clock, Mailer, Phones, Queue
from followup.steps.service import Service


@dataclass(frozen=True, slots=True)
class Wired:
    """A service that somebody else has put together: the demo, or a test."""

    service: Service
    clock: Clock
    signing_tokens: tuple[str, ...]


_given: Wired | None = None


def give(wired: Wired | None) -> None:
    """From now on the functions work on this, until nothing is given."""
    global _given  # noqa: PLW0603 - the one switch between AWS and a process of one's own
    _given = wired


def setting(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def clock() -> Clock:
    """The wall clock; on a laptop the clock service that the pages move."""
    return _given.clock if _given else _clock()


@cache
def _clock() -> Clock:
    url = setting("CLOCK_URL")
    if not url:
        return SystemClock()
    from followup.adapters.moved_clock import MovedClock

    return MovedClock(url)


@cache
def stored_secrets() -> StoredSecrets:
    return StoredSecrets(
        boto3.client("secretsmanager", config=client_config()),
        api_key=setting("API_KEY_SECRET"),
        auth_tokens=setting("AUTH_TOKEN_SECRET"),
        phone_key=setting("PHONE_KEY_SECRET"),
    )


def signing_tokens() -> tuple[str, ...]:
    """The tokens that webhooks may be signed with: two while the token is being rotated."""
    if _given:
        return _given.signing_tokens
    tokens = stored_secrets().auth_tokens()
    return (tokens.primary, tokens.secondary) if tokens.secondary else (tokens.primary,)


class _Phones:
    """Reads the key when the first number is hashed: most functions never hash one."""

    def key(self, number: str) -> str:
        return _hashed_phones().key(number)


@cache
def _hashed_phones() -> Phones:
    return HashedPhones(stored_secrets().phone_key())


def _carrier() -> Carrier:
    url = setting("CARRIER_URL")
    if not url:
        return ClosedCarrier()
    from followup.adapters.twilio import TwilioCarrier

    key = stored_secrets().api_key()
    return TwilioCarrier(setting("TWILIO_ACCOUNT"), key.sid, key.secret, url, setting("PUBLIC_URL"))


def _mailer() -> Mailer:
    configuration_set = setting("MAIL_CONFIGURATION_SET")
    if not configuration_set:
        return ClosedMailer()
    from followup.adapters.ses import SesMailer

    return SesMailer(boto3.client("sesv2", config=client_config(attempts=1)), configuration_set)


def service() -> Service:
    """Everything a step works with, as far as this function's environment and role allow."""
    return _given.service if _given else _service()


@cache
def _service() -> Service:
    names: tuple[Queue, ...] = get_args(Queue)
    urls = {name: url for name in names if (url := setting(f"QUEUE_{name.upper()}"))}
    return Service(
        records=DynamoRecords(boto3.client("dynamodb", config=client_config()), setting("TABLE_NAME")),
        carrier=_carrier(),
        mailer=_mailer(),
        queues=SqsQueues(boto3.client("sqs", config=client_config()), urls),
        phones=_Phones(),
        content=content.load(),
        token=lambda: secrets.token_hex(16),
        routine_per_minute=int(setting("ROUTINE_PER_MINUTE", "60")),
    )


def renew() -> None:
    """Forget what was built: from now on the environment names another service."""
    for built in (_clock, stored_secrets, _hashed_phones, _service):
        built.cache_clear()
