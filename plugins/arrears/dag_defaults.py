"""What all DAGs share: owner, retries by kind of failure, time limits, the schedule of the first DAG of the day."""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import CronPartitionTimetable
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule

from arrears.alerts.notifier import FailureNotifier, SuccessNotifier
from arrears.business_date import NIGHT_BEGINS
from arrears.services.vendors import vendor_pool
from arrears.settings import get_settings

START_DATE = datetime(2019, 1, 1)  # noqa: DTZ001 Airflow reads it in its own default time zone, UTC
CLOCK_STOPS = datetime(2025, 12, 31)  # noqa: DTZ001
"""Without `follow_clock` no scheduled run is made after this day (by hand and by backfill, any day can be run)."""

RETRIES = ExceptionRetryPolicy(
    rules=[
        # As long as `at_vendor` says between one try and the next.
        RetryRule(
            exception=["arrears.hooks.vendor_sftp.VendorConnectionError", "arrears.errors.BatchBusyError"],
            action=RetryAction.RETRY,
        ),
        # Our own errors say what is wrong with the data, a vendor or the configuration: trying again can't mend that.
        RetryRule(exception="arrears.errors.ArrearsError", action=RetryAction.FAIL),
        RetryRule(exception="psycopg2.OperationalError", action=RetryAction.RETRY, retry_delay=timedelta(seconds=10)),
    ]
)

DEFAULT_ARGS = {
    "owner": "collections-data",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": RETRIES,
    "execution_timeout": timedelta(hours=2),
    "on_failure_callback": [FailureNotifier()],
    "on_success_callback": [SuccessNotifier()],
}

_TRIES_OF_A_DAY = 120
"""More than a day has room for, at the longest wait: what cannot leave any more expires, and that is no failure."""
_TRIES_OF_A_PAST_DAY = 3


def at_vendor(vendor: str) -> dict[str, Any]:
    """Arguments of a task that talks to a vendor: the vendor's own pool, and its own retries that grow rarer.

    While the clock is followed a task tries until its list has left or expired; of a past day, for two minutes.
    """
    settings = get_settings()
    return {
        "pool": vendor_pool(vendor),
        "retries": _TRIES_OF_A_DAY if settings.follow_clock else _TRIES_OF_A_PAST_DAY,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=settings.vendor_longest_wait_minutes),
    }


def comes_again(vendor: str) -> dict[str, Any]:
    """The same for a task that the clock starts again in a few minutes: its next run is the next try."""
    return at_vendor(vendor) | {"retries": 1}


def end_date() -> datetime | None:
    """Until when the clock starts runs by itself: for ever in production, not at all in the demo."""
    return None if get_settings().follow_clock else CLOCK_STOPS


def after_close() -> CronPartitionTimetable:
    """Every night at 02:00 of the bank's time zone, for the business date that just began."""
    cron = f"{NIGHT_BEGINS.minute} {NIGHT_BEGINS.hour} * * *"
    return CronPartitionTimetable(cron, timezone=get_settings().bank_time_zone, key_format="%Y-%m-%d")


def told_late(code: str) -> DeadlineAlert:
    """The deadline of a DAG whose run must not take for ever: `arrears.alerts.lateness` says how long it may."""
    from arrears.alerts.lateness import due_after

    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=due_after(code, get_settings()),
        # In the triggerer: a run that hangs may have all slots of the executor, and there no callback may read a
        # connection from Airflow's database.
        callback=AsyncCallback("arrears.alerts.notifier.tell_late", kwargs={"code": code}),
    )
