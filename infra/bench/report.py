"""The numbers as the page docs/performance.md shows them."""

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from math import ceil
from typing import Final

from followup import content
from infra.bench import assessing, cold_start, costs, course, reading, sweeping
from infra.bench.cold_start import ColdStart
from infra.bench.course import PATH, Course
from infra.content.rules import largest
from infra.local.stack.template import read_template

WRITE_GOAL: Final = 60
READ_GOAL: Final = 20
COST_GOAL: Final = 200
IDLE_GOAL: Final = 5
START_GOAL: Final = 1.5

INTRODUCTION: Final = """# Performance

Made by `make bench`; do not edit it. Goals are set on counts and on ratios between two things measured in one run.
Seconds tell about the machine as much as about the service, so they are reported and decide nothing.
`tests/unit/test_budget.py` holds the service to the counts.
"""


def page() -> Iterator[str]:
    """The page, part by part: measuring takes a minute or two."""
    weeks = course.play()
    yield INTRODUCTION
    yield f"Measured on {date.today():%Y-%m-%d}: {_machine()}.\n"  # noqa: DTZ011 - the day where it is measured
    yield from _units(weeks)
    yield from _checkin_cost(weeks)
    yield from _idle_cost()
    yield from _sweeping()
    yield from _reading()
    yield from _assessing()
    yield from _segments()
    yield from _cold_start()


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def units_each(weeks: Course) -> tuple[float, float]:
    """Write and read units of one completed check-in, from its plan to the thanks."""
    calls = list(weeks.of(*PATH))
    written = sum(call.usage.write_units for call in calls)
    return written / weeks.completed, sum(call.usage.read_units for call in calls) / weeks.completed


def _units(weeks: Course) -> Iterator[str]:
    written, read = units_each(weeks)
    yield "## DynamoDB units of a check-in with one question\n"
    yield (
        f"Planned, asked, sent, delivered, answered, read, thanked; every condition kept: **{written:.1f} write and "
        f"{read:.1f} read units** (goal: at most {WRITE_GOAL} and {READ_GOAL}). Computed from the sizes of the items "
        f"in every call, by DynamoDB's rules; the mean of the {weeks.completed} check-ins that a patient answers in "
        f"the {weeks.days // 7} weeks after a series, on the functions' own handlers.\n"
    )
    rows, totals = [], [0.0] * 6
    for step in PATH:
        usages = [call.usage for call in weeks.of(step)]
        writes = [write for usage in usages for write in usage.writes]
        figures = [
            len(writes),
            sum(write.units.item for write in writes),
            sum(write.units.transaction for write in writes),
            sum(write.units.indexes for write in writes),
            sum(usage.write_units for usage in usages),
            sum(usage.read_units for usage in usages),
        ]
        shares = [figure / weeks.completed for figure in figures]
        totals = [total + share for total, share in zip(totals, shares, strict=True)]
        rows.append([step, *(f"{share:.1f}" for share in shares)])
    rows.append(["**all**", *(f"{total:.1f}" for total in totals)])
    header = ("Step", "Items written", "Write units: items", "transactions", "indexes", "all", "Read units")
    yield _table(header, rows)
    yield (
        f"The floor is {totals[1]:.0f} write units: every change that has to outlive a crash, written once. What keeps "
        f"us from it: {totals[2]:.0f} units are the price of transactions, which keep a check-in and its text, or a "
        f"text and the cap of its patient, from ever disagreeing; {totals[3]:.0f} are the due index, by which the "
        "sweep finds a step that a crash left behind. The read units are mostly charts: one query for all that a "
        "worker needs, ten days of it.\n"
    )
    daily = list(weeks.of(course.ASSESSED))
    assessed = len(daily)
    yield (
        f"Beside a check-in, not in it: an assessment takes "
        f"{sum(call.usage.write_units for call in daily) / assessed:.1f} write and "
        f"{sum(call.usage.read_units for call in daily) / assessed:.1f} read units, once a day for every patient; it "
        "reads the whole history, so its reads grow with it. The sweep's reads stand under the idle cost.\n"
    )


def _checkin_cost(weeks: Course) -> Iterator[str]:
    lines = costs.of_checkin(weeks, PATH)
    ours = sum(line.list_price for line in lines)
    segments = weeks.segments / weeks.completed
    sms = costs.of_texts(segments)
    yield "## AWS's part of a check-in's price\n"
    yield (
        f"AWS: {ours * 100:.4f} cents. SMS: {sms * 100:.2f} cents for {segments:.1f} segments. That is **1 : "
        f"{sms / ours:.0f}** (goal: below 1 : {COST_GOAL}). {_priced()}\n"
    )
    rows = [[line.what, f"{line.amount:.6g}", f"{line.list_price * 1e6:.1f}"] for line in lines]
    yield _table(("Item", "Amount", "USD per million check-ins"), rows)


def _priced() -> str:
    prices = costs.prices()
    assumed = prices.assumed
    return (
        f"List prices as of {prices.as_of} (`infra/bench/prices.yaml`), nothing free; a call is assumed to be billed "
        f"{assumed['billed_ms']} ms of 512 MB and to log {assumed['log_bytes']} bytes."
    )


