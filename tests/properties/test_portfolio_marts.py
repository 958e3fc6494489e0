"""Generated portfolios, built day after day with rows that come late: the portfolio marts say what Python says."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from generated import NEWEST, Window, known_versions, pack, portfolio
from marts_warehouse import Warehouse, new_warehouse
from portfolio import LONG_AGO, Portfolio
from portfolio_oracle import Life, Rows, cures, months_until, roll_rates, tiers, vintages
from rulebook import Rulebook

from arrears.risk.portfolio import renew_forecast
from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LOANS = 120
SEED = 20260331
PORTFOLIO = (
    "+fct_roll_rate +fct_cure_rate +fct_vintage +delinquency_tier_month_end +delinquency_tier loan_delinquency_on"
    " portfolio_forecast overdue_rate_forecast forecast_assumptions"
)
DAYS = (date(2025, 12, 30), date(2026, 1, 31), NEWEST)
"""Builds: before a month's end, on one, and two months later; with each come rows that belong to days before."""
MART_KEYS = {
    "fct_roll_rate": ("month", "from_tier", "to_tier", "product", "currency"),
    "delinquency_tier_month_end": ("month_end", "tier", "product", "jurisdiction", "currency"),
    "fct_cure_rate": ("month", "from_tier", "product", "currency"),
    "fct_vintage_by_score_band": ("disbursement_month", "months_on_book", "product", "currency", "score_band"),
    "fct_vintage": ("disbursement_month", "months_on_book", "product", "currency"),
}


class Bank:
    """A warehouse after all days, and the loans that it should know of."""

    def __init__(self, marts: Warehouse, lives: list[Life], bands: dict[str, str]) -> None:
        self.marts = marts
        self.lives = lives
        self.bands = bands
        self.months = months_until(Window().first, NEWEST)

    def found(self, mart: str, expected: Rows) -> Rows:
        """The mart's rows with the columns that are expected."""
        names = list(next(iter(expected.values())))
        return {
            tuple(row[name] for name in MART_KEYS[mart]): {name: row[name] for name in names}
            for row in self.marts.rows(f"select * from marts.{mart}")
        }

    def agrees(self, mart: str, expected: Rows) -> None:
        found = self.found(mart, expected)
        differences = {
            key: (found.get(key), expected.get(key))
            for key in found.keys() | expected.keys()
            if found.get(key) != expected.get(key)
        }
        assert not differences, f"{mart}: {len(differences)} rows (mart, Python): {dict(list(differences.items())[:3])}"


