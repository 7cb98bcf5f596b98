"""What can go wrong on purpose. Messages name ids and fixed phrases, never people, numbers or words of theirs."""

from typing import ClassVar


class FollowUpError(Exception):
    """Anything raised on purpose; `retryable` says whether the same work may be tried again as it is."""

    retryable: ClassVar[bool] = False


class Conflict(FollowUpError):
    """A record changed since it was read, so the decision taken on it no longer stands: load and decide again."""

    retryable = True


class Missing(FollowUpError):
    """A record that must exist does not."""


class BadInput(FollowUpError):
    """Input from outside that cannot be taken; the message names the field and the fix."""


class Refused(FollowUpError):
    """A webhook request that does not prove where it comes from, or is not shaped like one of the carrier's."""


class UnreadableRecord(FollowUpError):
    """A stored record does not fit the records that this code knows; the message names its key."""


class StorageBusy(FollowUpError):
    """The table did not answer in full within its tries."""

    retryable = True


class CarrierUnavailable(FollowUpError):
    """The carrier could not be asked, or did not answer in full."""

    retryable = True


class CarrierClosed(FollowUpError):
    """The carrier's address is not one that this version may call."""
