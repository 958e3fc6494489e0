"""From what a servicer publishes of a loan to instalments, payments and its end: one home for every rule.

A tape has months; the contract has days and instalments. Only three things are taken from the servicer's own status:
the due day (first late month), the opening position (first month) and nothing later. Amounts are integer cents.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from itertools import islice, pairwise

from arrears.domain.amortisation import add_months, due_dates, level_instalment, month_end, split
from arrears.simulator.book import Instalment, total
from arrears.tapes.day_count import due_date_of
from arrears.tapes.loan import Month, TapeLoan, month_day, month_number

_ASSUMED_LAST_DUE_DAY = 28
_ASSUMED_DUE_DAY = 15
"""Where nothing at all is known of the day."""
_REVERSAL_LOOK_BACK = 3
"""Months between a payment and the month in which its reversal may show."""
_CHARGED_OFF = "4"
_ENDS_UNKNOWN = "99"
_NEAR = Decimal("0.05")
"""Share of an instalment within which a derived payment is taken for whole instalments."""
_NEXT_PERIOD = timedelta(days=7)
"""The next period begins within this time of the end of the one before."""
_SAME_INSTALMENT = Decimal("0.02")


_once_a_loan = lru_cache(maxsize=2)
"""For what is asked several times of a loan while it is written; the loan before is forgotten."""


# Terms -----------------------------------------------------------------------------------------------------------
def level_payment(amount: int, rate: Decimal, count: int, months: Sequence[Month]) -> int:
    """The instalment: the scheduled payment that the tape states, corrected by what was billed.

    Some servicers state a computed annuity and bill some cents or dollars more. What was billed for the month after
    the first (next amount due, by whole instalments) is taken instead when it is within 2 %, was paid at least once
    and the stated amount never was.
    """
    annuity = max(1, level_instalment(amount, rate, max(1, count)))
    stated = next((month.scheduled for month in months if month.scheduled > 0), annuity)
    if not annuity <= 4 * stated <= 16 * annuity:
        stated = annuity
    if any(month.towards_instalments == stated for month in months):
        return stated
    whole = round((months[0].due_next or 0) / stated) if stated else 0
    billed, rest = divmod(months[0].due_next or 0, whole) if whole else (0, 0)
    is_near = abs(billed - stated) <= stated * _SAME_INSTALMENT
    if rest == 0 and is_near and any(month.towards_instalments == billed for month in months):
        return billed
    return stated


@_once_a_loan
def due_day(loan: TapeLoan) -> int:
    """The day of the month: known for a loan that was late once, otherwise assumed."""
    late = loan.first_late
    if late is not None:
        return due_date_of(late.ends_on, late.days_past_due or 0, loan.day_count).day
    if loan.interest_paid_to is not None:
        return min(loan.interest_paid_to.day, _ASSUMED_LAST_DUE_DAY)
    return _ASSUMED_DUE_DAY


# The opening position --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Opening:
    """The position at the end of the first month in terms of the schedule; amounts in cents."""

    oldest_unpaid: date | None
    owed: int
    """Unpaid of the instalments due before the month end."""
    fee: int
    """What is owed beyond whole instalments: a fee on the oldest unpaid one."""
    credit: int
    """Paid ahead."""


@_once_a_loan
def opening(loan: TapeLoan) -> Opening:
    """What the first month's status and next amount due say.

    Arrears are the next amount due less one instalment, on the newest instalments. Where that contradicts the status
    the status wins: every instalment that it says is late is owed whole.
    """
    first, days = loan.first, _due_dates(loan)
    due = [day for day in days if day < first.ends_on]
    beyond = (first.due_next - loan.instalment) if first.due_next is not None else 0
    if first.days_past_due is None and beyond > 0 and due:
        late = due[-min(len(due), -(-beyond // loan.instalment)) :]
        return Opening(oldest_unpaid=late[0], owed=min(beyond, len(late) * loan.instalment), fee=0, credit=0)
    if not first.days_past_due:
        return Opening(oldest_unpaid=None, owed=0, fee=0, credit=_credit(loan, days, -beyond))
    oldest = due_date_of(first.ends_on, first.days_past_due, loan.day_count)
    late = [day for day in due if day >= oldest]
    whole = len(late) * loan.instalment
    if beyond <= whole - loan.instalment:
        return Opening(oldest_unpaid=oldest, owed=whole, fee=0, credit=0)
    fee = 0 if _tells_fees_apart(loan) else max(0, beyond - whole)
    return Opening(oldest_unpaid=oldest, owed=min(beyond, whole + fee), fee=fee, credit=0)


def _credit(loan: TapeLoan, days: Sequence[date], short: int) -> int:
    """Paid ahead by the end of the first month: what the next amount due is short of an instalment, if one falls due.

    Where nothing is due the loan may be further ahead, by as much as its balance is ahead of the terms. A credit
    below an instalment often does not show: then it is what the month's payment exceeded the instalment by. Before
    the first due date all that was paid is credit.
    """
    first = loan.first
    if not any(day <= first.ends_on for day in days):
        return first.towards_instalments
    falls_due = any(first.ends_on < day <= add_months(first.ends_on, 1, 31) for day in days)
    if short > 0 and falls_due:
        return short if first.due_next else max(short, _balance_ahead(loan, days))
    excess = first.towards_instalments - loan.instalment
    is_visible = first.due_next not in (None, loan.instalment)
    return excess if 0 < excess < loan.instalment and _tells_fees_apart(loan) and not is_visible else 0


def _balance_ahead(loan: TapeLoan, days: Sequence[date]) -> int:
    """By how much the balance is lower than the terms have it after the instalments due so far."""
    due = sum(1 for day in days if day <= loan.first.ends_on)
    repaid = sum(principal for principal, _ in split(loan.amount, loan.rate, loan.instalment, len(days))[:due])
    return loan.amount - repaid - (loan.first.balance or 0)


def _tells_fees_apart(loan: TapeLoan) -> bool:
    """Whether later payments come without the fees in them; a fee of the opening must then not wait for one."""
    return any(month.other is not None for month in loan.months[1:])


def opening_payments(loan: TapeLoan, instalments: Iterable[Instalment]) -> Iterator[tuple[int, date, int]]:
    """Payments that lead to the opening position: each instalment on its day, as number, date and cents (assumed).

    The arrears lie on the newest instalments; what is left of the oldest unpaid one was paid.
    """
    start, day = opening(loan), loan.first.ends_on
    is_late = start.oldest_unpaid is not None
    due = [each for each in instalments if each.due_on < day or (each.due_on == day and not is_late)]
    to_pay = total(due) - start.owed
    for instalment in due:
        paid = min(to_pay, instalment.amount)
        if paid > 0:
            yield instalment.number, instalment.due_on, paid
        to_pay -= paid


# The schedule ----------------------------------------------------------------------------------------------------
def schedule(loan: TapeLoan) -> list[Instalment]:
    """Level instalments from the first payment month to the maturity month; the last clears the balance.

    The principal outstanding at the end of the first month is the published balance: what was repaid by then beyond
    the level instalments, or less than they would have repaid, is put right on the last of the instalments paid.
    """
    days, start = _due_dates(loan), opening(loan)
    paid = _paid_before(loan, start, days)
    balance = (loan.first.balance or 0) + _principal_ahead(loan, start, days)
    if not 0 < balance <= loan.amount or paid == 0:
        paid, balance = 0, loan.amount
    beyond = range(1, 1 + _months_beyond(loan, days, paid))
    days = (*days, *(add_months(days[-1], month, due_day(loan)) for month in beyond))
    parts = _repaid(loan, paid, len(days), loan.amount - balance)
    parts += split(balance, loan.rate, loan.instalment, len(days) - paid)
    return [
        Instalment(number, day, principal, interest, start.fee if day == start.oldest_unpaid else 0)
        for number, (day, (principal, interest)) in enumerate(zip(days, parts, strict=False), start=1)
    ]


def _principal_ahead(loan: TapeLoan, start: Opening, days: Sequence[date]) -> int:
    """Principal that the balance is already free of and the schedule is not: of a credit or a part payment."""
    ahead = start.credit
    if start.oldest_unpaid is not None:
        late = sum(1 for day in days if start.oldest_unpaid <= day < loan.first.ends_on)
        ahead = max(0, late * loan.instalment - start.owed)
    interest = int((loan.first.balance or 0) * loan.rate / 12) * -(-ahead // loan.instalment)
    return ahead - min(ahead, interest)


def _repaid(loan: TapeLoan, paid: int, count: int, repaid: int) -> list[tuple[int, int]]:
    """Principal and interest of the instalments that were paid by the end of the first month, given their principal."""
    parts = split(loan.amount, loan.rate, loan.instalment, count)[:paid]
    parts += [(0, 0)] * (paid - len(parts))
    wrong = repaid - sum(principal for principal, _ in parts)
    for number in range(paid - 1, -1, -1):
        principal, interest = parts[number]
        change = max(wrong, -principal)
        parts[number] = (principal + change, interest - min(0, change))
        wrong -= change
    return parts


def _paid_before(loan: TapeLoan, start: Opening, days: Sequence[date]) -> int:
    """How many instalments were paid whole by the end of the first month."""
    if start.oldest_unpaid is not None:
        return sum(1 for day in days if day < start.oldest_unpaid)
    return sum(1 for day in days if day <= loan.first.ends_on)


def _months_beyond(loan: TapeLoan, days: Sequence[date], paid: int) -> int:
    """Months by which a balance outlives the maturity that the tape states."""
    left = loan.first.balance or 0
    return -(-left // loan.instalment) if paid == len(days) and left > 0 else 0


def _due_dates(loan: TapeLoan) -> tuple[date, ...]:
    count = month_number(loan.last_due_month) - month_number(loan.first_due_month) + 1
    return _monthly(loan.first_due_month, due_day(loan), count)


@lru_cache(maxsize=4096)
def _monthly(first: date, day: int, count: int) -> tuple[date, ...]:
    """Due dates: a pool has few different series of them."""
    return tuple(islice(due_dates(first, day), count))


# The end ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Outcome:
    """How a loan ended, if it did."""

    status: str
    closed_on: date | None = None
    written_off_on: date | None = None
    charged_off: int = 0

    @property
    def ended_on(self) -> date | None:
        return self.closed_on or self.written_off_on


@_once_a_loan
def outcome(loan: TapeLoan) -> Outcome:
    """How the loan ended: by the servicer's zero-balance code, and where there is none by the balance.

    Paid off when the last payment covered the balance, written off when the balance vanished without one. A loan
    whose balance comes back has not ended.
    """
    before: Month | None = None
    ended: Month | None = None
    for month in loan.months:
        if _has_balance(month):
            before, ended = month, None
        elif ended is None:
            ended = month
    if ended is None:
        return Outcome("active")
    owed = before.balance or 0 if before else 0  # Without a month before, it was paid off in the first one.
    if _is_written_off(ended, owed):
        lost = ended.charged_off if ended.charged_off > 0 else max(0, owed - ended.principal)
        return Outcome("written_off", written_off_on=ended.ends_on, charged_off=lost)
    return Outcome("closed", closed_on=ended.ends_on)


def _has_balance(month: Month) -> bool:
    return (month.balance or 0) > 0 and month.zero_balance_code in ("", _ENDS_UNKNOWN)


def _is_written_off(ended: Month, owed: int) -> bool:
    if ended.zero_balance_code and ended.zero_balance_code != _ENDS_UNKNOWN:
        return _CHARGED_OFF in ended.zero_balance_code
    return ended.principal < owed


# Money -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Payment:
    """Money that went to instalments in a month."""

    index: int
    on: date
    amount: int
    channel: str | None = None


def payments(loan: TapeLoan) -> Iterator[Payment]:
    """One payment a month after the first, at its end: the day is not published.

    Of a month that the tape skips, the balance tells what was paid: its fall, and interest on it.
    """
    for before, month in pairwise(loan.months):
        if missing := missing_payment(loan, before, month):
            yield missing
        if month.towards_instalments > 0 and not _repeats_the_end(before, month):
            yield Payment(month.index, month.ends_on, month.towards_instalments)


def _repeats_the_end(before: Month, month: Month) -> bool:
    """Some servicers file the row of a loan's last month again and again, the payment that ended it included."""
    has_ended = before.zero_balance_code != "" and (before.balance or 0) <= 0
    return has_ended and month.zero_balance_code == before.zero_balance_code and (month.balance_before or 0) > 0


