"""What was published and came out otherwise is in `ops.delinquency_correction`: once, and with its cause."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from marts_warehouse import Warehouse, new_warehouse, policy_pack, quick_builds
from portfolio import Portfolio

from arrears.dbt_build import BuildError
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

DUE = [(date(2026, month, 10), "100.00") for month in (1, 2, 3)]
FIRST, SECOND, THIRD = date(2026, 1, 20), date(2026, 2, 12), date(2026, 2, 15)
SOON, FELL_DUE, PUBLISHED_TO = date(2026, 1, 11), date(2026, 2, 11), date(2026, 2, 13)
MODELS = "+fct_delinquency_history +fct_loan_delinquency"
FIGURES = ("oldest_unpaid_due_date", "arrears_amount", "paid_total", "outstanding_principal", "unpaid_instalments")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def marts(server: Settings) -> Iterator[Warehouse]:
    """Two days published, the second after a due date and a payment of the days between."""
    with new_warehouse(server) as warehouse, quick_builds():
        bank = Portfolio()
        for loan in ("CLOSED", "LATE", "MOVED", "OWNER", "QUIET", "REVERSED", "TIMELY", "VERSIONED"):
            bank.loan(loan, DUE)
        bank.pay("REVERSED", "100", date(2026, 1, 12), transaction_id="PAID")
        bank.pay("MOVED", "100", date(2026, 1, 12), transaction_id="OTHER-LOAN")
        bank.land(warehouse.connection, as_of=FIRST)
        warehouse.build(FIRST, select=MODELS)
        bank = Portfolio()
        bank.pay("TIMELY", "100", date(2026, 1, 25), transaction_id="TIMELY-1")
        bank.land(warehouse.connection, as_of=SECOND)
        warehouse.build(SECOND, select=MODELS)
        yield warehouse


def _corrections(marts: Warehouse) -> Rows:
    return marts.rows("select * from ops.delinquency_correction order by correction_id")


def _history(marts: Warehouse) -> Rows:
    return marts.rows("select * from marts.fct_delinquency_history order by loan_id, valid_from")


def _arrears(corrections: Rows, loan_id: str) -> list[tuple[Any, ...]]:
    return [
        (row["valid_from"], row["valid_to"], row["old_arrears_amount"], row["new_arrears_amount"])
        for row in corrections
        if row["loan_id"] == loan_id
    ]


def _land_late_rows(marts: Warehouse) -> None:
    bank, recorded = Portfolio(), datetime(2026, 2, 14, tzinfo=UTC)
    bank.pay("TIMELY", "100", date(2026, 2, 13), transaction_id="TIMELY-2")
    bank.pause("QUIET", date(2026, 1, 5), date(2026, 3, 1), updated_at=recorded)
    bank.pay("LATE", "100", date(2026, 1, 15), transaction_id="LATE-1", recorded_at=recorded)
    bank.pay("LATE", "100", date(2026, 2, 12), transaction_id="LATE-2", recorded_at=recorded)
    bank.transact("REVERSED", "reversal", "100", date(2026, 1, 20), reverses="PAID", transaction_id="BACK")
    bank.pay("OWNER", "100", date(2026, 1, 12), transaction_id="OTHER-LOAN", recorded_at=recorded)
    for number, (day, amount) in enumerate(DUE, start=1):
        bank.instalment("VERSIONED", 2, date(2026, 2, 1), number, day + timedelta(days=60), principal_due=amount)
    bank.loan("NEW", DUE)
    bank.loan("CLOSED", status="closed", closed_on=date(2026, 2, 1), updated_at=recorded)
    bank.rows["customers"] = [row for row in bank.rows["customers"] if row["customer_id"] == "C-NEW"]
    bank.land(marts.connection, as_of=THIRD)


def test_days_that_pass_and_payments_in_time_correct_nothing(marts: Warehouse) -> None:
    assert _corrections(marts) == []


def test_late_rows_correct_published_days_once_whatever_is_killed(marts: Warehouse) -> None:
    published = _history(marts)
    _land_late_rows(marts)
    with _broken(marts, "ops.loan_state", "new.model = 'marts.fct_delinquency_history'"), pytest.raises(BuildError):
        marts.build(THIRD, select=MODELS, passes=False)
    assert _corrections(marts) == []
    assert _history(marts) == published, "killed before the commit: neither is there"
    with _broken(marts, "marts.fct_loan_delinquency", "true"), pytest.raises(BuildError):
        marts.build(THIRD, select=MODELS, passes=False)
    corrections = _corrections(marts)
    assert {row["build_id"] for row in corrections} == {4}
    marts.build(THIRD, select=MODELS)
    assert _corrections(marts) == corrections, "killed after it: not a second time"

    feb_1, jan_12 = date(2026, 2, 1), date(2026, 1, 12)
    by_loan = {loan: _arrears(corrections, loan) for loan in sorted({row["loan_id"] for row in corrections})}
    assert by_loan == {
        "CLOSED": [(feb_1, FELL_DUE, 100, None), (FELL_DUE, PUBLISHED_TO, 200, None)],
        "LATE": [
            (date(2026, 1, 15), FELL_DUE, 100, 0),
            (FELL_DUE, SECOND, 200, 100),
            (SECOND, PUBLISHED_TO, 200, 0),
        ],
        "MOVED": [(jan_12, FELL_DUE, 0, 100), (FELL_DUE, PUBLISHED_TO, 100, 200)],
        "NEW": [
            (date(2023, 12, 1), SOON, None, 0),
            (SOON, FELL_DUE, None, 100),
            (FELL_DUE, PUBLISHED_TO, None, 200),
        ],
        "OWNER": [(jan_12, FELL_DUE, 100, 0), (FELL_DUE, PUBLISHED_TO, 200, 100)],
        "REVERSED": [(FIRST, FELL_DUE, 0, 100), (FELL_DUE, PUBLISHED_TO, 100, 200)],
        "VERSIONED": [(feb_1, FELL_DUE, 100, 0), (FELL_DUE, PUBLISHED_TO, 200, 0)],
    }
    because = {(row["loan_id"], row["valid_from"]): row["because"] for row in corrections}
    assert because["LATE", FELL_DUE] == {"loan_transactions": ["LATE-1"]}, "the other came into effect later"
    assert because["LATE", SECOND] == {"loan_transactions": ["LATE-1", "LATE-2"]}
    assert because["MOVED", jan_12] == because["OWNER", jan_12] == {"loan_transactions": ["OTHER-LOAN"]}
    assert because["REVERSED", FIRST] == {"loan_transactions": ["BACK"]}
    assert because["VERSIONED", feb_1] == {"repayment_schedule": ["2"]}
    assert because["CLOSED", feb_1] == {"loans": ["CLOSED"]}
    assert _undone(_history(marts), corrections) == _by_day(published)


def test_other_rules_correct_what_they_change(marts: Warehouse, tmp_path: Path) -> None:
    """The state is built afresh then: what it replaces is compared as a whole."""
    before, published = len(_corrections(marts)), _history(marts)
    pack = policy_pack(tmp_path)
    rules = pack / "delinquency_parameters.csv"
    header, *lines = rules.read_text().splitlines()
    place = header.split(",").index("tolerance")
    lines = [",".join(["150" if at == place else cell for at, cell in enumerate(line.split(","))]) for line in lines]
    rules.write_text("\n".join([header, *lines, ""]))
    tolerant = Warehouse(marts.settings.model_copy(update={"policy_dir": pack}), marts.connection)
    tolerant.build(THIRD, select=MODELS)
    corrections = _corrections(marts)[before:]
    assert {tuple(row["because"]) for row in corrections} == {("rules",)}
    first_late = [row for row in corrections if row["valid_from"] == SOON]
    assert {row["old_oldest_unpaid_due_date"] for row in first_late} == {date(2026, 1, 10)}
    assert {row["new_oldest_unpaid_due_date"] for row in first_late} == {None}
    assert {row["loan_id"] for row in first_late} == {row["loan_id"] for row in published}
    assert _undone(_history(marts), corrections) == _by_day(published)


class _broken:  # noqa: N801
    """A table that refuses the rows of a condition: the build dies there."""

    def __init__(self, marts: Warehouse, table: str, condition: str) -> None:
        self.marts, self.table, self.condition = marts, table, condition

    def __enter__(self) -> None:
        self.marts.execute(
            "create function public.die() returns trigger language plpgsql as $$ begin raise 'killed'; end $$"
        )
        self.marts.execute(
            f"create trigger die before insert on {self.table} for each row when ({self.condition})"
            " execute function public.die()"
        )

    def __exit__(self, *_: object) -> None:
        self.marts.execute("drop function public.die() cascade")


def _by_day(history: Rows) -> dict[tuple[str, date], tuple[Any, ...]]:
    """What a history says of each loan on each day around what was published."""
    days = [SOON + timedelta(days=number) for number in range((PUBLISHED_TO - SOON).days)]
    return {
        (row["loan_id"], day): tuple(row[figure] for figure in FIGURES)
        for row in history
        for day in days
        if row["valid_from"] <= day and (row["valid_to"] is None or day < row["valid_to"])
    }


def _undone(history: Rows, corrections: Rows) -> dict[tuple[str, date], tuple[Any, ...]]:
    """The history before the corrections: of each day, what the first of them found."""
    said = _by_day(history)
    for row in reversed(corrections):
        day = row["valid_from"]
        while day < row["valid_to"]:
            said[row["loan_id"], day] = tuple(row[f"old_{figure}"] for figure in FIGURES)
            day += timedelta(days=1)
    return {
        key: figures
        for key, figures in said.items()
        if SOON <= key[1] < PUBLISHED_TO and figures != (None,) * len(FIGURES)
    }
