"""A past day rebuilt, as it was known then and as it is known now, beside what was published for it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from marts_warehouse import Warehouse, new_warehouse, quick_builds
from portfolio import Portfolio, quarantine
from typer.testing import CliRunner

from arrears.cli.main import app
from arrears.dbt_build import BuildError
from arrears.errors import ConfigurationError
from arrears.rebuild import rebuild
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

DUE = [(date(2026, month, 10), "100.00") for month in (1, 2, 3)]
DAYS = (date(2026, 1, 20), date(2026, 1, 25), date(2026, 2, 12))
FIRST, SECOND, THIRD = DAYS
MODELS = "+fct_delinquency_history +fct_loan_delinquency +delinquency_tier"
_LOANS = "select * from {}.fct_loan_delinquency order by loan_id"


def _at(day: date, hour: int = 4) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def _first_day() -> Portfolio:
    bank = Portfolio()
    for loan in ("BACKDATED", "LATE", "MOVED", "PAUSED", "PLAIN", "REVERSED", "WRONG"):
        bank.loan(loan, DUE)
    bank.loan("REJECTED", DUE)
    bank.pay("REVERSED", "100", date(2026, 1, 12), transaction_id="PAID")
    bank.pay("WRONG", "100", date(2026, 1, 12), transaction_id="AMOUNT")
    bank.pay("MOVED", "100", date(2026, 1, 12), transaction_id="OTHER-LOAN")
    return bank


def _second_day() -> Portfolio:
    """Everything that can be recorded late about the first day."""
    bank, recorded = Portfolio(), _at(date(2026, 1, 23))
    bank.pay("LATE", "60", date(2026, 1, 15), transaction_id="LATE-1", recorded_at=recorded)
    bank.pay("PLAIN", "100", date(2026, 1, 24), transaction_id="IN-TIME", recorded_at=_at(date(2026, 1, 24)))
    bank.transact(
        "REVERSED", "reversal", "100", date(2026, 1, 18), transaction_id="BACK", reverses="PAID", recorded_at=recorded
    )
    bank.pay("WRONG", "40", date(2026, 1, 12), transaction_id="AMOUNT", recorded_at=recorded)
    bank.pay("PLAIN", "100", date(2026, 1, 12), transaction_id="OTHER-LOAN", recorded_at=recorded)
    bank.pause("PAUSED", date(2026, 1, 12), date(2026, 2, 12), updated_at=recorded)
    for number, day in enumerate((date(2026, 2, 15), date(2026, 3, 15)), start=1):
        bank.instalment("BACKDATED", 2, date(2026, 1, 16), number, day, principal_due=150, updated_at=recorded)
    bank.loan("NEW", DUE, updated_at=recorded)
    bank.rows["customers"][0]["updated_at"] = recorded
    for row in bank.rows["repayment_schedule"]:
        row["updated_at"] = recorded
    return bank


def _third_day() -> Portfolio:
    bank, recorded = Portfolio(), _at(date(2026, 2, 11))
    bank.pay("LATE", "40", date(2026, 1, 19), transaction_id="LATE-2", recorded_at=recorded)
    bank.loan("PLAIN", status="closed", closed_on=date(2026, 1, 19), updated_at=recorded)
    bank.rows.pop("customers")
    return bank


@pytest.fixture(scope="module")
def published(server: Settings) -> Iterator[tuple[Warehouse, dict[date, list[dict[str, Any]]]]]:
    """Three days, each published by what was known on its evening, and what the loans showed on each."""
    with new_warehouse(server) as marts:
        shown = {}
        # Not over the rebuilds: they parse for schemas of their own.
        with quick_builds():
            for day, rows in zip(DAYS, (_first_day(), _second_day(), _third_day()), strict=True):
                batch = rows.land(marts.connection, as_of=day)
                if day == FIRST:
                    quarantine(marts.connection, "loans", batch, "loan_id = 'REJECTED'")
                marts.build(day, select=MODELS)
                shown[day] = marts.rows(_LOANS.format("marts"))
        # What a rebuild that was killed may have left.
        marts.execute("create schema rebuild_marts")
        marts.execute("create table rebuild_marts.differences as select 1 as left_over")
        yield marts, shown


def _everything(marts: Warehouse) -> dict[str, Any]:
    return {
        name: marts.rows(f"select * from {name} order by 1, 2, 3")
        for name in (
            "marts.fct_loan_delinquency",
            "marts.fct_delinquency_history",
            "marts.delinquency_tier",
            "intermediate.int_loans__terms",
            "ops.loan_state",
            "ops.mart_build",
            "ops.delinquency_correction",
        )
    }


@pytest.mark.parametrize("day", DAYS)
def test_known_that_evening_is_what_was_published_that_evening(published: Any, day: date) -> None:
    marts, shown = published
    before = _everything(marts)
    report = rebuild(marts.settings, as_of=day, known_at=day)
    assert marts.rows(_LOANS.format("rebuild_marts")) == shown[day]
    assert (report.differing_loans, report.tiers, report.first_loans) == (0, (), ())
    assert report.publication is not None
    assert report.publication.is_whole == (day == THIRD)
    assert marts.rows("select * from rebuild_marts.differences") == []
    assert _everything(marts) == before, "nothing that is published changes"


def test_known_now_differs_and_says_because_of_what(published: Any) -> None:
    marts, _ = published
    seen: list[str] = []
    report = rebuild(marts.settings, as_of=FIRST, progress=lambda name, _, __: seen.append(name))
    assert "fct_delinquency_history" in seen
    found = {(row.loan_id, row.figure): row for row in report.first_loans}
    causes = {loan: row.because for (loan, _), row in found.items()}
    assert causes == {
        "BACKDATED": {"repayment_schedule": ["2"]},
        "LATE": {"loan_transactions": ["LATE-1", "LATE-2"]},
        "MOVED": {"loan_transactions": ["OTHER-LOAN"]},
        "NEW": {"loans": ["NEW"], "repayment_schedule": ["1"]},
        "PLAIN": {"loans": ["PLAIN"], "loan_transactions": ["OTHER-LOAN"]},
        "REVERSED": {"loan_transactions": ["BACK"]},
        "WRONG": {"loan_transactions": ["AMOUNT"]},
    }
    late = found["LATE", "arrears_amount"]
    assert (late.published, late.rebuilt) == ("100.00", "0.00"), "not what it was in between"
    assert (found["NEW", "exists"].published, found["PLAIN", "exists"].rebuilt) == ("false", "false")
    assert report.loans_paused == 1
    assert report.differing_loans == 7
    assert report.causes == {"loan_transactions": 5, "loans": 2, "repayment_schedule": 2}
    tiers = {row.tier: row.loans for row in report.tiers}
    assert tiers == {"current": (3, 2), "M1": (4, 5)}
    kept = marts.rows("select distinct loan_id from rebuild_marts.differences order by 1")
    assert [row["loan_id"] for row in kept] == sorted(causes)


def test_day_built_again_is_compared_with_what_that_build_published(published: Any) -> None:
    marts, _ = published
    marts.build(FIRST, select=MODELS)
    report = rebuild(marts.settings, as_of=FIRST)
    assert report.publication is not None
    assert (report.publication.build_id, report.publication.is_whole) == (4, False)
    assert (report.differing_loans, report.tiers) == (0, ())


def test_command_tells_what_differs_and_what_was_never_published(
    published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    marts, _ = published
    monkeypatch.setenv("ARREARS_WAREHOUSE_DATABASE", marts.settings.warehouse_database)
    differing = CliRunner().invoke(app, ["rebuild", "--as-of", "2026-02-12", "--known-at", "2026-01-20T12:00:00+08:00"])
    assert differing.exit_code == 0, differing.output
    lines = [line.split() for line in differing.output.splitlines()]
    assert ["LATE", "arrears_amount", "100.00", "200.00", "loan_transactions", "LATE-1,", "LATE-2"] in lines
    assert ["pre_due", "USD", "1", "→", "0", "0.00", "→", "0.00", "300.00", "→", "0.00"] in lines
    assert ["M1", "USD", "2", "→", "3", "300.00", "→", "300.00", "500.00", "→", "600.00"] in lines
    never = CliRunner().invoke(app, ["rebuild", "--as-of", "2026-01-22"])
    assert never.exit_code == 0, never.output
    assert "No build for 2026-01-22 has passed" in never.output
    unreadable = CliRunner().invoke(app, ["rebuild", "--as-of", "2026-01-22", "--known-at", "yesterday"])
    assert "--known-at yesterday: expected a date" in str(unreadable.exception)


def test_refuses_what_cannot_be_rebuilt_or_compared(published: Any) -> None:
    marts, _ = published
    with pytest.raises(ConfigurationError, match="2026-03-01 is later than 2026-02-12"):
        rebuild(marts.settings, as_of=date(2026, 3, 1))
    with pytest.raises(ConfigurationError, match="needs an offset"):
        rebuild(marts.settings, as_of=FIRST, known_at=datetime(2026, 1, 20, 18))
    marts.execute("select pg_advisory_lock(hashtext('arrears.rebuild'))")
    with pytest.raises(BuildError, match="another rebuild is running"):
        rebuild(marts.settings, as_of=FIRST)
    marts.execute("select pg_advisory_unlock(hashtext('arrears.rebuild'))")
