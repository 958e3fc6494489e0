"""The embedded SFTP server, used as a bank uses it: over the network, with pinned host key and one key a vendor."""

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import asyncssh
import pytest

from arrears.errors import ServiceError
from arrears.services import sftp
from arrears.services.sftp import SftpService
from arrears.settings import Settings

pytestmark = pytest.mark.sftp
T = TypeVar("T")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Settings(home=tmp_path_factory.mktemp("home"), sftp_port=port)


@pytest.fixture(scope="module")
def service(settings: Settings) -> Iterator[SftpService]:
    service = SftpService(settings)
    service.start()
    yield service
    service.stop()


def session(
    settings: Settings,
    work: Callable[[asyncssh.SFTPClient], Awaitable[T]],
    *,
    user: str = "demo_sms",
    key_of: str | None = None,
    host_key: str | None = None,
) -> T:
    """Log in as the bank does and do some work."""

    async def run() -> T:
        known_hosts = asyncssh.import_known_hosts(
            f"[{settings.sftp_host}]:{settings.sftp_port} {host_key or sftp.host_key_line(settings)}\n"
        )
        async with (
            asyncssh.connect(
                settings.sftp_host,
                settings.sftp_port,
                username=user,
                client_keys=[str(sftp.client_key_file(settings, key_of or user))],
                known_hosts=known_hosts,
                agent_path=None,
                config=None,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            return await work(client)

    return asyncio.run(run())


def test_a_vendor_sees_its_own_directory_as_the_root(service: SftpService, settings: Settings) -> None:
    assert {name for name in session(settings, lambda client: client.listdir("/")) if not name.startswith(".")} == {
        "outbound",
        "inbound",
    }


def test_keys_are_readable_by_their_owner_only(service: SftpService, settings: Settings) -> None:
    keys = [sftp.host_key_file(settings), *(sftp.client_key_file(settings, code) for code in sftp.vendor_codes())]

    assert len(keys) == 6
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert len({key.read_bytes() for key in keys}) == 6


def test_setting_up_again_keeps_every_key(service: SftpService, settings: Settings) -> None:
    before = sftp.host_key_line(settings), sftp.client_public_key(settings, "demo_law")

    sftp.create_sftp_keys(settings)

    assert (sftp.host_key_line(settings), sftp.client_public_key(settings, "demo_law")) == before
    assert before[0].startswith("ssh-ed25519 AAAA")
    assert [path.name for path in (settings.home / "secrets").iterdir() if path.name.startswith("tmp")] == []


@pytest.mark.parametrize(
    ("user", "key_of"),
    [("demo_sms", "demo_call"), ("root", "demo_sms"), ("../demo_call", "demo_sms")],
    ids=["another vendor's key", "a user of the machine", "a path for a user"],
)
def test_only_a_vendor_with_its_own_key_gets_in(
    service: SftpService, settings: Settings, user: str, key_of: str
) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        session(settings, lambda client: client.listdir("/"), user=user, key_of=key_of)


def test_a_client_notices_another_host_key(service: SftpService, settings: Settings) -> None:
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        session(
            settings,
            lambda client: client.listdir("/"),
            host_key=sftp.client_public_key(settings, "demo_sms"),
        )


def test_there_is_no_shell(service: SftpService, settings: Settings) -> None:
    async def run() -> None:
        async with asyncssh.connect(
            settings.sftp_host,
            settings.sftp_port,
            username="demo_sms",
            client_keys=[str(sftp.client_key_file(settings, "demo_sms"))],
            known_hosts=None,
            config=None,
        ) as connection:
            with pytest.raises(asyncssh.Error):
                await connection.run("id", check=True)

    asyncio.run(run())


def test_no_path_leads_out_of_the_directory(service: SftpService, settings: Settings) -> None:
    (settings.home / "vendors" / "secret").write_text("another vendor's")

    with pytest.raises(asyncssh.SFTPNoSuchFile):
        session(settings, lambda client: client.stat("/../secret"))
    with pytest.raises(asyncssh.SFTPPermissionDenied):
        session(settings, lambda client: client.symlink("../../secret", "/inbound/link"))


def test_a_large_file_arrives_whole_and_takes_its_name_at_once(
    service: SftpService, settings: Settings, tmp_path: Path
) -> None:
    content = os.urandom(20_000_000)
    (tmp_path / "list").write_bytes(content)

    async def send(client: asyncssh.SFTPClient) -> None:
        await client.put(str(tmp_path / "list"), "/outbound/list.csv.part")
        await client.posix_rename("/outbound/list.csv.part", "/outbound/list.csv")

    session(settings, send)

    assert (sftp.vendor_directory(settings, "demo_sms") / "outbound" / "list.csv").read_bytes() == content
    assert not (sftp.vendor_directory(settings, "demo_sms") / "outbound" / "list.csv.part").exists()


def test_starting_twice_keeps_the_one_server(service: SftpService, settings: Settings) -> None:
    pid = (settings.home / "run" / "sftp.pid").read_text()

    SftpService(settings).start()

    assert (settings.home / "run" / "sftp.pid").read_text() == pid


def test_stopping_leaves_no_process_and_a_second_stop_is_fine(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = SftpService(Settings(home=tmp_path, sftp_port=port), play=True)
    service.start()
    pids = [int((tmp_path / "run" / name).read_text().split()[0]) for name in ("sftp.pid", "vendors.pid")]
    assert service.is_running()

    SftpService(service.settings).stop()
    SftpService(service.settings).stop()

    assert not service.is_running()
    assert [pid for pid in pids if _is_alive(pid)] == []


def test_a_taken_port_is_named_with_the_setting_to_change(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(ServiceError, match=rf"SFTP needs port {port}.*ARREARS_SFTP_PORT"):
            SftpService(Settings(home=tmp_path, sftp_port=port)).start()


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
