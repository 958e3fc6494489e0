"""Legal referrals: what is proposed today, and who approved it. Nothing leaves that two people did not approve."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import psycopg2.extensions

from arrears.delivery import ledger
from arrears.delivery.statements import statement
from arrears.errors import DeliveryError

APPROVALS_NEEDED = 2


@dataclass(frozen=True)
class Proposal:
    """A referral that waits for approval."""

    customer_id: str
    currency: str
    contract_no: str
    """Numbers of the loans, with spaces between."""
    vendor: str | None
    tier: str
    days_past_due: int
    arrears_amount: Decimal
    approvals: int
    """Of different people, so far."""

    def is_named_by(self, numbers: Collection[str]) -> bool:
        """Whether one of these is a loan's number, or the customer's id."""
        return not {self.customer_id, *self.contract_no.split()}.isdisjoint(numbers)


def proposals(warehouse: psycopg2.extensions.connection, *, as_of: date) -> list[Proposal]:
    """The day's referrals that two people have not approved and nobody refused. Reads only."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("legal_proposals"), {"as_of": as_of})
        return [Proposal(*row) for row in cursor.fetchall()]


def as_table(cases: Sequence[Proposal]) -> str:
    """What approvers are shown in Airflow, as Markdown: numbers of loans and figures.

    Airflow keeps it in its own database, which erasing a customer does not reach. A loan's number stays in any case.
    """
    head = "| loans | tier | days past due | arrears |\n|---|---|---|---|\n"
    return head + "\n".join(
        f"| {case.contract_no} | {case.tier} | {case.days_past_due} | {case.arrears_amount} {case.currency} |"
        for case in cases
    )


def record_approval(
    warehouse: psycopg2.extensions.connection,
    *,
    as_of: date,
    customer_id: str,
    currency: str,
    approver: str,
    is_approved: bool,
    is_demo: bool,
) -> None:
    """Keep one person's yes or no to one referral. Commits; the same answer again changes nothing.

    Args:
        approver: Who answered, as they log in. Two spellings that differ in case or outer blanks are one person.
        is_demo: A labelled demo user, not a person.

    Raises:
        DeliveryError: the day's list has left, the referral is not proposed, or this person answered otherwise before.
    """
    person = approver.strip().casefold()
    if not person:
        raise DeliveryError(f"legal referrals of {as_of}: an approval needs the name of the person who gives it")
    key = {"as_of": as_of, "customer_id": customer_id, "currency": currency, "approver": person}
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("approval_state"), key)
        row = cursor.fetchone()
        is_proposed, is_sent, earlier_answer = row if row else (False, False, None)
        if not is_proposed:
            raise DeliveryError(f"legal referrals of {as_of}: customer {customer_id} in {currency} is not proposed")
        if is_sent and earlier_answer is None:
            raise DeliveryError(f"legal referrals of {as_of}: the list has left, no answer is taken any more")
        generation = ledger.newest_generation(warehouse)
        cursor.execute(
            statement("insert_approval"),
            {**key, "generation": generation, "is_approved": is_approved, "is_demo": is_demo},
        )
    if earlier_answer is not None and earlier_answer != is_approved:
        raise DeliveryError(
            f"legal referrals of {as_of}: {person} answered otherwise about customer {customer_id} in {currency}; "
            "the first answer stands"
        )
