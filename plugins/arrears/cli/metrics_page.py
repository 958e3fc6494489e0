"""The catalogue of metrics as `docs/metrics.md`, from the one definition in `arrears.metrics`."""

from arrears.metrics import CATALOGUE, DASHBOARD, Metric, Panel

_HEAD = """# Metrics

`ARREARS_METRICS_TO` says where Airflow sends its metrics, and ours with them; empty, as it comes, nothing is sent.

| value | sends |
|---|---|
| `statsd://host:8125` | StatsD over UDP, tags as InfluxDB has them: Telegraf, Vector and statsd_exporter read that |
| `http://host:4318` | OpenTelemetry (OTLP, protobuf over HTTP) to a collector; tags are attributes |

Every name begins with `airflow.`, as Airflow's own do. No tag and no value speaks of a person. What nobody listens
to is lost: a task neither waits for metrics nor fails for them.

This page is written by `arrears settings --metrics`.

A task that is cleared counts again what it does again. For figures that add up to the row ask the warehouse (schema
`ops`); metrics are for seeing at a glance that something is unlike other days.

## Ours

| name | type | unit | tags | what it says | look when |
|---|---|---|---|---|---|
"""

_AIRFLOW = """
## Of Airflow's own, worth a graph

| name | tags | what it says | look when |
|---|---|---|---|
| `airflow.scheduler_heartbeat` | | the scheduler lives | none for a minute: nothing starts |
| `airflow.dagrun.duration.failed` | `dag_id` | a run ended red | any: see its page in `docs/runbook/dags/` |
| `airflow.task.duration` | `dag_id`, `task_id` | how long each task took | twice the median of a fortnight |
| `airflow.dag_processing.import_errors` | | DAG files that cannot be read | above 0 |
| `airflow.pool.queued_slots` | `pool_name` | tasks that wait for a vendor's pool | above 0 for half an hour |

Airflow's documentation lists them all (*Logging & Monitoring: Metrics*).

## A dashboard

One page with these graphs. It is described here and not kept as some tool's file: one that no test can open would be a
mere promise. In Prometheus, where counters only grow, a graph asks for
`sum by (table) (increase(airflow_arrears_rows_landed[1d]))`.

| graph | shows | of |
|---|---|---|
"""


def markdown_page() -> str:
    """The text of docs/metrics.md."""
    return _HEAD + "".join(map(_row, CATALOGUE)) + _AIRFLOW + "".join(map(_panel, DASHBOARD))


def _row(metric: Metric) -> str:
    tags = ", ".join(f"`{tag}`" for tag in metric.tags)
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {tags} | {metric.meaning} | {metric.look_when} |\n"


def _panel(panel: Panel) -> str:
    return f"| {panel.title} | {panel.shown} | {', '.join(f'`{metric.name}`' for metric in panel.metrics)} |\n"
