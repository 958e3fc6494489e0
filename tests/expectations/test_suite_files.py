"""The suites as files: whole, named as they lie, and in step with the source contract."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from arrears.landing_tables import PARENT_REASONS, PARENTS
from arrears.quality.rules import QUERY_TYPE, SUITES_DIR, Severity
from arrears.source.contract import TABLES, Table

FILES = sorted(SUITES_DIR.rglob("*.json"))
TABLE_FILES = [path for path in FILES if path.parent.name in ("landing", "marts")]


def _suite(path: Path) -> dict[str, Any]:
    suite: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return suite


def _landing(table: Table) -> dict[str, dict[str, Any]]:
    rules = _suite(SUITES_DIR / "landing" / f"{table.name}.json")["expectations"]
    return {rule["meta"]["rule_id"]: rule for rule in rules}


def _query(rule: dict[str, Any]) -> str:
    return str(rule["kwargs"]["unexpected_rows_query"])


def test_there_is_a_suite_for_every_border() -> None:
    assert {path.parent.name for path in FILES} == {"landing", "marts", "contact_list", "vendor_file"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SUITES_DIR).as_posix())
def test_suite_is_named_as_it_lies_and_says_what_we_need_of_each_rule(path: Path) -> None:
    suite = _suite(path)

    assert suite["name"] == ".".join(path.relative_to(SUITES_DIR).with_suffix("").parts)
    assert suite["expectations"]
    for rule in suite["expectations"]:
        meta = rule["meta"]
        assert {"rule_id", "reason_code", "severity", "expected"} <= meta.keys()
        assert meta["severity"] in list(Severity)
        assert re.fullmatch(r"[A-Z0-9_]+", meta["reason_code"])


@pytest.mark.parametrize("path", TABLE_FILES, ids=lambda path: path.relative_to(SUITES_DIR).as_posix())
def test_rule_on_a_table_is_a_query_on_the_batch(path: Path) -> None:
    for rule in _suite(path)["expectations"]:
        assert rule["type"] == QUERY_TYPE
        assert "{batch}" in _query(rule) or rule["meta"].get("figures")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_required_column_may_not_be_null(table: Table) -> None:
    rules = _landing(table)
    key = re.findall(r"r\.(\w+) is null", _query(rules["null_key"]))
    required = re.findall(r"r\.(\w+) is null", _query(rules["null_required"]))

    assert tuple(key) == table.key
    assert required == [column.name for column in table.columns if column.required and column.name not in table.key]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_parent_must_be_known_and_not_rejected(table: Table) -> None:
    queries = {name: _query(rule) for name, rule in _landing(table).items()}
    unknown = " ".join(query for name, query in queries.items() if name in _UNKNOWN_PARENT)

    for parent in PARENTS.get(table.name, ()):
        assert f"landing.known_{parent.table}(" in unknown
        assert (
            f"r.{parent.column} in (select parent.{parent.key} from landing.rejected_{parent.table}("
            in (queries["parent_rejected"])
        )
    assert ("parent_rejected" in queries) == (table.name in PARENTS)


_UNKNOWN_PARENT = ("unknown_customer", "unknown_loan", "reverses_unknown")


def test_reasons_that_depend_on_a_parent_exist() -> None:
    reasons = {rule["meta"]["reason_code"] for table in TABLES for rule in _landing(table).values()}

    assert set(PARENT_REASONS) <= reasons


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_versions_are_compared_in_every_table(table: Table) -> None:
    severities = {name: rule["meta"]["severity"] for name, rule in _landing(table).items()}

    assert severities["identical_rows"] == "warn"
    assert severities["conflicting_versions"] == "abort"
    assert severities["rewritten_in_feed"] == "abort"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rules_name_columns_of_the_contract(table: Table) -> None:
    for rule in _landing(table).values():
        named = set(re.findall(r"\br\.(\w+)", _query(rule)))
        assert named <= {*table.column_names, "_row_id", "_batch_id"}


def test_only_suites_lie_among_the_suites() -> None:
    others = [path for path in SUITES_DIR.rglob("*") if path.is_file() and path.suffix != ".json"]

    assert others == []
