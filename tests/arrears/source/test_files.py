"""Every refusal of the source contract, one by one; no database needed."""

import gzip

import pytest
from contract_samples import FILES, STAMP, Directory

from arrears.errors import SourceFileError
from arrears.source.contract import BY_NAME
from arrears.source.files import PROBLEMS_SHOWN, SourceFile, check_files, find_files
from arrears.source.writer import ContractWriter


def check(directory: Directory) -> list[SourceFile]:
    return check_files(find_files(directory.path))


def problems(directory: Directory) -> list[str]:
    with pytest.raises(SourceFileError) as caught:
        check(directory)
    return caught.value.problems


def test_valid_directory_passes_with_its_row_counts(directory: Directory) -> None:
    counts = {file.table.name: file.row_count for file in check(directory)}
    assert counts == {"customers": 2, "loans": 1, "repayment_schedule": 3, "loan_transactions": 1}


def test_hidden_files_and_notes_are_left_alone(directory: Directory) -> None:
    (directory.path / ".DS_Store").write_bytes(b"\0")
    (directory.path / "README.md").write_text("about")
    assert len(check(directory)) == 4


@pytest.mark.parametrize("table", sorted(FILES))
def test_directory_without_a_required_table_is_refused(directory: Directory, table: str) -> None:
    (directory.path / f"{table}.csv").unlink()
    assert problems(directory)[0].startswith(f"{table}.csv is missing: a directory must hold customers.csv, loans.csv")


def test_path_that_is_no_directory_is_refused(directory: Directory) -> None:
    with pytest.raises(SourceFileError, match="is not a directory"):
        find_files(directory.path / "customers.csv")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("customer_flag.csv", "customer_flags.csv"), ("loans.txt", "loans.csv"), ("Complaints.csv", "complaints.csv")],
)
def test_unknown_file_is_refused_with_the_nearest_name(directory: Directory, name: str, nearest: str) -> None:
    (directory.path / name).write_text("x\n")
    assert problems(directory) == [
        f"{name}: not a file of the source contract; the nearest known name is {nearest} (or .csv.gz)"
    ]


def test_two_files_for_one_table_are_refused(directory: Directory) -> None:
    (directory.path / "loans.csv.gz").write_bytes(gzip.compress(FILES["loans"].encode()))
    assert problems(directory) == ["loans.csv.gz: loans.csv is there too; keep one file for a table"]


def test_unknown_column_is_refused_with_the_nearest_name(directory: Directory) -> None:
    directory.edit("customers", "full_name", "fullname")
    assert problems(directory) == [
        "customers.csv, line 1, column 'fullname': unknown; the nearest known name is 'full_name'"
    ]


def test_missing_required_column_is_refused(directory: Directory) -> None:
    directory.edit("loans", "day_count", "maturity_on")
    assert "loans.csv, line 1: the required column 'day_count' is missing" in problems(directory)


def test_column_given_twice_is_refused(directory: Directory) -> None:
    directory.edit("customers", "full_name", "customer_id")
    assert problems(directory) == ["customers.csv, line 1, column 'customer_id': given 2 times"]


def test_file_without_a_header_is_refused_and_its_values_are_not_repeated(directory: Directory) -> None:
    directory.edit("customers", FILES["customers"].splitlines(keepends=True)[0], "")
    [problem] = problems(directory)
    assert problem.startswith("customers.csv, line 1: none of the 4 names is a column of customers")
    assert "Test Person" not in problem


def test_file_of_no_bytes_is_refused(directory: Directory) -> None:
    directory.write("loans", "")
    assert "loans.csv, line 1: there is no header row" in problems(directory)[0]


def test_file_of_a_header_alone_is_an_empty_table(directory: Directory) -> None:
    directory.write("loans", FILES["loans"].splitlines(keepends=True)[0])
    assert {file.table.name: file.row_count for file in check(directory)}["loans"] == 0


