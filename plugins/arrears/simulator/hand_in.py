"""How a played vendor hands in a file: in time and whole, or late, in parts, twice, or damaged and then put right.

Nothing is lost for good but an acknowledgement: what is true reaches the bank within days.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

Row = Mapping[str, str]
_LATE_BY = (1, 4)


@dataclass(frozen=True)
class Misconduct:
    """Shares of what a vendor does otherwise than it should: of result files, unless said."""

    late: float = 0.05
    partial: float = 0.04
    repeated: float = 0.04
    damaged: float = 0.03
    unacknowledged: float = 0.03
    """Of the acknowledgements; half of them come a day late, the others never."""
    outside_hours: float = 0.002
    """Of the calls and visits: made after the hours that the list allowed."""


FAULTLESS = Misconduct(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class HandedIn:
    """A file that arrives so many days after it was due."""

    days: int
    name: str
    content: bytes


def hand_in(
    stem: str, columns: Sequence[str], rows: Sequence[Row], misconduct: Misconduct, chance: Random
) -> list[HandedIn]:
    """The files in which a vendor reports some rows, as it happens."""
    name, content = f"{stem}.csv", to_csv(columns, rows)
    drawn = chance.random()
    if drawn < misconduct.late:
        return [HandedIn(chance.randint(*_LATE_BY), name, content)]
    drawn -= misconduct.late
    if drawn < misconduct.partial and len(rows) > 1:
        kept = len(rows) * 2 // 3
        rest = HandedIn(1, f"{stem}1.csv", to_csv(columns, rows[kept:]))
        return [HandedIn(0, name, to_csv(columns, rows[:kept])), rest]
    drawn -= misconduct.partial
    if drawn < misconduct.repeated:
        return [HandedIn(0, name, content), HandedIn(1, f"{stem}2.csv", content)]
    drawn -= misconduct.repeated
    if drawn < misconduct.damaged:
        damage = chance.choice(_DAMAGES)
        return [HandedIn(0, name, damage(content)), HandedIn(1, f"{stem}3.csv", content)]
    return [HandedIn(0, name, content)]


def acknowledges(misconduct: Misconduct, chance: Random) -> int | None:
    """How many days late a list is acknowledged; None = never."""
    drawn = chance.random()
    if drawn >= misconduct.unacknowledged:
        return 0
    return 1 if drawn < misconduct.unacknowledged / 2 else None


def to_csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _cut(content: bytes) -> bytes:
    """In the middle of the header: nothing of it can be believed."""
    return content[: content.index(b"\n") // 2]


def _semicolons(content: bytes) -> bytes:
    return content.replace(b",", b";")


def _two_bytes(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


def _without_reference(content: bytes) -> bytes:
    return content.replace(b"contact_ref", b"reference", 1)


_DAMAGES: Sequence[Callable[[bytes], bytes]] = (_cut, _semicolons, _two_bytes, _without_reference)
