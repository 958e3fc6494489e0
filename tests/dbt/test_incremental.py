"""Which loans a build computes anew: those of which rows landed or a date passed, and no others.

`tests/properties/test_sixty_days.py` proves that nothing is missed; this says why each loan is touched.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from marts_warehouse import DELINQUENCY, Warehouse, new_warehouse, policy_pack, quick_builds
from portfolio import Portfolio

from arrears.dbt_build import build
from arrears.landing_tables import make_searchable
from arrears.settings import Settings
from arrears.source.contract import BY_NAME

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

FIRST, SECOND, THIRD = date(2026, 1, 20), date(2026, 1, 21), date(2026, 1, 22)
LATER = datetime(2026, 1, 21, 2, tzinfo=UTC)
DUE = [(date(2026, 1, 10), "100.00"), (date(2026, 3, 10), "100.00")]
TOUCHED = "select loan_id from intermediate.int_loans__touched order by 1"
CHANGED_RULE = "US,tolerant,,1.00,,,day_after,none,12,2026-01-21,,test,verified"


@pytest.fixture
def marts(server: Settings, tmp_path: Path) -> Iterator[Warehouse]:
    pack = policy_pack(tmp_path, delinquency_parameters=[CHANGED_RULE])
    with new_warehouse(server, policy_dir=pack) as warehouse, quick_builds():
        yield warehouse


def _first_day(marts: Warehouse) -> None:
    rows = Portfolio()
    for loan_id in ("left-alone", "paid", "gave", "got", "paused", "moved-away", "renamed", "flagged", "scored"):
        rows.loan(loan_id, DUE)
    rows.loan("rescheduled", DUE)
    rows.loan("due", [(date(2026, 1, 20), "100.00")])
    rows.loan("begins", DUE[1:], disbursed_on=SECOND)
    rows.loan("changed-rule", DUE, product="tolerant")
    rows.loan("ends", DUE, closed_on=SECOND)
    rows.pay("gave", "100.00", date(2026, 1, 10), transaction_id="MISBOOKED")
    rows.land(marts.connection, as_of=FIRST)
    marts.build(FIRST)


def _second_day(marts: Warehouse) -> None:
    rows = Portfolio(prefix="second-")
    rows.pay("paid", "100.00", SECOND, recorded_at=LATER)
    rows.pay("got", "100.00", date(2026, 1, 10), transaction_id="MISBOOKED", recorded_at=LATER)
    rows.instalment("rescheduled", 1, date(2023, 12, 1), 1, date(2026, 1, 12), principal_due=80, updated_at=LATER)
    rows.pause("paused", FIRST, date(2026, 2, 20), updated_at=LATER)
    rows.add("customers", customer_id="C-moved-away", jurisdiction="IN", updated_at=LATER)
    rows.add("customers", customer_id="C-renamed", jurisdiction="US", city="Elsewhere", updated_at=LATER)
    score = {"credit_score": 700, "credit_score_on": date(2023, 11, 1)}
    rows.add("customers", customer_id="C-scored", jurisdiction="US", **score, updated_at=LATER)
    rows.add("customer_flags", customer_id="C-flagged", flag="disputed", valid_from=SECOND, updated_at=LATER)
    rows.land(marts.connection, as_of=SECOND)


def test_what_landed_or_came_to_pass_touches_its_loan_and_no_other(marts: Warehouse) -> None:
    _first_day(marts)
    _second_day(marts)
    marts.build(SECOND)
    assert [row["loan_id"] for row in marts.rows(TOUCHED)] == [
        "begins",
        "changed-rule",
        "due",
        "ends",
        "gave",
        "got",
        "moved-away",
        "paid",
        "paused",
        "rescheduled",
        "scored",
    ]
    days = {row["loan_id"]: row["days_past_due"] for row in marts.rows("select * from marts.fct_loan_delinquency")}
    assert days == {
        "begins": 0,
        "changed-rule": 11,
        "due": 1,
        "flagged": 11,
        "gave": 11,
        "got": 0,
        "left-alone": 11,
        "moved-away": 12,
        "paid": 0,
        "paused": 11,
        "renamed": 11,
        "rescheduled": 9,
        "scored": 11,
    }

    marts.build(SECOND)
    assert marts.rows(TOUCHED) == [], "the same day again, without news, computes nothing"
    _assert_rows_of_few_loans_are_looked_up(marts)


def _assert_rows_of_few_loans_are_looked_up(marts: Warehouse) -> None:
    """What a day costs follows what changed only if PostgreSQL looks below the views for the loans asked for."""
    marts.execute("set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off")
    for name in ("loans", "repayment_schedule", "loan_transactions"):
        with marts.connection, marts.connection.cursor() as cursor:
            make_searchable(cursor, BY_NAME[name])
        touched = "loan_id in (select loan_id from intermediate.int_loans__touched)"
        rows = marts.rows(f"explain select * from staging.stg_core_banking__{name} where {touched}")
        plan = [row["QUERY PLAN"] for row in rows]
        assert any("Index Cond: (loan_id = " in line for line in plan), "\n".join([name, *plan])


def test_a_killed_build_leaves_nothing_undone(marts: Warehouse) -> None:
    _first_day(marts)
    _second_day(marts)
    _kill_after(marts, "int_loans__terms")
    marts.build(SECOND)
    touched = {row["loan_id"] for row in marts.rows(TOUCHED)}
    assert {"moved-away", "gave", "got", "begins", "due"} <= touched
    assert marts.position("moved-away", SECOND)["days_past_due"] == 12, (
        "counted by the rules of where the borrower lives"
    )

    _kill_after(marts, "fct_delinquency_history", on=date(2026, 3, 11))
    marts.build(date(2026, 3, 11))
    touched = {row["loan_id"] for row in marts.rows(TOUCHED)}
    assert {"left-alone", "begins"} <= touched, "what follows from the history has not seen that their dates passed"


def test_an_older_day_after_a_later_one_failed_knows_nothing_of_it(marts: Warehouse) -> None:
    _first_day(marts)
    failed = marts.build(date(2026, 3, 11), passes=False)
    marts.execute("update ops.mart_build set state = 'failed' where build_id = %s", failed.build_id)
    marts.build(THIRD)
    late = "select * from marts.fct_delinquency_history where valid_from > %s or valid_to > %s or next_moment_on <= %s"
    assert marts.rows(late, THIRD, THIRD, THIRD) == []
    [open_interval] = marts.rows(
        "select * from marts.fct_delinquency_history where loan_id = 'left-alone' and valid_to is null"
    )
    assert (open_interval["valid_from"], open_interval["next_moment_on"]) == (date(2026, 1, 11), date(2026, 3, 11))


def _kill_after(marts: Warehouse, node: str, on: date = SECOND) -> None:
    """Build in a process of its own that kills itself once a node is done."""

    def die(name: str, _: int, __: int) -> None:
        if name == node:
            os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(
        target=build, args=(marts.settings,), kwargs={"as_of": on, "select": DELINQUENCY, "progress": die}
    )
    process.start()
    process.join(timeout=300)
    assert process.exitcode == -signal.SIGKILL
    marts.wait_for_others_to_leave()
