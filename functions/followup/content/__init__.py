"""Content: wording, word lists, thresholds and protocols, written as YAML here and compiled to one file for Lambda."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from followup.domain.consent import KeywordWords
from followup.domain.delivery import CarrierCodes
from followup.domain.instruments import Instruments
from followup.domain.protocol import Protocol
from followup.domain.questions import Questions
from followup.domain.reading import ReadingWords
from followup.domain.safety import DangerRules
from followup.domain.script import Script
from followup.domain.side_effects import Windows
from followup.domain.staff_wording import StaffWording
from followup.domain.survey import Flow
from followup.domain.wording import Texts


@dataclass(frozen=True, slots=True)
class Content:
    """All content, one part per YAML file; `protocols` by name."""

    texts: Texts
    questions: Questions
    instruments: Instruments
    flow: Flow
    windows: Windows
    reading: ReadingWords
    danger: DangerRules
    keywords: KeywordWords
    protocols: Mapping[str, Protocol]
    staff: StaffWording
    carrier: CarrierCodes

    @property
    def script(self) -> Script:
        return Script(self.texts, self.questions, self.instruments, self.flow, self.windows)


@cache
def load() -> Content:
    """The content that was compiled into this build; read once per process.

    Raises:
        FileNotFoundError: `python -m infra.content compile` was not run.
    """
    compiled = Path(__file__).with_name("compiled.json")
    return msgspec.json.decode(compiled.read_bytes(), type=Content)
