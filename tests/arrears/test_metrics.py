"""Our metrics go where Airflow's go, and docs/metrics.md says what each means."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from listeners import http_server, statsd_server
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from arrears import metrics
from arrears.cli.metrics_page import markdown_page
from arrears.errors import ConfigurationError
from arrears.hooks.metrics import count, timed
from arrears.metrics import CATALOGUE, DASHBOARD, DBT_BUILD, ROWS_LANDED, Metric
from arrears.services.telemetry import telemetry_environment
from arrears.settings import PROJECT_ROOT, Settings

SEND = """
from airflow.sdk._shared.observability.metrics import stats
from airflow.sdk.configuration import conf
from airflow.sdk.observability.metrics import stats_utils
from arrears.hooks.metrics import count, timed
from arrears.metrics import DBT_BUILD, ROWS_LANDED

# As Airflow's task runner begins.
has_legacy_names = conf.getboolean("metrics", "legacy_names_on")
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=has_legacy_names)
count(ROWS_LANDED, 3, table="loans")
count(ROWS_LANDED, 4, table="loans")
count(ROWS_LANDED, 0, table="customers")
try:
    with timed(DBT_BUILD, what="day"):
        raise ValueError
except ValueError:
    pass
"""


def send(home: Path, metrics_to: str) -> None:
    """What a task does, in a process of its own."""
    settings = Settings(home=home, metrics_to=metrics_to)
    environment = os.environ | telemetry_environment(settings) | {"AIRFLOW_HOME": str(home)}
    subprocess.run([sys.executable, "-c", SEND], env=environment, check=True, timeout=120)


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_metrics_reach_a_statsd_server_with_their_tags(tmp_path: Path) -> None:
    with statsd_server() as server:
        send(tmp_path, f"statsd://127.0.0.1:{server.port}")
        wait_for(lambda: bool(server.total("airflow.arrears.dbt_build")))

    assert server.total("airflow.arrears.rows_landed") == {"table=loans": 7, "table=customers": 0}
    [timing] = [line for line in server.lines if line.startswith("airflow.arrears.dbt_build,what=day:")]
    assert timing.endswith("|ms")


def test_metrics_reach_an_opentelemetry_collector(tmp_path: Path) -> None:
    with http_server() as collector:
        send(tmp_path, collector.url)

    assert {path for path, _ in collector.posted} == {"/v1/metrics"}
    found = {}
    for _, body in collector.posted:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.sum.data_points:
                        tags = tuple((each.key, each.value.string_value) for each in point.attributes)
                        found[metric.name, tags] = point.as_int or point.as_double
    assert found["airflow.arrears.rows_landed", (("table", "loans"),)] == 7


def test_nothing_is_sent_unless_a_setting_says_so(tmp_path: Path) -> None:
    environment = telemetry_environment(Settings(home=tmp_path))
    assert environment == {"AIRFLOW__OPENLINEAGE__DISABLED": "True"}
    count(ROWS_LANDED, 1, table="loans")


@pytest.mark.parametrize("address", ["localhost:8125", "statsd://", "udp://localhost:8125"])
def test_an_address_that_nothing_can_be_sent_to_is_named(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(repr(address))):
        telemetry_environment(Settings(home=tmp_path, metrics_to=address))


def test_a_metric_has_the_type_and_the_tags_of_the_catalogue() -> None:
    with pytest.raises(ValueError, match=r"rows_landed: expected a counter with tags \['table'\]"):
        count(ROWS_LANDED, 1, vendor="demo_sms")
    with pytest.raises(ValueError, match="dbt_build: expected a timer"):
        count(DBT_BUILD, 1, what="day")
    with pytest.raises(ValueError, match="rows_landed: expected a counter"), timed(ROWS_LANDED, table="loans"):
        pass


def test_the_catalogue_has_every_metric_and_each_is_sent_and_shown() -> None:
    defined = {name: value for name, value in vars(metrics).items() if isinstance(value, Metric)}
    assert set(defined.values()) == set(CATALOGUE)
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    assert {metric for panel in DASHBOARD for metric in panel.metrics} == set(CATALOGUE)
    code = "".join(
        path.read_text()
        for folder in ("operators", "hooks")
        for path in (PROJECT_ROOT / "plugins" / "arrears" / folder).glob("*.py")
    )
    assert [name for name in defined if not re.search(rf"(count|timed)\({name}\b", code)] == []


def test_the_page_says_what_each_metric_means() -> None:
    assert (PROJECT_ROOT / "docs" / "metrics.md").read_text() == markdown_page()


def test_airflow_has_the_metrics_of_its_own_that_the_page_names() -> None:
    from airflow.sdk._shared.observability.metrics.metrics_registry import MetricsRegistry

    named = re.findall(r"^\| `airflow\.([a-z_.]+)`", markdown_page(), re.MULTILINE)
    assert len(named) == 5
    assert [name for name in named if MetricsRegistry().get(name) is None] == []
