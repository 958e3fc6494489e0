"""A day to deliver, and the embedded SFTP server as the vendors' side of it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from delivery_day import Day

from arrears.hooks.vendor_sftp import VendorServer, VendorSftp
from arrears.services import sftp as sftp_service
from arrears.services.postgres import admin_connection, create_database
from arrears.settings import Settings

Connect = Callable[[str], VendorSftp]


@pytest.fixture(scope="session")
def delivery_settings(server: Settings) -> Iterator[Settings]:
    """A warehouse with the tables and seeds that delivery reads, kept for all its tests; `day` empties it."""
    name = "warehouse_delivery"
    with closing(admin_connection(server, "postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            create_database(cursor, name, "pipeline", template="warehouse")
    settings = server.model_copy(update={"warehouse_database": name})
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        Day(warehouse, settings).create_tables()
    yield settings


@pytest.fixture
def day(delivery_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """The marts of a business date, with vendors and no decisions yet."""
    monkeypatch.setenv("ARREARS_WAREHOUSE_DATABASE", delivery_settings.warehouse_database)
    with closing(psycopg2.connect(delivery_settings.dsn("warehouse", "pipeline"))) as warehouse:
        day = Day(warehouse, delivery_settings)
        day.begin()
        yield day


@pytest.fixture(scope="session")
def sftp_server(server: Settings) -> Iterator[Settings]:
    """The vendors' SFTP server."""
    service = sftp_service.SftpService(server)
    service.start()
    yield server
    service.stop()


@pytest.fixture
def vendor_files(sftp_server: Settings) -> Iterator[Callable[[str], Path]]:
    """The vendors' directories as they see them, empty at the start of each test."""
    root = sftp_server.home / "vendors"
    for vendor in sftp_service.vendor_codes():
        for name in ("outbound", "inbound"):
            shutil.rmtree(root / vendor / name, ignore_errors=True)
            (root / vendor / name).mkdir(parents=True)
    yield lambda vendor: root / vendor


@pytest.fixture
def connect(sftp_server: Settings, vendor_files: Callable[[str], Path]) -> Connect:
    """A session (not yet open) with a vendor, as the bank."""
    return lambda vendor: VendorSftp(server_of(sftp_server, vendor))


def server_of(settings: Settings, vendor: str) -> VendorServer:
    return VendorServer(
        vendor=vendor,
        host=settings.sftp_host,
        port=settings.sftp_port,
        username=vendor,
        host_key=sftp_service.host_key_line(settings),
        key_file=sftp_service.client_key_file(settings, vendor),
    )
