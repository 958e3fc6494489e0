"""Processes of the demo: found again, ended with all they started, never mistaken for another program."""

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from arrears.errors import ServiceError
from arrears.services.processes import Daemon, require_free_port, wait_for_port

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon("test process", tmp_path / "run" / "it.pid", tmp_path / "logs" / "it.log")


def processes_in_group(group: int) -> int:
    count = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        count += int(fields[2]) == group and fields[0] != "Z"
    return count


def test_starting_twice_starts_once(daemon: Daemon) -> None:
    daemon.start(SLEEP, os.environ)
    pid = daemon.pid()
    daemon.start(SLEEP, os.environ)
    assert daemon.pid() == pid is not None
    daemon.stop()
    assert daemon.pid() is None


def test_stopping_ends_the_children_too(daemon: Daemon) -> None:
    daemon.start(PARENT, os.environ)
    pid = daemon.pid()
    assert pid is not None
    while processes_in_group(pid) < 2:
        time.sleep(0.05)
    daemon.stop()
    assert processes_in_group(pid) == 0


def test_a_process_that_ignores_the_signal_is_killed(daemon: Daemon) -> None:
    daemon.start(STUBBORN, os.environ)
    while "deaf" not in daemon.last_lines():
        time.sleep(0.05)
    daemon.stop(timeout=0.5)
    assert daemon.pid() is None


def test_a_pid_that_belongs_to_another_program_now_is_not_ours(daemon: Daemon) -> None:
    daemon.pid_file.parent.mkdir(parents=True)
    daemon.pid_file.write_text(f"{os.getpid()} 12345")
    assert daemon.pid() is None
    assert not daemon.pid_file.exists()


def test_stopping_what_does_not_run_does_nothing(daemon: Daemon) -> None:
    daemon.stop()


def test_a_taken_port_is_named_with_the_setting_to_change() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"port {port} .*ARREARS_SFTP_PORT"):
            require_free_port("SFTP", "127.0.0.1", port, "ARREARS_SFTP_PORT")


def test_a_process_that_ends_at_once_shows_its_last_words(daemon: Daemon) -> None:
    daemon.start([sys.executable, "-c", "raise SystemExit('no such thing')"], os.environ)
    with pytest.raises(ServiceError, match="no such thing"):
        wait_for_port(daemon, "127.0.0.1", 1, timeout=10)
