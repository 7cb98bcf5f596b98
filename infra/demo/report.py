"""What the demo prints: a row for each patient, what the clinic was told, and the fullest digest."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from followup.domain.names import initials
from followup.domain.records import Alert, Chart, ClinicId, Flag, Patient
from followup.steps.clinics import patients_of
from infra.demo.machine import Machine


def show(machine: Machine, clinic_id: ClinicId, console: Console) -> None:
    """Print the table, the totals and the digest with the most in it."""
    patients = sorted(patients_of(machine.service, clinic_id), key=lambda patient: patient.record_number)
    charts = {patient.patient_id: machine.records.chart(patient.thread, None) for patient in patients}
    table = Table(title="Patients", header_style="bold", expand=True)
    table.add_column("who", no_wrap=True)
    for column in ("texts", "asked", "answ.", "moods"):
        table.add_column(column, justify="right")
    table.add_column("flagged, and why", overflow="fold", ratio=1)
    for patient in patients:
        table.add_row(*_row(machine, patient, charts[patient.patient_id]))
    console.print(table)
    _totals(machine, patients, [*charts.values()], console)
    _digest(machine, console)


def _row(machine: Machine, patient: Patient, chart: Chart) -> list[str]:
    asked = [checkin for checkin in chart.checkins if checkin.asked_at and checkin.questions]
    moods = [score.value for score in chart.scores if score.instrument == "mood"]
    status = patient.status.replace("_", " ")
    return [
        f"{initials(patient.name) or '?'} {patient.condition}\n{patient.language}, "
        + patient.zone.rpartition("/")[2].replace("_", " "),
        str(sum(text.order.to == patient.phone for text in machine.carrier.sent)),
        str(len(asked)),
        str(sum(checkin.status == "answered" for checkin in asked)),
        str(len(moods)),
        "\n".join(
            [
                *([status] if status != "active" else []),
                *_alerts(chart.alerts),
                *_flags(machine, chart.flags),
            ]
        ),
    ]


def _alerts(alerts: tuple[Alert, ...]) -> list[str]:
    counted = Counter(f"{alert.level.replace('_', ' ').upper()} ({alert.status})" for alert in alerts)
    return [_times(name, number) for name, number in counted.items()]


def _times(name: str, number: int) -> str:
    return f"{name} x{number}" if number > 1 else name


def _flags(machine: Machine, flags: tuple[Flag, ...]) -> list[str]:
    staff = machine.service.content.staff
    shown = [flag for flag in flags if flag.group in ("booster", "planned", "silent", "review", "unreachable")]
    classes = Counter(staff.classes.get(flag.rule, flag.rule) for flag in shown if flag.group != "booster")
    reasons = [f"{staff.reason(flag.rule, flag.numbers)} [{flag.status}]" for flag in shown if flag.group == "booster"]
    return [*reasons, *(_times(name, number) for name, number in classes.items())]


def _totals(machine: Machine, patients: list[Patient], charts: list[Chart], console: Console) -> None:
    sent = Counter(text.order.text_id.rpartition(".")[2] for text in machine.carrier.sent)
    checkins = [checkin for chart in charts for checkin in chart.checkins]
    asked = [checkin for checkin in checkins if checkin.asked_at and checkin.questions]
    mails = Counter(mail.mail.kind for mail in machine.mailer.sent)
    flags = Counter(flag.group for chart in charts for flag in chart.flags)
    incoming = [text for chart in charts for text in chart.incoming]
    answered = sum(checkin.status == "answered" for checkin in asked)
    lines = {
        "patients": len(patients),
        "texts sent": sum(sent.values()),
        "check-ins asked": len(asked),
        "answered in full": f"{answered} ({100 * answered // max(1, len(asked))} %)",
        "skipped, with reason": sum(checkin.status == "skipped" for checkin in checkins),
        "replies received": len(incoming),
        "not readable": sum(text.status == "unreadable" for text in incoming),
        "alerts": sum(len(chart.alerts) for chart in charts),
        "flags": ", ".join(f"{group} {number}" for group, number in sorted(flags.items())) or "none",
        "digests mailed": mails["digest"],
        "pages mailed": mails["page"],
        "steps that failed": len(machine.failures),
    }
    table = Table(title="In all", show_header=False)
    for name, value in lines.items():
        table.add_row(name, str(value))
    console.print(table)


def _digest(machine: Machine, console: Console) -> None:
    digests = [
        mail.mail for mail in machine.mailer.sent if mail.mail.kind == "digest" and "clinical" in mail.mail.mail_id
    ]
    fullest = max(digests, key=lambda mail: len(mail.text), default=None)
    if fullest is not None:
        console.rule("the fullest digest, as mailed")
        console.print(fullest.subject, style="bold", markup=False, highlight=False)
        console.print(fullest.text, markup=False, highlight=False)
