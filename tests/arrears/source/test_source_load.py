"""Loading a directory into the source: what is replaced, what is recorded, and that nothing is half done."""

import csv
import gzip
from typing import Any

import psycopg2
import pytest
from contract_samples import FILES, STAMP, Directory
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import SourceFileError
from arrears.settings import Settings
from arrears.source import load
from arrears.source.contract import TABLES
from arrears.source.load import load_directory
from arrears.source.origin import ColumnOrigin, Origin

pytestmark = pytest.mark.postgres
FLAGS = f"customer_id,flag,valid_from,updated_at\nC1,deceased,2026-01-01,{STAMP}\n"


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def counts(core_banking: Connection) -> dict[str, int]:
    found = {
        table.name: rows(core_banking, f"select count(*) from core_banking.{table.name}")[0][0] for table in TABLES
    }
    return {name: count for name, count in found.items() if count}


def ledger(warehouse: Connection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    return (
        rows(warehouse, "select generation, mode, description from ops.source_generation order by 1"),
        rows(warehouse, "select generation, table_name, row_count from ops.source_load order by load_id"),
    )


def test_first_load_fills_the_tables_and_starts_a_generation(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    report = load_directory(core_banking, warehouse, directory.path, description="a sample bank")
    assert counts(core_banking) == report.row_counts
    assert report.row_counts == {"customers": 2, "loans": 1, "repayment_schedule": 3, "loan_transactions": 1}
    assert ledger(warehouse) == (
        [(1, "static", "a sample bank")],
        [(1, "customers", 2), (1, "loans", 1), (1, "repayment_schedule", 3), (1, "loan_transactions", 1)],
    )


def test_values_arrive_as_written(core_banking: Connection, warehouse: Connection, directory: Directory) -> None:
    text = FILES["customers"].replace("Test Person", '"Test, ""T""\nPerson"').replace("C2,,", 'C2,"",')
    (directory.path / "customers.csv").unlink()
    (directory.path / "customers.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    load_directory(core_banking, warehouse, directory.path)
    query = "select customer_id, full_name, city, updated_at = %s from core_banking.customers order by 1"
    assert rows(core_banking, query.replace("%s", f"'{STAMP}'::timestamptz")) == [
        ("C1", 'Test, "T"\nPerson', None, True),
        ("C2", None, None, True),
    ]


def test_whatever_text_passes_the_check_arrives_as_it_was(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    """What `csv` and PostgreSQL might read differently: quotes, line breaks, backslashes, end-of-data markers."""
    notes = [
        '"',
        "a,b",
        "line\nbreak",
        "line\r\nbreak",
        "x\n\\.\ny",
        "\\.",
        "\\N",
        "\\t",
        " padded ",
        "NULL",
        "''",
        "é 中 🙂",
    ]
    path = directory.path / "customer_flags.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["note", "customer_id", "flag", "valid_from", "updated_at"])
        writer.writerows([note, f"C{number}", "disputed", "2026-01-01", STAMP] for number, note in enumerate(notes, 10))
    load_directory(core_banking, warehouse, directory.path)
    found = rows(core_banking, "select note from core_banking.customer_flags order by customer_id")
    assert [note for (note,) in found] == notes


def test_second_load_replaces_what_it_brings_and_leaves_the_rest(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    flags = directory.write(
        "customer_flags", f"customer_id,flag,valid_from,updated_at\nC1,deceased,2026-01-01,{STAMP}\n"
    )
    load_directory(core_banking, warehouse, directory.path)
    flags.unlink()
    directory.write("customers", FILES["customers"].splitlines(keepends=True)[0])
    report = load_directory(core_banking, warehouse, directory.path)
    assert report.generation == 1
    assert counts(core_banking) == {"customer_flags": 1, "loans": 1, "repayment_schedule": 3, "loan_transactions": 1}


def test_replace_empties_everything_and_starts_a_new_generation(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    flags = directory.write(
        "customer_flags", f"customer_id,flag,valid_from,updated_at\nC1,deceased,2026-01-01,{STAMP}\n"
    )
    load_directory(core_banking, warehouse, directory.path)
    flags.unlink()
    report = load_directory(core_banking, warehouse, directory.path, replace=True, mode="feed")
    assert report.generation == 2
    assert "customer_flags" not in counts(core_banking)
    generations, loads = ledger(warehouse)
    assert [(number, mode) for number, mode, _ in generations] == [(1, "static"), (2, "feed")]
    assert {table for generation, table, _ in loads if generation == 2} == {table.name for table in TABLES}


def test_replace_starts_the_first_generation_too(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    assert load_directory(core_banking, warehouse, directory.path, replace=True).generation == 1


def test_load_says_how_the_newest_generation_is_filled_now(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    load_directory(core_banking, warehouse, directory.path, mode="feed")
    load_directory(core_banking, warehouse, directory.path)
    assert [mode for _, mode, _ in ledger(warehouse)[0]] == ["static"]


def test_refused_directory_leaves_both_databases_as_they_were(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    load_directory(core_banking, warehouse, directory.path)
    before = counts(core_banking), ledger(warehouse)
    directory.write("customers", FILES["customers"].splitlines(keepends=True)[0])
    directory.edit("loan_transactions", "100.00", "100.001")
    with pytest.raises(SourceFileError, match=r"loan_transactions\.csv, line 2, column 'amount'"):
        load_directory(core_banking, warehouse, directory.path, replace=True)
    assert (counts(core_banking), ledger(warehouse)) == before


@pytest.mark.parametrize("place", ["_copy", "record_origins", "_record"])
def test_load_killed_in_the_middle_leaves_both_databases_as_they_were(
    core_banking: Connection,
    warehouse: Connection,
    directory: Directory,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    load_directory(core_banking, warehouse, directory.path)
    before = counts(core_banking), ledger(warehouse)
    real = getattr(load, place)

    def die(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        raise KeyboardInterrupt

    directory.write("customers", FILES["customers"].splitlines(keepends=True)[0])
    monkeypatch.setattr(load, place, die)
    with pytest.raises(KeyboardInterrupt):
        load_directory(core_banking, warehouse, directory.path, replace=True)
    assert (counts(core_banking), ledger(warehouse)) == before


def test_load_is_recorded_before_the_source_commits_and_again_after(
    core_banking: Connection, warehouse: Connection, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two commits, the ledger asks for a comparison too many; never for one too few."""
    recorded = "select max(loaded_at) from ops.source_load"
    real = load._touch
    before_touch: list[Any] = []

    def look(*arguments: Any) -> None:
        with warehouse.cursor() as cursor:
            cursor.execute(recorded)
            before_touch.extend(cursor.fetchall())
        assert counts(core_banking)["loans"] == 1
        real(*arguments)

    monkeypatch.setattr(load, "_touch", look)
    load_directory(core_banking, warehouse, directory.path)
    assert len(before_touch) == 1
    assert before_touch[0] < rows(warehouse, recorded)[0]


def test_file_that_changes_between_check_and_copy_is_refused_without_its_values(
    core_banking: Connection, warehouse: Connection, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load.check_files

    def check_then_change(*arguments: Any) -> Any:
        checked = real(*arguments)
        directory.edit("loans", "300.00", "Jane Doe")
        return checked

    monkeypatch.setattr(load, "check_files", check_then_change)
    with pytest.raises(SourceFileError, match=r"loans\.csv: refused by PostgreSQL") as caught:
        load_directory(core_banking, warehouse, directory.path)
    assert "Jane" not in str(caught.value)
    assert counts(core_banking) == {}


def test_origins_are_kept_until_their_table_is_replaced(
    core_banking: Connection, warehouse: Connection, directory: Directory
) -> None:
    origin = ColumnOrigin("loans", "principal", Origin.PUBLISHED, "as filed")
    load_directory(core_banking, warehouse, directory.path, origins=[origin])
    query = "select table_name, column_name, origin, note from core_banking.data_origin"
    assert rows(core_banking, query) == [("loans", "principal", "published", "as filed")]
    load_directory(core_banking, warehouse, directory.path)
    assert rows(core_banking, query) == []


def test_pipeline_may_read_the_source_and_not_write_it(
    core_banking: Connection, warehouse: Connection, directory: Directory, databases: Settings
) -> None:
    load_directory(core_banking, warehouse, directory.path)
    with psycopg2.connect(databases.dsn("core_banking", "pipeline")) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from core_banking.loans")
        assert cursor.fetchone() == (1,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("delete from core_banking.loans")
    connection.close()
