"""Fixtures for the gates' tests."""

import pytest
from gates import Pipeline
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.settings import Settings


@pytest.fixture
def pipeline(core_banking: Connection, warehouse: Connection, databases: Settings) -> Pipeline:
    """This test's source and warehouse, empty."""
    return Pipeline(core_banking, warehouse, databases)
