"""A day of decisions to deliver: what the marts hold that morning, written into stand-in tables."""

import csv
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2.extensions
from psycopg2 import sql

from arrears.services.vendors import VENDORS_SEED
from arrears.settings import PROJECT_ROOT, Settings

AS_OF = date(2020, 4, 15)
TABLES = Path(__file__).with_suffix(".sql")
_SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
SEEDS = {
    "vendors": VENDORS_SEED,
    "channels": _SEEDS / "reference" / "channels.csv",
    "dispositions": _SEEDS / "reference" / "dispositions.csv",
    "known_flags": _SEEDS / "reference" / "known_flags.csv",
    "nonpayment_reasons": _SEEDS / "reference" / "nonpayment_reasons.csv",
    "suppression_reasons": _SEEDS / "policy" / "suppression_reasons.csv",
}
VENDOR_OF = {
    "sms": "demo_sms",
    "phone": "demo_call",
    "field_visit": "demo_visit",
    "legal": "demo_law",
    "care": "demo_care",
}
WINDOW_OF = {
    "sms": ("send_after", "send_before"),
    "phone": ("call_after", "call_before"),
    "field_visit": ("visit_after", "visit_before"),
    "care": ("call_after", "call_before"),
}

KEPT_FOR_EVER = ("ops.model", "ops.model_bin", "ops.model_promotion")
"""Refuse to be emptied, and each of these days begins with empty tables."""


