"""Rules on protocols that a schema cannot say: unknown questions, check-ins that can never be sent, too many texts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, get_args

import msgspec

from followup.domain.instruments import Instruments
from followup.domain.protocol import CheckInRule, Protocol, Rider
from followup.domain.questions import Questions
from followup.domain.records import CheckInKind, Condition
from infra.content.ordinary_course import Taken, taken_by_caps
from infra.content.sources import Problem, Steps, Told

_ON_DAYS: Final[tuple[CheckInKind, ...]] = ("day_3", "day_7", "day_14", "next_day")


def with_modules(protocols: Mapping[str, Protocol], instruments: Instruments) -> dict[str, Protocol]:
    """The protocols with the questions of every instrument, so that the names of instruments can stand in them."""
    modules = {instrument.code: instrument.items for instrument in instruments.all}
    return {name: replace(protocol, modules=modules) for name, protocol in protocols.items()}


def protocol_problems(source: Told, protocols: Mapping[str, Protocol], questions: Questions) -> Iterator[Problem]:
    """Everything that is wrong with the protocols, once the instruments' questions stand in them."""
    for name, protocol in protocols.items():
        at: Steps = ("protocols", name)
        found = [
            *_unknown(source, at, protocol, questions),
            *_never_sent(source, at, protocol),
            *_item9(source, at, protocol),
            *_riders(source, at, protocol),
        ]
        yield from found
        if not found:
            yield from _too_many(source, at, protocol)


def _unknown(source: Told, at: Steps, protocol: Protocol, questions: Questions) -> Iterator[Problem]:
    for path, name in _named(protocol):
        if name not in protocol.modules and name not in questions.questions:
            fix = "write an id of questions.yaml or a code of instruments.yaml"
            yield source.problem((*at, *path), f"asks {name}, which is no question and no instrument", fix)


def _named(protocol: Protocol) -> Iterator[tuple[Steps, str]]:
    for nth, rule in enumerate(protocol.checkins):
        for place, name in enumerate(rule.questions):
            yield ("checkins", nth, "questions", place), name
        for condition, names in rule.also.items():
            for place, name in enumerate(names):
                yield ("checkins", nth, "also", condition, place), name
    for nth, rider in enumerate(protocol.riders):
        yield ("riders", nth, "module"), rider.module


def _never_sent(source: Told, at: Steps, protocol: Protocol) -> Iterator[Problem]:
    for nth, rule in enumerate(protocol.checkins):
        path: Steps = (*at, "checkins", nth)
        if not rule.questions and rule.kind != "continued":
            yield source.problem((*path, "questions"), "is empty, so it is never asked", "name at least one question")
        yield from _days(source, path, rule)
        yield from _hours(source, path, rule, protocol)
        yield from _closing(source, path, rule)


def _days(source: Told, path: Steps, rule: CheckInRule) -> Iterator[Problem]:
    if rule.kind == "reminder" and (rule.day is None or rule.day >= 0):
        yield source.problem((*path, "day"), "is not before the visit", "write -1 for the day before")
    if rule.kind in _ON_DAYS and (rule.day is None or rule.day < 1):
        yield source.problem((*path, "day"), "is not after the infusion", "write 1 or more")
    if rule.kind == "same_day" and rule.hours is None:
        yield source.problem((*path, "hours"), "is missing", "say how many hours after the infusion's end")


