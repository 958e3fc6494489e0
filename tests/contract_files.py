"""Reads contract files in tests, and works out days past due from them in the plainest way there is."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

SIGN = {"repayment": 1, "waiver": 1, "recovery": 1, "reversal": -1, "write_off": 0}


def read(directory: Path, table: str) -> list[dict[str, str]]:
    """The rows of a table's file; none where there is no file."""
    path = directory / f"{table}.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Position:
    """A loan on a day."""

    days_past_due: int
    arrears: Decimal


def positions(directory: Path, as_of: date) -> dict[str, Position]:
    """Every loan's contractual days past due (calendar days) and arrears, straight from the definition."""
    versions: dict[str, dict[int, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in read(directory, "repayment_schedule"):
        if date.fromisoformat(row["effective_from"]) <= as_of:
            versions[row["loan_id"]][int(row["schedule_version"])].append(row)
    movements = defaultdict(list)
    for row in read(directory, "loan_transactions"):
        movements[row["loan_id"]].append(row)
    return {loan: _position(rows[max(rows)], movements[loan], as_of) for loan, rows in versions.items()}


def _position(schedule: list[dict[str, str]], movements: list[dict[str, str]], as_of: date) -> Position:
    since = schedule[0]["effective_from"] if schedule[0]["schedule_version"] != "1" else "0001-01-01"
    paid = sum(
        (
            Decimal(row["amount"]) * SIGN[row["kind"]]
            for row in movements
            if since <= row["effective_on"] <= as_of.isoformat()
        ),
        Decimal(),
    )
    due_total, oldest = Decimal(), None
    for row in sorted(schedule, key=lambda row: (row["due_date"], int(row["instalment_no"]))):
        due_on = date.fromisoformat(row["due_date"])
        if due_on >= as_of:
            break
        due_total += sum(Decimal(row[column] or 0) for column in ("principal_due", "interest_due", "fee_due"))
        if oldest is None and due_total > max(paid, Decimal()):
            oldest = due_on
    return Position((as_of - oldest).days if oldest else 0, max(Decimal(), due_total - max(paid, Decimal())))