def missing_payment(loan: TapeLoan, before: Month, month: Month) -> Payment | None:
    """What was paid in months between two rows, by the fall of the balance; whole instalments where it is near."""
    skipped = skipped_months(before, month)
    fall = (before.balance or 0) - _balance_before(month)
    if skipped == 0 or fall <= 0:
        return None
    interest = int((Decimal(before.balance or 0) * loan.rate * skipped / 12).quantize(Decimal(1), ROUND_HALF_UP))
    amount = fall + interest
    whole = loan.instalment * round(amount / loan.instalment)
    if whole and abs(amount - whole) <= loan.instalment * _NEAR:
        amount = whole
    return Payment(month.index - 1, _end_before(month), amount, channel="missing_month")


def skipped_months(before: Month, month: Month) -> int:
    """Months without a row between two rows. Periods need not be calendar months: a known first day counts."""
    if month.begins_on is not None and month.begins_on <= before.ends_on + _NEXT_PERIOD:
        return 0
    return max(0, month_number(month.ends_on) - month_number(before.ends_on) - 1)


def _end_before(month: Month) -> date:
    return month_end(month_day(month_number(month.ends_on) - 1))


def _balance_before(month: Month) -> int:
    if month.balance_before is not None:
        return month.balance_before
    return (month.balance or 0) + month.principal


