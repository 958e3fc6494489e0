"""The hook against a real SFTP server: pinned host key, key authentication, two kinds of errors."""

import os
import socket
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import paramiko
import pytest
from vendor_servers import server_of

from arrears.hooks import vendor_sftp
from arrears.hooks.vendor_sftp import (
    CHUNK_BYTES,
    VendorAccessError,
    VendorConnectionError,
    VendorServer,
    VendorSftp,
)
from arrears.services import sftp as service
from arrears.settings import Settings

pytestmark = pytest.mark.sftp


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(home=tmp_path_factory.mktemp("home"), sftp_port=port)
    running = service.SftpService(settings)
    running.start()
    yield settings
    running.stop()


@pytest.fixture
def server(settings: Settings) -> VendorServer:
    return server_of(settings, "demo_sms")


def test_a_file_comes_back_as_it_was_written(server: VendorServer, settings: Settings) -> None:
    content = os.urandom(3 * CHUNK_BYTES + 7)

    with VendorSftp(server) as sftp:
        sftp.put("/outbound/list.csv.part", content)
        sftp.posix_rename("/outbound/list.csv.part", "/outbound/list.csv")
        pieces = list(sftp.read("/outbound/list.csv"))
        assert sftp.size("/outbound/list.csv") == len(content)

    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= CHUNK_BYTES
    assert (service.vendor_directory(settings, "demo_sms") / "outbound" / "list.csv").read_bytes() == content


def test_a_rename_replaces_what_was_there(server: VendorServer) -> None:
    with VendorSftp(server) as sftp:
        sftp.put("/outbound/a", b"new")
        sftp.put("/outbound/b", b"old")
        sftp.posix_rename("/outbound/a", "/outbound/b")

        assert b"".join(sftp.read("/outbound/b")) == b"new"
        assert not sftp.exists("/outbound/a")


def test_directories_are_made_as_deep_as_needed_and_again(server: VendorServer) -> None:
    with VendorSftp(server) as sftp:
        for _ in range(2):
            sftp.mkdir("/outbound/20200415/deep")
        sftp.put("/outbound/20200415/deep/x", b"")

        assert sftp.list("/outbound/20200415/deep") == ["x"]
        assert sftp.list("/outbound/20200415") == []  # directories are not files
        assert sftp.list("/outbound/nowhere") == []


def test_a_file_in_the_place_of_a_directory_is_an_error(server: VendorServer) -> None:
    with VendorSftp(server) as sftp:
        sftp.put("/outbound/file", b"")
        with pytest.raises(VendorConnectionError, match="make the directory /outbound/file"):
            sftp.mkdir("/outbound/file/below")


def test_what_is_not_there_is_removed_without_a_word(server: VendorServer) -> None:
    with VendorSftp(server) as sftp:
        sftp.put("/outbound/gone", b"x")
        sftp.remove("/outbound/gone")
        sftp.remove("/outbound/gone")

        assert sftp.size("/outbound/gone") is None


