"""The gate of what leaves: the file's own bytes are read back and held against the ledger and the decisions.

Two suites of `expectations/contact_list` judge a list. The one of its layout sees the file's columns; `reconciliation`
sees one row of figures, counted here: how many rows, references, numbers and sums do not agree, and how many rows break
a rule of what must always hold (`docs/invariants.md`).
"""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2.extensions
from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from arrears.delivery import ledger
from arrears.delivery.csv_file import neutralise
from arrears.delivery.layouts import FIELD_VISIT, LEGAL, Kind, Layout, layout_of
from arrears.delivery.ledger import Batch, Item, StoredFile
from arrears.delivery.seal import is_sealed
from arrears.delivery.statements import statement
from arrears.delivery.vendors import get_vendor
from arrears.errors import GateBrokenError
from arrears.hooks import openpgp
from arrears.quality.suites import RuleResult, check_frame, open_session

if TYPE_CHECKING:
    import pandas as pd

    from arrears.quality.engine import Session

CHUNK_ROWS = 50_000
RECONCILIATION = "reconciliation"
AMOUNTS = ("amount_due", "arrears_amount", "outstanding")

Decided = Mapping[str, Any]
"""What the warehouse says now about one row of a list, under the names of the file's columns: read afresh, not taken
from the writer."""


@dataclass
class Figures:
    """What does not agree, as counts. Every one of the `…_wrong` kind must be 0."""

    file_rows: int = 0
    ledger_rows: int = 0
    planned_rows: int = 0
    decided_rows: int = 0
    references_not_in_ledger: int = 0
    references_twice: int = 0
    items_without_decision: int = 0
    decisions_without_item: int = 0
    numbers_of_two_customers: int = 0
    own_ids_in_text: int = 0
    windows_wrong: int = 0
    currencies_wrong: int = 0
    totals_wrong: int = 0
    evidence_wrong: int = 0
    tours_wrong: int = 0
    amounts_wrong: int = 0
    days_wrong: int = 0
    attempts_wrong: int = 0
    contact_points_wrong: int = 0
    day_not_sealed: int = 0
    stop_file_not_taken: int = 0
    rows_over_capacity: int = 0
    held: int = 0
    refused: int = 0
    outside_hours: int = 0
    over_limit: int = 0
    wrong_contact_point: int = 0
    number_of_two: int = 0
    third_party: int = 0
    not_owed: int = 0

    def add_breaches(self, rows_by_rule: Mapping[str, int]) -> None:
        """Take over how many rows break which rule of `int_contacts__breach`.

        Raises:
            GateBrokenError: there is no figure for a rule: nobody would look at it.
        """
        for rule, rows in rows_by_rule.items():
            if rule not in vars(self):
                raise GateBrokenError(
                    f"the list gate knows no rule {rule} of int_contacts__breach: add a figure for it"
                )
            setattr(self, rule, rows)


@dataclass
class _Seen:
    """What must be remembered from one piece of the file to the next."""

    references: set[str] = field(default_factory=set)
    owners: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    totals: dict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))
    evidence: set[str] = field(default_factory=set)
    tours: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def check(
    warehouse: psycopg2.extensions.connection,
    batch: Batch,
    files: Sequence[StoredFile],
    *,
    docs_dir: Path | None,
    visits_per_tour: int,
) -> list[RuleResult]:
    """Every rule's result for a batch's plain files. Reads only; nothing is raised for red rules.

    Args:
        visits_per_tour: So many stops a tour of visits may have.

    Raises:
        GateBrokenError: a rule could not be run.
    """
    layout = layout_of(batch.kind, batch.channel)
    items = {item.contact_ref: item for item in ledger.items(warehouse, batch.batch_id)}
    decided = _decided(warehouse, batch, items)
    own_ids = _own_ids(warehouse, batch) if layout is not LEGAL else {}
    figures = Figures(planned_rows=batch.row_count, ledger_rows=len(items))
    seen, results = _Seen(), _Merged()
    with open_session(docs_dir=docs_dir) as session:
        for frame in _pieces(files[0].content):
            results.add(
                check_frame(suite=f"contact_list.{layout.name}", frame=frame, reference=batch.batch_id, session=session)
            )
            if list(frame.columns) == list(layout.columns):
                _count_piece(frame, layout, items, decided, own_ids, batch, figures, seen)
        _count_whole(warehouse, batch, layout, files, items, decided, figures, seen)
        _count_release(warehouse, batch, figures)
        figures.tours_wrong = sum(not _is_tour(stops, visits_per_tour) for stops in seen.tours.values())
        return [*results.merged(), *_reconcile(figures, batch, session)]


class _Merged:
    """Results of the pieces of one file, added up by rule."""

    def __init__(self) -> None:
        self._by_rule: dict[str, RuleResult] = {}

    def add(self, results: Sequence[RuleResult]) -> None:
        for result in results:
            before = self._by_rule.get(result.rule_id)
            self._by_rule[result.rule_id] = _sum(before, result) if before else result

    def merged(self) -> list[RuleResult]:
        return list(self._by_rule.values())