BAD_VALUES = [
    ("loans", "principal", "300.00", "300.001", "money as decimal text"),
    ("loans", "principal", "300.00", "3e2", "money as decimal text"),
    ("loans", "principal", "300.00", '"1,300.00"', "money as decimal text"),
    ("loans", "principal", "300.00", " 300.00", "money as decimal text"),
    ("loans", "principal", "300.00", "NaN", "money as decimal text"),
    ("loans", "principal", "300.00", "12345678901234567.00", "money as decimal text"),
    ("loans", "disbursed_on", "2025-12-10", "10.12.2025", "a date YYYY-MM-DD"),
    ("loans", "disbursed_on", "2025-12-10", "2025-02-29", "a date YYYY-MM-DD"),
    ("loans", "disbursed_on", "2025-12-10", "infinity", "a date YYYY-MM-DD"),
    ("loans", "updated_at", STAMP, "2026-01-05T20:00:00", "an ISO 8601 timestamp with offset"),
    ("loans", "updated_at", STAMP, "2026-01-05T25:00:00Z", "an ISO 8601 timestamp with offset"),
    ("loans", "updated_at", STAMP, "2026-01-05T20:00:00+16:00", "an ISO 8601 timestamp with offset"),
    ("loans", "updated_at", STAMP, "2026-01-05", "an ISO 8601 timestamp with offset"),
    ("repayment_schedule", "schedule_version", "L1,1,", "L1,1.0,", "a whole number"),
    ("repayment_schedule", "instalment_no", ",2,2026", ",3000000000,2026", "a whole number"),
]


@pytest.mark.parametrize(("table", "column", "old", "new", "expected"), BAD_VALUES)
def test_value_that_is_not_of_its_type_is_refused_with_its_place(
    directory: Directory, table: str, column: str, old: str, new: str, expected: str
) -> None:
    directory.edit(table, old, new)
    line = next(
        n for n, text in enumerate((directory.path / f"{table}.csv").read_text().splitlines(), 1) if new in text
    )
    found = new.split(",")[1] if table == "repayment_schedule" else new.strip('"')
    [problem] = problems(directory)
    assert problem.startswith(f"{table}.csv, line {line}, column {column!r}: expected {expected}")
    assert problem.endswith(f"found {found!r}")


@pytest.mark.parametrize(
    ("value", "is_good"), [("true", True), ("false", True), ("t", False), ("TRUE", False), ("1", False)]
)
def test_booleans_are_true_or_false_only(directory: Directory, value: str, is_good: bool) -> None:
    header = "contact_point_id,customer_id,kind,value,is_valid,updated_at\n"
    directory.write("contact_points", f"{header}P1,C1,mobile,+12125550100,{value},{STAMP}\n")
    if is_good:
        assert check(directory)
    else:
        assert problems(directory) == [
            f"contact_points.csv, line 2, column 'is_valid': expected true or false, found {value!r}"
        ]


def test_time_of_day_and_number_are_checked(directory: Directory) -> None:
    header = "customer_id,channel,consent,valid_from,preferred_from,updated_at\n"
    directory.write("contact_consents", f"{header}C1,sms,granted,2026-01-01,9am,{STAMP}\n")
    directory.write("loans", FILES["loans"].replace("principal", "annual_rate,principal").replace("USD,", "USD,7%,"))
    found = problems(directory)
    assert any("column 'preferred_from': expected a time" in problem for problem in found)
    assert any("column 'annual_rate': expected a decimal number" in problem for problem in found)


@pytest.mark.parametrize(
    "stamp",
    ["2026-01-05T12:00:00Z", "2026-01-05 20:00:00.123456+08", "2026-01-05T20:00+0800", "2026-01-05T20:00:00+08:00"],
)
def test_every_iso_8601_offset_is_taken(directory: Directory, stamp: str) -> None:
    directory.edit("loans", STAMP, stamp)
    assert check(directory)


def test_personal_value_is_masked(directory: Directory) -> None:
    header = "customer_id,jurisdiction,date_of_birth,updated_at\n"
    directory.write("customers", f"{header}C1,US,1 May 1970,{STAMP}\n")
    [problem] = problems(directory)
    assert "column 'date_of_birth'" in problem
    assert "1970" not in problem
    assert "personal, not shown" in problem


