"""A bank that lives: each day brings batches with all that may happen to a loan, and what core banking puts right.

It keeps what landed, passed and was not rejected, in that order: what the oracle goes by.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from generated import (
    KINDS,
    Row,
    add_pause,
    add_schedule,
    add_transaction,
    known_versions,
    month_end,
    reverse,
)
from marts_warehouse import Connection
from portfolio import Portfolio, quarantine

from arrears.source.contract import BY_NAME

JURISDICTIONS = ("US", "CN", "IN", "EU", "XX")


@dataclass
class Batch:
    """Rows that land together."""

    rows: Portfolio
    rejected: list[tuple[str, Row]] = field(default_factory=list)
    is_aborted: bool = False

    def land(self, connection: Connection, on: date) -> None:
        batch = self.rows.land(connection, as_of=on)
        for table, row in self.rejected:
            key = " and ".join(f"{name} = '{row[name]}'" for name in BY_NAME[table].key)
            quarantine(connection, table, batch, f"{key} and {BY_NAME[table].changed_at} = '{_changed_at(table, row)}'")
        if self.is_aborted:
            with connection, connection.cursor() as cursor:
                cursor.execute("delete from ops.superseded_row where batch_id = %s", (batch,))
                cursor.execute("update ops.load_batch set state = 'aborted' where batch_id = %s", (batch,))


class LivingBank:
    """`live` makes a day's batches."""

    def __init__(self, seed: int, loans: int, first: date) -> None:
        self.accepted: dict[str, list[Row]] = {}
        self._random = Random(seed)
        self._postponed: list[tuple[str, Row]] = []
        """What lands on the next day: rows that come right, and schedules that are later than their loans."""
        self._settled: set[str] = set()
        """Transactions with a reversal that was itself reversed: nothing more happens to them."""
        self._numbers = 0
        self._clock = datetime.combine(first, time(12), UTC)
        self._founders = loans

    # Days ---------------------------------------------------------------------------------------------------------
    def live(self, on: date) -> list[Batch]:
        """Everything that lands on a day; on some days nothing does."""
        if self._founders:
            batches = [self._founding(on)]
        elif self._random.random() < 0.1:
            return []
        else:
            batches = [self._batch(on) for _ in range(self._random.choice((1, 1, 2)))]
        for batch in batches:
            self._accept(batch)
        return batches

    def move_customers(self, on: date, number: int) -> Batch:
        """A batch in which so many borrowers move to another jurisdiction, and nothing else happens."""
        batch = self._new_batch(on)
        for _ in range(number):
            self._move_customer(batch, on)
        self._accept(batch)
        return batch

    def _new_batch(self, on: date) -> Batch:
        self._numbers += 1
        self._clock = max(self._clock, datetime.combine(on, time(1), UTC))
        return Batch(Portfolio(prefix=f"B{self._numbers:03}-"))

    def _accept(self, batch: Batch) -> None:
        rejected = [id(row) for _, row in batch.rejected]
        if not batch.is_aborted:
            for table, rows in batch.rows.rows.items():
                self.accepted.setdefault(table, []).extend(row for row in rows if id(row) not in rejected)

    def _founding(self, on: date) -> Batch:
        batch = self._new_batch(on)
        for _ in range(self._founders):
            self._new_loan(batch, on - timedelta(days=self._random.randrange(150)))
        self._founders = 0
        return batch

    def _batch(self, on: date) -> Batch:
        batch = self._new_batch(on)
        for table, row in self._postponed:
            batch.rows.add(table, **row)
        self._postponed = []
        batch.is_aborted = self._random.random() < 0.05
        for happen, often in self._events():
            for _ in range(often):
                if self._random.random() < 0.6:
                    happen(batch, on)
        return batch

    def _events(self) -> list[tuple[Callable[[Batch, date], None], int]]:
        return [
            (self._new_loan, 2),
            (self._pay, 8),
            (self._reverse, 2),
            (self._correct_transaction, 3),
            (self._restructure, 2),
            (self._correct_schedule, 2),
            (self._pause, 2),
            (self._change_pause, 1),
            (self._flag, 2),
            (self._move_customer, 1),
            (self._repeat_customer, 2),
            (self._change_loan, 3),
            (self._send_older_version, 2),
            (self._send_again, 2),
            (self._reject_payment, 1),
            (self._reject_correction, 1),
            (self._reject_instalment, 1),
        ]

    # What is there ------------------------------------------------------------------------------------------------
    def _changed(self) -> datetime:
        """Each change is later than the one before it."""
        self._clock += timedelta(seconds=1)
        return self._clock

    def _any(self, table: str) -> Row | None:
        current = known_versions(table, self.accepted.get(table, ()))
        return self._random.choice(current) if current else None

    def _any_loan(self) -> str:
        loan = self._any("loans")
        return str(loan["loan_id"]) if loan else ""

    def _newer(self, batch: Batch, table: str, row: Row, **changes: Any) -> Row:
        """A newer version of a row."""
        return batch.rows.add(table, **(row | {BY_NAME[table].changed_at: self._changed()} | changes))

    # Events -------------------------------------------------------------------------------------------------------
    def _new_loan(self, batch: Batch, on: date) -> None:
        """Most begin today, some earlier or later; the schedule of some is a day late."""
        random = self._random
        jurisdiction, product, currency = random.choice(KINDS)
        self._numbers += 1
        loan_id = f"L{self._numbers:05}"
        disbursed_on = on + timedelta(days=random.choice((0, 0, -1, -40, 1, 3)))
        batch.rows.loan(
            loan_id,
            customer_id=f"C-{jurisdiction}-{self._numbers // 3}",
            jurisdiction=jurisdiction,
            product=product,
            currency=currency,
            disbursed_on=disbursed_on,
            day_count=random.choice(("actual", "actual", "30/360")),
            updated_at=self._changed(),
        )
        schedule = Portfolio()
        add_schedule(schedule, random, loan_id, 1, disbursed_on, disbursed_on, updated_at=self._changed())
        is_late = random.random() < 0.2
        for row in schedule.rows["repayment_schedule"]:
            if is_late:
                self._postponed.append(("repayment_schedule", row))
            else:
                batch.rows.add("repayment_schedule", **row)

    def _pay(self, batch: Batch, on: date) -> None:
        """Today's money, backdated money, and money that is dated after the business date."""
        effective_on = on + timedelta(days=self._random.choice((0, 0, 0, -1, -5, -20, -60, 1, 2)))
        add_transaction(batch.rows, self._random, self._any_loan(), effective_on, recorded_at=self._changed())

    def _reverse(self, batch: Batch, on: date) -> None:
        row = self._any("loan_transactions")
        if row is None or row["transaction_id"] in self._settled:
            return
        if row["kind"] == "reversal":
            self._undo_reversal(batch, row, on)
            return
        # Whatever its loan: a transaction that moved leaves its reversals behind, and gets new ones where it is.
        share = self._random.choice(("1", "0.5", "0.25"))
        day = on + timedelta(days=self._random.choice((0, -3, -30, 2)))
        reverse(batch.rows, self._random, row, share, effective_on=day, recorded_at=self._changed())

    def _undo_reversal(self, batch: Batch, row: Row, on: date) -> None:
        siblings = [
            other
            for other in known_versions("loan_transactions", self.accepted["loan_transactions"])
            if row["reverses"] in (other.get("reverses"), other["transaction_id"])
        ]
        original = next((other for other in siblings if other["transaction_id"] == row["reverses"]), None)
        if original and len(siblings) == 2 and row["amount"] <= original["amount"] and original["kind"] != "reversal":
            self._settled |= {row["transaction_id"], row["reverses"]}
            reverse(batch.rows, self._random, row, "1", effective_on=on, recorded_at=self._changed())
            self._settled.add(batch.rows.rows["loan_transactions"][-1]["transaction_id"])

    def _correct_transaction(self, batch: Batch, on: date) -> None:
        row = self._any("loan_transactions")
        if row is None or row["kind"] == "reversal" or row["transaction_id"] in self._settled:
            return
        changes: list[Row] = [
            {"amount": row["amount"] + Decimal("10.00")},
            {"effective_on": row["effective_on"] - timedelta(days=self._random.randrange(1, 30))},
            {"effective_on": row["effective_on"] + timedelta(days=self._random.randrange(1, 30))},
            {"loan_id": self._any_loan()},
            {"loan_id": self._any_loan()},
            {"kind": self._random.choice(("repayment", "waiver", "recovery", "write_off"))},
        ]
        self._newer(batch, "loan_transactions", row, **self._random.choice(changes))

    def _restructure(self, batch: Batch, on: date) -> None:
        """A further version, in force from today, from earlier or later; some are superseded before they ever are."""
        loan = self._any("loans")
        if loan is None:
            return
        versions = self._versions(loan["loan_id"])
        effective_from = on + timedelta(days=self._random.choice((0, 0, -10, -45, 1, 7, 15)))
        version = max(versions, default=0) + 1
        add_schedule(
            batch.rows,
            self._random,
            loan["loan_id"],
            version,
            effective_from,
            max(effective_from, loan["disbursed_on"]),
            updated_at=self._changed(),
        )

    def _versions(self, loan_id: str) -> dict[int, list[Row]]:
        versions: dict[int, list[Row]] = {}
        for row in known_versions("repayment_schedule", self.accepted.get("repayment_schedule", ())):
            if row["loan_id"] == loan_id:
                versions.setdefault(row["schedule_version"], []).append(row)
        return versions

    def _correct_schedule(self, batch: Batch, on: date) -> None:
        """An instalment gets another amount or day, or a version another first day."""
        row = self._any("repayment_schedule")
        if row is None:
            return
        match self._random.randrange(4):
            case 0:
                self._newer(batch, "repayment_schedule", row, principal_due=row["principal_due"] + Decimal("20.00"))
            case 1:
                self._newer(batch, "repayment_schedule", row, due_date=month_end(row["due_date"]))
            case 2:
                zero = {"principal_due": Decimal(0), "interest_due": None, "fee_due": Decimal(0)}
                self._newer(batch, "repayment_schedule", row, **zero)
            case 3:
                start = row["effective_from"] + timedelta(days=self._random.choice((-5, 5, 30)))
                for other in self._versions(row["loan_id"])[row["schedule_version"]]:
                    self._newer(batch, "repayment_schedule", other, effective_from=start)

    def _pause(self, batch: Batch, on: date) -> None:
        starts_on = on + timedelta(days=self._random.choice((0, -20, 5)))
        add_pause(batch.rows, self._random, self._any_loan(), starts_on, updated_at=self._changed())

    def _change_pause(self, batch: Batch, on: date) -> None:
        row = self._any("hardship_arrangements")
        if row:
            change = self._random.choice(({"status": "declined"}, {"status": "broken", "ended_on": on}))
            self._newer(batch, "hardship_arrangements", row, **change)

    def _flag(self, batch: Batch, on: date) -> None:
        customer = self._any("customers")
        if customer:
            values = {"customer_id": customer["customer_id"], "flag": "disputed", "valid_from": on}
            batch.rows.add("customer_flags", **values, updated_at=self._changed())

    def _move_customer(self, batch: Batch, on: date) -> None:
        customer = self._any("customers")
        if customer:
            self._newer(batch, "customers", customer, jurisdiction=self._random.choice(JURISDICTIONS))

    def _repeat_customer(self, batch: Batch, on: date) -> None:
        customer = self._any("customers")
        if customer:
            self._newer(batch, "customers", customer, city="Elsewhere")

    def _change_loan(self, batch: Batch, on: date) -> None:
        loan = self._any("loans")
        customer = self._any("customers")
        if loan is None or customer is None:
            return
        near = on + timedelta(days=self._random.choice((0, -3, -30, 5)))
        changes: list[Row] = [
            {"closed_on": max(near, loan["disbursed_on"])},
            {"closed_on": None},
            {"written_off_on": near},
            {"written_off_on": None},
            {"day_count": self._random.choice(("actual", "30/360"))},
            {"product": self._random.choice(KINDS)[1]},
            {"disbursed_on": loan["disbursed_on"] + timedelta(days=self._random.choice((-10, 2)))},
            {"customer_id": customer["customer_id"]},
        ]
        self._newer(batch, "loans", loan, **self._random.choice(changes))

    def _send_older_version(self, batch: Batch, on: date) -> None:
        """Something that was superseded before it landed."""
        table = self._random.choice(("loans", "repayment_schedule", "loan_transactions", "customers"))
        row = self._any(table)
        if row:
            changes: dict[str, Row] = {
                "loans": {"closed_on": on},
                "repayment_schedule": {"principal_due": Decimal(999)},
                "loan_transactions": {"loan_id": self._any_loan(), "amount": Decimal("1234.00")},
                "customers": {"jurisdiction": "IN"},
            }
            changed_at = BY_NAME[table].changed_at
            batch.rows.add(table, **(row | changes[table] | {changed_at: row[changed_at] - timedelta(days=1)}))

    def _send_again(self, batch: Batch, on: date) -> None:
        """Rows that landed before, to the letter."""
        for table in ("loan_transactions", "repayment_schedule", "loans"):
            row = self._any(table)
            if row:
                batch.rows.add(table, **row)

    # Rejected rows that come right on the next day ----------------------------------------------------------------
    def _reject_payment(self, batch: Batch, on: date) -> None:
        transaction_id = batch.rows.pay(self._any_loan(), "5000.00", on, recorded_at=self._changed())
        row = batch.rows.rows["loan_transactions"][-1]
        assert row["transaction_id"] == transaction_id
        batch.rejected.append(("loan_transactions", row))
        self._postponed.append(
            ("loan_transactions", row | {"amount": Decimal("50.00"), "recorded_at": self._changed()})
        )

    def _reject_correction(self, batch: Batch, on: date) -> None:
        """The earlier version goes on counting until the correction comes right."""
        row = self._any("loan_transactions")
        if row and row["kind"] != "reversal" and row["transaction_id"] not in self._settled:
            wrong = self._newer(batch, "loan_transactions", row, amount=row["amount"] + 1000)
            batch.rejected.append(("loan_transactions", wrong))
            right = wrong | {"amount": row["amount"] + 1, "recorded_at": self._changed()}
            self._postponed.append(("loan_transactions", right))

    def _reject_instalment(self, batch: Batch, on: date) -> None:
        """Rejected for its parent: the same row lands again, unchanged, with the batch that brings the parent."""
        loan = self._any("loans")
        if loan:
            due = max(on, loan["disbursed_on"])
            number = 50 + self._numbers
            self._numbers += 1
            batch.rows.instalment(
                loan["loan_id"],
                1,
                loan["disbursed_on"],
                number,
                due,
                principal_due=Decimal(40),
                updated_at=self._changed(),
            )
            row = batch.rows.rows["repayment_schedule"][-1]
            batch.rejected.append(("repayment_schedule", row))
            self._postponed.append(("repayment_schedule", row))


def _changed_at(table: str, row: Row) -> datetime:
    changed_at = row[BY_NAME[table].changed_at]
    assert isinstance(changed_at, datetime)
    return changed_at
