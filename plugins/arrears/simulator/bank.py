"""A played bank: customers of four countries, three products, and two years of paying, falling behind and recovering.

Everything is invented and follows from the seed. How loans fall behind and recover follows `calibration.TAPE_RATES`.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.domain.amortisation import add_months, level_instalment
from arrears.errors import ArrearsError
from arrears.settings import get_settings
from arrears.simulator.book import Book, Borrower, Loan, at, money
from arrears.simulator.calibration import risk_of
from arrears.simulator.hard_cases import add_hard_cases
from arrears.simulator.loan_life import LateMonth, LoanLife, Terms
from arrears.simulator.people import randomness
from arrears.simulator.places import PLACES, Place
from arrears.simulator.staff import add_collectors, assign
from arrears.simulator.truth import leave_world
from arrears.source.contract import TABLES
from arrears.source.files import Progress
from arrears.source.load import LoadReport, Mode, load_directory
from arrears.source.origin import parse_origins
from arrears.source.writer import ContractWriter

_ORIGINS = parse_origins("\n".join(f"{table.name} * synthetic: the simulated bank" for table in TABLES))
_MIN_DAYS = 90
_FIRST_DUE_AFTER = 14
"""Days, at least, between disbursement and the first due date."""
_PROGRESS_EVERY = 500

_COUNTRIES = {"CN": 0.40, "US": 0.25, "GB": 0.20, "IN": 0.15}
_CURRENCY = {"CN": "CNY", "US": "USD", "GB": "GBP", "IN": "INR"}
PRICE_LEVEL = {"CNY": 7, "USD": 1, "GBP": 0.8, "INR": 80}
_SECOND_LOAN = 0.12
_FOREIGN_CURRENCY = 0.25
"""Share of second loans that are in dollars, whatever the country."""


@dataclass(frozen=True)
class _Product:
    weight: float
    terms: tuple[int, ...]
    amounts: tuple[int, int]
    """Smallest and largest principal, in whole dollars."""
    rates: tuple[int, int]
    """Lowest and highest yearly rate, in basis points."""
    fee_share: float = 0.0
    """Arrangement fee, of the principal, due with the first instalment."""


_PRODUCTS = {
    "auto": _Product(0.35, (36, 48, 60, 72), (8_000, 30_000), (490, 1_150)),
    "personal": _Product(0.40, (12, 24, 36), (1_000, 12_000), (790, 2_190)),
    "card_instalment": _Product(0.25, (6, 12, 18), (300, 4_000), (1_190, 2_290), fee_share=0.01),
}

# What chance brings to a customer over the whole time.
_FLAGS = {
    "vulnerable": 0.008,
    "hardship_requested": 0.007,
    "disputed": 0.005,
    "no_visits": 0.005,
    "cease_contact": 0.004,
    "bankruptcy": 0.003,
    "deceased": 0.002,
    "represented": 0.002,
    "fraud_victim": 0.001,
}
_BAD_NUMBER = 0.02
_COMPLAINT = 0.03
_DISPOSITIONS = {
    "no_answer": 0.44,
    "busy": 0.08,
    "voicemail": 0.13,
    "right_party_no_promise": 0.12,
    "promise_to_pay": 0.15,
    "refused": 0.025,
    "claims_paid": 0.015,
    "wrong_party": 0.015,
    "hardship_request": 0.015,
    "invalid_number": 0.01,
}


def simulate(
    core_banking: Connection,
    warehouse: Connection,
    *,
    loans: int,
    start: date,
    end: date,
    seed: int,
    description: str | None = None,
    mode: Mode = "static",
    progress: Progress | None = None,
) -> LoadReport:
    """Make a simulated bank, played from `start` to `end`, the source: a new generation. Commits.

    A world that was played here (`living`) is left.

    Raises:
        ArrearsError: fewer than one loan, or less than three months.
    """
    leave_world(get_settings())
    with tempfile.TemporaryDirectory(prefix="arrears-bank-") as scratch:
        write_bank(Path(scratch), loans=loans, start=start, end=end, seed=seed, progress=progress)
        return load_directory(
            core_banking,
            warehouse,
            Path(scratch),
            replace=True,
            mode=mode,
            description=description or f"simulated bank: {loans} loans, {start} to {end}, seed {seed}",
            origins=_ORIGINS,
            progress=progress,
        )


def write_bank(
    directory: Path, *, loans: int, start: date, end: date, seed: int, progress: Progress | None = None
) -> dict[str, int]:
    """Write a simulated bank as contract files; returns the rows by table. The same arguments give the same bytes.

    Raises:
        ArrearsError: fewer than one loan, or less than three months.
    """
    if loans < 1:
        raise ArrearsError(f"a simulated bank needs at least 1 loan, found {loans}")
    if (end - start).days < _MIN_DAYS:
        raise ArrearsError(f"a simulated bank needs at least {_MIN_DAYS} days, found {start} to {end}")
    with ContractWriter(directory) as writer:
        book = Book(writer, get_settings().bank_tz)
        add_collectors(book, start - timedelta(days=120), end)
        for number, customer in enumerate(_customers(loans, start, end, seed), start=1):
            customer.write(book)
            if progress and number % _PROGRESS_EVERY == 0:
                progress("simulated customers", _PROGRESS_EVERY)
        add_hard_cases(book, end)
        book.feeds_complete_to(end)
    return writer.row_counts


def _customers(loans: int, start: date, end: date, seed: int) -> Iterator["_Customer"]:
    """Customers with one loan, now and then two, until the loans are used up."""
    left, number = loans, 0
    while left > 0:
        number += 1
        chance = randomness(f"bank {seed} customer {number}")
        count = 2 if left > 1 and chance.random() < _SECOND_LOAN else 1
        left -= count
        yield _Customer(f"C{seed}-{number:07d}", count, start, end, chance)


class _Customer:
    """One simulated customer and the loans."""

    def __init__(self, customer_id: str, loan_count: int, start: date, end: date, chance: Random) -> None:
        self.customer_id = customer_id
        self.chance = chance
        self.end = end
        country = chance.choices(list(_COUNTRIES), list(_COUNTRIES.values()))[0]
        self.place: Place = chance.choice(PLACES[country])
        self.score = min(850, max(450, round(chance.gauss(680, 60))))
        self.risk = risk_of(self.score)
        self.loans = [self._draw_loan(number, country, start) for number in range(1, loan_count + 1)]
        self.since = min(loan.disbursed_on for loan in self.loans)
        self._assigned: set[date] = set()
        self._collector: str | None = None

    def _draw_loan(self, number: int, country: str, start: date) -> "_SimulatedLoan":
        chance = self.chance
        name = chance.choices(list(_PRODUCTS), [product.weight for product in _PRODUCTS.values()])[0]
        is_foreign = number > 1 and chance.random() < _FOREIGN_CURRENCY
        currency = "USD" if is_foreign else _CURRENCY[country]
        disbursed_on = start + timedelta(days=chance.randrange((self.end - start).days - 35))
        product = _PRODUCTS[name]
        principal = round(chance.randint(*product.amounts) * PRICE_LEVEL[currency]) * 100
        due_day = chance.randint(1, 28)
        first_due = add_months(disbursed_on, 1, due_day)
        if (first_due - disbursed_on).days < _FIRST_DUE_AFTER:
            first_due = add_months(disbursed_on, 2, due_day)
        terms = Terms(
            principal=principal,
            annual_rate=Decimal(chance.randint(*product.rates)) / 10_000,
            count=chance.choice(product.terms),
            first_due=first_due,
            fee=round(principal * product.fee_share),
        )
        life = LoanLife(terms, self.end, chance, self.risk)
        life.play()
        return _SimulatedLoan(f"L{self.customer_id[1:]}-{number}", name, currency, disbursed_on, life)

    # Writing ------------------------------------------------------------------------------------------------------
    def write(self, book: Book) -> None:
        chance = self.chance
        instalments = sum(
            level_instalment(loan.life.terms.principal, loan.life.terms.annual_rate, loan.life.terms.count)
            for loan in self.loans[:1]
        )
        book.customer(
            Borrower(
                customer_id=self.customer_id,
                place=self.place,
                since=self.since,
                monthly_income=f"{instalments * chance.uniform(2.5, 11) / 100:.2f}",
                credit_score=self.score,
                phone_is_valid=chance.random() >= _BAD_NUMBER,
            )
        )
        for loan in self.loans:
            loan.write(book, self.customer_id)
            for late in loan.life.late_months:
                self._write_collection(book, loan, late)
        self._write_flags(book)

    def _write_flags(self, book: Book) -> None:
        days = (self.end - self.since).days
        for flag, share in _FLAGS.items():
            if self.chance.random() < share:
                since = self.since + timedelta(days=self.chance.randrange(days))
                is_over = flag != "deceased" and self.chance.random() < 0.4
                until = since + timedelta(days=90)
                book.flag(self.customer_id, flag, since, until if is_over and until <= self.end else None)

    def _write_collection(self, book: Book, loan: "_SimulatedLoan", late: LateMonth) -> None:
        """A month's attempts to reach a customer who is behind, and the collector who makes them."""
        if late.unpaid >= 2 and late.due_on not in self._assigned:
            self._assigned.add(late.due_on)
            self._collector = assign(
                book, self.customer_id, "phone", late.due_on, min(add_months(late.due_on, 1), self.end)
            )
        first = late.due_on + timedelta(days=1)
        last = min(add_months(late.due_on, 1), self.end)
        for attempt in range(self.chance.randint(1, 2 + min(late.unpaid, 3))):
            if first >= last:
                break
            day = first + timedelta(days=self.chance.randrange((last - first).days))
            self._write_contact(book, loan, f"I-{loan.loan_id}-{late.due_on:%Y%m}-{attempt}", day)
        if self.chance.random() < _COMPLAINT:
            self._write_complaint(book, loan.loan_id, late.due_on)

    def _write_contact(self, book: Book, loan: "_SimulatedLoan", interaction_id: str, day: date) -> None:
        zone = ZoneInfo(self.place.time_zone or "America/New_York")
        occurred_at = at(day, self.chance.randint(9, 17), self.chance.randrange(60), zone)
        is_text = self.chance.random() < 0.3
        drawn = self.chance.choices(list(_DISPOSITIONS), list(_DISPOSITIONS.values()))[0]
        disposition = "delivered" if is_text else drawn
        amount = loan.life.schedules[0][1][0].amount
        book.interaction(
            interaction_id,
            self.customer_id,
            loan.loan_id,
            "sms" if is_text else "phone",
            occurred_at,
            disposition,
            promise=(amount, day + timedelta(days=self.chance.randint(2, 10)), loan.currency)
            if disposition == "promise_to_pay"
            else None,
        )

    def _write_complaint(self, book: Book, loan_id: str, due_on: date) -> None:
        received_on = due_on + timedelta(days=5)
        closed_on = received_on + timedelta(days=self.chance.randint(3, 40))
        if received_on > self.end:
            return
        is_closed = closed_on <= self.end
        book.add(
            "complaints",
            changed_on=closed_on if is_closed else received_on,
            complaint_id=f"COMPLAINT-{loan_id}-{due_on:%Y%m}",
            customer_id=self.customer_id,
            collector_id=self._collector,
            channel="phone",
            received_at=at(received_on, 11, 0, book.bank_zone),
            category=self.chance.choice(["tone", "frequency", "wrong_amount", "third_party"]),
            upheld=self.chance.random() < 0.3 if is_closed else None,
            responded_at=at(closed_on, 10, 0, book.bank_zone) if is_closed else None,
            closed_at=at(closed_on, 15, 0, book.bank_zone) if is_closed else None,
        )


