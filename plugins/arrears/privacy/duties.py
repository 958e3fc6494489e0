"""Which legal duties to keep a customer's data stand on a day."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.privacy.policy import Rule, load_rules
from arrears.privacy.warehouse import statement
from arrears.settings import Settings


@dataclass(frozen=True)
class Duty:
    """A reason why data must be kept."""

    code: str
    until_on: date | None
    """First day without it; None: until what it speaks of ends."""
    what: str

    def __str__(self) -> str:
        return f"{self.code} ({self.what}" + (f", until {self.until_on})" if self.until_on else ")")


def duties(
    cursor: Cursor, rules: Sequence[Rule], *, as_of: date, settings: Settings, is_request: bool
) -> dict[str, list[Duty]]:
    """The duties of everybody in `pg_temp.candidate` who has any. Does not commit.

    Args:
        is_request: Asked for by the customer: the legal duty counts, and not the longer time that policy allows.
    """
    load_rules(cursor, rules)
    cursor.execute("analyze pg_temp.candidate")
    cursor.execute(
        statement("duties"),
        {
            "as_of": as_of,
            "zone": settings.bank_time_zone,
            "midnight": datetime.combine(as_of, time(0), settings.bank_tz),
            "is_request": is_request,
        },
    )
    found: dict[str, list[Duty]] = defaultdict(list)
    for customer_id, code, until_on, what in cursor.fetchall():
        found[customer_id].append(Duty(code, until_on, what))
    return found
