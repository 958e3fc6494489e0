"""`arrears source`, as a person uses it."""

from datetime import date, timedelta
from pathlib import Path

import psycopg2
import pytest
from typer.testing import CliRunner, Result

from arrears.cli.source import source_app
from arrears.errors import ConfigurationError, SourceFileError
from arrears.settings import Settings

PERIOD = ["--from", "2019-01-01", "--to", "2019-06-30", "--seed", "5"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(source_app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated bank as files, written by the command itself."""
    out = tmp_path_factory.mktemp("out") / "bank"
    result = run("simulate", "--loans", "20", *PERIOD, "--out", out)
    assert result.exit_code == 0, result.output
    return out


def count_loans(settings: Settings) -> int:
    with psycopg2.connect(settings.dsn("core_banking", "bank")) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from core_banking.loans where loan_id not like 'SYN-%'")
        row = cursor.fetchone()
    connection.close()
    assert row
    return int(row[0])


def test_simulation_is_written_as_files_that_say_how_to_load_them(tmp_path: Path) -> None:
    result = run("simulate", "--loans", "3", *PERIOD, "--out", tmp_path / "bank")
    assert result.exit_code == 0
    assert "arrears source load" in result.output
    assert (tmp_path / "bank" / "loans.csv").exists()


def test_simulation_is_not_mixed_with_other_files(bank: Path) -> None:
    result = run("simulate", "--loans", "3", *PERIOD, "--out", bank)
    assert isinstance(result.exception, ConfigurationError)
    assert "is not an empty directory" in str(result.exception)


def test_bank_that_lives_on_is_not_written_to_files(tmp_path: Path) -> None:
    result = run("simulate", "--loans", "3", *PERIOD, "--vendors", "--out", tmp_path / "bank")
    assert isinstance(result.exception, ConfigurationError)
    assert "--vendors needs the lists of each day" in str(result.exception)


@pytest.mark.postgres
def test_directory_is_loaded_and_its_rows_told(databases: Settings, bank: Path) -> None:
    result = run("load", bank)
    assert result.exit_code == 0, result.output
    assert "Source generation 1" in result.output
    assert count_loans(databases) == 20
    assert "Source generation 1" in run("load", bank).output
    assert "Source generation 2" in run("load", bank, "--replace").output
    assert count_loans(databases) == 20


@pytest.mark.postgres
def test_simulation_is_loaded(databases: Settings) -> None:
    result = run("simulate", "--loans", "15", *PERIOD)
    assert result.exit_code == 0, result.output
    assert count_loans(databases) == 15


@pytest.mark.postgres
def test_bank_lives_on_until_another_is_loaded(databases: Settings, bank: Path) -> None:
    world = databases.home / "simulation" / "world.json"
    begun = run("simulate", "--loans", "15", *PERIOD, "--vendors")
    assert begun.exit_code == 0, begun.output
    first_day = PERIOD[PERIOD.index("--to") + 1]
    assert f"0 days played; it is the morning of {first_day}" in begun.output
    next_day = date.fromisoformat(first_day) + timedelta(days=1)
    lived = run("simulate", "--loans", "15", *PERIOD, "--vendors", "--to", str(next_day))
    assert f"1 day played; it is the morning of {next_day}" in lived.output
    assert world.exists()
    run("load", bank, "--replace")
    assert not world.exists()


@pytest.mark.postgres
def test_bad_directory_is_refused_and_nothing_loaded(databases: Settings, tmp_path: Path) -> None:
    (tmp_path / "lons.csv").write_text("loan_id\n")
    result = run("load", tmp_path)
    assert isinstance(result.exception, SourceFileError)
    assert "the nearest known name is loans.csv" in str(result.exception)
    assert count_loans(databases) == 0


def test_directory_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    result = run("load", tmp_path / "nowhere")
    assert isinstance(result.exception, ConfigurationError)


@pytest.mark.postgres
def test_directory_without_the_tape_is_refused(databases: Settings, tmp_path: Path) -> None:
    result = run("load", "--tape", "ally", tmp_path)
    assert isinstance(result.exception, SourceFileError)
    assert "is missing: the Ally tape is" in str(result.exception)


def test_unknown_tape_is_refused(tmp_path: Path) -> None:
    assert run("load", "--tape", "no-such-tape", tmp_path).exit_code == 2


@pytest.mark.postgres
def test_tape_as_filed_is_loaded(databases: Settings) -> None:
    sample = Path(__file__).parents[1] / "tapes" / "ex102_sample.xml"
    result = run("load", "--tape", "abs-ee", sample, "--replace")
    assert result.exit_code == 0, result.exception
    assert count_loans(databases) == 3


def test_tape_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    result = run("load", "--tape", "abs-ee", tmp_path / "nowhere.xml")
    assert isinstance(result.exception, SourceFileError)
