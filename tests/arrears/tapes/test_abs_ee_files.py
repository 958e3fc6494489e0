"""Files of a tape: CSV and the exhibit as filed become the same checked rows, and what is wrong is named."""

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from issuer import Issuer, Row, write_csv, write_xml

from arrears.errors import SourceFileError
from arrears.tapes import abs_ee_files
from arrears.tapes.abs_ee_files import find_tape_files, read_tape_file

SAMPLE = Path(__file__).with_name("ex102_sample.xml")


def read(path: Path) -> list[dict[str, Any]]:
    return pd.concat(list(read_tape_file(path))).to_dict("records")


def problems(path: Path) -> str:
    with pytest.raises(SourceFileError) as refused:
        read(path)
    return str(refused.value)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return Issuer("Alpha").publish(loans=5, months=3)


def test_exhibit_as_filed_is_read() -> None:
    first, late, gone = read(SAMPLE)
    assert [row["assetNumber"] for row in (first, late, gone)] == [
        "Zq+6SKuAO/PSyCa==",
        "0002000001 - 000007",
        "30000003",
    ]
    assert (first["originalLoanAmount"], first["reportingPeriodEndingDate"]) == (12_000_00, "2022-03-31")
    assert (first["originationDate"], first["originalInterestRatePercentage"]) == ("2021-01-01", "0.06000000")
    assert (late["currentDelinquencyStatus"], late["totalActualAmountPaid"]) == (20, 0)
    assert (gone["currentDelinquencyStatus"], gone["zeroBalanceCode"]) == (None, "1"), "what is left out is no value"


def test_csv_gzip_and_xml_give_the_same_rows(tmp_path: Path, rows: list[Row]) -> None:
    found = read(write_csv(tmp_path / "a.csv", rows))
    assert len(found) == len(rows)
    assert read(write_csv(tmp_path / "a.csv.gz", rows)) == found
    assert read(write_xml(tmp_path / "a.xml", rows)) == found
    (tmp_path / "b.xml.gz").write_bytes(gzip.compress((tmp_path / "a.xml").read_bytes()))
    assert read(tmp_path / "b.xml.gz") == found


def test_pieces_are_read_in_order(tmp_path: Path, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(write_csv(tmp_path / "a.csv", rows))
    monkeypatch.setattr(abs_ee_files, "CHUNK_ROWS", 2)
    monkeypatch.setattr(abs_ee_files, "_READ_BYTES", 1000)
    assert len(list(read_tape_file(tmp_path / "a.csv"))) > 2
    assert read(tmp_path / "a.csv") == whole
    assert read(write_xml(tmp_path / "a.xml", rows)) == whole


@pytest.mark.parametrize("text", ["03-31-2022", "2022-03-31", "03/31/2022", "2022-03-31 00:00:00", "3-31-2022"])
def test_day_in_every_form(tmp_path: Path, rows: list[Row], text: str) -> None:
    [row] = read(write_csv(tmp_path / "a.csv", [rows[0] | {"reportingPeriodEndingDate": text}]))
    assert row["reportingPeriodEndingDate"] == "2022-03-31"


@pytest.mark.parametrize("text", ["03/2022", "2022-03", "3/2022"])
def test_month_is_its_first_day(tmp_path: Path, rows: list[Row], text: str) -> None:
    [row] = read(write_csv(tmp_path / "a.csv", [rows[0] | {"loanMaturityDate": text}]))
    assert row["loanMaturityDate"] == "2022-03-01"


@pytest.mark.parametrize("text", ["", "-", " - ", "NA"])
def test_empty_in_every_form(tmp_path: Path, rows: list[Row], text: str) -> None:
    [row] = read(write_csv(tmp_path / "a.csv", [rows[0] | {"currentDelinquencyStatus": text}]))
    assert row["currentDelinquencyStatus"] is None


@pytest.mark.parametrize(
    ("text", "cents"), [("51000.00000000", 51_000_00), ("195.66439178", 195_66), ("-20.4", -20_40), ("1e3", 1_000_00)]
)
def test_amount_is_rounded_to_cents(tmp_path: Path, rows: list[Row], text: str, cents: int) -> None:
    [row] = read(write_csv(tmp_path / "a.csv", [rows[0] | {"totalActualAmountPaid": text}]))
    assert row["totalActualAmountPaid"] == cents


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("totalActualAmountPaid", "12,000", "an amount"),
        ("totalActualAmountPaid", "inf", "an amount"),
        ("currentDelinquencyStatus", "1.5", "a whole number"),
        ("loanMaturityDate", "13/2022", "a date"),
        ("originalInterestRatePercentage", "high", "a number"),
        ("assetNumber", "-", "text"),
    ],
)
def test_bad_value_is_named_with_file_line_column_and_text(
    tmp_path: Path, rows: list[Row], column: str, text: str, expected: str
) -> None:
    bad = [rows[0], rows[1] | {column: text}, rows[2]]
    found = problems(write_csv(tmp_path / "a.csv", bad))
    assert found.startswith(f"a.csv, line 3, column {column}: expected {expected}")
    assert found.endswith(f"found {text!r}")


def test_bad_value_in_xml_is_named_with_its_record(tmp_path: Path, rows: list[Row]) -> None:
    path = write_xml(tmp_path / "a.xml", [rows[0], rows[1] | {"totalActualAmountPaid": "much"}])
    assert problems(path) == "a.xml, record 2, column totalActualAmountPaid: expected an amount, found 'much'"


def test_many_bad_values_are_counted(tmp_path: Path, rows: list[Row]) -> None:
    found = problems(write_csv(tmp_path / "a.csv", [rows[0] | {"totalActualAmountPaid": "x"}] * 30))
    assert found.count("line ") == 20
    assert "10 more problems, 30 in all" in found


def test_missing_column_is_refused_in_both_forms(tmp_path: Path, rows: list[Row]) -> None:
    less = [{name: value for name, value in row.items() if name != "totalActualAmountPaid"} for row in rows]
    for path in (write_csv(tmp_path / "a.csv", less), write_xml(tmp_path / "a.xml", less)):
        assert "the column 'totalActualAmountPaid' is missing" in problems(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><assetData/>', "document type"),
        ("<assetData><assets/></assetData>", "in namespace http://www.sec.gov"),
        ('<assetData xmlns="http://www.sec.gov/edgar/document/absee/autoloan/assetdata"><assets>', "not well-formed"),
        ("", "not well-formed"),
    ],
)
def test_xml_that_is_not_the_exhibit_is_refused(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(content)
    assert expected in problems(path)


def test_csv_without_a_byte_and_broken_gzip_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    assert "is empty" in problems(tmp_path / "a.csv")
    (tmp_path / "a.csv.gz").write_bytes(b"no gzip")
    assert "cannot be read" in problems(tmp_path / "a.csv.gz")


def test_directory_stands_for_its_files_by_name(tmp_path: Path) -> None:
    for name in ("b.csv", "a.xml", ".hidden.csv", "README.md"):
        (tmp_path / name).write_text("")
    assert [path.name for path in find_tape_files([tmp_path])] == ["a.xml", "b.csv"]
    assert [path.name for path in find_tape_files([tmp_path / "b.csv", tmp_path / "a.xml"])] == ["b.csv", "a.xml"]


def test_path_that_is_no_tape_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceFileError) as refused:
        find_tape_files([tmp_path / "a.txt", tmp_path / "nowhere.csv", tmp_path / "empty"])
    assert len(refused.value.problems) == 3
