"""An independent reading of `decisions.md`: each customer, currency and channel, one at a time, in plain Python.

First every reason of a row on its own; then what the rows of one customer share; then what a vendor can take.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from decision_facts import NUMBERS, Attempt, Bank, Facts, Hold, Plan, Row, number
from decision_policy import Channel, Limit, Policy, Window, window
from oracle import ZERO

LIKELY = Decimal("0.8")
"""Who pays by himself as likely as that is not called yet."""

Key = tuple[str, str, str]
"""Customer, channel, currency."""


@dataclass
class Debt:
    """What a customer owes in one currency."""

    currency: str
    tier: str
    product: str
    """Of the worst loan, as the tier is."""
    counted: int
    days_past_due: int
    arrears: Decimal
    loan_ids: frozenset[str]
    is_in_arrears: bool
    is_pre_due: bool
    is_warned: bool
    """Early warning warns of a loan, while none is behind."""
    is_written_off: bool
    amount_due: Decimal
    """What is overdue or, where nothing is, what falls due next."""


@dataclass
class Decision:
    """One row of the ledger, before capacity."""

    tier: str
    days_past_due: int
    arrears: Decimal
    reasons: list[str]
    step: int | None = None
    template: str | None = None
    requires: str | None = None
    attempts: int = 0
    window: Window | None = None
    points: list[str] = field(default_factory=list)
    """The contact point to use, and the alternate one."""
    value: Decimal = ZERO
    arm: tuple[str | None, str] = (None, "champion")
    """The experiment that the row belongs to, and the arm."""

    @property
    def is_eligible(self) -> bool:
        return not self.reasons


class DecisionOracle:
    """Decides a day for everybody."""

    def __init__(self, bank: Bank, policy: Policy) -> None:
        self.bank, self.policy = bank, policy
        self.facts = {row["customer_id"]: Facts(bank, policy, row) for row in bank.rows["customers"]}

    def decide(self) -> dict[Key, Decision]:
        decisions: dict[Key, Decision] = {}
        for facts in self.facts.values():
            own = {
                (facts.id, channel.name, debt.currency): self._decision(facts, debt, channel)
                for debt in debts(facts)
                for channel in self.policy.channels
            }
            self._share(facts, own)
            decisions |= own
        for decision in decisions.values():
            decision.reasons.sort(key=self.policy.order.__getitem__)
        return decisions

    def _decision(self, facts: Facts, debt: Debt, channel: Channel) -> Decision:
        decision = Decision(debt.tier, debt.days_past_due, debt.arrears, [])
        pack = self.policy.pack(facts.jurisdiction)
        reasons = set(self._about_the_debt(facts, debt, channel, pack))
        reasons |= set(self._holds(facts, debt, channel, pack))
        decision.points, why_none = self._points(facts, channel)
        reasons |= why_none
        reasons |= set(self._frequency(facts, debt, channel, pack, decision))
        decision.window = self._window(facts, channel, pack)
        if decision.window is None:
            reasons.add("CLOSED_TODAY")
        treatment = self._arm(facts, debt, decision)
        if treatment == "hold_out" and channel.is_optional:
            reasons.add("HOLDOUT")
        reasons |= set(self._treatment(facts, debt, channel, pack, treatment, decision))
        by_himself = facts.self_cure(debt.loan_ids)
        if channel.name == "phone" and by_himself >= LIKELY:
            reasons.add("SELF_CURE")
        history = facts.promise_history
        decision.value = self.policy.expected_value(
            debt.tier, history, debt.amount_due * (1 - by_himself), channel.name
        )
        decision.reasons = list(reasons)
        return decision

    # Reasons ------------------------------------------------------------------------------------------------------
    def _about_the_debt(self, facts: Facts, debt: Debt, channel: Channel, pack: str) -> Iterator[str]:
        if not debt.is_in_arrears:
            if not debt.is_pre_due and not debt.is_warned:
                yield "NOT_IN_ARREARS"
            return
        overdue = [loan_id for loan_id in debt.loan_ids if facts.positions[loan_id]["days_past_due"]]
        if all(facts.is_cured_since(loan_id) for loan_id in overdue):
            yield "PAID_SINCE"
        if debt.arrears < self.policy.minimum_amount(pack, channel):
            yield "BELOW_MINIMUM"

    def _holds(self, facts: Facts, debt: Debt, channel: Channel, pack: str) -> Iterator[str]:
        holds = self.holds_of(facts, pack, debt.currency)
        yield from (hold.reason for hold in holds if self.policy.closes(pack, hold.reason, channel, hold.since))
        if self.is_refused(facts, channel, pack):
            yield "CHANNEL_REFUSED"

    def holds_of(self, facts: Facts, pack: str, currency: str) -> list[Hold]:
        """His own, with the promises in a currency, and, where the rule says so, those of whoever owes with him."""
        holds = list(facts.holds)
        for promise in facts.promises:
            if (promise["currency"], promise["status"]) == (currency, "open"):
                holds.append(Hold("PROMISE_OPEN", promise["on"]))
        for other in self.bank.joint.get(facts.id, ()):
            for hold in self.facts[other].flags if other in self.facts else ():
                if "true" in self.policy.parameters(pack, hold.reason, "joint_debtors"):
                    holds.append(hold)
        return holds

    def is_refused(self, facts: Facts, channel: Channel, pack: str) -> bool:
        """By what the bank has on file, or by an opt-out that no later consent takes back."""
        said = consents(facts, channel)
        if any(row["consent"] == "refused" for row in said):
            return True
        granted = max((row["valid_from"] for row in said if row["consent"] == "granted"), default=None)
        needs = "true" in self.policy.parameters(pack, "CHANNEL_REFUSED", "requires_granted", channel)
        if needs and granted is None:
            return True
        closes_all = "all" in self.policy.parameters(pack, "CHANNEL_REFUSED", "opt_out_closes")
        for each, reason in facts.told:
            if reason == "CHANNEL_REFUSED" and (granted is None or granted <= each.on):
                used = self.policy.by_name.get(each.channel)
                if closes_all or used is None or used.medium == channel.medium:
                    return True
        return False

    def _points(self, facts: Facts, channel: Channel) -> tuple[list[str], set[str]]:
        """The number to use and the alternate one or, where none will do, whatever speaks against one of them."""
        if not channel.kinds:
            return [], set()
        points = facts.points(channel.kinds)
        if not points:
            return [], {"NO_CONTACT_POINT"}
        against: set[str] = set()
        usable: dict[str, Row] = {}
        for point in sorted(points, key=preference):
            why = set(self._against(facts, point))
            against |= why
            if not why:
                usable.setdefault(number(point), point)
        if usable:
            return [point["contact_point_id"] for point in usable.values()][:2], set()
        return [], against

    def _against(self, facts: Facts, point: Row) -> Iterator[str]:
        if facts.is_refused(point):
            yield "CHANNEL_REFUSED"
        if facts.is_invalid(point):
            yield "CONTACT_POINT_INVALID"
        elif point["kind"] != "address" and self._is_shared(facts, number(point)):
            yield "NUMBER_SHARED"

    def _is_shared(self, facts: Facts, value: str) -> bool:
        """On file for another customer too, and not known to be wrong there."""
        others = [self.facts[other] for other in self.bank.owners[value] - {facts.id} if other in self.facts]
        return any(
            number(point) == value and not other.is_invalid(point)
            for other in others
            for point in other.points(NUMBERS)
        )

    def _window(self, facts: Facts, channel: Channel, pack: str) -> Window | None:
        hours = list(self.policy.hours(pack, channel.name, facts.jurisdiction))
        hours += [
            (row["preferred_from"], row["preferred_to"])
            for row in consents(facts, channel)
            if row.get("preferred_from")
        ]
        return window(self.bank.as_of, facts.zones, hours)

    def _arm(self, facts: Facts, debt: Debt, decision: Decision) -> str:
        """What the customer's arm gets, in an experiment that is about the debt."""
        for experiment in self.policy.experiments:
            if experiment.is_about(debt.tier, facts.jurisdiction, debt.product):
                arm, treatment = experiment.draw(min(self.bank.owing_with(facts.id, before=experiment.begins)))
                decision.arm = (experiment.name, arm)
                return treatment
        return "standard"

    def _treatment(
        self, facts: Facts, debt: Debt, channel: Channel, pack: str, treatment: str, decision: Decision
    ) -> Iterator[str]:
        """Hardship turns collection into care: nothing but care is used."""
        lines = self.policy.treatments(debt.tier, channel, debt.counted, treatment)
        if not (debt.counted or debt.is_pre_due or debt.is_written_off or debt.is_warned):
            lines = []
        has_hardship = facts.has_hardship(debt.currency, is_in_arrears=debt.is_in_arrears)
        has_hardship |= debt.is_warned and any(map(facts.has_income_shock, debt.loan_ids))
        if not lines or (channel.name != "care" and has_hardship):
            yield "NOT_THIS_TIER"
            return
        holds = self.holds_of(facts, pack, debt.currency)
        is_met = {
            "lost_contact": lambda: facts.is_lost,
            "wilful": lambda: not has_hardship and facts.is_wilful(debt.currency, holds),
            "hardship": lambda: has_hardship,
        }
        # Nothing, or something of the collector, is met by every customer.
        met = [line for line in lines if is_met.get(line["requires"], lambda: True)()]
        line = min(met or lines, key=lambda each: int(each["step"]))
        decision.step = int(line["step"])
        decision.template, decision.requires = line["template_or_offer"] or None, line["requires"] or None
        if not met:
            yield "REQUIREMENT_NOT_MET"
        elif channel.name == "legal":
            # A proposal until so many people approved it.
            approvers = max(map(int, self.policy.parameters(pack, "NOT_APPROVED", "approvers")), default=2)
            if self.bank.approved.get((facts.id, debt.currency), 0) < approvers:
                yield "NOT_APPROVED"

    # How often ----------------------------------------------------------------------------------------------------
    def _frequency(self, facts: Facts, debt: Debt, channel: Channel, pack: str, decision: Decision) -> Iterator[str]:
        decision.attempts = channel.planned_attempts
        for limit in self.policy.limits(pack, channel.name):
            left = self._left(facts, debt, limit)
            decision.attempts = min(decision.attempts, max(left, 0))
            if left <= 0:
                yield frequency(limit)

    def _left(self, facts: Facts, debt: Debt, limit: Limit) -> int:
        """What a limit leaves, whichever of the row's loans, or of the numbers tried, has been asked for most."""
        tried = {each.point_id for each in (*facts.attempts, *facts.plans)} or {None}
        of = {"loan": debt.loan_ids, "contact_point": tried, "customer": {None}}[limit.per]
        return limit.at_most - max(self.used(facts, limit, each, debt.currency) for each in of)

    def used(self, facts: Facts, limit: Limit, of: str | None, currency: str) -> int:
        used = 0
        first = self.bank.as_of - timedelta(days=limit.days - 1)
        for attempt in facts.attempts:
            if attempt.on >= first and self._concerns(limit, attempt, of, currency) and counts(facts, limit, attempt):
                used += 1
        for plan in facts.plans:
            if plan.on >= first and self._concerns(limit, plan, of, currency):
                used += plan.attempts
        return used

    def _concerns(self, limit: Limit, of: Attempt | Plan, about: str | None, currency: str) -> bool:
        channel = self.policy.by_name.get(of.channel)
        if limit.channel and limit.channel not in (of.channel, channel.medium if channel else of.channel):
            return False
        if limit.per == "loan":
            loan_id = of.loan_id if isinstance(of, Attempt) else None
            return loan_id == about if loan_id else of.currency in (None, currency)
        if limit.per == "contact_point":
            return of.point_id in (None, about)
        return True

    def _share(self, facts: Facts, own: dict[Key, Decision]) -> None:
        """The rows of one day share what is left, in order of step."""
        pack = self.policy.pack(facts.jurisdiction)
        of_currency = {debt.currency: debt for debt in debts(facts)}
        eligible = [key for key, decision in own.items() if set(decision.reasons) <= {"NOT_APPROVED"}]
        eligible.sort(key=lambda key: (own[key].step, self.policy.by_name[key[1]].position, -own[key].value, key[2]))
        granted: list[tuple[Key, int]] = []
        for key in eligible:
            decision, (_, channel, currency) = own[key], key
            for limit in self.policy.limits(pack, channel):
                left = self._left(facts, of_currency[currency], limit) - sum(
                    attempts for other, attempts in granted if self._shares(limit, other, key)
                )
                decision.attempts = min(decision.attempts, max(left, 0))
                if left <= 0:
                    decision.reasons.append(frequency(limit))
            decision.reasons = list(set(decision.reasons))
            granted.append((key, decision.attempts))

    def _shares(self, limit: Limit, other: Key, key: Key) -> bool:
        channel = self.policy.by_name[other[1]]
        if limit.channel not in channel.named_by:
            return False
        return limit.per != "loan" or other[2] == key[2]


