"""Portfolios from a seed, with every kind of event that the definition of days past due knows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from marts_warehouse import policy_pack
from oracle import Loan
from portfolio import Portfolio
from rulebook import Rulebook

from arrears.source.contract import BY_NAME

Row = dict[str, Any]
NEWEST = date(2026, 3, 31)
LEAP_NEWEST = date(2024, 5, 31)
"""The last day of another window, with 29 February in it."""
WINDOW = timedelta(days=211)
AMOUNTS = ("100.00", "100.00", "50.00", "33.33", "0.01", "250.00", "99.99")
RECORDED_WITHIN = timedelta(hours=72)

PARAMETERS = [
    "US,tolerant,,1.00,,,day_after,none,1,1900-01-01,,test,verified",
    "US,limited,,0.00,100.00,0.05,day_after,none,2,1900-01-01,,test,verified",
    "CN,limited,,0.00,,0.02,day_after,none,12,1900-01-01,,test,verified",
    "US,auto,EUR,5.00,,,day_after,none,12,1900-01-01,,test,verified",
    "US,shifted,,0.00,,,day_after,next_business_day,12,1900-01-01,,test,verified",
    # A jurisdiction without a calendar of its own: Monday to Friday.
    "XX,shifted,,0.00,,,day_after,next_business_day,12,1900-01-01,,test,verified",
    "US,changing,,25.00,,,day_after,none,12,2026-02-01,,test,verified",
    "US,relaxed,,0.00,100.00,0.05,day_after,none,12,1900-01-01,2026-01-20,test,verified",
    "US,relaxed,,0.00,20.00,,day_after,none,12,2026-02-10,,test,verified",
    "US,counted,,0.00,,,due_date,none,12,2026-01-12,2026-02-20,test,verified",
    "US,moving,,0.00,,,day_after,next_business_day,12,2026-01-25,,test,verified",
]
"""What the generated banks have in `delinquency_parameters` besides the shipped rows."""

KINDS = [
    ("US", "auto", "USD"),
    ("US", "auto", "EUR"),
    ("CN", "auto", "CNY"),
    ("IN", "auto", "INR"),
    ("EU", "auto", "EUR"),
    ("US", "tolerant", "USD"),
    ("US", "limited", "USD"),
    ("CN", "limited", "CNY"),
    ("US", "shifted", "USD"),
    ("CN", "shifted", "CNY"),
    ("XX", "shifted", "USD"),
    ("US", "changing", "USD"),
    ("US", "relaxed", "USD"),
    ("US", "counted", "USD"),
    ("US", "moving", "USD"),
]
"""Jurisdiction, product and currency of the loans that are made."""


def pack(directory: Path) -> Path:
    """The shipped policy packs with `PARAMETERS`, in a directory."""
    return policy_pack(directory, delinquency_parameters=PARAMETERS)


@dataclass(frozen=True)
class Window:
    """The days that a portfolio is about: the last is the business date, and some rows speak of the month after it."""

    newest: date = NEWEST

    @property
    def first(self) -> date:
        return self.newest - WINDOW

    def day(self, random: Random, first: date | None = None, last: date | None = None) -> date:
        first = first or self.first
        last = max(first, last or self.newest + timedelta(days=30))
        return first + timedelta(days=random.randrange((last - first).days + 1))


def portfolio(
    seed: int, loans: int, *, newest: date = NEWEST, prefix: str = "", rulebook: Rulebook | None = None
) -> tuple[Portfolio, dict[str, Loan]]:
    """Contract rows of so many loans, and the oracle's view of each (none without a rulebook)."""
    rows = Portfolio(prefix=prefix)
    random = Random(seed)
    window = Window(newest)
    for number in range(loans):
        _add_loan(rows, random, window, f"{prefix}L{number:06}")
    _say_twice(rows, random)
    return rows, understood(rows.rows, rulebook, until=newest) if rulebook else {}


def within_contract(rows: Portfolio) -> Portfolio:
    """The same rows, less the reversals that take back more than there was, and theirs: the gate rejects those."""
    newest = {row["transaction_id"]: row for row in known_versions("loan_transactions", rows.rows["loan_transactions"])}
    taken: dict[str, Decimal] = defaultdict(Decimal)
    for row in newest.values():
        if row["kind"] == "reversal":
            taken[row["reverses"]] += row["amount"]

    def is_allowed(row: Row) -> bool:
        if row["kind"] != "reversal":
            return True
        reversed_row = newest[row["reverses"]]
        return taken[row["reverses"]] <= reversed_row["amount"] and is_allowed(reversed_row)

    allowed = [row for row in rows.rows["loan_transactions"] if is_allowed(row)]
    return replace(rows, rows=rows.rows | {"loan_transactions": allowed})


