"""The carrier's error codes, as its API and its callbacks give them.

Like the carrier's, some messages hold the phone number of the request: a client that logs them must be found out here.
"""

from typing import Final

ANSWERS: Final[dict[int, tuple[int, str]]] = {
    20001: (400, "Invalid parameter"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20009: (409, "Cannot delete message because delivery has not been completed."),
    20404: (404, "The requested resource {path} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21212: (400, "Invalid 'From' Number (caller ID): {from_}"),
    21266: (400, "'To' and 'From' number cannot be the same: {to}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number {from_} is not a valid, SMS-capable number for your account."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "The 'To' phone number: {to}, is not currently reachable via SMS."),
    21614: (400, "'To' number is not a valid mobile number: {to}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21624: (400, "The 'ValidityPeriod' is not valid"),
    21701: (400, "The Messaging Service does not exist"),
    21705: (400, "The Messaging Service Sid is invalid"),
    30409: (409, "This message cannot be canceled"),
    35114: (400, "Scheduling does not support this timestamp"),
}

DELIVERY: Final[dict[int, str]] = {
    21610: "Attempt to send to unsubscribed recipient",
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30036: "Validity period expired",
}

TEST_RECIPIENTS: Final = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
"""The carrier's published magic recipients, each refused with its code at create."""

TEST_SENDERS: Final = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
"""The carrier's published magic senders."""


class CarrierError(Exception):
    """An error answer of the API: `code`, HTTP `status` and the carrier's own `message`."""

    def __init__(self, code: int, **slots: str) -> None:
        super().__init__(code)
        self.code = code
        self.status, wording = ANSWERS[code]
        self.message = wording.format(**slots)
