"""Fixtures of the tests of the dbt project."""

from collections.abc import Iterator

import pytest
from marts_warehouse import Warehouse, new_warehouse, quick_builds

from arrears.settings import Settings


@pytest.fixture
def marts(server: Settings) -> Iterator[Warehouse]:
    """A warehouse of this test's own."""
    with new_warehouse(server) as warehouse:
        yield warehouse


@pytest.fixture
def without_data_tests() -> Iterator[None]:
    """The test looks at the marts itself: dbt's data tests are left out of its builds."""
    with quick_builds():
        yield