def debts(facts: Facts) -> list[Debt]:
    """One for each currency in which the customer owes, where anything of him is in scope."""
    by_currency: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for position in facts.positions.values():
        by_currency[position["currency"]].append(position)
    in_scope = any(_is_in_scope(each) or each["is_written_off"] for each in facts.positions.values())
    return [_debt(currency, of_currency) for currency, of_currency in sorted(by_currency.items())] if in_scope else []


def _debt(currency: str, positions: list[dict[str, Any]]) -> Debt:
    """Of the open loans; written-off ones speak only where none of those is in scope."""
    open_ = [each for each in positions if not each["is_written_off"]]
    written_off = [each for each in positions if each["is_written_off"]]
    speaking = written_off if written_off and not any(map(_is_in_scope, open_)) else open_
    is_in_arrears = any(each["days_past_due"] for each in speaking)
    arrears = sum((each["arrears_amount"] for each in speaking), ZERO)
    is_warned = any(each["is_warned"] for each in speaking)
    next_due = sum((each["next_amount"] for each in speaking if each["is_pre_due"] or each["is_warned"]), ZERO)
    worst = min(speaking, key=lambda each: (-each["rank"], -each["days_past_due"], each["loan_id"]))
    return Debt(
        currency=currency,
        tier=worst["tier"],
        product=worst["product"],
        counted=max(each["days_past_due_counted"] for each in speaking),
        days_past_due=max(each["days_past_due"] for each in speaking),
        arrears=arrears,
        loan_ids=frozenset(each["loan_id"] for each in speaking),
        is_in_arrears=is_in_arrears,
        is_pre_due=any(each["is_pre_due"] for each in speaking),
        is_warned=is_warned and not is_in_arrears,
        is_written_off=speaking is written_off,
        amount_due=arrears if is_in_arrears else next_due,
    )


