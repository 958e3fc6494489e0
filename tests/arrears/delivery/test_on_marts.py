"""The whole way on marts that dbt built: every channel's list, its gate, the stop file and a recall.

The other tests use stand-in tables; this one proves that the real models have the shape that they stand in for.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
import sqlparse
from decision_cases import build_cases
from decision_world import AS_OF, World
from marts_warehouse import Warehouse, new_warehouse

from arrears.delivery.legal import proposals, record_approval
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.recall import plan_recalls, write_recall
from arrears.delivery.seal import seal_day
from arrears.delivery.statements import statement
from arrears.delivery.stop import plan_stop
from arrears.errors import GateError
from arrears.landing_tables import make_searchable
from arrears.services.openpgp_keys import create_openpgp_keys
from arrears.settings import Settings
from arrears.source.contract import TABLES

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
MODELS = (
    "+fct_contact_decision +path:models/intermediate/contact_lists +fct_contact_attempt +fct_loan_delinquency"
    " stg_core_banking__feed_status int_loan_transactions__effects"
)


@pytest.fixture(scope="module")
def decided(server: Settings) -> Iterator[Warehouse]:
    """A portfolio with a customer for each rule, built and sealed; referrals approved by two people."""
    world = World()
    build_cases(world)
    for customer in world.rows["customers"]:
        customer["given_name"] = "Given"  # the cases use the customer's id, which may not leave
    with new_warehouse(server) as warehouse:
        create_openpgp_keys(warehouse.settings)
        world.land(warehouse.connection)
        warehouse.build(AS_OF, select=MODELS)
        seal_day(warehouse.connection, as_of=AS_OF, settings=warehouse.settings)
        for case in proposals(warehouse.connection, as_of=AS_OF):
            for approver in ("anna", "ben"):
                record_approval(
                    warehouse.connection,
                    as_of=AS_OF,
                    customer_id=case.customer_id,
                    currency=case.currency,
                    approver=approver,
                    is_approved=True,
                    is_demo=True,
                )
        yield warehouse


def at(warehouse: Warehouse, hour: int) -> datetime:
    return datetime.combine(AS_OF, time(hour), tzinfo=warehouse.settings.bank_tz)


@pytest.fixture(scope="module")
def sealed(decided: Warehouse) -> dict[str, int]:
    """Every list through its gate, the stop files being taken: rows by channel."""
    decided.execute(
        "insert into ops.delivery_batch (batch_id, kind, channel, vendor, generation, as_of, sequence, state,"
        " row_count, planned_at, valid_until, acknowledge_by)"
        " select 'stop-' || vendor, 'stop', 'all', vendor, 1, %s, 1, 'acknowledged', 0, %s, %s, %s"
        " from (select distinct vendor from staging.vendors) as known",
        AS_OF,
        *[at(decided, 5)] * 3,
    )
    rows = {}
    for plan in plan_batches(decided.connection, as_of=AS_OF, settings=decided.settings, now=at(decided, 6)):
        write_batch(decided.connection, batch_id=plan.batch_id, settings=decided.settings)
        results = gate_batch(decided.connection, batch_id=plan.batch_id, settings=decided.settings)
        assert all(result.success for result in results)
        rows[plan.channel] = plan.row_count
    return rows


def test_every_channel_has_rows_and_each_decision_is_on_exactly_one_list(
    decided: Warehouse, sealed: dict[str, int]
) -> None:
    decisions = decided.rows(
        "select channel, count(*) as rows, count(batch_id) as listed, count(distinct contact_ref) as refs"
        " from marts.fct_contact_decision where as_of = %s and decision = 'contact' group by channel",
        AS_OF,
    )

    assert {row["channel"]: row["rows"] for row in decisions} == sealed
    assert {row["channel"] for row in decisions} == {"sms", "phone", "field_visit", "legal", "care"}
    assert all(row["rows"] == row["listed"] == row["refs"] for row in decisions)


def test_nobody_who_is_suppressed_is_on_a_list(decided: Warehouse, sealed: dict[str, int]) -> None:
    assert (
        decided.rows("select 1 from marts.fct_contact_decision where decision = 'suppress' and batch_id is not null")
        == []
    )


def test_a_payment_after_the_build_recalls_its_customer_only(decided: Warehouse, sealed: dict[str, int]) -> None:
    decided.execute(
        "update ops.delivery_batch set state = 'acknowledged' where as_of = %s and kind = 'contact_list'", AS_OF
    )
    (owing,) = decided.rows(
        "select min(loan.loan_id) as loan_id, loan.customer_id, sum(loan.arrears_amount) as arrears_amount"
        " from marts.fct_loan_delinquency as loan"
        " join ops.delivery_item as item using (customer_id) join ops.delivery_batch as batch using (batch_id)"
        " where batch.as_of = %s and batch.channel = 'phone'"
        " group by loan.customer_id having count(*) = 1 order by loan.customer_id limit 1",
        AS_OF,
    )
    payment = World()
    payment.pay(owing["loan_id"], str(owing["arrears_amount"] - Decimal("0.01")), transaction_id="part")
    payment.land(decided.connection)
    assert plan_recalls(decided.connection, as_of=AS_OF, now=at(decided, 9), settings=decided.settings) == []

    payment.pay(owing["loan_id"], "0.01", transaction_id="rest")
    payment.land(decided.connection)
    plans = plan_recalls(decided.connection, as_of=AS_OF, now=at(decided, 9), settings=decided.settings)

    assert "demo_call" in {plan.vendor for plan in plans}
    for plan in plans:
        write_recall(decided.connection, batch_id=plan.batch_id, settings=decided.settings)
        assert decided.rows("select customer_id from ops.delivery_item where batch_id = %s", plan.batch_id) == [
            {"customer_id": owing["customer_id"]}
        ]


def test_a_recall_reads_nothing_whole_that_grows_with_the_portfolio(decided: Warehouse, sealed: dict[str, int]) -> None:
    small = {"recall_live", "recall_money", "recall_hold", "recall_said", "delinquency_parameters", "dispositions"}
    small |= {"source_generation", "sealed_day", "mart_build", "load_batch", "delivery_batch"}
    with decided.connection, decided.connection.cursor() as cursor:
        for table in TABLES:
            make_searchable(cursor, table)
        # On a small bank reading everything is quicker; where there is no index, it is still the only way.
        cursor.execute("set local enable_seqscan = off")
        values = {"as_of": AS_OF, "now": at(decided, 9), "batch_ids": [1], "known_at": at(decided, 1)}
        cursor.execute(statement("recall_live"), values)
        read_whole = set()
        for part in [*sqlparse.split(statement("recall_arrived")), statement("recalled_items")]:
            if "from" in part:
                cursor.execute("explain (format json) " + part, values)
                read_whole |= set(_read_whole(cursor.fetchall()[0][0][0]["Plan"]))
            cursor.execute(part, values)

    assert read_whole <= small


def _read_whole(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield str(node["Relation Name"])
    for below in node.get("Plans", []):
        yield from _read_whole(below)


def test_a_stop_file_holds_what_earlier_lists_left_open(decided: Warehouse, sealed: dict[str, int]) -> None:
    """The cases bring lists of earlier days, some of them still with their vendors."""
    decided.execute("delete from ops.delivery_batch where kind = 'stop'")
    with closing(psycopg2.connect(decided.settings.dsn("warehouse", "pipeline"))) as warehouse:
        batch = plan_stop(warehouse, vendor="demo_call", as_of=AS_OF, settings=decided.settings, now=at(decided, 6))
        write_batch(warehouse, batch_id=batch.batch_id, settings=decided.settings)

        # The cases' references are made up; everything else must be as it is sent.
        with pytest.raises(GateError, match=r"^[^;]*stopped at the gate: contact_ref: [^;]*$"):
            gate_batch(warehouse, batch_id=batch.batch_id, settings=decided.settings)

    assert batch.row_count > 0
