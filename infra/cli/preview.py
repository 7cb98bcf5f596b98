"""`followup preview`: who gets which text when, in local time, in how many segments, for how much."""

from collections.abc import Iterator
from datetime import datetime

import click

from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput
from followup.domain.names import initials
from followup.domain.protocol import Protocol
from followup.domain.records import ClinicId, Patient
from followup.domain.segments import count
from followup.steps import enrolment
from followup.steps.clinics import patients_of
from followup.steps.texts import protocol_of
from infra.cli import printing
from infra.cli.forecast import Forecast, examples, forecast
from infra.cli.session import clinic_option, guarded, target
from infra.cli.target import Target

PRICE = 0.0079
"""US dollars for a segment to a US number (Twilio's list price of 2024); carrier fees come on top."""


@click.command()
@clinic_option
@click.option("--patient", "record_number", metavar="RECORD", help="Only the patient with this record number.")
@click.option("--days", type=click.IntRange(1, 14), default=14, show_default=True, help="How far to look ahead.")
@click.option("--protocol", metavar="NAME", help="Every text of a protocol instead, without patients.")
@click.option("--price", type=click.FloatRange(0, 10), default=PRICE, show_default=True, help="US dollars a segment.")
@guarded
def preview(clinic_id: ClinicId, record_number: str | None, days: int, protocol: str | None, price: float) -> None:
    """Show which texts are to come, as if every visit were held. Nothing is written or sent."""
    there = target()
    clinic, now = there.service.clinic(clinic_id), there.clock.now()
    if protocol is not None:
        found = there.service.content.protocols.get(protocol)
        if found is None:
            known = ", ".join(sorted(there.service.content.protocols))
            raise BadInput(f"--protocol: there is no such protocol; write one of: {known}")
        _show_protocol(there, clinic.settings, found, now, price)
        return
    rules = protocol_of(there.service, clinic)
    coming = [
        (patient, text)
        for patient in _patients(there, clinic_id, record_number)
        for text in forecast(
            there.service.chart(patient.thread, now), clinic.settings, rules, there.service.content.script, now, days
        )
    ]
    coming.sort(key=lambda pair: (pair[1].at, pair[0].record_number))
    rows = [_row(patient, text, price) for patient, text in coming]
    printing.table(("local time", "who", "lang", "text", "seg", "USD", "wording"), rows)
    segments = sum(text.segments for _, text in coming)
    texts = sum(bool(text.body) for _, text in coming)
    click.echo(f"{texts} texts, {segments} segments, {segments * price:.2f} USD (estimate at {price:g} a segment)")
    click.echo("Further questions (+), and nudges where an answer stays out, come on top.")


def _patients(there: Target, clinic_id: ClinicId, record_number: str | None) -> Iterator[Patient]:
    if record_number is None:
        yield from (patient for patient in patients_of(there.service, clinic_id) if patient.status == "active")
        return
    patient = enrolment.patient(there.service, clinic_id, record_number.strip().upper())
    if patient is None:
        raise BadInput("--patient: no enrolled patient has this record number; correct it, or import the patient first")
    if patient.status != "active":
        raise BadInput(f"--patient: gets no texts, the patient is {patient.status.replace('_', ' ')}")
    yield patient


def _row(patient: Patient, text: Forecast, price: float) -> tuple[str, ...]:
    there = calendar.local(text.at, patient.zone)
    more = f" (+{text.questions - 1})" if text.questions > 1 else ""
    wording = f"{text.body}{more}" if text.body else f"[{text.note}]"
    return (
        f"{there:%a %Y-%m-%d %H:%M %Z}",
        f"{initials(patient.name)} {patient.record_number}",
        patient.language,
        text.kind,
        str(text.segments),
        f"{text.segments * price:.4f}",
        wording,
    )


def _show_protocol(there: Target, settings: ClinicSettings, protocol: Protocol, now: datetime, price: float) -> None:
    rows = []
    for one in examples(settings, protocol, there.service.content.script, now):
        segments = count(one.body).segments
        rows.append((one.kind, one.when, one.language, str(segments), f"{segments * price:.4f}", one.body))
    printing.table(("text", "asked", "lang", "seg", "USD", "wording"), rows)
    click.echo(f"USD: an estimate at {price:g} a segment.")