def test_null_in_a_required_column_is_left_to_the_gate(directory: Directory) -> None:
    directory.edit("loans", "L1,C1", ",C1")
    assert check(directory)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"C3,A,US,{STAMP},extra\n", "line 4: 5 fields, the header has 4"),
        ("C3,A\n", "line 4: 2 fields, the header has 4"),
        ("\n", "line 4: 0 fields, the header has 4"),
        (f'C3,A "B" C,US,{STAMP}\n', "line 4: not valid CSV (RFC 4180): a quote stands inside an unquoted field"),
        (f'C3,"A" B,US,{STAMP}\n', "line 4: not valid CSV (RFC 4180): text follows a closing quote"),
        (f'C3,"A,US,{STAMP}\nC4,B,US,{STAMP}\n', "line 4: not valid CSV (RFC 4180): a quoted field is not closed"),
        (f"C3,A\rB,US,{STAMP}\n", "line 4: not valid CSV (RFC 4180): a carriage return"),
        (f"C3,A,US,{STAMP}\r\n", "line 4: ends differently from the lines before it"),
        (b"C3,Mu\xf1oz,US,x\n", "line 4: not UTF-8 (byte 0xf1)"),
        ("C3,A\0B,US,x\n", "line 4: holds a NUL character"),
    ],
)
def test_broken_csv_is_refused_with_its_line(directory: Directory, row: str | bytes, said: str) -> None:
    directory.write("customers", FILES["customers"].encode() + (row if isinstance(row, bytes) else row.encode()))
    assert problems(directory)[0].startswith(f"customers.csv, {said}")


def test_line_numbers_are_right_below_quoted_line_breaks(directory: Directory) -> None:
    text = FILES["customers"].replace("Test Person", '"Test\nPerson, ""T"""') + f"C3,A,US,{STAMP}\nC4,B,US,yesterday\n"
    directory.write("customers", text)
    [problem] = problems(directory)
    assert problem.startswith("customers.csv, line 6, column 'updated_at'")


def test_rows_above_a_broken_one_are_checked_too(directory: Directory) -> None:
    directory.edit("customers", STAMP, "never")
    directory.write("customers", (directory.path / "customers.csv").read_text() + 'C3,"A')
    assert [problem.split(":")[0] for problem in problems(directory)] == [
        "customers.csv, line 2, column 'updated_at'",
        "customers.csv, line 4",
    ]


def test_byte_order_mark_and_windows_line_endings_are_taken(directory: Directory) -> None:
    directory.write("customers", b"\xef\xbb\xbf" + FILES["customers"].replace("\n", "\r\n").encode())
    assert check(directory)


def test_broken_gzip_is_refused(directory: Directory) -> None:
    (directory.path / "loans.csv").unlink()
    (directory.path / "loans.csv.gz").write_bytes(gzip.compress(FILES["loans"].encode())[:-12])
    assert problems(directory)[0].startswith("loans.csv.gz, cannot be read")


def test_all_problems_of_all_files_come_at_once_and_bounded(directory: Directory) -> None:
    rows = "".join(f"T{n},L1,repayment,free,2026-01-05,{STAMP}\n" for n in range(30))
    directory.write("loan_transactions", FILES["loan_transactions"] + rows)
    directory.edit("loans", "300.00", "lots")
    found = problems(directory)
    assert sum(problem.startswith("loan_transactions.csv") for problem in found) == PROBLEMS_SHOWN + 1
    assert found[-1] == "loan_transactions.csv: 10 more problems, 30 in all"
    assert sum(problem.startswith("loans.csv") for problem in found) == 1


def test_writer_writes_what_the_check_takes(directory: Directory) -> None:
    with ContractWriter(directory.path / "out") as writer:
        writer.add("customers", customer_id="C1", full_name='Ann, "A"\nB', jurisdiction="US", updated_at=STAMP)
    counts = {file.table.name: file.row_count for file in check_files(find_files(directory.path / "out"))}
    assert counts == {"customers": 1, "loans": 0, "repayment_schedule": 0, "loan_transactions": 0}


def test_writer_refuses_a_column_that_the_table_lacks(directory: Directory) -> None:
    with ContractWriter(directory.path / "out") as writer, pytest.raises(KeyError, match="loans has no column colour"):
        writer.add("loans", colour="red")


def test_every_table_of_the_contract_can_be_loaded(directory: Directory) -> None:
    for name, table in BY_NAME.items():
        directory.write(name, ",".join(table.column_names) + "\n")
    assert [file.table.name for file in check(directory)] == list(BY_NAME)
