"""`arrears vendor check`, as a vendor's developer uses it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from arrears.cli.vendor import vendor_app
from arrears.delivery.handbook import DIRECTORY
from arrears.errors import ConfigurationError
from arrears.settings import PROJECT_ROOT

HEADER = "contact_ref,contact_point_ref,attempted_at,disposition,promise_amount,promise_on,cost,currency,note"
GOOD = "ref-a,phone,2020-04-15T10:02:00+08:00,promise_to_pay,120.50,2020-04-20,1.20,USD,"


def check(path: Path, *options: str) -> Result:
    return CliRunner().invoke(vendor_app, ["check", str(path), *options])


def write(directory: Path, *rows: str, name: str = "phone-demo_call-20200415-01.results-1.csv") -> Path:
    path = directory / name
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_a_sound_file_is_fine(tmp_path: Path) -> None:
    result = check(write(tmp_path, GOOD, GOOD.replace("ref-a", "ref-b")))

    assert result.exit_code == 0
    assert "results, 2 rows: fine" in result.output


def test_every_problem_is_told_with_its_line_and_field(tmp_path: Path) -> None:
    result = check(
        write(
            tmp_path,
            GOOD,
            GOOD.replace("+08:00", ""),
            GOOD.replace("1.20", "-1.20").replace("120.50", "1 000"),
            GOOD.replace("phone", "", 1),
            GOOD.replace("promise_to_pay", "promised"),
            GOOD + "=1+1",
            GOOD + ",one more",
        )
    )

    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert [line.split(": ")[1:3] for line in lines[:-1]] == [
        ["line 3", "attempted_at"],
        ["line 4", "promise_amount"],
        ["line 4", "cost"],
        ["line 5", "contact_point_ref"],
        ["line 6", "disposition"],
        ["line 7", "note"],
        ["line 8", "the row has another number of fields than the header (FIELD_COUNT)"],
    ]
    assert "results, 7 rows: 6 would be set aside" in lines[-1]
    assert "=1+1" not in result.output


def test_the_channel_may_be_told_where_the_name_does_not(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("phone", "", 1), name="results.csv")

    assert check(path).exit_code == 0
    assert check(path, "--channel", "phone").exit_code == 1


def test_a_file_that_would_be_refused_says_why(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    path.write_text(path.read_text().replace("cost", "costs"))

    result = check(path)

    assert result.exit_code == 1
    assert "line 1: column 7 is unknown, did you mean cost?" in result.output
    assert "would be refused whole" in result.output


def test_damage_in_the_middle_is_found(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    path.write_bytes(path.read_bytes() + "ref-b,phone,下周".encode("gbk"))

    result = check(path)

    assert result.exit_code == 1
    assert "line 3: the file is not UTF-8" in result.output


@pytest.mark.parametrize(("accepted", "code"), [(3, 0), (2, 1)])
def test_an_acknowledgement_is_checked(tmp_path: Path, accepted: int, code: int) -> None:
    path = tmp_path / "ack.json"
    document = {
        "batch_id": "sms-demo_sms-20200415-01",
        "received_at": "2020-04-15T06:01:00+08:00",
        "rows": 3,
        "sha256": "0" * 64,
        "accepted": accepted,
        "rejected": [],
    }
    path.write_text(json.dumps(document))

    result = check(path)

    assert result.exit_code == code
    assert ("do not add up" in result.output) is bool(code)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    result = check(tmp_path / "nothing.csv")

    assert isinstance(result.exception, ConfigurationError)
    assert "nothing.csv is not a file" in str(result.exception)


def test_a_name_that_the_bank_refuses_is_told(tmp_path: Path) -> None:
    result = check(write(tmp_path, GOOD, name="results of Mr Smith.csv"))

    assert result.exit_code == 1
    assert "the file's name may hold letters" in result.output


def test_every_file_is_checked_whatever_is_wrong_with_the_first(tmp_path: Path) -> None:
    bad, good = write(tmp_path, GOOD + "=1", name="a.csv"), write(tmp_path, GOOD, name="b.csv")

    result = CliRunner().invoke(vendor_app, ["check", str(bad), str(good)])

    assert result.exit_code == 1
    assert "a.csv: results, 1 rows: 1 would be set aside" in result.output
    assert "b.csv: results, 1 rows: fine" in result.output


def test_an_attempt_told_twice_with_other_content_is_found_across_files(tmp_path: Path) -> None:
    first = write(tmp_path, GOOD, GOOD, name="a.csv")
    second = write(tmp_path, GOOD, GOOD.replace("120.50", "99.00"), name="b.csv")

    result = CliRunner().invoke(vendor_app, ["check", str(first), str(second)])

    assert result.exit_code == 1
    assert "a.csv: results, 2 rows: fine" in result.output
    assert "b.csv: line 3: the same attempt was reported before, with other content (CONFLICT)" in result.output


# With the list at hand: all that the bank checks, but what only the bank knows.

ON_LIST = "rmzxw6ytboi7dsmbrgezdgnbvgy"
LIST = "phone-demo_call-20200415-01.csv"


def beside(directory: Path) -> Path:
    """The list of the hand-book's example and its manifest."""
    for name in (LIST, LIST.replace(".csv", ".manifest.json")):
        shutil.copy(DIRECTORY / "examples" / name, directory)
    return directory / LIST


