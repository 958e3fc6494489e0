"""An independent reading of the contact rules, one customer at a time, to compare with what the warehouse decides.

Knows the source rows only. It is written from the rules, not from the models: where they differ, one is wrong.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from decision_world import Row, World

SILENCING = frozenset(
    "deceased bankruptcy legal_proceedings represented cease_contact erasure_requested active_military fraud_victim"
    " disputed moratorium".split()
)
COLLECTION_ONLY = frozenset({"vulnerable", "hardship_requested"})
ANSWERED = frozenset(
    "delivered wrong_party right_party_no_promise promise_to_pay claims_paid disputed hardship_request refused opt_out"
    " deceased met_customer met_third_party".split()
)
CONVERSED = ANSWERED - {"delivered", "wrong_party", "deceased", "met_third_party"}
MEDIUM = {"care": "phone"}
DAILY = {"sms": 1, "care": 1}
WEEKLY = {"sms": 3, "care": 3, "field_visit": 1}


@dataclass(frozen=True)
class Pack:
    """What the packs of the jurisdictions differ in."""

    closes: int
    """Hour; all open at 8."""
    calls_a_week: int | None
    answered_a_day: int | None
    paused: frozenset[str]
    """Channels that rest for seven days after a conversation."""


PACKS = {
    "CN": Pack(22, None, 3, frozenset({"field_visit"})),
    "US": Pack(21, 7, None, frozenset({"phone", "field_visit"})),
    "GB": Pack(21, 7, 3, frozenset({"field_visit"})),
    "IN": Pack(19, 7, 3, frozenset({"field_visit"})),
    "EU": Pack(20, 7, 3, frozenset({"field_visit"})),
    "XX": Pack(19, 7, 3, frozenset({"phone", "field_visit"})),
}
ZONES_OF = {
    "CN": ("Asia/Shanghai",),
    "IN": ("Asia/Kolkata",),
    "GB": ("Europe/London",),
    "US": ("America/New_York", "Pacific/Honolulu", "America/Phoenix"),
    "EU": ("Atlantic/Azores", "Europe/Paris", "Europe/Helsinki"),
}
"""Where a customer may be whose time zone nobody knows: all there are, or the outermost."""


@dataclass(frozen=True)
class Contact:
    """A contact row of the ledger."""

    customer_id: str
    channel: str
    contact_point_id: str | None
    attempts: int
    window: tuple[datetime, datetime]


def populate(world: World, customers: int, seed: int) -> None:
    """Customers with whatever a bank may have on file, by chance; the same for the same seed."""
    rng = random.Random(seed)
    for number in range(customers):
        name = f"r{seed}_{number:03d}"
        jurisdiction = rng.choice(["CN", "US", "IN", "GB", "EU", "XX"])
        zone = rng.choice(["", "", "", None, "Nowhere/Land"])
        world.customer(
            name,
            dpd=rng.choice([-2, 3, 12, 45, 75, 100, 160, 220]),
            jurisdiction=jurisdiction,
            time_zone=zone,
            phone=rng.choice(["own", "own", "own", None, f"+8617{rng.randrange(9):09d}"]),
        )
        _some_facts(world, rng, name)


def _some_facts(world: World, rng: random.Random, name: str) -> None:
    for flag in rng.sample([*SILENCING, *COLLECTION_ONLY, "no_visits", "odd"], k=rng.choice([0, 0, 0, 1, 2])):
        start = rng.choice([-20, -1, 0, 1])
        world.flag(name, flag, start=start, end=rng.choice([None, start + 1, start + 15]))
    for channel in rng.sample(["sms", "phone", "care", "all"], k=rng.choice([0, 0, 1, 2])):
        consent = rng.choice(["granted", "refused", "unknown"])
        start = world.as_of - timedelta(days=rng.choice([0, 10, 90]))
        hours = rng.choice([(None, None), ("18:30", "22:00"), ("06:00", "10:00")])
        world.add(
            "contact_consents",
            customer_id=name,
            channel=channel,
            consent=consent,
            valid_from=start,
            preferred_from=hours[0],
            preferred_to=hours[1],
        )
    for _ in range(rng.choice([0, 0, 2, 6, 9])):
        world.interaction(
            name,
            rng.choice(["no_answer", "busy", "voicemail", "met_third_party", "right_party_no_promise", "delivered"]),
            days_ago=rng.randrange(0, 12),
            hour=rng.randrange(0, 11),
            channel=rng.choice(["phone", "phone", "sms", "care"]),
            direction=rng.choice(["outbound", "outbound", "inbound"]),
        )
    if rng.random() < 0.1:
        world.promise(name, "50.00", days_ago=rng.randrange(1, 20), due_days_ago=rng.randrange(-5, 8))


class Reference:
    """What may not happen to the customers of a world."""

    def __init__(self, rows: dict[str, list[Row]], as_of: date) -> None:
        self.as_of = as_of
        self.rows = rows
        self.customers = {row["customer_id"]: row for row in rows["customers"]}
        self.points = {row["contact_point_id"]: row for row in rows["contact_points"]}

    def violations(self, contacts: list[Contact]) -> Iterator[str]:
        """Every rule that a set of contacts breaks."""
        by_customer: dict[str, list[Contact]] = {}
        for contact in contacts:
            by_customer.setdefault(contact.customer_id, []).append(contact)
            for problem in (
                self._flags(contact),
                self._consents(contact),
                self._point(contact),
                self._window(contact),
                self._conversation(contact),
                self._promise(contact),
            ):
                yield from problem
        for customer_id, own in by_customer.items():
            yield from self._limits(customer_id, own)
        yield from self._numbers(contacts)

    def _of(self, table: str, customer_id: str) -> Iterator[Row]:
        return (row for row in self.rows.get(table, []) if row["customer_id"] == customer_id)

    def _zone(self, customer_id: str) -> ZoneInfo | None:
        name = self.customers[customer_id]["time_zone"]
        if name in available_timezones():
            return ZoneInfo(name)
        possible = ZONES_OF.get(self.customers[customer_id]["jurisdiction"], ())
        return ZoneInfo(possible[0]) if len(possible) == 1 else None

    def _pack(self, customer_id: str) -> Pack:
        return PACKS.get(self.customers[customer_id]["jurisdiction"], PACKS["XX"])

    def _day(self, customer_id: str, at: datetime) -> date:
        return at.astimezone(self._zone(customer_id) or ZoneInfo("Asia/Shanghai")).date()

    def _flags(self, contact: Contact) -> Iterator[str]:
        for row in self._of("customer_flags", contact.customer_id):
            in_force = row["valid_from"] <= self.as_of and (row["valid_to"] is None or row["valid_to"] > self.as_of)
            if not in_force or (row["flag"] == "no_visits" and contact.channel != "field_visit"):
                continue
            if row["flag"] in COLLECTION_ONLY and contact.channel == "care":
                continue
            yield f"{contact.customer_id}: {contact.channel} in spite of the flag {row['flag']}"

    def _consents(self, contact: Contact) -> Iterator[str]:
        for said_of in {contact.channel, MEDIUM.get(contact.channel, contact.channel), "all"}:
            rows = [row for row in self._of("contact_consents", contact.customer_id) if row["channel"] == said_of]
            rows = [row for row in rows if row["valid_from"] <= self.as_of]
            newest = max(rows, key=lambda row: row["valid_from"], default=None)
            if newest and newest["consent"] == "refused":
                yield f"{contact.customer_id}: {contact.channel} in spite of a refusal of {said_of}"

    def _point(self, contact: Contact) -> Iterator[str]:
        if contact.channel == "legal":
            return
        point = self.points.get(contact.contact_point_id or "")
        if point is None or point["customer_id"] != contact.customer_id:
            yield f"{contact.customer_id}: {contact.channel} at a contact point that is not the customer's"
        elif point["relation"] != "self" or point["is_valid"] is False or point["consent"] == "refused":
            yield f"{contact.customer_id}: {contact.channel} at a contact point that may not be used"

    def _window(self, contact: Contact) -> Iterator[str]:
        zone = self._zone(contact.customer_id)
        possible = ZONES_OF.get(self.customers[contact.customer_id]["jurisdiction"], ())
        zones = [zone] if zone else [ZoneInfo(name) for name in possible]
        if not zones:
            yield f"{contact.customer_id}: {contact.channel} although nobody knows the hour there"
        closes = self._pack(contact.customer_id).closes
        for local in zones:
            start, end = (at.astimezone(local) for at in contact.window)
            allowed = (datetime.combine(self.as_of, time(hour), tzinfo=local) for hour in (8, closes))
            if not (next(allowed) <= start < end <= next(allowed)):
                yield f"{contact.customer_id}: {contact.channel} outside the hours of {local.key}"

    def _conversation(self, contact: Contact) -> Iterator[str]:
        if contact.channel not in self._pack(contact.customer_id).paused:
            return
        for row in self._of("customer_interactions", contact.customer_id):
            days = (self.as_of - self._day(contact.customer_id, row["occurred_at"])).days
            if row["disposition"] in CONVERSED and row["channel"] != "sms" and 0 <= days < 7:
                yield f"{contact.customer_id}: {contact.channel} {days} days after a conversation"

    def _promise(self, contact: Contact) -> Iterator[str]:
        for row in self._of("customer_interactions", contact.customer_id):
            last_day = row["promise_on"] + timedelta(days=3) if row.get("promise_on") else date.min
            if self.as_of <= last_day and self._paid(contact.customer_id, row, last_day) < row["promise_amount"]:
                yield f"{contact.customer_id}: {contact.channel} in spite of an open promise"

    def _paid(self, customer_id: str, promise: Row, last_day: date) -> Decimal:
        loans = {row["loan_id"] for row in self._of("loans", customer_id)}
        made_on = self._day(customer_id, promise["occurred_at"])
        rows = [row for row in self.rows["loan_transactions"] if row["loan_id"] in loans]
        taken_back = {row["reverses"] for row in rows if row["kind"] == "reversal"}
        kept = [row for row in rows if row["kind"] == "repayment" and row["transaction_id"] not in taken_back]
        return sum((row["amount"] for row in kept if made_on <= row["effective_on"] <= last_day), Decimal(0))

    def _limits(self, customer_id: str, contacts: list[Contact]) -> Iterator[str]:
        used = list(self._used(customer_id))
        pack = self._pack(customer_id)
        weekly = WEEKLY | ({"phone": pack.calls_a_week} if pack.calls_a_week else {})
        for days, per_channel, together in ((1, DAILY, 4), (7, weekly, 10)):
            window = [use for use in used if 0 <= (self.as_of - use["on"]).days < days]
            planned = sum(contact.attempts for contact in contacts)
            if len(window) + planned > together:
                yield f"{customer_id}: {len(window)} + {planned} contacts in {days} days"
            for channel, at_most in per_channel.items():
                mine = [use for use in window if channel in (use["channel"], MEDIUM.get(use["channel"]))]
                # Calls of a week are counted for each debt.
                mine = [use for use in mine if use["is_own"] or (channel, days) != ("phone", 7)]
                more = sum(c.attempts for c in contacts if channel in (c.channel, MEDIUM.get(c.channel)))
                if more and len(mine) + more > at_most:
                    yield f"{customer_id}: {len(mine)} + {more} by {channel} in {days} days"
        answered = [use for use in used if use["on"] == self.as_of and use["answered"] and use["channel"] != "sms"]
        calls = sum(contact.attempts for contact in contacts if contact.channel in ("phone", "care"))
        if calls and pack.answered_a_day and len(answered) + calls > pack.answered_a_day:
            yield f"{customer_id}: {len(answered)} + {calls} answered calls on one day"

    def _used(self, customer_id: str) -> Iterator[dict[str, Any]]:
        loans = {None, *(row["loan_id"] for row in self._of("loans", customer_id))}
        for row in self._of("customer_interactions", customer_id):
            if row["direction"] == "outbound":
                on = self._day(customer_id, row["occurred_at"])
                answered = row["disposition"] in ANSWERED
                yield {"channel": row["channel"], "on": on, "answered": answered, "is_own": row.get("loan_id") in loans}

    def _numbers(self, contacts: list[Contact]) -> Iterator[str]:
        owners: dict[str, str] = {}
        for contact in contacts:
            point = self.points.get(contact.contact_point_id or "", {})
            if point.get("kind") == "mobile" and owners.setdefault(point["value"], contact.customer_id) != (
                contact.customer_id
            ):
                yield f"{contact.customer_id}: a number that another customer is called at on the same day"
