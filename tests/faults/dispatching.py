"""What dies in these tests: a process that goes a vendor's way of the day by the operators of the DAG.

The processes are forked from one that has imported all they need, and are really killed.
"""

import csv
import functools
import hashlib
import json
import os
import resource
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import psycopg2
import psycopg2.extensions
from mutations import MUTATIONS

from arrears.business_date import business_now
from arrears.delivery import inbound_load, list_gate
from arrears.hooks import vendor_sftp
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.operators import delivery as operators
from arrears.operators import ingest, qa_request, recall
from arrears.quality.suites import RuleResult, Severity
from arrears.services.postgres import PostgresService
from arrears.settings import get_settings


@dataclass(frozen=True)
class Journey:
    """One process: whose way it goes, and what happens to it on it."""

    environment: Mapping[str, str]
    vendors: Sequence[str]
    as_of: date
    at_step: int | None = None
    """Before this step (a commit, a call of the vendor's server, half of a file; from 1) something happens."""
    happens: str = "killed"
    """What happens there: a key of `HAPPENS`."""
    clock: datetime | None = None
    """What the clock says; None leaves it."""
    is_worked: bool = False
    """The lists are worked: results come back and are read, reviews are asked for, recalls sent."""
    real_gate: bool = False
    """Otherwise each gate lets pass: it is proved elsewhere, and takes most of the time, its import too."""
    disk_is_full: bool = False
    """No file of ours grows any more."""
    database_has_no_room: bool = False
    """No file of the database grows any more, its log neither."""
    mutation: str | None = None
    """Which of our own guards is broken."""


def travel(journey: Journey, report: Connection) -> None:
    """Go the way; at the end report what went wrong, and at how many steps it could have died."""
    os.environ.update(journey.environment)
    steps = _Steps(journey)
    error = None
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    report.send(os.getpid())
    with ExitStack() as stack:
        for change in _changes(journey, steps):
            stack.enter_context(change)
        if journey.disk_is_full:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        try:
            _dispatch(journey)
        except Exception as caught:
            error = (type(caught).__name__, str(caught), traceback.format_exc())
    report.send((error, steps.taken))


def _dispatch(journey: Journey) -> None:
    context = {"dag_run": SimpleNamespace(partition_key=journey.as_of.isoformat(), run_id="faults")}
    operators.SealDayOperator(task_id="seal_day").execute(context)
    for vendor in journey.vendors:
        operators.SendStopFileOperator(task_id="send_stop_file", vendor=vendor).execute(context)
        take_stop_file(get_settings().home / "vendors" / vendor)
        taken = operators.StopFileTakenSensor(task_id="stop_file_taken", vendor=vendor, timeout=60)
        if not taken.poke(context):
            raise TimeoutError(f"{vendor} did not take its stop file")
        batch_ids = operators.BuildContactListOperator(task_id="build", vendor=vendor).execute(context)
        operators.CheckContactListOperator(task_id="check", batch_ids=batch_ids).execute(context)
        operators.DeliverContactListOperator(task_id="deliver", vendor=vendor, batch_ids=batch_ids).execute(context)
        if journey.is_worked:
            qa_request.SendQaRequestOperator(task_id="ask", vendor=vendor).execute(context)
            work_lists(get_settings().home / "vendors" / vendor)
            ingest.ReadVendorResultsOperator(task_id="read", vendor=vendor).execute(context)
    if journey.is_worked:
        with patch.object(recall.PlanRecallsOperator, "do_branch"):
            recall.PlanRecallsOperator(task_id="plan_recalls").execute(context)
        for vendor in journey.vendors:
            recall.SendRecallOperator(task_id=recall.send_recall(vendor), vendor=vendor).execute(context)