@pytest.fixture(scope="module")
def bank(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    policy_dir = pack(tmp_path_factory.mktemp("policy"))
    rows, loans = portfolio(SEED, LOANS, rulebook=Rulebook(policy_dir))
    scores = _score(rows)
    customers = {row["customer_id"]: row for row in known_versions("customers", rows.rows["customers"])}
    lives = [Life(loan, customers[loan.loan["customer_id"]]["jurisdiction"]) for loan in loans.values()]
    bands = {
        life.loan_id: band if since <= life.disbursed_on else "unknown"
        for life in lives
        for band, since in [scores[life.loan.loan["customer_id"]]]
    }
    with new_warehouse(server, policy_dir=policy_dir) as marts:
        for day, part in zip(DAYS, _in_parts(rows), strict=True):
            part.land(marts.connection, as_of=day)
            marts.build(day, select=PORTFOLIO)
            renew_forecast(marts.connection, as_of=day)
        yield Bank(marts, [life for life in lives if life.is_real], bands)


def _score(rows: Portfolio) -> dict[str, tuple[str, date]]:
    """Give each borrower a score of a day on which some loans were made already; returns its band and its day."""
    choose = random.Random(SEED)
    scores: dict[str, tuple[int, str, date]] = {}
    for row in rows.rows["customers"]:
        score, band = choose.choice(((579, "deep_subprime"), (580, "subprime"), (660, "prime"), (850, "super_prime")))
        drawn = (score, band, Window().day(choose, last=Window().first + timedelta(days=40)))
        score, _, since = scores.setdefault(row["customer_id"], drawn)
        row |= {"credit_score": score, "credit_score_on": since}
    return {customer_id: (band, since) for customer_id, (_, band, since) in scores.items()}


def _in_parts(rows: Portfolio) -> list[Portfolio]:
    """The same rows in three deliveries. A third of the transactions come with a later one, and loans change.

    At first no loan is closed or written off, and some are dated too early: their first months vanish again.
    """
    choose = random.Random(SEED)
    parts = [Portfolio() for _ in DAYS]
    for table, versions in rows.rows.items():
        if table not in ("loans", "loan_transactions"):
            parts[0].rows[table] = versions
    for row in known_versions("loans", rows.rows["loans"]):
        too_early = row["disbursed_on"] - timedelta(days=choose.choice((0, 0, 40)))
        earlier = {"closed_on": None, "written_off_on": None, "updated_at": LONG_AGO - timedelta(days=2)}
        parts[0].rows.setdefault("loans", []).append(row | earlier | {"disbursed_on": too_early})
        choose.choice(parts[1:]).rows.setdefault("loans", []).append(row)
    comes_with: dict[str, Portfolio] = {}
    for row in rows.rows["loan_transactions"]:
        # A reversal comes last, so that what it takes back is there.
        drawn = parts[2] if row["kind"] == "reversal" else choose.choice((*parts[:1] * 4, *parts[1:]))
        part = comes_with.setdefault(row["transaction_id"], drawn)
        part.rows.setdefault("loan_transactions", []).append(row)
    return parts


def test_roll_rates_and_tiers_agree_with_plain_python(bank: Bank) -> None:
    bank.agrees("fct_roll_rate", roll_rates(bank.lives, bank.months))
    bank.agrees("delinquency_tier_month_end", tiers(bank.lives, bank.months))


def test_each_row_of_the_matrix_sums_to_one(bank: Bank) -> None:
    sums = bank.marts.rows(
        "select sum(rate_by_count) as by_count, sum(rate_by_amount) as by_amount, sum(outstanding_principal) as amount"
        " from marts.fct_roll_rate group by month, from_tier, product, currency"
    )
    assert len(sums) > 50
    for row in sums:
        assert abs(row["by_count"] - 1) < Decimal("1e-9")
        assert row["by_amount"] is None if not row["amount"] else abs(row["by_amount"] - 1) < Decimal("1e-9")


def test_cures_agree_with_plain_python(bank: Bank) -> None:
    expected = cures(bank.lives, bank.months)
    assert sum(row["cured"] for row in expected.values()) > 10
    assert sum(row["relapsed_3m"] or 0 for row in expected.values()) > 1
    bank.agrees("fct_cure_rate", expected)


def test_vintages_agree_with_plain_python(bank: Bank) -> None:
    expected = vintages(bank.lives, bank.months, bank.bands)
    assert {key[4] for key in expected} == {"deep_subprime", "subprime", "prime", "super_prime", "unknown"}
    assert sum(row["written_off"] for row in expected.values()) > 10
    bank.agrees("fct_vintage_by_score_band", {key: dict(row) for key, row in expected.items()})
    together: Rows = {}
    for (*key, _), row in expected.items():
        total = together.setdefault(tuple(key), dict.fromkeys(row, 0))
        together[tuple(key)] = {name: total[name] + row[name] for name in row}
    bank.agrees("fct_vintage", together)
    for row in bank.marts.rows("select * from marts.fct_vintage"):
        assert row["cumulative_loss_rate"] == round(row["written_off_principal"] / row["principal"], 6)


def test_month_ends_agree_with_the_function(bank: Bank) -> None:
    """The tier of a month's end is written in one place and read in another: they never part."""
    for month in bank.months:
        found = bank.marts.rows(
            "select loan_id, state, days_past_due, arrears_amount, outstanding_principal"
            " from intermediate.int_loans__month_end where month_end = %s and state <> 'closed' order by 1",
            month.end,
        )
        assert found == bank.marts.rows(
            "select loan_id, case when is_written_off then 'written_off' else tier end as state, days_past_due,"
            " arrears_amount, outstanding_principal from marts.loan_delinquency_on(%s) order by 1",
            month.end,
        )


def test_what_did_not_change_is_not_written_again(bank: Bank) -> None:
    newest = bank.marts.rows("select max(revision) as revision from intermediate.int_loans__month_end")[0]["revision"]
    loan_id = next(life.loan_id for life in bank.lives if life.is_delinquent(NEWEST))
    late = Portfolio()
    late.pay(loan_id, "0.01", date(2026, 3, 15), recorded_at=datetime(2026, 4, 1, tzinfo=UTC), transaction_id="LATE")
    late.land(bank.marts.connection, as_of=NEWEST)
    bank.marts.build(NEWEST, select=PORTFOLIO)
    revised = bank.marts.rows(
        "select distinct loan_id, month_end from intermediate.int_loans__month_end where revision > %s",
        newest,
    )
    assert revised == [{"loan_id": loan_id, "month_end": NEWEST}]


def test_the_forecast_starts_from_the_newest_month_that_has_ended(bank: Bank) -> None:
    rows = bank.marts.rows("select * from marts.portfolio_forecast")
    newest = max(month.first for month in bank.months if month.end <= NEWEST)
    assert {row["origin"] for row in rows} == {newest}
    assert {row["months_ahead"] for row in rows} == set(range(1, 7))
    assert len({(row["product"], row["currency"]) for row in rows}) > 1


def test_each_months_forecast_is_kept_and_held_against_what_came(bank: Bank) -> None:
    rows = bank.marts.rows("select * from marts.overdue_rate_forecast")
    # By the first day too few months had ended.
    assert {row["origin"] for row in rows} == {day.replace(day=1) for day in DAYS[1:]}
    roll = bank.marts.rows(
        "select month, product, currency, to_tier, sum(closing_principal) as principal from marts.fct_roll_rate"
        " where to_tier not in ('closed', 'written_off') group by month, product, currency, to_tier"
    )
    newest = max(row["month"] for row in roll)
    compared = 0
    for row in rows:
        there = [each for each in roll if all(each[name] == row[name] for name in ("month", "product", "currency"))]
        whole = sum(each["principal"] for each in there)
        if row["month"] > newest or not whole:
            assert row["actual_rate"] is row["is_outside"] is None
            continue
        overdue = sum(each["principal"] for each in there if each["to_tier"] not in ("current", "pre_due"))
        assert row["actual_rate"] == round(overdue / whole, 10)
        assert row["is_outside"] == (not row["low"] <= row["actual_rate"] <= row["high"])
        compared += 1
    assert compared > 10


def test_the_same_inputs_are_forecast_once(bank: Bank) -> None:
    made = "select forecast_id, made_at from ops.forecast order by forecast_id"
    before = bank.marts.rows(made)
    assert not renew_forecast(bank.marts.connection, as_of=NEWEST).is_new
    assert bank.marts.rows(made) == before

    try:
        bank.marts.execute("update staging.forecast_assumptions set factor = 0.5 where kind = 'loss_given_write_off'")
        lost = "select sum(expected_loss) as loss from marts.portfolio_forecast"
        [usual] = bank.marts.rows(lost)
        again = renew_forecast(bank.marts.connection, as_of=NEWEST)
        [less] = bank.marts.rows(lost)
    finally:
        bank.marts.execute("update staging.forecast_assumptions set factor = 0.8 where kind = 'loss_given_write_off'")
    assert again.is_new
    assert again.rows > 0
    assert len(bank.marts.rows(made)) == len(before), "in the place of the one before"
    assert float(less["loss"]) < 0.7 * float(usual["loss"])