def _sum(before: RuleResult, result: RuleResult) -> RuleResult:
    failed = before.failed_rows + result.failed_rows
    checked = before.checked_rows + result.checked_rows
    return replace(
        result,
        success=before.success and result.success,
        checked_rows=checked,
        failed_rows=failed,
        found=f"{failed} of {checked} rows" if failed else (result.found if before.success else before.found),
        positions=(),
    )


def _pieces(content: bytes) -> Iterator["pd.DataFrame"]:
    """The file as text columns, in pieces; a file without rows is one empty piece."""
    import pandas as pd

    with pd.read_csv(
        io.BytesIO(content), dtype=str, keep_default_na=False, na_filter=False, chunksize=CHUNK_ROWS, encoding="utf-8"
    ) as reader:
        yield from reader


# Counting -----------------------------------------------------------------------------------------------------------


def _count_piece(
    frame: "pd.DataFrame",
    layout: Layout,
    items: Mapping[str, Item],
    decided: Mapping[tuple[str, str], Decided],
    own_ids: Mapping[str, set[str]],
    batch: Batch,
    figures: Figures,
    seen: _Seen,
) -> None:
    text_columns = [f.name for f in layout.fields if f.kind is Kind.TEXT and f.name != "contact_ref"]
    for values in frame.itertuples(index=False):
        row: dict[str, str] = dict(zip(layout.columns, values, strict=True))
        reference = row["contact_ref"]
        figures.file_rows += 1
        figures.references_twice += reference in seen.references
        seen.references.add(reference)
        item = items.get(reference)
        if item is None:
            figures.references_not_in_ledger += 1
            continue
        for column in layout.phone_columns:
            if row[column]:
                seen.owners[row[column]].add(item.customer_id)
        ids = own_ids.get(item.customer_id, set())
        figures.own_ids_in_text += any(row[column] in ids for column in text_columns)
        figures.currencies_wrong += row.get("currency", item.currency) != item.currency
        _compare(row, layout, decided.get((item.customer_id, item.currency), {}), batch, figures)
        for column in layout.control_total_columns:
            seen.totals[item.currency][column] += _amount(row[column])
        if layout is LEGAL:
            seen.evidence.add(row["evidence_file"])
        if layout is FIELD_VISIT:
            seen.tours[row["route"]].append(row["stop"])


def _is_tour(stops: Sequence[str], at_most: int) -> bool:
    """Whether the stops are numbered from 1 without a gap and a visitor can make them in a day."""
    return len(stops) <= at_most and set(stops) == {str(place) for place in range(1, len(stops) + 1)}


def _compare(row: Mapping[str, str], layout: Layout, decided: Decided, batch: Batch, figures: Figures) -> None:
    """Count what a row of a list says and its decision does not: when, how much, since when, how often, where."""
    if batch.kind != "contact_list":
        return
    figures.windows_wrong += _is_window_wrong(row, layout, decided, batch)
    figures.amounts_wrong += any(_amount(row[name]) != decided.get(name) for name in AMOUNTS if name in row)
    figures.days_wrong += _is_other(row, decided, "days_past_due")
    figures.attempts_wrong += _is_other(row, decided, "attempts_left")
    places = layout.phone_columns + (("address",) if layout is FIELD_VISIT else ())
    figures.contact_points_wrong += any(_is_other(row, decided, name) for name in places)


def _is_other(row: Mapping[str, str], decided: Decided, name: str) -> bool:
    """Whether a text or whole number of the row is not the one that was decided. No column, no difference."""
    text = "" if decided.get(name) is None else str(decided[name])
    return name in row and row[name] not in (text, neutralise(text))


def _is_window_wrong(row: Mapping[str, str], layout: Layout, decided: Decided, batch: Batch) -> bool:
    """Whether the row may be worked at a moment that was not decided, or after the batch's own end."""
    if layout.window is None:
        return False
    try:
        start, end = (datetime.fromisoformat(row[column]) for column in layout.window)
    except ValueError:
        return True
    if start.tzinfo is None or end.tzinfo is None or start >= end or end > batch.valid_until:
        return True
    allowed_from, allowed_to = decided.get("window_start"), decided.get("window_end")
    if allowed_from is None or allowed_to is None:
        return True
    return bool(start < allowed_from or end > allowed_to)


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)  # the layout's own suite is red for it


def _count_whole(
    warehouse: psycopg2.extensions.connection,
    batch: Batch,
    layout: Layout,
    files: Sequence[StoredFile],
    items: Mapping[str, Item],
    decided: Mapping[tuple[str, str], Decided],
    figures: Figures,
    seen: _Seen,
) -> None:
    planned = {(item.customer_id, item.currency) for item in items.values()}
    if batch.kind == "contact_list":
        figures.decided_rows = len(decided)
        figures.items_without_decision = len(planned - decided.keys())
        figures.decisions_without_item = len(decided.keys() - planned)
    else:
        figures.decided_rows = len(items)
    for number, customers in _owners_elsewhere(warehouse, batch, layout, list(seen.owners)):
        seen.owners[number].add(customers)
    figures.numbers_of_two_customers = sum(len(owners) > 1 for owners in seen.owners.values())
    stated = {
        currency: {column: Decimal(total) for column, total in totals.items()}
        for currency, totals in (files[0].control_totals or {}).items()
    }
    figures.totals_wrong = int(stated != seen.totals) + int(_totals_decided(warehouse, batch, layout) != seen.totals)
    figures.evidence_wrong = _evidence_wrong(layout, files, seen.evidence)


