"""The fields of the carrier's two webhooks: a text came in, a message changed its status."""

from collections.abc import Mapping
from datetime import UTC
from typing import Final

from infra.local.twin.errors import DELIVERY
from infra.local.twin.keywords import OptOutType
from infra.local.twin.records import Message

API_VERSION: Final = "2010-04-01"
GEOGRAPHY: Final = tuple(f"{end}{part}" for end in ("From", "To") for part in ("City", "State", "Zip", "Country"))


def inbound_form(
    message: Message,
    account_sid: str,
    *,
    media: tuple[tuple[str, str], ...] = (),
    opt_out: OptOutType | None = None,
    geography: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The form of an incoming text. `media` holds (URL, content type) pairs; geography is present even when blank."""
    form = dict.fromkeys(GEOGRAPHY, "") | dict(geography or {})
    form |= {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsMessageSid": message.sid,
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "From": message.from_ or "",
        "To": message.to,
        "Body": message.body,
        "NumMedia": str(message.media),
        "NumSegments": str(message.segments),
        "SmsStatus": "received",
    }
    if message.service_sid is not None:
        form["MessagingServiceSid"] = message.service_sid
    if opt_out is not None:
        form["OptOutType"] = opt_out
    for place, (url, content_type) in enumerate(media):
        form |= {f"MediaUrl{place}": url, f"MediaContentType{place}": content_type}
    return form


def status_form(message: Message, account_sid: str) -> dict[str, str]:
    """The form of a status callback for the status that the message has now."""
    form = {
        "MessageSid": message.sid,
        "MessageStatus": message.status,
        "SmsSid": message.sid,
        "SmsStatus": message.status,
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "From": message.from_ or "",
        "To": message.to,
    }
    if message.service_sid is not None:
        form["MessagingServiceSid"] = message.service_sid
    if message.status in ("failed", "undelivered") and message.error_code is not None:
        form["ErrorCode"] = str(message.error_code)
        if message.error_code in DELIVERY:
            form["ErrorMessage"] = DELIVERY[message.error_code]
    if message.status in ("delivered", "undelivered"):
        form["RawDlrDoneDate"] = message.updated_at.astimezone(UTC).strftime("%y%m%d%H%M")
    return form
