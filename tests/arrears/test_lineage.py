"""What leaves as lineage, and where to."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
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
