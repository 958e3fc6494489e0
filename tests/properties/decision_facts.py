"""What is known of one customer on the business date, read from the rows of the source contract and of the lists.

Plain loops over the rows of one customer, written from the design; shares nothing with the SQL.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from decision_policy import BANK_ZONE, Policy
from oracle import ONE_DAY, ZERO, Loan

Row = Mapping[str, Any]
LAWFUL = frozenset(("contract", "customer", "authorised", "public", "bureau", None))
NUMBERS, ADDRESSES = frozenset(("mobile", "landline")), frozenset(("address",))
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
REPORTING_DEADLINE = timedelta(hours=48)
EXCUSES = frozenset(("HARDSHIP_REQUESTED", "HARDSHIP_ACTIVE", "DISPUTED", "VULNERABLE"))
NINETY_DAYS = timedelta(days=90)
DAYS_TO_PAY = timedelta(days=3)
"""A promise, or an instalment of a plan, is kept when it is paid so many days after it was due."""


@dataclass(frozen=True)
class Attempt:
    """Something that happened between the bank and the customer, as a vendor or the bank noted it."""

    on: date
    hour: int
    channel: str
    disposition: str
    row: Row
    is_outbound: bool = True
    at: datetime | None = None
    loan_id: str | None = None
    """The loan that it was about; None = all of `currency`."""
    currency: str | None = None
    point_id: str | None = None
    """The contact point that was used; None = nobody said which."""
    is_alternate: bool = False
    """It was another one than that: which of the others is not kept."""


@dataclass(frozen=True)
class Plan:
    """A row of an earlier list that the vendor may still work or report on: how many attempts are open."""

    on: date
    """The day of the list: each of its rows has hours on that day only."""
    channel: str
    attempts: int
    currency: str
    point_id: str | None


@dataclass(frozen=True)
class Hold:
    """A reason that is in force since a day."""

    reason: str
    since: date


@dataclass
class Bank:
    """The newest version of every row, by customer and loan, and the lists that were sent."""

    as_of: date
    rows: Mapping[str, Sequence[Row]]
    lists: Sequence[Row] = ()
    held: frozenset[str] = frozenset()
    """Customers with a rejected row."""
    paid_since: Sequence[Row] = ()
    """Transactions that landed after the build."""
    flags_are_stale: bool = False
    earlier_points: Sequence[Row] = ()
    """Earlier versions of contact points."""
    warned: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Loans that the model of early warning puts in band high while they are not behind, with its reasons."""
    self_cures: Mapping[str, Decimal] = field(default_factory=dict)
    """How likely a loan that is 1 to 30 days behind is paid without a call."""
    approved: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many approved a referral of a customer in a currency, where nobody refused it."""
    _joint_before: dict[date, dict[str, set[str]]] = field(default_factory=dict)

    @cached_property
    def by_customer(self) -> dict[str, dict[str, list[Row]]]:
        return {table: _grouped(rows, "customer_id") for table, rows in self.rows.items()}

    @cached_property
    def by_loan(self) -> dict[str, dict[str, list[Row]]]:
        return {table: _grouped(rows, "loan_id") for table, rows in self.rows.items()}

    @cached_property
    def lists_of(self) -> dict[str, list[Row]]:
        of_customer: dict[str, list[Row]] = defaultdict(list)
        for each in self.lists:
            of_customer[each["item"]["customer_id"]].append(each)
        return of_customer

    @cached_property
    def owners(self) -> dict[str, set[str]]:
        """Who has a number on file as his own."""
        owners: dict[str, set[str]] = defaultdict(set)
        for point in self.rows.get("contact_points", ()):
            if is_own(point):
                owners[number(point)].add(point["customer_id"])
        return owners

    @cached_property
    def versions(self) -> dict[str, list[Row]]:
        """What was ever on file of a contact point, oldest first."""
        points = _grouped([*self.earlier_points, *self.rows.get("contact_points", ())], "contact_point_id")
        return {point_id: sorted(rows, key=lambda row: row["updated_at"]) for point_id, rows in points.items()}

    @cached_property
    def joint(self) -> dict[str, set[str]]:
        """Those who owe together with a customer: borrower and co-debtors of a loan."""
        return self._joint(date.max)

    def owing_with(self, customer_id: str, *, before: date) -> set[str]:
        """Himself and whoever owes with him, or with one of those, by loans that were paid out before a day."""
        if before not in self._joint_before:
            self._joint_before[before] = self._joint(before)
        joint = self._joint_before[before]
        known, asked = {customer_id}, [customer_id]
        while asked:
            others = joint.get(asked.pop(), set()) - known
            known |= others
            asked += others
        return known

    def _joint(self, before: date) -> dict[str, set[str]]:
        borrowers = {row["loan_id"]: row["customer_id"] for row in self.rows["loans"] if row["disbursed_on"] < before}
        groups: dict[str, set[str]] = defaultdict(set)
        for party in self.rows.get("loan_parties", ()):
            if party["role"] == "co_debtor" and party["loan_id"] in borrowers:
                groups[party["loan_id"]] |= {party["customer_id"], borrowers[party["loan_id"]]}
        joint: dict[str, set[str]] = defaultdict(set)
        for group in groups.values():
            for one in group:
                joint[one] |= group - {one}
        return joint


def _grouped(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.get(key)].append(row)
    return groups


class Facts:
    """One customer."""

    def __init__(self, bank: Bank, policy: Policy, customer: Row) -> None:
        self.bank, self.policy, self.customer = bank, policy, customer
        self.as_of = bank.as_of
        self.id = customer["customer_id"]
        self.jurisdiction = customer["jurisdiction"]
        self.zones = policy.zones_of(self.jurisdiction, customer.get("time_zone"))

    def of(self, table: str) -> list[Row]:
        return self.bank.by_customer.get(table, {}).get(self.id, [])

    @property
    def clock(self) -> ZoneInfo:
        """The customer's own where it is known, else the bank's: what an instant's day and hour are taken from."""
        return self.zones[0] if len(self.zones) == 1 else BANK_ZONE

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self.clock).date()

    # Loans --------------------------------------------------------------------------------------------------------
    @cached_property
    def loans(self) -> dict[str, Loan]:
        return {row["loan_id"]: self._loan(row) for row in self.of("loans")}

    def _loan(self, row: Row, also: Sequence[Row] = ()) -> Loan:
        def of_loan(table: str) -> list[Row]:
            return self.bank.by_loan.get(table, {}).get(row["loan_id"], [])

        return Loan(
            loan=row,
            schedule=of_loan("repayment_schedule"),
            transactions=[*of_loan("loan_transactions"), *also],
            arrangements=of_loan("hardship_arrangements"),
            rules=self.policy.rulebook.timeline(self.jurisdiction, row["product"], row["currency"]),
            until=self.as_of,
        )

    @cached_property
    def positions(self) -> dict[str, dict[str, Any]]:
        """Of each loan that is open or written off on the day: its currency, tier, rank, and what it owes."""
        return {loan_id: self._position(loan) for loan_id, loan in self.loans.items() if loan.exists(self.as_of)}

    def _position(self, loan: Loan) -> dict[str, Any]:
        on = self.as_of
        allocated = loan.allocation(on)
        unpaid = [item.due for item, paid in allocated if item.due >= on and paid < item.amount]
        next_due = min(unpaid, default=None)
        counted = loan.days_past_due_counted(on)
        is_written_off = loan.is_written_off(on)
        due_in = (next_due - on).days if next_due else None
        tier = self.policy.tier(self.jurisdiction, loan.loan["product"], counted, due_in, is_written_off)
        return {
            "loan_id": loan.loan["loan_id"],
            "currency": loan.loan["currency"],
            "product": loan.loan["product"],
            "days_past_due": loan.days_past_due(on),
            "days_past_due_counted": counted,
            "arrears_amount": loan.arrears(on),
            "is_written_off": is_written_off,
            "tier": tier["tier"],
            "rank": int(tier["rank"]),
            "is_pre_due": bool(tier["due_within_days"]),
            "is_warned": loan.loan["loan_id"] in self.bank.warned
            and not is_written_off
            and not loan.arrears(on)
            and next_due is not None,
            "next_amount": sum(
                (item.amount - paid for item, paid in allocated if next_due and item.due <= next_due), ZERO
            ),
        }

    def self_cure(self, loan_ids: Iterable[str]) -> Decimal:
        """The least likely of the loans that are behind; one that is written off, or behind for longer, never."""
        behind = [each for each in loan_ids if self.positions[each]["days_past_due"]]
        if any(self.positions[each]["is_written_off"] or self.positions[each]["days_past_due"] > 30 for each in behind):
            return ZERO
        return min((self.bank.self_cures.get(each, ZERO) for each in behind), default=ZERO)

    def has_income_shock(self, loan_id: str) -> bool:
        return self.positions[loan_id]["is_warned"] and "INCOME_CHANGE_6M" in self.bank.warned[loan_id]

    def is_cured_since(self, loan_id: str) -> bool:
        """Whether what landed after the build leaves nothing overdue beyond the tolerance."""
        since = [row for row in self.bank.paid_since if row["loan_id"] == loan_id]
        return bool(since) and self._loan(self.loans[loan_id].loan, since).days_past_due(self.as_of) == 0

    # What happened ------------------------------------------------------------------------------------------------
    @cached_property
    def attempts(self) -> list[Attempt]:
        """Everything up to the end of the day, of vendors and of the bank itself, by day."""
        found = [self._noted(row) for row in self.of("customer_interactions")]
        for each in self.bank.lists_of.get(self.id, ()):
            found += [self._reported(each, result) for result in each["results"]]
        return sorted((each for each in found if each.on <= self.as_of), key=lambda each: (each.on, each.hour))

    def _noted(self, row: Row) -> Attempt:
        at = row["occurred_at"].astimezone(self.clock)
        return Attempt(
            at.date(),
            at.hour,
            row["channel"],
            row["disposition"],
            row,
            is_outbound=row["direction"] == "outbound",
            at=at,
            loan_id=row.get("loan_id"),
            currency=row.get("currency") or self._currency_of(row.get("loan_id")),
        )

    def _currency_of(self, loan_id: str | None) -> str | None:
        return self.loans[loan_id].loan["currency"] if loan_id in self.loans else None

    def _reported(self, each: Row, result: Row) -> Attempt:
        at = result["attempted_at"].astimezone(self.clock)
        item = each["item"]
        return Attempt(
            at.date(),
            at.hour,
            each["batch"]["channel"],
            result["disposition"],
            result,
            at=at,
            currency=result.get("currency") or item["currency"],
            point_id=item["contact_point_id"],
            is_alternate=result.get("contact_point_ref") == "alternate_phone",
        )

    def is_(self, attempt: Attempt, what: str) -> bool:
        """`contact`, `right_party`, `promise` or `final`; what nobody knows counts as an answered conversation."""
        known = self.policy.dispositions.get(attempt.disposition)
        return what in ("contact", "right_party") if known is None else known[f"is_{what}"] == "true"

    def is_conversation(self, attempt: Attempt) -> bool:
        """Spoken: an answer in writing is none."""
        return attempt.channel not in ("sms", "legal") and self.is_(attempt, "right_party")

    @cached_property
    def plans(self) -> list[Plan]:
        """What earlier lists planned and nobody reported, until the list's end and the reporting deadline."""
        plans = []
        for each in self.bank.lists_of.get(self.id, ()):
            batch, item = each["batch"], each["item"]
            ends = (batch["valid_until"] + REPORTING_DEADLINE).astimezone(BANK_ZONE).date()
            if batch["as_of"] < self.as_of <= ends and batch["state"] not in ("refused", "expired", "superseded"):
                planned = self.policy.by_name[batch["channel"]].planned_attempts
                open_ = planned - len(each["results"])
                is_done = any(self.is_(self._reported(each, result), "final") for result in each["results"])
                if open_ > 0 and not is_done:
                    plans.append(
                        Plan(batch["as_of"], batch["channel"], open_, item["currency"], item["contact_point_id"])
                    )
        return plans

    # Holds --------------------------------------------------------------------------------------------------------
    @cached_property
    def flags(self) -> list[Hold]:
        """Flags in force, and what works as one: what somebody was told."""
        flags = [
            Hold(self.policy.flags.get(row["flag"], "UNKNOWN_FLAG"), row["valid_from"])
            for row in self.of("customer_flags")
            if row["valid_from"] <= self.as_of and not _is_past(row.get("valid_to"), self.as_of)
        ]
        of_points = ("CHANNEL_REFUSED", "CONTACT_POINT_INVALID")
        return flags + [Hold(reason, each.on) for each, reason in self.told if reason not in of_points]

    @cached_property
    def holds(self) -> list[Hold]:
        """Flags, complaints, plans and conversations; not what belongs to a channel, number or currency."""
        holds = list(self.flags)
        holds += [Hold("COMPLAINT_OPEN", self._received(row)) for row in self.of("complaints") if self._is_open(row)]
        holds += [Hold("CONVERSATION_PAUSE", each.on) for each in self.attempts if self.is_conversation(each)]
        holds += [Hold("DATA_HOLD", self.as_of)] if self.id in self.bank.held else []
        holds += [Hold("HARDSHIP_ACTIVE", plan.get("accepted_on") or plan["starts_on"]) for plan in self.kept_plans]
        if self.bank.flags_are_stale:
            holds.append(Hold("UNKNOWN_FLAG", self.as_of))
        return holds

    def _received(self, complaint: Row) -> date:
        return complaint["received_at"].astimezone(BANK_ZONE).date()

    def _is_open(self, complaint: Row) -> bool:
        closed_at = complaint.get("closed_at")
        closed = closed_at is not None and closed_at.astimezone(BANK_ZONE).date() <= self.as_of
        return self._received(complaint) <= self.as_of and not closed

    @cached_property
    def told(self) -> list[tuple[Attempt, str]]:
        """Suppressing answers that nobody has lifted, with their reason."""
        told = []
        for attempt in self.attempts:
            known = self.policy.dispositions.get(attempt.disposition)
            reason = "UNKNOWN_FLAG" if known is None else known["suppresses"]
            if reason and not self._is_lifted(attempt, reason):
                told.append((attempt, reason))
        return told

    def _is_lifted(self, attempt: Attempt, reason: str) -> bool:
        """A flag of the same meaning that ended after it, or an arrangement that was decided."""
        ended = any(
            self.policy.flags.get(row["flag"]) == reason
            and row.get("valid_to") is not None
            and attempt.on < row["valid_to"] <= self.as_of
            for row in self.of("customer_flags")
        )
        match reason:
            case "HARDSHIP_REQUESTED":
                decided = filter(None, map(self._decided_on, self._arrangements))
                return ended or any(attempt.on <= on <= self.as_of for on in decided)
            case "CHANNEL_REFUSED":
                return False  # a later consent to the channel does: see `DecisionOracle.is_refused`
        return ended

    def _decided_on(self, arrangement: Row) -> date | None:
        if arrangement["status"] == "offered":
            return None
        return arrangement.get("accepted_on") or arrangement["updated_at"].astimezone(BANK_ZONE).date()

    # Plans --------------------------------------------------------------------------------------------------------
    @property
    def _arrangements(self) -> list[Row]:
        of_loan = self.bank.by_loan.get("hardship_arrangements", {})
        return [row for loan_id in self.loans for row in of_loan.get(loan_id, ())]

    @cached_property
    def kept_plans(self) -> list[Row]:
        return [
            row
            for row in self._arrangements
            if row["loan_id"] in self.positions and self._is_in_force(row) and self._is_kept(row)
        ]

    def _is_in_force(self, plan: Row) -> bool:
        """From its acceptance to its end; one that was broken or completed since has to say when it ended."""
        was_accepted = plan["status"] == "accepted" or (
            plan["status"] in ("broken", "completed") and plan.get("ended_on") is not None
        )
        ended = _is_past(plan["ends_on"], self.as_of) or _is_past(plan.get("ended_on"), self.as_of)
        return was_accepted and (plan.get("accepted_on") or plan["starts_on"]) <= self.as_of and not ended

    def _is_kept(self, plan: Row) -> bool:
        """Nothing of the plan that fell due three days ago, or longer, is unpaid."""
        loan = self.loans[plan["loan_id"]]
        last = self.as_of - DAYS_TO_PAY
        if plan["kind"] == "term_extension":
            oldest = loan.oldest_unpaid(self.as_of)
            return loan.version(self.as_of) < plan["schedule_version"] or oldest is None or oldest.due > last
        if plan["kind"] == "reduced_payment":
            end = min(plan["ends_on"], plan.get("ended_on") or plan["ends_on"])
            due = {item.due for item, _ in loan.allocation(self.as_of) if plan["starts_on"] <= item.due <= last}
            owed = plan["reduced_amount"] * sum(day < end for day in due)
            return self.received([plan["loan_id"]], plan["starts_on"], self.as_of) >= owed
        return True

    def received(
        self, loan_ids: Iterable[str], first: date, last: date, kinds: Sequence[str] = ("repayment", "recovery")
    ) -> Decimal:
        """What came in on these loans between two days and still stands today."""
        return sum(
            (
                self.loans[loan_id]._standing(row, self.as_of)
                for loan_id in loan_ids
                for row in self.loans[loan_id].transactions
                if row["kind"] in kinds and first <= row["effective_on"] <= last
            ),
            ZERO,
        )

    # Promises -----------------------------------------------------------------------------------------------------
    @cached_property
    def promises(self) -> list[dict[str, Any]]:
        """Every promise with its currency, and whether it is open, kept, partly_kept or broken.

        One that was noted twice (by the bank, and by the vendor) is one.
        """
        made = [each for each in self.attempts if self.is_(each, "promise") and each.row.get("promise_on")]
        promises = [(self._promise(each), each.row.get("promise_amount")) for each in made]
        once = {(each["currency"], each["on"], each["ends"], amount): each for each, amount in promises}
        return list(once.values())

    def _promise(self, attempt: Attempt) -> dict[str, Any]:
        currency = attempt.currency or self._largest_currency
        ends = attempt.row["promise_on"] + DAYS_TO_PAY
        loans = [loan_id for loan_id, loan in self.loans.items() if loan.loan["currency"] == currency]
        paid = self.received(loans, attempt.on, min(ends, self.as_of))
        amount = attempt.row.get("promise_amount")
        if amount and paid >= amount:
            status = "kept"
        elif self.as_of <= ends:
            status = "open"
        else:
            status = "partly_kept" if paid > 0 else "broken"
        return {"currency": currency, "status": status, "on": attempt.on, "ends": ends}

    @property
    def _largest_currency(self) -> str | None:
        largest = sorted(self.of("loans"), key=lambda row: (-row["principal"], row["loan_id"]))
        return largest[0]["currency"] if largest else None

    @property
    def promise_history(self) -> str:
        """What became of the promises that ended within 90 days."""
        ended = {each["status"] for each in self.promises if self.as_of - NINETY_DAYS < each["ends"] <= self.as_of}
        if ended & {"broken", "partly_kept"}:
            return "broken_promise"
        return "kept_promise" if "kept" in ended else "none"

    # Hardship, lost contact, wilful -------------------------------------------------------------------------------
    def has_hardship(self, currency: str, *, is_in_arrears: bool) -> bool:
        """Asked for help, or paid in each of the last two calendar months, and less than fell due."""
        if any(hold.reason == "HARDSHIP_REQUESTED" for hold in self.holds):
            return True
        loans = [loan_id for loan_id, each in self.positions.items() if each["currency"] == currency]
        if not is_in_arrears:
            return False
        last = self.as_of.replace(day=1) - ONE_DAY
        before = last.replace(day=1) - ONE_DAY
        return all(self._paid_less(loans, month.replace(day=1), month) for month in (last, before))

    def _paid_less(self, loans: Sequence[str], first: date, last: date) -> bool:
        due = sum(
            (
                item.amount
                for each in loans
                for item, _ in self.loans[each].allocation(self.as_of)
                if first <= item.due <= last
            ),
            ZERO,
        )
        return ZERO < self.received(loans, first, last) < due

    @cached_property
    def is_lost(self) -> bool:
        if all(self.is_invalid(point) for point in self.points(NUMBERS)):
            return True
        recent = [each for each in self.attempts if (self.as_of - each.on).days < 30]
        if any(self.is_(each, "right_party") for each in recent):
            return False
        tries = [each for each in recent if each.is_outbound and each.channel != "legal"]
        times = {(each.hour >= 12) + (each.hour >= 17) for each in tries}
        return len(tries) >= 5 and len({each.on for each in tries}) >= 3 and len(times) >= 2

    def is_wilful(self, currency: str, holds: Iterable[Hold]) -> bool:
        """Refused, or broke two promises, within 90 days, and could have paid; nothing that holds excuses it."""
        since = self.as_of - NINETY_DAYS
        refused = any(each.disposition == "refused" and each.on > since for each in self.attempts)
        broken = [each for each in self.promises if each["status"] == "broken" and each["ends"] > since]
        excused = EXCUSES & {hold.reason for hold in holds}
        return (refused or len(broken) >= 2) and not excused and self._could_pay(currency, since + ONE_DAY)

    def _could_pay(self, currency: str, since: date) -> bool:
        """Paid for a loan that is not in arrears here, or earns three times what fell due last."""
        owed = {loan_id for loan_id, each in self.positions.items() if each["currency"] == currency}
        others = [loan for loan in self.loans if loan not in owed or not self.positions[loan]["arrears_amount"]]
        if any(self.received([loan], since, self.as_of) > 0 for loan in others):
            return True
        income = self.customer.get("monthly_income")
        dues = [self._instalment(loan_id) for loan_id in owed]
        return income is not None and any(dues) and income >= 3 * sum(filter(None, dues), ZERO)

    def _instalment(self, loan_id: str) -> Decimal | None:
        """The last that fell due by contract."""
        due = [item.amount for item, _ in self.loans[loan_id].allocation(self.as_of) if item.due < self.as_of]
        return due[-1] if due else None

    # Contact points -----------------------------------------------------------------------------------------------
    def points(self, kinds: frozenset[str]) -> list[Row]:
        return [row for row in self.of("contact_points") if row["kind"] in kinds and is_own(row)]

    @cached_property
    def wrong(self) -> set[str]:
        """Numbers and addresses that were dialled, or visited, and found to be somebody else's or nobody's."""
        wrong = set()
        for attempt, reason in self.told:
            if reason == "CONTACT_POINT_INVALID":
                wrong |= {number(row) for row in self._used(attempt) if self._at(row, attempt) == number(row)}
        return wrong

    def _used(self, attempt: Attempt) -> list[Row]:
        """What it can only have been: of a note that does not say which, the only one."""
        points = self.points(ADDRESSES if attempt.channel == "field_visit" else NUMBERS)
        if attempt.point_id is None:
            return points if len(points) == 1 else []
        return [row for row in points if (row["contact_point_id"] == attempt.point_id) is not attempt.is_alternate]

    def _at(self, point: Row, attempt: Attempt) -> str:
        """What the bank had on file for it then."""
        versions = self.bank.versions[point["contact_point_id"]]
        before = [row for row in versions if row["updated_at"] <= attempt.at]
        return number((before or versions[:1])[-1])

    def is_invalid(self, point: Row) -> bool:
        """A number that is on file twice is as bad as its worst copy."""
        if point["kind"] != "address" and not E164.fullmatch(number(point)):
            return True
        return number(point) in self.wrong or any(row.get("is_valid") is False for row in self._copies(point))

    def is_refused(self, point: Row) -> bool:
        return any(row.get("consent") == "refused" for row in self._copies(point))

    def _copies(self, point: Row) -> list[Row]:
        kinds = ADDRESSES if point["kind"] == "address" else NUMBERS
        return [row for row in self.points(kinds) if number(row) == number(point)]


def is_own(point: Row) -> bool:
    """The customer's own, from a lawful source."""
    return point.get("relation") in ("self", None) and point.get("source") in LAWFUL


def number(point: Row) -> str:
    """What is dialled, however it was written; of an address the line itself."""
    return point["value"] if point["kind"] == "address" else re.sub("[^0-9+]", "", point["value"])


def _is_past(end: date | None, on: date) -> bool:
    """Ends are exclusive."""
    return end is not None and end <= on
