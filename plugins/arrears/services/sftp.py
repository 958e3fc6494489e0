"""The embedded SFTP server of the demo's vendors, its keys, and the process that plays the vendors."""

import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arrears.services import openpgp_keys
from arrears.services.files import write_once
from arrears.services.processes import Daemon, require_free_port, wait_for_port
from arrears.services.vendors import configured, vendor_codes
from arrears.settings import Settings


class SftpService:
    """Starts and stops the vendors' SFTP server; every call is idempotent.

    With `play`, a second process plays the vendors: it takes the lists, acknowledges them and writes results. Stopping
    ends both, whoever started them.
    """

    def __init__(self, settings: Settings, *, play: bool = False) -> None:
        self.settings = settings
        self.play = play
        self._server = self._daemon("SFTP server", "sftp")
        self._players = self._daemon("played vendors", "vendors")

    def start(self) -> None:
        """Make keys and directories on first use, and start what is not running; return when it accepts connections.

        Raises:
            ServiceError: the port is taken, or the server ended at once.
        """
        host, port = self.settings.sftp_host, self.settings.sftp_port
        create_sftp_keys(self.settings)
        openpgp_keys.create_openpgp_keys(self.settings)
        create_vendor_directories(self.settings)
        if self._server.pid() is None:
            require_free_port("SFTP", host, port, "ARREARS_SFTP_PORT")
            self._server.start([sys.executable, "-m", "arrears.services.sftp_server"], self._environment())
        wait_for_port(self._server, host, port, timeout=30)
        if self.play:
            self._players.start([sys.executable, "-m", "arrears.simulator.vendors"], self._environment())

    def stop(self) -> None:
        """Stop the played vendors and the server; open sessions are ended."""
        self._players.stop()
        self._server.stop()

    def is_running(self) -> bool:
        """Whether the server, and with `play` the played vendors, are running."""
        return self._server.pid() is not None and (not self.play or self._players.pid() is not None)

    def _daemon(self, name: str, file_name: str) -> Daemon:
        home = self.settings.home
        return Daemon(name, home / "run" / f"{file_name}.pid", home / "logs" / f"{file_name}.log")

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ARREARS_HOME": str(self.settings.home),
            "ARREARS_SFTP_HOST": self.settings.sftp_host,
            "ARREARS_SFTP_PORT": str(self.settings.sftp_port),
            "ARREARS_BANK_TIME_ZONE": self.settings.bank_time_zone,
            "ARREARS_POSTGRES_HOST": self.settings.postgres_host,
            "ARREARS_POSTGRES_PORT": str(self.settings.postgres_port),
            "ARREARS_CORE_BANKING_DATABASE": self.settings.core_banking_database,
        }


def connections(settings: Settings) -> dict[str, dict[str, object]]:
    """Airflow connections of the demo's vendors, by connection id: key authentication, host key pinned."""
    return {
        vendor.connection_id: {
            "conn_type": "sftp",
            "host": settings.sftp_host,
            "port": settings.sftp_port,
            "login": vendor.code,
            "extra": {
                "key_file": str(client_key_file(settings, vendor.code)),
                "host_key": host_key_line(settings),
                "no_host_key_check": False,
                "conn_timeout": 10,
            },
        }
        for vendor in configured()
    }


def vendor_directory(settings: Settings, vendor: str) -> Path:
    """What the vendor's user sees as `/`."""
    return settings.home / "vendors" / vendor


def create_vendor_directories(settings: Settings) -> None:
    """Make `outbound/` (from the bank) and `inbound/` (to the bank) of each vendor where they are missing."""
    for vendor in vendor_codes():
        for name in ("outbound", "inbound"):
            (vendor_directory(settings, vendor) / name).mkdir(parents=True, exist_ok=True)


def create_sftp_keys(settings: Settings) -> None:
    """Make the server's host key and one client key a vendor, once, readable by their owner only.

    Two set-ups at once agree: the first key that is complete stays.
    """
    (settings.home / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (host_key_file(settings), *(client_key_file(settings, vendor) for vendor in vendor_codes())):
        if not path.exists():
            write_once(path, _new_key())


def host_key_file(settings: Settings) -> Path:
    return settings.home / "secrets" / "sftp_host_key"


def client_key_file(settings: Settings, vendor: str) -> Path:
    """The private key with which the bank logs in at this vendor."""
    return settings.home / "secrets" / f"sftp_client_{vendor}"


def host_key_line(settings: Settings) -> str:
    """The server's public key as `ssh-ed25519 AAAA…`: what clients pin."""
    return _public_line(host_key_file(settings))


def client_public_key(settings: Settings, vendor: str) -> str:
    """The public half of the vendor's client key, as a line of `authorized_keys`."""
    return _public_line(client_key_file(settings, vendor))


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )


def _public_line(private_key: Path) -> str:
    key = serialization.load_ssh_private_key(private_key.read_bytes(), password=None)
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return line.decode()
