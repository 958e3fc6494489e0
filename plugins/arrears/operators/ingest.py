"""Operators of `ingest_vendor_results`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from arrears.hooks.metrics import count
from arrears.hooks.postgres import connect
from arrears.metrics import FILES_REFUSED, RESULTS_LOADED, RESULTS_QUARANTINED
from arrears.operators.lineage import VENDOR_TABLES, Flow, HasLineage, tables, vendor_directory
from arrears.settings import Settings, get_settings

if TYPE_CHECKING:
    import psycopg2.extensions
    from airflow.sdk import Context

    from arrears.delivery.ingest import IngestReport


def read_vendor(
    warehouse: "psycopg2.extensions.connection", vendor: str, settings: Settings, *, acks_only: bool = False
) -> "IngestReport":
    """Read what lies in a vendor's `inbound/`; each file is a transaction of its own."""
    from arrears.delivery.ingest import read_inbound
    from arrears.operators.delivery import vendor_sftp

    with vendor_sftp(warehouse, vendor) as sftp:
        return read_inbound(
            warehouse,
            sftp,
            vendor=vendor,
            settings=settings,
            now=datetime.now(UTC),
            docs_dir=settings.home / "data_docs",
            acks_only=acks_only,
        )


class ReadVendorResultsOperator(HasLineage, BaseOperator):
    """Read a vendor's acknowledgements and results into landing; what is wrong goes to quarantine or is refused.

    A file that could not be read, judged or moved stays where it is, and the task fails once the others are read.

    :param vendor: the vendor's code.
    """

    template_fields = ("vendor",)

    def __init__(self, *, vendor: str, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> dict[str, Any]:
        with connect(self.warehouse_conn_id) as warehouse:
            report = read_vendor(warehouse, self.vendor, get_settings())
        summary = {
            "vendor": self.vendor,
            "files": len(report.files),
            "loaded_rows": report.loaded_rows,
            "rejected_rows": report.rejected_rows,
        }
        count(RESULTS_LOADED, report.loaded_rows, vendor=self.vendor)
        count(RESULTS_QUARANTINED, report.rejected_rows, vendor=self.vendor)
        count(FILES_REFUSED, report.count("refused"), vendor=self.vendor)
        self.log.info("%s", summary)
        if report.errors:
            raise AirflowFailException(f"{len(report.errors)} files stay in inbound/: {report.errors[0]}")
        return summary

    def flow(self) -> Flow:
        return Flow(
            vendor_directory(self.vendor, "inbound"),
            tables(self.warehouse_conn_id, [*VENDOR_TABLES, "quarantine.vendor_result"]),
        )
