"""A business date as the ledger tells it, with something wrong in every part of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from delivery_day import AS_OF, Day

NOW = datetime(2020, 4, 15, 3, 0, tzinfo=UTC)
"""Eleven o'clock at the bank."""
DECISIONS = [
    ("sms", None, 5),
    ("sms", "PROMISE_OPEN", 3),
    ("phone", "PROMISE_OPEN", 2),
    ("phone", "NOT_THIS_TIER", 1),
    ("legal", "OF_OLD", 1),
]
"""By channel and reason: how many rows of the ledger."""


def fill(day: Day) -> None:
    """Write the day; commits."""
    landed = day.land("customers", {"customer_id": "C1", "full_name": "Ann Other"})
    tables = [("customers", 100, 2), ("loans", 80, 1)]
    for table, rows, rejected in tables:
        values = {"is_full": True, "source_rows": rows, "landed_rows": rows, "rejected_rows": rejected}
        day.insert("ops.load_table", batch_id=landed, table_name=table, **values)
    nothing_new = day.land("customers")
    day.insert("ops.load_table", batch_id=nothing_new, table_name="loans", is_full=False, source_rows=0, landed_rows=0)
    _rules(day)
    _batches(day)
    day.insert(
        "ops.vendor_outage",
        vendor="demo_law",
        began_at=NOW - timedelta(hours=1),
        last_failed_at=NOW,
        failures=4,
        reason="VendorConnectionError (TimeoutError)",
        opened_at=NOW - timedelta(minutes=30),
        next_try_at=NOW + timedelta(minutes=5),
    )


def decide(day: Day, *, is_summed_up: bool = True) -> None:
    """The views of decisions that BI reads; commits.

    One referral was approved after the build: its sums do not know of it.
    """
    day.run("create table bi.fct_contact_decision (as_of date, channel text, decision text, reason_code text)")
    day.run(
        "create table bi.contact_decision_daily"
        " (as_of date, channel text, decision text, reason_code text, decisions bigint)"
    )
    rows = [(AS_OF, *row) for row in DECISIONS] + [(AS_OF - timedelta(days=1), "sms", "DISPUTED", 1)]
    for as_of, channel, reason, count in rows:
        decided = {"as_of": as_of, "channel": channel, "decision": "suppress" if reason else "contact"}
        for _ in range(count):
            day.insert("bi.fct_contact_decision", reason_code=reason, **decided)
        if is_summed_up:
            more = 1 if channel == "legal" else 0
            day.insert("bi.contact_decision_daily", reason_code=reason or "none", decisions=count + more, **decided)


def undecide(day: Day) -> None:
    day.run("drop table if exists bi.fct_contact_decision, bi.contact_decision_daily")


def _rules(day: Day) -> None:
    at = NOW - timedelta(hours=2)
    for subject, rule, severity, success, border in (
        ("loans", "amount_not_positive", "reject", False, "landing"),
        ("loans", "columns", "abort", True, "landing"),
        ("fct_contact_decision", "one_row_per_key", "abort", False, "marts"),
        ("sms", "phone", "warn", False, "contact_list"),
    ):
        _result(day, border, subject, "1", rule, severity, success, at)
    _result(day, "landing", "loans", "2", "amount_not_positive", "reject", False, at + timedelta(minutes=5))
    _result(day, "landing", "loans", "9", "of_another_day", "abort", False, at, AS_OF - timedelta(days=1))


def _result(
    day: Day,
    border: str,
    subject: str,
    reference: str,
    rule: str,
    severity: str,
    success: bool,
    at: datetime,
    as_of: Any = AS_OF,
) -> None:
    day.insert(
        "ops.quality_results",
        border=border,
        subject=subject,
        reference=reference,
        as_of=as_of,
        rule_id=rule,
        severity=severity,
        success=success,
        checked_rows=80,
        failed_rows=0 if success else 1,
        expected=f"what {rule} expects",
        found=f"found by load {reference}",
        docs_path=f"validations/{border}/{subject}/{reference}.html",
        checked_at=at,
    )


def _batches(day: Day) -> None:
    uploaded = NOW - timedelta(hours=2)
    for kind, channel, vendor, state, rows, uploaded_at in (
        ("contact_list", "sms", "demo_sms", "acknowledged", 50, uploaded),
        ("contact_list", "phone", "demo_call", "uploaded", 20, uploaded),
        ("contact_list", "care", "demo_care", "uploaded", 5, NOW - timedelta(minutes=30)),
        ("contact_list", "field_visit", "demo_visit", "refused", 4, uploaded),
        ("contact_list", "legal", "demo_law", "expired", 3, None),
        ("recall", "all", "demo_sms", "acknowledged", 2, uploaded),
    ):
        batch_id = f"{kind}-{vendor}-20200415-01"
        day.insert(
            "ops.delivery_batch",
            batch_id=batch_id,
            kind=kind,
            channel=channel,
            vendor=vendor,
            generation=1,
            as_of=AS_OF,
            sequence=1,
            state=state,
            row_count=rows,
            planned_at=uploaded,
            valid_until=uploaded + timedelta(hours=12),
            acknowledge_by=uploaded + timedelta(hours=1),
            refused_reason="17 rows taken of 4" if state == "refused" else None,
        )
        steps = {"uploaded": uploaded_at, "acknowledged": uploaded + timedelta(minutes=3)}
        for step in ("uploaded", "acknowledged")[: 2 if state == "acknowledged" else 1 if uploaded_at else 0]:
            detail = f"{rows - 1} of {rows} rows taken" if step == "acknowledged" else None
            day.insert("ops.delivery_event", batch_id=batch_id, to_state=step, detail=detail, happened_at=steps[step])
    for name, state, kind in (
        ("a.csv", "loaded", "results"),
        ("b.csv", "refused", "results"),
        ("c.csv", "loaded", "ack"),
    ):
        day.insert(
            "ops.vendor_file",
            sha256=name,
            vendor="demo_sms",
            file_name=name,
            kind=kind,
            batch_id="contact_list-demo_sms-20200415-01",
            state=state,
            row_count=40,
            rejected_rows=1 if kind == "results" else 0,
            repeated_rows=2 if kind == "results" else 0,
        )
