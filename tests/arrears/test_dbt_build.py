"""What a build is told and what it says, without running dbt (see tests/dbt for builds)."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from arrears.dbt_build import BuildError, document, end_of_knowledge, policy_version, without_values
from arrears.errors import ConfigurationError
from arrears.settings import Settings

SHANGHAI = ZoneInfo("Asia/Shanghai")


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


def test_documentation_that_cannot_be_written_leaves_that_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "dbt_docs" / "index.html"
    page.parent.mkdir()
    page.write_text("of before")
    asked = []

    def invoke(_: Settings, command: str, *rest: object) -> SimpleNamespace:
        asked.append(command)
        return SimpleNamespace(success=command == "parse", exception=RuntimeError("no such model"), result=None)

    monkeypatch.setattr("arrears.dbt_build._invoke_dbt", invoke)
    with pytest.raises(BuildError, match="could not write its documentation: no such model"):
        document(Settings(home=tmp_path), as_of=date(2026, 1, 12))

    assert asked == ["parse", "docs generate"]
    assert page.read_text() == "of before"


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
