"""Build staging, delinquency, tiers, decisions and marts with dbt for one business date, and check them.

**Safe to clear and run again**: a mart built twice for the same day is the same. The decisions of a day whose lists
were written (`ops.sealed_day`) do not change any more.

**When it is red**

* `build`: where it says `policy packs`, a file of `ARREARS_POLICY_DIR` is malformed: `arrears policy check` lists all.
  Where it says that another build is running, it has waited for that one for half an hour: see what it does, then clear
  `build`. Otherwise the log names the dbt model or test. Marts of models before it are new, the others are as they
  were; no list leaves, since `dispatch_contact_lists` waits for the gate. Mend the model or the data, and clear
  `build`.
* `check`: an identity of the marts is broken, or a tier grew or shrank beyond its control limits. No list leaves.
  Look at `ops.quality_results`. If the swing is real (a big sale, a migration), accept it as `docs/quality.md` says.
* `forecast`: the forecast of the next months could not be made; that of the day before stays. Lists leave all the same.
* `look_at_experiments`: the experiments could not be judged; the verdicts of the day before stay. Lists leave all the
  same.

`ARREARS_DBT_MODE=watcher` shows every model as a task of its own through Cosmos, at several times the cost.
Hands on: the assets `marts` (dispatches the lists) and `checked_marts` (writes the documents), partition key =
business date.
Run-book: `docs/runbook/dags/build_marts.md`.
"""

from typing import Any

from airflow.sdk import Param, PartitionedAssetTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from arrears.assets import CHECKED_MARTS, LANDING, MARTS
from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, told_late
from arrears.operators.dbt_models import StartBuildOperator, model_tasks
from arrears.operators.marts import BuildMartsOperator, CheckMartsOperator
from arrears.operators.risk import ForecastOperator, LookAtExperimentsOperator
from arrears.run_scope import STEPS, announce, asked_until, goes_on_after
from arrears.settings import get_settings


@dag(
    schedule=PartitionedAssetTimetable(assets=LANDING),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    deadline=told_late("marts_late"),
    tags=["marts", "impact:high"],
    params={"until": Param("delivery", enum=list(STEPS), description="Last step, when started by hand.")},
    doc_md=__doc__,
)
def build_marts() -> None:
    if get_settings().dbt_mode == "watcher":
        start = StartBuildOperator(task_id="start")
        build = model_tasks(started_by="start")
        start >> build
        build_id = "{{ ti.xcom_pull(task_ids='start')['build_id'] }}"
    else:
        build = BuildMartsOperator(task_id="build")
        build_id = build.output
    check = CheckMartsOperator(task_id="check", build_id=build_id, outlets=[CHECKED_MARTS])

    @task(outlets=[MARTS])
    def publish(**context: Any) -> None:
        """Tell `dispatch_contact_lists` that the marts of this business date may be acted on."""
        until = asked_until(context)
        if not goes_on_after("marts", until):
            raise AirflowSkipException("this run was asked to stop after the marts")
        announce(context, MARTS, until)

    looks = [ForecastOperator(task_id="forecast"), LookAtExperimentsOperator(task_id="look_at_experiments")]

    build >> check >> [publish(), *looks]


build_marts()
