"""Operator of `dispatch_contact_lists` that asks a vendor for reviews of recordings."""

from typing import TYPE_CHECKING

from arrears.business_date import business_date
from arrears.hooks.postgres import connect
from arrears.operators.delivery import VendorOperator, vendor_sftp
from arrears.operators.lineage import Flow, HasLineage, tables, vendor_directory
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class SendQaRequestOperator(HasLineage, VendorOperator):
    """Send a vendor the recordings that it is asked to review; none where it has never reported one.

    :param vendor: the vendor's code.
    """

    def execute(self, context: "Context") -> str:
        from arrears.delivery.qa_request import send_request

        settings, as_of = get_settings(), business_date(context)
        with connect(self.warehouse_conn_id) as warehouse, vendor_sftp(warehouse, self.vendor) as sftp:
            state = send_request(
                warehouse, sftp, vendor=self.vendor, as_of=as_of, now=self.now(as_of, settings), settings=settings
            )
        told = str(state) if state else "nothing to ask"
        self.log.info("review request for %s: %s", self.vendor, told)
        return told

    def flow(self) -> Flow:
        return Flow(
            tables(self.warehouse_conn_id, ["landing.vendor_result"]), vendor_directory(self.vendor, "outbound")
        )
