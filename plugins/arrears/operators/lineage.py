"""What our operators read and write, as OpenLineage datasets: names alone, as dbt's own events name them.

Airflow asks an operator once its task has ended, and only where lineage is switched on (`ARREARS_LINEAGE_TO`).
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from arrears.dbt_lineage import last_written, model_events
from arrears.hooks.postgres import place
from arrears.lineage import NAMESPACE, transport
from arrears.services.vendors import configured
from arrears.settings import Settings, get_settings

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context
    from openlineage.client.event_v2 import Dataset

_log = logging.getLogger(__name__)

VENDOR_TABLES = ("landing.vendor_ack", "landing.vendor_result", "landing.vendor_qa")
DELIVERED = "ops.delivery_file"
"""What vendors get, before it leaves."""


@dataclass(frozen=True)
class Flow:
    """What a task reads and writes."""

    read: "list[Dataset]"
    written: "list[Dataset]"


class HasLineage:
    """For an operator that says what it reads and writes."""

    def flow(self) -> Flow:
        """Asked for after the task has ended, in a process of its own."""
        raise NotImplementedError

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> "OperatorLineage[Any, Any]":
        """What Airflow asks for: of a task that failed, too."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        flow = self.flow()
        return OperatorLineage(inputs=flow.read, outputs=flow.written)


def tables(conn_id: str, names: Iterable[str]) -> "list[Dataset]":
    """Tables, named `schema.table`, of the database of an Airflow connection."""
    from openlineage.client.event_v2 import Dataset

    server, database = place(conn_id)
    return [Dataset(namespace=f"postgres://{server}", name=f"{database}.{name}") for name in names]


def vendor_directory(vendor: str, name: str) -> "list[Dataset]":
    """A directory on a vendor's server, whatever the day. Vendors may share a host: the login is part of the name."""
    from openlineage.client.event_v2 import Dataset

    from arrears.hooks.vendor_sftp import VendorSftp

    of_vendor = next(each for each in configured() if each.code == vendor)
    server = VendorSftp.from_connection(of_vendor.connection_id).server
    namespace = f"sftp://{server.username}@{server.host}:{server.port}"
    return [Dataset(namespace=namespace, name=str(PurePosixPath(of_vendor.directory) / name))]


@contextmanager
def models_reported(context: "Context") -> Iterator[None]:
    """Send what each dbt model that is built inside was made from, whether it could be built or not.

    A build does not fail because somebody who listens is away.
    """
    settings = get_settings()
    before = last_written(settings)
    try:
        yield
    finally:
        # A build that never came to run dbt left nothing of its own to tell.
        if settings.lineage_to and last_written(settings) != before:
            try:
                _report_models(context, settings)
            except Exception:
                _log.warning("the lineage of dbt's models was not sent", exc_info=True)


def _report_models(context: "Context", settings: Settings) -> None:
    from airflow.providers.openlineage.plugins import macros
    from openlineage.client import OpenLineageClient
    from openlineage.common.provider.dbt.facets import ParentRunMetadata

    task = context["ti"]
    parent = ParentRunMetadata(
        run_id=macros.lineage_run_id(task),
        job_name=macros.lineage_job_name(task),
        job_namespace=NAMESPACE,
        root_parent_run_id=macros.lineage_root_run_id(task),
        root_parent_job_name=macros.lineage_root_job_name(task),
        root_parent_job_namespace=macros.lineage_root_job_namespace(task),
    )
    # Not by Airflow's own emitter: it looks for secrets in each of hundreds of events, and tries the next as long where
    # one could not be sent.
    client = OpenLineageClient(config={"transport": transport(settings.lineage_to)})
    for event in model_events(settings, parent=parent):
        client.emit(event)
    client.close()
