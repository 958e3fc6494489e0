"""What a build is told and what it says, without running dbt (see tests/dbt for builds)."""

import gc
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from marts_warehouse import policy_pack
from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import run

from arrears.dbt_build import BuildError, document, end_of_knowledge, policy_version, without_values
from arrears.errors import ConfigurationError
from arrears.settings import Settings

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 1, 12)


def test_a_date_is_known_until_its_end_in_the_banks_time_zone() -> None:
    end = end_of_knowledge(date(2026, 1, 12), SHANGHAI)
    assert end.astimezone(UTC) == datetime(2026, 1, 12, 15, 59, 59, 999999, tzinfo=UTC)


def test_an_instant_stays_and_one_without_offset_is_refused() -> None:
    instant = datetime(2026, 1, 12, 3, tzinfo=UTC)
    assert end_of_knowledge(instant, SHANGHAI) == instant
    with pytest.raises(ConfigurationError, match="needs an offset"):
        end_of_knowledge(datetime(2026, 1, 12, 3), SHANGHAI)


def test_policy_version_follows_content_not_place(tmp_path: Path) -> None:
    versions = []
    for name, content in (("a", "x,1\n"), ("b", "x,1\n"), ("c", "x,2\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "limits.csv").write_text(content)
        versions.append(policy_version(tmp_path / name))
    assert versions[0] == versions[1] != versions[2]
    with pytest.raises(ConfigurationError, match="found none"):
        policy_version(tmp_path)


class Dbt:
    """Stands in for dbt: is asked for documentation, and writes it or not."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.writes = True

    def __call__(self, _: Settings, command: str, __: object, ___: object, place: Path) -> SimpleNamespace:
        self.asked.append(command)
        if command == "docs generate" and self.writes:
            (place / "target").mkdir(exist_ok=True)
            (place / "target" / "static_index.html").write_text(f"written after {len(self.asked)}")
        done = self.writes or command == "parse"
        return SimpleNamespace(success=done, exception=RuntimeError("no such model"), result=None)


@pytest.fixture
def settings(databases: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a state directory that has no documentation yet."""
    monkeypatch.setenv("ARREARS_SECRET_POSTGRES_PIPELINE", databases.secret("postgres_pipeline"))
    return databases.model_copy(update={"home": tmp_path})


@pytest.fixture
def dbt(monkeypatch: pytest.MonkeyPatch) -> Dbt:
    asked = Dbt()
    monkeypatch.setattr("arrears.dbt_build._invoke_dbt", asked)
    return asked


@pytest.mark.postgres
def test_documentation_is_written_again_where_it_would_be_another(
    settings: Settings, warehouse: Connection, dbt: Dbt, tmp_path: Path
) -> None:
    def read(**changes: object) -> str:
        return document(settings.model_copy(update=changes), as_of=DAY).read_text()

    assert read() == "written after 2"
    assert read() == "written after 2"
    run(warehouse, "create table marts.another__dbt_tmp (loan_id text)")
    assert read() == "written after 2"
    run(warehouse, "create table marts.another (loan_id text)")
    assert read() == "written after 4"
    run(warehouse, "insert into marts.another values ('L-1')")
    assert read() == "written after 4"
    run(warehouse, "alter table marts.another alter column loan_id type varchar(9)")
    assert read() == "written after 6"
    packs = policy_pack(tmp_path / "packs", experiments=[""])
    assert read(policy_dir=packs) == "written after 8"
    assert dbt.asked == ["parse", "docs generate"] * 4


@pytest.mark.postgres
def test_documentation_that_cannot_be_written_leaves_that_of_before(
    settings: Settings, warehouse: Connection, dbt: Dbt
) -> None:
    page = document(settings, as_of=DAY)
    run(warehouse, "create table marts.another (loan_id text)")
    dbt.writes = False
    for _ in range(2):
        with pytest.raises(BuildError, match="could not write its documentation: no such model"):
            document(settings, as_of=DAY)
    assert page.read_text() == "written after 2"
    dbt.writes = True
    assert document(settings, as_of=DAY).read_text() == "written after 8"


@pytest.mark.postgres
def test_python_looks_for_cycles_again_after_a_run_that_broke(
    settings: Settings, warehouse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_on: list[bool] = []

    class Broken:
        def __init__(self, **_: object) -> None:
            pass

        def invoke(self, _: list[str]) -> None:
            was_on.append(gc.isenabled())
            raise RuntimeError("no more memory")

    monkeypatch.setattr("dbt.cli.main.dbtRunner", Broken)
    with pytest.raises(RuntimeError, match="no more memory"):
        document(settings, as_of=DAY)
    assert (was_on, gc.isenabled()) == ([False], True)


def test_messages_lose_the_values_of_rows() -> None:
    message = (
        "Database Error in model fct_loan_delinquency (models/fct.sql)\n"
        '  null value in column "tier" violates not-null constraint\n'
        "  DETAIL:  Failing row contains (2026-01-20, L-4711, C-42).\n"
        "  compiled code at target/run/fct.sql"
    )
    assert without_values(message) == (
        "Database Error in model fct_loan_delinquency (models/fct.sql) "
        'null value in column "tier" violates not-null constraint'
    )
    assert without_values('invalid input syntax for type integer: "Zhang Wei"') == (
        "invalid input syntax for type integer: a value"
    )
