"""Loans for tests of the marts: rows of the source contract, landed as a batch that passed the gate."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg2.extensions
from psycopg2 import sql

from arrears.landing.load import load_batch
from arrears.landing_tables import mark_superseded
from arrears.quality.landing_gate import check_batch
from arrears.quality.rules import GateReport
from arrears.settings import Settings
from arrears.source.contract import BY_NAME
from arrears.source.load import load_directory
from arrears.source.writer import ContractWriter

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


@dataclass
class Portfolio:
    """Collects contract rows; every method names only what its test is about."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    prefix: str = ""
    """Before the ids that are made up, where several portfolios land in one warehouse."""
    _customers: set[str] = field(default_factory=set)

    def add(self, table: str, **values: Any) -> Row:
        contract = BY_NAME[table]
        row = {contract.changed_at: LONG_AGO} | values
        self.rows.setdefault(table, []).append(row)
        if table == "customers":
            self._customers.add(row["customer_id"])
        return row

    def loan(
        self,
        loan_id: str,
        due: Iterable[tuple[date, str | Decimal]] = (),
        *,
        jurisdiction: str = "US",
        product: str = "auto",
        currency: str = "USD",
        disbursed_on: date = date(2023, 12, 1),
        **values: Any,
    ) -> None:
        """A loan of a customer of its own, with version 1 of its schedule (all principal) if instalments are given."""
        customer_id = values.pop("customer_id", f"C-{loan_id}")
        instalments = [(day, Decimal(amount)) for day, amount in due]
        if customer_id not in self._customers:
            self.add("customers", customer_id=customer_id, jurisdiction=jurisdiction)
        row = {
            "loan_id": loan_id,
            "customer_id": customer_id,
            "product": product,
            "currency": currency,
            "principal": sum((amount for _, amount in instalments), Decimal(0)) or Decimal(1),
            "disbursed_on": disbursed_on,
            "day_count": "actual",
            "status": "active",
        }
        self.add("loans", **(row | values))
        if instalments:
            self.schedule(loan_id, 1, disbursed_on, instalments)

    def schedule(
        self, loan_id: str, version: int, effective_from: date, due: Iterable[tuple[date, str | Decimal]]
    ) -> None:
        for number, (day, amount) in enumerate(due, start=1):
            self.instalment(loan_id, version, effective_from, number, day, principal_due=Decimal(amount))

    def instalment(
        self, loan_id: str, version: int, effective_from: date, number: int, due_date: date, **amounts: Any
    ) -> None:
        self.add(
            "repayment_schedule",
            loan_id=loan_id,
            schedule_version=version,
            effective_from=effective_from,
            instalment_no=number,
            due_date=due_date,
            **amounts,
        )

    def transact(self, loan_id: str, kind: str, amount: str | Decimal, effective_on: date, **values: Any) -> str:
        """A transaction, recorded at noon of its effective day unless said otherwise; returns its id."""
        number = len(self.rows.get("loan_transactions", ()))
        row = {
            "transaction_id": f"{self.prefix}T{number:06}",
            "loan_id": loan_id,
            "kind": kind,
            "amount": Decimal(amount),
            "effective_on": effective_on,
            "recorded_at": datetime(effective_on.year, effective_on.month, effective_on.day, 4, tzinfo=UTC),
        }
        self.add("loan_transactions", **(row | values))
        return str((row | values)["transaction_id"])

    def pay(self, loan_id: str, amount: str | Decimal, effective_on: date, **values: Any) -> str:
        return self.transact(loan_id, "repayment", amount, effective_on, **values)

    def pause(self, loan_id: str, starts_on: date, ends_on: date, *, status: str = "accepted", **values: Any) -> None:
        self.add(
            "hardship_arrangements",
            arrangement_id=f"{self.prefix}H{len(self.rows.get('hardship_arrangements', ())):06}",
            loan_id=loan_id,
            kind="payment_pause",
            starts_on=starts_on,
            ends_on=ends_on,
            status=status,
            **values,
        )

    def land(self, connection: psycopg2.extensions.connection, *, as_of: date, generation: int = 1) -> int:
        """Land all rows as one batch that passed the gate; returns the batch. Commits."""
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.source_generation (generation, mode, description) values (%s, 'static', 'test')"
                " on conflict do nothing",
                (generation,),
            )
            cursor.execute(
                "insert into ops.load_batch (generation, as_of, state, decided_at)"
                " values (%s, %s, 'passed', clock_timestamp()) returning batch_id",
                (generation, as_of),
            )
            (batch_id,) = cursor.fetchone() or (None,)
            for table, rows in self.rows.items():
                _insert(
                    cursor, sql.Identifier("landing", table), table, [row | {"_batch_id": batch_id} for row in rows]
                )
                mark_superseded(cursor, BY_NAME[table], batch_id)
                # As the gate does: without statistics PostgreSQL takes landing for nearly empty.
                cursor.execute(sql.SQL("analyze {}").format(sql.Identifier("landing", table)))
        return int(batch_id)

    def load(
        self,
        core_banking: psycopg2.extensions.connection,
        warehouse: psycopg2.extensions.connection,
        directory: Path,
        *,
        as_of: date,
        settings: Settings,
    ) -> GateReport:
        """Bring all rows the way a bank's come: as files into an emptied source, to landing, and past the gate."""
        with ContractWriter(directory) as writer:
            for table, rows in self.rows.items():
                for row in rows:
                    writer.add(table, **row)
        load_directory(core_banking, warehouse, directory, replace=True)
        batch = load_batch(core_banking, warehouse, as_of=as_of, run_id=None, settings=settings)
        return check_batch(warehouse, batch_id=batch.batch_id, settings=settings)


def _insert(cursor: psycopg2.extensions.cursor, target: sql.Identifier, table: str, rows: list[Row]) -> None:
    columns = ["_batch_id", *BY_NAME[table].column_names]
    statement = sql.SQL("copy {} ({}) from stdin").format(target, sql.SQL(", ").join(map(sql.Identifier, columns)))
    lines = StringIO()
    for row in rows:
        lines.write("\t".join(_field(row.get(column)) for column in columns) + "\n")
    lines.seek(0)
    cursor.copy_expert(statement, lines)


def _field(value: Any) -> str:
    """A value in PostgreSQL's text format of COPY."""
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def quarantine(connection: psycopg2.extensions.connection, table: str, batch_id: int, condition: str) -> None:
    """Put the landed rows of a batch that meet a condition into quarantine, as the gate does. Commits."""
    names = sql.SQL(", ").join(map(sql.Identifier, ["_row_id", "_batch_id", *BY_NAME[table].column_names]))
    with connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "insert into {} (reason_code, rule_id, {}) select 'TEST', 'test', {} from {} where _batch_id = %s and "
            ).format(sql.Identifier("quarantine", table), names, names, sql.Identifier("landing", table))
            + sql.SQL(condition),
            (batch_id,),
        )
        cursor.execute("delete from ops.superseded_row where batch_id = %s and table_name = %s", (batch_id, table))
        mark_superseded(cursor, BY_NAME[table], batch_id)
