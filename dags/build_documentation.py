"""Write what people read about the data: the list of Data Docs, and dbt's documentation of models and columns.

The board serves both (`docs/board.md`). Gates write their own pages when they run: this removes those that are past
their time and lists the rest.

**Safe to clear and run again.** Nothing waits for this: a DAG of its own, it runs beside `dispatch_contact_lists`.
Red says no more than it means: the documents are those of the day before, and the day's work is not affected.

**When it is red**, it can wait for office hours.

* `tidy_data_docs`: a page cannot be removed (the rights or the disk of `<home>/data_docs`). Pages of gates that ran are
  there all the same.
* `build_dbt_docs`: the log says what dbt could not read; `build_marts` uses the same project.

Run-book: `docs/runbook/dags/build_documentation.md`.
"""

from airflow.sdk import PartitionedAssetTimetable, dag

from arrears.assets import CHECKED_MARTS
from arrears.dag_defaults import DEFAULT_ARGS, START_DATE
from arrears.operators.documentation import BuildDbtDocsOperator, TidyDataDocsOperator


@dag(
    schedule=PartitionedAssetTimetable(assets=CHECKED_MARTS),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    # One at a time and behind all others: where a machine has few cores, the day's lists go first.
    max_active_tasks=1,
    default_args=DEFAULT_ARGS | {"weight_rule": "absolute"},
    tags=["documentation", "impact:low"],
    doc_md=__doc__,
)
def build_documentation() -> None:
    TidyDataDocsOperator(task_id="tidy_data_docs")
    BuildDbtDocsOperator(task_id="build_dbt_docs")


build_documentation()
