"""The real tape through load, gate and build: the servicer's own days past due, loan by loan."""

from datetime import date
from pathlib import Path

import psycopg2.extensions
import pytest
from marts_warehouse import DELINQUENCY, Warehouse

from arrears.landing.load import load_batch
from arrears.quality.landing_gate import check_batch
from arrears.settings import Settings
from arrears.tapes.ally import CUT_OFF, load_tape, read_tape

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def test_all_225_published_statuses_come_out_of_the_marts(
    databases: Settings,
    core_banking: psycopg2.extensions.connection,
    warehouse: psycopg2.extensions.connection,
    real_data: Path,
) -> None:
    published = {loan.loan_id: loan.days_past_due for loan in read_tape(real_data) if loan.days_past_due > 0}
    assert len(published) == 225

    load_tape(core_banking, warehouse, real_data)
    batch = load_batch(core_banking, warehouse, as_of=CUT_OFF, run_id=None, settings=databases)
    check_batch(warehouse, batch_id=batch.batch_id, settings=databases)
    marts = Warehouse(databases, warehouse)
    marts.build(CUT_OFF, select=DELINQUENCY)

    rows = marts.rows("select loan_id, days_past_due, oldest_unpaid_due_date from marts.fct_loan_delinquency")
    found = {row["loan_id"]: row["days_past_due"] for row in rows}
    assert {loan_id: found.get(loan_id) for loan_id in published} == published
    others = {loan_id for loan_id, days in found.items() if days > 0 and not loan_id.startswith("SYN-")}
    assert others == published.keys(), "no loan is behind that the servicer does not call so"
    assert len(marts.rows("select loan_id from marts.loan_delinquency_on(%s)", date(2019, 8, 30))) > 2800
