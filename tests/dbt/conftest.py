"""Fixtures of the tests of the dbt project."""

from collections.abc import Iterator

import pytest
from marts_warehouse import Warehouse, new_warehouse

from arrears.settings import Settings


@pytest.fixture
def marts(server: Settings) -> Iterator[Warehouse]:
    """A warehouse of this test's own."""
    with new_warehouse(server) as warehouse:
        yield warehouse
