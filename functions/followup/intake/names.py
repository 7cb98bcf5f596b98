"""People's names as rosters write them."""

from followup.domain.names import initials
from followup.intake.cells import clean
from followup.intake.judging import Fault


def read_name(text: str) -> str | Fault:
    """The name in spoken order: `Family, Given` becomes `Given Family`; invisible signs and spare spaces go."""
    parts = [part for part in map(clean, text.split(",")) if part]
    name = " ".join((parts[1], parts[0], *parts[2:])) if len(parts) > 1 else " ".join(parts)
    if not initials(name):
        return Fault("no name", "give the patient's name with at least one letter")
    return name
