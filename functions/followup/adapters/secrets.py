"""Secrets from AWS Secrets Manager, and what only they make possible: keyed hashes of phone numbers."""

import hmac
import time
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from followup.domain.errors import BadInput

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_S: Final = 300.0
LEAST_PHONE_KEY: Final = 32
"""Characters. Phone numbers are few enough to try them all, so that only the key keeps a hash from being undone."""
HASH_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A Twilio API key, for calls. The secret's JSON: `{"sid": "SK...", "secret": "..."}`."""

    sid: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthTokens:
    """Twilio's Auth Token, for signatures only; both tokens count while it is being rotated.

    The secret's JSON: `{"primary": "...", "secondary": "..."}`, the second one optional.
    """

    primary: str = field(repr=False)
    secondary: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PhoneKey:
    """The key of phone hashes. The secret's JSON: `{"key": "at least 32 characters"}`. It must never change."""

    key: str = field(repr=False)


Kind = TypeVar("Kind", ApiKey, AuthTokens, PhoneKey)


class StoredSecrets:
    """The service's secrets, each read when first asked for and again when older than `max_age` seconds.

    A function asks only for those that its role may read. When a secret cannot be read again, the one read before
    stands: a text from a patient must not be refused because a secret's store is away.

    Raises (every question):
        BadInput: the secret's JSON is not as described; the message names the secret.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        *,
        api_key: str = "",
        auth_tokens: str = "",
        phone_key: str = "",
        max_age: float = MAX_AGE_S,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """The secrets' names or ARNs; `seconds` is a clock that only runs forward."""
        self._client = client
        self._api_key = api_key
        self._auth_tokens = auth_tokens
        self._phone_key = phone_key
        self._max_age = max_age
        self._seconds = seconds
        self._read: dict[str, tuple[float, bytes]] = {}

    def api_key(self) -> ApiKey:
        return self._secret(self._api_key, ApiKey)

    def auth_tokens(self) -> AuthTokens:
        return self._secret(self._auth_tokens, AuthTokens)

    def phone_key(self) -> bytes:
        return self._secret(self._phone_key, PhoneKey).key.encode()

    def _secret(self, name: str, kind: type[Kind]) -> Kind:
        try:
            return msgspec.json.decode(self._text(name), type=kind)
        except ValueError:  # msgspec's own error is one, and quotes the value
            pass
        raise BadInput(f"secret {name}: expected a JSON object of strings: {', '.join(f.name for f in fields(kind))}")

    def _text(self, name: str) -> bytes:
        now, known = self._seconds(), self._read.get(name)
        if known is not None and now - known[0] < self._max_age:
            return known[1]
        try:
            text = self._client.get_secret_value(SecretId=name)["SecretString"].encode()
        except (ClientError, BotoCoreError):
            if known is None:
                raise
            return known[1]
        self._read[name] = (now, text)
        return text


class HashedPhones:
    """HMAC-SHA256 of E.164 numbers, 160 bits of it in base32 (32 characters, lower case)."""

    def __init__(self, key: bytes) -> None:
        """Raises BadInput for a key under 32 bytes."""
        if len(key) < LEAST_PHONE_KEY:
            raise BadInput(f"phone hash key: expected at least {LEAST_PHONE_KEY} characters")
        self._key = key

    def key(self, number: str) -> str:
        return b32encode(hmac.digest(self._key, number.encode(), sha256)[:HASH_BYTES]).decode().lower()
