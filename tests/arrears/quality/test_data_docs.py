"""Data Docs as a whole: pages that are past their time go, the others are listed."""

import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import run

from arrears.quality.data_docs import tidy
from arrears.quality.suites import check_table, record

pytestmark = pytest.mark.postgres

AS_OF = date(2026, 3, 20)
NOW = datetime.now(UTC) + timedelta(days=3)
"""Long after the pages of a test were written."""


@pytest.fixture
def numbers(warehouse: Connection) -> Connection:
    run(warehouse, "create table marts.numbers as select n, n as _row_id from generate_series(1, 9) as n")
    return warehouse


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    (tmp_path / "suites" / "t").mkdir(parents=True)
    (tmp_path / "suites" / "t" / "small.json").write_text(
        """{"name": "t.small", "meta": {}, "expectations": [{"type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": "select t._row_id from {batch} as t where t.n > {most} or 'a' like '%b'"},
        "meta": {"rule_id": "small", "reason_code": "SMALL", "severity": "warn", "expected": "at most {most}"}}]}"""
    )
    return tmp_path / "suites"


def check(
    warehouse: Connection, suites: Path, docs: Path, as_of: date, reference: str, *, is_recorded: bool = True
) -> str:
    """A gate with its page; the path of that."""
    results = check_table(
        warehouse,
        suite="t.small",
        relation="marts.numbers",
        parameters={"most": 7},
        reference=reference,
        docs_dir=docs,
        suites_dir=suites,
    )
    if is_recorded:
        record(warehouse, border="marts", subject="small", reference=reference, as_of=as_of, results=results)
        warehouse.commit()
    return str(results[0].docs_path)


def pages(docs: Path) -> set[str]:
    return {path.relative_to(docs).as_posix() for path in (docs / "validations").rglob("*.html")}


def test_pages_of_the_days_that_are_kept_stay_and_are_listed(numbers: Connection, suites: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    old, edge, new, later = (
        check(numbers, suites, docs, AS_OF - timedelta(days=days), f"run-{days}") for days in (30, 29, 0, -5)
    )
    replaced = check(numbers, suites, docs, AS_OF, "run-0", is_recorded=False)

    removed = tidy(numbers, docs_dir=docs, as_of=AS_OF, days=30, now=NOW, suites_dir=suites)

    assert removed == 2 and pages(docs) == {edge, new, later}
    assert {old, replaced}.isdisjoint(pages(docs))
    assert not [path for path in docs.rglob("*") if path.is_dir() and not list(path.iterdir())]
    index = (docs / "index.html").read_text()
    assert re.findall(r'href="(validations[^"]+)"', index) == [later, new, edge], "the newest first"
    assert re.findall(r'class="code">(\S+)<', index) == ["run--5", "run-0", "run-29"]
    assert index.count("not all met") == 3
    assert 'href="expectations/t/small.html"' in index
    assert "{most}" in (docs / "expectations" / "t" / "small.html").read_text()
    assert run(numbers, "select count(*) from ops.quality_results") == [(4,)]


def test_links_of_a_page_lead_to_pages(numbers: Connection, suites: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    page = docs / check(numbers, suites, docs, AS_OF, "run")
    tidy(numbers, docs_dir=docs, as_of=AS_OF, days=30, now=NOW, suites_dir=suites)

    text = page.read_text()

    assert "2 of 9 rows (rows 8, 9)" in text and "at most 7" in text
    for link in re.findall(r'href="([^"#]+html)"', text):
        assert Path(os.path.normpath(page.parent / link)).is_file(), link


def test_a_page_whose_gate_still_runs_is_left_alone(numbers: Connection, suites: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    page = check(numbers, suites, docs, AS_OF, "run", is_recorded=False)

    assert tidy(numbers, docs_dir=docs, as_of=AS_OF, days=30, now=datetime.now(UTC), suites_dir=suites) == 0
    assert pages(docs) == {page}


def test_there_need_be_none(numbers: Connection, suites: Path, tmp_path: Path) -> None:
    assert tidy(numbers, docs_dir=tmp_path / "docs", as_of=AS_OF, days=30, now=NOW, suites_dir=suites) == 0
    assert "None is kept" in (tmp_path / "docs" / "index.html").read_text()