def recoveries(loan: TapeLoan) -> Iterator[Payment]:
    """Money recovered from the charge-off on; what comes in before it (for a repossession) pays no instalment."""
    written_off_on = outcome(loan).written_off_on or date.max
    for month in loan.months:
        if month.ends_on >= written_off_on and month.recovered > 0:
            yield Payment(month.index, month.ends_on, month.recovered)


@dataclass(frozen=True)
class Reversal:
    """Money that went back."""

    index: int
    on: date
    payment: Payment
    amount: int


def reversals(loan: TapeLoan) -> Iterator[Reversal]:
    """Reversed payments as far as the balance shows them.

    The balance rises by far more than the month's own money. The whole payment went back when the rise is its whole
    principal; otherwise only the rise is known to have gone back. A payment of the first month is among those of the
    opening position.
    """
    reversed_already: set[int] = set()
    for position in range(1, len(loan.months)):
        month, rise = loan.months[position], _rise(loan.months[position - 1], loan.months[position])
        if rise <= 2 * month.paid:
            continue
        for paid in loan.months[max(0, position - _REVERSAL_LOOK_BACK) : position][::-1]:
            if paid.principal >= rise and paid.towards_instalments > 0 and paid.index not in reversed_already:
                reversed_already.add(paid.index)
                payment = Payment(paid.index, paid.ends_on, paid.towards_instalments)
                amount = payment.amount if paid.principal == rise else min(rise, payment.amount)
                yield Reversal(month.index, month.ends_on, payment, amount)
                break