@dataclass(frozen=True)
class _SimulatedLoan:
    loan_id: str
    product: str
    currency: str
    disbursed_on: date
    life: LoanLife

    def write(self, book: Book, customer_id: str) -> None:
        life = self.life
        book.loan(
            Loan(
                loan_id=self.loan_id,
                customer_id=customer_id,
                product=self.product,
                currency=self.currency,
                principal=life.terms.principal,
                annual_rate=life.terms.annual_rate,
                disbursed_on=self.disbursed_on,
                maturity_on=life.schedules[-1][1][-1].due_on,
                status="closed" if life.closed_on else "written_off" if life.written_off_on else "active",
                closed_on=life.closed_on,
                written_off_on=life.written_off_on,
            )
        )
        for version, (starts_on, instalments) in enumerate(life.schedules, start=1):
            book.schedule(self.loan_id, instalments, starts_on or self.disbursed_on, version=version)
        self._write_transactions(book)
        self._write_reliefs(book)

    def _write_transactions(self, book: Book) -> None:
        for number, movement in enumerate(self.life.movements):
            book.transaction(
                f"T-{self.loan_id}-{number:03d}",
                self.loan_id,
                movement.kind,
                movement.cents,
                movement.on,
                reverses=None if movement.reverses is None else f"T-{self.loan_id}-{movement.reverses:03d}",
                channel="direct_debit" if movement.kind in {"repayment", "reversal"} else None,
            )

    def _write_reliefs(self, book: Book) -> None:
        for number, relief in enumerate(self.life.reliefs, start=1):
            is_accepted = relief.status == "accepted"
            book.add(
                "hardship_arrangements",
                changed_on=relief.starts_on,
                arrangement_id=f"H-{self.loan_id}-{number}",
                loan_id=self.loan_id,
                kind=relief.kind,
                starts_on=relief.starts_on,
                ends_on=relief.ends_on,
                status=relief.status,
                accepted_on=relief.starts_on if is_accepted else None,
                schedule_version=relief.schedule_version,
                reduced_amount=None if relief.reduced_amount is None else money(relief.reduced_amount),
            )
