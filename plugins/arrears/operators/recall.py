"""Operators of `recall_paid_accounts`."""

from typing import TYPE_CHECKING

from airflow.providers.standard.operators.branch import BranchMixIn

from arrears.business_date import REPLAYED_RECALL, business_date, business_now
from arrears.hooks.metrics import count, red_gates_counted
from arrears.hooks.postgres import connect
from arrears.metrics import ROWS_RECALLED
from arrears.operators.delivery import DispatchOperator, VendorOperator, count_delivered, vendor_sftp
from arrears.operators.lineage import DELIVERED, Flow, HasLineage, tables, vendor_directory
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context

INTRADAY_TABLES = (
    "loan_transactions",
    "customer_flags",
    "contact_consents",
    "contact_points",
    "hardship_arrangements",
    "customer_interactions",
)
"""Tables in which something may arrive within the day that takes a customer off a list."""


def send_recall(vendor: str) -> str:
    """The id of the task that sends a vendor its recalls."""
    return f"send_{vendor}"


class PlanRecallsOperator(HasLineage, DispatchOperator, BranchMixIn):
    """Write a recall file for each vendor whose live lists hold somebody who must not be contacted any more.

    Goes on with the tasks (`send_recall`) of the vendors for which a file waits; the others are skipped.
    """

    inherits_from_skipmixin = True

    def execute(self, context: "Context") -> None:
        from arrears.delivery.recall import plan_recalls, write_recall

        settings, as_of = get_settings(), business_date(context)
        now = business_now(as_of, settings.bank_tz, REPLAYED_RECALL)
        with connect(self.warehouse_conn_id) as warehouse, red_gates_counted("contact_list"):
            plans = plan_recalls(warehouse, as_of=as_of, now=now, settings=settings)
            for plan in plans:
                write_recall(warehouse, batch_id=plan.batch_id, settings=settings)
                self.log.info("%s: %s rows", plan.batch_id, plan.row_count)
        self.do_branch(context, sorted({send_recall(plan.vendor) for plan in plans} & self.downstream_task_ids))

    def flow(self) -> Flow:
        arrived = [f"landing.{name}" for name in (*INTRADAY_TABLES, "vendor_result")]
        return Flow(tables(self.warehouse_conn_id, arrived), tables(self.warehouse_conn_id, [DELIVERED]))


class SendRecallOperator(HasLineage, VendorOperator):
    """Upload the recall files that wait for a vendor; one that is down keeps no other from its own.

    :param vendor: the vendor's code.
    """

    def execute(self, context: "Context") -> dict[str, str]:
        from arrears.delivery import ledger
        from arrears.delivery.send import deliver

        settings, as_of = get_settings(), business_date(context)
        now = business_now(as_of, settings.bank_tz, REPLAYED_RECALL)
        with connect(self.warehouse_conn_id) as warehouse, vendor_sftp(warehouse, self.vendor) as sftp:
            before = [
                batch for batch in ledger.waiting(warehouse, kind="recall", as_of=as_of) if batch.vendor == self.vendor
            ]
            for batch in before:
                deliver(warehouse, sftp, batch_id=batch.batch_id, now=now, settings=settings)
            after = [ledger.get_batch(warehouse, batch.batch_id) for batch in before]
            for batch in count_delivered(before, after):
                count(ROWS_RECALLED, ledger.newly_recalled(warehouse, batch), vendor=self.vendor)
        return {batch.batch_id: str(batch.state) for batch in after}

    def flow(self) -> Flow:
        return Flow(tables(self.warehouse_conn_id, [DELIVERED]), vendor_directory(self.vendor, "outbound"))
