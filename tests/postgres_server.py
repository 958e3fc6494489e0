"""An embedded PostgreSQL for tests, with the databases that each test copies."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from arrears.services.postgres import PostgresService, admin_connection
from arrears.settings import Settings
from arrears.source.load import create_source
from arrears.warehouse import migrate


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """Runs below the state directory of these settings, which is gone at the end."""
    service = PostgresService(settings)
    service.start()
    try:
        _do_without_safety(settings)
        with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as connection:
            create_source(connection)
        with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
            migrate(connection)
        yield
    finally:
        service.stop()
        shutil.rmtree(settings.home, ignore_errors=True)


def _do_without_safety(settings: Settings) -> None:
    """Creating and dropping databases waits for the disk many times; a test's data need not survive a power cut."""
    with closing(admin_connection(settings, "postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for option in ("fsync", "full_page_writes", "synchronous_commit"):
                cursor.execute(f"alter system set {option} = off")
            cursor.execute("select pg_reload_conf()")
