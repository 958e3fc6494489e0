"""A warehouse of its own for a test or a module, in which marts are built.

A build takes seconds, so many cases share one.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2.extras import RealDictCursor

from arrears.dbt_build import CHECKED_BEFORE, BuildResult, build
from arrears.services.postgres import admin_connection, create_database
from arrears.settings import PROJECT_ROOT, Settings

DELINQUENCY = (
    "+tag:per_loan +loan_delinquency_on +fct_loan_delinquency +fct_delinquency_history +delinquency_tier"
    " int_customers__data_hold"
)
"""The models of delinquency and all they need: what these tests build."""
_in_use: set[str] = set()
"""Databases of this process. A name is used again as soon as it is free: what dbt parsed is good for one name."""

_parsed: dict[str, Any] = {}
_seeded: dict[str, set[str]] = {}
"""By database: which seeds are there, by their bytes and by what was selected with them."""
_runs_data_tests = True
_verb = "build"
"""What dbt is asked to do."""
OF_ONE_BUILD = {
    *("ARREARS_AS_OF", "ARREARS_BUILD_ID", "ARREARS_KNOWN_AT", "ARREARS_RULES"),
    *("ARREARS_POLICY_VERSION", "ARREARS_POLICY_DIR"),
}
"""What dbt reads when it makes SQL, or not at all: another value is no reason to parse the project again."""

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

    def red(self, as_of: date, tests: Iterable[str]) -> set[str]:
        """Those of dbt's tests that fail: all of them, where a build would skip what follows from the first."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("marts_warehouse._verb", "test")
            patch.setattr("arrears.dbt_build._read_outcome", _failures)
            return set(self.build(as_of, select=" ".join(tests), passes=False).failures)

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

    def approve(self, as_of: date, customer_id: str, approver: str, verdict: bool = True) -> None:
        """What somebody says of a referral to a lawyer, in the first generation."""
        self.execute(
            "insert into ops.legal_approval (generation, as_of, customer_id, currency, approver, is_approved)"
            " values (1, %s, %s, 'CNY', %s, %s)",
            as_of,
            customer_id,
            approver,
            verdict,
        )

    def position(self, loan_id: str, on: date) -> dict[str, Any]:
        """The loan on a day, by `loan_delinquency_on`; empty when it does not exist then."""
        rows = self.rows("select * from marts.loan_delinquency_on(%s) where loan_id = %s", on, loan_id)
        return rows[0] if rows else {}


def _failures(outcome: Any) -> tuple[dict[str, int], tuple[str, ...]]:
    return {}, tuple(each.node.name for each in outcome.result.results if str(each.status) == "fail")


@contextmanager
def quick_builds() -> Iterator[None]:
    """For tests that build many times: dbt leaves out its data tests, so the test itself has to look at the results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marts_warehouse._runs_data_tests", False)
        yield


def own_runner() -> Any:
    """dbt's own class, whatever warehouses are open."""
    import dbt.cli.main

    return next(each for each in dbt.cli.main.dbtRunner.__mro__ if each.__module__ == "dbt.cli.main")


@contextmanager
def _parsed_once() -> Iterator[None]:
    """dbt parses the project once for all builds of a database by the same packs and settings: the files stay."""
    import dbt.cli.main

    class Runner(own_runner()):  # type: ignore[misc]
        def invoke(self, args: list[str], **options: Any) -> Any:
            if args[0] != "build":
                return super().invoke(args, **options)
            common = args[1 : args.index("--exclude-resource-type")]
            parse = ["parse", *common]
            environment = {
                name: value
                for name, value in os.environ.items()
                if name.startswith("ARREARS_") and name not in OF_ONE_BUILD
            }
            # Rows of seeds are read when they are loaded, so packs may change; other files are another project.
            seeds = sorted(path.name for path in _seeds(args))
            key = (parse, environment, seeds)
            if _parsed.get("key") != key:
                _parsed.update(key=key, manifest=super().invoke(parse).result)
            self.manifest = _parsed["manifest"]
            if not _runs_data_tests:
                # Without tests dbt need not search for those that could run, nor for those that are left out.
                args = ["empty" if argument == "buildable" else argument for argument in args]
                left_out = args.index("--exclude")
                del args[left_out : left_out + 1 + len(CHECKED_BEFORE)]
                args += ["--exclude-resource-type", "test"]
                return self._without_known_seeds(args, options)
            return super().invoke([_verb, *args[1:]], **options)

        def _without_known_seeds(self, args: list[str], options: dict[str, Any]) -> Any:
            """A seed takes as long as a model: those that a build before brought need not be brought again."""
            content = [f"{path.name} {path.read_text()}" for path in sorted(_seeds(args))]
            known = _seeded.setdefault(os.environ["ARREARS_WAREHOUSE_DATABASE"], set())
            key = str((content, args[args.index("--select") :] if "--select" in args else "all"))
            is_apart = bool(os.environ.get("ARREARS_SCHEMA_PREFIX"))
            if key in known and not is_apart:
                args = [*args, "--exclude-resource-type", "seed"]
            outcome = super().invoke([_verb, *args[1:]], **options)
            if outcome.success and not is_apart:
                known.add(key)
            return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt.cli.main, "dbtRunner", Runner)
        yield


def _seeds(args: list[str]) -> Iterator[Path]:
    return (Path(args[args.index("--project-dir") + 1]) / "seeds").rglob("*.csv")


@contextmanager
def new_warehouse(server: Settings, **changes: Any) -> Iterator[Warehouse]:
    names = (f"warehouse_dbt_{number}" for number in count())
    name = next(name for name in names if name not in _in_use)
    settings = server.model_copy(update={"warehouse_database": name} | changes)
    with closing(admin_connection(server, "postgres")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor, _reserved(name), _parsed_once():
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
        _seeded.pop(name, None)


def policy_pack(directory: Path, **lines: list[str]) -> Path:
    """Fill a directory with the shipped packs, and add lines to the seeds that are named."""
    shutil.copytree(PROJECT_ROOT / "dbt_project" / "seeds" / "policy", directory, dirs_exist_ok=True)
    for seed, added in lines.items():
        path = directory / f"{seed}.csv"
        path.write_text(path.read_text() + "".join(f"{line}\n" for line in added))
    return directory
