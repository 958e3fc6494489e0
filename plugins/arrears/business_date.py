"""The business date of a run, and what time it is on that day: the only home of both.

The date travels from DAG to DAG as the asset partition key. A clock is read in one place, `business_now`, and only to
know how far into the business day we are; a past day that is run again has a fixed time of day, so that it always
ends the same.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from arrears.errors import ConfigurationError

NIGHT_BEGINS = time(2, 0)
"""When the first DAG of a business date starts, in the bank's time zone: its day before has closed."""
REPLAYED_DISPATCH = time(6, 0)
"""The time of day at which a past day's lists are planned, in the bank's time zone."""
REPLAYED_RECALL = time(12, 0)
"""The time of day of a past day's recall."""


def business_date(context: Mapping[str, Any]) -> date:
    """The business date of the running DAG.

    Raises:
        ConfigurationError: the run has no partition key, or one that is no date (it was started without one).
    """
    key = context["dag_run"].partition_key
    try:
        return date.fromisoformat(key or "")
    except ValueError:
        raise ConfigurationError(
            f"run {context['dag_run'].run_id} has no business date: expected a partition key like 2020-04-15, "
            f"found {key!r}; start it with `arrears run --as-of DATE` or give the partition key when triggering"
        ) from None


def business_now(as_of: date, zone: ZoneInfo, replayed_at: time, clock: datetime | None = None) -> datetime:
    """The instant at which a step of business date `as_of` takes place.

    On the day itself and until the next noon it is the clock's; for any other day it is `as_of` at `replayed_at`, a
    time of day in the bank's zone.
    """
    clock = clock or datetime.now(UTC)
    start = datetime.combine(as_of, time(0), zone)
    if start <= clock < start + timedelta(hours=36):
        return clock
    return datetime.combine(as_of, replayed_at, zone)
