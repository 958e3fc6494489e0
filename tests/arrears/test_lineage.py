"""What leaves as lineage, and where to."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.providers.openlineage.plugins.facets import (
    AirflowRunFacet,
    UnknownOperatorAttributeRunFacet,
    UnknownOperatorInstance,
)
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run

from arrears.dbt_build import BuildError
from arrears.errors import ConfigurationError
from arrears.lineage import transport
from arrears.operators import lineage
from arrears.settings import Settings


def failure(message: str) -> RunEvent:
    told = error_message_run.ErrorMessageRunFacet(message, "python", stackTrace=f"Traceback\n{message}")
    return RunEvent(
        eventType=RunState.FAIL,
        eventTime=datetime(2026, 3, 20, tzinfo=UTC).isoformat(),
        run=Run("01941f29-7c00-7087-8906-40e512c257bd", {"errorMessage": told}),
        job=Job("arrears", "load_core_banking.load"),
        producer="https://github.com/apache/airflow",
    )


def test_events_go_to_a_file_line_by_line_without_what_an_error_says(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    client = OpenLineageClient(config={"transport": transport(str(path))})
    client.emit(failure("DETAIL: Key (full_name)=(Zhang Wei) already exists."))
    client.emit(failure("another"))

    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["job"]["name"] for event in events] == ["load_core_banking.load"] * 2
    assert "Zhang" not in path.read_text()
    assert events[0]["run"]["facets"]["errorMessage"]["message"] == "the message is in the task's log in Airflow"
    assert "stackTrace" not in events[0]["run"]["facets"]["errorMessage"]


def test_an_event_says_nothing_of_what_people_were_asked_and_answered(tmp_path: Path) -> None:
    """What Airflow adds to the event of an approval, and what a later version may add to any."""
    path = tmp_path / "events.jsonl"
    event = failure("none")
    asked = {"task_id": "first_approval", "hitl_summary": {"body": "L-1", "responded_by_user": {"name": "Anna"}}}
    started = {"run_id": "manual__1", "conf": {"x": "L-1"}, "triggering_user_name": "Anna", "note": "L-1"}
    instance = {"try_number": 2, "note": "L-1"}
    event.run.facets |= {
        "airflow": AirflowRunFacet(
            dag={"dag_id": "d"}, dagRun=started, taskInstance=instance, task=asked, taskUuid=event.run.runId
        ),
        "unknownSourceAttribute": UnknownOperatorAttributeRunFacet([UnknownOperatorInstance("x", asked)]),
    }
    OpenLineageClient(config={"transport": transport(str(path))}).emit(event)

    told = json.loads(path.read_text())["run"]["facets"]
    assert told.keys() == {"errorMessage", "airflow", "tags"}  # the last by the client: its own version
    parts = {name: told["airflow"][name] for name in ("dag", "dagRun", "task", "taskInstance")}
    assert parts == {
        "dag": {"dag_id": "d"},
        "dagRun": {"run_id": "manual__1"},
        "task": {"task_id": "first_approval"},
        "taskInstance": {"try_number": 2},
    }


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("https://lineage.bank:5000", {"type": "http", "url": "https://lineage.bank:5000"}),
        ("http://lineage/api/x/", {"type": "http", "url": "http://lineage", "endpoint": "api/x"}),
        ("file:///var/lineage.jsonl", {"type": "file", "log_file_path": "/var/lineage.jsonl", "append": True}),
    ],
)
def test_an_address_is_an_endpoint_or_a_file(address: str, inner: dict[str, object]) -> None:
    assert transport(address)["transport"] == inner


def test_another_address_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"ARREARS_LINEAGE_TO.*'kafka://x'"):
        transport("kafka://x")


def test_a_build_is_told_of_once_and_does_not_fail_for_who_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_HOME", str(tmp_path))
    monkeypatch.setenv("ARREARS_LINEAGE_TO", "http://127.0.0.1:9")
    results = tmp_path / "dbt" / "target" / "run_results.json"
    results.parent.mkdir(parents=True)
    results.write_text("of another build")
    reported = []

    def report(context: object, settings: Settings) -> None:
        reported.append(results.read_text())
        raise ConnectionError

    monkeypatch.setattr(lineage, "_report_models", report)
    with pytest.raises(BuildError), lineage.models_reported({}):
        raise BuildError("another build is running")
    assert reported == []
    with lineage.models_reported({}):
        results.write_text("of this one")
    assert reported == ["of this one"]
