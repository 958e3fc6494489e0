"""Erase or make anonymous what the retention policy no longer allows us to keep, and prove it.

The policy is `retention.csv` of the policy packs. What a legal duty asks us to keep stays (`docs/privacy.md`).

**Safe to clear and run again**, whatever was killed: a run erases what is due and finds nothing the second time.

**When it is red**

* `erase`: the policy is missing or wrong (the message names the row): nothing was erased.
* `remove_copies`: a vendor's server could not be reached; the other vendors' copies are gone. Clear it when it is back.
* `report`: something is past its time and still there. Its log has the report by kind, also in `ops.retention_result`.
Run-book: `docs/runbook/dags/enforce_retention.md`.
"""

from airflow.sdk import CronPartitionTimetable, dag

from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, end_date
from arrears.operators.retention import (
    ErasePastRetentionOperator,
    RemoveVendorCopiesOperator,
    ReportRetentionOperator,
)
from arrears.services.vendors import configured
from arrears.settings import get_settings


@dag(
    # After the contact hours: no list is being worked and no build is running.
    schedule=CronPartitionTimetable("30 23 * * *", timezone=get_settings().bank_time_zone, key_format="%Y-%m-%d"),
    start_date=START_DATE,
    end_date=end_date(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["privacy", "impact:medium"],
    doc_md=__doc__,
)
def enforce_retention() -> None:
    erase = ErasePastRetentionOperator(task_id="erase")
    remove = RemoveVendorCopiesOperator.partial(task_id="remove_copies", map_index_template="{{ task.vendor }}").expand(
        vendor=sorted({vendor.code for vendor in configured()})
    )
    report = ReportRetentionOperator(task_id="report", run_number=erase.output)
    erase >> remove >> report


enforce_retention()
