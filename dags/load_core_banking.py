"""Copy what changed in core banking into landing, and let it pass only through the gate.

**Safe to clear and run again.** A load commits whole or not at all, and the next one starts from the last batch that
passed. Running the same hour twice adds no row.

**When it is red**

* `load`: "core banking has changed": a table or column of the source is not what the contract says. Nothing was
  loaded. Ask the bank's team, then change the view or the contract (`plugins/arrears/source/contract.py`), and clear
  the task.
* `check`: the batch is held back and the marts stay as they were. The message says which rule and how many rows;
  `ops.quality_results` and Data Docs have the rest, `quarantine.<table>` the rows. Have the source
  corrected and clear `load`.

Hands on: asset `landing`, partition key = business date (builds the marts). With the parameter `until` =
`landing` the day stops here.
Run-book: `docs/runbook/dags/load_core_banking.md`.
"""

from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from arrears.assets import LANDING
from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, after_close, end_date, told_late
from arrears.operators.landing import CheckLandingOperator, DaysBeforeDoneSensor, LoadCoreBankingOperator
from arrears.run_scope import STEPS, announce, goes_on_after


@dag(
    schedule=after_close(),
    start_date=START_DATE,
    end_date=end_date(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    deadline=told_late("landing_late"),
    tags=["landing", "impact:high"],
    params={"until": Param("delivery", enum=list(STEPS), description="Last step of this day's chain.")},
    doc_md=__doc__,
)
def load_core_banking() -> None:
    days_before_done = DaysBeforeDoneSensor(
        task_id="days_before_done", dag_ids=["build_marts", "dispatch_contact_lists"]
    )
    load = LoadCoreBankingOperator(task_id="load")
    check = CheckLandingOperator(task_id="check", batch_id=load.output)

    @task(outlets=[LANDING])
    def publish(**context: Any) -> None:
        """Tell `build_marts` that landing is ready for this business date."""
        until = context["params"]["until"]
        if not goes_on_after("landing", until):
            raise AirflowSkipException("this run was asked to stop after landing")
        announce(context, LANDING, until)

    days_before_done >> load
    check >> publish()


load_core_banking()
