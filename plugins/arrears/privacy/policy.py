"""The retention policy: `retention.csv` of the policy packs. Without a sound one nothing is erased."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from arrears.errors import ConfigurationError

CLASSES = (
    "customer",
    "decision",
    "delivered_file",
    "evidence_file",
    "vendor_file",
    "vendor_note",
    "quarantine",
    "superseded_version",
    "access_log",
)
"""Kinds of personal data, in the order in which they are erased: docs/privacy.md says what each one is."""


@dataclass(frozen=True)
class Rule:
    """A row of the policy in force."""

    jurisdiction: str
    data_class: str
    kept_at_least_days: int
    erased_after_days: int
    source: str


def read_policy(directory: Path, as_of: date) -> list[Rule]:
    """The rows in force on a day.

    Raises:
        ConfigurationError: no such file, or rows that cannot be followed; all of them are named.
    """
    path = directory / "retention.csv"
    if not path.is_file():
        raise ConfigurationError(f"{path}: expected the retention policy, found no such file; nothing was erased")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    problems = [f"{path.name}, row {line}: {problem}" for line, row in enumerate(rows, 2) for problem in _problems(row)]
    if problems:
        raise ConfigurationError("; ".join(problems) + "; nothing was erased")
    rules = [_rule(row) for row in rows if _is_in_force(row, as_of)]
    problems = _gaps(rules, as_of)
    if problems:
        raise ConfigurationError(f"{path.name}: " + "; ".join(problems) + "; nothing was erased")
    return rules


def longest(rules: Sequence[Rule], data_class: str) -> Rule:
    """The rule for what is no single customer's: the longest of all."""
    return max((rule for rule in rules if rule.data_class == data_class), key=lambda rule: rule.erased_after_days)


def load_rules(cursor: Cursor, rules: Sequence[Rule]) -> None:
    """Put the rules where statements look for them: `pg_temp.retention_rule`. Does not commit."""
    cursor.execute(
        "create temporary table if not exists retention_rule (jurisdiction text, data_class text,"
        " kept_at_least_days integer, erased_after_days integer, source text) on commit drop"
    )
    cursor.execute("truncate pg_temp.retention_rule")
    execute_values(
        cursor,
        "insert into pg_temp.retention_rule values %s",
        [(r.jurisdiction, r.data_class, r.kept_at_least_days, r.erased_after_days, r.source) for r in rules],
    )


def _problems(row: Mapping[str, str | None]) -> list[str]:
    found = []
    if row.get("data_class") not in CLASSES:
        found.append(f"data_class: expected one of {', '.join(CLASSES)}, found {row.get('data_class')}")
    if not row.get("source") or row.get("confidence") not in ("verified", "secondary", "unverified"):
        found.append("source and confidence (verified, secondary, unverified) are required")
    try:
        date.fromisoformat(row.get("valid_from") or "")
        date.fromisoformat(row.get("valid_to") or "9999-12-31")
        if not 0 <= int(row["kept_at_least_days"] or "") <= int(row["erased_after_days"] or ""):
            found.append("expected 0 <= kept_at_least_days <= erased_after_days")
    except (KeyError, ValueError):
        found.append("expected whole days and dates like 2026-01-31")
    return found


def _is_in_force(row: Mapping[str, str], day: date) -> bool:
    ends = date.fromisoformat(row["valid_to"]) if row["valid_to"] else date.max
    return date.fromisoformat(row["valid_from"]) <= day < ends


def _rule(row: Mapping[str, str]) -> Rule:
    days = int(row["kept_at_least_days"]), int(row["erased_after_days"])
    return Rule(row["jurisdiction"], row["data_class"], *days, row["source"])


def _gaps(rules: Sequence[Rule], day: date) -> list[str]:
    keys = [(rule.jurisdiction, rule.data_class) for rule in rules]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    missing = [name for name in CLASSES if ("DEFAULT", name) not in keys]
    return [f"{key[0]}, {key[1]}: more than one row is in force on {day}" for key in twice] + [
        f"DEFAULT, {name}: no row is in force on {day}" for name in missing
    ]
