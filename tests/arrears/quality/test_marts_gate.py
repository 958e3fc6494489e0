"""The gate on the marts, on marts made by hand: what breaks an identity or swings too far stops before any list."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import AS_OF, run

from arrears.errors import GateBrokenError, GateError, TierSwingError
from arrears.quality.marts_gate import check_marts
from arrears.quality.rules import GateReport
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

_CREATE = """
create table staging.channels as select unnest(array['sms', 'phone']) as channel;
create table staging.delinquency_parameters as select 0::numeric as tolerance;
create table marts.fct_loan_delinquency (
    as_of date, loan_id text, customer_id text, product text default 'auto', currency text default 'CNY', tier text,
    days_past_due integer, days_past_due_counted integer, days_past_due_regulatory integer,
    oldest_unpaid_due_date date, arrears_amount numeric(18, 2), outstanding_principal numeric(18, 2) default 100,
    paid_total numeric(18, 2) default 0, unpaid_instalments integer default 0, is_written_off boolean default false,
    is_data_hold boolean default false
);
create table marts.delinquency_tier (
    as_of date, tier text, product text, jurisdiction text, currency text, loans bigint, customers bigint,
    arrears_amount numeric(18, 2), outstanding_principal numeric(18, 2), dpd_to integer
);
create table marts.fct_contact_decision (
    as_of date, customer_id text, channel text, currency text, decision text, reason_code text, tier text,
    arrears_amount numeric(18, 2)
);
create table intermediate.int_loans__delinquency (like marts.fct_loan_delinquency including all);
insert into ops.source_generation (generation, mode, description) values (1, 'static', 'test');
"""
_FILL_DAY = """
insert into marts.fct_loan_delinquency (as_of, loan_id, customer_id, tier, days_past_due, days_past_due_counted,
    days_past_due_regulatory, oldest_unpaid_due_date, arrears_amount)
select %(as_of)s, 'L' || n, 'C' || n, case when n <= %(behind)s then 'M1' else 'current' end,
    days, days, days, case when days > 0 then %(as_of)s::date - days end, days * 10
from generate_series(1, %(loans)s) as n
cross join lateral (select case when n <= %(behind)s then 5 else 0 end as days) as d;

insert into marts.delinquency_tier
select as_of, tier, product, 'CN', currency, count(*), count(*), sum(arrears_amount), sum(outstanding_principal),
    case tier when 'M1' then 30 else 0 end
from marts.fct_loan_delinquency where as_of = %(as_of)s group by as_of, tier, product, currency;

insert into marts.fct_contact_decision
select as_of, customer_id, channel, currency, case when channel = 'sms' then 'contact' else 'suppress' end,
    case when channel = 'phone' then 'NOT_THIS_TIER' end, tier, arrears_amount
from marts.fct_loan_delinquency cross join staging.channels where as_of = %(as_of)s and days_past_due > 0;
"""


def _build(warehouse: Connection, as_of: date = AS_OF, *, loans: int = 10, behind: int = 4, generation: int = 1) -> int:
    """A day's marts: the loan mart keeps the newest day only."""
    run(warehouse, "delete from marts.fct_loan_delinquency")
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(_FILL_DAY, {"as_of": as_of, "loans": loans, "behind": behind})
    [(build_id,)] = run(
        warehouse,
        "insert into ops.mart_build (as_of, generation, known_at) values (%s, %s, clock_timestamp())"
        " returning build_id",
        [as_of, generation],
    )
    return int(build_id)


def _check(warehouse: Connection, settings: Settings, build_id: int, as_of: date = AS_OF) -> GateReport:
    return check_marts(warehouse, as_of=as_of, build_id=build_id, settings=settings)


@pytest.fixture
def marts(warehouse: Connection) -> Connection:
    """A warehouse with empty marts."""
    run(warehouse, _CREATE)
    return warehouse


def _history(marts: Connection, days: int, generation: int = 1) -> None:
    """Days before AS_OF on which 4 to 6 loans of 400 were behind."""
    for back in range(days, 0, -1):
        _build(marts, AS_OF - timedelta(days=back), loans=400, behind=4 + back % 3, generation=generation)
    run(marts, "update ops.mart_build set state = 'passed'")


def test_good_marts_pass_and_say_that_there_is_no_history(marts: Connection, databases: Settings) -> None:
    build_id = _build(marts)

    report = _check(marts, databases, build_id)

    assert [warning.split(":")[0] for warning in report.warnings] == ["delinquency_tier.too_few_days"]
    assert run(marts, "select state, reason, finished_at is not null from ops.mart_build") == [("passed", None, True)]
    results = run(marts, "select count(*), count(*) filter (where success), min(as_of) from ops.quality_results")
    assert results == [(report.rules, report.rules - 1, AS_OF)]
    assert _check(marts, databases, build_id) == report


def test_empty_marts_pass(marts: Connection, databases: Settings) -> None:
    build_id = _build(marts, loans=0)

    _check(marts, databases, build_id)

    assert run(marts, "select state from ops.mart_build") == [("passed",)]


_LOANS = "update marts.fct_loan_delinquency set "
_TWICE = "insert into marts.{mart} select * from marts.{mart}"
_DECISIONS = "update marts.fct_contact_decision set "

