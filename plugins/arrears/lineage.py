"""What leaves as lineage: OpenLineage events of Airflow and dbt, without a value of any row.

Names of tables, columns and files, code, counts and states may leave. Messages of errors may not: what a database says
of the row that it failed on is somebody's data. Nor who started a run or answered a question, or what it was about.
"""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from openlineage.client.facet_v2 import error_message_run
from openlineage.client.transport.transform import EventTransformer

from arrears.errors import ConfigurationError

if TYPE_CHECKING:
    from openlineage.client.client import Event

NAMESPACE = "arrears"
"""Of our jobs: those of Airflow are `<dag>` and `<dag>.<task>`, those of dbt `warehouse.<schema>.arrears.<model>`."""

_SEE_LOG = "the message is in the task's log in Airflow"

_OF_RUN = frozenset(
    "airflow airflowDagRun airflowMappedTask airflowState dbt_run dbt_version errorMessage externalQuery"
    " jobDependencies nominalTime parent processing_engine tags test".split()
)
"""What may be told of a run; what a later version adds is not told before somebody has looked at it."""

_OF_AIRFLOW = {
    "dag": "dag_id owner start_date tags timetable_summary",
    "dagRun": "clear_number dag_id data_interval_end data_interval_start duration end_date logical_date partition_date"
    " partition_key run_after run_id run_type start_date triggered_by",
    "task": "downstream_task_ids mapped operator_class operator_class_path retries task_id trigger_rule"
    " upstream_task_ids",
    "taskInstance": "duration log_url map_index pool queued_dttm try_number",
}
"""Of what Airflow tells of each: not what a person was asked, gave it, answered or wrote beside it."""


class WithoutValues(EventTransformer):
    """Leaves in every event, before it leaves this machine, only what cannot hold somebody's data."""

    def transform(self, event: "Event") -> "Event":
        facets = getattr(getattr(event, "run", None), "facets", None) or {}
        for name in facets.keys() - _OF_RUN:
            del facets[name]
        if "errorMessage" in facets:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(_SEE_LOG, "python")
        for told in (facets.get("airflow"), facets.get("airflowDagRun")):
            for part, kept in _OF_AIRFLOW.items():
                values = getattr(told, part, None)
                if values is not None:
                    setattr(told, part, {name: values[name] for name in kept.split() if name in values})
        return event


def transport(lineage_to: str) -> dict[str, object]:
    """OpenLineage's configuration for a file (one event a line) or an endpoint (without a path: `/api/v1/lineage`).

    Raises:
        ConfigurationError: an address that is neither.
    """
    address = urlsplit(lineage_to)
    if address.scheme in ("http", "https"):
        inner: dict[str, object] = {"type": "http", "url": urlunsplit((address.scheme, address.netloc, "", "", ""))}
        if path := address.path.strip("/"):
            inner["endpoint"] = path
    elif address.scheme in ("", "file"):
        inner = {"type": "file", "log_file_path": str(Path(address.path).absolute()), "append": True}
    else:
        raise ConfigurationError(f"ARREARS_LINEAGE_TO: expected a file or an http(s) address, found {lineage_to!r}")
    return {"type": "transform", "transformer_class": f"{__name__}.{WithoutValues.__name__}", "transport": inner}
