"""Secrets as Secrets Manager holds them, and hashes of phone numbers."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from followup.adapters.aws import client_config
from followup.adapters.clock import SystemClock
from followup.adapters.memory import MemoryClock, MemoryPhones, MemorySecrets
from followup.adapters.secrets import ApiKey, AuthTokens, HashedPhones, StoredSecrets
from followup.domain.errors import BadInput
from followup.ports import Clock, Phones
from tests.contract.samples import NOW

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEY = "k" * 32
NUMBERS = st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True)


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Vault:
    def __init__(self) -> None:
        self.client: SecretsManagerClient = boto3.client("secretsmanager", config=client_config(attempts=1))
        self.watch = Stopwatch()
        self.reads = 0
        self.client.meta.events.register("before-call.secretsmanager.GetSecretValue", self._count)
        self.secrets = StoredSecrets(
            self.client, api_key="key", auth_tokens="tokens", phone_key="phones", seconds=self.watch
        )

    def _count(self, **_: Any) -> None:
        self.reads += 1

    def holds(self, name: str, text: str) -> None:
        self.client.create_secret(Name=name, SecretString=text)


@pytest.fixture
def vault(aws: None) -> Vault:
    return Vault()


def test_given_the_services_secrets_when_they_are_asked_for_then_they_come(vault: Vault) -> None:
    vault.holds("key", '{"sid": "SK1", "secret": "s"}')
    vault.holds("tokens", '{"primary": "a", "secondary": "b"}')
    vault.holds("phones", f'{{"key": "{KEY}"}}')
    assert vault.secrets.api_key() == ApiKey("SK1", "s")
    assert vault.secrets.auth_tokens() == AuthTokens("a", "b")
    assert vault.secrets.phone_key() == KEY.encode()


def test_given_no_rotation_when_tokens_are_asked_for_then_there_is_one(vault: Vault) -> None:
    vault.holds("tokens", '{"primary": "a"}')
    assert vault.secrets.auth_tokens() == AuthTokens("a", None)


def test_given_a_secret_that_was_read_when_it_is_asked_for_again_then_it_is_read_only_after_its_age(
    vault: Vault,
) -> None:
    vault.holds("tokens", '{"primary": "old"}')
    vault.secrets.auth_tokens()
    vault.client.put_secret_value(SecretId="tokens", SecretString='{"primary": "new"}')
    vault.watch.seconds = 299.0
    assert (vault.secrets.auth_tokens().primary, vault.reads) == ("old", 1)
    vault.watch.seconds = 300.0
    assert (vault.secrets.auth_tokens().primary, vault.reads) == ("new", 2)


def test_given_a_secret_that_cannot_be_read_again_when_it_is_asked_for_then_the_one_before_stands(
    vault: Vault,
) -> None:
    vault.holds("tokens", '{"primary": "old"}')
    vault.secrets.auth_tokens()
    vault.client.delete_secret(SecretId="tokens", ForceDeleteWithoutRecovery=True)
    vault.watch.seconds = 999.0
    assert vault.secrets.auth_tokens().primary == "old"


def test_given_a_secret_that_was_never_read_when_it_cannot_be_then_the_error_says_so(vault: Vault) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        vault.secrets.auth_tokens()


@pytest.mark.parametrize("text", ["rareword", '{"sid": "rareword"}', '{"sid": "rareword", "secret": 7}', "[]"])
def test_given_a_secret_of_another_shape_when_it_is_asked_for_then_the_error_names_it_and_its_fields_only(
    vault: Vault, text: str
) -> None:
    vault.holds("key", text)
    with pytest.raises(BadInput, match=r"secret key: .*sid, secret") as caught:
        vault.secrets.api_key()
    assert "rareword" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_given_any_secret_when_it_is_printed_then_it_does_not_show() -> None:
    assert "rareword" not in repr((ApiKey("SK1", "rareword"), AuthTokens("rareword", "rareword")))


@pytest.mark.parametrize("phones", [HashedPhones(KEY.encode()), MemoryPhones()])
@given(one=NUMBERS, other=NUMBERS)
def test_given_two_numbers_when_they_are_hashed_then_the_same_number_has_the_same_hash_and_no_other(
    phones: Phones, one: str, other: str
) -> None:
    assert (phones.key(one) == phones.key(other)) == (one == other)
    assert phones.key(one).isalnum()
    assert len(phones.key(one)) == 32
    assert one.removeprefix("+") not in phones.key(one)


def test_given_another_key_when_a_number_is_hashed_then_the_hash_is_another() -> None:
    assert HashedPhones(b"a" * 32).key("+15555550123") != HashedPhones(b"b" * 32).key("+15555550123")


def test_given_a_short_key_when_numbers_are_to_be_hashed_then_it_is_refused() -> None:
    with pytest.raises(BadInput, match="32"):
        HashedPhones(b"a" * 31)


def test_given_a_laptop_when_its_secrets_are_asked_for_then_they_open_nothing_and_can_be_set() -> None:
    secrets = MemorySecrets()
    secrets.tokens = AuthTokens("new", "old")
    assert secrets.api_key().sid.startswith("SK")
    assert secrets.auth_tokens().secondary == "old"
    assert HashedPhones(secrets.phone_key()).key("+15555550123") == MemoryPhones().key("+15555550123")


@pytest.mark.parametrize("clock", [SystemClock(), MemoryClock(NOW + timedelta(microseconds=1999))])
def test_given_any_clock_when_it_is_read_then_it_shows_a_whole_millisecond_of_a_known_zone(clock: Clock) -> None:
    assert clock.now().microsecond % 1000 == 0
    assert clock.now().tzinfo is not None


def test_given_a_clock_that_stands_when_it_is_set_or_forwarded_then_it_shows_that() -> None:
    clock = MemoryClock(NOW)
    clock.forward(timedelta(hours=1))
    assert clock.now() == NOW + timedelta(hours=1)
    clock.set(NOW)
    assert clock.now() == NOW
