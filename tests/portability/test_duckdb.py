"""The models say the same on DuckDB as on PostgreSQL, on a first day and on the next; what is not there is listed."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

import pytest
from duckdb_warehouse import DuckDBWarehouse, Rows, Table
from generated import PARAMETERS
from marts_warehouse import Warehouse, new_warehouse, policy_pack, quick_builds
from two_days import FIRST, SECOND, land_first_day, land_second_day

from arrears.settings import PROJECT_ROOT, Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

DOCUMENT = PROJECT_ROOT / "docs" / "portability.md"
WRITTEN_BY_MODELS = [("ops", "loan_state"), ("ops", "delinquency_correction")]
"""Tables of the ledger that a build writes: each engine its own."""
SALT = ("intermediate", "int_bi__salt")
"""Drawn at random once; with the same one the keys in `bi` are the same."""
EMPTY = {
    ("intermediate", "int_loans__paid_since"),
    ("intermediate", "int_contacts__breach"),
    ("marts", "fct_legal_case"),
    ("bi", "fct_legal_case"),
    ("bi", "load_table"),
    ("bi", "quality_result"),
    ("bi", "vendor_file"),
    *((schema, mart) for schema in ("marts", "bi") for mart in ("portfolio_forecast", "overdue_rate_forecast")),
    *((schema, mart) for schema in ("marts", "bi") for mart in ("experiment_verdict", "strategy_uplift")),
    *((schema, "fairness_monthly") for schema in ("marts", "bi")),
}
"""What lands while a build runs, contacts that break a rule, referrals that left, what loads, gates, forecasts, looks
at experiments and the reading of vendors' files note, and what waits for a month to end: nothing here."""
BASIS = "2026-01-01,,test,verified"
TRIED = {
    "experiments": [
        f"tried,champion,0.7,tier=M1 tier=M2,standard,0.02,{BASIS}",
        f"tried,late,0.2,tier=M1 tier=M2,late,0.02,{BASIS}",
        f"tried,alone,0.1,tier=M1 tier=M2,hold_out,0.02,{BASIS}",
    ],
    "challenger_treatments": [f"late,M2,50,,phone,,gentle,1,,{BASIS}"],
}

OF_THE_ENGINE = "features_version"
"""A hash of a query as it is sent, which each engine is told in its own way."""


@pytest.fixture(scope="module")
def postgres(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    packs = policy_pack(tmp_path_factory.mktemp("policy"), delinquency_parameters=PARAMETERS, **TRIED)
    with quick_builds(), new_warehouse(server, policy_dir=packs) as warehouse:
        warehouse.execute("set timezone to 'UTC'")
        yield warehouse


@pytest.fixture(scope="module")
def duckdb(postgres: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    return DuckDBWarehouse(postgres.settings, tmp_path_factory.mktemp("duckdb"))


def test_models_have_the_same_rows(postgres: Warehouse, duckdb: DuckDBWarehouse) -> None:
    """The first day builds every model afresh; the second goes on from what is there, where a model does."""
    duckdb.copy(postgres.connection, WRITTEN_BY_MODELS)
    land_first_day(postgres)
    _build_both(postgres, duckdb, FIRST, salt_is_new=True)
    first = _assert_same(postgres, duckdb)

    land_second_day(postgres)
    _build_both(postgres, duckdb, SECOND)
    second = _assert_same(postgres, duckdb)

    filled = {table for table, rows in (first | second).items() if rows}
    assert set(duckdb.models()) - filled == EMPTY, "models that were compared without a row"
    changed = {table for table in first if first[table] != second[table]}
    assert {("marts", "fct_loan_delinquency"), ("marts", "fct_delinquency_history")} <= changed


def _build_both(postgres: Warehouse, duckdb: DuckDBWarehouse, as_of: date, *, salt_is_new: bool = False) -> None:
    """PostgreSQL first: what is copied then is what its models read."""
    postgres.build(as_of, select="resource_type:seed resource_type:model", passes=False)
    duckdb.copy(postgres.connection, [table for table in duckdb.sources() if table not in WRITTEN_BY_MODELS])
    if salt_is_new:
        duckdb.copy(postgres.connection, [SALT])
    duckdb.build(as_of)
    postgres.execute("update ops.mart_build set state = 'passed'")


def _assert_same(postgres: Warehouse, duckdb: DuckDBWarehouse) -> dict[Table, Counter[Any]]:
    """Every model's rows, in whatever order; each of them the same on both engines."""
    found = {table: _normal(duckdb.rows(table)) for table in duckdb.models()}
    expected = {table: _normal(_rows(postgres, table)) for table in found}
    differences = [_difference(table, expected[table], found[table]) for table in found]
    assert [difference for difference in differences if difference] == []
    return found


def _rows(postgres: Warehouse, table: Table) -> Rows:
    rows = postgres.rows('select * from "{}"."{}"'.format(*table))
    return [tuple(row.items()) for row in rows]


def _difference(table: Table, expected: Counter[Any], found: Counter[Any]) -> str:
    missing, surplus = expected - found, found - expected
    if not missing and not surplus:
        return ""
    examples = [sorted(rows, key=str)[:2] for rows in (missing, surplus)]
    return f"{'.'.join(table)}: {missing.total()} rows missing, {surplus.total()} surplus, for example {examples}"


def _normal(rows: Rows) -> Counter[Any]:
    return Counter(
        tuple((column, _normal_value(value)) for column, value in row if column != OF_THE_ENGINE) for row in rows
    )


def _normal_value(value: Any) -> Any:
    """Equal values as equal objects: numbers by value, to six decimals where an engine has more; arrays as tuples."""
    if isinstance(value, float | Decimal) and isfinite(value):
        return round(Decimal(value), 6).normalize()
    if isinstance(value, list):
        return tuple(map(_normal_value, value))
    return value


def test_document_lists_what_runs_on_postgresql_alone(duckdb: DuckDBWarehouse) -> None:
    assert _listed("What there is on PostgreSQL alone") == duckdb.postgres_only() | duckdb.macros_that_do_nothing()


def test_document_lists_what_each_engine_spells_its_own_way(duckdb: DuckDBWarehouse) -> None:
    assert _listed("What each engine spells its own way") == duckdb.dispatched_macros()


def _listed(heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    section = DOCUMENT.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)`", section, flags=re.MULTILINE))
