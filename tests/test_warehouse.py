"""The warehouse can be set up twice, and its readers see what they may and nothing else."""

import psycopg2
import pytest

from arrears.settings import Settings
from arrears.source.contract import TABLES
from arrears.warehouse import migrate

pytestmark = pytest.mark.postgres


def test_migrate_twice_changes_nothing(warehouse: psycopg2.extensions.connection) -> None:
    migrate(warehouse)
    with warehouse.cursor() as cursor:
        cursor.execute("select count(*) from information_schema.tables where table_schema = 'landing'")
        assert cursor.fetchone() == (len(TABLES) + 3,)


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
