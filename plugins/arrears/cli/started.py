"""What a command works on: started where it does not run yet."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.cli.terminal import console
from arrears.settings import Settings


@contextmanager
def started_warehouse(settings: Settings) -> Iterator[Connection]:
    """A connection to the warehouse as the pipeline."""
    # Imported late: a command that only prints its help need not read what starts services.
    from arrears.services.stack import start_databases

    with console.status("Starting PostgreSQL"):
        start_databases(settings)
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        yield warehouse
