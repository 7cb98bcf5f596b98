"""Wake a snoozed flag."""

from datetime import datetime

from followup import keys
from followup.domain.records import Decision, Flag
from followup.steps.service import Service, settle


def wake(service: Service, flag: Flag, now: datetime) -> Decision:
    """A snooze has run out: the flag stands on the list again."""

    def decide(consistent: bool) -> Decision:
        current = service.records.get(keys.of(flag), consistent=True) if consistent else flag
        if not isinstance(current, Flag) or current.status != "snoozed":
            return Decision("not snoozed")
        return Decision("woken", (current.into("open", "snooze ended", now),))

    return settle(service, decide)
