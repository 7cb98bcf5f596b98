"""How well replies are read: the labelled replies under tests/corpus/replies against what the service makes of them.

`python -m infra.reading_report` prints the figures and writes docs/reading.md. The report counts and never quotes: a
third of the corpus is kept apart while rules are written, and must stay unseen.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from followup import content
from followup.domain.understanding import understand
from infra.cli.read import expected

ROOT: Final = Path(__file__).parents[1]
CORPUS: Final = ROOT / "tests" / "corpus" / "replies"
REPORT: Final = ROOT / "docs" / "reading.md"
SETS: Final = {"written": "Written with the rules", "kept_apart": "Kept apart"}
LANGUAGES: Final = {"en": "English", "es": "Spanish"}

MOST_WRONG: Final = 0.005  # of all replies
MOST_ASKED_AGAIN: Final = 0.08  # of replies that answer plainly
LEAST_RECALL: Final = 0.90  # of side effects that patients named
MOST_INVENTED: Final = 0.02  # of side effects that were read

Verdict = Literal["right", "asked again", "wrong"]


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled reply. `value` None: a careful reader would ask again, or it is no answer."""

    text: str
    question: str | None
    language: str
    kind: str
    value: int | str | None
    side_effects: frozenset[str]


@dataclass(slots=True)
class Tally:
    """Counts over some replies."""

    verdicts: dict[Verdict, int] = field(default_factory=lambda: {"right": 0, "asked again": 0, "wrong": 0})
    answerable: int = 0
    named: int = 0
    found: int = 0
    invented: int = 0

    @property
    def replies(self) -> int:
        return sum(self.verdicts.values())

    @property
    def wrong(self) -> float:
        return self.verdicts["wrong"] / max(1, self.replies)

    @property
    def asked_again(self) -> float:
        return self.verdicts["asked again"] / max(1, self.answerable)

    @property
    def recall(self) -> float:
        return self.found / self.named if self.named else 1.0

    @property
    def invention(self) -> float:
        return self.invented / max(1, self.found + self.invented)

    def add(self, example: Example, read: "Read") -> None:
        self.verdicts[read.verdict(example)] += 1
        self.answerable += example.value is not None
        self.named += len(example.side_effects)
        self.found += len(example.side_effects & read.side_effects)
        self.invented += len(read.side_effects - example.side_effects)


@dataclass(frozen=True, slots=True)
class Read:
    """What the service makes of a reply."""

    value: int | str | None
    side_effects: frozenset[str]

    def verdict(self, example: Example) -> Verdict:
        """Wrong: a value is stored that a careful reader would not store."""
        if self.value is not None and self.value != example.value:
            return "wrong"
        return "asked again" if self.value is None and example.value is not None else "right"


@cache
def examples(corpus: str, language: str) -> tuple[Example, ...]:
    """The replies of one file."""
    lines = (CORPUS / f"{corpus}_{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_example(json.loads(line)) for line in lines if line.strip())


def _example(fields: Mapping[str, Any]) -> Example:
    return Example(
        text=fields["text"],
        question=fields["question"],
        language=fields["language"],
        kind=fields["class"],
        value=fields["value"],
        side_effects=frozenset(fields["side_effects"]),
    )


def read(example: Example) -> Read:
    """Read a reply on the way that the service reads it."""
    loaded = content.load()
    wanted = expected(example.question, loaded)
    reading = understand(
        example.text, wanted, rules=loaded.danger, keywords=loaded.keywords, words=loaded.reading
    ).reading
    value: int | str | None = reading.value
    if wanted is not None and wanted.form == "yes_no" and value is not None:
        value = "yes" if value else "no"
    return Read(value, frozenset(reading.side_effects))


def tally(of: Iterable[Example]) -> Tally:
    """Count over these replies."""
    counted = Tally()
    for example in of:
        counted.add(example, read(example))
    return counted


def report() -> str:
    """The whole report as Markdown."""
    lines = [
        "# How well replies are read",
        "",
        "`make reading-report` reads every labelled reply under `tests/corpus/replies` as the service does and writes",
        "this page. Right: the value that a careful reader would store, or none where that reader would ask again.",
        "Asked again: a plain answer that was not stored. Wrong: a stored value that a careful reader would not store.",
        "The replies kept apart were not looked at while rules were written.",
        "",
        "| Replies | Language | Count | Wrong | Asked again | Side effects found | Invented |",
        "|---|---|---:|---:|---:|---:|---:|",
        f"| allowed | | | {MOST_WRONG:.1%} | {MOST_ASKED_AGAIN:.0%} | {LEAST_RECALL:.0%} up | {MOST_INVENTED:.0%} |",
    ]
    for corpus, title in SETS.items():
        for language, name in LANGUAGES.items():
            lines.append(_row(title, name, tally(examples(corpus, language))))
        both = (example for language in LANGUAGES for example in examples(corpus, language))
        lines.append(_row(title, "both", tally(both)))
    lines += [
        "",
        "Wrong counts over all replies, asked again over those that answer plainly, invented over all effects read.",
    ]
    for corpus, title in SETS.items():
        lines += ["", f"## {title}", "", *_classes(corpus)]
    return "\n".join(lines) + "\n"


def _row(title: str, language: str, counted: Tally) -> str:
    return (
        f"| {title} | {language} | {counted.replies} | {counted.wrong:.2%} | {counted.asked_again:.1%}"
        f" | {counted.recall:.1%} | {counted.invention:.1%} |"
    )


def _classes(corpus: str) -> Iterable[str]:
    heads = " | ".join(f"{name}: right | again | wrong" for name in LANGUAGES.values())
    yield f"| Class | {heads} |"
    yield "|---|" + "---:|---:|---:|" * len(LANGUAGES)
    kinds = sorted({example.kind for language in LANGUAGES for example in examples(corpus, language)})
    for kind in kinds:
        cells = []
        for language in LANGUAGES:
            counted = tally(example for example in examples(corpus, language) if example.kind == kind)
            cells += [str(count) for count in counted.verdicts.values()]
        yield f"| {kind.replace('_', ' ')} | {' | '.join(cells)} |"


def main() -> None:
    """Print the report and write it to docs/reading.md."""
    written = report()
    REPORT.write_text(written, encoding="utf-8")
    print(written, end="")


if __name__ == "__main__":
    main()
