"""Invented customers, one for each situation that a day of collection must get right; their ids begin with `SYN-`.

They stand beside a real tape (whose worst loan is 54 days behind and which has no contact history) and beside the
simulated bank, so that every channel has work on one chosen day and every reason to leave a customer alone occurs.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from arrears.domain.amortisation import add_months, level_instalment, split
from arrears.simulator.book import Book, Borrower, Instalment, Loan, at
from arrears.simulator.places import PLACES, US_STATES, Place
from arrears.simulator.staff import assign

_CURRENCY = {"US": "USD", "GB": "GBP", "CN": "CNY", "IN": "INR"}
_RATE = Decimal("0.0890")
_PAID_BEFORE = 6
_TERM = 36
_PRINCIPAL = 12_000_00
_US = [US_STATES[state] for state in ("CA", "NY", "IL", "CO", "WA", "GA")]


@dataclass(frozen=True)
class HardCase:
    """A customer `days_behind` on the chosen day, with what makes the case hard."""

    name: str
    days_behind: int
    country: str = "US"
    flags: tuple[str, ...] = ()
    history: str = ""
    """What contact history shows: see `_add_history`."""
    refuses: tuple[str, ...] = ()
    phone_is_valid: bool = True
    jurisdiction: str | None = None
    product: str = "personal"
    special: str = ""
    """What else there is: see `_add_special`."""

    @property
    def customer_id(self) -> str:
        return f"SYN-C-{self.name}"

    @property
    def loan_id(self) -> str:
        return f"SYN-L-{self.name}"


def _flagged(*flags: str) -> tuple[HardCase, ...]:
    return tuple(HardCase(flag.replace("_", "-"), 40 + 2 * n, flags=(flag,)) for n, flag in enumerate(flags))


CASES: tuple[HardCase, ...] = (
    # Text message and telephone
    *(HardCase(f"early-{n}", n, country) for n, country in ((3, "US"), (5, "GB"), (6, "CN"), (4, "IN"))),
    *(HardCase(f"friendly-{n}", n, country) for n, country in ((9, "US"), (14, "GB"), (20, "CN"), (28, "IN"))),
    *(HardCase(f"firm-{n}", n, history="reached") for n in (35, 47, 66, 83)),
    # Visit: contact is lost, by either of its meanings
    *(HardCase(f"lost-number-{n}", n, phone_is_valid=False) for n in (95, 110, 133, 160)),
    *(HardCase(f"lost-unanswered-{n}", n, history="unanswered") for n in (101, 127, 149, 172)),
    HardCase("lost-wrong-party", 118, history="wrong_party"),
    HardCase("lost-number-gb", 104, "GB", phone_is_valid=False),
    HardCase("lost-number-cn", 139, "CN", phone_is_valid=False),
    HardCase("lost-unanswered-in", 122, "IN", history="unanswered"),
    # Lawyer: able to pay and will not
    *(HardCase(f"wilful-refused-{n}", n, history="refused", product="auto") for n in (153, 168, 190)),
    *(HardCase(f"wilful-promises-{n}", n, history="broken_promises", product="auto") for n in (158, 181, 200)),
    HardCase("wilful-refused-gb", 175, "GB", history="refused"),
    HardCase("wilful-but-disputed", 170, history="refused", flags=("disputed",)),
    HardCase("wilful-but-vulnerable", 165, history="refused", flags=("vulnerable",)),
    # Care
    *(HardCase(f"hardship-{n}", n, country, flags=("hardship_requested",)) for n, country in (
        (6, "US"), (25, "GB"), (44, "CN"), (72, "IN"), (98, "US"), (140, "US")
    )),
    HardCase("hardship-told-us", 52, history="hardship_request"),
    HardCase("written-off", 230, special="written_off"),
    # Leave alone, or mind
    *_flagged(
        "deceased", "bankruptcy", "legal_proceedings", "represented", "cease_contact", "erasure_requested",
        "active_military", "fraud_victim", "disputed", "vulnerable", "moratorium",
    ),
    HardCase("unknown-flag", 33, flags=("prefers_letters",)),
    HardCase("no-visits", 115, flags=("no_visits",), phone_is_valid=False),
    HardCase("unsafe-address", 125, flags=("unsafe_address",), phone_is_valid=False),
    HardCase("refused-sms", 5, refuses=("sms",)),
    HardCase("refused-phone", 45, refuses=("phone",)),
    HardCase("promise-open", 36, history="open_promise"),
    HardCase("shared-number-a", 12, special="shared_number"),
    HardCase("shared-number-b", 15, special="shared_number"),
    HardCase("two-currencies", 38, special="second_currency"),
    HardCase("co-debtor", 48, special="co_debtor", flags=("deceased",)),
    HardCase("guarantor", 58, special="guarantor"),
    HardCase("third-party-number", 22, special="third_party"),
    HardCase("forborne", 120, special="forborne"),
    HardCase("paused", 50, special="paused"),
    HardCase("reversed", 17, special="reversed"),
    HardCase("waived-part", 29, special="waived"),
    HardCase("complaint-open", 31, special="complaint"),
    HardCase("unknown-jurisdiction", 26, "GB", jurisdiction="XX"),
    HardCase("india-first-day", 0, "IN"),
    HardCase("minor-amount", 0, special="minor_amount"),
)  # fmt: skip


def add_hard_cases(book: Book, as_of: date) -> None:
    """Write every case, behind as it says on a day. The same day gives the same rows."""
    shared_number = book.phones.next_number(_US[0])
    for position, case in enumerate(CASES):
        place = _US[position % len(_US)] if case.country == "US" else PLACES[case.country][0]
        story = _Story(book, case, place, as_of)
        book.customer(story.borrower(shared_number if case.special == "shared_number" else None))
        story.add_loan()
        for flag in case.flags:
            book.flag(case.customer_id, flag, as_of - timedelta(days=10))
        story.add_history()
        story.add_special()
        if case.days_behind > 30:
            assign(book, case.customer_id, "phone", as_of - timedelta(days=case.days_behind - 30))


@dataclass
class _Story:
    """One case as rows."""

    book: Book
    case: HardCase
    place: Place
    as_of: date
    instalments: list[Instalment] = field(init=False)

    def __post_init__(self) -> None:
        oldest = self.oldest_unpaid
        amount = level_instalment(_PRINCIPAL, _RATE, _TERM)
        self.instalments = [
            Instalment(number, add_months(oldest, number - 1 - _PAID_BEFORE), principal, interest)
            for number, (principal, interest) in enumerate(split(_PRINCIPAL, _RATE, amount, _TERM), start=1)
        ]

    @property
    def oldest_unpaid(self) -> date:
        return self.day(self.case.days_behind)

    @property
    def disbursed_on(self) -> date:
        return add_months(self.instalments[0].due_on, -1)

    @property
    def currency(self) -> str:
        return _CURRENCY[self.case.country]

    def day(self, days_before: int) -> date:
        return self.as_of - timedelta(days=days_before)

    def borrower(self, phone: str | None) -> Borrower:
        return Borrower(
            customer_id=self.case.customer_id,
            place=self.place,
            since=self.disbursed_on,
            jurisdiction=self.case.jurisdiction,
            monthly_income="5200.00",
            credit_score=610,
            phone=phone,
            phone_is_valid=self.case.phone_is_valid,
            refuses=self.case.refuses,
            consents_drawn=False,
        )

    def add_loan(self) -> None:
        written_off_on = self.day(20) if self.case.special == "written_off" else None
        self._write_loan(self.case.loan_id, self.currency, written_off_on)

    def _write_loan(self, loan_id: str, currency: str, written_off_on: date | None = None) -> None:
        self.book.loan(
            Loan(
                loan_id=loan_id,
                customer_id=self.case.customer_id,
                product=self.case.product,
                currency=currency,
                principal=_PRINCIPAL,
                annual_rate=_RATE,
                disbursed_on=self.disbursed_on,
                maturity_on=self.instalments[-1].due_on,
                status="written_off" if written_off_on else "active",
                written_off_on=written_off_on,
            )
        )
        self.book.schedule(loan_id, self.instalments, self.disbursed_on)
        for instalment in self.instalments[:_PAID_BEFORE]:
            self._repay(loan_id, f"{instalment.number}", instalment.amount, instalment.due_on)

    def _repay(self, loan_id: str, suffix: str, cents: int, effective_on: date, kind: str = "repayment") -> str:
        transaction_id = f"{loan_id}-{suffix}"
        self.book.transaction(transaction_id, loan_id, kind, cents, effective_on, channel="transfer")
        return transaction_id

    # Contact history ----------------------------------------------------------------------------------------------
    def add_history(self) -> None:
        """Outbound calls, all of them more than a week ago, so that no limit or pause of today is used up."""
        unanswered = [(days, "no_answer") for days in (24, 21, 18, 15, 12, 10)]
        calls = {
            "reached": [(22, "no_answer"), (16, "right_party_no_promise")],
            "unanswered": unanswered,
            "wrong_party": [(20, "wrong_party")],
            "refused": [(40, "no_answer"), (20, "refused")],
            "hardship_request": [(9, "hardship_request")],
        }
        for number, (days, disposition) in enumerate(calls.get(self.case.history, []), start=1):
            self._call(number, self.day(days), disposition)
        if self.case.history == "broken_promises":
            for number, days in enumerate((75, 45), start=1):
                self._promise(number, self.day(days), self.day(days - 10))
        if self.case.history == "open_promise":
            self._promise(1, self.day(9), self.day(-4))

    def _call(self, number: int, day: date, disposition: str, promise: tuple[int, date, str] | None = None) -> None:
        hour = 10 if number % 2 else 17  # Morning and evening: two times of day.
        self.book.interaction(
            f"SYN-I-{self.case.name}-{number}",
            self.case.customer_id,
            self.case.loan_id,
            "phone",
            at(day, hour, 30, ZoneInfo(self.place.time_zone or "America/New_York")),
            disposition,
            promise=promise,
        )

    def _promise(self, number: int, made_on: date, due_on: date) -> None:
        self._call(number, made_on, "promise_to_pay", (self.instalments[0].amount, due_on, self.currency))

    # What else there is -------------------------------------------------------------------------------------------
    def add_special(self) -> None:
        specials = {
            "written_off": self._add_written_off,
            "second_currency": self._add_second_currency,
            "co_debtor": self._add_co_debtor,
            "guarantor": self._add_guarantor,
            "third_party": self._add_third_party,
            "forborne": self._add_forborne,
            "paused": self._add_paused,
            "reversed": self._add_reversed,
            "waived": self._add_waived,
            "minor_amount": self._add_minor_amount,
            "complaint": self._add_complaint,
        }
        if self.case.special in specials:
            specials[self.case.special]()

    def _add_written_off(self) -> None:
        owed = sum(instalment.principal for instalment in self.instalments[_PAID_BEFORE:])
        self._repay(self.case.loan_id, "write-off", owed, self.day(20), kind="write_off")

    def _add_second_currency(self) -> None:
        self._write_loan(f"{self.case.loan_id}-2", "EUR")

    def _add_co_debtor(self) -> None:
        self._add_party("co_debtor")

    def _add_guarantor(self) -> None:
        self._add_party("guarantor")

    def _add_party(self, role: str) -> None:
        other = f"{self.case.customer_id}-party"
        self.book.customer(Borrower(customer_id=other, place=self.place, since=self.disbursed_on, consents_drawn=False))
        self.book.add(
            "loan_parties", changed_on=self.disbursed_on, loan_id=self.case.loan_id, customer_id=other, role=role
        )

    def _add_third_party(self) -> None:
        self.book.add(
            "contact_points",
            changed_on=self.disbursed_on,
            contact_point_id=f"{self.case.customer_id}-relative",
            customer_id=self.case.customer_id,
            kind="mobile",
            value=self.book.phones.next_number(self.place),
            is_valid=True,
            relation="third_party",
            source="customer",
            consent="unknown",
        )

    def _add_forborne(self) -> None:
        """Two months ago the rest was spread over a longer term; its first new instalment is 12 days late."""
        starts_on = self.day(60)
        owed = sum(instalment.principal for instalment in self.instalments[_PAID_BEFORE:])
        term = _TERM + 12
        parts = split(owed, _RATE, level_instalment(owed, _RATE, term), term)
        first_due = self.day(12)
        new = [
            Instalment(number, add_months(first_due, number - 1), principal, interest)
            for number, (principal, interest) in enumerate(parts, start=1)
        ]
        self.book.schedule(self.case.loan_id, new, starts_on, version=2)
        self._arrangement("term_extension", starts_on, new[-1].due_on, schedule_version=2)

    def _add_paused(self) -> None:
        self._arrangement("payment_pause", self.day(40), self.day(-20))

    def _arrangement(self, kind: str, starts_on: date, ends_on: date, schedule_version: int | None = None) -> None:
        self.book.add(
            "hardship_arrangements",
            changed_on=starts_on,
            arrangement_id=f"SYN-H-{self.case.name}",
            loan_id=self.case.loan_id,
            kind=kind,
            starts_on=starts_on,
            ends_on=ends_on,
            status="accepted",
            accepted_on=starts_on,
            schedule_version=schedule_version,
        )

    def _add_reversed(self) -> None:
        due = self.instalments[_PAID_BEFORE]
        paid = self._repay(self.case.loan_id, "bounced", due.amount, due.due_on)
        self.book.transaction(
            f"{paid}-reversal",
            self.case.loan_id,
            "reversal",
            due.amount,
            due.due_on + timedelta(days=5),
            reverses=paid,
            channel="transfer",
        )

    def _add_waived(self) -> None:
        self._repay(self.case.loan_id, "waiver", 25_00, self.day(2), kind="waiver")

    def _add_minor_amount(self) -> None:
        """Everything due but the last few coins was paid: behind by less than what is worth a contact."""
        self._repay(self.case.loan_id, "short", self.instalments[_PAID_BEFORE].amount - 3_00, self.day(1))

    def _add_complaint(self) -> None:
        received_at = at(self.day(6), 11, 0, self.book.bank_zone)
        self.book.add(
            "complaints",
            changed_on=self.day(6),
            complaint_id=f"SYN-COMPLAINT-{self.case.name}",
            customer_id=self.case.customer_id,
            channel="phone",
            received_at=received_at,
            category="tone",
        )
