"""A clinic's YAML file: read, judged, and turned into the clinic's settings."""

import re
from collections.abc import Iterable
from datetime import date, time
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from followup import content
from followup.domain.clinic import (
    BoosterThresholds,
    ClinicSettings,
    ConsentDeclaration,
    DigestGroups,
    DigestRecipient,
    KeywordMode,
    OnCall,
    OpenHours,
    VisitLengths,
)
from followup.domain.errors import BadInput
from followup.domain.records import ClinicId
from followup.intake.columns import Route
from infra.content.names import check_phone, check_preparation, check_sms_name
from infra.content.sources import Problem, Source, Steps, load

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _zone(name: str) -> str:
    # EST and UTC are zones too, but know no summer time; a place does.
    if "/" not in name or name.startswith("Etc/") or name not in available_timezones():
        raise ValueError("is no IANA zone; write one such as America/Chicago")
    return name


def _fit(problems: tuple[str, ...]) -> None:
    if problems:
        raise ValueError("; ".join(problems))


def _sms_name(name: str) -> str:
    _fit(check_sms_name(name))
    return name


def _phone(phone: str) -> str:
    _fit(check_phone(phone))
    return phone


def _desk_link(link: str) -> str:
    if link and not re.fullmatch(r"(https://|http://(127\.0\.0\.1|localhost)[:/])[^\s?#]+", link):
        raise ValueError("is not an address on HTTPS; write one such as https://desk.clinic.example/")
    return link


