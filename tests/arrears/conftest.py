"""A day of decisions to deliver, on a warehouse that all tests of deliveries share."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from delivery_day import Day

from arrears.services.postgres import admin_connection, create_database
from arrears.settings import Settings


@pytest.fixture(scope="session")
def delivery_settings(server: Settings) -> Iterator[Settings]:
    """A warehouse with the tables and seeds that delivery reads, kept for all its tests; `day` empties it."""
    name = "warehouse_delivery"
    with closing(admin_connection(server, "postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            create_database(cursor, name, "pipeline", template="warehouse")
    settings = server.model_copy(update={"warehouse_database": name})
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        Day(warehouse, settings).create_tables()
    yield settings


@pytest.fixture
def day(delivery_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """The marts of a business date, with vendors and no decisions yet."""
    monkeypatch.setenv("ARREARS_WAREHOUSE_DATABASE", delivery_settings.warehouse_database)
    with closing(psycopg2.connect(delivery_settings.dsn("warehouse", "pipeline"))) as warehouse:
        day = Day(warehouse, delivery_settings)
        day.begin()
        yield day
