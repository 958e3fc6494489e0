"""Loading core banking into landing: complete or not at all, only what changed, and never twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import AS_OF, CHANGED, good_rows, insert, later, run

from arrears.errors import ConfigurationError, SchemaDriftError
from arrears.landing.load import LandedBatch, load_batch
from arrears.operators.recall import INTRADAY_TABLES
from arrears.settings import Settings
from arrears.source.contract import TABLES

pytestmark = pytest.mark.postgres


def _load(source: Connection, warehouse: Connection, settings: Settings, **options: object) -> LandedBatch:
    return load_batch(source, warehouse, as_of=AS_OF, run_id="test", settings=settings, **options)  # type: ignore[arg-type]


def _decide(warehouse: Connection, state: str = "passed") -> None:
    run(warehouse, "update ops.load_batch set state = %s where state = 'landed'", [state])


def _landed(batch: LandedBatch) -> dict[str, int]:
    return {table.name: table.landed_rows for table in batch.tables if table.landed_rows}


def test_first_load_copies_every_row_to_the_letter(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    rows = good_rows()
    rows["customers"][0]["full_name"] = 'tab\t, line\n, back\\slash, "quotes", 张伟, \\N'
    rows["customers"][1]["full_name"] = ""
    insert(core_banking, rows)

    batch = _load(core_banking, warehouse, databases)

    assert batch.landed_rows == sum(map(len, rows.values()))
    assert all(table.is_full for table in batch.tables)
    for table in TABLES:
        columns = ", ".join(table.column_names)
        order = ", ".join(table.key)
        ours = run(warehouse, f"select {columns} from landing.{table.name} order by {order}")
        assert ours == run(core_banking, f"select {columns} from core_banking.{table.name} order by {order}")
    assert run(warehouse, "select state, run_id, as_of from ops.load_batch") == [("landed", "test", AS_OF)]


def test_empty_source_lands_an_empty_batch(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    batch = _load(core_banking, warehouse, databases)

    assert batch.landed_rows == 0
    assert run(warehouse, "select count(*), sum(source_rows) from ops.load_table") == [(len(TABLES), 0)]


def test_same_hour_twice_adds_no_row(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    rows = good_rows()
    rows["loan_transactions"].append(dict(rows["loan_transactions"][0]))  # the bank has it twice
    rows["complaints"][0]["updated_at"] = None  # and a row that does not say when it changed
    rows["customer_flags"][0]["flag"] = None  # and one without a key
    insert(core_banking, rows)
    _load(core_banking, warehouse, databases)
    _decide(warehouse)

    again = _load(core_banking, warehouse, databases)

    assert _landed(again) == {}


def test_later_load_brings_what_changed(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    rows = good_rows()
    insert(core_banking, rows)
    _load(core_banking, warehouse, databases)
    _decide(warehouse)
    run(core_banking, "delete from core_banking.customers where customer_id = 'C1'")
    insert(core_banking, {"customers": [later(rows["customers"][0], segment="new")]})
    insert(core_banking, {"loan_transactions": [later(rows["loan_transactions"][-1], transaction_id="T9")]})

    batch = _load(core_banking, warehouse, databases)

    assert _landed(batch) == {"customers": 1, "loan_transactions": 1}
    assert not any(table.is_full for table in batch.tables)
    versions = run(warehouse, "select _batch_id, segment from landing.customers where customer_id = 'C1' order by 1")
    assert versions == [(1, None), (2, "new")]


def test_row_within_the_overlap_is_found(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    rows = good_rows()
    insert(core_banking, rows)
    _load(core_banking, warehouse, databases)
    _decide(warehouse)
    slow = later(rows["complaints"][0], complaint_id="Z2", updated_at=CHANGED - timedelta(minutes=59))
    insert(core_banking, {"complaints": [slow]})

    batch = _load(core_banking, warehouse, databases)

    assert _landed(batch) == {"complaints": 1}
    assert not any(table.is_full for table in batch.tables)


def test_row_that_came_too_late_for_the_overlap_is_found_by_counting(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    rows = good_rows()
    insert(core_banking, rows)
    _load(core_banking, warehouse, databases)
    _decide(warehouse)
    old = later(rows["complaints"][0], complaint_id="Z2", updated_at=CHANGED - timedelta(days=30))
    new = later(rows["complaints"][0], complaint_id="Z3")
    insert(core_banking, {"complaints": [old, new]})

    batch = _load(core_banking, warehouse, databases)

    assert _landed(batch) == {"complaints": 2}
    assert [table.name for table in batch.tables if table.is_full] == ["complaints"]


def test_load_that_does_not_count_leaves_what_counting_finds_to_the_next_that_does(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    rows = good_rows()
    insert(core_banking, rows)
    _load(core_banking, warehouse, databases)
    _decide(warehouse)
    old = later(rows["complaints"][0], complaint_id="Z2", updated_at=CHANGED - timedelta(days=30))
    insert(core_banking, {"complaints": [old, later(rows["complaints"][0], complaint_id="Z3")]})

    quick = _load(core_banking, warehouse, databases, tables=["complaints"], is_counted=False)
    _decide(warehouse)
    whole = _load(core_banking, warehouse, databases)

    assert (_landed(quick), quick.tables[0].source_rows) == ({"complaints": 1}, len(rows["complaints"]) + 1)
    assert _landed(whole) == {"complaints": 1}


@pytest.mark.parametrize("is_counted", [True, False])
def test_load_that_does_not_count_reads_of_the_source_what_arrived(
    core_banking: Connection, warehouse: Connection, databases: Settings, is_counted: bool
) -> None:
    rows = good_rows()
    insert(core_banking, rows)
    run(
        core_banking,
        "insert into core_banking.loan_transactions select 'OLD-' || n, loan_id, kind, amount, effective_on,"
        " recorded_at, reverses, channel from core_banking.loan_transactions, generate_series(1, 2000) as n"
        " where transaction_id = 'T1'",
    )
    _load(core_banking, warehouse, databases)
    _decide(warehouse)
    late = CHANGED + timedelta(days=1)
    payments = [{**rows["loan_transactions"][0], "transaction_id": f"N{n}", "recorded_at": late} for n in range(3)]
    insert(core_banking, {"loan_transactions": payments})
    # On a table of two thousand rows reading everything may be quicker; at ten million it never is.
    dsn = databases.dsn("core_banking", "bank").replace(
        "application_name", "options='-c enable_seqscan=off' application_name"
    )
    before = _rows_read(databases)
    with closing(psycopg2.connect(dsn)) as source:
        batch = _load(source, warehouse, databases, tables=list(INTRADAY_TABLES), is_counted=is_counted)

    assert _landed(batch) == {"loan_transactions": 3}
    assert (_rows_read(databases) - before > 1000) is is_counted


def _rows_read(databases: Settings) -> int:
    """Rows of the source that were read by anybody so far; who has left has told."""
    time.sleep(0.1)
    with closing(psycopg2.connect(databases.dsn("core_banking", "bank"))) as onlooker:
        tables = run(onlooker, "select sum(seq_tup_read) from pg_stat_user_tables")
        indexes = run(onlooker, "select sum(idx_tup_read) from pg_stat_user_indexes")
    return int(tables[0][0]) + int(indexes[0][0])


def test_change_dated_in_the_future_does_not_hide_later_ones(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    rows = good_rows()
    insert(core_banking, rows)
    future = later(rows["complaints"][0], complaint_id="Z2", updated_at=datetime(2999, 1, 1, tzinfo=UTC))
    insert(core_banking, {"complaints": [future]})
    _load(core_banking, warehouse, databases)
    _decide(warehouse)
    run(
        core_banking,
        "update core_banking.complaints set category = 'x', updated_at = %s where complaint_id = 'Z1'",
        [CHANGED + timedelta(days=1)],
    )

    assert _landed(_load(core_banking, warehouse, databases)) == {"complaints": 1}


def test_replaced_table_is_compared_whole(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    rows = good_rows()
    insert(core_banking, rows)
    _load(core_banking, warehouse, databases)
    _decide(warehouse)
    run(core_banking, "delete from core_banking.loans where loan_id = 'L3'")
    run(
        core_banking,
        "update core_banking.loans set product = 'personal', updated_at = %s where loan_id = 'L1'",
        [CHANGED - timedelta(days=300)],
    )
    run(warehouse, "insert into ops.source_load (generation, table_name, row_count) values (1, 'loans', 2)")

    batch = _load(core_banking, warehouse, databases)

    loans = next(table for table in batch.tables if table.name == "loans")
    assert (loans.is_full, loans.landed_rows, loans.disappeared_rows) == (True, 1, 1)
    _decide(warehouse)
    assert not any(table.is_full for table in _load(core_banking, warehouse, databases).tables)


@pytest.mark.parametrize("state", ["landed", "aborted"])
def test_batch_that_did_not_pass_neither_counts_nor_blocks(
    core_banking: Connection, warehouse: Connection, databases: Settings, state: str
) -> None:
    insert(core_banking, good_rows())
    first = _load(core_banking, warehouse, databases)
    if state == "aborted":
        _decide(warehouse, "aborted")

    second = _load(core_banking, warehouse, databases)

    assert second.landed_rows == first.landed_rows
    states = run(warehouse, "select state, reason is not null from ops.load_batch order by batch_id")
    assert states == [("aborted", state == "landed"), ("landed", False)]


def test_new_generation_is_loaded_in_full(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    insert(core_banking, good_rows())
    first = _load(core_banking, warehouse, databases)
    _decide(warehouse)
    run(warehouse, "insert into ops.source_generation (generation, mode, description) values (2, 'static', 'new')")

    second = _load(core_banking, warehouse, databases)

    assert (first.generation, second.generation) == (1, 2)
    assert second.landed_rows == first.landed_rows


def test_source_that_nobody_loaded_by_hand_is_a_feed(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    _load(core_banking, warehouse, databases)

    assert run(warehouse, "select generation, mode from ops.source_generation") == [(1, "feed")]


def test_some_tables_only(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    insert(core_banking, good_rows())

    batch = _load(core_banking, warehouse, databases, tables=["loans", "customers"])

    assert _landed(batch) == {"customers": 3, "loans": 3}
    with pytest.raises(ConfigurationError, match=r"\['lones'\] are not in the source contract"):
        _load(core_banking, warehouse, databases, tables=["lones"])


def test_drift_names_every_problem_and_loads_nothing(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    insert(core_banking, good_rows())
    run(core_banking, "alter table core_banking.loans drop column day_count")
    run(core_banking, "alter table core_banking.loans alter column principal type double precision")
    run(core_banking, "alter table core_banking.customers rename to clients")

    with pytest.raises(SchemaDriftError) as drift:
        _load(core_banking, warehouse, databases)

    assert drift.value.problems == [
        "core_banking.customers: expected a table or view that we may read, found none",
        "core_banking.loans.principal: expected numeric(18,2), found double precision",
        "core_banking.loans.day_count: expected text, found no such column",
    ]
    assert run(warehouse, "select count(*) from ops.load_batch") == [(0,)]


def test_column_that_the_contract_does_not_know_is_noted_only(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    insert(core_banking, good_rows())
    run(core_banking, "alter table core_banking.loans add column branch text")

    batch = _load(core_banking, warehouse, databases)

    assert batch.notes == ("core_banking.loans.branch: not in the contract, not loaded",)
    assert _landed(batch)["loans"] == 3


def test_source_in_other_notation_and_encoding_lands_the_same(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    insert(core_banking, good_rows())
    run(
        core_banking,
        f"alter role current_user in database {databases.core_banking_database} set datestyle = 'SQL, DMY'",
    )
    run(
        core_banking,
        f"alter role current_user in database {databases.core_banking_database} set client_encoding = 'GBK'",
    )
    run(core_banking, "update core_banking.customers set full_name = '张伟' where customer_id = 'C1'")
    other = psycopg2.connect(databases.dsn("core_banking", "bank"))

    _load(other, warehouse, databases)
    other.close()

    loan = run(
        warehouse, "select disbursed_on::text, updated_at = %s from landing.loans where loan_id = 'L1'", [CHANGED]
    )
    assert loan == [("2026-01-01", True)]
    assert run(warehouse, "select full_name from landing.customers where customer_id = 'C1'") == [("张伟",)]


def test_all_tables_are_of_one_instant(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    """A loan that the bank opens while we load must not come with its transactions and without its schedule."""
    insert(core_banking, good_rows())
    writer = psycopg2.connect(databases.dsn("core_banking", "bank"))

    def meanwhile(table: str, _rows: int) -> None:
        if table == "customers":
            late = [{**row, "loan_id": "L9"} for row in good_rows()["loans"][:1]]
            insert(writer, {"loans": late, "loan_parties": [{**good_rows()["loan_parties"][0], "loan_id": "L9"}]})

    batch = _load(core_banking, warehouse, databases, progress=meanwhile)
    writer.close()

    assert (_landed(batch)["loans"], _landed(batch)["loan_parties"]) == (3, 1)


_KILLED = """
import os, signal, sys
from datetime import date
import psycopg2
from arrears.landing.load import load_batch
from arrears.settings import get_settings

