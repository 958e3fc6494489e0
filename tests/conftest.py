"""Shared fixtures: one embedded PostgreSQL for the whole test session, a fresh pair of databases for each test.

Nothing here touches a running demo: the state directory, the ports and the databases are the tests' own.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from dbt_common.behavior_flags import BehaviorFlagRendered
from ports import free_port
from postgres_server import serving

from arrears.services.airflow import airflow_environment, create_secrets
from arrears.services.postgres import admin_connection, create_database
from arrears.services.sftp import create_sftp_keys
from arrears.settings import Settings, get_settings

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"


def pytest_configure() -> None:
    """At each start dbt reads the sources of the whole call stack to name the module of a flag: seconds in pytest."""
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")


LONGEST = (
    "test_sixty_days.py",
    "test_a_day.py",
    "test_bad_days.py",
    "test_decisions.py",
    "test_delinquency.py",
    "test_builds.py",
    "test_duckdb.py",
)
"""Files of minutes: begun last, one would run alone while the other worker has nothing to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first. Holds with pytest-xdist's `--no-loadscope-reorder`."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real loan tapes that lies beside the project; tests that need it skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real tapes are not at hand (looked in {REAL_DATA})")
    return REAL_DATA


@pytest.fixture
def unused_port() -> int:
    """A port for a service of this test."""
    return free_port()


@pytest.fixture(scope="session")
def server() -> Iterator[Settings]:
    """One PostgreSQL per test worker, with template databases that each test copies."""
    home = Path(tempfile.mkdtemp(prefix="arrears-test-"))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ARREARS_")]:
            patch.delenv(name)
        patch.setenv("ARREARS_HOME", str(home))
        patch.setenv("ARREARS_POSTGRES_PORT", str(free_port()))
        patch.setenv("ARREARS_SFTP_PORT", str(free_port()))
        patch.setenv("ARREARS_AIRFLOW_PORT", str(free_port()))
        settings = get_settings()
        with serving(settings):
            yield settings


@pytest.fixture(scope="session")
def airflow(server: Settings) -> Iterator[dict[str, str]]:
    """A migrated metadata database and Airflow's environment in this process, set before Airflow is imported."""
    create_secrets(server)
    create_sftp_keys(server)
    environment = airflow_environment(server) | {"ARREARS_FOLLOW_CLOCK": "false"}
    before = dict(os.environ)
    os.environ.update(environment)
    subprocess.run(["airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    yield environment
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def databases(server: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings that point at a source and a warehouse of this test's own, empty but set up."""
    names = {"core_banking": ("bank", "core_banking_of_test"), "warehouse": ("pipeline", "warehouse_of_test")}
    with closing(admin_connection(server, "postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for template, (owner, name) in names.items():
                cursor.execute(f"drop database if exists {name} with (force)")
                create_database(cursor, name, owner, template=template)
            for template, (_, name) in names.items():
                monkeypatch.setenv(f"ARREARS_{template.upper()}_DATABASE", name)
            yield get_settings()
            for _, name in names.values():
                cursor.execute(f"drop database if exists {name} with (force)")


@pytest.fixture
def core_banking(databases: Settings) -> Iterator[psycopg2.extensions.connection]:
    """A connection to this test's source, as the bank."""
    with closing(psycopg2.connect(databases.dsn("core_banking", "bank"))) as connection:
        yield connection


@pytest.fixture
def warehouse(databases: Settings) -> Iterator[psycopg2.extensions.connection]:
    """A connection to this test's warehouse, as the pipeline."""
    with closing(psycopg2.connect(databases.dsn("warehouse", "pipeline"))) as connection:
        yield connection
