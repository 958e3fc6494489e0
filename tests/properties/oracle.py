"""An independent reading of the definition of days past due, one loan and one day at a time, in plain Python.

Slow and literal on purpose: it walks days, allocates money instalment by instalment and shares nothing with the SQL.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from rulebook import Timeline

Row = Mapping[str, Any]
ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
PAYMENTS = ("repayment", "waiver", "recovery")
TIERS = ("current", "pre_due", "M1", "M2", "M3", "M4", "M5", "M6", "M7_plus")
"""From best to worst; a written-off loan has none of them."""


@dataclass(frozen=True)
class Instalment:
    due: date
    contractual: date
    amount: Decimal
    principal: Decimal
    counts_from: date
    """The first day on which it is overdue when unpaid."""

    @property
    def counts_on_due_date(self) -> bool:
        return self.counts_from == self.due


@dataclass(frozen=True)
class Loan:
    """What core banking says about one loan, as rows of the source contract, and the rules in force on a day."""

    loan: Row
    schedule: Sequence[Row]
    transactions: Sequence[Row]
    arrangements: Sequence[Row]
    rules: Timeline
    until: date
    """The last day that will be asked for."""

    # Existence and schedule ---------------------------------------------------------------------------------------
    def exists(self, on: date) -> bool:
        closed_on = self.loan.get("closed_on")
        return self.loan["disbursed_on"] <= on and not (closed_on and closed_on <= on)

    def is_written_off(self, on: date) -> bool:
        stated = self.loan.get("written_off_on")
        return bool(stated and stated <= on) or any(
            self._standing(row, on) > 0 for row in self.transactions if row["kind"] == "write_off"
        )

    def version(self, on: date) -> int:
        return max((version for version, since in self._effective_from.items() if since <= on), default=0)

    @cached_property
    def _effective_from(self) -> dict[int, date]:
        starts: dict[int, date] = {}
        for row in self.schedule:
            version = row["schedule_version"]
            starts[version] = min(row["effective_from"], starts.get(version, date.max))
        return starts

    @cached_property
    def _instalments(self) -> dict[int, list[Instalment]]:
        by_version: dict[int, list[Row]] = {}
        for row in self.schedule:
            by_version.setdefault(row["schedule_version"], []).append(row)
        return {version: self._in_order(rows) for version, rows in by_version.items()}

    def _in_order(self, rows: Sequence[Row]) -> list[Instalment]:
        """Oldest first; where a rule changed between two dates, the later is not due or counted before the earlier."""
        instalments = []
        due = counts_from = date.min
        for row in sorted(rows, key=lambda row: (row["due_date"], row["instalment_no"])):
            principal = row["principal_due"]
            amount = principal + (row.get("interest_due") or ZERO) + (row.get("fee_due") or ZERO)
            if amount == 0:
                continue
            rules = self.rules(row["due_date"])
            shifted = rules.next_business_day(row["due_date"]) if rules.next_business_day else row["due_date"]
            due = max(due, shifted)
            counted = shifted if rules.first_counted_day == "due_date" else shifted + ONE_DAY
            counts_from = max(counts_from, counted)
            instalments.append(Instalment(due, row["due_date"], amount, principal, counts_from))
        return instalments

    def _in_force(self, on: date) -> list[Instalment]:
        return self._instalments.get(self.version(on), [])

    # Money --------------------------------------------------------------------------------------------------------
    @cached_property
    def _reversals(self) -> dict[str, list[Row]]:
        """By what they reverse, in the order in which they take effect."""
        reversals: dict[str, list[Row]] = {}
        for row in self.transactions:
            if row["kind"] == "reversal":
                reversals.setdefault(row["reverses"], []).append(row)
        for rows in reversals.values():
            rows.sort(key=lambda row: (row["effective_on"], row["recorded_at"], row["transaction_id"]))
        return reversals

    def _standing(self, transaction: Row, on: date) -> Decimal:
        """What is left of a transaction at the end of a day, after its reversals and theirs."""
        if transaction["effective_on"] > on:
            return ZERO
        left = reversible = transaction["amount"]
        for reversal in self._reversals.get(transaction["transaction_id"], ()):
            # A reversal takes out no more than there was; reversed itself, it puts back what it took and no more.
            taken = min(reversal["amount"], reversible)
            reversible -= taken
            left -= min(taken, self._standing(reversal, on))
        return max(ZERO, left)

    def paid_total(self, on: date) -> Decimal:
        version = self.version(on)
        since = self._effective_from[version] if version > 1 else date.min
        return sum(
            (self._standing(row, on) for row in self._payments if since <= row["effective_on"] <= on),
            ZERO,
        )

    @cached_property
    def _payments(self) -> list[Row]:
        return [row for row in self.transactions if row["kind"] in PAYMENTS]

    def allocation(self, on: date) -> list[tuple[Instalment, Decimal]]:
        """Each instalment of the version in force with the money that it gets, oldest first."""
        left = self.paid_total(on)
        allocated = []
        for instalment in self._in_force(on):
            share = min(left, instalment.amount)
            left -= share
            allocated.append((instalment, share))
        return allocated

    def arrears(self, on: date) -> Decimal:
        due = sum((item.amount for item in self._in_force(on) if item.counts_from <= on), ZERO)
        return max(ZERO, due - self.paid_total(on))

    def outstanding_principal(self, on: date) -> Decimal:
        return sum(
            (item.principal - max(ZERO, paid - (item.amount - item.principal)) for item, paid in self.allocation(on)),
            ZERO,
        )

    def oldest_unpaid(self, on: date) -> Instalment | None:
        paid, cumulative = self.paid_total(on), ZERO
        for item in self._in_force(on):
            cumulative += item.amount
            if item.counts_from <= on and cumulative - paid > self.rules(on).tolerance:
                return item
        return None

    # Days ---------------------------------------------------------------------------------------------------------
    def days_past_due(self, on: date) -> int:
        return self._days_since(self.oldest_unpaid(on), on)

    def _days_since(self, oldest: Instalment | None, on: date) -> int:
        if oldest is None:
            return 0
        days = thirty_360(oldest.due, on) if self.loan["day_count"] == "30/360" else (on - oldest.due).days
        return max(1, days + (1 if oldest.counts_on_due_date else 0))

    def days_past_due_counted(self, on: date) -> int:
        oldest = self.oldest_unpaid(on)
        if oldest is None:
            return 0
        days = (oldest.due + timedelta(days=number) for number in range((on - oldest.due).days))
        return max(0, self.days_past_due(on) - sum(self._is_paused(day) for day in days))

    def _is_paused(self, on: date) -> bool:
        return any(
            row["starts_on"] <= on < min(row["ends_on"], row.get("ended_on") or row["ends_on"])
            for row in self.arrangements
            if row["kind"] == "payment_pause" and row["status"] in ("accepted", "completed", "broken")
        )

    def is_material(self, on: date) -> bool:
        rules = self.rules(on)
        if not rules.has_limits:
            return False
        arrears = self.arrears(on)
        return arrears > (rules.materiality_absolute or ZERO) and arrears > (
            rules.materiality_share or ZERO
        ) * self.outstanding_principal(on)

    @property
    def _has_a_past(self) -> bool:
        """Whether a day's figures depend on the days before it: elsewhere nobody needs to walk them."""
        return self.rules.ever_has_limits or max(self._effective_from, default=0) > 1

    @cached_property
    def _history(self) -> list[dict[str, Any]]:
        """What each day from disbursement on looked like, where it depends on the days before it."""
        days: list[dict[str, Any]] = []
        run, floor, probation_until, restructured_on, restructurings = 0, 0, None, None, 0
        version, before = self.version(self.loan["disbursed_on"]), None
        on = self.loan["disbursed_on"]
        while on <= self.until and self.exists(on):
            run = run + 1 if self.is_material(on) else 0
            oldest = self.oldest_unpaid(on)
            regulatory = run if self.rules(on).has_limits else self._days_since(oldest, on)
            is_new = self.version(on) != version or not days
            version = self.version(on)
            if is_new and version > 1:
                if not (probation_until and on < probation_until):
                    floor = days[-1]["regulatory"] if days else 0
                before = self._days_since(days[-1]["oldest"], on) if days else None
                restructured_on, restructurings = on, restructurings + 1
                probation_until = add_months(on, self.rules(on).probation_months)
            if probation_until and on < probation_until:
                floor = max(floor, regulatory)
            worst = max(regulatory, floor) if probation_until and on < probation_until else regulatory
            days.append(
                {
                    "regulatory": regulatory,
                    "asset_class": self.asset_class(worst, on),
                    "oldest": oldest,
                    "restructured_on": restructured_on,
                    "restructurings": restructurings,
                    "before": before,
                    "probation_until": probation_until,
                }
            )
            on += ONE_DAY
        return days

    def _today(self, on: date) -> dict[str, Any]:
        if self._has_a_past:
            return self._history[(on - self.loan["disbursed_on"]).days]
        days = self.days_past_due(on)
        return {
            "regulatory": days,
            "asset_class": self.asset_class(days, on),
            "restructured_on": None,
            "restructurings": 0,
            "before": None,
            "probation_until": None,
        }

    def asset_class(self, days: int, on: date) -> str:
        classes = self.rules(on).classes
        return classes[bisect_right([first for first, _ in classes], days) - 1][1]

    def last_payment(self, on: date) -> tuple[date | None, Decimal | None]:
        standing = [
            (row["effective_on"], row["recorded_at"], row["transaction_id"], self._standing(row, on))
            for row in self.transactions
            if row["kind"] == "repayment" and self._standing(row, on) > 0
        ]
        if not standing:
            return None, None
        latest = max(standing)
        return latest[0], latest[3]

    def tier(self, on: date, next_due: date | None) -> str:
        if self.is_written_off(on):
            return "write_off"
        counted = self.days_past_due_counted(on)
        if counted == 0:
            return "pre_due" if next_due and (next_due - on).days <= 3 else "current"
        return f"M{(counted - 1) // 30 + 1}" if counted <= 180 else "M7_plus"

    def position(self, on: date) -> dict[str, Any] | None:
        """The columns of the mart that the definition gives, or None on a day on which the loan is not there."""
        if not self.exists(on):
            return None
        today = self._today(on)
        oldest = self.oldest_unpaid(on)
        allocated = self.allocation(on)
        next_due = min((item.due for item, paid in allocated if item.due >= on and paid < item.amount), default=None)
        last_on, last_amount = self.last_payment(on)
        return {
            "tier": self.tier(on, next_due),
            "asset_class": today["asset_class"],
            "days_past_due": self._days_since(oldest, on),
            "days_past_due_counted": self.days_past_due_counted(on),
            "days_past_due_regulatory": today["regulatory"],
            "oldest_unpaid_due_date": oldest.due if oldest else None,
            "oldest_unpaid_contractual_date": oldest.contractual if oldest else None,
            "next_due_date": next_due,
            "arrears_amount": self.arrears(on),
            "outstanding_principal": self.outstanding_principal(on),
            "unpaid_instalments": sum(item.counts_from <= on and paid < item.amount for item, paid in allocated),
            "paid_total": self.paid_total(on),
            "last_payment_on": last_on,
            "last_payment_amount": last_amount,
            "is_written_off": self.is_written_off(on),
            "schedule_version": self.version(on),
            "is_forborne": today["restructured_on"] is not None,
            "restructured_on": today["restructured_on"],
            "restructurings": today["restructurings"],
            "days_past_due_before_restructuring": today["before"],
            "probation_until": today["probation_until"],
        }


def customer_position(loans: Iterable[Loan], on: date) -> dict[str, Any] | None:
    """What a customer owes in one currency: of these loans those that are open; None where none is."""
    positions = [position for loan in loans if (position := loan.position(on)) and not position["is_written_off"]]
    if not positions:
        return None
    return {
        "days_past_due": max(position["days_past_due"] for position in positions),
        "arrears_amount": sum((position["arrears_amount"] for position in positions), ZERO),
        "tier": max((position["tier"] for position in positions), key=TIERS.index),
    }


def thirty_360(start: date, end: date) -> int:
    """Days by 30/360, bond basis."""
    last = min(end.day, 30) if start.day >= 30 else end.day
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + last - min(start.day, 30)


def add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), first_of_next - ONE_DAY)