def _idle_cost() -> Iterator[str]:
    lines = costs.of_idle_month(read_template())
    listed, after = sum(line.list_price for line in lines), sum(line.after_free for line in lines)
    yield "## Idle cost of a month\n"
    yield (
        f"Counted in `template.yaml`: **{after:.2f} USD** with what AWS gives every account each month "
        f"(goal: below {IDLE_GOAL}), {listed:.2f} USD in an account that has used that up elsewhere. Storage, the "
        "clinics' own digests and rented numbers are not in it.\n"
    )
    rows = [[line.what, f"{line.amount:,.6g}", f"{line.list_price:.2f}", f"{line.after_free:.2f}"] for line in lines]
    yield _table(("Item", "Amount", "USD", "USD after free allowances"), rows)


def _sweeping() -> Iterator[str]:
    yield "## Sweeping\n"
    yield (
        "One sweep of one lane on the real adapters. Memory is what the sweep itself takes at its peak; it is flat "
        f"from {sweeping.MOST:,} due steps in each shard on, since a sweep hands over no more than {sweeping.MOST:,}. "
        "The two rows with 100 due show that patients with nothing due cost nothing.\n"
    )
    cases = ((100, 100), (100, 10_000), (sweeping.MOST, 0), (10 * sweeping.MOST, 0))
    rows = []
    for due, not_due in cases:
        found = sweeping.measure(due, not_due=not_due)
        units = ceil(found.read / 4096) / 2
        figures = (due, not_due, found.queued, found.queries, found.read // 1024, found.sends, found.sent // 1024)
        rows.append([*(f"{figure:,}" for figure in figures), f"{units:,.1f}", f"{found.peak / 1024**2:.1f}"])
    header = ("Due", "Not due", "Queued", "Queries", "KB read", "Send calls", "KB sent", "Read units", "Peak MB")
    yield _table(header, rows)


def _reading() -> Iterator[str]:
    yield "## Reading texts\n"
    yield (
        f"Everyday texts on one core, and the slowest of {len(reading.LONG)} texts of {reading.LONGEST:,} characters "
        "that are made to be hard. Reported, not gated.\n"
    )
    speeds = reading.measure()
    names = {
        "read": "Reading an answer (goal: above 5,000 a second)",
        "screened": "Screening for danger",
        "understood": "All of it: danger, keywords, wishes, answer",
    }
    rows = [[names[name], f"{speed.per_second:,.0f}", f"{speed.worst_ms:.1f}"] for name, speed in speeds.items()]
    yield _table(("What", "Texts a second", "Longest, ms"), rows)


def _assessing() -> Iterator[str]:
    found = assessing.measure()
    yield "## Assessing a patient with two years of history\n"
    yield (
        f"{found.records} records, {found.size // 1024} KB: **{found.queries} query**, {found.usage.read_units:.1f} "
        f"read units. Processor time: {found.deciding * 1000:.1f} ms to decide, after {found.decoding * 1000:.1f} ms "
        "to decode the records. The goal is one query and under 5 ms; deciding alone is what it can hold for.\n"
    )


def _segments() -> Iterator[str]:
    texts = content.load().texts
    yield "## SMS segments of every text\n"
    yield "With the values that make it longest. Accents outside the GSM-7 alphabet turn a text into UCS-2.\n"
    rows = []
    # Frames are filled with questions; `python -m infra.content show` lists each of those.
    for text_id in (text_id for text_id in texts.entries if not text_id.startswith("frame.")):
        sizes = [largest(texts, text_id, language) for language in texts.languages]
        rows.append([f"`{text_id}`", *(f"{size.segments} ({size.units} {size.encoding})" for size in sizes)])
    yield _table(("Text", *texts.languages), rows)


def _cold_start() -> Iterator[str]:
    yield "## Cold start of receive_text\n"
    missing = cold_start.missing()
    if missing:
        yield f"Not measured here: {missing}.\n"
        return
    found = cold_start.measure()
    yield (
        "The built artifact under Lambda's own runtime client, against a handler that imports boto3 and makes one "
        "client, started in turns; Lambda's and AWS's sides are answered on loopback. Medians of "
        f"{cold_start.STARTS}; bytecode {'is' if found.compiled else 'is NOT'} in the artifact.\n"
    )
    yield _table(("From the start of the process", "boto3 alone, ms", "receive_text, ms", "ratio"), _starts(found))
    yield (
        f"The goal for the first answer is at most {START_GOAL}; here it is {found.ratio:.2f}. Where other work shares "
        "the cores it comes out higher. The first text is stored before it is answered, so beside our own modules and "
        "word lists the difference holds two more clients, two secrets, three lookups, a transaction and a message.\n"
    )


def _starts(found: ColdStart) -> list[list[str]]:
    alone, whole = found.baseline, found.receive_text
    return [
        [what, f"{baseline * 1000:.0f}", f"{text * 1000:.0f}", f"{text / baseline:.2f}"]
        for what, baseline, text in (
            ("ready for an event", alone.ready, whole.ready),
            ("first event answered", alone.answered, whole.answered),
        )
    ]