def _is_in_scope(position: dict[str, Any]) -> bool:
    is_due = position["arrears_amount"] > 0 or position["is_pre_due"]
    return not position["is_written_off"] and (is_due or position["is_warned"])


def consents(facts: Facts, channel: Channel) -> list[Row]:
    """What is in force of the channel, of its medium and of all channels: of each the latest word."""
    latest: dict[str, Row] = {}
    for row in facts.of("contact_consents"):
        ends = row.get("valid_to")
        in_force = row["valid_from"] <= facts.as_of and (ends is None or facts.as_of < ends)
        is_about_it = in_force and row["channel"] in (channel.name, channel.medium, "all")
        known = latest.get(row["channel"])
        if is_about_it and (known is None or row["valid_from"] > known["valid_from"]):
            latest[row["channel"]] = row
    return list(latest.values())


def preference(point: Row) -> tuple[Any, ...]:
    """Mobile numbers, those that he agreed to, those that are known to work."""
    is_granted, is_known = point.get("consent") == "granted", point.get("is_valid") is True
    return point["kind"] != "mobile", not is_granted, not is_known, point["contact_point_id"]


def counts(facts: Facts, limit: Limit, attempt: Attempt) -> bool:
    """What the customer began is no attempt; a conversation it is all the same."""
    match limit.counted:
        case "conversation":
            return facts.is_conversation(attempt)
        case "answered":
            return attempt.is_outbound and facts.is_(attempt, "contact")
        case "unanswered":
            return attempt.is_outbound and not facts.is_(attempt, "contact")
    return attempt.is_outbound


def frequency(limit: Limit) -> str:
    return "FREQUENCY_DAY" if limit.days == 1 else "FREQUENCY_PERIOD"
