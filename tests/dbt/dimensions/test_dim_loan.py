"""`dim_loan` writes only the loans of which something landed since, and is as if it had been built afresh."""

from datetime import date, timedelta

import bank
import pytest
from marts_warehouse import Warehouse

pytestmark = pytest.mark.postgres

FIRST = date(2025, 6, 16)
SECOND = FIRST + timedelta(days=1)
SELECT = "+dim_loan"
COLUMNS = (
    "loan_id, customer_id, product, currency, jurisdiction, principal, status, written_off_on, instalments,"
    " first_due_date, last_due_date"
)
AFRESH = f"""
    select {COLUMNS}
    from staging.stg_core_banking__loans
    left join (select loan_id, jurisdiction from intermediate.int_loans__terms) as terms using (loan_id)
    left join (
        select loan_id, count(*)::integer as instalments, min(due_date) as first_due_date,
            max(due_date) as last_due_date
        from staging.stg_core_banking__repayment_schedule where schedule_version = 1 group by loan_id
    ) as originals using (loan_id)
"""


def written_by_batch(marts: Warehouse) -> dict[int, int]:
    rows = marts.rows("select known_to_batch, count(*) as loans from marts.dim_loan group by known_to_batch")
    return {row["known_to_batch"]: row["loans"] for row in rows}


def test_only_loans_that_changed_are_written_and_all_are_right(marts: Warehouse) -> None:
    bank.fill_landing(marts.connection, 500, FIRST)
    marts.build(FIRST, select=SELECT)
    assert written_by_batch(marts) == {1: 500}

    bank.touch_landing(marts.connection, 1.0, SECOND)
    marts.execute(
        "insert into landing.loans (_batch_id, loan_id, customer_id, product, currency, principal, disbursed_on,"
        " day_count, status, updated_at) select 2, 'new', customer_id, 'auto', currency, 100, disbursed_on, day_count,"
        " 'active', updated_at from landing.loans limit 1"
    )
    marts.execute(
        "insert into landing.customers (_batch_id, customer_id, jurisdiction, updated_at)"
        " select 2, customer_id, 'GB', updated_at + interval '1 day' from landing.customers where jurisdiction <> 'GB'"
        " order by customer_id limit 1"
    )
    marts.execute(
        "insert into ops.superseded_row (table_name, row_id, batch_id)"
        " select 'customers', earlier._row_id, 2 from landing.customers as earlier"
        " inner join landing.customers as newer using (customer_id)"
        " where earlier._batch_id = 1 and newer._batch_id = 2"
    )
    marts.build(SECOND, select=SELECT)

    written = written_by_batch(marts)
    assert written.keys() == {1, 2}
    assert 2 < written[2] < 100
    assert marts.rows("select status from marts.dim_loan where status = 'written_off' and known_to_batch = 2")
    difference = "select * from (({0} except {1}) union all ({1} except {0})) as differing"
    assert marts.rows(difference.format(f"select {COLUMNS} from marts.dim_loan", AFRESH)) == []

    marts.build(SECOND, select=SELECT)
    assert written_by_batch(marts) == written
