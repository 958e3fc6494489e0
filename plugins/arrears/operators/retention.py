"""Operators of `enforce_retention`: each can be run again at any time."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from arrears.business_date import business_date
from arrears.hooks.postgres import connect
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class ErasePastRetentionOperator(BaseOperator):
    """Erase in the warehouse what the policy no longer allows us to keep. Returns the run's number."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> int:
        from arrears.privacy.retention import erase_past_retention

        with connect(self.warehouse_conn_id) as warehouse:
            return erase_past_retention(warehouse, as_of=business_date(context), settings=get_settings())


class RemoveVendorCopiesOperator(BaseOperator):
    """Remove from a vendor's server the files that were erased here.

    :param vendor: the vendor's code.
    """

    template_fields = ("vendor",)

    def __init__(self, *, vendor: str, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> int:
        from arrears.operators.delivery import vendor_sftp
        from arrears.privacy.vendor_copies import remove_copies, waiting_vendors

        with connect(self.warehouse_conn_id) as warehouse:
            if self.vendor not in waiting_vendors(warehouse):
                return 0
            with vendor_sftp(warehouse, self.vendor) as server:
                return remove_copies(warehouse, server, vendor=self.vendor)


class ReportRetentionOperator(BaseOperator):
    """Count again what is still due, write the report to the log, and end red when something is.

    :param run_number: the run, as returned by `ErasePastRetentionOperator`.
    """

    template_fields = ("run_number",)

    def __init__(self, *, run_number: Any, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_number = run_number
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.privacy.retention import finish_run, report, require_nothing_due

        with connect(self.warehouse_conn_id) as warehouse:
            results = finish_run(warehouse, run_id=int(self.run_number), settings=get_settings())
        self.log.info("%s", report(business_date(context), results))
        require_nothing_due(results)
