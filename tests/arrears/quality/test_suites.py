"""The runner: exact rows, no lost rule, no value in a result, and fail closed."""

import json
import logging
import re
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import run

from arrears.errors import GateBrokenError, GateError
from arrears.quality.rules import RuleResult, Severity, read_suite
from arrears.quality.suites import check_frame, check_table, record, require_green


def _rule(rule_id: str, kind: str, severity: str = "reject", **kwargs: Any) -> dict[str, Any]:
    meta = {"rule_id": rule_id, "reason_code": rule_id.upper(), "severity": severity, "expected": f"good {rule_id}"}
    return {"type": kind, "kwargs": kwargs, "meta": meta}


def _query(rule_id: str, query: str, severity: str = "reject", **meta: Any) -> dict[str, Any]:
    rule = _rule(rule_id, "unexpected_rows_expectation", severity, unexpected_rows_query=query)
    rule["meta"] |= meta
    return rule


def _write(directory: Path, *rules: dict[str, Any], **meta: Any) -> Path:
    """A suite `t.suite` in a directory of suites."""
    path = directory / "t" / "suite.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"name": "t.suite", "meta": meta, "expectations": rules}))
    return directory


PHONE = _rule("phone", "expect_column_values_to_match_regex", column="phone", regex="^[+][0-9]+$")
FRAME = pd.DataFrame(
    {"phone": ["+86", "secret-1", None, "+1", "secret-2"], "low": [1, 2, 9, 1, 1], "high": [5, 5, 5, 5, 5]},
    index=[7, 7, 8, 9, 9],
)


def test_positions_are_those_of_the_rows_whatever_the_index(tmp_path: Path) -> None:
    order = _rule(
        "order", "expect_column_pair_values_a_to_be_greater_than_b", column_A="high", column_B="low", or_equal=True
    )
    unique = _rule("unique", "expect_compound_columns_to_be_unique", column_list=["low", "high"])
    there = _rule("there", "expect_column_values_to_not_be_null", column="phone")

    results = check_frame(suite="t.suite", frame=FRAME, suites_dir=_write(tmp_path, PHONE, order, unique, there))

    assert {result.rule_id: result.positions for result in results} == {
        "phone": (1, 4),
        "order": (2,),
        "unique": (0, 3, 4),
        "there": (2,),
    }
    assert all(result.failed_rows == len(result.positions) and not result.success for result in results)


def test_no_failing_row_is_cut_off(tmp_path: Path) -> None:
    frame = pd.DataFrame({"phone": ["bad", "+1"] * 3000})

    [result] = check_frame(suite="t.suite", frame=frame, suites_dir=_write(tmp_path, PHONE))

    assert result.positions == tuple(range(0, 6000, 2))
    assert result.found == "3000 of 6000 rows (rows 1, 3, 5, 7, 9, …)"


def test_gate_tells_the_log_nothing_of_the_internals_of_its_library(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        check_frame(suite="t.suite", frame=FRAME, suites_dir=_write(tmp_path, PHONE))

    assert not [entry.getMessage() for entry in caplog.records if entry.name.startswith("great_expectations")]


def test_empty_frame_is_green(tmp_path: Path) -> None:
    [result] = check_frame(suite="t.suite", frame=FRAME.iloc[:0], suites_dir=_write(tmp_path, PHONE))

    assert (result.success, result.failed_rows, result.positions) == (True, 0, ())


def test_wrong_columns_end_the_check_and_are_named(tmp_path: Path) -> None:
    columns = _rule("columns", "expect_table_columns_to_match_set", "abort", column_set=["phone", "name"])
    name = _rule("name", "expect_column_values_to_not_be_null", column="name")

    [result] = check_frame(suite="t.suite", frame=FRAME, suites_dir=_write(tmp_path, columns, name))

    assert not result.success
    assert result.found == "['high', 'low', 'phone']"


def test_rule_about_a_column_that_is_absent_is_a_broken_gate(tmp_path: Path) -> None:
    name = _rule("name", "expect_column_values_to_not_be_null", column="name")

    with pytest.raises(GateBrokenError, match=r"suite t\.suite, rule name could not be run"):
        check_frame(suite="t.suite", frame=FRAME, suites_dir=_write(tmp_path, PHONE, name))


def test_rule_that_great_expectations_cannot_load_is_a_broken_gate(tmp_path: Path) -> None:
    lost = _rule("lost", "expect_column_values_to_be_lovely", column="phone")

    with pytest.raises(GateBrokenError, match=r"suite t\.suite.*lost"):
        check_frame(suite="t.suite", frame=FRAME, suites_dir=_write(tmp_path, PHONE, lost))


def test_values_stay_out_of_results_and_pages(tmp_path: Path) -> None:
    known = _rule("known", "expect_column_distinct_values_to_be_in_set", column="phone", value_set=["+1"])

    results = check_frame(
        suite="t.suite",
        frame=FRAME.fillna("secret-3"),
        reference="r1",
        docs_dir=tmp_path / "docs",
        suites_dir=_write(tmp_path, PHONE, known),
    )

    files = [path for path in (tmp_path / "docs").rglob("*") if path.suffix in (".html", ".json")]
    page = (tmp_path / "docs" / str(results[0].docs_path)).read_text()
    assert [path for path in files if "secret-" in path.read_text()] == []
    assert "secret-" not in str(results)
    for text in ("2 of 2 rules were not met", str(results[0].found), "something else (values are not shown)"):
        assert text in page
    assert not re.search(r"<script|(src|href)=.?(https?:)?//|@import|url\(", page)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda suite: suite["expectations"].clear(), "has no expectations"),
        (lambda suite: suite["expectations"].append(suite["expectations"][0]), "a rule_id is used twice"),
        (lambda suite: suite["expectations"][0]["meta"].pop("severity"), r"lacks \['severity'\]"),
        (lambda suite: suite["expectations"][0]["meta"].update(severity="fatal"), "fatal"),
        (lambda suite: suite.update(name="t.other"), "calls itself 't.other'"),
    ],
)
def test_suite_that_is_not_whole_is_a_broken_gate(tmp_path: Path, damage: Any, message: str) -> None:
    directory = _write(tmp_path, PHONE)
    path = directory / "t" / "suite.json"
    suite = json.loads(path.read_text())
    damage(suite)
    path.write_text(json.dumps(suite))

    with pytest.raises(GateBrokenError, match=message):
        read_suite("t.suite", suites_dir=directory)