def _rise(before: Month, month: Month) -> int:
    """By how much a positive balance is higher than the month's payment explains; 0 where that cannot be told."""
    if before.balance is None or month.balance is None or month.balance <= 0:
        return 0
    start = before.balance if skipped_months(before, month) == 0 else _balance_before(month)
    return month.balance - (start - month.principal)


# Extensions ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Version:
    """A version of the schedule after the first: what was still owed when it began."""

    number: int
    effective_from: date
    instalments: tuple[Instalment, ...]


def extension(before: Month, month: Month) -> int:
    """Months by which the servicer extended the loan in the period; the same one reported again is none.

    No more than the maturity moved by: some servicers report all extensions so far. Where it stands still (many never
    move it) or is not published, an equal number is the same extension.
    """
    if month.extended <= 0:
        return 0
    moved = _maturity_moved(before, month)
    if moved > 0:
        return min(month.extended, moved)
    return 0 if month.extended == before.extended else month.extended


def _maturity_moved(before: Month, month: Month) -> int:
    """Months by which the maturity moved; 0 where that is not published."""
    if before.matures_on is None or month.matures_on is None:
        return 0
    return month_number(month.matures_on) - month_number(before.matures_on)


def later_versions(loan: TapeLoan, instalments: Sequence[Instalment]) -> list[Version]:
    """A version for each extension, from the first day of its period on.

    Instalments that were due before that day and are not paid keep their dates: an extension never hides arrears. The
    later ones move by the months of the extension. A payment that comes back after a version began counted under an
    earlier one, so what it had settled is restated by a version of its own.
    """
    ledger = _Ledger(loan, instalments)
    ended_on = outcome(loan).ended_on or date.max
    paid = {payment.on: payment.amount for payment in payments(loan)}
    taken_back = {reversal.on: reversal for reversal in reversals(loan)}
    for before, month in pairwise(loan.months):
        if month.ends_on >= ended_on:
            break
        settled_to = before.ends_on
        if skipped_months(before, month):
            settled_to = _end_before(month)
            ledger.paid += paid.get(settled_to, 0)
        reversal = taken_back.get(month.ends_on)
        if reversal is not None:
            ledger.paid -= reversal.amount
        if months := extension(before, month):
            # Some periods begin on the day on which the one before ended: what was paid then is settled already.
            since = max(month.first_day, settled_to + timedelta(days=1))
            ledger.move(since, months)
            ledger.restate(since)
        elif reversal is not None and ledger.counts_from > reversal.payment.on:
            ledger.restate(month.ends_on)
        ledger.paid += paid.get(month.ends_on, 0)
    return ledger.versions


