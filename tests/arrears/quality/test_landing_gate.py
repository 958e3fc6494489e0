"""Each row of "What bad input gets" in docs/source.md: a good bank with one thing wrong, and exactly that outcome."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gates import Pipeline
from small_bank import AS_OF, CHANGED, PERSONAL, Row, good_rows, insert, later, run

from arrears.errors import GateBrokenError, GateError
from arrears.quality.engine import Session
from arrears.quality.landing_gate import check_batch
from arrears.source.contract import TABLES

pytestmark = pytest.mark.postgres

Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Case:
    """A change to the good bank, and what it must get: red rules, as `table.rule`."""

    name: str
    corrupt: Callable[[Rows], Any]
    red: tuple[str, ...]


def _set(table: str, position: int, **values: Any) -> Callable[[Rows], Any]:
    return lambda rows: rows[table][position].update(values)


def _add(table: str, position: int, **values: Any) -> Callable[[Rows], Any]:
    return lambda rows: rows[table].append({**rows[table][position], **values})


def _reversal(rows: Rows, identifier: str, amount: int, minutes: int, reverses: str = "T1", loan: str = "L1") -> None:
    recorded_at = datetime(2026, 2, 1, 8, tzinfo=UTC) + timedelta(minutes=minutes)
    rows["loan_transactions"].append(
        {"transaction_id": identifier, "loan_id": loan, "kind": "reversal", "amount": amount, "reverses": reverses}
        | {"effective_on": date(2026, 2, 1), "recorded_at": recorded_at}
    )


REJECTED = [
    Case("null key", _set("customer_flags", 0, flag=None), ("customer_flags.null_key",)),
    Case("null in a required column", _set("complaints", 0, received_at=None), ("complaints.null_required",)),
    Case("null changed-at", _set("complaints", 0, updated_at=None), ("complaints.null_required",)),
    Case("loan of an unknown customer", _set("loan_parties", 0, customer_id="?"), ("loan_parties.unknown_customer",)),
    Case(
        "flag of an unknown customer", _set("customer_flags", 0, customer_id="?"), ("customer_flags.unknown_customer",)
    ),
    Case("payment of an unknown loan", _set("loan_transactions", 0, loan_id="?"), ("loan_transactions.unknown_loan",)),
    Case(
        "instalment of an unknown loan",
        _add("repayment_schedule", 0, loan_id="?"),
        ("repayment_schedule.unknown_loan",),
    ),
    Case(
        "pause of an unknown loan",
        _set("hardship_arrangements", 0, loan_id="?"),
        ("hardship_arrangements.unknown_loan",),
    ),
    Case("payment of 0", _set("loan_transactions", 0, amount=0), ("loan_transactions.amount_not_positive",)),
    Case("negative payment", _set("loan_transactions", 0, amount=-5), ("loan_transactions.amount_not_positive",)),
    Case(
        "promise of 0",
        _set("customer_interactions", 0, promise_amount=0),
        ("customer_interactions.amount_not_positive",),
    ),
    Case("negative instalment", _set("repayment_schedule", 0, fee_due=-1), ("repayment_schedule.amount_negative",)),
    Case(
        "negative reduced amount",
        _set("hardship_arrangements", 0, reduced_amount=-1),
        ("hardship_arrangements.amount_negative",),
    ),
    Case(
        "due before disbursement",
        _set("repayment_schedule", 0, due_date=date(2025, 12, 31)),
        ("repayment_schedule.due_before_disbursement",),
    ),
    Case(
        "reversal of an unknown transaction",
        lambda rows: _reversal(rows, "R1", 1, 0, reverses="?"),
        ("loan_transactions.reverses_unknown",),
    ),
    Case(
        "reversal that names nothing",
        lambda rows: rows["loan_transactions"][-1].pop("reverses"),
        ("loan_transactions.reverses_unknown",),
    ),
    Case(
        "reversal of another loan's transaction",
        lambda rows: _reversal(rows, "R1", 1, 0, reverses="T2", loan="L1"),
        ("loan_transactions.reverses_unknown",),
    ),
    Case(
        "reversal of itself",
        lambda rows: _reversal(rows, "R1", 1, 0, reverses="R1"),
        ("loan_transactions.reverses_unknown",),
    ),
    Case(
        "reversal that takes back more than a reversal took",
        lambda rows: _reversal(rows, "R1", 106, 0, reverses="R3", loan="L3"),
        ("loan_transactions.reversal_exceeds",),
    ),
    Case(
        "effective on a day that the bank's clock has not reached",
        # 17:00 UTC of the 9th is the 10th in the bank's time zone, not the 11th.
        _set("loan_transactions", 0, recorded_at=datetime(2026, 1, 9, 17, tzinfo=UTC), effective_on=date(2026, 1, 11)),
        ("loan_transactions.effective_after_recorded",),
    ),
    Case("closed without a date", _set("loans", 0, status="closed"), ("loans.end_without_date",)),
    Case("written off without a date", _set("loans", 0, status="written_off"), ("loans.end_without_date",)),
    Case("unknown loan status", _set("loans", 0, status="dormant"), ("loans.unknown_code",)),
    Case("unknown day count", _set("loans", 0, day_count="30E/360"), ("loans.unknown_code",)),
    Case("unknown currency", _set("loans", 0, currency="yuan"), ("loans.unknown_currency",)),
    Case("unknown kind of transaction", _set("loan_transactions", 0, kind="gift"), ("loan_transactions.unknown_code",)),
    Case("unknown kind of contact point", _set("contact_points", 0, kind="fax"), ("contact_points.unknown_code",)),
    Case("unknown consent", _set("contact_consents", 0, consent="maybe"), ("contact_consents.unknown_code",)),
    Case("unknown role", _set("loan_parties", 0, role="friend"), ("loan_parties.unknown_code",)),
    Case(
        "unknown state of a plan",
        _set("hardship_arrangements", 0, status="lost"),
        ("hardship_arrangements.unknown_code",),
    ),
    Case(
        "unknown time zone",
        _add("customers", 0, customer_id="C9", time_zone="Mars/Base"),
        ("customers.unknown_time_zone",),
    ),
    Case(
        "flag that ends before it begins",
        _set("customer_flags", 0, valid_to=date(2025, 1, 1)),
        ("customer_flags.interval_reversed",),
    ),
    Case(
        "plan that ends before it begins",
        _set("hardship_arrangements", 0, ends_on=date(2025, 1, 1)),
        ("hardship_arrangements.interval_reversed",),
    ),
]

WARNED = [
    Case("identical rows", _add("loan_transactions", 0), ("loan_transactions.identical_rows",)),
    Case("flag that nobody knows", _set("customer_flags", 0, flag="left_handed"), ("customer_flags.unknown_flag",)),
    Case("principal 2 % off", _set("loans", 0, principal=306), ("repayment_schedule.principal_differs",)),
    Case(
        "unknown collector", _set("collector_training", 0, collector_id="K9"), ("collector_training.unknown_collector",)
    ),
    Case("phone as people write it", _set("contact_points", 0, value="0571 8888"), ("contact_points.phone_not_e164",)),
]

FINE = [
    Case("nothing wrong", lambda rows: None, ()),
    Case("principal within 1 %", _set("loans", 0, principal=303), ()),
    Case(
        "effective on the day that has begun in the bank's time zone",
        _set("loan_transactions", 0, recorded_at=datetime(2026, 1, 9, 17, tzinfo=UTC), effective_on=date(2026, 1, 10)),
        (),
    ),
    Case(
        "effective after the business date, recorded then",
        _set("loan_transactions", 0, effective_on=date(2026, 4, 1), recorded_at=datetime(2026, 4, 1, 4, tzinfo=UTC)),
        (),
    ),
    Case("instalment of nothing", _add("repayment_schedule", 0, instalment_no=4, principal_due=0), ()),
    Case("due on the day of disbursement", _set("repayment_schedule", 0, due_date=date(2026, 1, 1)), ()),
    Case("newer version of a row", lambda rows: rows["customers"].append(later(rows["customers"][0], segment="b")), ()),
    Case(
        "reversals up to the whole amount",
        lambda rows: (_reversal(rows, "Ra", 60, 1), _reversal(rows, "Rb", 45, 2)),
        (),
    ),
    Case(
        "reversal of a reversal, and of that one a part",
        lambda rows: (_reversal(rows, "Ra", 105, 1, "R3", "L3"), _reversal(rows, "Rb", 60, 2, "Ra", "L3")),
        (),
    ),
]

ABORTED = [
    Case(
        "one version, two contents",
        _add("loan_transactions", 0, amount=1),
        ("loan_transactions.conflicting_versions",),
    ),
    Case("no transactions", lambda rows: rows["loan_transactions"].clear(), ("batch.empty_table",)),
]


def _family(rows: Rows, number: int) -> Rows:
    """The same bank with every identifier its own, so that many banks fit in one."""

    def own(column: str, value: Any) -> Any:
        is_identifier = column.endswith("_id") or column in ("reverses", "table_name")
        return f"{value}~{number}" if is_identifier and value is not None else value

    return {
        table: [{column: own(column, value) for column, value in row.items()} for row in table_rows]
        for table, table_rows in rows.items()
    }


def _quarantined_by_family(pipeline: Pipeline) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for table in TABLES:
        for rule, row in run(
            pipeline.warehouse, f"select rule_id, to_jsonb(held)::text from quarantine.{table.name} as held"
        ):
            number = re.search(r"~(\d+)", row)
            assert number is not None
            found.setdefault(int(number[1]), []).append(f"{table.name}.{rule}")
    return found


def test_each_bad_row_gets_exactly_its_outcome(pipeline: Pipeline) -> None:
    pipeline.tables = None
    cases = [*REJECTED, *WARNED, *FINE]
    for number, case in enumerate(cases):
        rows = good_rows()
        case.corrupt(rows)
        insert(pipeline.source, _family(rows, number))

    pipeline.load_and_check()

    found = _quarantined_by_family(pipeline)
    # "parent_rejected" is a test of its own; here it only follows from a bad loan.
    own = {
        case.name: [rule for rule in found.get(number, []) if not rule.endswith("parent_rejected")]
        for number, case in enumerate(cases)
    }
    assert own == {case.name: list(case.red) if case in REJECTED else [] for case in cases}
    warned = run(
        pipeline.warehouse,
        "select subject || '.' || rule_id, failed_rows from ops.quality_results"
        " where severity = 'warn' and not success",
    )
    # Two loans lack the principal of an instalment that was rejected.
    assert dict(warned) == {case.red[0]: 1 for case in WARNED} | {"repayment_schedule.principal_differs": 3}
    assert pipeline.batch_states() == ["passed"]


@pytest.mark.parametrize("case", ABORTED, ids=lambda case: case.name)
def test_aborted_batch_goes_no_further_and_keeps_its_results(pipeline: Pipeline, case: Case) -> None:
    rows = good_rows()
    case.corrupt(rows)
    rows["complaints"][0]["received_at"] = None
    insert(pipeline.source, rows)

    with pytest.raises(GateError, match=case.red[0]):
        pipeline.load_and_check()

    assert {*case.red, "complaints.null_required"} <= pipeline.red_rules()
    assert pipeline.batch_states() == ["aborted"]
    assert pipeline.quarantined("complaints") == []


def test_only_the_reversal_that_exceeds_is_rejected(pipeline: Pipeline) -> None:
    rows = good_rows()
    _reversal(rows, "Rd", 60, 4, reverses="Rb")  # has nothing to take back
    _reversal(rows, "Rc", 45, 3)  # still fits, since Rb does not count
    _reversal(rows, "Rb", 60, 2)  # 60 + 60 > 105
    _reversal(rows, "Ra", 60, 1)
    insert(pipeline.source, rows)

    pipeline.load_and_check()

    assert pipeline.red_rules() == {"loan_transactions.reversal_exceeds", "loan_transactions.parent_rejected"}
    held = run(pipeline.warehouse, "select transaction_id, reason_code from quarantine.loan_transactions order by 1")
    assert held == [("Rb", "REVERSAL_EXCEEDS"), ("Rd", "PARENT_REJECTED")]


def test_reversal_is_compared_with_what_earlier_batches_reversed(pipeline: Pipeline) -> None:
    rows = good_rows()
    _reversal(rows, "Ra", 60, 1)
    insert(pipeline.source, rows)
    pipeline.load_and_check()
    late: Rows = {"loan_transactions": []}
    _reversal(late, "Rb", 60, 2)
    insert(pipeline.source, late)

    pipeline.load_and_check()

    held = run(pipeline.warehouse, "select transaction_id from quarantine.loan_transactions")
    assert held == [("Rb",)]


def test_children_of_a_rejected_row_follow_it_and_do_not_count(pipeline: Pipeline) -> None:
    rows = good_rows()
    rows["loans"][0]["status"] = "dormant"
    rows["repayment_schedule"] += [
        {**rows["repayment_schedule"][0], "instalment_no": number, "principal_due": 0} for number in range(4, 40)
    ]
    insert(pipeline.source, rows)

    report = pipeline.load_and_check()

    assert report.rejected["loans"] == 1
    assert set(pipeline.quarantined("repayment_schedule")) == {("PARENT_REJECTED", "parent_rejected")}
    assert report.rejected["repayment_schedule"] == 39
    assert pipeline.quarantined("loan_transactions") == [("PARENT_REJECTED", "parent_rejected")]
    assert pipeline.batch_states() == ["passed"]


def test_reversal_of_a_rejected_transaction_follows_it(pipeline: Pipeline) -> None:
    rows = good_rows()
    rows["loan_transactions"][2]["amount"] = 0
    insert(pipeline.source, rows)

    pipeline.load_and_check()

    held = run(pipeline.warehouse, "select transaction_id, reason_code from quarantine.loan_transactions order by 1")
    assert held == [("R3", "PARENT_REJECTED"), ("T3", "AMOUNT_NOT_POSITIVE")]


def test_parents_may_come_with_an_earlier_batch(pipeline: Pipeline) -> None:
    rows = good_rows()
    payment = rows["loan_transactions"].pop(1)
    insert(pipeline.source, rows)
    pipeline.load_and_check()
    insert(pipeline.source, {"loan_transactions": [payment]})

    pipeline.load_and_check()

    assert pipeline.quarantined("loan_transactions") == []
    assert pipeline.batch_states() == ["passed", "passed"]


def test_children_come_back_when_their_parent_is_mended(pipeline: Pipeline) -> None:
    rows = good_rows()
    rows["customers"][0]["jurisdiction"] = None
    insert(pipeline.source, rows)
    assert pipeline.load_and_check().rejected["repayment_schedule"] == 3
    run(
        pipeline.source,
        "update core_banking.customers set jurisdiction = 'CN', updated_at = updated_at + interval '1 day'"
        " where customer_id = 'C1'",
    )

    report = pipeline.load_and_check()

    assert report.rejected == {}
    assert run(pipeline.warehouse, "select count(*) from landing.current_repayment_schedule(2)") == [(9,)]
    assert pipeline.load().landed_rows == 0
    assert run(pipeline.warehouse, "select sum(returned_rows) from ops.load_table where batch_id = 3") == [(0,)]


def _many_bad_payments(rows: Rows, bad: int, good: int) -> None:
    payment = rows["loan_transactions"][0]
    rows["loan_transactions"] += [
        {**payment, "transaction_id": f"B{number}", "amount": 0 if number < bad else 1} for number in range(bad + good)
    ]


@pytest.mark.parametrize(
    ("bad", "good", "state"),
    [(20, 0, "passed"), (21, 0, "aborted"), (21, 4300, "passed")],
    ids=["20 rows", "more than 20 rows and 0.5 %", "more than 20 rows, less than 0.5 %"],
)
def test_too_many_rejects_abort_when_both_limits_are_exceeded(
    pipeline: Pipeline, bad: int, good: int, state: str
) -> None:
    rows = good_rows()
    _many_bad_payments(rows, bad, good)
    insert(pipeline.source, rows)

    if state == "aborted":
        with pytest.raises(GateError, match=f"loan_transactions: {bad} of 25 rows rejected"):
            pipeline.load_and_check()
    else:
        assert pipeline.load_and_check().rejected == {"loan_transactions": bad}

    assert pipeline.batch_states() == [state]


def test_source_that_shrank_aborts_and_the_next_good_load_passes(pipeline: Pipeline) -> None:
    insert(pipeline.source, good_rows())
    pipeline.load_and_check()
    run(pipeline.source, "delete from core_banking.repayment_schedule where instalment_no = 3 and loan_id = 'L3'")

    with pytest.raises(GateError, match="repayment_schedule: 8 rows after 9"):
        pipeline.load_and_check()

    insert(pipeline.source, {"repayment_schedule": good_rows()["repayment_schedule"][-1:]})
    pipeline.load_and_check()
    assert pipeline.batch_states() == ["passed", "aborted", "passed"]


def test_row_that_disappeared_is_kept_and_counted(pipeline: Pipeline) -> None:
    rows = good_rows()
    rows["complaints"] += [{**rows["complaints"][0], "complaint_id": f"Z{number}"} for number in range(2, 41)]
    insert(pipeline.source, rows)
    pipeline.load_and_check()
    run(pipeline.source, "delete from core_banking.complaints where complaint_id = 'Z1'")

    report = pipeline.load_and_check()

    assert pipeline.red_rules() == {"batch.rows_disappeared"}
    assert report.warnings[0].endswith("found complaints: 1 rows")
    assert run(pipeline.warehouse, "select count(*) from landing.complaints") == [(40,)]


@pytest.mark.parametrize(("mode", "state"), [("feed", "aborted"), ("static", "passed")])
def test_silent_feed_on_a_new_business_date(pipeline: Pipeline, mode: str, state: str) -> None:
    run(
        pipeline.warehouse,
        "insert into ops.source_generation (generation, mode, description) values (1, %s, 'test')",
        [mode],
    )
    insert(pipeline.source, good_rows())
    pipeline.load_and_check()
    pipeline.load_and_check()  # the second load of a day may well bring nothing

    if state == "aborted":
        with pytest.raises(GateError, match=r"feed_silent.*loan_transactions: no new row"):
            pipeline.load_and_check(AS_OF + timedelta(days=1))
    else:
        pipeline.load_and_check(AS_OF + timedelta(days=1))
        assert pipeline.red_rules() == {"batch.source_unchanged"}

    assert pipeline.batch_states() == ["passed", "passed", state]


def test_new_generation_begins_afresh(pipeline: Pipeline) -> None:
    insert(pipeline.source, good_rows())
    pipeline.load_and_check()
    run(pipeline.source, "delete from core_banking.repayment_schedule where instalment_no > 1")
    run(pipeline.source, "update core_banking.loans set principal = 100")
    run(
        pipeline.warehouse,
        "insert into ops.source_generation (generation, mode, description) values (2, 'static', 'replaced')",
    )

    pipeline.load_and_check()

    assert pipeline.red_rules() == set()
    assert run(pipeline.warehouse, "select count(*) from landing.repayment_schedule where _batch_id = 2") == [(3,)]


def test_content_that_changed_under_an_old_version_aborts_in_a_feed(pipeline: Pipeline) -> None:
    insert(pipeline.source, good_rows())
    pipeline.load_and_check()
    run(pipeline.source, "update core_banking.loans set principal = 301 where loan_id = 'L1'")

    with pytest.raises(GateError, match=r"loans\.rewritten_in_feed"):
        pipeline.load_and_check()


def test_table_that_was_reloaded_may_change_under_an_old_version(pipeline: Pipeline) -> None:
    insert(pipeline.source, good_rows())
    pipeline.load_and_check()
    run(pipeline.source, "update core_banking.loans set principal = 301 where loan_id = 'L1'")
    run(pipeline.warehouse, "insert into ops.source_load (generation, table_name, row_count) values (1, 'loans', 3)")

    pipeline.load_and_check()

    assert pipeline.red_rules() == {"loans.rewritten_by_reload"}
    newest = run(pipeline.warehouse, "select principal from landing.current_loans(2) where loan_id = 'L1'")
    assert newest == [(301,)]


def test_gate_run_again_changes_nothing(pipeline: Pipeline) -> None:
    rows = good_rows()
    rows["loan_transactions"][0]["amount"] = 0
    insert(pipeline.source, rows)
    batch = pipeline.load()
    tables = ("quarantine.loan_transactions", "ops.quality_results", "ops.load_batch", "ops.gate_reject")

    first = pipeline.check(batch)
    before = [run(pipeline.warehouse, f"select * from {table}") for table in tables]
    second = pipeline.check(batch)

    assert second == first
    assert [run(pipeline.warehouse, f"select * from {table}") for table in tables] == before


def test_tables_without_new_rows_are_green_and_nothing_is_asked_of_them(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(pipeline.source, good_rows())
    pipeline.load_and_check()
    payment = {"transaction_id": "T9", "loan_id": "L1", "kind": "repayment", "amount": 5, "effective_on": AS_OF}
    insert(pipeline.source, {"loan_transactions": [payment | {"recorded_at": CHANGED + timedelta(days=1)}]})
    asked: list[str] = []
    validate = Session.validate_relation
    monkeypatch.setattr(
        Session,
        "validate_relation",
        lambda self, suite, *others: asked.append(suite.name) or validate(self, suite, *others),
    )

    pipeline.load_and_check()

    assert asked == ["landing.batch", "landing.loan_transactions", "landing.rejects"]
    judged = "select subject, rule_id, success from ops.quality_results where reference = %s order by subject, rule_id"
    assert run(pipeline.warehouse, judged, ["2"]) == run(pipeline.warehouse, judged, ["1"])


def test_aborted_batch_stays_aborted(pipeline: Pipeline) -> None:
    rows = good_rows()
    rows["loan_transactions"].clear()
    insert(pipeline.source, rows)
    batch = pipeline.load()

    for _ in range(2):
        with pytest.raises(GateError, match=r"batch\.empty_table: expected rows in every required table"):
            pipeline.check(batch)


def test_gate_that_was_killed_half_way_starts_over(pipeline: Pipeline) -> None:
    insert(pipeline.source, good_rows())
    batch = pipeline.load()
    run(
        pipeline.warehouse,
        "insert into ops.gate_reject (batch_id, table_name, row_id, rule_id, reason_code)"
        " values (%s, 'loans', 1, 'unknown_code', 'UNKNOWN_CODE')",
        [batch.batch_id],
    )
    run(pipeline.warehouse, "insert into ops.gate_repeat values (%s, 'loans', 1, 'conflicting')", [batch.batch_id])

    assert pipeline.check(batch).rejected == {}
    assert pipeline.red_rules() == set()
    assert run(pipeline.warehouse, "select count(*) from ops.gate_repeat") == [(0,)]


def test_unknown_batch_is_a_broken_gate(pipeline: Pipeline) -> None:
    with pytest.raises(GateBrokenError, match="load batch 99 is not in"):
        check_batch(pipeline.warehouse, batch_id=99, settings=pipeline.settings)


def test_no_personal_value_leaves_landing_and_quarantine(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.tables = None
    rows = good_rows()
    for table, column in (("customers", "jurisdiction"), ("contact_points", "kind"), ("customer_flags", "updated_at")):
        for row in rows[table]:
            row[column] = None
    insert(pipeline.source, rows)
    batch = pipeline.load()

    check_batch(pipeline.warehouse, batch_id=batch.batch_id, settings=pipeline.settings, docs_dir=tmp_path)

    pages = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix in (".html", ".json")]
    assert len([page for page in pages if "validations" in page.parts]) == len(TABLES) + 2
    ops = str(run(pipeline.warehouse, "select * from ops.quality_results")) + str(
        run(pipeline.warehouse, "select * from ops.load_batch")
    )
    for value in PERSONAL:
        assert value not in ops
        assert [page for page in pages if value in page.read_text(encoding="utf-8")] == []
    listed = run(pipeline.warehouse, "select docs_path from ops.quality_results where rule_id = 'null_key'")
    assert all((tmp_path / path).is_file() for (path,) in listed)


def test_counts_in_the_results_are_exact(pipeline: Pipeline) -> None:
    pipeline.tables = ["customers", "customer_flags"]
    rows = good_rows()
    rows["customer_flags"] = [
        {**rows["customer_flags"][0], "flag": f"unheard_of_{number}", "updated_at": CHANGED} for number in range(1234)
    ]
    insert(pipeline.source, rows)

    pipeline.load_and_check()

    found = run(
        pipeline.warehouse,
        "select failed_rows, checked_rows, found from ops.quality_results where rule_id = 'unknown_flag'",
    )
    first = run(pipeline.warehouse, "select _row_id from landing.customer_flags order by _row_id limit 5")
    named = ", ".join(str(row_id) for (row_id,) in first)
    assert found == [(1234, 1234, f"1234 of 1234 rows (rows {named}, …)")]