def _count_release(warehouse: psycopg2.extensions.connection, batch: Batch, figures: Figures) -> None:
    """Whether the list may leave at all: decisions final, stop file taken, not too long, no rule broken by any row."""
    # Imported late: stop files pass this gate themselves.
    from arrears.delivery.stop import stop_accepted

    if batch.kind != "contact_list":
        return
    figures.day_not_sealed = int(not is_sealed(warehouse, batch.as_of))
    figures.stop_file_not_taken = int(not stop_accepted(warehouse, batch.vendor, batch.as_of))
    capacity = get_vendor(warehouse, batch.vendor, batch.channel).daily_capacity
    figures.rows_over_capacity = max(0, figures.file_rows - capacity) if capacity is not None else 0
    with warehouse.cursor() as cursor:
        cursor.execute(statement("breaches"), {"batch_id": batch.batch_id})
        figures.add_breaches(dict(cursor.fetchall()))


def _evidence_wrong(layout: Layout, files: Sequence[StoredFile], named: set[str]) -> int:
    """Evidence that a row names and the batch does not hold as PDF and JSON, or the other way round."""
    if layout is not LEGAL:
        return len(files) - 1
    held = {file.name + openpgp.SUFFIX for file in files[1:]}
    wanted = named | {name.removesuffix(".pdf" + openpgp.SUFFIX) + ".json" + openpgp.SUFFIX for name in named}
    return len(held ^ wanted)


# What the warehouse says ----------------------------------------------------------------------------------------------


def _decided(
    warehouse: psycopg2.extensions.connection, batch: Batch, items: Mapping[str, Item]
) -> dict[tuple[str, str], Decided]:
    if batch.kind != "contact_list":
        return {}
    with warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement("decided"), {"as_of": batch.as_of, "channel": batch.channel, "vendor": batch.vendor})
        return {(row["customer_id"], row["currency"]): row for row in cursor.fetchall()}


def _own_ids(warehouse: psycopg2.extensions.connection, batch: Batch) -> dict[str, set[str]]:
    """By customer of the batch: the ids that must not be on its row."""
    ids: dict[str, set[str]] = defaultdict(set)
    with warehouse.cursor() as cursor:
        cursor.execute(statement("own_ids"), {"batch_id": batch.batch_id})
        for customer_id, own_id in cursor.fetchall():
            ids[customer_id].add(own_id)
    return ids


def _owners_elsewhere(
    warehouse: psycopg2.extensions.connection, batch: Batch, layout: Layout, numbers: list[str]
) -> list[tuple[str, str]]:
    """Who else is to be reached under these numbers on the day, by any list."""
    if not layout.phone_columns or not numbers:
        return []
    with warehouse.cursor() as cursor:
        cursor.execute(statement("owners_of_numbers"), {"as_of": batch.as_of, "numbers": numbers})
        return [(str(number), str(customer_id)) for number, customer_id in cursor.fetchall()]


def _totals_decided(
    warehouse: psycopg2.extensions.connection, batch: Batch, layout: Layout
) -> dict[str, dict[str, Decimal]]:
    """The control totals as the warehouse adds them up."""
    if batch.kind != "contact_list" or not layout.control_total_columns:
        return {}
    query = sql.SQL(statement("list_totals")).format(
        sums=sql.SQL(",\n    ").join(
            sql.SQL("coalesce(sum({column}), 0) as {name}").format(
                column=sql.Identifier("list", column), name=sql.Identifier(column)
            )
            for column in layout.control_total_columns
        ),
        table=sql.Identifier("intermediate", f"int_contact_list__{layout.name}"),
    )
    with warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query, {"batch_id": batch.batch_id, "as_of": batch.as_of, "vendor": batch.vendor})
        return {
            row["currency"]: {column: Decimal(row[column]) for column in layout.control_total_columns}
            for row in cursor.fetchall()
        }


def _reconcile(figures: Figures, batch: Batch, session: "Session") -> list[RuleResult]:
    """Judge the figures; results say the figures, since they are counts and no values."""
    import pandas as pd

    frame = pd.DataFrame([vars(figures)])
    results = check_frame(
        suite=f"contact_list.{RECONCILIATION}",
        frame=frame,
        reference=f"{batch.batch_id}.{RECONCILIATION}",
        session=session,
    )
    found = ", ".join(f"{name} {count}" for name, count in vars(figures).items() if count)
    return [replace(result, found=found or "no rows, as planned") for result in results]
