"""Operators of `recall_paid_accounts`."""

from typing import TYPE_CHECKING

from arrears.business_date import REPLAYED_RECALL, business_date, business_now
from arrears.hooks.postgres import connect
from arrears.operators.delivery import DispatchOperator, vendor_sftp
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class RecallOperator(DispatchOperator):
    """Tell each vendor whom not to contact any more today, where that has changed. Returns the batches sent."""

    def execute(self, context: "Context") -> dict[str, int]:
        from arrears.delivery.recall import plan_recalls, write_recall
        from arrears.delivery.send import deliver

        settings, as_of = get_settings(), business_date(context)
        now = business_now(as_of, settings.bank_tz, REPLAYED_RECALL)
        sent = {}
        with connect(self.warehouse_conn_id) as warehouse:
            for plan in plan_recalls(warehouse, as_of=as_of, now=now, settings=settings):
                write_recall(warehouse, batch_id=plan.batch_id, settings=settings)
                with vendor_sftp(warehouse, plan.vendor) as sftp:
                    deliver(warehouse, sftp, batch_id=plan.batch_id, now=now, settings=settings)
                sent[plan.batch_id] = plan.row_count
        self.log.info("recalls: %s", sent or "nothing changed")
        return sent


INTRADAY_TABLES = ("loan_transactions", "customer_flags", "hardship_arrangements", "customer_interactions")
"""Tables in which something may arrive within the day that takes a customer off a list."""
