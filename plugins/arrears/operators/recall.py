"""Operators of `recall_paid_accounts`."""

from typing import TYPE_CHECKING, Any

from arrears.business_date import REPLAYED_RECALL, business_date, business_now
from arrears.hooks.postgres import connect
from arrears.operators.delivery import DispatchOperator, vendor_sftp
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context

INTRADAY_TABLES = (
    "loan_transactions",
    "customer_flags",
    "contact_consents",
    "hardship_arrangements",
    "customer_interactions",
)
"""Tables in which something may arrive within the day that takes a customer off a list."""


class PlanRecallsOperator(DispatchOperator):
    """Write a recall file for each vendor whose live lists hold somebody who must not be contacted any more.

    Returns, per file, the vendor and the batch: what `SendRecallOperator` is mapped over.
    """

    def execute(self, context: "Context") -> list[dict[str, str]]:
        from arrears.delivery.recall import plan_recalls, write_recall

        settings, as_of = get_settings(), business_date(context)
        now = business_now(as_of, settings.bank_tz, REPLAYED_RECALL)
        with connect(self.warehouse_conn_id) as warehouse:
            plans = plan_recalls(warehouse, as_of=as_of, now=now, settings=settings)
            for plan in plans:
                write_recall(warehouse, batch_id=plan.batch_id, settings=settings)
                self.log.info("%s: %s rows", plan.batch_id, plan.row_count)
        return [{"vendor": plan.vendor, "batch_id": plan.batch_id} for plan in plans]


class SendRecallOperator(DispatchOperator):
    """Upload a vendor's recall file; a vendor that is down keeps no other from its own.

    :param vendor: the vendor's code.
    :param batch_id: the recall batch.
    """

    template_fields = ("vendor", "batch_id")

    def __init__(self, *, vendor: str, batch_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor
        self.batch_id = batch_id

    def execute(self, context: "Context") -> str:
        from arrears.delivery.send import deliver

        settings, as_of = get_settings(), business_date(context)
        now = business_now(as_of, settings.bank_tz, REPLAYED_RECALL)
        with connect(self.warehouse_conn_id) as warehouse, vendor_sftp(warehouse, self.vendor) as sftp:
            return str(deliver(warehouse, sftp, batch_id=self.batch_id, now=now, settings=settings))
