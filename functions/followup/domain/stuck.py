"""Texts and mails that gave up after their tries: what a person may set going again."""

from dataclasses import replace
from datetime import datetime

from followup.domain.mail import lane_of
from followup.domain.outgoing import KINDS
from followup.domain.records import Change, Decision, Mail, Next, Text

STUCK = "stuck"
RETRIED = "retried by staff"
UNASKED = "carrier could not be asked"
"""The reason with which a text is stuck whose outcome is not known: it may have left."""


def retry_text(text: Text, now: datetime) -> Decision:
    """Send a stuck text after all, unless its time is past.

    One that may have left is not sent blindly: the carrier is asked again first what became of it.
    """
    if text.status != STUCK:
        return Decision("not stuck")
    lane = KINDS[text.kind].lane
    if text.trail and text.trail[-1].reason == UNASKED:
        # Looked up from the time of its claim, so the trail must not show a second one.
        again = replace(
            text, status="claimed", tries=0, absent_since=None, trail=(*text.trail, Change(now, "retried", RETRIED))
        )
        return Decision(RETRIED, (replace(again, next=Next("find_out", now, lane)),))
    if text.stale is not None and now > text.stale:
        return Decision("its time is past")
    planned = replace(text, tries=0, claim=None, absent_since=None).into(
        "planned", RETRIED, now, then=Next("send", now, lane)
    )
    return Decision(RETRIED, (planned,))


def retry_mail(mail: Mail, now: datetime) -> Decision:
    """Send a stuck mail after all, unless its time is past."""
    if mail.status != STUCK:
        return Decision("not stuck")
    if mail.stale is not None and now > mail.stale:
        return Decision("its time is past")
    planned = replace(mail, tries=0, claim=None).into("planned", RETRIED, now, then=Next("send", now, lane_of(mail)))
    return Decision(RETRIED, (planned,))