def understood(
    rows: Mapping[str, Sequence[Row]], rulebook: Rulebook, *, until: date, known_at: datetime | None = None
) -> dict[str, Loan]:
    """The oracle's view of each loan of rows in the order in which they landed, by what was known at an instant."""
    by_loan: dict[str, dict[str, list[Row]]] = {}
    known = {table: known_versions(table, versions, known_at) for table, versions in rows.items()}
    for table in ("repayment_schedule", "loan_transactions", "hardship_arrangements"):
        for row in known.get(table, ()):
            by_loan.setdefault(row["loan_id"], {}).setdefault(table, []).append(row)
    jurisdictions = {row["customer_id"]: row["jurisdiction"] for row in known.get("customers", ())}
    loans = {}
    for loan in known.get("loans", ()):
        of_loan = by_loan.get(loan["loan_id"], {})
        jurisdiction = jurisdictions[loan["customer_id"]]
        loans[loan["loan_id"]] = Loan(
            loan=loan,
            schedule=of_loan.get("repayment_schedule", []),
            transactions=of_loan.get("loan_transactions", []),
            arrangements=of_loan.get("hardship_arrangements", []),
            rules=rulebook.timeline(jurisdiction, loan["product"], loan["currency"]),
            until=until,
        )
    return loans


def known_versions(table: str, versions: Iterable[Row], known_at: datetime | None = None) -> list[Row]:
    """Of each key the version that changed last (by then), the last to land among equals.

    Transactions recorded after K are unknown; of other rows the oldest version counts where all are later.
    """
    contract = BY_NAME[table]
    known: dict[tuple[Any, ...], Row] = {}
    oldest: dict[tuple[Any, ...], Row] = {}
    for row in versions:
        key = tuple(row[name] for name in contract.key)
        changed_at = row[contract.changed_at]
        if known_at is None or changed_at <= known_at:
            if key not in known or changed_at >= known[key][contract.changed_at]:
                known[key] = row
        elif table != "loan_transactions" and (key not in oldest or changed_at <= oldest[key][contract.changed_at]):
            oldest[key] = row
    return [*known.values(), *(row for key, row in oldest.items() if key not in known)]


def _add_loan(rows: Portfolio, random: Random, window: Window, loan_id: str) -> None:
    jurisdiction, product, currency = random.choice(KINDS)
    disbursed_on = window.day(random, window.first, window.first + timedelta(days=60))
    dates = {
        "closed_on": window.day(random) if random.random() < 0.1 else None,
        "written_off_on": window.day(random) if random.random() < 0.05 else None,
    }
    # Some customers have several loans, in one currency or in two.
    customer_id = f"{rows.prefix}C-{jurisdiction}-{random.randrange(len(rows.rows.get('loans', ())) + 2)}"
    rows.loan(
        loan_id,
        customer_id=customer_id,
        jurisdiction=jurisdiction,
        product=product,
        currency=currency,
        disbursed_on=disbursed_on,
        day_count=random.choice(("actual", "actual", "30/360")),
        principal=Decimal(1000),
        **dates,
    )
    # Nearly every loan has version 1 from the start; some begin late, with a later version, or with none.
    versions = [1] * (random.random() < 0.95) + [2] * (random.random() < 0.3) + [3] * (random.random() < 0.15)
    for version in versions:
        is_original = version == 1 and random.random() < 0.9
        effective_from = disbursed_on if is_original else window.day(random, disbursed_on)
        add_schedule(rows, random, loan_id, version, effective_from, max(disbursed_on, effective_from))
    for _ in range(random.choice((0, 1, 2, 3, 5, 8))):
        add_transaction(rows, random, loan_id, window.day(random))
    for _ in range(random.choice((0, 0, 0, 1, 2, 3))):
        add_pause(rows, random, loan_id, window.day(random))


