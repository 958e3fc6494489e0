"""What a build is told and what it says, without running dbt (see tests/dbt for builds)."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from arrears.dbt_build import end_of_knowledge, policy_version, without_values
from arrears.errors import ConfigurationError

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
