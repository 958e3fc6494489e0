"""A warehouse of its own for a test or a module, in which marts are built.

A build takes seconds, so many cases share one.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2.extras import RealDictCursor

from arrears.dbt_build import BuildResult, build
from arrears.services.postgres import admin_connection, create_database
from arrears.settings import PROJECT_ROOT, Settings

DELINQUENCY = (
    "+tag:per_loan +loan_delinquency_on +fct_loan_delinquency +fct_delinquency_history +delinquency_tier"
    " int_customers__data_hold"
)
"""The models of delinquency and all they need: what these tests build."""
_in_use: set[str] = set()
"""Databases of this process. A name is used again as soon as it is free: what dbt parsed is good for one name."""

Connection = psycopg2.extensions.connection


class Warehouse:
    """A warehouse of its own, with what tests do to it."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.settings = settings
        self.connection = connection

    def build(self, as_of: date, *, select: str = DELINQUENCY, passes: bool = True, **options: Any) -> BuildResult:
        """Build and, unless told otherwise, let the gate on the marts pass it."""
        result = build(self.settings, as_of=as_of, select=select, **options)
        if passes:
            self.execute("update ops.mart_build set state = 'passed' where build_id = %s", result.build_id)
        return result

    def wait_for_others_to_leave(self) -> None:
        """Until the database has noticed that a killed build is gone."""
        others = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        deadline = time.monotonic() + 120
        while self.rows(others):
            assert time.monotonic() < deadline, "the connections of a killed build are still there"
            time.sleep(0.2)

    def execute(self, statement: str, *parameters: Any) -> None:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with self.connection, self.connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement, parameters)
            return [dict(row) for row in cursor.fetchall()]

    def position(self, loan_id: str, on: date) -> dict[str, Any]:
        """The loan on a day, by `loan_delinquency_on`; empty when it does not exist then."""
        rows = self.rows("select * from marts.loan_delinquency_on(%s) where loan_id = %s", on, loan_id)
        return rows[0] if rows else {}


@contextmanager
def quick_builds() -> Iterator[None]:
    """For tests that build many times: dbt parses the project once, and leaves out the data tests.

    What it parsed is good for one set of policy packs; the results have to be compared by the test itself.
    """
    import dbt.cli.main

    class Runner(dbt.cli.main.dbtRunner):  # type: ignore[misc]
        parsed: ClassVar[Any] = None

        def invoke(self, args: list[str], **options: Any) -> Any:
            common = args[1 : args.index("--exclude-resource-type")]
            if Runner.parsed is None:
                variables = args.index("--vars")
                Runner.parsed = super().invoke(["parse", *common, *args[variables : variables + 2]]).result
            self.manifest = Runner.parsed
            # Without tests dbt need not search the ancestors of all models for those that could run.
            args = ["empty" if argument == "buildable" else argument for argument in args]
            return super().invoke([*args, "--exclude-resource-type", "test", "--log-level-file", "none"], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt.cli.main, "dbtRunner", Runner)
        yield


@contextmanager
def new_warehouse(server: Settings, **changes: Any) -> Iterator[Warehouse]:
    names = (f"warehouse_dbt_{number}" for number in count())
    name = next(name for name in names if name not in _in_use)
    settings = server.model_copy(update={"warehouse_database": name} | changes)
    with closing(admin_connection(server, "postgres")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor, _reserved(name):
            cursor.execute(f"drop database if exists {name} with (force)")
            create_database(cursor, name, "pipeline", template=server.warehouse_database)
            with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
                yield Warehouse(settings, connection)
            cursor.execute(f"drop database if exists {name} with (force)")


@contextmanager
def _reserved(name: str) -> Iterator[None]:
    _in_use.add(name)
    try:
        yield
    finally:
        _in_use.remove(name)


def policy_pack(directory: Path, **lines: list[str]) -> Path:
    """Fill a directory with the shipped packs, and add lines to the seeds that are named."""
    shutil.copytree(PROJECT_ROOT / "dbt_project" / "seeds" / "policy", directory, dirs_exist_ok=True)
    for seed, added in lines.items():
        path = directory / f"{seed}.csv"
        path.write_text(path.read_text() + "".join(f"{line}\n" for line in added))
    return directory
