"""The state of each DAG on a business date, from Airflow's own database, as far as the user may see the DAG."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import func, select
from sqlalchemy.orm import Session

ORDER = (
    "load_core_banking",
    "build_marts",
    "dispatch_contact_lists",
    "recall_paid_accounts",
    "ingest_vendor_results",
    "build_documentation",
    "enforce_retention",
    "train_early_warning",
)
"""In which a day takes them; others follow by name."""
_WORTH_A_WORD = ("failed", "awaiting_input", "running", "up_for_retry")


@dataclass(frozen=True)
class DagState:
    """The newest run of a DAG for the day; without one, the rest is None."""

    dag_id: str
    state: str | None = None
    run_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tasks: dict[str, list[str]] = field(default_factory=dict)
    """The tasks of the run that failed, wait or run, by their state."""
    is_of_day: bool = True
    """Whether the run carries the business date; a DAG whose runs carry none shows its newest one."""


def dag_states(session: Session, user: BaseUser, day: date, *, is_newest: bool) -> list[DagState]:
    """Every DAG that the user may see, in the order of a day. Reads only.

    Args:
        is_newest: Whether `day` is the newest: only then do runs that carry no business date say anything of it.
    """
    permitted = get_auth_manager().get_authorized_dag_ids(user=user, session=session)
    known = session.scalars(
        select(DagModel.dag_id).where(DagModel.dag_id.in_(permitted), DagModel.is_stale.is_(False))
    ).all()
    runs = _newest_runs(session, known, day.isoformat())
    if is_newest:
        runs = _newest_runs(session, known, None) | runs
    tasks = _tasks(session, runs.values())
    states = [_state(dag_id, runs.get(dag_id), tasks) for dag_id in known]
    return sorted(
        states, key=lambda each: (ORDER.index(each.dag_id) if each.dag_id in ORDER else len(ORDER), each.dag_id)
    )


def _newest_runs(session: Session, dag_ids: Iterable[str], partition_key: str | None) -> dict[str, DagRun]:
    """The newest run of each DAG with this partition key (None: with none)."""
    newest = (
        select(func.max(DagRun.id))
        .where(DagRun.dag_id.in_(dag_ids), DagRun.partition_key == partition_key)
        .group_by(DagRun.dag_id)
    )
    return {run.dag_id: run for run in session.scalars(select(DagRun).where(DagRun.id.in_(newest)))}


def _tasks(session: Session, runs: Iterable[DagRun]) -> dict[tuple[str, str], dict[str, list[str]]]:
    keys = {(run.dag_id, run.run_id) for run in runs}
    found = session.execute(
        select(TaskInstance.dag_id, TaskInstance.run_id, TaskInstance.state, TaskInstance.task_id)
        .where(
            TaskInstance.run_id.in_([run_id for _, run_id in keys]),
            TaskInstance.dag_id.in_([dag_id for dag_id, _ in keys]),
            TaskInstance.state.in_(_WORTH_A_WORD),
        )
        .distinct()
        .order_by(TaskInstance.task_id)
    )
    tasks: dict[tuple[str, str], dict[str, list[str]]] = {}
    for dag_id, run_id, state, task_id in found:
        tasks.setdefault((dag_id, run_id), {}).setdefault(str(state), []).append(task_id)
    return tasks


def _state(dag_id: str, run: DagRun | None, tasks: dict[tuple[str, str], dict[str, list[str]]]) -> DagState:
    if run is None:
        return DagState(dag_id)
    return DagState(
        dag_id,
        str(run.state),
        run.run_id,
        run.start_date,
        run.end_date,
        tasks.get((dag_id, run.run_id), {}),
        is_of_day=run.partition_key is not None,
    )
