"""A DAG says what it read and wrote to whoever is to know, and how each task ended."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from delivery_day import Day
from listeners import http_server

from arrears.services.airflow import airflow_environment
from arrears.services.sftp import SftpService
from arrears.settings import Settings, get_settings

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.sftp, pytest.mark.slow]

UNKNOWN = "demo_law"
"""A vendor that the warehouse does not know: its task fails."""


@pytest.fixture
def vendors(databases: Settings) -> Iterator[Settings]:
    """A warehouse that knows four vendors, whose servers hold nothing."""
    service = SftpService(databases)
    service.start()
    with closing(psycopg2.connect(databases.dsn("warehouse", "pipeline"))) as warehouse:
        day = Day(warehouse, databases)
        day.create_tables()
        day.run("delete from staging.vendors where vendor = %s", UNKNOWN)
    yield databases
    service.stop()


@pytest.mark.usefixtures("airflow", "vendors")
def test_an_endpoint_hears_how_each_task_began_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server() as listener:
        monkeypatch.setenv("ARREARS_LINEAGE_TO", listener.url)
        settings = get_settings()
        environment = os.environ | airflow_environment(settings) | {"ARREARS_FOLLOW_CLOCK": "true"}
        run = subprocess.run(
            ["airflow", "dags", "test", "ingest_vendor_results"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
    events = [json.loads(body) for path, body in listener.posted if path == "/api/v1/lineage"]
    told = {(event["job"]["name"], event["eventType"]) for event in events}

    assert run.returncode != 0, run.stdout + run.stderr
    for vendor, end in (("demo_sms", "COMPLETE"), (UNKNOWN, "FAIL")):
        assert (f"ingest_vendor_results.read_{vendor}", "START") in told
        assert (f"ingest_vendor_results.read_{vendor}", end) in told, run.stdout[-3000:] + run.stderr[-3000:]
    assert ("ingest_vendor_results", "FAIL") in told
    ends = {event["job"]["name"]: event for event in events if event["eventType"] in ("COMPLETE", "FAIL")}
    read = ends["ingest_vendor_results.read_demo_sms"]
    server = f"sftp://demo_sms@{settings.sftp_host}:{settings.sftp_port}"
    assert [(each["namespace"], each["name"]) for each in read["inputs"]] == [(server, "/inbound")]
    database = f"postgres://{settings.postgres_host}:{settings.postgres_port}"
    assert {each["namespace"] for each in read["outputs"]} == {database}
    assert f"{settings.warehouse_database}.landing.vendor_result" in [each["name"] for each in read["outputs"]]
    message = ends[f"ingest_vendor_results.read_{UNKNOWN}"]["run"]["facets"]["errorMessage"]["message"]
    assert message == "the message is in the task's log in Airflow"
