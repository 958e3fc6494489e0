"""Writes what a bank knows about invented (or real but anonymous) customers and their loans, as contract rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from arrears.simulator.people import invent_person, randomness
from arrears.simulator.places import PhoneBook, Place
from arrears.source.contract import TABLES
from arrears.source.writer import ContractWriter, Value

_SCHEDULE_COLUMNS = (
    "loan_id schedule_version effective_from instalment_no due_date principal_due interest_due fee_due updated_at"
).split()
CHANNELS = ("sms", "phone", "field_visit", "legal", "care")


@dataclass(frozen=True)
class Instalment:
    """One line of a schedule; amounts in cents."""

    number: int
    due_on: date
    principal: int
    interest: int = 0
    fee: int = 0

    @property
    def amount(self) -> int:
        return self.principal + self.interest + self.fee


@dataclass(frozen=True)
class Borrower:
    """A customer to be written."""

    customer_id: str
    place: Place
    since: date
    jurisdiction: str | None = None
    """When it is not the place's."""
    monthly_income: str | None = None
    credit_score: int | None = None
    phone: str | None = None
    """A number to use instead of the next free one."""
    phone_is_valid: bool = True
    refuses: tuple[str, ...] = ()
    """Channels on which the customer does not want to be reached."""
    consents_drawn: bool = True
    """Whether chance decides on the other channels; else they are granted."""


@dataclass(frozen=True)
class Loan:
    """A loan to be written; amounts in cents."""

    loan_id: str
    customer_id: str
    product: str
    currency: str
    principal: int
    annual_rate: Decimal
    disbursed_on: date
    maturity_on: date
    day_count: str = "actual"
    status: str = "active"
    closed_on: date | None = None
    written_off_on: date | None = None
    changed_on: date | None = None


def money(cents: int) -> str:
    """Cents as the contract writes money."""
    return f"{cents // 100}.{cents % 100:02d}"


