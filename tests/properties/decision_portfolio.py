"""Customers with whatever a bank may have on file, by chance; the same for the same seed."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from decision_facts import Bank
from decision_world import World
from hand_made_models import said_of_cards

JURISDICTIONS = {
    "CN": ("Asia/Shanghai",),
    "US": ("America/New_York", "America/Los_Angeles", "America/Phoenix"),
    "GB": ("Europe/London",),
    "IN": ("Asia/Kolkata",),
    "EU": ("Europe/Berlin", "Atlantic/Azores"),
    # Two without a pack: one with a calendar of holidays, one that nobody knows.
    "AW": ("America/Aruba",),
    "XX": ("Asia/Tokyo", "Pacific/Chatham"),
}
DAYS_PAST_DUE = (-9, -4, -3, -1, 0, 1, 7, 8, 12, 30, 31, 45, 60, 61, 90, 91, 100, 120, 121, 150, 151, 180, 181, 250)
AMOUNTS = ("3.00", "9.99", "10.00", "10.01", "120.00", "500.00", "1200.00", "1200.00")
CURRENCIES = ("CNY", "CNY", "CNY", "USD", "EUR", "JPY")
FLAGS = (
    "deceased bankruptcy legal_proceedings represented cease_contact erasure_requested active_military fraud_victim"
    " disputed moratorium vulnerable hardship_requested no_visits unsafe_address martian"
).split()
CALLS = (
    "no_answer no_answer no_answer busy voicemail met_third_party right_party_no_promise claims_paid refused disputed"
    " hardship_request opt_out deceased wrong_party invalid_number not_known_to_us"
).split()
ANSWERS = {
    "sms": ("delivered", "delivered", "undelivered", "opt_out"),
    "field_visit": ("not_at_address", "met_customer", "met_third_party", "unsafe", "wrong_party"),
    "legal": ("filed", "returned"),
}
ROLES = ("co_debtor", "co_debtor", "guarantor", "legal_representative")
HOURS = ((None, None), (None, None), (time(18, 30), time(22)), (time(6), time(10)), (time(19), time(21)))


class Populace:
    """Adds customers to a world."""

    def __init__(self, world: World, seed: int, prefix: str, *, has_lists: bool = True) -> None:
        """`has_lists`: whether there are lists of earlier days, too."""
        self.world, self.random, self.prefix = world, Random(seed), prefix
        self.has_lists = has_lists
        self.names: list[str] = []
        self.numbers: list[str] = []

    def add(self, customers: int) -> None:
        for _ in range(customers):
            self._add_customer(f"{self.prefix}{len(self.names):05}")

    def _seldom(self, share: float) -> bool:
        return self.random.random() < share

    def _day(self, first: int, last: int) -> date:
        """A day so many days from the business date."""
        return self.world.as_of + timedelta(days=self.random.randint(first, last))

    def _instant(self, days_ago: int, hour: int) -> datetime:
        day = self.world.as_of - timedelta(days=days_ago)
        return datetime(day.year, day.month, day.day, hour, self.random.randrange(60), tzinfo=UTC)

    def _add_customer(self, name: str) -> None:
        jurisdiction = self.random.choice(list(JURISDICTIONS))
        zone = self.random.choice((*JURISDICTIONS[jurisdiction] * 3, None, "Nowhere/Land"))
        income = self.random.choice((None, Decimal("300.00"), Decimal("1500.00"), Decimal("9000.00")))
        if income and self._seldom(0.2):
            # What the bank said of him two months ago.
            earlier = self._instant(60, 2)
            self.world.add(
                "customers", customer_id=name, jurisdiction=jurisdiction, monthly_income=income * 2, updated_at=earlier
            )
        self.world.customer(
            name,
            jurisdiction=jurisdiction,
            time_zone=zone,
            phone=None,
            address=False,
            dpd=None,
            monthly_income=income,
            updated_at=self._instant(1, 2),
        )
        self.names.append(name)
        for number in range(self.random.choice((1, 1, 1, 2, 3))):
            self._add_loan(f"{name}-L{number + 1}", name)
        self._add_points(name)
        # Most have little on file that forbids a contact, so that every rule decides somewhere.
        facts: Sequence[tuple[float, Callable[[str], None]]] = (
            (0.18, self._add_flag),
            (0.18, self._add_consent),
            (0.30, self._add_calls),
            (0.12, self._add_promise),
            (0.10, self._add_plan),
            (0.05, self._add_complaint),
            (0.08, self._add_party),
            (0.20, self._add_list),
            (0.04, self._add_vanished),
        )
        for share, add in facts:
            while self._seldom(share):
                add(name)

    # Debts --------------------------------------------------------------------------------------------------------
    def _add_loan(self, loan_id: str, name: str) -> None:
        """Instalments thirty days apart, paid but for the last ones; some of it bounced, in part, or ahead."""
        dpd = self.random.choice(DAYS_PAST_DUE)
        amount = Decimal(self.random.choice(AMOUNTS))
        currency = self.random.choice(CURRENCIES)
        if currency == "JPY":
            amount = amount.quantize(Decimal(1)).quantize(Decimal("0.01"))
        disbursed_on = self.world.as_of - timedelta(days=max(dpd, 0) + 120)
        columns: dict[str, Any] = {"status": "active"}
        if self._seldom(0.06):
            columns = {"status": "written_off", "written_off_on": self._day(-20, 2)}
        elif self._seldom(0.04):
            columns = {"status": "closed", "closed_on": self._day(-20, 2)}
        self.world.add(
            "loans",
            loan_id=loan_id,
            customer_id=name,
            product=self.random.choice(("personal", "auto", "personal", "auto", "card_instalment")),
            currency=currency,
            principal=amount * 6,
            annual_rate=Decimal("0.10"),
            disbursed_on=disbursed_on,
            day_count=self.random.choice(("actual", "actual", "30/360")),
            **columns,
        )
        oldest = self.world.as_of - timedelta(days=dpd)
        for number in range(6):
            due = oldest + timedelta(days=30 * (number - 3))
            self._add_instalment(loan_id, 1, disbursed_on, number + 1, due, amount)
            if number < 3:
                self.world.pay(loan_id, str(amount), on=due)
        if self._seldom(0.25):
            self._add_payment(loan_id, amount)

    def _add_instalment(
        self, loan_id: str, version: int, effective_from: date, number: int, due: date, amount: Decimal
    ) -> None:
        self.world.add(
            "repayment_schedule",
            loan_id=loan_id,
            schedule_version=version,
            effective_from=effective_from,
            instalment_no=number,
            due_date=due,
            principal_due=amount,
            interest_due=0,
            fee_due=0,
        )

    def _add_payment(self, loan_id: str, amount: Decimal) -> None:
        share = self.random.choice((Decimal("0.3"), Decimal("0.5"), Decimal(1), Decimal(2)))
        money = (amount * share).quantize(Decimal("0.01"))
        on = self._day(-70, 0)
        paid = self.world.pay(
            loan_id, str(money), on=on, kind=self.random.choice(("repayment", "repayment", "recovery"))
        )
        if self._seldom(0.2):
            later = min(on + timedelta(days=self.random.randint(0, 20)), self.world.as_of)
            self.world.pay(loan_id, str(money), on=later, kind="reversal", reverses=paid)

    def _loans(self, name: str) -> list[dict[str, Any]]:
        return [row for row in self.world.rows["loans"][-3:] if row["customer_id"] == name]

    # Where to reach him -------------------------------------------------------------------------------------------
    def _add_points(self, name: str) -> None:
        for number, kind in enumerate(("mobile", "mobile", "landline", "address", "address"), 1):
            if not self._seldom({1: 0.9, 2: 0.3, 3: 0.2, 4: 0.9, 5: 0.1}[number]):
                continue
            value = f"{name} Road {number}" if kind == "address" else self._number()
            self.world.point(
                f"{name}-P{number}",
                name,
                kind=kind,
                value=value,
                is_valid=self.random.choice((True,) * 8 + (None, False)),
                relation=self.random.choice(("self",) * 9 + ("third_party",)),
                source=self.random.choice(
                    ("contract", "customer", "authorised", "public", "bureau", None) * 2 + ("bought",)
                ),
                consent=self.random.choice(("granted", "granted", "unknown", "unknown", None, "refused")),
            )

    def _number(self) -> str:
        """Mostly nobody else's; some are another customer's, written in another way, or no number at all."""
        if self.numbers and self._seldom(0.06):
            return self.random.choice(self.numbers)
        number = f"+8613{self.world.number():09d}"
        self.numbers.append(number)
        if self._seldom(0.03):
            return f"+86 13{number[5:9]}-{number[9:]}"
        return number if not self._seldom(0.02) else number[3:]

    # What he said, and what was said of him -----------------------------------------------------------------------
    def _add_flag(self, name: str) -> None:
        start = self.random.choice((-40, -20, -1, 0, 1))
        end = self.random.choice((None, None, start + 1, start + 15, start + 60))
        row = {
            (row["customer_id"], row["flag"], row["valid_from"])
            for row in self.world.rows.get("customer_flags", ())[-9:]
        }
        flag = self.random.choice(FLAGS)
        if (name, flag, self.world.as_of + timedelta(days=start)) not in row:
            self.world.flag(name, flag, start=start, end=end)

    def _add_consent(self, name: str) -> None:
        channel = self.random.choice(("sms", "phone", "phone", "care", "field_visit", "legal", "all"))
        valid_from = self.world.as_of - timedelta(days=self.random.choice((-1, 0, 10, 30, 90)))
        said = {(row["channel"], row["valid_from"]) for row in self._last("contact_consents", name)}
        if (channel, valid_from) in said:
            return
        first, last = self.random.choice(HOURS)
        self.world.add(
            "contact_consents",
            customer_id=name,
            channel=channel,
            consent=self.random.choice(("granted", "granted", "unknown", "refused")),
            valid_from=valid_from,
            valid_to=self.random.choice((None, None, None, self._day(-5, 5))),
            preferred_from=first,
            preferred_to=last,
        )

    def _last(self, table: str, name: str) -> list[dict[str, Any]]:
        return [row for row in self.world.rows.get(table, ())[-9:] if row["customer_id"] == name]

    def _add_calls(self, name: str) -> None:
        for _ in range(self.random.choice((1, 2, 5, 8))):
            channel = self.random.choice(("phone",) * 6 + ("sms", "care", "field_visit", "email"))
            loan_id = self.random.choice([None, None, *(row["loan_id"] for row in self._loans(name))])
            self.world.interaction(
                name,
                self.random.choice(ANSWERS.get(channel, CALLS[:9])),
                days_ago=self.random.choice((0, 0, 1, 2, 3, 5, 6, 7, 8, 20)),
                hour=self.random.randrange(24),
                channel=channel,
                direction=self.random.choice(("outbound", "outbound", "outbound", "inbound")),
                loan_id=loan_id,
            )
        if self._seldom(0.3):
            self.world.interaction(
                name, self.random.choice(CALLS), days_ago=self.random.choice((0, 6, 7, 29, 30, 89, 90)), hour=5
            )

    def _add_vanished(self, name: str) -> None:
        """Tried on several days at several times, and not met."""
        for _ in range(self.random.choice((4, 5, 6))):
            self.world.interaction(
                name,
                "no_answer",
                days_ago=self.random.randrange(8, 31),
                hour=self.random.choice((1, 7, 12)),
                channel=self.random.choice(("phone", "sms")),
            )

    def _add_promise(self, name: str) -> None:
        days_ago = self.random.choice((1, 5, 10, 30, 60))
        self.world.promise(
            name,
            self.random.choice(AMOUNTS),
            days_ago=days_ago,
            due_days_ago=days_ago - self.random.choice((0, 2, 7, 30, 60)),
            currency=self.random.choice(("CNY", "CNY", "USD", "EUR", None)),
        )

    def _add_complaint(self, name: str) -> None:
        received = self.random.choice((1, 5, 40))
        closed = self.random.choice((None, 2, received - 1))
        self.world.add(
            "complaints",
            complaint_id=f"{name}-C{self.world.number()}",
            customer_id=name,
            received_at=self._instant(received, 4),
            closed_at=None if closed is None else self._instant(min(closed, received), 5),
        )

    def _add_party(self, name: str) -> None:
        """Somebody who came earlier owes, or answers for, a loan of his."""
        other = self.random.choice(self.names)
        loan_id = self._loans(name)[0]["loan_id"]
        parties = {(row["loan_id"], row["customer_id"]) for row in self.world.rows.get("loan_parties", ())[-9:]}
        if other != name and (loan_id, other) not in parties:
            self.world.add("loan_parties", loan_id=loan_id, customer_id=other, role=self.random.choice(ROLES))

    def _add_plan(self, name: str) -> None:
        loan = self.random.choice(self._loans(name))
        starts_on = self._day(-60, 10)
        ends_on = starts_on + timedelta(days=self.random.choice((20, 60, 180)))
        kind = self.random.choice(("payment_pause", "reduced_payment", "term_extension"))
        status = self.random.choice(("accepted",) * 5 + ("offered", "declined", "broken", "completed"))
        columns: dict[str, Any] = {"accepted_on": self.random.choice((None, starts_on - timedelta(days=3)))}
        if status in ("broken", "completed"):
            columns["ended_on"] = self._day(-20, 5)
        amount = (loan["principal"] / 6).quantize(Decimal("0.01"))
        if kind == "reduced_payment":
            columns["reduced_amount"] = (amount / 2).quantize(Decimal("0.01"))
            for days in (20, 50):
                if self._seldom(0.6) and starts_on + timedelta(days=days) <= self.world.as_of:
                    self.world.pay(loan["loan_id"], str(columns["reduced_amount"]), on=starts_on + timedelta(days=days))
        if kind == "term_extension":
            columns["schedule_version"] = 2
            has_one = any(
                row["loan_id"] == loan["loan_id"] and row["schedule_version"] == 2
                for row in self.world.rows["repayment_schedule"][-40:]
            )
            for number in () if has_one else range(4):
                due = starts_on + timedelta(days=15 + 30 * number)
                self._add_instalment(loan["loan_id"], 2, starts_on, number + 1, due, amount)
                if self._seldom(0.5) and due <= self.world.as_of:
                    self.world.pay(loan["loan_id"], str(amount), on=due)
        self.world.add(
            "hardship_arrangements",
            arrangement_id=f"{name}-H{self.world.number()}",
            loan_id=loan["loan_id"],
            kind=kind,
            starts_on=starts_on,
            ends_on=ends_on,
            status=status,
            **columns,
        )

    def _add_list(self, name: str) -> None:
        """A row of an earlier list, with what the vendor reported on it or nothing yet."""
        channel = self.random.choice(("phone", "phone", "phone", "sms", "care", "field_visit"))
        kinds = {"sms": ("P1", "P2"), "field_visit": ("P4",)}.get(channel, ("P1", "P2", "P3"))
        points = [
            row["contact_point_id"]
            for row in self._last("contact_points", name)
            if row["contact_point_id"][-2:] in kinds
        ]
        if not points or not self.has_lists:
            return
        answers = ANSWERS.get(channel, CALLS)
        results = [self.random.choice(answers) for _ in range(self.random.choice((0, 0, 1, 1, 2)))]
        state = self.random.choice(("acknowledged",) * 6 + ("refused", "expired", "superseded", "closed"))
        self.world.plan(
            name,
            channel,
            *results[: 1 if channel in ANSWERS else 3],
            days_ago=self.random.choice((1, 1, 2, 3, 4, 6, 8, 25)),
            valid_days=self.random.choice((1, 1, 2, 5)),
            point=self.random.choice(points),
            currency=self._loans(name)[0]["currency"],
            state=state,
        )


def known(world: World, **more: Any) -> Bank:
    """What the bank of a world knows; call it before `land`."""
    rows = {table: list(of_table) for table, of_table in world.rows.items()}
    return Bank(world.as_of, rows, list(world.batches), **said_of_cards(rows), **more)
