"""A portfolio with a customer for each rule, decided and sealed, on a warehouse that all tests of privacy share."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from decision_cases import build_cases
from decision_world import AS_OF, World
from marts_warehouse import Warehouse, new_warehouse

from arrears.delivery.seal import seal_day
from arrears.landing_tables import make_searchable
from arrears.settings import Settings
from arrears.source.contract import TABLES

MODELS = (
    "+fct_contact_decision +int_contact_list__sms +int_contact_list__phone +fct_delinquency_history"
    " +fct_loan_delinquency +stg_core_banking__complaints stg_core_banking__feed_status"
)
FORMER = (
    "former_1",
    "former_2",
    "former_3",
    "former_4",
    "former_5",
    "former_6",
    "lately_closed",
    "in_court",
    "complains",
)
"""Customers whose only loan was closed eleven years ago, `lately_closed` aside; each test erases one of its own."""


@pytest.fixture(scope="session")
def decided(server: Settings) -> Iterator[Warehouse]:
    """Each test speaks of customers of its own."""
    world = World()
    build_cases(world)
    world.customer("no_loan", dpd=None)
    world.customer("disputed_long_ago")
    world.plan("disputed_long_ago", "phone", "disputed", days_ago=200)
    for customer_id in FORMER:
        _former_customer(world, customer_id, closed_days_ago=30 if customer_id == "lately_closed" else 11 * 366)
    world.flag("in_court", "legal_proceedings")
    world.add("complaints", complaint_id="Z-former", customer_id="complains", received_at=world.instant(days_ago=2))
    with new_warehouse(server) as warehouse:
        world.land(warehouse.connection)
        with warehouse.connection, warehouse.connection.cursor() as cursor:
            for table in TABLES:
                make_searchable(cursor, table)
        warehouse.build(AS_OF, select=MODELS)
        seal_day(warehouse.connection, as_of=AS_OF, settings=warehouse.settings)
        yield warehouse


def _former_customer(world: World, customer_id: str, *, closed_days_ago: int) -> None:
    """A closed loan, and everything that the bank may hold of a person."""
    closed_on = AS_OF - timedelta(days=closed_days_ago)
    ended = {"status": "closed", "closed_on": closed_on}
    world.customer(customer_id, dpd=None, national_id=f"NID-{customer_id}", city=f"City of {customer_id}")
    world.loan(f"{customer_id}-L1", customer_id, dpd=closed_days_ago + 100, **ended)
    world.pay(f"{customer_id}-L1", "500.00", on=closed_on)
    world.flag(customer_id, "vulnerable", start=-closed_days_ago, end=-closed_days_ago + 10)
    world.rows["customer_flags"][-1]["note"] = f"Note on {customer_id}"
    reported = {"disposition": "no_answer", "note": f"Said by {customer_id}", "recording_ref": f"REC-{customer_id}"}
    world.plan(customer_id, "phone", reported, days_ago=closed_days_ago + 20)
