"""What one build leaves for the next: the same day again, an older day, a new generation, a rejected row, a failure."""

import threading
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from marts_warehouse import DELINQUENCY, Warehouse, policy_pack
from portfolio import Portfolio, quarantine

from arrears.dbt_build import BuildError, build, refresh
from arrears.errors import ConfigurationError

pytestmark = pytest.mark.postgres

DUE = [(date(2026, month, 10), "100.00") for month in (1, 2, 3)]
FIRST, SECOND = date(2026, 1, 20), date(2026, 1, 25)


def _state(marts: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """All rows of the delinquency marts."""
    return {
        name: marts.rows(f"select * from marts.{name} order by 1, 2, 3, 4, 5")
        for name in ("fct_loan_delinquency", "fct_delinquency_history", "delinquency_tier")
    }


def _two_loans() -> Portfolio:
    portfolio = Portfolio()
    portfolio.loan("L1", DUE)
    portfolio.loan("L2", DUE)
    portfolio.pay("L2", "100", date(2026, 1, 10))
    return portfolio


@pytest.mark.usefixtures("without_data_tests")
def test_days_in_order_again_and_backwards(marts: Warehouse) -> None:
    _two_loans().land(marts.connection, as_of=FIRST)
    marts.build(FIRST)
    marts.build(SECOND)
    state = _state(marts)

    marts.build(SECOND)
    assert _state(marts) == state, "the same day built twice is the same"

    # What becomes known now changes the older day that is built now, and not what the newest day showed.
    late = Portfolio()
    late.pay("L1", "100", date(2026, 1, 12), transaction_id="LATE", recorded_at=datetime(2026, 1, 26, tzinfo=UTC))
    late.land(marts.connection, as_of=SECOND)
    marts.build(FIRST)
    assert _state(marts)["fct_loan_delinquency"] == state["fct_loan_delinquency"]
    tiers = {(row["as_of"], row["tier"]): row["loans"] for row in _state(marts)["delinquency_tier"]}
    assert tiers == {(FIRST, "current"): 2, (SECOND, "M1"): 1, (SECOND, "current"): 1}
    assert marts.position("L1", SECOND)["days_past_due"] == 0, "the history covers the newest day all the same"

    marts.build(SECOND)
    assert {row["days_past_due"] for row in _state(marts)["fct_loan_delinquency"]} == {0}
    assert marts.rows("select * from marts.loan_delinquency_on(%s)", date(2026, 1, 26)) == []


@pytest.mark.usefixtures("without_data_tests")
def test_builds_are_recorded_and_a_new_generation_starts_afresh(marts: Warehouse) -> None:
    with pytest.raises(ConfigurationError, match="load core banking first"):
        build(marts.settings, as_of=FIRST)
    _two_loans().land(marts.connection, as_of=FIRST)
    seen: list[tuple[str, int, int]] = []
    result = build(
        marts.settings,
        as_of=SECOND,
        run_id="manual__1",
        select=DELINQUENCY,
        progress=lambda name, done, total: seen.append((name, done, total)),
    )
    [row] = marts.rows("select * from ops.mart_build")
    assert (row["build_id"], row["state"], row["as_of"]) == (result.build_id, "building", SECOND)
    assert (row["run_id"], row["known_at"]) == ("manual__1", result.known_at)
    assert marts.rows("select policy_version from ops.policy_version") == [{"policy_version": row["policy_version"]}]
    assert {"fct_loan_delinquency", "loan_delinquency_on"} <= {name for name, _, _ in seen}
    assert len({total for _, _, total in seen}) == 1
    assert result.failures == ()

    with pytest.raises(ConfigurationError, match="no build of the marts has passed"):
        refresh(marts.settings, select="delinquency_tier")
    marts.execute("update ops.mart_build set state = 'passed'")
    assert refresh(marts.settings, select="delinquency_tier").build_id == result.build_id

    # The newest generation is empty so far: nothing of the one before it is left.
    Portfolio().land(marts.connection, as_of=FIRST, generation=2)
    marts.build(FIRST)
    assert _state(marts) == {"fct_loan_delinquency": [], "fct_delinquency_history": [], "delinquency_tier": []}


@pytest.mark.usefixtures("without_data_tests")
def test_only_what_passed_counts_and_a_rejected_row_holds_its_loan(marts: Warehouse) -> None:
    portfolio = _two_loans()
    portfolio.loan("L4", DUE)
    portfolio.loan("L3", DUE, customer_id="C-L2")
    bad = portfolio.pay("L1", "-5", date(2026, 1, 15))
    portfolio.add("customer_flags", customer_id="C-L2", flag="disputed", valid_from=None)
    batch = portfolio.land(marts.connection, as_of=FIRST)
    quarantine(marts.connection, "loan_transactions", batch, f"transaction_id = '{bad}'")
    quarantine(marts.connection, "customer_flags", batch, "valid_from is null")
    newer = Portfolio()
    newer.loan("L4", status="closed", closed_on=date(2026, 1, 15), updated_at=datetime(2026, 1, 15, tzinfo=UTC))
    newer.land(marts.connection, as_of=FIRST)
    refused = Portfolio()
    refused.pay("L3", "999", date(2026, 1, 15))
    aborted = refused.land(marts.connection, as_of=FIRST)
    marts.execute("update ops.load_batch set state = 'aborted' where batch_id = %s", aborted)
    marts.build(FIRST)
    assert marts.position("L3", FIRST)["paid_total"] == 0, "rows of an aborted batch count for nothing"
    assert marts.position("L4", FIRST) == {}, "its newest version is closed"
    assert marts.position("L4", date(2026, 1, 14))["days_past_due"] == 4, "a closed loan keeps its past"

    held = "select loan_id from marts.fct_loan_delinquency where is_data_hold order by 1"
    assert [row["loan_id"] for row in marts.rows(held)] == ["L1", "L2", "L3"], "its loan, or all loans of its customer"
    customers = marts.rows("select customer_id from intermediate.int_customers__data_hold order by 1")
    assert [row["customer_id"] for row in customers] == ["C-L1", "C-L2"]
    assert marts.position("L1", FIRST)["paid_total"] == 0, "a rejected row counts for nothing"

    corrected = Portfolio()
    corrected.pay("L1", "5", date(2026, 1, 15), transaction_id=bad, recorded_at=datetime(2026, 1, 21, tzinfo=UTC))
    corrected.land(marts.connection, as_of=SECOND)
    marts.build(SECOND)
    assert [row["loan_id"] for row in marts.rows(held)] == ["L2", "L3"]
    assert marts.position("L1", SECOND)["paid_total"] == Decimal(5)


def test_two_builds_at_once_are_one_and_an_error(marts: Warehouse) -> None:
    marts.execute("select pg_advisory_lock(hashtext('arrears.dbt_build'))")
    with pytest.raises(BuildError, match="another build of the marts is running"):
        build(marts.settings, as_of=FIRST)


def test_who_has_patience_waits_for_another_build(marts: Warehouse) -> None:
    with closing(psycopg2.connect(marts.settings.dsn("warehouse", "pipeline"))) as another:
        with another.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(hashtext('arrears.dbt_build'))")
        with pytest.raises(BuildError, match="another build of the marts is running"):
            refresh(marts.settings, select="tag:results", patience=timedelta(milliseconds=100))
        leaves = threading.Timer(1.0, another.close)
        leaves.start()
        # It has its turn: now it asks for what is to be built again.
        with pytest.raises(ConfigurationError, match="no build of the marts has passed yet"):
            refresh(marts.settings, select="tag:results", patience=timedelta(seconds=60))
        leaves.join()


def test_failed_build_is_recorded_and_names_the_node_without_values(marts: Warehouse, tmp_path: Path) -> None:
    portfolio = Portfolio()
    portfolio.loan("SECRET-LOAN", DUE, written_off_on=FIRST)
    portfolio.land(marts.connection, as_of=FIRST)
    pack = policy_pack(tmp_path)
    tiers = pack / "delinquency_tiers.csv"
    tiers.write_text("".join(line for line in tiers.open() if ",write_off," not in line))
    settings = marts.settings.model_copy(update={"policy_dir": pack})
    with pytest.raises(BuildError, match=r"dbt test every_pack_has_a_written_off_tier: .*\(6 rows\)") as failure:
        build(settings, as_of=FIRST, select=DELINQUENCY)
    assert "SECRET-LOAN" not in str(failure.value)
    [row] = marts.rows("select state, reason from ops.mart_build")
    assert row == {"state": "failed", "reason": str(failure.value)}
    assert marts.rows("select to_regclass('marts.fct_loan_delinquency') as mart") == [{"mart": None}]
    log = (settings.home / "dbt" / "logs" / "dbt.log").read_text().split("Running with dbt")[-1]
    assert "FAIL 6 every_pack_has_a_written_off_tier" in log
    assert "[debug]" not in log
