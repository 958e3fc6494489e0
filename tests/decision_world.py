"""A small portfolio that is landed directly, one customer for each thing that can be said about him.

`World` collects rows of the source contract; `land` puts them into landing as a batch that passed the gate.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg2.extensions
from psycopg2.extras import execute_values

from arrears.landing_tables import mark_superseded
from arrears.source.contract import BY_NAME

AS_OF = date(2026, 3, 18)
"""A Wednesday, no public holiday in any of the jurisdictions used."""
CHANGED = datetime(2026, 3, 17, 2, tzinfo=UTC)
ZONES = {"CN": "Asia/Shanghai", "US": "America/New_York", "IN": "Asia/Kolkata", "GB": "Europe/London"}

Row = dict[str, Any]


class World:
    """Rows by table of the contract. Every method returns the world's own id of what it added."""

    def __init__(self, as_of: date = AS_OF, *, first_number: int = 0) -> None:
        """`first_number` keeps apart the lists of worlds that land in one warehouse."""
        self.as_of = as_of
        self.rows: dict[str, list[Row]] = {}
        self.batches: list[dict[str, Any]] = []
        self._number = first_number

    def add(self, table: str, **row: Any) -> Row:
        """Any row; the column that says when it changed has a default."""
        contract = BY_NAME[table]
        row.setdefault(contract.changed_at, CHANGED)
        self.rows.setdefault(table, []).append(row)
        return row

    def number(self) -> int:
        self._number += 1
        return self._number

    def customer(
        self,
        customer_id: str,
        *,
        dpd: int | None = 45,
        arrears: str = "500.00",
        currency: str = "CNY",
        jurisdiction: str = "CN",
        time_zone: str | None = "",
        phone: str | None = "own",
        address: bool = True,
        **columns: Any,
    ) -> str:
        """A customer with one loan that many days past due (below 0: due in that many days; None: no loan).

        Args:
            time_zone: "" = the jurisdiction's usual one.
            phone: "own" = a number that nobody else has; None = no number.
        """
        zone = ZONES.get(jurisdiction) if time_zone == "" else time_zone
        defaults = {"full_name": f"Name of {customer_id}", "given_name": customer_id, "language": "en"}
        self.add(
            "customers", customer_id=customer_id, jurisdiction=jurisdiction, time_zone=zone, **{**defaults, **columns}
        )
        if phone:
            value = f"+8613{self.number():09d}" if phone == "own" else phone
            self.point(f"{customer_id}-P1", customer_id, value=value)
        if address:
            self.point(f"{customer_id}-A1", customer_id, kind="address", value=f"{customer_id} Road 1", city="Hangzhou")
        if dpd is not None:
            self.loan(f"{customer_id}-L1", customer_id, dpd=dpd, arrears=arrears, currency=currency)
        return customer_id

    def point(self, point_id: str, customer_id: str, *, kind: str = "mobile", value: str, **columns: Any) -> None:
        defaults = {"is_valid": True, "relation": "self", "source": "contract", "consent": "granted"}
        self.add(
            "contact_points",
            contact_point_id=point_id,
            customer_id=customer_id,
            kind=kind,
            value=value,
            **{**defaults, **columns},
        )

    def loan(
        self,
        loan_id: str,
        customer_id: str,
        *,
        dpd: int,
        arrears: str = "500.00",
        currency: str = "CNY",
        product: str = "personal",
        **columns: Any,
    ) -> str:
        """A loan of two instalments: one that is `dpd` days old and one that falls due in 300 days."""
        self.add(
            "loans",
            loan_id=loan_id,
            customer_id=customer_id,
            product=product,
            currency=currency,
            principal=Decimal(arrears) * 2,
            annual_rate=Decimal("0.10"),
            disbursed_on=self.as_of - timedelta(days=max(dpd, 0) + 60),
            day_count="actual",
            **{"status": "active", **columns},
        )
        for number, due_date in enumerate((self.as_of - timedelta(days=dpd), self.as_of + timedelta(days=300)), 1):
            self.add(
                "repayment_schedule",
                loan_id=loan_id,
                schedule_version=1,
                effective_from=self.as_of - timedelta(days=max(dpd, 0) + 60),
                instalment_no=number,
                due_date=due_date,
                principal_due=Decimal(arrears),
                interest_due=0,
                fee_due=0,
            )
        return loan_id

    def pay(self, loan_id: str, amount: str, *, on: date | None = None, kind: str = "repayment", **columns: Any) -> str:
        day = on or self.as_of
        transaction_id = columns.pop("transaction_id", f"T{self.number()}")
        self.add(
            "loan_transactions",
            transaction_id=transaction_id,
            loan_id=loan_id,
            kind=kind,
            amount=Decimal(amount),
            effective_on=day,
            recorded_at=datetime(day.year, day.month, day.day, 1, tzinfo=UTC),
            **columns,
        )
        return transaction_id

    def flag(self, customer_id: str, flag: str, *, start: int = -10, end: int | None = None) -> None:
        """A flag from `start` to `end` (exclusive), in days from the business date."""
        self.add(
            "customer_flags",
            customer_id=customer_id,
            flag=flag,
            valid_from=self.as_of + timedelta(days=start),
            valid_to=None if end is None else self.as_of + timedelta(days=end),
        )

    def interaction(
        self,
        customer_id: str,
        disposition: str,
        *,
        days_ago: int,
        hour: int = 2,
        channel: str = "phone",
        direction: str = "outbound",
        **columns: Any,
    ) -> None:
        """What the bank itself noted; `hour` in UTC (02 = 10:00 in Shanghai)."""
        self.add(
            "customer_interactions",
            interaction_id=f"I{self.number()}",
            customer_id=customer_id,
            direction=direction,
            channel=channel,
            occurred_at=self.instant(days_ago=days_ago, hour=hour),
            disposition=disposition,
            **columns,
        )

    def instant(self, *, days_ago: int, hour: int = 2) -> datetime:
        day = self.as_of - timedelta(days=days_ago)
        return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)

    def promise(
        self, customer_id: str, amount: str, *, days_ago: int, due_days_ago: int, currency: str | None = "CNY"
    ) -> None:
        """A promise made to the bank itself."""
        self.interaction(
            customer_id,
            "promise_to_pay",
            days_ago=days_ago,
            promise_amount=Decimal(amount),
            promise_on=self.as_of - timedelta(days=due_days_ago),
            currency=currency,
        )

    def plan(
        self,
        customer_id: str,
        channel: str,
        *results: str | Row,
        days_ago: int,
        valid_days: int = 1,
        point: str | None = None,
        currency: str = "CNY",
        **batch: Any,
    ) -> str:
        """A row of an earlier list, with what the vendor reported on it: dispositions, or columns of results.

        Args:
            valid_days: the list may be worked until the end of that many days from its own.
        """
        day = self.as_of - timedelta(days=days_ago)
        number = self.number()
        vendor = {"sms": "demo_sms", "phone": "demo_call", "field_visit": "demo_visit"}.get(channel, f"demo_{channel}")
        batch_id = f"{channel}-{vendor}-{day:%Y%m%d}-{number}"
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        self.batches.append(
            {
                "batch": {
                    "batch_id": batch_id,
                    "kind": "contact_list",
                    "channel": channel,
                    "vendor": vendor,
                    "as_of": day,
                    "sequence": number,
                    "state": "acknowledged",
                    "row_count": 1,
                    "planned_at": midnight,
                    "valid_until": midnight + timedelta(days=valid_days),
                    "acknowledge_by": midnight,
                    **batch,
                },
                "item": {
                    "batch_id": batch_id,
                    "contact_ref": f"ref{number}",
                    "customer_id": customer_id,
                    "currency": currency,
                    "contact_point_id": point or f"{customer_id}-P1",
                },
                "results": [
                    _result(batch_id, f"ref{number}", vendor, midnight + timedelta(hours=2, minutes=line), line, result)
                    for line, result in enumerate(results, 1)
                ],
            }
        )
        return batch_id

    def take_back(self, batch_id: str, *, at: datetime, kind: str = "stop", state: str = "uploaded") -> None:
        """A stop file or recall of the list's row, which came to that state at that instant."""
        [planned] = [batch for batch in self.batches if batch["batch"]["batch_id"] == batch_id]
        number = self.number()
        name = {"batch_id": f"{kind}-{number}"}
        self.batches.append(
            {
                "batch": planned["batch"] | name | {"kind": kind, "channel": "all", "sequence": number, "state": state},
                "item": planned["item"] | name,
                "results": [],
                "events": [name | {"to_state": state, "happened_at": at}],
            }
        )

    def land(self, connection: psycopg2.extensions.connection, *, generation: int = 1, mode: str = "static") -> int:
        """Put everything collected since the last call into landing, as one batch that passed. Commits."""
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.source_generation (generation, mode, description) values (%s, %s, 'test')"
                " on conflict do nothing",
                (generation, mode),
            )
            cursor.execute(
                "insert into ops.load_batch (generation, as_of, state, decided_at)"
                " values (%s, %s, 'passed', clock_timestamp()) returning batch_id",
                (generation, self.as_of),
            )
            batch_id = int(cursor.fetchone()[0])
            for table, rows in self.rows.items():
                _insert(cursor, table, batch_id, rows)
                mark_superseded(cursor, BY_NAME[table], batch_id)
            _insert_rows(
                cursor, "ops.delivery_batch", [{**batch["batch"], "generation": generation} for batch in self.batches]
            )
            _insert_rows(cursor, "ops.delivery_item", [batch["item"] for batch in self.batches])
            _insert_rows(
                cursor, "ops.delivery_event", [event for batch in self.batches for event in batch.get("events", [])]
            )
            _insert_rows(
                cursor, "landing.vendor_result", [result for batch in self.batches for result in batch["results"]]
            )
            # As the loader does: without statistics the planner takes the tables for empty.
            cursor.execute("analyze")
        self.rows, self.batches = {}, []
        return batch_id


