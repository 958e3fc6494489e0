"""A bank of three customers with one row or more in every table of the contract: nothing is wrong with it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.source.contract import BY_NAME, SOURCE_SCHEMA

AS_OF = date(2026, 3, 20)
CHANGED = datetime(2026, 3, 19, 2, tzinfo=UTC)
PERSONAL = ("Zhang Wei", "330106198001011234", "+8613900000001", "12 Lake Road", "owes his brother")
"""Personal values of this bank; none may be found outside landing, quarantine and what is sent."""

Row = dict[str, Any]


def good_rows() -> dict[str, list[Row]]:
    """Fresh rows by table, each without the columns that are null."""
    rows: dict[str, list[Row]] = {
        "feed_status": [{"table_name": "customer_flags", "complete_to": CHANGED}],
        "collectors": [{"collector_id": "K1", "vendor": "demo_phone", "channel": "phone", "grade": "senior"}],
        "collector_training": [{"collector_id": "K1", "course": "conduct", "completed_on": date(2026, 1, 5)}],
        "collector_assignments": [{"collector_id": "K1", "customer_id": "C1", "assigned_on": date(2026, 3, 1)}],
        "complaints": [{"complaint_id": "Z1", "customer_id": "C2", "collector_id": "K1", "received_at": CHANGED}],
        "customer_flags": [
            {"customer_id": "C2", "flag": "vulnerable", "valid_from": date(2026, 1, 1), "note": PERSONAL[4]},
        ],
        "contact_consents": [
            {"customer_id": "C1", "channel": "sms", "consent": "granted", "valid_from": date(2025, 1, 1)},
        ],
        "customer_interactions": [
            {"interaction_id": "I1", "customer_id": "C1", "loan_id": "L1", "direction": "inbound", "channel": "phone"}
            | {"occurred_at": CHANGED, "disposition": "promise_to_pay", "promise_amount": 100, "currency": "CNY"},
        ],
        "loan_parties": [{"loan_id": "L1", "customer_id": "C2", "role": "guarantor"}],
        "hardship_arrangements": [
            {"arrangement_id": "H1", "loan_id": "L2", "kind": "payment_pause", "status": "accepted"}
            | {"starts_on": date(2026, 2, 1), "ends_on": date(2026, 3, 1)},
        ],
    }
    for number in (1, 2, 3):
        rows.setdefault("customers", []).append(
            {"customer_id": f"C{number}", "full_name": PERSONAL[0], "national_id": PERSONAL[1]}
            | {"time_zone": "Asia/Shanghai", "jurisdiction": "CN"}
        )
        rows.setdefault("contact_points", []).append(
            {"contact_point_id": f"P{number}", "customer_id": f"C{number}", "kind": "mobile", "value": PERSONAL[2]}
        )
        rows.setdefault("loans", []).append(
            {"loan_id": f"L{number}", "customer_id": f"C{number}", "product": "auto", "currency": "CNY"}
            | {"principal": 300, "disbursed_on": date(2026, 1, 1), "day_count": "actual", "status": "active"}
        )
        rows.setdefault("repayment_schedule", []).extend(
            {"loan_id": f"L{number}", "schedule_version": 1, "effective_from": date(2026, 1, 1)}
            | {"instalment_no": month, "due_date": date(2026, month, 10), "principal_due": 100, "interest_due": 5}
            for month in (1, 2, 3)
        )
        rows.setdefault("loan_transactions", []).append(
            {"transaction_id": f"T{number}", "loan_id": f"L{number}", "kind": "repayment", "amount": 105}
            | {"effective_on": date(2026, 1, 10), "recorded_at": datetime(2026, 1, 10, 8, tzinfo=UTC)}
        )
    rows["contact_points"].append(
        {"contact_point_id": "P9", "customer_id": "C3", "kind": "address", "value": PERSONAL[3], "city": "Hangzhou"}
    )
    rows["loan_transactions"].append(
        {"transaction_id": "R3", "loan_id": "L3", "kind": "reversal", "amount": 105, "reverses": "T3"}
        | {"effective_on": date(2026, 1, 20), "recorded_at": datetime(2026, 1, 20, 8, tzinfo=UTC)}
    )
    for name, table_rows in rows.items():
        for row in table_rows:
            row.setdefault(BY_NAME[name].changed_at, CHANGED)
    return rows


def later(row: Row, **changes: Any) -> Row:
    """A newer version of a row."""
    changed_at = "recorded_at" if "transaction_id" in row else "updated_at"
    return {**row, changed_at: row[changed_at] + timedelta(days=1), **changes}


def insert(source: Connection, rows: dict[str, list[Row]]) -> None:
    """Add rows to the source. Commits."""
    with source, source.cursor() as cursor:
        for name, table_rows in rows.items():
            for row in table_rows:
                columns = ", ".join(row)
                marks = ", ".join(["%s"] * len(row))
                cursor.execute(f"insert into {SOURCE_SCHEMA}.{name} ({columns}) values ({marks})", list(row.values()))


def run(connection: Connection, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement and commit; the rows, where it returns any."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, list(values) or None)
        return cursor.fetchall() if cursor.description else []
