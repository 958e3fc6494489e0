"""Long-running processes of the demo: started in their own session, found again by their pid file, ended as a group."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from arrears.errors import ServiceError


@dataclass(frozen=True)
class Daemon:
    """A process of ours, known by its pid file; a pid that now belongs to another program counts as not running."""

    name: str
    pid_file: Path
    log_file: Path

    def pid(self) -> int | None:
        """The pid of the running process, or None. A leftover pid file of a dead process is removed."""
        try:
            pid, started = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        if _start_time(int(pid)) == started:
            return int(pid)
        self.pid_file.unlink(missing_ok=True)
        return None

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start the process in a session of its own, its output in the log file; nothing when it runs already."""
        if self.pid() is not None:
            return
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                command, env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.pid_file.write_text(f"{process.pid} {_start_time(process.pid)}")

    def stop(self, timeout: float = 20) -> None:
        """End the process and all that it started; kill what is left after `timeout` seconds."""
        pid = self.pid()
        if pid is None:
            return
        for sign, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 5.0)):
            _signal_group(pid, sign)
            if _wait_until_gone(pid, patience):
                break
        self.pid_file.unlink(missing_ok=True)

    def last_lines(self, count: int = 15) -> str:
        """The end of the log, for an error message."""
        if not self.log_file.exists():
            return "(no log)"
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])


def require_free_port(name: str, host: str, port: int, setting: str) -> None:
    """Refuse to start a service on a port that something else holds.

    Raises:
        ServiceError: the port is taken; the message names the setting to change.
    """
    if port_is_open(host, port):
        raise ServiceError(
            f"{name} needs port {port} on {host}, and another program holds it: "
            f"stop that program or choose another port with {setting}=…"
        )


def port_is_open(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def wait_for_port(daemon: Daemon, host: str, port: int, timeout: float) -> None:
    """Wait until the daemon accepts connections.

    Raises:
        ServiceError: it ended or did not answer in time; the message holds the end of its log.
    """
    deadline = time.monotonic() + timeout
    while not port_is_open(host, port):
        if daemon.pid() is None or time.monotonic() > deadline:
            raise ServiceError(f"{daemon.name} did not start; the end of {daemon.log_file}:\n{daemon.last_lines()}")
        time.sleep(0.1)


def _start_time(pid: int) -> str:
    """The kernel's start time of a process, empty when it is gone or a zombie: tells a reused pid from ours."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _signal_group(pid: int, sign: signal.Signals) -> None:
    try:
        os.killpg(pid, sign)
    except ProcessLookupError:
        return


def _wait_until_gone(group: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not _group_alive(group):
            return True
        time.sleep(0.1)
    return False


def _group_alive(group: int) -> bool:
    """Whether any process of the group is alive (zombies that nobody reaped do not count)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False
