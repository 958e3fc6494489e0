"""A warehouse with batches at their vendors, and what vendors put into `inbound/`: for the tests of the ingest."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime

import psycopg2
import psycopg2.extensions

from arrears.delivery import ledger
from arrears.domain.batch_state import BatchState
from arrears.services.postgres import admin_connection, create_database
from arrears.settings import PROJECT_ROOT, Settings

Warehouse = psycopg2.extensions.connection

AS_OF = date(2020, 4, 15)
PLANNED_AT = datetime(2020, 4, 14, 22, 0, tzinfo=UTC)  # 06:00 on the business date at the bank
VALID_UNTIL = datetime(2020, 4, 15, 12, 0, tzinfo=UTC)
NOW = datetime(2020, 4, 16, 12, 0, tzinfo=UTC)
CALLS = "phone-demo_call-20200415-01"
MESSAGES = "sms-demo_sms-20200415-01"
REFS = ("ref-a", "ref-b", "ref-c")
LIST = b"the list as sent"

GOOD = {
    "contact_ref": "ref-a",
    "contact_point_ref": "phone",
    "attempted_at": "2020-04-15T10:02:00+08:00",
    "disposition": "promise_to_pay",
    "nonpayment_reason": "forgot",
    "collector_id": "SYN-demo_call-01",
    "talk_seconds": "185",
    "promise_amount": "120.50",
    "promise_on": "2020-04-20",
    "amount_collected": "",
    "cost": "1.2000",
    "currency": "USD",
    "complaint": "false",
    "satisfaction": "4",
    "recording_ref": "rec-1",
    "note": "will pay after payday",
}
WRITTEN = (
    "landing.vendor_ack",
    "landing.vendor_result",
    "landing.vendor_qa",
    "quarantine.vendor_result",
    "ops.vendor_file",
    "ops.quality_results",
    "ops.delivery_event",
    "ops.delivery_file",
    "ops.delivery_item",
    "ops.delivery_batch",
    "ops.mart_build",
    "ops.source_generation",
)
"""Every table that these tests write, those that refer to others first."""
NO_PROMISE = {"promise_amount": "", "promise_on": ""}


REVIEW = {
    "recording_ref": "rec-1",
    "collector_id": "SYN-demo_call-01",
    "reviewed_on": "2020-04-16",
    "score": "87.5",
    "breach_code": "",
    "reviewer": "qa-1",
}
SEEDS_DIRECTORY = PROJECT_ROOT / "dbt_project" / "seeds" / "reference"
SEEDS = ("vendors", "dispositions", "nonpayment_reasons")


@contextmanager
def ingest_database(server: Settings, name: str) -> Iterator[Settings]:
    """One warehouse for all tests of a module: `open_bank` empties it, which is faster than another database."""
    settings = server.model_copy(update={"warehouse_database": name})
    with closing(admin_connection(server, "postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            create_database(cursor, name, "pipeline", template="warehouse")
            cursor.execute(f"alter database {name} set synchronous_commit = off")
            yield settings
            cursor.execute(f"drop database if exists {name} with (force)")


@contextmanager
def open_bank(settings: Settings) -> Iterator[Warehouse]:
    """A warehouse with the seeds that ingest reads, and two batches at their vendors."""
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        empty(warehouse)
        send(warehouse, CALLS, channel="phone", vendor="demo_call")
        send(warehouse, MESSAGES, channel="sms", vendor="demo_sms")
        yield warehouse


def empty(warehouse: Warehouse) -> None:
    """Forget every batch and file; set the seeds."""
    with warehouse, warehouse.cursor() as cursor:
        for table_name in WRITTEN:
            cursor.execute(f"delete from {table_name}")
        cursor.execute("drop table if exists marts.fct_contact_decision")
        cursor.execute("drop table if exists staging.stg_core_banking__collectors")
        for seed in SEEDS:
            load_seed(cursor, seed)
        cursor.execute("insert into ops.source_generation values (1, 'static', 'test')")


def load_seed(cursor: psycopg2.extensions.cursor, name: str) -> None:
    """The seed as dbt makes it, as far as types matter here."""
    path = SEEDS_DIRECTORY / f"{name}.csv"
    header = path.read_text().splitlines()[0].split(",")
    booleans = ("is_", "acknowledges_")
    columns = ", ".join(f"{column} {'boolean' if column.startswith(booleans) else 'text'}" for column in header)
    cursor.execute(f"drop table if exists staging.{name}")
    cursor.execute(f"create table staging.{name} ({columns})")
    with path.open() as file:
        cursor.copy_expert(f"copy staging.{name} from stdin with (format csv, header)", file)


def send(
    warehouse: Warehouse,
    batch_id: str,
    *,
    channel: str,
    vendor: str,
    kind: str = "contact_list",
    refs: Sequence[str] = REFS,
    state: BatchState = BatchState.UPLOADED,
) -> None:
    """Write a batch into the ledger as if it had been delivered (or had got as far as `state`)."""
    batch = ledger.Batch(
        batch_id=batch_id,
        kind=kind,
        channel=channel,
        vendor=vendor,
        generation=1,
        as_of=AS_OF,
        sequence=int(batch_id[-2:]),
        state=BatchState.PLANNED,
        row_count=len(refs),
        planned_at=PLANNED_AT,
        valid_until=VALID_UNTIL,
        supersedes=None,
        inputs_hmac="",
        sending_since=None,
    )
    with warehouse:
        ledger.insert_batch(warehouse, batch, VALID_UNTIL)
        ledger.insert_items(warehouse, batch_id, [ledger.Item(ref, f"customer of {ref}", "USD") for ref in refs])
        ledger.store_files(warehouse, batch_id, [ledger.StoredFile(f"{batch_id}.csv", LIST, len(refs))])
        if state is not BatchState.PLANNED:
            ledger.transition(warehouse, batch_id=batch_id, to=BatchState.WRITTEN)
        if state is BatchState.UPLOADED:
            ledger.mark_sending(warehouse, batch_id, PLANNED_AT)
            ledger.transition(warehouse, batch_id=batch_id, to=BatchState.UPLOADED)


def table(rows: Sequence[Mapping[str, str]], columns: Sequence[str] = tuple(GOOD)) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def acknowledgement(batch_id: str = CALLS, **changed: object) -> str:
    document = {
        "batch_id": batch_id,
        "received_at": "2020-04-15T06:01:00+08:00",
        "rows": len(REFS),
        "sha256": hashlib.sha256(LIST).hexdigest(),
        "accepted": len(REFS),
        "rejected": [],
    }
    return json.dumps(document | changed)


def query(warehouse: Warehouse, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


class MemoryInbox:
    """A vendor's directory without a server: what `read_inbound` needs of one."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = {f"/inbound/{name}": content for name, content in files.items()}

    def list(self, path: str) -> Sequence[str]:
        return sorted(name.removeprefix(f"{path}/") for name in self.files if name.rpartition("/")[0] == path)

    def size(self, path: str) -> int | None:
        return len(self.files[path]) if path in self.files else None

    def read(self, path: str) -> Iterator[bytes]:
        yield self.files[path]

    def put(self, path: str, content: bytes) -> None:
        self.files[path] = content

    def posix_rename(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)

    def mkdir(self, path: str) -> None:
        pass
