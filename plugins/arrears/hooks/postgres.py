"""Connections to the source and the warehouse, from Airflow's connections."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import psycopg2.extensions


@contextmanager
def connect(conn_id: str) -> Iterator[psycopg2.extensions.connection]:
    """An open psycopg2 connection by Airflow connection id, closed at the end; the caller commits.

    Airflow's own hook hands out psycopg 3 where that is installed; the COPY streams are written for psycopg2.
    """
    from airflow.sdk import BaseHook

    details = BaseHook.get_connection(conn_id)
    with closing(
        psycopg2.connect(
            host=details.host,
            port=details.port or 5432,
            user=details.login,
            password=details.password,
            dbname=details.schema,
            application_name="arrears",
            # What a vendor was told must be known to a database that crashed and came back, however lazy it is set.
            options="-c synchronous_commit=on",
        )
    ) as connection:
        yield connection


def place(conn_id: str) -> tuple[str, str]:
    """Where an Airflow connection leads: `host:port`, and the database."""
    from airflow.sdk import BaseHook

    details = BaseHook.get_connection(conn_id)
    return f"{details.host}:{details.port or 5432}", str(details.schema)
