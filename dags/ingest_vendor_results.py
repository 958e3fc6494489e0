"""Read what vendors have sent: acknowledgements and results, from every vendor's `inbound/`.

**Safe to clear and run again.** Each file is one transaction; a file seen before has no effect.

**When it is red**: a vendor's server could not be reached or showed another host key; the other vendors were read.
Files that a vendor must mend are not a failure: they lie in its `inbound/refused/` beside a `.reason.json`, and
`ops.vendor_file` lists them; single bad rows are in `quarantine.vendor_result`.

Then the marts that measure contacts, promises and collectors are built again. Hands on: asset `vendor_results`.
Run-book: `docs/runbook/dags/ingest_vendor_results.md`.
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronTriggerTimetable, dag, task

from arrears.assets import VENDOR_RESULTS
from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, comes_again, end_date
from arrears.hooks.postgres import connect
from arrears.operators.ingest import ReadVendorResultsOperator
from arrears.operators.marts import RefreshResultMartsOperator
from arrears.services.vendors import vendor_codes
from arrears.settings import get_settings


@dag(
    schedule=CronTriggerTimetable("*/10 * * * *", timezone=get_settings().bank_time_zone),
    start_date=START_DATE,
    end_date=end_date(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["vendors", "impact:medium"],
    doc_md=__doc__,
)
def ingest_vendor_results() -> None:
    reads = [
        ReadVendorResultsOperator(task_id=f"read_{vendor}", vendor=vendor, **comes_again(vendor))
        for vendor in vendor_codes()
    ]

    @task.short_circuit(trigger_rule="all_done")
    def anything_new() -> bool:
        """Build nothing again when the marts show all that vendors sent."""
        from arrears.delivery.ingest import is_all_shown

        with connect("warehouse") as warehouse:
            return not is_all_shown(warehouse)

    refresh = RefreshResultMartsOperator(task_id="refresh_marts", outlets=[VENDOR_RESULTS])
    reads >> anything_new() >> refresh
    # The marts are built again whoever was read; a run in which somebody was not is red all the same.
    reads >> EmptyOperator(task_id="all_read")


ingest_vendor_results()
