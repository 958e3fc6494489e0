"""Operators of the legal approval inside `dispatch_contact_lists`."""

from typing import TYPE_CHECKING, Any

from arrears.business_date import business_date
from arrears.hooks.postgres import connect
from arrears.operators.delivery import DispatchOperator
from arrears.services.airflow import DEMO_USERS

if TYPE_CHECKING:
    from airflow.sdk import Context


class ProposeReferralsOperator(DispatchOperator):
    """List the day's proposed legal referrals for the people who approve them.

    Returns the proposals as a Markdown table that names nobody, empty when there are none.
    """

    def execute(self, context: "Context") -> str:
        from arrears.delivery.legal import as_table, proposals

        with connect(self.warehouse_conn_id) as warehouse:
            cases = proposals(warehouse, as_of=business_date(context))
        self.log.info("%s legal referrals proposed", len(cases))
        return as_table(cases) if cases else ""


class RecordApprovalsOperator(DispatchOperator):
    """Write down who approved and who refused each proposed referral; two different approvers make it a contact.

    :param responses: the answers of the approval tasks, as Airflow recorded them, with the user who gave each.
    """

    template_fields = ("responses",)

    def __init__(self, *, responses: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.responses = responses

    def execute(self, context: "Context") -> None:
        from arrears.delivery.legal import proposals, record_approval

        as_of = business_date(context)
        with connect(self.warehouse_conn_id) as warehouse:
            cases = proposals(warehouse, as_of=as_of)
            for response in self.responses:
                approver = (response.get("responded_by_user") or {}).get("name")
                if not approver:
                    self.log.warning("an approval ran out of time or has no user: it counts as none")
                    continue
                excluded = set(response["params_input"].get("exclude") or [])
                for case in cases:
                    record_approval(
                        warehouse,
                        as_of=as_of,
                        customer_id=case.customer_id,
                        currency=case.currency,
                        approver=approver,
                        is_approved=response["chosen_options"] == ["Approve"] and not case.is_named_by(excluded),
                        is_demo=approver in DEMO_USERS,
                    )
            warehouse.commit()
        self.log.info("%s answers recorded for %s referrals", len(self.responses), len(cases))