def _time(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        return value
    raise ValueError('is no time of day; write it in quotes as "07:00", on the 24-hour clock')


Line = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+$")]
ClockTime = Annotated[time, BeforeValidator(_time)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Minutes = Annotated[int, Field(ge=10, le=480)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Texting(_Part):
    """The carrier's side of the clinic."""

    sender: Annotated[str, StringConstraints(pattern=r"^\+1[2-9][0-9]{9}$")]
    messaging_service: Annotated[str, StringConstraints(pattern=r"^MG[0-9a-f]{32}$")] | None = None
    keywords: KeywordMode = "carrier"


class Hours(_Part):
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("closes before it opens; correct the times")
        return self


class Person(_Part):
    name: Line
    email: Email


class Recipient(Person):
    groups: DigestGroups = "clinical"


class DigestPart(_Part):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    at: ClockTime
    sender: Email = Field(alias="from")
    to: Annotated[tuple[Recipient, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({recipient.email.lower() for recipient in self.to}) < len(self.to):
            raise ValueError("names an address twice; one mail for each address is enough")
        return self


class Consent(_Part):
    form: Line
    version: Line


class Visits(_Part):
    minutes: Minutes = 60
    by_route: dict[Route, Minutes] = Field(default_factory=dict)


class Preparation(_Part):
    """What a reminder says of coming prepared, in one language."""

    text: str
    ucs2: bool = False
    """It needs signs that make a segment 70 characters long instead of 160."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _fit(check_preparation(self.text, ucs2=self.ucs2))
        return self


def _preparation(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


def _written(by_language: dict[str, Preparation]) -> dict[str, Preparation]:
    known = content.load().texts.languages
    odd = [language for language in by_language if language not in known]
    if odd:
        raise ValueError(f"{odd[0]} is no language that patients are texted in; write one of: {', '.join(known)}")
    return by_language


class Booster(_Part):
    """The clinic's own thresholds of the rules on loss of gain."""

    loss_of_gain: Annotated[float, Field(gt=0, le=1)] = BoosterThresholds().loss_of_gain
    least_change: Annotated[int, Field(ge=1, le=27)] = BoosterThresholds().least_change
    baseline_floor: Annotated[int, Field(ge=5, le=27)] = BoosterThresholds().baseline_floor
    planned_within_days: Annotated[int, Field(ge=0, le=60)] = BoosterThresholds().planned_within_days


class ClinicFile(_Part):
    """Everything that the service must know of a clinic."""

    clinic: Id
    name: Line
    sms_name: Annotated[str, AfterValidator(_sms_name)]
    phone: Annotated[str, AfterValidator(_phone)]
    zone: Annotated[str, AfterValidator(_zone)]
    protocol: Line = "standard"
    texts: Texting
    hours: Annotated[dict[Weekday, Hours], Field(min_length=1)]
    closed_on: tuple[date, ...] = ()
    on_call: Annotated[tuple[Person, ...], Field(min_length=1)]
    digest: DigestPart
    consent: Consent
    series_sessions: Annotated[int, Field(ge=1, le=40)] | None = None
    maintenance_every_days: Annotated[int, Field(ge=1, le=365)] | None = None
    desk_link: Annotated[str, AfterValidator(_desk_link)] = ""
    visits: Visits = Visits()
    booster: Booster = Booster()
    preparation: Annotated[
        dict[str, Annotated[Preparation, BeforeValidator(_preparation)]], AfterValidator(_written)
    ] = Field(default_factory=dict)

    def settings(self) -> ClinicSettings:
        hours = tuple(
            OpenHours(WEEKDAYS.index(day), self.hours[day].opens, self.hours[day].closes)
            for day in sorted(self.hours, key=WEEKDAYS.index)
        )
        return ClinicSettings(
            name=self.name,
            sms_name=self.sms_name,
            zone=self.zone,
            phone=self.phone,
            sender=self.texts.sender,
            messaging_service=self.texts.messaging_service,
            keyword_mode=self.texts.keywords,
            hours=hours,
            closed_on=tuple(sorted(set(self.closed_on))),
            on_call=tuple(OnCall(person.name, person.email) for person in self.on_call),
            digest_at=self.digest.at,
            digest_to=tuple(DigestRecipient(each.name, each.email, each.groups) for each in self.digest.to),
            mail_from=self.digest.sender,
            protocol=self.protocol,
            series_sessions=self.series_sessions,
            maintenance_every_days=self.maintenance_every_days,
            desk_link=self.desk_link,
            consent=ConsentDeclaration(self.consent.form, self.consent.version),
            booster=BoosterThresholds(**self.booster.model_dump()),
            preparation=tuple((language, each.text) for language, each in sorted(self.preparation.items())),
            visits=VisitLengths(self.visits.minutes, tuple(sorted(self.visits.by_route.items()))),
        )


_PATTERNS: Final = {
    "clinic": "is no clinic id; use lower-case letters, digits and dashes",
    "sender": 'is no US number; write it in quotes as "+13125550100"',
    "messaging_service": "is no Messaging Service; write null, or MG and 32 hex digits",
    "email": "is no mail address; write one such as name@clinic.example",
    "from": "is no mail address; write one such as name@clinic.example",
}


class ClinicFileError(BadInput):
    """A clinic's file that cannot be used: one line per mistake, each with file, line, field and fix."""

    def __init__(self, mistakes: Iterable[Problem]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


def read_clinic(path: Path) -> tuple[ClinicId, ClinicSettings]:
    """The clinic's id and settings.

    Raises:
        ClinicFileError: something is wrong with its file; all of it is named.
    """
    problems: list[Problem] = []
    source = load(path.parent, path.name, problems)
    if source is None:
        raise ClinicFileError(problems)
    try:
        clinic = ClinicFile.model_validate(source.values)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise ClinicFileError(_problem(source, one["type"], one["loc"], one["msg"]) for one in found) from None
    return ClinicId(clinic.clinic), clinic.settings()


def _problem(source: Source, kind: str, place: Steps, told: str) -> Problem:
    path = tuple(part for part in place if part != "[key]")
    field = str(path[-1]) if path else ""
    match kind:
        case "missing":
            return source.problem(path, "is missing", "add it")
        case "extra_forbidden":
            return source.problem(path, "is no field of a clinic", "correct its spelling or take it out")
        case "string_pattern_mismatch":
            problem, _, fix = _PATTERNS.get(field, "holds a line break or control sign; take it out").partition("; ")
        case "too_short":
            problem, fix = "is empty", "name at least one"
        case "value_error":
            problem, _, fix = told.removeprefix("Value error, ").partition("; ")
        case _:
            problem, fix = f"does not fit ({told[:1].lower()}{told[1:]})", "write what is expected here"
    return source.problem(path, problem, fix or "correct it")
