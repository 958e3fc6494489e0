"""The business date comes from the run, and a past day has a time of its own."""

from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from arrears.business_date import business_date, business_now
from arrears.errors import ConfigurationError

SHANGHAI = ZoneInfo("Asia/Shanghai")


def context(key: str | None) -> dict[str, object]:
    return {"dag_run": SimpleNamespace(run_id="run", partition_key=key)}


def test_the_partition_key_is_the_business_date() -> None:
    assert business_date(context("2020-04-15")) == date(2020, 4, 15)


@pytest.mark.parametrize("key", [None, "", "yesterday", "2020-13-01"])
def test_a_run_without_a_business_date_is_refused(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match="--as-of"):
        business_date(context(key))


def test_on_the_day_itself_the_clock_counts() -> None:
    clock = datetime(2020, 4, 15, 3, 0, tzinfo=UTC)
    assert business_now(date(2020, 4, 15), SHANGHAI, time(6), clock) == clock


def test_the_night_after_still_belongs_to_the_day() -> None:
    """A customer in New York may be called until 07:00 of the next day in Shanghai."""
    clock = datetime(2020, 4, 16, 7, 0, tzinfo=SHANGHAI)
    assert business_now(date(2020, 4, 15), SHANGHAI, time(6), clock) == clock


@pytest.mark.parametrize("clock", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2020, 4, 14, 15, 59, tzinfo=UTC)])
def test_any_other_day_has_a_fixed_time(clock: datetime) -> None:
    expected = datetime(2020, 4, 15, 6, 0, tzinfo=SHANGHAI)
    assert business_now(date(2020, 4, 15), SHANGHAI, time(6), clock) == expected
