"""How well the danger screen finds danger: the labelled texts under tests/corpus/danger against what the screen says.

`python -m infra.safety_report` prints the figures and writes docs/safety-screen.md. The report counts and never quotes:
a third of the corpus is kept apart while word lists are written, and must stay unseen.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from followup import content
from followup.domain.safety import Danger, Level, findings
from infra.content.compiling import CONTENT
from infra.content.sources import load

ROOT: Final = Path(__file__).parents[1]
CORPUS: Final = ROOT / "tests" / "corpus" / "danger"
REPORT: Final = ROOT / "docs" / "safety-screen.md"
SETS: Final = {"written": "Written with the word lists", "kept_apart": "Kept apart"}
LANGUAGES: Final = {"en": "English", "es": "Spanish"}

EXPLICIT: Final = frozenset(
    {"plan_intent", "attempt", "preparation", "farewell", "overdose", "wish_to_die", "misspelt", "third_party"}
    | {"with_number", "with_stop"}
)
LEAST_FOUND: Final = 0.95  # of texts that say outright that they are of tier 2 or 3
MOST_FALSE: Final = 3.0  # alarms per 1,000 everyday texts
_RANK: Final[dict[Level, int]] = {"emergency": 3, "urgent": 2, "same_day": 1}
"""Levels by how soon a person must know; for danger to oneself these are the tiers."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text. `tier` None: no danger to oneself; `red_flags` are ids of medical rules."""

    text: str
    language: str
    kind: str
    tier: int | None
    red_flags: tuple[str, ...]
    others: str | None

    @property
    def harmless(self) -> bool:
        return self.tier is None and not self.red_flags and self.others is None

    @property
    def explicit(self) -> bool:
        return self.tier is not None and self.tier >= 2 and self.kind in EXPLICIT


@dataclass(slots=True)
class Share:
    """Some of all."""

    some: int = 0
    all: int = 0

    @property
    def value(self) -> float:
        return self.some / self.all if self.all else 1.0

    def add(self, hit: bool) -> None:
        self.some += hit
        self.all += 1

    def __str__(self) -> str:
        return f"{self.some} of {self.all} ({self.value:.0%})" if self.all else "-"


@dataclass(slots=True)
class Tally:
    """Counts over labelled texts: `found` at the right tier or higher, `exact` at it, `silent` not at all."""

    found: dict[int, Share] = field(default_factory=lambda: {tier: Share() for tier in (3, 2, 1)})
    exact: dict[int, Share] = field(default_factory=lambda: {tier: Share() for tier in (3, 2, 1)})
    silent: dict[int, Share] = field(default_factory=lambda: {tier: Share() for tier in (3, 2, 1)})
    explicit: Share = field(default_factory=Share)
    red_flags: Share = field(default_factory=Share)
    others: Share = field(default_factory=Share)
    false_alarms: Share = field(default_factory=Share)

    def add(self, example: Example, dangers: tuple[Danger, ...]) -> None:
        tier = max((danger.tier or 0 for danger in dangers), default=0)
        if example.tier is not None:
            self.found[example.tier].add(tier >= example.tier)
            self.exact[example.tier].add(tier == example.tier)
            self.silent[example.tier].add(not dangers)
        if example.explicit:
            self.explicit.add(tier >= (example.tier or 0))
        for flag in example.red_flags:
            self.red_flags.add(any(danger.rule == flag or _as_soon(danger, flag) for danger in dangers))
        if example.others is not None:
            kind = "abuse" if example.others == "abuse" else "others"
            self.others.add(any(danger.kind == kind for danger in dangers))
        if example.harmless:
            self.false_alarms.add(bool(dangers))


def _as_soon(danger: Danger, flag: str) -> bool:
    """Whether a person is told of this danger as soon as of that medical sign."""
    return _RANK[danger.level] >= _levels()[flag]


@cache
def _levels() -> dict[str, int]:
    return {rule.id: _RANK[rule.level] for rule in content.load().danger.rules}


@cache
def examples(corpus: str, language: str) -> tuple[Example, ...]:
    """The labelled texts of one file."""
    return tuple(map(_example, _lines(f"{corpus}_{language}")))


@cache
def everyday(corpus: str, language: str) -> tuple[str, ...]:
    """The texts of one file of everyday replies."""
    return tuple(fields["text"] for fields in _lines(f"everyday_{corpus}_{language}"))


