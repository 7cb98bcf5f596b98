"""Secrets of a laptop, which open nothing."""

from typing import Final

from followup.adapters.secrets import ApiKey, AuthTokens, HashedPhones

KEY: Final = "a key for numbers that belong to nobody"


class MemorySecrets:
    """The same questions as `StoredSecrets` answers; the answers can be set."""

    def __init__(self) -> None:
        self.key = ApiKey("SK" + "0" * 32, "local")
        self.tokens = AuthTokens("local")

    def api_key(self) -> ApiKey:
        return self.key

    def auth_tokens(self) -> AuthTokens:
        return self.tokens

    def phone_key(self) -> bytes:
        return KEY.encode()


class MemoryPhones(HashedPhones):
    """Keyed hashes under a key that everybody knows."""

    def __init__(self) -> None:
        super().__init__(KEY.encode())
