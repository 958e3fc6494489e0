"""Recall from today's lists whoever has paid, opted out, died, disputed, asked for help or promised since they left.

Every few minutes: load what arrived in core banking since the last load, let it pass its gate, and send a cumulative
recall file to each vendor for which something changed.

**Safe to clear and run again**: the newest recall file holds all of the day, so one that was lost does no harm.

**When it is red**, customers who have paid may be called: mend it first. `load` and `check` as in `load_core_banking`;
`send_…`: the vendor could not be reached; the next run tries again (`ops.vendor_outage` says when). Telephone the
vendor if it lasts. The others have theirs.
Run-book: `docs/runbook/dags/recall_paid_accounts.md`.
"""

from airflow.sdk import CronPartitionTimetable, dag

from arrears.assets import RECALLS
from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, comes_again, end_date
from arrears.operators.landing import CheckLandingOperator, LoadCoreBankingOperator
from arrears.operators.recall import INTRADAY_TABLES, PlanRecallsOperator, SendRecallOperator, send_recall
from arrears.services.vendors import vendor_codes
from arrears.settings import get_settings


@dag(
    schedule=CronPartitionTimetable("*/5 6-23 * * *", timezone=get_settings().bank_time_zone, key_format="%Y-%m-%d"),
    start_date=START_DATE,
    end_date=end_date(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["delivery", "impact:high"],
    doc_md=__doc__,
)
def recall_paid_accounts() -> None:
    load = LoadCoreBankingOperator(task_id="load", tables=INTRADAY_TABLES, is_counted=False)
    check = CheckLandingOperator(task_id="check", batch_id=load.output)
    plan = PlanRecallsOperator(task_id="plan")
    sends = [
        SendRecallOperator(task_id=send_recall(vendor), vendor=vendor, outlets=[RECALLS], **comes_again(vendor))
        for vendor in vendor_codes()
    ]
    check >> plan >> sends


recall_paid_accounts()
