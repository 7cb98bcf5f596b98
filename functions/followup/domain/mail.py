"""The life of an e-mail to staff. Pages are at-least-once; a digest is repeated only after ten silent minutes."""

from dataclasses import replace
from datetime import datetime, timedelta

from followup.domain.delivery import MailResult
from followup.domain.records import Decision, Lane, Mail, Next

MOST_TRIES = 5
_BACK_OFF = timedelta(seconds=60)
_PAGE_LEASE = timedelta(seconds=30)
_DIGEST_LEASE = timedelta(minutes=10)


def lane_of(mail: Mail) -> Lane:
    return "urgent" if mail.kind == "page" else "routine"


def claim(mail: Mail, token: str, now: datetime) -> Decision:
    """Claim a mail for one call to the mail service, or drop it when it is too old to be of use."""
    if mail.status != "planned":
        return Decision("not waiting to be sent")
    if mail.stale is not None and now > mail.stale:
        return Decision("too old", (mail.into("dropped", "too old", now),))
    lease = _PAGE_LEASE if mail.kind == "page" else _DIGEST_LEASE
    claimed = replace(mail, claim=token, tries=mail.tries + 1)
    return Decision(
        "claimed", (claimed.into("claimed", "claimed", now, then=Next("find_out", now + lease, lane_of(mail))),)
    )


def outcome(mail: Mail, result: MailResult, now: datetime) -> Decision:
    """Record what the mail service said."""
    if mail.status != "claimed":
        return Decision("settled already")
    match result.outcome:
        case "sent":
            return Decision("sent", (mail.into("sent", "sent", now),))
        case "refused":
            return Decision("refused by the mail service", (mail.into("stuck", "refused by the mail service", now),))
        case "not_sent":
            return _again(mail, "not sent", now + _BACK_OFF * mail.tries, now)
        case "unknown":
            return Decision("outcome unknown")


def find_out(mail: Mail, now: datetime) -> Decision:
    """No outcome was written and no mail event named it: send it again, two are better than none."""
    if mail.status != "claimed":
        return Decision("settled already", (replace(mail, next=None),))
    return _again(mail, "repeated after an unknown outcome", now, now)


def event(mail: Mail, now: datetime) -> Decision:
    """The mail service reported that it has this mail."""
    if mail.status not in ("claimed", "planned"):
        return Decision("settled already")
    return Decision("sent", (mail.into("sent", "reported by the mail service", now),))


def _again(mail: Mail, reason: str, at: datetime, now: datetime) -> Decision:
    if mail.tries >= MOST_TRIES:
        return Decision("stuck", (mail.into("stuck", reason, now),))
    return Decision(reason, (mail.into("planned", reason, now, then=Next("send", at, lane_of(mail))),))
