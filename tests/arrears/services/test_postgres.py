"""The embedded PostgreSQL starts for anyone, twice, and says clearly why it cannot."""

import os
import socket
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from arrears.errors import ServiceError
from arrears.services import postgres
from arrears.services.postgres import PostgresService
from arrears.settings import Settings, get_settings

pytestmark = pytest.mark.postgres


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, unused_port: int) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory() as home:
        monkeypatch.setenv("ARREARS_HOME", home)
        monkeypatch.setenv("ARREARS_POSTGRES_PORT", str(unused_port))
        settings = get_settings()
        yield settings
        PostgresService(settings).stop()


def can_connect(settings: Settings) -> bool:
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
        return not connection.closed


def test_starting_and_stopping_twice(settings: Settings) -> None:
    service = PostgresService(settings)
    service.start()
    service.start()
    assert can_connect(settings)
    service.stop()
    service.stop()
    assert not service.is_running()


def test_a_leftover_of_a_killed_server_does_no_harm(settings: Settings) -> None:
    service = PostgresService(settings)
    service.start()
    pid_file = service.data / "postmaster.pid"
    leftover = pid_file.read_text()
    service.stop()
    pid_file.write_text(leftover.replace(leftover.split()[0], "999999", 1))
    service.start()
    assert can_connect(settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_namespaces_runs_it_as_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "can_unshare", lambda: False)
    settings.home.chmod(0o755)
    PostgresService(settings).start()
    assert can_connect(settings)
    assert (settings.home / "postgres").stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_a_place_that_nobody_can_enter_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "can_unshare", lambda: False)
    settings.home.chmod(0o700)
    with pytest.raises(ServiceError, match=str(settings.home)):
        PostgresService(settings).start()


def test_a_taken_port_is_named(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind((settings.postgres_host, settings.postgres_port))
        other.listen()
        with pytest.raises(ServiceError, match="ARREARS_POSTGRES_PORT"):
            PostgresService(settings).start()


def test_a_full_disk_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(postgres.shutil, "disk_usage", lambda path: usage(10**12, 10**12, 5 * 10**8))
    with pytest.raises(ServiceError, match=r"0\.50 GB.*ARREARS_HOME"):
        PostgresService(settings).start()


def test_passwords_are_readable_by_their_owner_only(settings: Settings) -> None:
    postgres.create_secrets(settings)
    files = list((settings.home / "secrets").iterdir())
    assert {file.name for file in files} >= {f"postgres_{role}" for role in postgres.ROLES}
    assert all(Path(file).stat().st_mode & 0o077 == 0 for file in files)
