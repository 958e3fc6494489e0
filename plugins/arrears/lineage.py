"""What leaves as lineage: OpenLineage events of Airflow and dbt, without a value of any row.

Names of tables, columns and files, code, counts and states may leave. Messages of errors may not: what a database says
of the row that it failed on is somebody's data. Nor who started a run, or what they wrote beside it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from openlineage.client.facet_v2 import error_message_run
from openlineage.client.transport.transform import EventTransformer

from arrears.errors import ConfigurationError

if TYPE_CHECKING:
    from openlineage.client.client import Event

NAMESPACE = "arrears"
"""Of our jobs: those of Airflow are `<dag>` and `<dag>.<task>`, those of dbt `warehouse.<schema>.arrears.<model>`."""

_SEE_LOG = "the message is in the task's log in Airflow"
_OF_RUN = ("conf", "note", "triggering_user_name")


class WithoutValues(EventTransformer):
    """Takes out of every event, before it leaves this machine, what could hold somebody's data."""

    def transform(self, event: "Event") -> "Event":
        facets = getattr(getattr(event, "run", None), "facets", None) or {}
        if "errorMessage" in facets:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(_SEE_LOG, "python")
        for name in ("airflow", "airflowDagRun"):
            told = facets.get(name)
            for part in ("dagRun", "taskInstance"):
                _clear(getattr(told, part, None))
        return event


def _clear(part: Any) -> None:
    if isinstance(part, dict):
        for name in _OF_RUN:
            part.pop(name, None)


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
