"""One loan of a tape as its servicer published it, month by month. Amounts are integer cents."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from arrears.domain.amortisation import add_months


@dataclass(frozen=True, slots=True)
class Month:
    """One reporting period of a loan."""

    ends_on: date
    balance: int | None
    """None: not published, as after a charge-off."""
    principal: int
    """Principal collected."""
    paid: int
    """Everything collected."""
    index: int = 0
    """Months since the loan's first row."""
    begins_on: date | None = None
    balance_before: int | None = None
    other: int | None = None
    """Of `paid`, what went to fees; None where the tape does not tell them apart."""
    recovered: int = 0
    charged_off: int = 0
    scheduled: int = 0
    due_next: int | None = None
    days_past_due: int | None = None
    """As the servicer reports it; None: not reported."""
    extended: int = 0
    """Months by which payments were extended in the period, as reported."""
    zero_balance_code: str = ""
    matures_on: date | None = None

    @property
    def towards_instalments(self) -> int:
        """What of the money went to instalments: all but fees."""
        return max(0, self.paid - max(0, self.other or 0))

    @property
    def first_day(self) -> date:
        """The period's first day: published, or the first of its month."""
        return self.begins_on or self.ends_on.replace(day=1)


@dataclass(frozen=True, eq=False)
class TapeLoan:
    """One loan: its terms and its months in order, one row a period. Compared by identity, so what follows from it
    can be remembered."""

    loan_id: str
    originator: str
    originated_on: date
    amount: int
    rate: Decimal
    first_due_month: date
    last_due_month: date
    """The maturity month that the first row states."""
    instalment: int
    months: tuple[Month, ...]
    interest_paid_to: date | None = None
    credit_score: int | None = None
    payment_to_income: Decimal | None = None
    state: str = ""
    day_count: str = "actual"

    @property
    def first(self) -> Month:
        return self.months[0]

    @property
    def days_past_due(self) -> int:
        """As reported for the first month; 0 where it is not reported."""
        return self.first.days_past_due or 0

    @cached_property
    def first_late(self) -> Month | None:
        """The first month with days past due: the only later status that the due day may be taken from."""
        return next((month for month in self.months if month.days_past_due), None)


def month_number(day: date) -> int:
    """Months are counted through the years, so that differences are lengths of time."""
    return day.year * 12 + day.month


def month_day(number: int) -> date:
    """The first day of a counted month."""
    return add_months(date(1, 1, 1), number - month_number(date(1, 1, 1)))
