"""Create the source schema of the demo bank and fill it from files."""

import psycopg2.extensions

from arrears.source.contract import SOURCE_SCHEMA, TABLES


def create_source(connection: psycopg2.extensions.connection) -> None:
    """Create the bank's tables where they are missing, and let `pipeline` read them. Commits.

    Types and columns only: no keys and no checks, since what a bank's system really contains must reach the gate.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(f"create schema if not exists {SOURCE_SCHEMA}")
        for table in TABLES:
            columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
            cursor.execute(f"create table if not exists {SOURCE_SCHEMA}.{table.name} ({columns})")
        cursor.execute(f"grant usage on schema {SOURCE_SCHEMA} to pipeline")
        cursor.execute(f"grant select on all tables in schema {SOURCE_SCHEMA} to pipeline")
