"""A vendor's SFTP server: host key pinned, key authentication only, transfers in bounded pieces.

It speaks paramiko, which Airflow's SFTP provider brings, and reads the same Airflow connections. The provider's own
hook is not used: it tries a wrong key three times, as if that were a connection that is down.
"""

import hashlib
import io
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paramiko

from arrears.errors import ServiceError

CHUNK_BYTES = 256 * 1024
"""Transfers hold no more than this of a file in memory, the file's own bytes aside."""

_TIMEOUT_SECONDS = 15.0
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+", re.ASCII)

_NO_ANSWER = ("Authentication failed: transport shut down or saw EOF", "Authentication timeout.")
"""How paramiko, with the class that it has for a refused key, says that the server never answered about the key."""


class VendorConnectionError(ServiceError):
    """The vendor's server is down, slow or full, or the line broke: trying later can help."""


class VendorAccessError(ServiceError):
    """The vendor's server is another than the pinned one, or refuses our key: trying again cannot help."""


@dataclass(frozen=True)
class VendorServer:
    """Where a vendor's server is and how it knows us."""

    vendor: str
    """Names the server in messages."""
    host: str
    port: int
    username: str
    host_key: str
    """The server's public key as `ssh-ed25519 AAAA…`: no other is talked to."""
    key_file: Path | None = None
    private_key: str | None = None
    """Our private key, as a file or as text; exactly one of the two."""


class _Message(paramiko.Message):  # type: ignore[misc]
    """An answer in which text need not be UTF-8: a name that is not is told as Python tells one of its own disk."""

    def get_text(self) -> str:
        text: bytes = self.get_string()
        return text.decode(errors="surrogateescape")


class _Session(paramiko.SFTPClient):  # type: ignore[misc]
    """Lists, reads and renames files whatever bytes their names are made of."""

    def _request(self, *arguments: Any) -> tuple[int, paramiko.Message | None]:
        kind, answer = super()._request(*arguments)
        return kind, answer and _Message(answer.get_remainder())

    def _convert_status(self, answer: paramiko.Message) -> None:
        super()._convert_status(_Message(answer.get_remainder()))

    def _adjust_cwd(self, path: str) -> bytes:
        adjusted: bytes = super()._adjust_cwd(path.encode(errors="surrogateescape"))
        return adjusted


