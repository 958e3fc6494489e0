"""`arrears vendor check`, as a vendor's developer uses it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from arrears.cli.vendor import vendor_app
from arrears.errors import ConfigurationError

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
    assert "line 1: unknown column `costs`, did you mean cost?" in result.output
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
