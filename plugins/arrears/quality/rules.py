"""Rules, what they found, and the suites of `expectations/` as we read them: plain data, no Great Expectations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import GateBrokenError
from arrears.settings import PROJECT_ROOT

SUITES_DIR = PROJECT_ROOT / "expectations"
QUERY_TYPE = "unexpected_rows_expectation"

Value = str | int | float | Decimal | date | Sequence[str] | sql.Identifier
"""What may fill a `{name}` of a suite: it becomes an SQL literal or a quoted name, never SQL."""


class Severity(StrEnum):
    """What a red rule does to the flow."""

    REJECT = "reject"
    """The failing rows are set aside, the rest goes on."""
    WARN = "warn"
    """Counted and shown."""
    ABORT = "abort"
    """Nothing of what was checked goes further."""


@dataclass(frozen=True)
class RuleResult:
    """What one rule found. Holds counts and names of things, never a value of a checked column."""

    rule_id: str
    reason_code: str
    severity: Severity
    success: bool
    checked_rows: int
    failed_rows: int
    expected: str
    found: str
    positions: tuple[int, ...] = ()
    """Frames only: the positions (from 0) of exactly the rows that failed; empty for a rule about the whole frame."""
    docs_path: str | None = None
    """The page in Data Docs, relative to their directory."""

    def __str__(self) -> str:
        return f"{self.rule_id}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite with what we need to know about it."""

    rule_id: str
    reason_code: str
    severity: Severity
    expected: str
    type: str
    kwargs: Mapping[str, Any]
    has_figures: bool
    """The query returns a column `found` that tells the figures; otherwise each of its rows is one failing row."""

    @property
    def query(self) -> str:
        """The rule's query, in which `{batch}` stands for the relation under check."""
        return str(self.kwargs["unexpected_rows_query"])

    def query_on(self, relation: str) -> str:
        return self.query.format(batch=relation)


@dataclass(frozen=True)
class Suite:
    """A suite as its file says, with the parameters filled in."""

    name: str
    rules: tuple[Rule, ...]
    scope: str
    """SQL: which rows of the relation are under check (`meta.scope`; all when the file does not say)."""


def read_suite(
    name: str,
    *,
    suites_dir: Path = SUITES_DIR,
    parameters: Mapping[str, Value] | None = None,
    connection: Connection | None = None,
) -> Suite:
    """Read `a.b` from `a/b.json`. `connection` is needed to write parameters as SQL literals; nothing is sent on it.

    Raises:
        GateBrokenError: no such file, not JSON, a rule without its `meta`, an id twice, a parameter without a value.
    """
    path = suites_dir.joinpath(*name.split(".")).with_suffix(".json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GateBrokenError(f"suite {name}: {path} cannot be read: {error}") from error
    if document.get("name") != name:
        raise GateBrokenError(f"suite {name}: {path} calls itself {document.get('name')!r}, expected {name!r}")
    literals = {key: _literal(value, connection) for key, value in (parameters or {}).items()}
    rules = tuple(_rule(name, entry, parameters or {}, literals) for entry in document["expectations"])
    identifiers = [rule.rule_id for rule in rules]
    if len(set(identifiers)) != len(identifiers):
        raise GateBrokenError(f"suite {name}: a rule_id is used twice: {sorted(identifiers)}")
    if not rules:
        raise GateBrokenError(f"suite {name}: {path} has no expectations: an empty gate lets everything through")
    scope = _fill(name, document.get("meta", {}).get("scope", "true"), literals)
    return Suite(name=name, rules=rules, scope=scope)


def _rule(suite: str, entry: dict[str, Any], parameters: Mapping[str, Value], literals: Mapping[str, str]) -> Rule:
    meta = entry.get("meta", {})
    missing = {"rule_id", "reason_code", "severity", "expected"} - meta.keys()
    if missing:
        raise GateBrokenError(f"suite {suite}: {entry.get('type')} lacks {sorted(missing)} in its meta")
    if meta["severity"] not in list(Severity):
        raise GateBrokenError(
            f"suite {suite}, rule {meta['rule_id']}: expected a severity of {', '.join(Severity)}, "
            f"found {meta['severity']!r}"
        )
    kwargs = dict(entry["kwargs"])
    if entry["type"] == QUERY_TYPE:
        kwargs["unexpected_rows_query"] = _fill(suite, kwargs["unexpected_rows_query"], literals)
    return Rule(
        rule_id=meta["rule_id"],
        reason_code=meta["reason_code"],
        severity=Severity(meta["severity"]),
        expected=_fill(suite, meta["expected"], {key: str(value) for key, value in parameters.items()}),
        type=entry["type"],
        kwargs=kwargs,
        has_figures=bool(meta.get("figures", False)),
    )


def _fill(suite: str, text: str, values: Mapping[str, str]) -> str:
    """Fill in every `{name}` but `{batch}`, which Great Expectations fills in itself."""
    pieces = []
    for literal, name, _, _ in Formatter().parse(text):
        pieces.append(literal.replace("{", "{{").replace("}", "}}"))
        if name == "batch":
            pieces.append("{batch}")
        elif name is not None:
            if name not in values:
                raise GateBrokenError(f"suite {suite}: no value was given for {{{name}}}")
            pieces.append(values[name].replace("{", "{{").replace("}", "}}"))
    return "".join(pieces)


def _literal(value: Value, connection: Connection | None) -> str:
    if isinstance(value, sql.Identifier):
        written: sql.Composable = value
    elif isinstance(value, str | int | float | Decimal | date):
        written = sql.Literal(value)
    else:
        written = sql.Literal(list(value))
    return written.as_string(connection)  # type: ignore[arg-type]


@dataclass(frozen=True)
class GateReport:
    """What a green gate found, as its results in `ops.quality_results` tell it: the same on every run."""

    subject: str
    rules: int
    warnings: tuple[str, ...]
    rejected: Mapping[str, int]
    """Rows in quarantine, by table. Tables without any are absent."""

    def __str__(self) -> str:
        rejected = ", ".join(f"{table} {rows}" for table, rows in sorted(self.rejected.items())) or "none"
        warnings = "; ".join(self.warnings) or "none"
        return f"{self.subject}: {self.rules} rules; rows rejected: {rejected}; warnings: {warnings}"