def take_stop_file(directory: Path) -> None:
    """The vendor answers at once, and once."""
    for path in directory.glob("outbound/*/stop-*.manifest.json"):
        manifest = json.loads(path.read_bytes())
        file, name = manifest["files"][0], f"{manifest['batch_id']}.ack.json"
        if list((directory / "inbound").glob(f"**/{name}")):
            continue
        answer = {
            "batch_id": manifest["batch_id"],
            "received_at": manifest["created_at"],
            "rows": file["rows"],
            "sha256": hashlib.sha256((path.parent / file["name"]).read_bytes()).hexdigest(),
            "accepted": file["rows"],
            "rejected": [],
        }
        part = directory / f"{name}.part"
        part.write_text(json.dumps(answer))
        part.replace(directory / "inbound" / name)


def work_lists(directory: Path) -> None:
    """The vendor reports of each row, once, that the customer died; the one who calls has not begun."""
    for path in directory.glob("outbound/*/*.manifest.json"):
        manifest = json.loads(path.read_bytes())
        list_name, name = manifest["files"][0]["name"], f"{manifest['batch_id']}.results-1.csv"
        is_worked = manifest["kind"] == "contact_list" and manifest["channel"] not in ("phone", "legal")
        if not is_worked or list((directory / "inbound").glob(f"**/*{name}")):
            continue
        with (path.parent / list_name).open(newline="", encoding="utf-8") as file:
            refs = [row["contact_ref"] for row in csv.DictReader(file)]
        at = datetime.fromisoformat(manifest["created_at"]) + timedelta(hours=4)
        rows = ["contact_ref,attempted_at,disposition"]
        rows += [f"{ref},{at.isoformat()},deceased" for ref in refs]
        part = directory / f"{name}.part"
        part.write_text("\n".join(rows) + "\n")
        part.replace(directory / "inbound" / name)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _restart_database() -> None:
    """The server goes down hard, with everything that is under way, and comes back."""
    service = PostgresService(get_settings())
    service._pg_ctl("stop", "-m", "immediate", "-w")
    service.start()


HAPPENS: dict[str, Callable[[], None]] = {"killed": _kill, "database restarted": _restart_database}


class _Steps:
    """Counts what this process does to the world, and lets something happen before a given step."""

    def __init__(self, journey: Journey) -> None:
        self.fatal = journey.at_step
        self.happens = HAPPENS[journey.happens]
        self.taken: list[str] = []

    def take(self, name: str) -> None:
        self.taken.append(name)
        if len(self.taken) == self.fatal:
            self.happens()

    def before(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def counted(*arguments: Any, **options: Any) -> Any:
            self.take(name)
            return original(*arguments, **options)

        return counted


def _changes(journey: Journey, steps: _Steps) -> list[Any]:
    """What is different in this process from one of Airflow's."""
    put, connect = VendorSftp.put, psycopg2.connect

    def half_then_whole(self: VendorSftp, path: str, content: bytes) -> None:
        steps.take("put")
        if steps.fatal == len(steps.taken) + 1:
            put(self, path, content[: len(content) // 2])
        steps.take("put, half done")
        put(self, path, content)

    class CountedConnection(psycopg2.extensions.connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            if journey.database_has_no_room:
                resource.prlimit(self.info.backend_pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

        def commit(self) -> None:
            steps.take("commit")
            super().commit()

    changes = [
        patch.object(VendorSftp, name, steps.before(name, getattr(VendorSftp, name)))
        for name in ("posix_rename", "size", "sizes", "sha256", "mkdir", "remove", "__enter__")
    ]
    changes += [
        patch.object(VendorSftp, "put", half_then_whole),
        patch.object(psycopg2, "connect", functools.partial(connect, connection_factory=CountedConnection)),
        patch.object(vendor_sftp, "_TIMEOUT_SECONDS", 2.0),
        patch.object(operators, "business_now", functools.partial(business_now, clock=journey.clock)),
    ]
    if not journey.real_gate:
        green = RuleResult("all", "NONE", Severity.ABORT, True, 1, 0, "green", "green")
        changes.append(patch.object(list_gate, "check", lambda *arguments, **options: [green]))
        changes.append(patch.object(inbound_load, "check_frame", lambda *arguments, **options: [green]))
    if journey.mutation:
        changes += MUTATIONS[journey.mutation]()
    return changes
