"""The warehouse can be set up twice, and its readers see what they may and nothing else."""

from contextlib import closing

import psycopg2
import pytest

from arrears.settings import Settings
from arrears.source.contract import TABLES
from arrears.warehouse import migrate, migrate_if_changed

pytestmark = pytest.mark.postgres


def test_migrate_twice_changes_nothing(warehouse: psycopg2.extensions.connection) -> None:
    migrate(warehouse)
    with warehouse.cursor() as cursor:
        cursor.execute("select count(*) from information_schema.tables where table_schema = 'landing'")
        assert cursor.fetchone() == (len(TABLES) + 3,)


def test_a_command_takes_no_lock_on_a_warehouse_that_its_code_set_up(
    databases: Settings, warehouse: psycopg2.extensions.connection
) -> None:
    migrate(warehouse)
    with closing(psycopg2.connect(databases.dsn("warehouse", "pipeline"))) as build, build.cursor() as reading:
        reading.execute("select from ops.stopped_row")
        reading.execute("select from ops.mart_build")
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute("set lock_timeout = '1s'")

        migrate_if_changed(warehouse)

        with warehouse, warehouse.cursor() as cursor:
            cursor.execute("update ops.set_up set code_sha256 = 'other'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            migrate_if_changed(warehouse)


def test_text_is_in_the_order_of_its_bytes_whatever_the_server_was_set_up_with(
    warehouse: psycopg2.extensions.connection,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("select datlocprovider from pg_database where datname = current_database()")
        assert cursor.fetchone() == ("b",)
        cursor.execute("select 'a' < 'B', 'Z' < 'é'")
        assert cursor.fetchone() == (False, True)


@pytest.mark.parametrize(
    "table", ["ops.delivery_item", "ops.delivery_file", "landing.customers", "quarantine.customers"]
)
def test_bi_reader_cannot_read_personal_tables(databases: Settings, table: str) -> None:
    connection = psycopg2.connect(databases.dsn("warehouse", "bi_reader"))
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(f"select * from {table}")
    connection.close()
