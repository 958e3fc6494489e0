"""One day of a played world, in memory: who pays, who is reached and moved, and what happens to people besides.

What a contact does is known to `truth` alone; everything else that a bank would know of the day goes into its book.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import log10
from random import Random
from typing import Any

from arrears.domain.amortisation import add_months
from arrears.simulator import behaviour
from arrears.simulator.bank import PRICE_LEVEL
from arrears.simulator.behaviour import Position
from arrears.simulator.book import Book, at, money
from arrears.simulator.calibration import risk_of
from arrears.simulator.hand_in import hand_in, to_csv
from arrears.simulator.people import randomness
from arrears.simulator.places import PLACES, Place
from arrears.simulator.truth import World
from arrears.simulator.vendor_work import Attempt, Row, review
from arrears.simulator.vendors import QA_COLUMNS, RESULT_COLUMNS, Desk, to_json
from arrears.source.writer import Value

Event = dict[str, Any]
"""What is to come: `on` (a day), `what`, and what it needs. Kept as JSON."""

_NUMBER_CHANGES = 0.5
"""Share of those who move whose number does not work any more."""
_TELLS_THE_BANK = (20, 70)
_ASSIGNED_FROM = 2
"""Unpaid instalments with which a customer is given to a collector."""
_RELIEF_AFTER_CARE = 0.5
_TALKED = frozenset(
    "promise_to_pay right_party_no_promise claims_paid hardship_request refused disputed opt_out".split()
)
_PAYS_WITHIN = (1, 9)
"""Days after which those pay who were moved and promised nothing."""


# What is so in the morning -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Customer:
    """Somebody as the bank knows him on the morning."""

    customer_id: str
    full_name: str
    national_id: str
    jurisdiction: str
    city: str
    credit_score: int
    numbers: list[str]
    addresses: list[str]
    collector_id: str | None
    assigned_on: date | None
    flags: list[str]
    """In force."""

    def known_by(self, key: str) -> list[str]:
        """What of the customer a row of a list may show."""
        return {"phone": self.numbers, "address": self.addresses, "national_id": [self.national_id]}[key]

    @property
    def place(self) -> Place:
        return next(place for places in PLACES.values() for place in places if place.city == self.city)

    @property
    def risk(self) -> float:
        """As in `bank`: how much likelier than the average to fall behind."""
        return risk_of(self.credit_score)


@dataclass
class Facts:
    """The source on a morning."""

    customers: dict[str, Customer]
    stands: dict[str, Position]
    """Loans with something left to pay."""
    by_customer: dict[str, list[str]]
    relief: dict[str, tuple[str, int]]
    """By loan: the kind of arrangement, and what is paid under it."""
    done: list[str]
    """Active loans with nothing left to pay."""
    collectors: list[str]
    """Those who telephone, in order."""
    numbers: set[str]
    """All that somebody has, or had."""


# The day --------------------------------------------------------------------------------------------------------------


@dataclass
class Day:
    """One day of a world, played in memory; what the bank books goes into `book`."""

    world: World
    today: date
    facts: Facts
    book: Book
    to_come: list[Event] = field(default_factory=list)
    because: dict[str, Event] = field(default_factory=dict)
    """By payment: why it was made. Only the truth knows."""
    handed_in: list[Event] = field(default_factory=list)
    """Files that arrive today."""
    changed_loans: dict[str, dict[str, Value]] = field(default_factory=dict)
    _paid: Counter[str] = field(default_factory=Counter)
    """By loan, in cents."""
    _payments: Counter[str] = field(default_factory=Counter)
    _complained: set[str] = field(default_factory=set)
    _silent: set[str] = field(default_factory=set)
    """Customers whose number does not work any more, though the bank does not know."""
    _dead: set[str] = field(default_factory=set)
    _people: dict[str, dict[str, Customer]] = field(default_factory=dict)

    def chance(self, *what: str) -> Random:
        return randomness(" ".join((str(self.world.seed), str(self.today), *what)))

    def on(self, days: int) -> str:
        return (self.today + timedelta(days=days)).isoformat()

    def play(self, events: Sequence[Event], desks: Iterable[Desk]) -> None:
        self._remember(events)
        for event in events:
            if event["on"] == self.today.isoformat():
                getattr(self, f"_{event['what']}")(event)
        for desk in desks:
            for manifest, rows, played in desk.work_of(self.today):
                self._work(desk, manifest, rows, played.attempts, played.ack)
        for loan_id in self.facts.stands:
            self._live(loan_id)
        for customer in self.facts.customers.values():
            self._happen_to(customer)
        self._keep_accounts()
        self.book.feeds_complete_to(self.today)

    # Loans --------------------------------------------------------------------------------------------------------
    def _remember(self, events: Sequence[Event]) -> None:
        for event in events:
            if event["what"] == "flag" and event["flag"] == "deceased":
                self._dead.add(event["customer"])
            elif event["what"] == "number":
                self._silent.add(event["customer"])

    def _live(self, loan_id: str) -> None:
        """What the borrower does unasked; who paid today because of a contact has done enough."""
        stand = self.facts.stands[loan_id]
        customer = self.facts.customers[stand.customer_id]
        if self._never_pays(customer) or self._paid[loan_id]:
            return
        chance = self.chance("live", loan_id)
        kind, reduced = self.facts.relief.get(loan_id, ("", 0))
        if kind == "payment_pause":
            return
        cents = behaviour.pays_by_itself(stand, customer.risk, chance)
        if kind == "reduced_payment":
            cents = reduced if stand.due_today and chance.random() < 0.9 else 0
        if cents:
            self._book_payment(stand, cents, {"cause": "self"})

    def _book_payment(self, stand: Position, cents: int, because: Event) -> None:
        left = stand.left - self._paid[stand.loan_id]
        cents = min(cents, left)
        if cents <= 0:
            return
        self._payments[stand.loan_id] += 1
        payment_id = f"T-{stand.loan_id}-{self.today:%Y%m%d}-{self._payments[stand.loan_id]}"
        kind = "recovery" if stand.status == "written_off" else "repayment"
        self.book.transaction(payment_id, stand.loan_id, kind, cents, self.today, channel="transfer")
        self._paid[stand.loan_id] += cents
        self.because[payment_id] = because
        chance = self.chance("bounce", payment_id)
        if kind == "repayment" and cents < left and chance.random() < behaviour.BOUNCES:
            what = {"what": "bounce", "payment": payment_id, "loan": stand.loan_id, "cents": cents}
            self.to_come.append({"on": self.on(chance.randint(2, 5)), **what})

    def _bounce(self, event: Event) -> None:
        """The bank takes back a payment that was not covered."""
        if event["loan"] in self.facts.stands:
            self.book.transaction(
                f"{event['payment']}-R",
                event["loan"],
                "reversal",
                event["cents"],
                self.today,
                reverses=event["payment"],
                channel="transfer",
            )

    def _pay(self, event: Event) -> None:
        """Whoever was moved pays, unless he died or owes nothing any more."""
        stand = self.facts.stands.get(event["loan"])
        if stand and stand.payable and not self._never_pays(self.facts.customers[stand.customer_id]):
            self._book_payment(stand, event.get("cents") or stand.payable, event["because"])

    def _is_dead(self, customer: Customer) -> bool:
        return "deceased" in customer.flags or customer.customer_id in self._dead

    def _never_pays(self, customer: Customer) -> bool:
        return self._is_dead(customer) or "bankruptcy" in customer.flags

    # Contacts -----------------------------------------------------------------------------------------------------
    def _work(
        self, desk: Desk, manifest: Mapping[str, Any], rows: Mapping[str, Row], attempts: Sequence[Attempt], ack: Any
    ) -> None:
        """A list is worked: what people answer depends on who they are, what they then do on who spoke with them."""
        batch_id, channel = manifest["batch_id"], manifest["channel"]
        made: list[Attempt] = []
        for reference, of_row in _by_reference(attempts):
            customer = self._reached(channel, rows[reference])
            for attempt in self._answered(channel, customer, of_row):
                made.append(self._perhaps_too_late(rows[reference], attempt))
                if customer:
                    self._react(batch_id, channel, customer, attempt.row)
        late = self.world.acknowledges(batch_id)
        if late:
            self._hand_in(desk.vendor, late, f"{batch_id}.ack.json", to_json(ack))
        made.sort(key=lambda attempt: (attempt.attempted_at, attempt.contact_ref))
        for number, part in enumerate(desk.parts(dict(manifest), made), start=1):
            self._report(desk.vendor, f"{batch_id}.results-{number}", part)
        reviews = review(made, self.today, desk.vendor, self.world.seed)
        if reviews:
            name = f"qa-{desk.vendor}-{self.today:%Y%m%d}-{batch_id.rsplit('-', 1)[1]}.csv"
            self._hand_in(desk.vendor, 0, name, to_csv(QA_COLUMNS, reviews))

    def _reached(self, channel: str, row: Row) -> Customer | None:
        """Who has the number, the address or the identity number; nobody knows more about a row of a list."""
        key = {"field_visit": "address", "legal": "national_id"}.get(channel, "phone")
        return self._who_has(key).get(row.get(key, ""))

    def _who_has(self, key: str) -> dict[str, Customer]:
        if key not in self._people:
            found = self._people[key] = {}
            for customer in self.facts.customers.values():
                for value in customer.known_by(key):
                    found.setdefault(value, customer)
        return self._people[key]

    def _answered(self, channel: str, customer: Customer | None, attempts: Sequence[Attempt]) -> Iterator[Attempt]:
        """The attempts as they really went: a dead line and a dead customer answer as such."""
        if customer is None or channel == "legal":
            yield from attempts
            return
        if channel in ("sms", "phone", "care") and customer.customer_id in self._silent:
            yield _instead(attempts[0], "invalid_number")
        elif channel != "sms" and self._is_dead(customer):
            yield _instead(attempts[0], "deceased")
        else:
            yield from attempts

    def _perhaps_too_late(self, row: Row, attempt: Attempt) -> Attempt:
        """Now and then somebody is called or visited after the hours that the list allows."""
        end = row.get("call_before") or row.get("visit_before")
        chance = self.chance("hours", attempt.contact_ref, attempt.row["attempted_at"]).random()
        if not end or chance >= self.world.misconduct.outside_hours:
            return attempt
        late = datetime.fromisoformat(end) + timedelta(minutes=20)
        return Attempt(late, attempt.contact_ref, {**attempt.row, "attempted_at": late.isoformat()})

    def _react(self, batch_id: str, channel: str, customer: Customer, row: Row) -> None:
        chance = self.chance("react", batch_id, row["contact_ref"], row["attempted_at"])
        disposition, collector_id = row["disposition"], row["collector_id"]
        complains = disposition in _TALKED and chance.random() < behaviour.COMPLAINS
        if complains and customer.customer_id not in self._complained:
            self._complains(customer, collector_id, channel, chance)
        if channel == "care" and disposition == "hardship_request" and chance.random() < _RELIEF_AFTER_CARE:
            self._agree(customer, chance)
        if chance.random() >= self.world.truth.conversion(channel, disposition, collector_id):
            return
        loans = [self.facts.stands[loan_id] for loan_id in self.facts.by_customer[customer.customer_id]]
        asked = [stand for stand in loans if stand.currency == row["currency"]] or loans
        if not asked:
            return
        because = {"cause": "contact", "batch": batch_id, "ref": row["contact_ref"], "collector": collector_id}
        last = self.today + timedelta(days=_PAYS_WITHIN[1])
        largest = max(asked, key=lambda stand: (stand.payable, stand.loan_id))
        promised: Event = {}
        if row["promise_on"] and row["promise_amount"].replace(".", "").isdigit():
            last = date.fromisoformat(row["promise_on"])
            promised = {"cents": round(Decimal(row["promise_amount"]) * 100)}
        days = chance.randint(_PAYS_WITHIN[0], max(1, (last - self.today).days))
        event = {"what": "pay", "loan": largest.loan_id, "because": because}
        self.to_come.append({"on": self.on(days), **event, **promised})

    def _complains(self, customer: Customer, collector_id: str, channel: str, chance: Random) -> None:
        self._complained.add(customer.customer_id)
        complaint: Event = {
            "complaint_id": f"COMPLAINT-{customer.customer_id}-{self.today:%Y%m%d}",
            "customer_id": customer.customer_id,
            "collector_id": collector_id or None,
            "channel": channel,
            "received_at": at(self.today, 18, 0, self.book.bank_zone).isoformat(),
            "category": chance.choice(["tone", "frequency", "wrong_amount", "third_party"]),
        }
        self._book_complaint({"row": complaint})
        closing = {"what": "book_complaint", "row": complaint, "upheld": chance.random() < 0.3}
        self.to_come.append({"on": self.on(chance.randint(3, 40)), **closing})

    def _book_complaint(self, event: Event) -> None:
        closed: dict[str, Value] = {}
        if "upheld" in event:
            closed_at = at(self.today, 15, 0, self.book.bank_zone)
            closed = {"upheld": event["upheld"], "responded_at": closed_at, "closed_at": closed_at}
        self.book.add("complaints", changed_on=self.today, **event["row"], **closed)

    def _agree(self, customer: Customer, chance: Random) -> None:
        """The bank and the customer agree on three months of relief, from next week on."""
        starts_on = self.today + timedelta(days=7)
        for loan_id in self.facts.by_customer[customer.customer_id]:
            if loan_id in self.facts.relief or self.facts.stands[loan_id].status != "active":
                continue
            self.facts.relief[loan_id] = "agreed", 0
            is_pause = chance.random() < 0.5
            reduced = max(1, self.facts.stands[loan_id].oldest // 2)
            self.book.add(
                "hardship_arrangements",
                changed_on=self.today,
                arrangement_id=f"H-{loan_id}-{self.today:%Y%m%d}",
                loan_id=loan_id,
                kind="payment_pause" if is_pause else "reduced_payment",
                starts_on=starts_on,
                ends_on=add_months(starts_on, 3, starts_on.day),
                status="accepted",
                accepted_on=self.today,
                reduced_amount=None if is_pause else money(reduced),
            )

    def _report(self, vendor: str, stem: str, attempts: Sequence[Attempt]) -> None:
        if attempts:
            rows = [attempt.row for attempt in attempts]
            for file in hand_in(stem, RESULT_COLUMNS, rows, self.world.misconduct, self.chance("hand in", stem)):
                self._hand_in(vendor, file.days, file.name, file.content)

    def _hand_in(self, vendor: str, days: int, name: str, content: bytes) -> None:
        event = {"vendor": vendor, "name": name, "text": content.decode("latin-1")}
        if days:
            self.to_come.append({"on": self.on(days), "what": "arrive", **event})
        else:
            self._arrive(event)

    def _arrive(self, event: Event) -> None:
        self.handed_in.append(event)

    # Customers ----------------------------------------------------------------------------------------------------
    def _happen_to(self, customer: Customer) -> None:
        """What chance brings on the day: people move and die, and the bank hears of other things."""
        if not self.facts.by_customer.get(customer.customer_id) or self._is_dead(customer):
            return
        chance = self.chance("happen", customer.customer_id)
        if chance.random() < behaviour.DIES:
            event = {"what": "flag", "customer": customer.customer_id, "flag": "deceased"}
            self.to_come.append({"on": self.on(chance.randint(3, 20)), **event})
        if chance.random() < behaviour.MOVES:
            self._move(customer, chance)
        for flag, rate in behaviour.FLAGGED.items():
            if chance.random() < rate:
                self._flag({"customer": customer.customer_id, "flag": flag})

    def _flag(self, event: Event) -> None:
        self.book.flag(event["customer"], event["flag"], self.today)

    def _move(self, customer: Customer, chance: Random) -> None:
        """The bank hears of the new address at once; a number that changed is dead until the customer tells."""
        self._new_point(customer, "address", f"{chance.randrange(400, 800)} New Example Street, {customer.city}")
        if chance.random() < _NUMBER_CHANGES and customer.customer_id not in self._silent:
            event = {"what": "number", "customer": customer.customer_id}
            self.to_come.append({"on": self.on(chance.randint(*_TELLS_THE_BANK)), **event})

    def _number(self, event: Event) -> None:
        """The customer tells the bank of a new number."""
        customer = self.facts.customers[event["customer"]]
        number = self.book.phones.next_number(customer.place)
        while number in self.facts.numbers:
            number = self.book.phones.next_number(customer.place)
        self.facts.numbers.add(number)
        self._new_point(customer, "mobile", number)

    def _new_point(self, customer: Customer, kind: str, value: str) -> None:
        is_address = kind == "address"
        self.book.add(
            "contact_points",
            changed_on=self.today,
            contact_point_id=f"{customer.customer_id}-{kind}-{self.today:%Y%m%d}",
            customer_id=customer.customer_id,
            kind=kind,
            value=value,
            city=customer.place.city if is_address else None,
            postal_code=customer.place.postal_code if is_address else None,
            is_valid=True,
            relation="self",
            source="customer",
            consent="granted",
        )

    # The bank's own work ------------------------------------------------------------------------------------------
    def _keep_accounts(self) -> None:
        """Close what is paid, write off what is lost, and give customers who are far behind to a collector."""
        for loan_id in self.facts.done:
            self.changed_loans[loan_id] = {"status": "closed", "closed_on": self.today}
        for stand in self.facts.stands.values():
            if behaviour.is_written_off(stand, self.today) and not self._paid[stand.loan_id]:
                transaction_id = f"T-{stand.loan_id}-{self.today:%Y%m%d}-W"
                self.book.transaction(transaction_id, stand.loan_id, "write_off", stand.principal_left, self.today)
                self.changed_loans[stand.loan_id] = {"status": "written_off", "written_off_on": self.today}
        for customer in self.facts.customers.values():
            self._assign(customer)

    def _assign(self, customer: Customer) -> None:
        stands = [self.facts.stands[loan_id] for loan_id in self.facts.by_customer.get(customer.customer_id, ())]
        unpaid = max((stand.unpaid for stand in stands), default=0)
        if unpaid >= _ASSIGNED_FROM and customer.collector_id is None and self.facts.collectors:
            size = max(log10(max(1, stand.overdue / 100 / PRICE_LEVEL[stand.currency])) for stand in stands)
            share = min(1.0, max(0.0, (size - 1.5) / 2))
            number = self.world.truth.dealt_to(customer.customer_id, share, len(self.facts.collectors))
            self._book_assignment(customer, self.facts.collectors[number - 1], self.today, None)
        elif unpaid == 0 and customer.collector_id and customer.assigned_on and customer.assigned_on < self.today:
            self._book_assignment(customer, customer.collector_id, customer.assigned_on, self.today)

    def _book_assignment(
        self, customer: Customer, collector_id: str, assigned_on: date, released_on: date | None
    ) -> None:
        self.book.add(
            "collector_assignments",
            changed_on=self.today,
            collector_id=collector_id,
            customer_id=customer.customer_id,
            assigned_on=assigned_on,
            released_on=released_on,
        )


def _by_reference(attempts: Iterable[Attempt]) -> Iterator[tuple[str, list[Attempt]]]:
    rows: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        rows[attempt.contact_ref].append(attempt)
    return iter(rows.items())


def _instead(attempt: Attempt, disposition: str) -> Attempt:
    """The same attempt with another end: nothing of a conversation is left."""
    kept = ("contact_ref", "contact_point_ref", "attempted_at", "collector_id", "currency", "cost")
    row = {name: value if name in kept else "" for name, value in attempt.row.items()} | {"disposition": disposition}
    return Attempt(attempt.attempted_at, attempt.contact_ref, row)
