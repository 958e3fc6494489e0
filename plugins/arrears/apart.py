"""What is built apart from what is published lies in schemas of its own, one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.dbt_build import BuildError

NOTHING_PUBLISHED = "no build of the marts has passed yet: run `arrears run --as-of DATE` first"


def schemas(prefix: str) -> tuple[str, ...]:
    """The schemas that `build_apart` writes to with this prefix."""
    return tuple(f"{prefix}{name}" for name in ("staging", "intermediate", "marts"))


@contextmanager
def alone(connection: Connection, lock: str, what: str) -> Iterator[None]:
    """One of a kind at a time. The lock falls with the connection.

    Raises:
        BuildError: another one is running.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext(%s))", (f"arrears.{lock}",))
        if cursor.fetchone() != (True,):
            raise BuildError(f"another {what} is running: wait for it to end, then run this again")
    yield


def drop_schemas(connection: Connection, prefix: str) -> None:
    """Drop all that was built with a prefix. Commits."""
    with connection, connection.cursor() as cursor:
        for schema in schemas(prefix):
            cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def create_schemas(connection: Connection, prefix: str) -> None:
    """The schemas of a prefix, empty, whatever lay there before. Commits."""
    drop_schemas(connection, prefix)
    with connection, connection.cursor() as cursor:
        for schema in schemas(prefix):
            cursor.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