def test_an_error_repeats_neither_a_vendors_name_for_a_file_nor_what_its_server_says(
    server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "Zhang San 13800000000.csv"

    def refuse(_: str) -> None:
        raise OSError(f"cannot look at {name}")

    with VendorSftp(server) as sftp:
        monkeypatch.setattr(sftp._session, "stat", refuse)
        with pytest.raises(VendorConnectionError, match="could not look at a file in /inbound: OSError") as caught:
            sftp.size(f"/inbound/{name}")

    assert "Zhang" not in "".join(traceback.format_exception(caught.value))


def test_another_host_key_of_the_same_kind_is_refused(server: VendorServer, settings: Settings) -> None:
    other = service.client_public_key(settings, "demo_sms")

    with (
        pytest.raises(VendorAccessError, match="expected the pinned host key, found another"),
        VendorSftp(replace(server, host_key=other)),
    ):
        pass


def test_a_host_key_of_another_kind_is_refused(server: VendorServer) -> None:
    key = paramiko.ECDSAKey.generate()

    with pytest.raises(VendorAccessError), VendorSftp(replace(server, host_key=f"{key.get_name()} {key.get_base64()}")):
        pass


def test_another_vendors_key_is_refused(server: VendorServer, settings: Settings) -> None:
    wrong = replace(server, key_file=service.client_key_file(settings, "demo_call"))

    with pytest.raises(VendorAccessError, match="refuses our key for user demo_sms"), VendorSftp(wrong):
        pass


@pytest.mark.parametrize("change", [{"key_file": Path("/nowhere")}, {"host_key": "ssh-ed25519 nonsense"}])
def test_a_key_that_cannot_be_read_is_not_worth_another_try(server: VendorServer, change: dict[str, object]) -> None:
    with pytest.raises(VendorAccessError, match="cannot be read"), VendorSftp(replace(server, **change)):
        pass


def test_a_server_that_is_down_is_worth_another_try(server: VendorServer) -> None:
    with pytest.raises(VendorConnectionError, match="demo_sms"), VendorSftp(replace(server, port=1)):
        pass


def test_a_server_that_is_no_ssh_server_is_worth_another_try(
    server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor_sftp, "_TIMEOUT_SECONDS", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(VendorConnectionError), VendorSftp(replace(server, port=silent.getsockname()[1])):
            pass


@pytest.mark.parametrize("goes_away", [True, False])
def test_a_server_that_never_answers_about_the_key_is_worth_another_try(
    server: VendorServer, goes_away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies while it looks at the key, or it hangs: that is no refusal."""
    monkeypatch.setattr(vendor_sftp, "_TIMEOUT_SECONDS", 1.0)
    key, is_over = paramiko.ECDSAKey.generate(), threading.Event()

    class Gone(paramiko.ServerInterface):
        def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
            if goes_away:
                transport.close()
            else:
                is_over.wait(10)
            return paramiko.AUTH_FAILED

    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = replace(server, port=listening.getsockname()[1], host_key=f"{key.get_name()} {key.get_base64()}")
        with ThreadPoolExecutor(1) as pool:
            connecting = pool.submit(lambda: VendorSftp(here).__enter__())
            transport = paramiko.Transport(listening.accept()[0])
            transport.add_server_key(key)
            transport.start_server(server=Gone())
            with pytest.raises(VendorConnectionError, match="looked at our key"):
                connecting.result()
            is_over.set()
            transport.close()


def test_a_session_that_is_closed_says_so(server: VendorServer) -> None:
    sftp = VendorSftp(server)
    with pytest.raises(VendorConnectionError, match="not open"):
        sftp.list("/")


def connection(settings: Settings, **changes: object) -> SimpleNamespace:
    """An Airflow connection as `services.vendors.connections` makes it."""
    extra = {
        "key_file": str(service.client_key_file(settings, "demo_sms")),
        "host_key": service.host_key_line(settings),
        "no_host_key_check": False,
    }
    extra.update(changes.pop("extra", {}))  # type: ignore[call-overload]
    fields = {
        "conn_id": "vendor_demo_sms",
        "host": settings.sftp_host,
        "port": settings.sftp_port,
        "login": "demo_sms",
        "password": None,
        **changes,
    }
    return SimpleNamespace(extra_dejson=extra, **fields)


def test_an_airflow_connection_says_all_that_is_needed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import airflow.sdk

    monkeypatch.setattr(airflow.sdk.BaseHook, "get_connection", lambda conn_id: connection(settings))

    with VendorSftp.from_connection("vendor_demo_sms") as sftp:
        assert sftp.server.vendor == "demo_sms"
        assert sftp.list("/inbound") == []


def test_a_private_key_may_be_text(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    text = service.client_key_file(settings, "demo_sms").read_text()
    details = connection(settings, extra={"key_file": None, "private_key": text})

    with VendorSftp(vendor_sftp._server_of(details)) as sftp:
        assert sftp.list("/inbound") == []


def test_an_unsafe_connection_is_refused_with_all_that_is_wrong(settings: Settings) -> None:
    details = connection(
        settings, password="secret", extra={"host_key": "", "no_host_key_check": "true", "key_file": None}
    )

    with pytest.raises(VendorAccessError) as caught:
        vendor_sftp._server_of(details)

    for problem in ("`host_key` is missing", "must be false", "exactly one of", "passwords are not used"):
        assert problem in str(caught.value)
    assert "secret" not in str(caught.value)
