"""What customers do on one day, by themselves: pure functions of where they stand and of chance.

All rates are assumed. They keep a portfolio about as late as `calibration.TAPE_RATES` has it; what matters is that they
are known, so that what contacts add can be told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from arrears.domain.amortisation import month_end

SLIPS = 0.075
"""Share of due dates on which the average borrower who owes nothing does not pay."""
RESUMES = (0.0, 0.030, 0.016, 0.006)
"""By instalments unpaid (the last stands for more): the chance of a day that the borrower pays something by himself."""
PAYS_ALL, PAYS_ONE = 0.45, 0.40
"""Of those who pay: all that is overdue, the oldest instalment; the others a part of it."""
PREPAYS = 0.0004
BOUNCES = 0.004
RECOVERS = 0.0015
"""The chance of a day that something is paid on a loan that was written off."""
WRITE_OFF_AFTER = 240
"""Days past due at a month's end after which the bank writes a loan off."""
MOVES = 0.0002
DIES = 0.00003
COMPLAINS = 0.008
"""Share of conversations after which the customer complains to the bank."""
FLAGGED = {"vulnerable": 8e-6, "disputed": 8e-6, "hardship_requested": 1e-5, "cease_contact": 6e-6, "bankruptcy": 4e-6}
"""The chance of a day of what else is noted about a customer."""


@dataclass(frozen=True)
class Position:
    """A loan on the morning of a day; amounts in cents."""

    loan_id: str
    customer_id: str
    currency: str
    status: str
    unpaid: int
    """Instalments due before the day and not paid in full."""
    overdue: int
    """What of them is unpaid."""
    oldest: int
    """What of the oldest of them is unpaid."""
    oldest_due_on: date | None
    due_today: int
    left: int
    """All that the schedule still asks for."""
    principal_left: int

    @property
    def payable(self) -> int:
        """What a borrower can be asked for on the day."""
        return self.overdue + self.due_today


def position(
    loan: Sequence[str], instalments: Sequence[tuple[date, int, int]], paid: int, day: date
) -> Position | None:
    """Where a loan stands: its id, customer, currency and status; its instalments as (due, amount, principal).

    None when nothing is left to pay.
    """
    total = sum(amount for _, amount, _ in instalments)
    if paid >= total:
        return None
    covered, unpaid, overdue, oldest, due_today, principal = paid, 0, 0, 0, 0, 0
    oldest_due_on = None
    for due_on, amount, of_principal in instalments:
        settled = min(amount, covered)
        covered -= settled
        open_part = amount - settled
        if open_part == 0:
            continue
        principal += min(open_part, of_principal)
        if due_on < day:
            unpaid, overdue = unpaid + 1, overdue + open_part
            if oldest_due_on is None:
                oldest, oldest_due_on = open_part, due_on
        elif due_on == day:
            due_today += open_part
    loan_id, customer_id, currency, status = loan
    figures = (unpaid, overdue, oldest, oldest_due_on, due_today, total - paid, principal)
    return Position(loan_id, customer_id, currency, status, *figures)


def pays_by_itself(stand: Position, risk: float, chance: Random) -> int:
    """What the borrower pays on the day without having been asked, in cents."""
    if stand.status == "written_off":
        return stand.left // 20 if chance.random() < RECOVERS else 0
    if stand.unpaid == 0:
        if stand.due_today and chance.random() >= min(0.6, SLIPS * risk):
            return stand.due_today
        return stand.left if chance.random() < PREPAYS else 0
    if chance.random() >= RESUMES[min(stand.unpaid, len(RESUMES) - 1)]:
        return 0
    drawn = chance.random()
    if drawn < PAYS_ALL:
        return stand.payable
    return stand.oldest if drawn < PAYS_ALL + PAYS_ONE else max(1, stand.oldest * chance.randint(30, 80) // 100)


def is_written_off(stand: Position, day: date) -> bool:
    """Whether the bank gives the loan up on the day."""
    is_behind = stand.oldest_due_on is not None and (day - stand.oldest_due_on) > timedelta(days=WRITE_OFF_AFTER)
    return stand.status == "active" and is_behind and day == month_end(day)
