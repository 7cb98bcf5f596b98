"""A clinic's patient list: who may be enrolled, and who may not and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, available_timezones

from followup import content
from followup.domain.enrolment import Reason
from followup.domain.records import Condition, Consent, Language
from followup.intake.cells import fold
from followup.intake.columns import ConsentWords, LanguageWords, RosterColumns
from followup.intake.dates import read_date, shown, years_between
from followup.intake.identifiers import read_identifier
from followup.intake.judging import Fault, Intake, Judge, Stop, unless_unreadable
from followup.intake.names import read_name
from followup.intake.phones import read_us_phone
from followup.intake.scores import MAXIMA, read_score
from followup.intake.tables import Row, Table, read_table

WEIGHT: tuple[Reason, ...] = ("consent_refused", "deceased", "under_age", "no_consent", "shared_number")
"""What a row says against texting, the weightiest first."""
ADULT = 18
OLDEST = 120
"""Years of age above which a date of birth is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A patient who may be enrolled: adult, living, with recorded consent and a US number of their own."""

    record_number: str
    name: str = field(repr=False)
    born: date = field(repr=False)
    phone: str = field(repr=False)
    """E.164."""
    language: Language
    zone: str
    """IANA name."""
    zone_assumed: bool
    """The file gave no zone, so this is the clinic's."""
    condition: Condition
    consent: Consent
    phq9_intake: int | None = None
    """PHQ-9 total at intake, 0 to 27."""


def read_roster(data: bytes, columns: RosterColumns, *, clinic_zone: str, today: date) -> Intake[RosterRow]:
    """Judge a patient list. `today` is the clinic's date: age and consent are judged by it."""
    ZoneInfo(clinic_zone)
    return unless_unreadable(lambda: _judge(data, columns, clinic_zone, today))


def _judge(data: bytes, columns: RosterColumns, clinic_zone: str, today: date) -> Intake[RosterRow]:
    table = read_table(data, wanted=columns.wanted(), delimiter=columns.delimiter)
    judge = Judge(table)
    reader = _RosterReader(table, columns, judge, clinic_zone, today)
    rows = {row.number: reader.read(row) for row in table.rows if row.shape is None}
    # Rows rejected for other reasons count here too: the file still says that two people share it.
    judge.name_shared(
        reader.record_numbers,
        columns.columns.record_number,
        "the same record number as in",
        "keep one row for each patient, or correct the number that is wrong",
    )
    judge.name_shared(
        reader.phones,
        columns.columns.phone,
        "the same phone number as in",
        "give each patient a number of their own; neither is enrolled on a shared one",
    )
    return judge.intake(rows, stops=_stops(reader))


def _stops(reader: "_RosterReader") -> tuple[Stop, ...]:
    """One for each record number that a row speaks against, with the reason that weighs most."""
    sharing: dict[str, set[str]] = {}
    for row, phone in reader.phones.items():
        if row in reader.record_numbers:
            sharing.setdefault(phone, set()).add(reader.record_numbers[row])
    found: dict[str, Stop] = {}
    for row, record_number in reader.record_numbers.items():
        said = [Stop(record_number, because) for because in reader.against.get(row, ())]
        others = sharing.get(reader.phones.get(row, ""), set()) - {record_number}
        if others:
            said.append(Stop(record_number, "shared_number", tuple(sorted(others))))
        for stop in said:
            held = found.get(record_number)
            if held is None or WEIGHT.index(stop.because) < WEIGHT.index(held.because):
                found[record_number] = stop
    return tuple(found.values())


