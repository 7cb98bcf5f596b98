"""The life of a send attempt: what the carrier's answers mean and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SendOrder:
    """What the carrier is asked to do. `valid_for` in seconds (1-36000): the carrier drops the text after that."""

    text_id: str
    to: str
    sender: str
    messaging_service: str | None
    body: str
    valid_for: int


CodeClass = Literal["opt_out", "bad_number", "unreachable", "blocked", "config", "pace", "bug", "unknown"]
"""What an error code of the carrier asks of us."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What is known after a send call.

    accepted: the carrier has it (`sid`). refused: it does not and never will (`code`). not_sent: it surely does not,
    and the same call may be repeated. unknown: it may or may not.
    """

    outcome: Literal["accepted", "refused", "not_sent", "unknown"]
    sid: str | None = None
    status: str | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    outcome: Literal["found", "absent", "unsure"]
    sid: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class MailResult:
    outcome: Literal["sent", "refused", "not_sent", "unknown"]


Origin = Literal["create", "callback"]
"""Where the carrier said it: in its answer to the send call, or in a status callback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierCodes:
    """What the carrier's error codes ask of us, and the words that it acts on by itself (STOP, YES, END, ...).

    `unlisted`: the class of a code that the table does not know, by where it came from.
    """

    version: int
    source: str
    review: str
    unlisted: Mapping[Origin, CodeClass]
    codes: Mapping[int, CodeClass]
    keywords: tuple[str, ...]


def code_class(code: int | None, carrier: CarrierCodes, *, origin: Origin) -> CodeClass:
    """What this error code asks of us; a code that is missing or not in the table is treated by where it came from.

    The carrier keeps adding codes and may change what one means (Twilio error dictionary).
    """
    listed = None if code is None else carrier.codes.get(code)
    return carrier.unlisted[origin] if listed is None else listed