class Book:
    """Rows of the contract by what they mean. A row's change is stamped with the evening of its day at the bank."""

    def __init__(self, writer: ContractWriter, bank_zone: ZoneInfo) -> None:
        self.writer = writer
        self.phones = PhoneBook()
        self.bank_zone = bank_zone

    def evening(self, day: date) -> str:
        """20:00 of a day at the bank."""
        return _evening(day, self.bank_zone)

    def add(self, table: str, *, changed_on: date, **values: Value) -> None:
        """Write one row of a table that has `updated_at`."""
        self.writer.add(table, **values, updated_at=self.evening(changed_on))

    def customer(self, borrower: Borrower) -> str:
        """Write a customer with contact points and consents; returns the mobile number."""
        place, customer_id, since = borrower.place, borrower.customer_id, borrower.since
        person = invent_person(customer_id, place)
        phone = borrower.phone or self.phones.next_number(place)
        self.add(
            "customers",
            changed_on=since,
            customer_id=customer_id,
            full_name=person.full_name,
            given_name=person.given_name,
            national_id=person.national_id,
            sex=person.sex,
            date_of_birth=person.date_of_birth,
            language=person.language,
            time_zone=place.time_zone,
            jurisdiction=borrower.jurisdiction or place.jurisdiction,
            city=place.city,
            segment="retail",
            monthly_income=borrower.monthly_income,
            credit_score=borrower.credit_score,
            credit_score_on=since if borrower.credit_score else None,
        )
        self._contact_point(customer_id, "mobile", phone, since, is_valid=borrower.phone_is_valid)
        self._contact_point(customer_id, "email", person.email, since)
        self._contact_point(
            customer_id,
            "address",
            person.address,
            since,
            city=place.city,
            postal_code=place.postal_code,
            latitude=person.latitude,
            longitude=person.longitude,
        )
        self._consents(borrower)
        return phone

    def _contact_point(
        self, customer_id: str, kind: str, value: str, since: date, *, is_valid: bool = True, **place: Value
    ) -> None:
        self.add(
            "contact_points",
            changed_on=since,
            contact_point_id=f"{customer_id}-{kind}",
            customer_id=customer_id,
            kind=kind,
            value=value,
            is_valid=is_valid,
            relation="self",
            source="contract",
            consent="granted",
            **place,
        )

    def _consents(self, borrower: Borrower) -> None:
        """Most customers agreed to text messages and calls, a few refused, and some were never asked."""
        chance = randomness(f"consent {borrower.customer_id}")
        for channel in ("sms", "phone"):
            drawn = chance.random() if borrower.consents_drawn else 0.0
            if drawn < 0.95 and channel not in borrower.refuses:
                self._consent(borrower, channel, "granted" if drawn < 0.92 else "refused")
        for channel in borrower.refuses:
            self._consent(borrower, channel, "refused")

    def _consent(self, borrower: Borrower, channel: str, consent: str) -> None:
        self.add(
            "contact_consents",
            changed_on=borrower.since,
            customer_id=borrower.customer_id,
            channel=channel,
            consent=consent,
            valid_from=borrower.since,
        )

    def loan(self, loan: Loan) -> None:
        changed_on = loan.changed_on or loan.closed_on or loan.written_off_on or loan.disbursed_on
        self.add(
            "loans",
            changed_on=changed_on,
            loan_id=loan.loan_id,
            customer_id=loan.customer_id,
            product=loan.product,
            currency=loan.currency,
            principal=money(loan.principal),
            annual_rate=loan.annual_rate,
            disbursed_on=loan.disbursed_on,
            maturity_on=loan.maturity_on,
            day_count=loan.day_count,
            status=loan.status,
            closed_on=loan.closed_on,
            written_off_on=loan.written_off_on,
        )

    def schedule(
        self, loan_id: str, instalments: Iterable[Instalment], effective_from: date, *, version: int = 1
    ) -> None:
        stamp, start = self.evening(effective_from), effective_from.isoformat()
        self.writer.add_rows(
            "repayment_schedule",
            _SCHEDULE_COLUMNS,
            [
                (
                    *(loan_id, version, start, instalment.number, instalment.due_on),
                    *(money(instalment.principal), money(instalment.interest), money(instalment.fee), stamp),
                )
                for instalment in instalments
            ],
        )

    def transaction(
        self,
        transaction_id: str,
        loan_id: str,
        kind: str,
        cents: int,
        effective_on: date,
        *,
        reverses: str | None = None,
        channel: str | None = None,
    ) -> None:
        """Write a money movement, recorded on the evening of its effective day."""
        self.writer.add(
            "loan_transactions",
            transaction_id=transaction_id,
            loan_id=loan_id,
            kind=kind,
            amount=money(cents),
            effective_on=effective_on,
            recorded_at=self.evening(effective_on),
            reverses=reverses,
            channel=channel,
        )

    def flag(self, customer_id: str, flag: str, since: date, until: date | None = None) -> None:
        self.add(
            "customer_flags",
            changed_on=until or since,
            customer_id=customer_id,
            flag=flag,
            valid_from=since,
            valid_to=until,
        )

    def interaction(
        self,
        interaction_id: str,
        customer_id: str,
        loan_id: str,
        channel: str,
        occurred_at: datetime,
        disposition: str,
        *,
        direction: str = "outbound",
        promise: tuple[int, date, str] | None = None,
    ) -> None:
        """Write a contact, recorded the next evening; a promise is its cents, its day and its currency."""
        amount, promise_on, currency = promise or (None, None, None)
        self.add(
            "customer_interactions",
            changed_on=occurred_at.astimezone(self.bank_zone).date() + timedelta(days=1),
            interaction_id=interaction_id,
            customer_id=customer_id,
            loan_id=loan_id,
            direction=direction,
            channel=channel,
            occurred_at=occurred_at,
            disposition=disposition,
            promise_amount=None if amount is None else money(amount),
            promise_on=promise_on,
            currency=currency,
        )

    def feeds_complete_to(self, day: date) -> None:
        """Say that every table holds everything up to the end of a day."""
        complete_to = at(day + timedelta(days=1), 0, 0, self.bank_zone)
        for table in TABLES:
            if table.name != "feed_status":
                self.add("feed_status", changed_on=day, table_name=table.name, complete_to=complete_to)


@lru_cache(maxsize=65536)
def at(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """An hour of a day in a time zone."""
    return datetime.combine(day, time(hour, minute), zone)


@lru_cache(maxsize=65536)
def _evening(day: date, zone: ZoneInfo) -> str:
    return at(day, 20, 0, zone).isoformat()


def total(instalments: Sequence[Instalment]) -> int:
    """What the instalments come to, in cents."""
    return sum(instalment.amount for instalment in instalments)
