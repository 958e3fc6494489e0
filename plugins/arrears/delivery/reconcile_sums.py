"""What was decided, listed, sent, answered and paid of a day, each held against where all of it went.

Each statement gives one row: first how many there were, then how many are in each place where one can be. They add up,
or something was lost, counted twice or is nowhere. The vendors' directories are looked at in `reconcile`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import psycopg2.extensions

from arrears.delivery.statements import statement

SUMS: Mapping[str, str] = {
    "decisions": "customers by channel",
    "lists": "rows of contact lists",
    "answers": "files at vendors",
    "results": "result rows",
    "payments": "payments",
}
"""By the name of its statement, `reconcile_<name>`: what is counted."""


@dataclass(frozen=True)
class Sum:
    """One equation of a day."""

    name: str
    total_name: str
    total: int
    parts: Mapping[str, int]

    @property
    def difference(self) -> int:
        """How many are in no place; below 0 how many are in several."""
        return self.total - sum(self.parts.values())

    @property
    def counted(self) -> str:
        return f"{SUMS[self.name]} {self.total_name}"

    @property
    def places(self) -> str:
        return " + ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.parts.items())

    def __str__(self) -> str:
        return f"{self.counted}: {self.total:,}, and found {self.places}: {self.difference:+,} are unaccounted for"


def sums(warehouse: psycopg2.extensions.connection, *, as_of: date) -> list[Sum]:
    """The equations of a day, in the order in which it goes. Reads only; does not commit."""
    return [_sum(warehouse, name, as_of) for name in SUMS]


def _sum(warehouse: psycopg2.extensions.connection, name: str, as_of: date) -> Sum:
    with warehouse.cursor() as cursor:
        cursor.execute(statement(f"reconcile_{name}"), {"as_of": as_of})
        ((total, *parts),) = cursor.fetchall()
        total_name, *names = [column.name for column in cursor.description or ()]
    return Sum(name, total_name, total, dict(zip(names, parts, strict=True)))
