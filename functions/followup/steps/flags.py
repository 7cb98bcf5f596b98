"""What becomes of a flag: staff deal with it or put it off, and time brings it back."""

from collections.abc import Callable, Iterator
from datetime import datetime

from followup import keys
from followup.domain import flags as domain
from followup.domain.errors import BadInput, Missing
from followup.domain.records import ClinicId, Decision, Flag
from followup.steps.auditing import audit
from followup.steps.service import Service, settle


def standing(service: Service, clinic_id: ClinicId) -> Iterator[Flag]:
    """The clinic's flags that stand, as ranked on the list."""
    for key in service.records.listed(keys.open_of(clinic_id)):
        record = service.records.get(key)
        if isinstance(record, Flag):
            yield record


def done(service: Service, flag: Flag, outcome: str, *, who: str, now: datetime) -> Decision:
    """A person has dealt with the flag."""
    return _staff(service, flag, lambda current: domain.done(current, outcome, now), who, "closed a flag", now)


def snooze(service: Service, flag: Flag, until: datetime, *, who: str, now: datetime) -> Decision:
    """A person puts the flag off until then.

    Raises:
        BadInput: the time is past.
    """
    if until <= now:
        raise BadInput("until: give a day to come")
    return _staff(service, flag, lambda current: domain.snooze(current, until, now), who, "snoozed a flag", now)


def wake(service: Service, flag: Flag, now: datetime) -> Decision:
    """The flag's own step is due."""
    return settle(service, lambda consistent: domain.wake(_latest(service, flag, consistent), now))


def _staff(
    service: Service, flag: Flag, change: Callable[[Flag], Decision], who: str, did: str, now: datetime
) -> Decision:
    def decide(consistent: bool) -> Decision:
        decision = change(_latest(service, flag, consistent))
        if not decision.writes:
            return decision
        about = f"flag {flag.flag_id} of patient {flag.patient_id}"
        log = audit(service, flag.clinic_id, who=who, did=did, about=about, now=now)
        return Decision(decision.reason, (*decision.writes, log))

    return settle(service, decide)


def _latest(service: Service, flag: Flag, consistent: bool) -> Flag:
    if not consistent:
        return flag
    record = service.records.get(keys.of(flag), consistent=True)
    if not isinstance(record, Flag):
        raise Missing(f"flag {flag.flag_id} does not exist")
    return record