def test_suite_that_does_not_exist_is_a_broken_gate(tmp_path: Path) -> None:
    with pytest.raises(GateBrokenError, match=r"suite t\.none: .* cannot be read"):
        read_suite("t.none", suites_dir=tmp_path)


def test_green_needs_every_abort_rule_only() -> None:
    def result(rule_id: str, severity: Severity, success: bool) -> RuleResult:
        return RuleResult(rule_id, "R", severity, success, 5, 0, "x", "y")

    require_green([result("a", Severity.REJECT, False), result("b", Severity.WARN, False)], what="list 1")
    with pytest.raises(GateError, match=r"list 1 is stopped at the gate: c: expected x, found y$"):
        require_green([result("c", Severity.ABORT, False), result("d", Severity.ABORT, True)], what="list 1")


@pytest.mark.postgres
def test_table_is_checked_by_queries_with_parameters(warehouse: Connection, tmp_path: Path) -> None:
    run(warehouse, "create table marts.numbers as select n, n % 7 = 0 as is_seventh from generate_series(1, 5000) as n")
    suites = _write(
        tmp_path,
        _query("small", "select t.n from {batch} as t where t.n > {most} and t.is_seventh"),
        _query("word", "select t.n from {batch} as t where t.n::text = any({words})", "warn"),
        _query(
            "shape", "select '{{}} 50 %: ' || count(*) as found from {batch} as t having count(*) > 9", figures=True
        ),
        scope="n <= {most}",
    )

    results = check_table(
        warehouse,
        suite="t.suite",
        relation="marts.numbers",
        parameters={"most": 4000, "words": ["10", "it's {odd}"]},
        suites_dir=suites,
    )

    assert [(result.success, result.failed_rows, result.checked_rows, result.found) for result in results] == [
        (False, 143, 4000, "143 of 4000 rows"),
        (False, 1, 4000, "1 of 4000 rows"),
        (False, 1, 4000, "{} 50 %: 5000"),
    ]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select t.nothing from {batch} as t", "column t.nothing does not exist"),
        ("select t.n from {batch} as t where t.n > {unknown}", "no value was given for {unknown}"),
        ("select 1 from {batch} as t where nextval('counter') > 0", "read-only transaction"),
    ],
)
def test_query_that_cannot_be_run_is_a_broken_gate(
    warehouse: Connection, tmp_path: Path, query: str, message: str
) -> None:
    run(warehouse, "create table marts.numbers as select 1 as n")
    run(warehouse, "create sequence public.counter") if "counter" in query else None

    with pytest.raises(GateBrokenError, match=message):
        check_table(
            warehouse, suite="t.suite", relation="marts.numbers", suites_dir=_write(tmp_path, _query("a", query))
        )


@pytest.mark.postgres
def test_counts_that_differ_are_a_broken_gate(warehouse: Connection, tmp_path: Path) -> None:
    run(warehouse, "create table marts.numbers as select n from generate_series(1, 9) as n")
    # Who asks decides what is found: as after a change between the two counts.
    query = "select t.n from {batch} as t where current_setting('application_name') = 'arrears-gate'"

    with pytest.raises(GateBrokenError, match="found 9 by Great Expectations and 0 by the rule's own query"):
        check_table(
            warehouse, suite="t.suite", relation="marts.numbers", suites_dir=_write(tmp_path, _query("a", query))
        )


@pytest.mark.postgres
def test_native_expectation_on_a_table_is_refused(warehouse: Connection, tmp_path: Path) -> None:
    native = _rule("n", "expect_column_values_to_not_be_null", column="n")

    with pytest.raises(GateBrokenError, match=r"written as unexpected_rows_expectation; these are not: \['n'\]"):
        check_table(warehouse, suite="t.suite", relation="ops.load_batch", suites_dir=_write(tmp_path, native))


@pytest.mark.postgres
def test_recording_again_replaces_what_was_recorded(warehouse: Connection) -> None:
    first = RuleResult("a", "A", Severity.REJECT, False, 10, 3, "none", "3 of 10 rows", (1, 2, 3), "page.html")
    second = RuleResult("b", "B", Severity.ABORT, True, 10, 0, "none", "0 of 10 rows")

    for results in ([first], [first, second], [first, second]):
        record(
            warehouse, border="vendor_file", subject="results", reference="f1", as_of=date(2026, 3, 20), results=results
        )
        warehouse.commit()
    record(warehouse, border="vendor_file", subject="results", reference="f2", as_of=None, results=[])

    kept = run(
        warehouse,
        "select reference, as_of, rule_id, severity, success, checked_rows, failed_rows, expected, found, docs_path"
        " from ops.quality_results order by result_id",
    )
    assert kept == [
        ("f1", date(2026, 3, 20), "a", "reject", False, 10, 3, "none", "3 of 10 rows", "page.html"),
        ("f1", date(2026, 3, 20), "b", "abort", True, 10, 0, "none", "0 of 10 rows", None),
    ]