def _result(batch_id: str, ref: str, vendor: str, at: datetime, line: int, result: str | Row) -> Row:
    columns = {"disposition": result} if isinstance(result, str) else result
    return {
        "_vendor": vendor,
        "_file_sha256": batch_id,
        "_line_number": line,
        "batch_id": batch_id,
        "contact_ref": ref,
        "attempted_at": at,
        **columns,
    }


def _insert_rows(cursor: psycopg2.extensions.cursor, table: str, rows: list[Row]) -> None:
    """Rows that name different columns: what one does not name has its default."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(row), []).append(row)
    for columns, of_columns in alike.items():
        values = [tuple(row.values()) for row in of_columns]
        execute_values(cursor, f"insert into {table} ({', '.join(columns)}) values %s", values, page_size=1000)


def _insert(cursor: psycopg2.extensions.cursor, table: str, batch_id: int, rows: list[Row]) -> None:
    columns = BY_NAME[table].column_names
    execute_values(
        cursor,
        f"insert into landing.{table} (_batch_id, {', '.join(columns)}) values %s",
        [(batch_id, *(row.get(column) for column in columns)) for row in rows],
        page_size=1000,
    )


def query(
    connection: psycopg2.extensions.connection, statement: str, values: Iterable[Any] = ()
) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, list(values) or None)
        return cursor.fetchall() if cursor.description else []