def die(table, rows):
    if table == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

settings = get_settings()
source = psycopg2.connect(settings.dsn("core_banking", "bank"))
warehouse = psycopg2.connect(settings.dsn("warehouse", "pipeline"))
load_batch(source, warehouse, as_of=date(2026, 3, 20), run_id=None, settings=settings, progress=die)
"""


@pytest.mark.parametrize("table", ["customers", "complaints"])
def test_killed_load_leaves_no_trace_and_the_next_one_succeeds(
    core_banking: Connection, warehouse: Connection, databases: Settings, table: str
) -> None:
    insert(core_banking, good_rows())

    killed = subprocess.run([sys.executable, "-c", _KILLED, table], env=dict(os.environ), check=False)

    assert killed.returncode == -signal.SIGKILL
    for name in ("ops.load_batch", "ops.load_table", "ops.source_generation", *[f"landing.{t.name}" for t in TABLES]):
        assert run(warehouse, f"select count(*) from {name}") == [(0,)]
    assert _load(core_banking, warehouse, databases).landed_rows == sum(map(len, good_rows().values()))


def test_source_that_breaks_off_half_way_leaves_no_trace(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    insert(core_banking, good_rows())
    run(core_banking, "alter table core_banking.complaints rename to all_complaints")
    run(
        core_banking,
        "create view core_banking.complaints as select complaint_id, customer_id, collector_id, channel, received_at,"
        " (repeat(category, 1) || (1 / (case when customer_id = 'C2' then 0 else 1 end))::text)::text as category,"
        " upheld, responded_at, closed_at, updated_at from core_banking.all_complaints",
    )

    with pytest.raises(psycopg2.errors.DivisionByZero):
        _load(core_banking, warehouse, databases)

    assert run(warehouse, "select count(*) from landing.customers") == [(0,)]


def test_loads_at_the_same_time_follow_each_other(
    core_banking: Connection, warehouse: Connection, databases: Settings
) -> None:
    insert(core_banking, good_rows())
    batches: list[LandedBatch] = []

    def load() -> None:
        source = psycopg2.connect(databases.dsn("core_banking", "bank"))
        target = psycopg2.connect(databases.dsn("warehouse", "pipeline"))
        batches.append(_load(source, target, databases))
        source.close()
        target.close()

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len({batch.batch_id for batch in batches}) == 3
    assert run(warehouse, "select state from ops.load_batch order by batch_id") == [
        ("aborted",),
        ("aborted",),
        ("landed",),
    ]


def test_value_of_megabytes_passes(core_banking: Connection, warehouse: Connection, databases: Settings) -> None:
    rows = good_rows()
    rows["customer_flags"][0]["note"] = "x" * 5_000_000
    insert(core_banking, rows)

    _load(core_banking, warehouse, databases)

    assert run(warehouse, "select length(note) from landing.customer_flags") == [(5_000_000,)]
