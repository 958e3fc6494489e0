"""What holds for every DAG: it can be read, and the person on call finds what is needed in it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arrears.services.airflow import write_pools
from arrears.services.vendors import vendor_codes
from arrears.settings import PROJECT_ROOT, get_settings

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.airflow

EXPECTED = {
    "load_core_banking",
    "build_marts",
    "dispatch_contact_lists",
    "ingest_vendor_results",
    "recall_paid_accounts",
    "enforce_retention",
    "watch_and_alert",
    "build_documentation",
    "train_early_warning",
}
AREAS = {"landing", "marts", "delivery", "vendors", "privacy", "alerts", "documentation", "risk"}
IMPACTS = {"impact:high", "impact:medium", "impact:low"}
WAITS_FOR_A_PERSON = {"first_approval", "second_approval"}


def test_all_dags_are_read_without_errors(dag_bag: "DagBag") -> None:
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == EXPECTED
    assert {Path(path).stem for path in (PROJECT_ROOT / "dags").glob("*.py")} == EXPECTED


def test_each_dag_tells_what_to_do_when_it_is_red(dag_bag: "DagBag") -> None:
    for dag in dag_bag.dags.values():
        assert "When it is red" in (dag.doc_md or ""), dag.dag_id
        assert "again" in (dag.doc_md or ""), f"{dag.dag_id} does not say whether it may be run again"


def test_each_dag_has_an_area_an_impact_and_runs_one_at_a_time(dag_bag: "DagBag") -> None:
    for dag in dag_bag.dags.values():
        assert len(dag.tags & AREAS) == 1, dag.dag_id
        assert len(dag.tags & IMPACTS) == 1, dag.dag_id
        assert dag.max_active_runs == 1, dag.dag_id
        assert dag.catchup is False, dag.dag_id


def test_each_task_has_an_owner_retries_and_a_time_limit(dag_bag: "DagBag") -> None:
    for dag in dag_bag.dags.values():
        for task in dag.tasks:
            assert task.owner == "collections-data", task.task_id
            assert task.retry_policy is not None, task.task_id
            if task.task_id not in WAITS_FOR_A_PERSON:
                assert isinstance(task.execution_timeout, timedelta), task.task_id


def test_each_vendor_has_a_pool_and_retries_of_its_own(dag_bag: "DagBag") -> None:
    pools = json.loads(write_pools(get_settings()).read_text())
    for dag_id in ("dispatch_contact_lists", "ingest_vendor_results", "recall_paid_accounts"):
        tasks = [task for task in dag_bag.dags[dag_id].tasks if getattr(task, "vendor", None)]
        at_vendor = [task for task in tasks if not task.task_id.endswith(".build")]
        assert {task.vendor for task in at_vendor} == set(vendor_codes()), dag_id
        for task in at_vendor:
            assert task.pool == f"vendor_{task.vendor}" and task.pool in pools, task.task_id
            assert task.retries > 0 and task.retry_exponential_backoff and task.max_retry_delay, task.task_id


def test_no_task_waits_for_ever(dag_bag: "DagBag") -> None:
    for task in dag_bag.dags["dispatch_contact_lists"].tasks:
        if task.task_id in WAITS_FOR_A_PERSON:
            assert task.response_timeout == timedelta(hours=8)
            assert task.defaults == ["Reject"]


def test_documents_follow_the_checked_marts_and_hold_up_nothing(dag_bag: "DagBag") -> None:
    documents = dag_bag.dags["build_documentation"]
    check = dag_bag.dags["build_marts"].get_task("check")

    assert [asset.name for asset in check.outlets] == ["checked_marts"]
    assert documents.timetable.asset_condition.name == "checked_marts"
    assert all(not task.outlets and not task.downstream_task_ids for task in documents.tasks)


def test_the_clock_starts_nothing_in_the_demo(dag_bag: "DagBag") -> None:
    for name in (
        "load_core_banking",
        "ingest_vendor_results",
        "recall_paid_accounts",
        "enforce_retention",
        "train_early_warning",
    ):
        end = dag_bag.dags[name].end_date
        assert end is not None and end.year == 2025, name