class _RosterReader:
    """Reads rows one by one and keeps what must differ from row to row."""

    def __init__(self, table: Table, columns: RosterColumns, judge: Judge, clinic_zone: str, today: date) -> None:
        self._table, self._columns, self._judge = table, columns, judge
        self._clinic_zone, self._today = clinic_zone, today
        self.record_numbers: dict[int, str] = {}
        self.phones: dict[int, str] = {}
        self.against: dict[int, list[Reason]] = {}
        """What a row says against texting somebody who may be enrolled already."""

    def read(self, row: Row) -> RosterRow | None:
        """The patient in a row, or None where something without which there is no row is wrong."""
        headers, judge = self._columns.columns, self._judge

        def cell(header: str) -> str:
            return self._table.cell(row, header)

        record_number = judge.take(row, headers.record_number, read_identifier(cell(headers.record_number)))
        name = judge.take(row, headers.name, read_name(cell(headers.name)))
        born = judge.take(row, headers.born, self._born(row, cell(headers.born)))
        phone = judge.take(row, headers.phone, read_us_phone(cell(headers.phone)))
        language: Language | None = judge.take(
            row, headers.language, _language(cell(headers.language), self._columns.language)
        )
        zone = judge.take(row, headers.zone, self._zone(cell(headers.zone)))
        condition: Condition | None = judge.take(
            row, headers.diagnosis_code, self._condition(cell(headers.diagnosis_code))
        )
        consent = self._consent(row, born)
        phq9 = self._phq9(row)
        for header in self._columns.deceased.columns:
            if self._columns.deceased.say_so(cell(header)):
                judge.name(row.number, header, DECEASED)
                self._speaks_against(row, "deceased")
        if record_number is not None:
            self.record_numbers[row.number] = record_number
        if phone is not None:
            self.phones[row.number] = phone
        if (
            record_number is None
            or name is None
            or born is None
            or phone is None
            or language is None
            or zone is None
            or condition is None
            or consent is None
        ):
            return None
        return RosterRow(
            record_number=record_number,
            name=name,
            born=born,
            phone=phone,
            language=language,
            zone=zone,
            zone_assumed=not cell(headers.zone),
            condition=condition,
            consent=consent,
            phq9_intake=phq9,
        )

    def _speaks_against(self, row: Row, because: Reason) -> None:
        self.against.setdefault(row.number, []).append(because)

    def _born(self, row: Row, text: str) -> date | Fault:
        born = read_date(text, self._columns.date_formats)
        if isinstance(born, Fault):
            return born
        age = years_between(born, self._today)
        if born > self._today or age > OLDEST:
            return Fault("no likely date of birth", f"correct it, as {shown(self._columns.date_formats)}")
        if age < ADULT:
            self._speaks_against(row, "under_age")
            return Fault("under 18", "only adults are enrolled; correct the date if it is wrong")
        return born

    def _zone(self, text: str) -> str | Fault:
        if not text:
            return self._clinic_zone
        folded = fold(text)
        zone = {**_iana_zones(), **self._columns.zone.aliases}.get(folded)
        return zone or Fault("unknown time zone", ZONE_FIX)

    def _condition(self, code: str) -> Condition | Fault:
        if not code:
            return Fault("no diagnosis code", "give the ICD-10 code that the patient is treated for")
        condition = self._columns.condition.of(code)
        return condition or Fault(
            "a diagnosis code that the column map does not know",
            "correct the code, or add its beginning under `condition` in the column map",
        )

    def _consent(self, row: Row, born: date | None) -> Consent | None:
        headers, judge = self._columns.columns, self._judge
        word = self._table.cell(row, headers.consent)
        declared = judge.take(row, headers.consent, _declared(word, self._columns.consent))
        if declared is None:
            # A map without the clinic's declaration says nothing about a patient.
            if fold(word) not in self._columns.consent.given:
                refused = fold(word) in self._columns.consent.refused
                self._speaks_against(row, "consent_refused" if refused else "no_consent")
            return None
        form, version = declared
        text = self._table.cell(row, headers.consent_date)
        given_on = judge.take(row, headers.consent_date, self._given_on(text, born))
        return None if given_on is None else Consent(form=form, form_version=version, given_on=given_on)

    def _given_on(self, text: str, born: date | None) -> date | Fault:
        given_on = read_date(text, self._columns.date_formats)
        if isinstance(given_on, Fault):
            return given_on
        if given_on > self._today:
            return Fault("dated in the future", "correct the date of the consent")
        if born is not None and years_between(born, given_on) < ADULT:
            return Fault("given before the patient was 18", "record the consent given as an adult, with its date")
        return given_on

    def _phq9(self, row: Row) -> int | None:
        header = self._columns.columns.phq9_intake
        if header is None or not (text := self._table.cell(row, header)):
            return None
        return self._judge.take(row, header, read_score(text, MAXIMA["phq9"]))


def _language(text: str, words: LanguageWords) -> Language | Fault:
    language = words.words.get(fold(text)) if text else words.blank
    if language is not None:
        return language
    if not text:
        return Fault("no language", "write the language, or declare in the column map what a blank means")
    return Fault(
        "a language in which there are no texts",
        f"patients are texted in {', '.join(content.load().texts.languages)} only; if the word means one of them, "
        "add it under `language` in the column map",
    )


def _declared(word: str, consent: ConsentWords) -> tuple[str, str] | Fault:
    """Form and version that a "yes" stands for."""
    folded = fold(word)
    if not folded:
        return Fault("no consent recorded", CONSENT_FIX)
    if folded in consent.refused:
        return Fault("consent refused", "do not enrol; should the patient agree later, " + CONSENT_FIX)
    if folded not in consent.given:
        return Fault("neither a yes nor a no", CONSENT_FIX)
    if consent.declaration is None:
        return Fault(
            "a yes without the clinic's declaration of form and version",
            "declare the form and version that patients signed under `consent` in the column map",
        )
    return consent.declaration.form, consent.declaration.version


@cache
def _iana_zones() -> Mapping[str, str]:
    """IANA zones by place. Names without a place (EST, UTC, Etc/GMT+5) know no summer time and are left out."""
    places = (zone for zone in available_timezones() if "/" in zone and not zone.startswith(NO_PLACE))
    return MappingProxyType({fold(zone): zone for zone in sorted(places)})


NO_PLACE = ("Etc/", "SystemV/", "posix/", "right/")
ZONE_FIX = "write an IANA zone such as America/New_York, or leave it blank for the clinic's zone"
CONSENT_FIX = "record consent form and version, and its date"
DECEASED = Fault("says that the patient has died", "do not enrol; if it is about somebody else, reword the note")