BROKEN = {
    "fct_loan_delinquency.behind_has_a_date": _LOANS + "oldest_unpaid_due_date = null",
    "fct_loan_delinquency.behind_owes": _LOANS + "arrears_amount = 0 where loan_id = 'L1'",
    "fct_loan_delinquency.counted_within_contractual": _LOANS + "days_past_due_counted = 6",
    "fct_loan_delinquency.nothing_negative": _LOANS + "paid_total = -1",
    "fct_loan_delinquency.every_loan_has_a_tier": _LOANS + "tier = null where loan_id = 'L9'",
    "fct_loan_delinquency.one_row_per_loan": _TWICE.format(mart="fct_loan_delinquency"),
    "delinquency_tier.tiers_sum_the_loans": "update marts.delinquency_tier set arrears_amount = arrears_amount + 0.01",
    "fct_contact_decision.one_decision_each": _TWICE.format(mart="fct_contact_decision"),
    "fct_contact_decision.every_channel_decided": "delete from marts.fct_contact_decision where channel = 'phone'",
    "fct_contact_decision.everyone_in_arrears_decided": _DECISIONS + "customer_id = '?' where customer_id = 'C1'",
    "fct_contact_decision.decision_has_its_reason": _DECISIONS + "reason_code = 'VULNERABLE'",
    "fct_contact_decision.no_contact_on_hold": _LOANS + "is_data_hold = true",
    "fct_contact_decision.amount_is_owed": _DECISIONS + "arrears_amount = arrears_amount + 0.01",
}


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_identity_fails_the_build(marts: Connection, databases: Settings, rule: str) -> None:
    build_id = _build(marts)
    run(marts, BROKEN[rule])

    with pytest.raises(GateError, match=rule):
        _check(marts, databases, build_id)

    [(state, reason)] = run(marts, "select state, reason from ops.mart_build")
    assert state == "failed"
    assert rule in reason
    red = run(
        marts, "select subject || '.' || rule_id from ops.quality_results where not success and severity = 'abort'"
    )
    assert (rule,) in red


@pytest.mark.parametrize(("behind", "state"), [(23, "passed"), (26, "failed"), (0, "passed")])
def test_tier_that_swings_beyond_its_limits_fails_the_build(
    marts: Connection, databases: Settings, behind: int, state: str
) -> None:
    """Usually 5 of 400 loans are behind; the limit is 20 more."""
    _history(marts, days=10)
    build_id = _build(marts, loans=400, behind=behind)

    if state == "failed":
        with pytest.raises(TierSwingError, match=r"tier_swings.*M1: 26 loans, usually 5 \(last 10 built days\)"):
            _check(marts, databases, build_id)
    else:
        assert _check(marts, databases, build_id).warnings == ()

    assert run(marts, "select state from ops.mart_build where build_id = %s", [build_id]) == [(state,)]


def test_every_loan_behind_at_once_fails_the_build(marts: Connection, databases: Settings) -> None:
    """What a lost payment feed looks like."""
    _history(marts, days=10)
    build_id = _build(marts, loans=400, behind=400)

    with pytest.raises(GateError, match="not behind: 0 loans, usually 395"):
        _check(marts, databases, build_id)


def test_loans_that_fall_due_soon_are_no_swing(marts: Connection, databases: Settings) -> None:
    _history(marts, days=10)
    build_id = _build(marts, loans=400, behind=5)
    for mart in ("fct_loan_delinquency", "delinquency_tier", "fct_contact_decision"):
        run(marts, f"update marts.{mart} set tier = 'pre_due' where as_of = %s and tier = 'current'", [AS_OF])

    _check(marts, databases, build_id)


def test_swing_after_a_new_source_generation_is_no_swing(marts: Connection, databases: Settings) -> None:
    _history(marts, days=10)
    run(marts, "insert into ops.source_generation (generation, mode, description) values (2, 'static', 'another bank')")
    build_id = _build(marts, loans=400, behind=300, generation=2)

    report = _check(marts, databases, build_id)

    assert "found 0 built days" in report.warnings[0]


def test_older_day_is_judged_by_its_own_loans(marts: Connection, databases: Settings) -> None:
    build_id = _build(marts)
    run(marts, "insert into intermediate.int_loans__delinquency select * from marts.fct_loan_delinquency")
    _build(marts, AS_OF + timedelta(days=1), behind=7)

    _check(marts, databases, build_id)

    run(marts, "update ops.mart_build set state = 'building'")
    run(marts, "update intermediate.int_loans__delinquency set arrears_amount = 0")
    with pytest.raises(GateError, match="behind_owes"):
        _check(marts, databases, build_id)


def test_failed_build_is_judged_again(marts: Connection, databases: Settings) -> None:
    build_id = _build(marts)
    run(marts, "update marts.fct_loan_delinquency set paid_total = -1")
    with pytest.raises(GateError):
        _check(marts, databases, build_id)
    run(marts, "update marts.fct_loan_delinquency set paid_total = 0")

    _check(marts, databases, build_id)

    assert run(marts, "select state, reason from ops.mart_build") == [("passed", None)]


def test_build_of_another_day_or_without_marts_is_a_broken_gate(warehouse: Connection, databases: Settings) -> None:
    with pytest.raises(GateBrokenError, match="mart build 1 is not in"):
        _check(warehouse, databases, 1)
    run(warehouse, _CREATE)
    build_id = _build(warehouse)
    with pytest.raises(GateBrokenError, match="expected a build for 2026-03-21, found one for 2026-03-20"):
        _check(warehouse, databases, build_id, AS_OF + timedelta(days=1))
    run(warehouse, "alter table marts.delinquency_tier drop column outstanding_principal")
    with pytest.raises(GateBrokenError, match=r"suite marts\.delinquency_tier could not be run"):
        _check(warehouse, databases, build_id)
    assert run(warehouse, "select state from ops.mart_build") == [("building",)]


def test_pages_are_rendered(marts: Connection, databases: Settings, tmp_path: Path) -> None:
    build_id = _build(marts)

    check_marts(marts, as_of=AS_OF, build_id=build_id, settings=databases, docs_dir=tmp_path)

    pages = {path for (path,) in run(marts, "select docs_path from ops.quality_results")}
    assert len(pages) == 3
    assert all((tmp_path / page).is_file() for page in pages)
