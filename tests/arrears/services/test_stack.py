"""The services together."""

import os
from contextlib import closing

import psycopg2
import pytest

from arrears.errors import ServiceError
from arrears.services.airflow import AirflowService
from arrears.services.stack import start_all, start_databases
from arrears.settings import Settings
from arrears.warehouse import migrate

pytestmark = pytest.mark.postgres


def test_what_died_is_started_again_beside_tasks_that_run(
    databases: Settings, warehouse: psycopg2.extensions.connection
) -> None:
    migrate(warehouse)
    scheduler = AirflowService(databases).daemons()["scheduler"]
    with closing(psycopg2.connect(databases.dsn("warehouse", "pipeline"))) as task, task.cursor() as reading:
        reading.execute("select from ops.mart_build")
        try:
            _run(warehouse, "alter role current_user set lock_timeout = '2s'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                next(start_all(databases))

            scheduler.start(["sleep", "60"], os.environ)
            assert next(start_all(databases)) == "PostgreSQL"
            start_databases(databases)

            # Another version of the code would have to set it up anew, and wait for the task.
            _run(warehouse, "update ops.set_up set code_sha256 = 'other'")
            for start in (lambda: next(start_all(databases)), lambda: start_databases(databases)):
                with pytest.raises(ServiceError, match=r"another version of the code .* `arrears down`"):
                    start()
        finally:
            scheduler.stop()
            _run(warehouse, "alter role current_user reset lock_timeout")


def _run(warehouse: psycopg2.extensions.connection, statement: str) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement)
