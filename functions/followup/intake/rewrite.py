"""A real export pointed at the demo: numbers and names are replaced while reading, and nothing of them is kept."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from followup.domain.errors import BadInput
from followup.domain.names import initials
from followup.intake.judging import Intake
from followup.intake.roster import RosterRow

T = TypeVar("T")

# fmt: off
AREA_CODES = (
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234,
    239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304, 305, 307, 308, 309,
    310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 334, 336, 337, 339, 347, 351, 352, 360, 361,
    386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 424, 425, 432, 434, 435, 440,
    443, 469, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507, 508, 509, 510, 512, 513, 515, 516, 517, 518, 520, 530,
    540, 541, 551, 559, 561, 562, 563, 567, 570, 571, 573, 574, 580, 585, 586, 601, 602, 603, 605, 606, 607, 608, 609,
    610, 612, 614, 615, 616, 617, 618, 619, 620, 623, 626, 630, 631, 636, 641, 646, 650, 651, 660, 661, 662, 678, 682,
)
# fmt: on
"""US area codes, fixed so that the same patient gets the same number in every version."""
NUMBERS = len(AREA_CODES) * 100


def fictional_numbers(record_numbers: Iterable[str]) -> dict[str, str]:
    """A number of its own, +1 NPA 555-0100 to 555-0199, for each record number.

    The same set of record numbers always gives the same numbers, whatever their order. Raises `BadInput` for more
    record numbers than there are fictional numbers.
    """
    patients = sorted(set(record_numbers))
    if len(patients) > NUMBERS:
        raise BadInput(f"the demo has {NUMBERS} fictional phone numbers; give it a shorter list of patients")
    taken: set[int] = set()
    numbers: dict[str, str] = {}
    for patient in patients:
        place = int.from_bytes(hashlib.sha256(patient.encode()).digest()[:8]) % NUMBERS
        while place in taken:
            place = (place + 1) % NUMBERS
        taken.add(place)
        numbers[patient] = f"+1{AREA_CODES[place // 100]}55501{place % 100:02d}"
    return numbers


def rewrite_roster(intake: Intake[RosterRow]) -> Intake[RosterRow]:
    """The same patients with fictional numbers and initials for names. Judge first: a shared number shows only then."""
    numbers = fictional_numbers(row.record_number for row in intake.good)
    good = tuple(
        replace(row, name=" ".join(initials(row.name)), phone=numbers[row.record_number]) for row in intake.good
    )
    return without_rejected_rows(replace(intake, good=good))


def without_rejected_rows(intake: Intake[T]) -> Intake[T]:
    """The intake without the file of rejected rows, which repeats the export as it came."""
    return replace(intake, rejected=b"")
