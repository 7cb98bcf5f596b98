"""A carrier webhook's request: verify it, then check its shape, then hand its fields on. Nothing is trusted before.

The signature covers the public URL and every form field, blank ones too, with nothing between name and value: the
same signature fits fields split differently, so required fields and their patterns are checked after it.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from followup.domain.errors import Refused

MOST_BYTES: Final = 32 * 1024
MOST_FIELDS: Final = 200
FORM: Final = "application/x-www-form-urlencoded"
EMPTY_TWIML: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

_SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_STATUS = re.compile(r"[a-z_]{1,32}")
_CODE = re.compile(r"[0-9]{1,6}")
_MOST_BODY = 1600
_READ = frozenset(
    {"AccountSid", "MessageSid", "MessageStatus", "ErrorCode", "From", "To", "Body", "NumMedia", "OptOutType"}
)
"""The fields that are read here. The signature fits one value split into two of the same name as well."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a verified request, and its query string."""

    fields: Mapping[str, str]
    query: Mapping[str, str]

    def required(self, name: str, pattern: re.Pattern[str]) -> str:
        """A field that must be there and look like this."""
        value = self.fields.get(name, "")
        if not pattern.fullmatch(value):
            raise Refused(f"field {name} is missing or malformed")
        return value

    @property
    def sid(self) -> str:
        return self.required("MessageSid", _SID)

    @property
    def status(self) -> str:
        return self.required("MessageStatus", _STATUS)

    @property
    def error_code(self) -> int | None:
        value = self.fields.get("ErrorCode", "")
        return int(value) if _CODE.fullmatch(value) else None

    def phone(self, name: str) -> str:
        return self.required(name, _E164)

    @property
    def body(self) -> str:
        if "Body" not in self.fields:
            raise Refused("field Body is missing or malformed")
        return self.fields["Body"][:_MOST_BODY]

    @property
    def media(self) -> int:
        value = self.fields.get("NumMedia", "0")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 3 else 0


def verified(event: Mapping[str, Any], *, public_url: str, route: str, account: str, tokens: tuple[str, ...]) -> Form:
    """The form of an HTTP API request that the carrier signed for this very URL.

    Raises:
        Refused: method, content type, size, encoding, signature or account is not the carrier's.
    """
    if event.get("requestContext", {}).get("http", {}).get("method") != "POST":
        raise Refused("method is not POST")
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    if headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise Refused("content type is not a form")
    fields = _fields(_body(event))
    signature = headers.get("x-twilio-signature", "")
    raw_query = str(event.get("rawQueryString") or "")
    url = f"{public_url.rstrip('/')}{route}" + (f"?{raw_query}" if raw_query else "")
    if not signature or not any(_signed(url, fields, signature, token) for token in tokens):
        raise Refused("signature does not fit")
    if any(len(values) > 1 for name, values in fields.items() if name in _READ):
        raise Refused("a field is repeated")
    single = {name: values[-1] for name, values in fields.items()}
    if single.get("AccountSid") != account:
        raise Refused("account is not ours")
    return Form(single, dict(parse_qsl(raw_query)))


def _body(event: Mapping[str, Any]) -> bytes:
    body = str(event.get("body") or "")
    if len(body) > MOST_BYTES * 2:
        raise Refused("body is too large")
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError:
        raise Refused("body is not base64") from None
    if len(raw) > MOST_BYTES:
        raise Refused("body is too large")
    return raw


def _fields(raw: bytes) -> "_Repeated":
    fields = _Repeated()
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, strict_parsing=False, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:  # invalid UTF-8 is one too
        raise Refused("body is not a form of UTF-8 fields") from None
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


class _Repeated(dict[str, list[str]]):
    """Fields as the validator takes repeated ones."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def _signed(url: str, fields: _Repeated, signature: str, token: str) -> bool:
    from twilio.request_validator import RequestValidator

    # The validator also tries the URL with and without its port: the carrier signs either.
    return bool(RequestValidator(token).validate(url, fields, signature))


def answer(status: int = 200) -> dict[str, Any]:
    """Empty TwiML: any other text could reach the patient."""
    return {"statusCode": status, "headers": {"content-type": "text/xml"}, "body": EMPTY_TWIML}
