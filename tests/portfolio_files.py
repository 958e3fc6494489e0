"""A bank of three loans as a directory of contract files: small enough to know every answer by heart."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

FIRST_DUE = ("2026-01-10", "2026-02-10", "2026-03-10")
STAMP = "2025-12-01T09:00:00+08:00"
FILLER_PAYMENTS = 20
"""Payments of a cent each that settle the paid loan's first instalment in small coin: a file that can be halved."""


def write_worked_bank(directory: Path, *, share_of_transactions: float = 1.0) -> None:
    """Write loans L-NEVER (nothing paid), L-CENT (99.99 of 100.00 paid) and L-PAID (paid on the day)."""
    loans = ("L-NEVER", "L-CENT", "L-PAID")
    _write(
        directory / "customers.csv",
        (
            {"customer_id": f"C-{loan}", "jurisdiction": "CN", "time_zone": "Asia/Shanghai", "updated_at": STAMP}
            for loan in loans
        ),
    )
    _write(
        directory / "loans.csv",
        (
            {
                "loan_id": loan,
                "customer_id": f"C-{loan}",
                "product": "personal",
                "currency": "CNY",
                "principal": "300.00",
                "disbursed_on": "2025-12-10",
                "day_count": "actual",
                "status": "active",
                "updated_at": STAMP,
            }
            for loan in loans
        ),
    )
    _write(
        directory / "repayment_schedule.csv",
        (
            {
                "loan_id": loan,
                "schedule_version": 1,
                "effective_from": "2025-12-10",
                "instalment_no": number,
                "due_date": due,
                "principal_due": "100.00",
                "updated_at": STAMP,
            }
            for loan in loans
            for number, due in enumerate(FIRST_DUE, 1)
        ),
    )
    payments = [("L-CENT", "99.99"), ("L-PAID", "99.80"), *[("L-PAID", "0.01")] * FILLER_PAYMENTS]
    kept = payments[: max(1, round(len(payments) * share_of_transactions))]
    _write(
        directory / "loan_transactions.csv",
        (
            {
                "transaction_id": f"T-{number:03}",
                "loan_id": loan,
                "kind": "repayment",
                "amount": amount,
                "effective_on": "2026-01-10",
                "recorded_at": "2026-01-10T18:00:00+08:00",
            }
            for number, (loan, amount) in enumerate(kept, 1)
        ),
    )


def _write(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
