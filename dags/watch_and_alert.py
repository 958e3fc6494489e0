"""Look every few minutes whether something is wrong that no failed task tells of, and tell whoever is on call.

Late steps of the day, batches that nobody acknowledged, vendors that fail, keys and policies that end, recalls that did
not leave, data that was not erased. What was told and no longer holds is closed, and messages that could not be sent
are sent again (`docs/alerts.md`).

**Safe to clear and run again**: an alert that is open is not opened twice.

**When it is red**, nobody is told of what it looks at; failed tasks tell of themselves. `look`: the message names the
checks that could not be made; all others were. By hand for a past day: trigger it with that day as partition key.
Run-book: `docs/runbook/dags/watch_and_alert.md`.
"""

from airflow.sdk import CronPartitionTimetable, dag

from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, end_date
from arrears.operators.alerts import WatchOperator
from arrears.settings import get_settings


@dag(
    schedule=CronPartitionTimetable("*/5 * * * *", timezone=get_settings().bank_time_zone, key_format="%Y-%m-%d"),
    start_date=START_DATE,
    end_date=end_date(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["alerts", "impact:medium"],
    doc_md=__doc__,
)
def watch_and_alert() -> None:
    WatchOperator(task_id="look")


watch_and_alert()
