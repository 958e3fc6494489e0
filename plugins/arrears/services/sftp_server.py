"""The demo vendors' SFTP server, as a process: `python -m arrears.services.sftp_server`.

Each vendor is a user who may log in with one key and sees `home/vendors/<vendor>` as the root, nothing else. There is
no shell, no forwarding, no password and no link to follow out of that directory.
"""

import asyncio
import logging
import signal

import asyncssh

from arrears.services import sftp
from arrears.services.openpgp_keys import create_openpgp_keys
from arrears.services.vendors import vendor_codes
from arrears.settings import Settings, get_settings

log = logging.getLogger("arrears.sftp")


class Login(asyncssh.SSHServer):
    """Lets a known vendor in with its own key, and nobody else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        if username in vendor_codes():
            keys = asyncssh.import_authorized_keys(sftp.client_public_key(self._settings, username))
            self._connection.set_authorized_keys(keys)
        return True

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False


class VendorDirectory(asyncssh.SFTPServer):
    """One session: the vendor's directory as the root, without links."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], settings: Settings) -> None:
        vendor = channel.get_extra_info("username")
        super().__init__(channel, chroot=str(sftp.vendor_directory(settings, vendor)).encode())

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("links are not allowed here")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("links are not allowed here")


async def serve(settings: Settings, directory: type[VendorDirectory] = VendorDirectory) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        directory: What a session sees and may do.
    """
    create_openpgp_keys(settings)
    sftp.create_vendor_directories(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    server = await asyncssh.listen(
        settings.sftp_host,
        settings.sftp_port,
        server_factory=lambda: Login(settings),
        server_host_keys=[str(sftp.host_key_file(settings))],
        sftp_factory=lambda channel: directory(channel, settings),
        allow_scp=False,
        agent_forwarding=False,
        keepalive_interval=30,
    )
    log.info("serving %s vendors on %s:%s", len(vendor_codes()), settings.sftp_host, settings.sftp_port)
    async with server:
        await stopped.wait()
    log.info("stopped")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    asyncio.run(serve(get_settings()))


if __name__ == "__main__":
    main()