def _hours(source: Told, path: Steps, rule: CheckInRule, protocol: Protocol) -> Iterator[Problem]:
    if rule.least_hours is not None and rule.at is not None:
        minutes = rule.at.hour * 60 + rule.at.minute - rule.least_hours * 60
        opens = protocol.quiet.ends.hour * 60 + protocol.quiet.ends.minute
        if minutes <= opens:
            what = "can never be sent: no visit of the day ends so long before"
            yield source.problem((*path, "at"), what, "write a later time, or fewer least_hours")
    if not protocol.keeps_survey_hours(rule.kind):
        return
    hours = protocol.survey_hours
    start = rule.at or protocol.spread.earliest
    last = rule.at or protocol.spread.latest
    if start < hours.earliest or last > hours.latest:
        what = "may come to PHQ-9 item 9 and is asked outside survey_hours"
        where = "at" if rule.at else "kind"
        yield source.problem((*path, where), what, "let at, or the spread, lie inside them")
    if rule.until > hours.latest:
        yield source.problem((*path, "until"), "is later than survey_hours end", "write the time at which they end")


def _closing(source: Told, path: Steps, rule: CheckInRule) -> Iterator[Problem]:
    if rule.closes_at is not None and rule.closes_at <= rule.until:
        yield source.problem((*path, "closes_at"), "closes it while it may still be asked", "write a time after until")
    if rule.closes_at_visit and rule.kind != "reminder":
        yield source.problem((*path, "closes_at_visit"), "is for reminders", "write closes_after_hours")
    if rule.nudge is None:
        return
    if rule.closes_after_hours is None or rule.nudge.after_hours >= rule.closes_after_hours:
        what = "has a nudge that can never go: it closes first"
        yield source.problem((*path, "nudge"), what, "close it later with closes_after_hours, or take the nudge out")


def _item9(source: Told, at: Steps, protocol: Protocol) -> Iterator[Problem]:
    """PHQ items that only some conditions are asked would be left out wherever the text leaves outside survey hours."""
    for nth, rule in enumerate(protocol.checkins):
        if protocol.keeps_survey_hours(rule.kind):
            continue
        for condition, names in rule.also.items():
            if protocol.holds_item9(names):
                what = "may come to PHQ-9 item 9, but this check-in does not wait for survey_hours"
                path: Steps = (*at, "checkins", nth, "also", condition)
                yield source.problem(path, what, "ask it in questions, or in another check-in")
    if not any(protocol.keeps_survey_hours(kind) for kind in ("weekly", "day_14")):
        what = "asks for PHQ-9 item 9 in no check-in after the series"
        yield source.problem((*at, "checkins"), what, "put phq2 or phq9 among the questions of weekly and day_14")


def _riders(source: Told, at: Steps, protocol: Protocol) -> Iterator[Problem]:
    for nth, rider in enumerate(protocol.riders):
        path: Steps = (*at, "riders", nth)
        if rider.replaces is not None and not _replaced(rider, protocol):
            what = f"replaces {rider.replaces}, which these check-ins do not ask of all its patients"
            yield source.problem((*path, "replaces"), what, "name what they ask, or take replaces out")
        if rider.least_days and rider.least_days + _longest_link(protocol) > rider.every_days:
            what = "cannot keep both least_days and every_days with the chain's longest link"
            yield source.problem((*path, "every_days"), what, "shorten the link, or lower least_days")


def _replaced(rider: Rider, protocol: Protocol) -> bool:
    conditions = rider.conditions or get_args(Condition)
    return all(
        any(rider.replaces in protocol.rule(kind).asked_of(condition) for kind in rider.on) for condition in conditions
    )


def _longest_link(protocol: Protocol) -> int:
    return max(link.every_days for link in protocol.chain.links)


def _too_many(source: Told, at: Steps, protocol: Protocol) -> Iterator[Problem]:
    kinds = [rule.kind for rule in protocol.checkins]
    for taken in _course(msgspec.json.encode(protocol)):
        path: Steps = (*at, "checkins", kinds.index(taken.kind))
        what = f"is more than the caps allow, even in an ordinary course ({taken.reason})"
        yield source.problem(path, what, "ask less often, or raise the cap that patients agreed to")


@lru_cache(maxsize=32)  # a course takes a second, and most checks are of the same protocols
def _course(encoded: bytes) -> tuple[Taken, ...]:
    return taken_by_caps(msgspec.json.decode(encoded, type=Protocol))