class VendorSftp:
    """A session with a vendor's server; use it with `with`."""

    def __init__(self, server: VendorServer) -> None:
        self.server = server
        self._client: paramiko.SSHClient | None = None
        self._session: paramiko.SFTPClient | None = None

    @classmethod
    def from_connection(cls, connection_id: str) -> Self:
        """The server of an Airflow connection: type `sftp`, extra `host_key` and `key_file` or `private_key`.

        Raises:
            VendorAccessError: the connection pins no host key, switches its check off, or brings no key.
        """
        from airflow.sdk import BaseHook

        return cls(_server_of(BaseHook.get_connection(connection_id)))

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            VendorAccessError: wrong host key or client key.
            VendorConnectionError: no connection.
        """
        server = self.server
        client = paramiko.SSHClient()
        with self._errors("connect"):
            try:
                pinned = _pinned(server)
                client.get_host_keys().add(_host_name(server), pinned.get_name(), pinned)
                client.set_missing_host_key_policy(_NoOtherKey())
                client.connect(
                    server.host,
                    port=server.port,
                    username=server.username,
                    pkey=_private_key(server),
                    look_for_keys=False,
                    allow_agent=False,
                    timeout=_TIMEOUT_SECONDS,
                    banner_timeout=_TIMEOUT_SECONDS,
                    auth_timeout=_TIMEOUT_SECONDS,
                )
                self._session = _Session.from_transport(client.get_transport())
                channel = self._session.get_channel()
                if channel is not None:
                    channel.settimeout(_TIMEOUT_SECONDS)
            except BaseException:
                client.close()
                raise
        self._client = client
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._session = None

    def put(self, path: str, content: bytes) -> None:
        """Write a file, replacing what is there."""
        with self._errors("write", path), self._sftp.open(path, "wb") as file:
            file.set_pipelined(True)
            for start in range(0, len(content), CHUNK_BYTES):
                file.write(content[start : start + CHUNK_BYTES])

    def posix_rename(self, old: str, new: str) -> None:
        """Rename in one step; what was at the new name is gone.

        A server without OpenSSH's extension renames as the standard says: not over a file that is there.
        """
        with self._errors("rename", old):
            try:
                self._sftp.posix_rename(old, new)
            except OSError as error:
                # paramiko keeps no code of this answer, only its text: "unsupported", "not supported".
                if error.errno is not None or "support" not in str(error).lower():
                    raise
                self._sftp.rename(old, new)

    def exists(self, path: str) -> bool:
        return self.size(path) is not None

    def size(self, path: str) -> int | None:
        """The file's size in bytes; None when there is none."""
        with self._errors("look at", path):
            try:
                size: int | None = self._sftp.stat(path).st_size
                return size
            except FileNotFoundError:
                return None

    def read(self, path: str) -> Iterator[bytes]:
        """The file's content in pieces of at most `CHUNK_BYTES`."""
        with self._errors("read", path), self._sftp.open(path, "rb") as file:
            file.prefetch(file.stat().st_size or 0, max_concurrent_requests=16)
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def sha256(self, path: str) -> str:
        """The hash of the file as it lies on the server, read back whole."""
        digest = hashlib.sha256()
        for chunk in self.read(path):
            digest.update(chunk)
        return digest.hexdigest()

    def list(self, path: str) -> list[str]:
        """The names of the files (not directories) in a directory, sorted; empty when there is no such directory."""
        return sorted(self.sizes(path))

    def sizes(self, path: str) -> dict[str, int]:
        """The files of a directory with their sizes, in one question."""
        with self._errors("list", path):
            try:
                entries = self._sftp.listdir_attr(path)
            except FileNotFoundError:
                return {}
        return {entry.filename: entry.st_size or 0 for entry in entries if not stat.S_ISDIR(entry.st_mode or 0)}

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""
        with self._errors("remove", path):
            try:
                self._sftp.remove(path)
            except FileNotFoundError:
                return

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it; what is there is fine."""
        built = ""
        for part in [part for part in path.split("/") if part]:
            built += f"/{part}" if built or path.startswith("/") else part
            with self._errors("make the directory", built):
                try:
                    self._sftp.mkdir(built)
                except OSError:
                    # Servers answer "it exists" with no more than "failure".
                    if not stat.S_ISDIR(self._sftp.stat(built).st_mode or 0):
                        raise

    @property
    def _sftp(self) -> paramiko.SFTPClient:
        if self._session is None:
            raise VendorConnectionError(f"vendor {self.server.vendor}: the session is not open")
        return self._session

    @contextmanager
    def _errors(self, doing: str, path: str = "") -> Iterator[None]:
        """Sort what goes wrong into what another try can mend and what it cannot.

        Of what goes wrong with a file only the kind is told, not even as a cause: a server may say anything.
        """
        doing = f"{doing} {_shown(path)}" if path else doing
        where = f"vendor {self.server.vendor} ({self.server.host}:{self.server.port})"
        try:
            yield
        except paramiko.BadHostKeyException as error:
            raise VendorAccessError(
                f"{where}: expected the pinned host key, found another one ({error.key.get_name()}); nothing was sent. "
                "Ask the vendor whether it changed its key before you change the connection"
            ) from error
        except paramiko.AuthenticationException as error:
            if str(error) in _NO_ANSWER:
                raise VendorConnectionError(f"{where}: the line broke while it looked at our key") from error
            raise VendorAccessError(f"{where} refuses our key for user {self.server.username}") from error
        except PermissionError:
            raise VendorAccessError(f"{where}: no permission to {doing}") from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            said = "" if path else f": {error}"
            raise VendorConnectionError(f"{where}: could not {doing}: {type(error).__name__}{said}") from None


def _shown(path: str) -> str:
    """The path as it may be told: a vendor may name its files after people."""
    return path if _PLAIN_PATH.fullmatch(path) else f"a file in {path.rpartition('/')[0]}"


def _server_of(connection: Any) -> VendorServer:
    extra = connection.extra_dejson
    problems = []
    if not extra.get("host_key"):
        problems.append("extra `host_key` is missing")
    if str(extra.get("no_host_key_check", "false")).lower() != "false":
        problems.append("extra `no_host_key_check` must be false")
    if bool(extra.get("key_file")) == bool(extra.get("private_key")):
        problems.append("exactly one of the extras `key_file` and `private_key` is needed")
    if connection.password:
        problems.append("passwords are not used: remove it")
    if problems:
        raise VendorAccessError(f"Airflow connection {connection.conn_id}: " + "; ".join(problems))
    return VendorServer(
        vendor=connection.conn_id.removeprefix("vendor_"),
        host=connection.host,
        port=connection.port or 22,
        username=connection.login,
        host_key=extra["host_key"],
        key_file=Path(extra["key_file"]) if extra.get("key_file") else None,
        private_key=extra.get("private_key"),
    )


def _host_name(server: VendorServer) -> str:
    return server.host if server.port == 22 else f"[{server.host}]:{server.port}"


def _pinned(server: VendorServer) -> paramiko.PKey:
    def load() -> paramiko.PKey:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{_host_name(server)} {server.host_key}")
        if entry is None:
            raise ValueError("not a public key")
        return entry.key

    return _load("pinned host key", server, load)


class _NoOtherKey(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """A key of another kind than the pinned one is a wrong key too."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise paramiko.BadHostKeyException(hostname, key, key)


def _private_key(server: VendorServer) -> paramiko.PKey:
    def load() -> paramiko.PKey:
        text = server.private_key if server.private_key is not None else Path(str(server.key_file)).read_text()
        errors = []
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return kind.from_private_key(io.StringIO(text))
            except paramiko.SSHException as error:
                errors.append(error)
        raise errors[0]

    return _load("private key", server, load)


def _load(what: str, server: VendorServer, load: Callable[[], paramiko.PKey]) -> paramiko.PKey:
    try:
        return load()
    except (ValueError, OSError, paramiko.SSHException) as error:
        raise VendorAccessError(f"vendor {server.vendor}: the {what} cannot be read: {type(error).__name__}") from error
