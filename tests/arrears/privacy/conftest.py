"""A portfolio with a customer for each rule, decided and sealed, on a warehouse that all tests of privacy share."""

from collections.abc import Iterator

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


@pytest.fixture(scope="session")
def decided(server: Settings) -> Iterator[Warehouse]:
    """Each test speaks of customers of its own."""
    world = World()
    build_cases(world)
    world.customer("C-OLD", dpd=None)
    with new_warehouse(server) as warehouse:
        world.land(warehouse.connection)
        with warehouse.connection, warehouse.connection.cursor() as cursor:
            for table in TABLES:
                make_searchable(cursor, table)
        warehouse.build(AS_OF, select=MODELS)
        seal_day(warehouse.connection, as_of=AS_OF, settings=warehouse.settings)
        yield warehouse
