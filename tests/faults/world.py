"""A business day that goes wrong: the warehouse, the vendors' server, processes that die, and the check afterwards."""

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import forkserver
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg2
from delivery_day import AS_OF, Day
from dispatching import Journey, travel
from vendor_servers import server_of

from arrears.delivery.reconcile import differences
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.services import sftp as sftp_service
from arrears.services.processes import Daemon, port_is_open, wait_for_port
from arrears.settings import Settings

ALL = os.environ.get("FAULTS") == "all"
SEED = int(os.environ.get("FAULTS_SEED", "7"))
SMS = "demo_sms"
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["dispatching", "pandas", *(["great_expectations"] if ALL else [])])


@dataclass(frozen=True)
class Outcome:
    """How a process ended."""

    error: str | None
    """The name of what it raised."""
    message: str
    steps: tuple[str, ...]
    was_killed: bool

    @property
    def is_well(self) -> bool:
        return self.error is None and not self.was_killed


@dataclass
class World:
    """One business day at a time: `begin` it, let processes `run` or die, then `settle` and look for `differences`."""

    settings: Settings
    day: Day
    server: Daemon
    environment: dict[str, str]
    as_of: date = AS_OF
    seen: dict[str, bytes] = field(default_factory=dict)
    """Every manifest that a vendor ever saw on the day, by batch: it may have begun to work."""

    def begin(self, *customers: str, channel: str = "sms") -> None:
        """A new day on which these customers are contacted; the vendors' directories are empty."""
        self.repair()
        self.start_server()
        self.reconnect()
        self.day.begin()
        self._empty_directories()
        for customer in customers:
            self.contact(channel, customer)

    def _empty_directories(self) -> None:
        for vendor in sftp_service.vendor_codes():
            for name in ("outbound", "inbound"):
                shutil.rmtree(self.directory(vendor) / name, ignore_errors=True)
                (self.directory(vendor) / name).mkdir(parents=True)
        self.seen.clear()

    def contact(self, channel: str, customer: str) -> None:
        """Decide a contact; of a legal referral also what two people said."""
        if channel != "legal":
            return self.day.contact(channel, customer)
        self.day.propose_referral(customer)
        for approver in ("one", "two"):
            self.day.insert(
                "ops.legal_approval",
                generation=1,
                as_of=self.as_of,
                customer_id=customer,
                currency="USD",
                approver=approver,
                is_approved=True,
            )
        return self.day.approve(customer)

    def reconnect(self) -> None:
        """The test's own connection, after the database went down: once it has recovered."""
        self.day.warehouse.close()
        deadline = time.monotonic() + 30
        while self.day.warehouse.closed:
            try:
                self.day.warehouse = psycopg2.connect(self.settings.dsn("warehouse", "pipeline"))
            except psycopg2.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.2)

    def directory(self, vendor: str = SMS) -> Path:
        return self.settings.home / "vendors" / vendor

    def outbound(self, vendor: str = SMS) -> dict[str, bytes]:
        """What the vendor sees of the day."""
        return {path.name: path.read_bytes() for path in self.directory(vendor).glob(f"outbound/{self.as_of:%Y%m%d}/*")}

    # Processes ------------------------------------------------------------------------------------------------------

    def run(self, *vendors: str, kill_after: float | None = None, **changes: Any) -> Outcome:
        """A process goes these vendors' ways (of SMS alone unless given); with `kill_after` it is killed by then."""
        outcome = self.start(*vendors, **changes).end(kill_after)
        if outcome.was_killed:
            self._wait_for_its_sessions()
        return outcome

    def _wait_for_its_sessions(self) -> None:
        """What a dead process had sent to the database is still done: until then it is not over."""
        others = (
            "select 1 from pg_stat_activity where datname = current_database()"
            " and backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        deadline = time.monotonic() + 30
        while self.day.run(others):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def start(self, *vendors: str, environment: dict[str, str] | None = None, **changes: Any) -> "Running":
        journey = Journey(self.environment | (environment or {}), vendors or (SMS,), self.as_of, **changes)
        return Running(journey)

    def settle(self, *vendors: str) -> None:
        """All is well again: every vendor is tried at once, and the same tasks run again."""
        self.repair()
        self.day.run("update ops.vendor_outage set next_try_at = clock_timestamp() where ended_at is null")
        outcome = self.run(*vendors)
        assert outcome.is_well, outcome.message

    # The vendors' server ---------------------------------------------------------------------------------------------

    def start_server(self) -> None:
        self.server.start([sys.executable, str(Path(__file__).with_name("faulty_server.py"))], self.environment)
        wait_for_port(self.server, self.settings.sftp_host, self.settings.sftp_port, timeout=30)

    def stop_server(self) -> None:
        self.server.stop()

    def kill_server(self) -> None:
        """It dies at once. Its port still answers until the last of its threads is gone."""
        pid = self.server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while port_is_open(self.settings.sftp_host, self.settings.sftp_port):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    # What goes wrong ------------------------------------------------------------------------------------------------

    def break_server(self, kind: str, *, vendor: str = SMS, name: str = "") -> None:
        """From now on the vendor's server does this to files whose name ends so."""
        (self.settings.home / "fault.json").write_text(json.dumps({"kind": kind, "vendor": vendor, "name": name}))

    def repair(self) -> None:
        (self.settings.home / "fault.json").unlink(missing_ok=True)

    # The check ------------------------------------------------------------------------------------------------------

    def differences(self, *vendors: str, is_over: bool = True) -> list[str]:
        """What does not agree at these vendors; see `arrears.delivery.reconcile`."""
        with ExitStack() as stack:
            servers = {
                vendor: stack.enter_context(VendorSftp(server_of(self.settings, vendor)))
                for vendor in vendors or (SMS,)
            }
            warehouse = stack.enter_context(closing(psycopg2.connect(self.settings.dsn("warehouse", "pipeline"))))
            self.look()
            found = differences(warehouse, servers, as_of=self.as_of, is_over=is_over)
        return found + [line for batch_id in sorted(self.seen) for line in self._remembered(batch_id)]

    def _remembered(self, batch_id: str) -> Iterator[str]:
        """What a vendor once saw is what the ledger holds for good, and counts."""
        state = self.day.state(batch_id)
        if state in ("superseded", "expired"):
            yield f"{batch_id}: is {state}, and its vendor saw its manifest"
        stored = self.day.run(
            "select content from ops.delivery_file where batch_id = %s and name like '%%.manifest.json'", batch_id
        )
        if [bytes(content) for (content,) in stored] != [self.seen[batch_id]]:
            yield f"{batch_id}: its vendor saw another manifest than the ledger has"

    def look(self) -> None:
        """The vendors look into their directories, and forget no manifest."""
        for path in (self.settings.home / "vendors").glob("*/outbound/*/*.manifest.json"):
            manifest, batch_id = path.read_bytes(), path.name.removesuffix(".manifest.json")
            if self.seen.setdefault(batch_id, manifest) != manifest:
                self.seen[batch_id] = b"two manifests"

    def require_whole(self, *vendors: str) -> None:
        """At every moment: what a vendor can see is complete, and what the ledger says."""
        assert self.differences(*vendors, is_over=False) == []

    def require_settled(self, *vendors: str) -> None:
        """The same tasks run again, and there is nothing left to explain."""
        self.settle(*vendors)
        assert self.differences(*vendors) == []
        for vendor in vendors or (SMS,):
            sequences = [name for name in self.outbound(vendor) if name.endswith(".manifest.json")]
            assert len(sequences) == 2, sequences  # the stop file's, and one list's


def prepare_processes(environment: dict[str, str]) -> None:
    """Start the process that imports all that the others need; these are forked from it."""
    with patch.dict(os.environ, environment | {"PYTHONPATH": os.pathsep.join(sys.path)}):
        forkserver.ensure_running()


class Running:
    """A process on its way."""

    def __init__(self, journey: Journey) -> None:
        self._here, there = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=travel, args=(journey, there), daemon=True)
        self._process.start()
        there.close()
        self.pid = int(self._here.recv())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def end(self, kill_after: float | None = None) -> Outcome:
        """Wait for its end; after so many seconds it is killed."""
        if not self._here.poll(kill_after if kill_after is not None else 300):
            self.kill()
        try:
            error, steps = self._here.recv()
        except EOFError:
            error, steps = None, ()
        self._process.join(20)
        was_killed = self._process.exitcode == -signal.SIGKILL
        name, message, trace = error or (None, "", "")
        return Outcome(name, message + trace, tuple(steps), was_killed)