def add_schedule(
    rows: Portfolio, random: Random, loan_id: str, version: int, effective_from: date, first: date, **values: Any
) -> None:
    """Instalments weeks or a month apart, on month ends, or on one day; with fees and interest, or of nothing."""
    due = first + timedelta(days=random.randrange(0, 40))
    at_month_end = random.random() < 0.2
    for number in range(1, random.randrange(2, 8)):
        amount = Decimal(random.choice((*AMOUNTS, "0.00")))
        interest = min(amount, Decimal(random.choice(("0.00", "5.00", "12.34"))))
        fee = min(amount - interest, Decimal(random.choice(("0.00", "0.00", "3.00"))))
        rows.instalment(
            loan_id,
            version,
            effective_from,
            number,
            month_end(due) if at_month_end else due,
            principal_due=amount - interest - fee,
            interest_due=interest if random.random() < 0.9 or interest else None,
            fee_due=fee,
            **values,
        )
        due += timedelta(days=random.choice((0, 1, 28, 30, 31, 31)))


def month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def add_transaction(rows: Portfolio, random: Random, loan_id: str, effective_on: date, **values: Any) -> str:
    """Money of any kind, mostly a repayment; some of it is reversed. Recorded up to three days later unless said."""
    kind = random.choice(("repayment", "repayment", "repayment", "repayment", "waiver", "recovery", "write_off"))
    amount = Decimal(random.choice((*AMOUNTS, "300.00", "666.66")))
    values.setdefault("recorded_at", _recorded(random, effective_on))
    transaction_id = rows.transact(loan_id, kind, amount, effective_on, **values)
    if random.random() < 0.3:
        _add_reversals(rows, random, rows.rows["loan_transactions"][-1])
    return transaction_id


def _recorded(random: Random, effective_on: date) -> datetime:
    minutes = RECORDED_WITHIN // timedelta(minutes=1)
    return datetime.combine(effective_on, datetime.min.time(), UTC) + timedelta(minutes=random.randrange(minutes))


def _add_reversals(rows: Portfolio, random: Random, reversed_row: Row) -> None:
    """The whole, a part, two parts, or more than there was; on the same day, later, or dated before it."""
    shares = random.choice((("1",), ("0.5",), ("0.25", "0.5"), ("0.75", "0.75"), ("2",)))
    for share in shares:
        reverse(rows, random, reversed_row, share)
        # Only one that takes no more than there was can be undone: the gate lets no other pass.
        if sum(map(Decimal, shares)) <= 1 and random.random() < 0.3:
            reverse(rows, random, rows.rows["loan_transactions"][-1], random.choice(("1", "0.5")))


def reverse(rows: Portfolio, random: Random, reversed_row: Row, share: str, **values: Any) -> None:
    amount = max(Decimal("0.01"), (reversed_row["amount"] * Decimal(share)).quantize(Decimal("0.01")))
    day = values.pop(
        "effective_on", reversed_row["effective_on"] + timedelta(days=random.choice((-3, 0, 0, 5, 20, 60)))
    )
    values.setdefault("recorded_at", _recorded(random, max(day, reversed_row["effective_on"])))
    rows.transact(reversed_row["loan_id"], "reversal", amount, day, reverses=reversed_row["transaction_id"], **values)


def add_pause(rows: Portfolio, random: Random, loan_id: str, starts_on: date, **values: Any) -> None:
    ends_on = starts_on + timedelta(days=random.randrange(1, 60))
    status = random.choice(("accepted", "accepted", "completed", "broken", "offered", "declined"))
    ended_on = starts_on + timedelta(days=random.randrange(0, 40)) if status == "broken" else None
    rows.pause(loan_id, starts_on, ends_on, status=status, ended_on=ended_on, **values)


def _say_twice(rows: Portfolio, random: Random) -> None:
    """Some rows arrive twice to the letter, and some after an earlier version that said something else."""
    for table, versions in rows.rows.items():
        changed_at = BY_NAME[table].changed_at
        for row in random.sample(versions, len(versions) // 20):
            versions.append(dict(row))
        for row in random.sample(versions, len(versions) // 20):
            wrong = _otherwise(table, row) | {changed_at: row[changed_at] - timedelta(days=1)}
            versions.insert(random.randrange(len(versions)), wrong)


def _otherwise(table: str, row: Row) -> Row:
    """The row with something else in it that matters."""
    match table:
        case "loans":
            return row | {"disbursed_on": row["disbursed_on"] - timedelta(days=10), "day_count": "30/360"}
        case "repayment_schedule":
            return row | {"principal_due": row["principal_due"] + 7, "due_date": row["due_date"] + timedelta(days=3)}
        case "loan_transactions":
            return row | {"amount": row["amount"] + 5, "effective_on": row["effective_on"] - timedelta(days=4)}
        case "hardship_arrangements":
            return row | {"status": "accepted", "ends_on": row["ends_on"] + timedelta(days=9)}
        case "customers":
            return row | {"jurisdiction": "GB"}
    return row
