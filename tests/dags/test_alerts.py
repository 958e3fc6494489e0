"""Every task tells of its failure and of its end, and the day's chain has deadlines."""

from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from arrears.alerts.notifier import FailureNotifier, SuccessNotifier
from arrears.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.airflow


def test_each_task_tells_when_it_failed_and_when_it_went_through(dag_bag: "DagBag") -> None:
    for dag in dag_bag.dags.values():
        for task in dag.tasks:
            assert [type(each) for each in task.on_failure_callback] == [FailureNotifier], task.task_id
            assert [type(each) for each in task.on_success_callback] == [SuccessNotifier], task.task_id


def test_the_days_chain_has_deadlines_and_their_callback_is_there(dag_bag: "DagBag") -> None:
    found = {}
    for dag in dag_bag.dags.values():
        for deadline in dag.deadline or []:
            module, _, function = deadline.callback.path.rpartition(".")
            assert callable(getattr(import_module(module), function))
            found[dag.dag_id] = (deadline.callback.kwargs["code"], deadline.interval)
    assert found == {
        "load_core_banking": ("landing_late", timedelta(hours=2)),
        "build_marts": ("marts_late", timedelta(hours=3)),
        "dispatch_contact_lists": ("lists_late", timedelta(hours=5)),
    }


def test_the_page_of_a_failed_task_says_of_each_dag_what_customers_feel(dag_bag: "DagBag") -> None:
    page = (PROJECT_ROOT / "docs" / "runbook" / "alerts" / "dag_failed.md").read_text()
    for dag_id in dag_bag.dags:
        assert f"`{dag_id}`" in page, dag_id
