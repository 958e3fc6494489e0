"""Train the models of early warning and of self-cure anew each week, and promote one only when it is surely better.

Each purpose has three tasks. `train` makes a scorecard and a boosted model by what was known on the day; `compare`
holds them against the model that decides, on months that none of them was trained from; `promote` lets the better one
decide from the next day on. Where `compare` is skipped, all stays as it is, and its log says why: most weeks end so.

**Safe to clear and run again**: the same inputs are the same version, and what decides is not promoted twice.

**When it is red**, the models of before go on deciding; no list is held up. It can wait for working hours.

* `train`: where it says that a feature tells the outcome too well, the feature knows the future; the message names it.
  Where it says that the marts were never built: run `build_marts` first.
* `compare`, `promote`: the database; nothing was promoted.

Too few outcomes to learn from is no failure: `train` says how many it needs and has, and the rest is skipped.
To go back to the model of before: `arrears model roll-back`. After that this DAG promotes nothing by itself until a
person has promoted a model that did not decide before.
Run-book: `docs/runbook/dags/train_early_warning.md`.
"""

from airflow.sdk import CronPartitionTimetable, TaskGroup, dag

from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, end_date
from arrears.operators.risk import CompareModelsOperator, PromoteModelOperator, TrainModelsOperator
from arrears.risk.purposes import PURPOSES
from arrears.settings import get_settings


@dag(
    # Sunday noon: the marts of the day are there, and no night's build is running.
    schedule=CronPartitionTimetable("0 12 * * 0", timezone=get_settings().bank_time_zone, key_format="%Y-%m-%d"),
    start_date=START_DATE,
    end_date=end_date(),
    catchup=False,
    max_active_runs=1,
    # One purpose after the other: both ask for a core, and neither is in a hurry.
    max_active_tasks=1,
    default_args=DEFAULT_ARGS,
    tags=["risk", "impact:low"],
    doc_md=__doc__,
)
def train_early_warning() -> None:
    for purpose in PURPOSES:
        with TaskGroup(purpose):
            train = TrainModelsOperator(task_id="train", purpose=purpose)
            compare = CompareModelsOperator(task_id="compare", purpose=purpose, versions=train.output)
            PromoteModelOperator(task_id="promote", verdict=compare.output)


train_early_warning()
