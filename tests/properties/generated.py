"""Portfolios from a seed, with every kind of event that the definition of days past due knows."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from oracle import Loan, Rules
from portfolio import Portfolio

FIRST = date(2025, 9, 1)
NEWEST = date(2026, 3, 31)
NO_LIMITS = Rules()
CN = Rules(
    classes=((0, "normal"), (1, "special_mention"), (91, "substandard"), (271, "doubtful"), (361, "loss")),
)
IN = Rules(
    first_counted_day="due_date",
    classes=((0, "standard"), (1, "SMA-0"), (31, "SMA-1"), (61, "SMA-2"), (91, "NPA")),
)
TOLERANT = Rules(tolerance=Decimal("1.00"), probation_months=1)
LIMITED = Rules(materiality_absolute=Decimal("100.00"), materiality_share=Decimal("0.05"), probation_months=2)
LOOSER = Rules(tolerance=Decimal("25.00"))
LOOSER_FROM = date(2026, 2, 1)
AMOUNTS = ("100.00", "100.00", "50.00", "33.33", "0.01", "250.00", "99.99")


def _next_weekday(day: date) -> date:
    return day + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])


KINDS: dict[tuple[str, str], Callable[[date], Rules]] = {
    ("US", "auto"): lambda on: NO_LIMITS,
    ("CN", "auto"): lambda on: CN,
    ("IN", "auto"): lambda on: IN,
    ("US", "tolerant"): lambda on: TOLERANT,
    ("US", "limited"): lambda on: LIMITED,
    # A jurisdiction without a calendar of its own: Monday to Friday.
    ("XX", "shifted"): lambda on: Rules(next_business_day=_next_weekday),
    ("US", "changing"): lambda on: LOOSER if on >= LOOSER_FROM else NO_LIMITS,
}
PARAMETERS = [
    "US,tolerant,,1.00,,,day_after,none,1,1900-01-01,,test,verified",
    "US,limited,,0.00,100.00,0.05,day_after,none,2,1900-01-01,,test,verified",
    "XX,shifted,,0.00,,,day_after,next_business_day,12,1900-01-01,,test,verified",
    f"US,changing,,25.00,,,day_after,none,12,{LOOSER_FROM},,test,verified",
]
"""What the shipped `delinquency_parameters` lack of `KINDS`."""


def portfolio(seed: int, loans: int) -> tuple[Portfolio, dict[str, Loan]]:
    """Contract rows of so many loans, and the oracle's view of each."""
    rows = Portfolio()
    random = Random(seed)
    kinds = [_add_loan(rows, random, f"L{number:04}") for number in range(loans)]
    return rows, {
        loan_id: Loan(
            loan=next(row for row in rows.rows["loans"] if row["loan_id"] == loan_id),
            schedule=_of(rows, "repayment_schedule", loan_id),
            transactions=_of(rows, "loan_transactions", loan_id),
            arrangements=_of(rows, "hardship_arrangements", loan_id),
            rules=KINDS[kind],
            until=NEWEST,
        )
        for loan_id, kind in kinds
    }


def _of(rows: Portfolio, table: str, loan_id: str) -> list[dict[str, Any]]:
    return [row for row in rows.rows.get(table, ()) if row["loan_id"] == loan_id]


def _day(random: Random, first: date = FIRST, last: date = NEWEST + timedelta(days=30)) -> date:
    return first + timedelta(days=random.randrange((last - first).days + 1))


def _add_loan(rows: Portfolio, random: Random, loan_id: str) -> tuple[str, tuple[str, str]]:
    kind = random.choice(list(KINDS))
    disbursed_on = _day(random, FIRST, FIRST + timedelta(days=60))
    dates = {
        "closed_on": _day(random) if random.random() < 0.1 else None,
        "written_off_on": _day(random) if random.random() < 0.05 else None,
    }
    rows.loan(
        loan_id,
        jurisdiction=kind[0],
        product=kind[1],
        disbursed_on=disbursed_on,
        day_count=random.choice(("actual", "actual", "30/360")),
        principal=Decimal(1000),
        **dates,
    )
    # Nearly every loan has version 1 from the start; some begin late, with a later version, or with none.
    versions = [1] * (random.random() < 0.95) + [2] * (random.random() < 0.3) + [3] * (random.random() < 0.15)
    for version in versions:
        effective_from = disbursed_on if version == 1 and random.random() < 0.9 else _day(random, disbursed_on)
        _add_schedule(rows, random, loan_id, version, effective_from, max(disbursed_on, effective_from))
    _add_transactions(rows, random, loan_id)
    for _ in range(random.choice((0, 0, 0, 1, 2, 3))):
        starts_on = _day(random)
        ends_on = starts_on + timedelta(days=random.randrange(1, 60))
        status = random.choice(("accepted", "accepted", "completed", "broken", "offered", "declined"))
        ended_on = starts_on + timedelta(days=random.randrange(0, 40)) if status == "broken" else None
        rows.pause(loan_id, starts_on, ends_on, status=status, ended_on=ended_on)
    return loan_id, kind


def _add_schedule(
    rows: Portfolio, random: Random, loan_id: str, version: int, effective_from: date, first: date
) -> None:
    due = first + timedelta(days=random.randrange(0, 40))
    for number in range(1, random.randrange(2, 8)):
        amount = Decimal(random.choice((*AMOUNTS, "0.00")))
        interest = min(amount, Decimal(random.choice(("0.00", "5.00", "12.34"))))
        fee = min(amount - interest, Decimal(random.choice(("0.00", "0.00", "3.00"))))
        rows.instalment(
            loan_id,
            version,
            effective_from,
            number,
            due,
            principal_due=amount - interest - fee,
            interest_due=interest,
            fee_due=fee,
        )
        due += timedelta(days=random.choice((0, 1, 28, 30, 31, 31)))


def _add_transactions(rows: Portfolio, random: Random, loan_id: str) -> None:
    for _ in range(random.choice((0, 1, 2, 3, 5, 8))):
        kind = random.choice(("repayment", "repayment", "repayment", "repayment", "waiver", "recovery", "write_off"))
        amount = Decimal(random.choice((*AMOUNTS, "300.00", "666.66")))
        effective_on = _day(random)
        recorded_at = datetime.combine(effective_on, datetime.min.time(), UTC) + timedelta(hours=random.randrange(72))
        transaction_id = rows.transact(loan_id, kind, amount, effective_on, recorded_at=recorded_at)
        if random.random() < 0.3:
            _add_reversals(rows, random, loan_id, transaction_id, amount, effective_on)


def _add_reversals(
    rows: Portfolio, random: Random, loan_id: str, transaction_id: str, amount: Decimal, effective_on: date
) -> None:
    """The whole, a part, two parts, or more than there was; on the same day, later, or dated before it."""
    for share in random.choice((("1",), ("0.5",), ("0.25", "0.5"), ("0.75", "0.75"), ("2",))):
        part = max(Decimal("0.01"), (amount * Decimal(share)).quantize(Decimal("0.01")))
        day = effective_on + timedelta(days=random.choice((-3, 0, 0, 5, 20, 60)))
        rows.transact(loan_id, "reversal", part, day, reverses=transaction_id)