class _Ledger:
    """What is due when, and how much was paid in all, while extensions move the dates."""

    def __init__(self, loan: TapeLoan, instalments: Sequence[Instalment]) -> None:
        self.due_day = due_day(loan)
        self.instalments = list(instalments)
        self.paid = sum(cents for _, _, cents in opening_payments(loan, instalments)) + opening(loan).credit
        self.versions: list[Version] = []

    @property
    def counts_from(self) -> date:
        """The day from which payments count under the version in force."""
        return self.versions[-1].effective_from if self.versions else date.min

    def move(self, first_day: date, months: int) -> None:
        """Put off what is due from a day on."""
        self.instalments = [
            each if each.due_on < first_day else replace(each, due_on=add_months(each.due_on, months, self.due_day))
            for each in self.instalments
        ]

    def restate(self, effective_from: date) -> None:
        """Begin a version with what is not paid."""
        if left := tuple(_unpaid(self.instalments, max(0, self.paid))):
            self.versions.append(Version(len(self.versions) + 2, effective_from, left))


def _unpaid(instalments: Sequence[Instalment], paid: int) -> Iterator[Instalment]:
    """What a sum leaves of instalments, the oldest settled first, each by fee, interest and principal; from 1 on."""
    number = 0
    for each in instalments:
        settled = min(paid, each.amount)
        paid -= settled
        if settled == each.amount:
            continue
        fee = max(0, each.fee - settled)
        interest = max(0, each.interest - max(0, settled - each.fee))
        number += 1
        yield Instalment(number, each.due_on, each.amount - settled - fee - interest, interest, fee)
