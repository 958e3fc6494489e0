"""The embedded SFTP server as the vendors' side of a delivery."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vendor_servers import server_of

from arrears.hooks.vendor_sftp import VendorSftp
from arrears.services import sftp as sftp_service
from arrears.settings import Settings

Connect = Callable[[str], VendorSftp]


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
