"""Changing the keys of an SFTP connection as `docs/keys.md` says: what is refused meanwhile, what goes on after."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ports import free_port
from vendor_servers import server_of

from arrears.hooks.vendor_sftp import VendorAccessError, VendorServer, VendorSftp
from arrears.services import sftp as service
from arrears.services.sftp import SftpService
from arrears.settings import Settings

pytestmark = pytest.mark.sftp
VENDOR = "demo_law"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[SftpService]:
    running = SftpService(Settings(home=tmp_path, sftp_port=free_port()))
    running.start()
    yield running
    running.stop()


def connection(settings: Settings) -> VendorServer:
    """As the operator sets it up, from what the vendor announced; the key as text, as a secrets backend gives it."""
    server = server_of(settings, VENDOR)
    return replace(server, key_file=None, private_key=service.client_key_file(settings, VENDOR).read_text())


def deliver(server: VendorServer, name: str) -> None:
    with VendorSftp(server) as sftp:
        sftp.put(f"/outbound/{name}", b"a list")


def files(settings: Settings) -> set[str]:
    return {path.name for path in (service.vendor_directory(settings, VENDOR) / "outbound").iterdir()}


def test_both_keys_of_a_connection_can_be_changed(running: SftpService) -> None:
    settings = running.settings
    before = connection(settings)
    deliver(before, "first")

    # Our client key: the vendor took the new one and dropped the old one.
    service.client_key_file(settings, VENDOR).unlink()
    service.create_sftp_keys(settings)
    with pytest.raises(VendorAccessError, match="refuses our key"):
        deliver(before, "with the old client key")
    changed = connection(settings)
    deliver(changed, "second")

    # The server's host key: until the connection says so, nobody talks to it.
    running.stop()
    service.host_key_file(settings).unlink()
    running.start()
    with pytest.raises(VendorAccessError, match="expected the pinned host key"):
        deliver(changed, "to another host key")
    deliver(replace(changed, host_key=service.host_key_line(settings)), "third")

    assert files(settings) == {"first", "second", "third"}


def test_a_key_that_openssh_made_is_one_that_we_read(running: SftpService, tmp_path: Path) -> None:
    made = tmp_path / "vendor_demo_law"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made)], check=True)
    service.client_key_file(running.settings, VENDOR).write_bytes(made.read_bytes())

    deliver(replace(connection(running.settings), private_key=made.read_text()), "list")

    assert files(running.settings) == {"list"}