def _lines(name: str) -> list[dict[str, Any]]:
    lines = (CORPUS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _example(fields: Mapping[str, Any]) -> Example:
    return Example(
        text=fields["text"],
        language=fields["language"],
        kind=fields["class"],
        tier=fields["danger"],
        red_flags=tuple(fields["red_flags"]),
        others=fields["others"],
    )


def tally(of: Iterable[Example]) -> Tally:
    """Screen these texts and count."""
    rules = content.load().danger
    counted = Tally()
    for example in of:
        counted.add(example, findings(example.text, rules))
    return counted


def false_alarms(texts: Iterable[str]) -> Share:
    """Screen everyday texts, in which every danger is a false alarm."""
    rules = content.load().danger
    share = Share()
    for text in texts:
        share.add(bool(findings(text, rules)))
    return share


def report() -> str:
    """The whole report as Markdown."""
    lines = [
        "# How well danger is found",
        "",
        "`make safety-report` screens every labelled text under `tests/corpus/danger` as the service does and writes",
        "this page. Tier 3 is plan, intent, attempt, overdose and farewell; 2 the wish to die; 1 hopelessness, and",
        "danger that is denied or clearly long past. Found: as this tier or a higher one. Exact: as this tier. Silent:",
        "nothing at all was raised. The texts kept apart were not looked at while word lists were written, the others",
        "were: only those kept apart say what to expect of texts that nobody has seen.",
        "",
        f"Word lists: {', '.join(f'{name} {version}' for name, version in _versions().items())}.",
        "",
        "## Danger to oneself",
        "",
        "| Texts | Language | Tier | Count | Found | Exact | Silent |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    tallies = {(corpus, language): tally(examples(corpus, language)) for corpus in SETS for language in LANGUAGES}
    for (corpus, language), counted in tallies.items():
        for tier, found in counted.found.items():
            lines.append(
                f"| {SETS[corpus]} | {LANGUAGES[language]} | {tier} | {found.all} | {found.value:.1%}"
                f" | {counted.exact[tier].value:.1%} | {counted.silent[tier].value:.1%} |"
            )
    lines += [
        "",
        f"Goal: at least {LEAST_FOUND:.0%} of texts that say tier 2 or 3 outright (no hints) found at that tier.",
        f"False alarms: at most {MOST_FALSE:g} in 1,000 everyday texts.",
        "",
        "## Other danger, and false alarms",
        "",
        "Medical signs count as found when they are named, or anything is raised that a person hears of as soon. Hard",
        "negatives are harmless texts that sound like danger; everyday texts are what nearly all texts are.",
        "",
        "| Texts | Language | Said outright | Medical signs | Threat, abuse | Hard negatives | Everyday | Of 1,000 |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for (corpus, language), counted in tallies.items():
        share = false_alarms(everyday(corpus, language))
        lines.append(
            f"| {SETS[corpus]} | {LANGUAGES[language]} | {counted.explicit} | {counted.red_flags} | {counted.others}"
            f" | {counted.false_alarms} | {share.some} of {share.all} | {1_000 * share.value:.1f} |"
        )
    for corpus, title in SETS.items():
        lines += ["", f"## {title}, by class", "", *_classes(corpus)]
    return "\n".join(lines) + "\n"


def _classes(corpus: str) -> Iterable[str]:
    yield "| Class | " + " | ".join(f"{name}: found | false alarms" for name in LANGUAGES.values()) + " |"
    yield "|---|" + "---:|---:|" * len(LANGUAGES)
    kinds = sorted({example.kind for language in LANGUAGES for example in examples(corpus, language)})
    for kind in kinds:
        cells: list[str] = []
        for language in LANGUAGES:
            counted = tally(example for example in examples(corpus, language) if example.kind == kind)
            found = Share(
                sum(share.some for share in counted.found.values()), sum(share.all for share in counted.found.values())
            )
            cells += [str(found), str(counted.false_alarms)]
        yield f"| {kind.replace('_', ' ')} | {' | '.join(cells)} |"


def _versions() -> dict[str, str]:
    """The version of each word list, by its file."""
    names = ("safety.yaml", *(f"languages/{language}/safety.yaml" for language in LANGUAGES))
    sources = {name: load(CONTENT, name, []) for name in names}
    return {name: str(source.values["version"]) for name, source in sources.items() if source is not None}


def main() -> None:
    """Print the report and write it to docs/safety-screen.md."""
    written = report()
    REPORT.write_text(written, encoding="utf-8")
    print(written, end="")


if __name__ == "__main__":
    main()