@pytest.mark.parametrize(
    ("change", "told", "code"),
    [
        ({}, "fine", 0),
        ({ON_LIST: "somebody_else"}, "contact_ref: not a contact_ref of the list", 1),
        ({"USD": "CNY"}, "currency: the currency is not that of the list", 1),
        ({"T10:02:00": "T05:02:10"}, "attempted_at: the attempt was made before the list was sent", 1),
        ({"T10:02:00": "T18:00:01"}, "recorded as a breach", 0),
    ],
    ids=["sound", "foreign", "another currency", "before the list", "outside its window"],
)
def test_with_the_list_at_hand_rows_are_held_against_it(
    tmp_path: Path, change: dict[str, str], told: str, code: int
) -> None:
    row = GOOD.replace("ref-a", ON_LIST)
    for old, new in change.items():
        row = row.replace(old, new)

    result = check(write(tmp_path, row), "--list", str(beside(tmp_path)))

    assert told in result.output
    assert result.exit_code == code


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rows": 2, "accepted": 2}, "rows: the list has 1"),
        ({"sha256": "0" * 64}, "sha256: not that of the list"),
        ({"accepted": 0, "rejected": [{"contact_ref": "other", "reason": "no"}]}, "not of the list"),
    ],
    ids=["rows", "hash", "reference"],
)
def test_with_the_list_at_hand_an_acknowledgement_is_held_against_it(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    sound = json.loads((DIRECTORY / "examples" / "phone-demo_call-20200415-01.ack.json").read_text())
    path = tmp_path / "ack.json"
    path.write_text(json.dumps(sound | change))

    result = check(path, "--list", str(beside(tmp_path)))

    assert result.exit_code == 1
    assert told in result.output
    assert "would be refused whole" in result.output


def test_a_list_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    result = check(write(tmp_path, GOOD), "--list", str(DIRECTORY / "lists.md"))

    assert isinstance(result.exception, ConfigurationError)
    assert "lists.md is not a contact list" in str(result.exception)


def test_it_needs_neither_airflow_nor_a_database_nor_pandas(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "for name in ('airflow', 'psycopg2', 'pandas', 'great_expectations', 'paramiko', 'pysequoia', 'dbt'):\n"
        "    sys.modules[name] = None\n"
        "from arrears.cli.vendor import main\n"
        "sys.argv = ['vendor', 'check', sys.argv[1]]\n"
        "main()"
    )
    environment = {"PYTHONPATH": str(PROJECT_ROOT / "plugins"), "PATH": os.environ["PATH"]}
    for path, code in ((write(tmp_path, GOOD, name="a.csv"), 0), (tmp_path / "nothing.csv", 1)):
        command = [sys.executable, "-c", script, str(path)]
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert run.returncode == code, run.stderr
        assert "Traceback" not in run.stderr


def test_a_certificates_fingerprint_and_end_are_shown(tmp_path: Path) -> None:
    import pysequoia

    good, short = tmp_path / "law.asc", tmp_path / "care.asc"
    certificate = pysequoia.Tsk.generate("Law").extract_certificate()
    good.write_text(str(certificate))
    short.write_text(str(pysequoia.Tsk.generate("Care", validity_seconds=86_400).extract_certificate()))

    fine = CliRunner().invoke(vendor_app, ["keys", str(good)])
    both = CliRunner().invoke(vendor_app, ["keys", str(good), str(short), str(tmp_path / "gone.asc")])

    assert (fine.exit_code, both.exit_code) == (0, 1)
    assert f"law: {str(certificate.fingerprint).upper()}" in fine.output
    assert "care: OpenPGP certificate care.asc expires at" in both.output
    assert "gone: OpenPGP certificate gone.asc: expected it in" in both.output
