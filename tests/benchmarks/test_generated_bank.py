"""The generated bank: clean enough for the gate, varied enough for every tier, and the same whenever it is made."""

from collections.abc import Iterator
from datetime import date, timedelta

import bank
import pytest
from marts_warehouse import Warehouse, new_warehouse
from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import run

from arrears.landing.load import LandedBatch, load_batch
from arrears.quality.landing_gate import check_batch
from arrears.settings import Settings
from arrears.source.contract import TABLES

AS_OF = date(2025, 6, 16)
LOANS = 3000

pytestmark = pytest.mark.postgres


def load_and_check(source: Connection, warehouse: Connection, as_of: date, settings: Settings) -> LandedBatch:
    """Load a batch through its gate, which is to find nothing at all."""
    batch = load_batch(source, warehouse, as_of=as_of, run_id=None, settings=settings)
    report = check_batch(warehouse, batch_id=batch.batch_id, settings=settings)
    assert (report.rejected, report.warnings) == ({}, ())
    return batch


def test_the_gate_finds_nothing_wrong_on_the_first_day_nor_on_the_next(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    counts = bank.fill_source(core_banking, LOANS, AS_OF)
    assert counts["loans"] == LOANS
    assert counts["repayment_schedule"] == pytest.approx(12 * LOANS, rel=0.05)
    assert counts["loan_transactions"] == pytest.approx(11.5 * LOANS, rel=0.05)
    assert min(counts.values()) > 0, counts
    load_and_check(core_banking, warehouse, AS_OF, databases)

    for day in (AS_OF + timedelta(days=1), AS_OF + timedelta(days=2)):
        assert bank.touch_source(core_banking, 0.4, day).loans == 0.4 * LOANS
        batch = load_and_check(core_banking, warehouse, day, databases)
        landed = {table.name for table in batch.tables if table.landed_rows}
        assert landed == set(bank.NEW_BY_DAY + bank.CHANGED_BY_DAY)
        assert not [table.name for table in batch.tables if table.is_full]


def test_a_day_without_a_share_brings_one_event(core_banking: Connection) -> None:
    bank.fill_source(core_banking, LOANS, AS_OF)
    before = run(core_banking, "select count(*) from core_banking.loan_transactions")[0][0]
    touched = bank.touch_source(core_banking, 0, AS_OF + timedelta(days=1))
    assert touched.with_events == 1
    assert run(core_banking, "select count(*) from core_banking.loan_transactions")[0][0] <= before + 1


def test_the_same_seed_makes_the_same_bank_and_another_seed_another(
    core_banking: Connection, warehouse: Connection
) -> None:
    bank.fill_source(core_banking, LOANS, AS_OF, seed=3)
    bank.touch_source(core_banking, 0.1, AS_OF + timedelta(days=1))
    bank.fill_landing(warehouse, LOANS, AS_OF, seed=3)
    bank.touch_landing(warehouse, 0.1, AS_OF + timedelta(days=1))
    for table in TABLES:
        columns = ", ".join(table.column_names)
        newest = (
            f"select distinct on ({', '.join(table.key)}) {columns} from landing.{table.name}"
            f" order by {', '.join(table.key)}, {table.changed_at} desc"
        )
        fingerprint = "select count(*), sum(hashtextextended(made::text, 0)) from ({}) as made"
        in_source = run(core_banking, fingerprint.format(f"select {columns} from core_banking.{table.name}"))
        assert in_source == run(warehouse, fingerprint.format(newest)), table.name

    run(core_banking, "truncate " + ", ".join(f"core_banking.{table.name}" for table in TABLES))
    amounts = "select sum(principal) from core_banking.loans"
    bank.fill_source(core_banking, LOANS, AS_OF, seed=4)
    assert run(core_banking, amounts) != run(warehouse, amounts.replace("core_banking", "landing"))


def test_a_bank_is_never_filled_twice_nor_a_day_repeated(core_banking: Connection) -> None:
    bank.fill_source(core_banking, 100, AS_OF)
    with pytest.raises(ValueError, match="expected an empty table"):
        bank.fill_source(core_banking, 100, AS_OF)
    with pytest.raises(ValueError, match="expected one after 2025-06-16"):
        bank.touch_source(core_banking, 0.1, AS_OF)


@pytest.fixture
def marts(server: Settings) -> Iterator[Warehouse]:
    """A warehouse of this test's own."""
    with new_warehouse(server) as made:
        yield made


def test_the_marts_are_built_of_it_with_loans_in_every_tier(marts: Warehouse) -> None:
    bank.fill_landing(marts.connection, LOANS, AS_OF)
    marts.build(AS_OF)
    tiers = {row["tier"] for row in marts.rows("select distinct tier from marts.delinquency_tier")}
    assert tiers == {"current", "pre_due", "M1", "M2", "M3", "M4", "M5", "M6", "M7_plus", "write_off"}
    next_day = AS_OF + timedelta(days=1)
    bank.touch_landing(marts.connection, 0.05, next_day)
    marts.build(next_day)
    paid = marts.rows("select count(*) as loans from marts.fct_loan_delinquency where last_payment_on = %s", next_day)
    assert paid[0]["loans"] > 0