@dataclass
class Day:
    """The warehouse of one business date; every method commits."""

    warehouse: psycopg2.extensions.connection
    settings: Settings
    as_of: date = AS_OF
    known_at: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=10))
    build_id: int = 0

    def create_tables(self) -> None:
        """Tables and seeds, once for many days."""
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute(TABLES.read_text())
        for table, path in SEEDS.items():
            self.load_seed(table, path)

    def begin(self) -> None:
        """An empty day: a source and a passed build, nobody to contact."""
        kept = [f"staging.{name}" for name in SEEDS]
        tables = self.run(
            "select schemaname || '.' || tablename from pg_tables where schemaname = any(%s)",
            ["staging", "intermediate", "marts", "landing", "quarantine", "ops"],
        )
        names = ", ".join(name for (name,) in tables if name not in kept)
        for table in KEPT_FOR_EVER:
            self.run(f"alter table {table} disable trigger user")
        self.run(f"truncate {names} restart identity")
        self.insert("ops.source_generation", generation=1, mode="static", description="test")
        self.insert(
            "staging.delinquency_parameters", jurisdiction="DEFAULT", tolerance=Decimal(0), valid_from=date(1900, 1, 1)
        )
        self.build()

    def build(self) -> None:
        """A build of the day's marts that passed."""
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute(
                "insert into ops.mart_build (as_of, generation, known_at, state) values (%s, 1, %s, 'passed')"
                " returning build_id",
                (self.as_of, self.known_at),
            )
            (self.build_id,) = cursor.fetchone() or (0,)

    def load_seed(self, table: str, path: Path) -> None:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self.insert(f"staging.{table}", **{name: value or None for name, value in row.items()})

    def insert(self, table: str, **values: Any) -> None:
        schema, _, name = table.partition(".")
        query = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(schema, name),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join([sql.Placeholder()] * len(values)),
        )
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute(query, list(values.values()))

    def run(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def at(self, hour: int, minute: int = 0) -> datetime:
        """An instant of the day in the bank's zone."""
        return datetime.combine(self.as_of, time(hour, minute), tzinfo=self.settings.bank_tz)

    def contact(self, channel: str, customer_id: str, **changes: Any) -> None:
        """Decide that a customer is contacted, with believable values for the channel's list."""
        number = int("".join(c for c in customer_id if c.isdigit()) or "0")
        row: dict[str, Any] = {
            "as_of": self.as_of,
            "customer_id": customer_id,
            "currency": "USD",
            "vendor": VENDOR_OF[channel],
            "contact_point_id": f"{'A' if channel == 'field_visit' else 'P'}{number}",
            **_values(channel, number),
        }
        if channel in WINDOW_OF:
            row.update(zip(WINDOW_OF[channel], (self.at(9), self.at(19)), strict=True))
        row.update(changes)
        self.insert(f"intermediate.int_contact_list__{channel}", **row)
        self.point(row["contact_point_id"], customer_id, row.get("phone", row.get("address")))
        self.point(f"{row['contact_point_id']}-2", customer_id, row.get("alternate_phone"))
        self.decide(channel, row, "contact")

    def decide(self, channel: str, row: dict[str, Any], decision: str, reason_code: str | None = None) -> None:
        self.insert(
            "marts.fct_contact_decision",
            as_of=row["as_of"],
            customer_id=row["customer_id"],
            channel=channel,
            currency=row["currency"],
            contact_customer_id=row.get("contact_customer_id", row["customer_id"]),
            vendor=row["vendor"],
            decision=decision,
            reason_code=reason_code,
            policy_id="CN",
            tier="M2",
            days_past_due=row.get("days_past_due", 40),
            arrears_amount=row.get("amount_due", row.get("arrears_amount", Decimal("100.00"))),
            amount_due=row.get("amount_due"),
            outstanding_principal=row.get("outstanding"),
            attempts=row.get("attempts_left", 1),
            contact_point_id=row.get("contact_point_id"),
            alternate_contact_point_id=f"{row['contact_point_id']}-2" if row.get("alternate_phone") else None,
            window_start=self.at(9),
            window_end=self.at(19),
            loan_ids=row.get("loan_ids"),
        )

    def point(self, contact_point_id: str, customer_id: str, value: str | None) -> None:
        """A contact point of a customer, in place of what it was; none without a value."""
        if value is None:
            return
        self.run("delete from staging.stg_core_banking__contact_points where contact_point_id = %s", contact_point_id)
        self.insert(
            "staging.stg_core_banking__contact_points",
            contact_point_id=contact_point_id,
            customer_id=customer_id,
            kind="mobile" if value.startswith("+") else "address",
            value=value,
        )

    def release(self, vendor: str) -> None:
        """What must be before a list leaves: the day is sealed, and the vendor took its stop file."""
        self.run(
            "insert into ops.sealed_day (generation, as_of, build_id) values (1, %s, %s) on conflict do nothing",
            self.as_of,
            self.build_id,
        )
        self.run(
            "insert into ops.delivery_batch (batch_id, kind, channel, vendor, generation, as_of, sequence, state,"
            " row_count, planned_at, valid_until, acknowledge_by)"
            " values ('stop-' || %s, 'stop', 'all', %s, 1, %s, 1, 'acknowledged', 0, %s, %s, %s)"
            " on conflict do nothing",
            vendor,
            vendor,
            self.as_of,
            *(self.at(hour) for hour in (5, 20, 6)),
        )

    def propose_referral(self, customer_id: str, **changes: Any) -> None:
        """A legal referral that waits for two approvals, with a loan to give evidence of."""
        number = int("".join(c for c in customer_id if c.isdigit()))
        row = {
            "as_of": self.as_of,
            "customer_id": customer_id,
            "currency": "USD",
            "vendor": "demo_law",
            **_values("legal", number),
            **changes,
        }
        self.insert("intermediate.int_contact_list__legal", **row)
        self.decide("legal", row | {"loan_ids": [f"L{number}"]}, "suppress", "NOT_APPROVED")
        self.loan(f"L{number}", customer_id, Decimal("200.00"))

    def loan(self, loan_id: str, customer_id: str, arrears: Decimal, currency: str = "USD") -> None:
        """A loan with two unpaid instalments, as staging and the marts have it."""
        self.insert(
            "staging.stg_core_banking__loans",
            loan_id=loan_id,
            customer_id=customer_id,
            product="auto",
            currency=currency,
            principal=Decimal("1200.00"),
            annual_rate=Decimal("0.0725"),
            disbursed_on=date(2020, 1, 10),
            maturity_on=date(2021, 1, 10),
        )
        for instalment, due_date in enumerate((date(2020, 2, 10), date(2020, 3, 10), date(2020, 5, 10)), start=1):
            self.insert(
                "staging.stg_core_banking__repayment_schedule",
                loan_id=loan_id,
                schedule_version=1,
                effective_from=date(2020, 1, 10),
                instalment_no=instalment,
                due_date=due_date,
                principal_due=Decimal("90.00"),
                interest_due=Decimal("10.00"),
                fee_due=Decimal("0.00"),
            )
        self.insert(
            "marts.fct_loan_delinquency",
            loan_id=loan_id,
            customer_id=customer_id,
            currency=currency,
            jurisdiction="CN",
            arrears_amount=arrears,
        )

    def approve(self, customer_id: str) -> None:
        """What the view of decisions says once two people approved."""
        self.run(
            "update marts.fct_contact_decision set decision = 'contact', reason_code = null"
            " where channel = 'legal' and customer_id = %s",
            customer_id,
        )

    def land(self, table: str, *rows: dict[str, Any], state: str = "passed") -> int:
        """A load batch with rows of one table, decided now."""
        ((batch_id,),) = self.run(
            "insert into ops.load_batch (generation, as_of, state, decided_at) values (1, %s, %s, clock_timestamp())"
            " returning batch_id",
            self.as_of,
            state,
        )
        for row in rows:
            self.insert(f"landing.{table}", _batch_id=batch_id, **row)
        return int(batch_id)

    def pay(self, loan_id: str, amount: str, transaction_id: str, kind: str = "repayment", **changes: Any) -> int:
        return self.land(
            "loan_transactions",
            {
                "transaction_id": transaction_id,
                "loan_id": loan_id,
                "kind": kind,
                "amount": Decimal(amount),
                "effective_on": self.as_of,
                "recorded_at": self.at(10),
                **changes,
            },
        )

    def state(self, batch_id: str) -> str:
        ((state,),) = self.run("select state from ops.delivery_batch where batch_id = %s", batch_id)
        return str(state)

    def content(self, batch_id: str, position: int = 0) -> bytes:
        ((content,),) = self.run(
            "select content from ops.delivery_file where batch_id = %s and position = %s", batch_id, position
        )
        return bytes(content)

    def rows(self, batch_id: str) -> list[dict[str, str]]:
        """The rows of a batch's plain list."""
        return list(csv.DictReader(self.content(batch_id).decode().splitlines()))


def _values(channel: str, number: int) -> dict[str, Any]:
    phone, name = f"+8613800{number:06d}", f"Person {number}"
    due = {"amount_due": Decimal("100.00") + number, "language": "zh-CN"}
    late = {**due, "full_name": name, "days_past_due": 40}
    return {
        "sms": {**due, "phone": phone, "template_id": "gentle", "first_name": name, "due_date": date(2020, 4, 10)},
        "phone": {**late, "phone": phone, "tier": "M2", "priority": 1, "attempts_left": 2},
        "field_visit": {**late, "address": f"{number} Long Road", "longitude": Decimal("-73.98")},
        "legal": {
            "contract_no": f"L{number}",
            "full_name": name,
            "national_id": f"11010119900101{number:04d}",
            "product": "auto",
            "disbursed_on": date(2020, 1, 10),
            "principal": Decimal("1200.00"),
            "outstanding": Decimal("1200.00"),
            "arrears_amount": Decimal("200.00"),
            "days_past_due": 65,
        },
        "care": {"phone": phone, "full_name": name, "reason": "asked_for_help", "offer_instalment": Decimal("50.00")},
    }[channel]
