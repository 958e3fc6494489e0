"""The world in which things go wrong, once for all tests; and which of the many cases a usual run takes.

`FAULTS=all` (`make test-faults`) runs every case; otherwise a sample is drawn, by `FAULTS_SEED`.
"""

import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from delivery_day import Day
from ports import free_port
from postgres_server import serving
from world import ALL, SEED, World, prepare_processes

from arrears.services import sftp as sftp_service
from arrears.services.airflow import airflow_environment, create_secrets
from arrears.services.openpgp_keys import create_openpgp_keys
from arrears.services.processes import Daemon
from arrears.settings import Settings

HERE = Path(__file__).parent
SAMPLE = 1
"""So many cases of each test that has more are run without `FAULTS=all`."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if ALL:
        return
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.path.is_relative_to(HERE):
            groups.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = [item for group in groups.values() for item in _left_out(group)]
    config.hook.pytest_deselected(items=left_out)
    names = {item.nodeid for item in left_out}
    items[:] = [item for item in items if item.nodeid not in names]


def _left_out(group: list[pytest.Item]) -> list[pytest.Item]:
    if any(item.get_closest_marker("all_faults") for item in group):
        return group
    kept = random.Random(f"{SEED} {group[0].name}").sample(group, min(SAMPLE, len(group)))
    return [item for item in group if item not in kept]


@pytest.fixture(scope="session")
def ruins(server: Settings) -> Iterator[World]:
    """The world, kept for all tests; each begins a day of its own. Its database goes down too: nobody else uses it."""
    changes = {
        "home": Path(tempfile.mkdtemp(prefix="arrears-test-")),
        "postgres_port": free_port(),
        "sftp_port": free_port(),
        "airflow_port": free_port(),
    }
    settings = server.model_copy(update=changes)
    with serving(settings):
        create_secrets(settings)
        sftp_service.create_sftp_keys(settings)
        create_openpgp_keys(settings)
        environment = airflow_environment(settings) | {"ARREARS_FOLLOW_CLOCK": "false"}
        daemon = Daemon("faulty SFTP server", settings.home / "run/faulty.pid", settings.home / "logs/faulty.log")
        with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
            day = Day(warehouse, settings)
            day.create_tables()
            world = World(settings, day, daemon, environment)
            world.start_server()
            prepare_processes(environment)
            yield world
            world.stop_server()


@pytest.fixture
def world(ruins: World) -> World:
    """A day on which two people are to get an SMS."""
    ruins.begin("C1", "C2")
    return ruins
