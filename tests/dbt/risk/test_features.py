"""Features of a loan: worked by hand, and the same whatever the days after bring; what a model makes of them."""

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any

import pytest
import yaml
from hand_made_models import Bin, HandMade
from marts_warehouse import Warehouse, new_warehouse, quick_builds
from portfolio import Portfolio

from arrears import dbt_build
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

ON = date(2026, 6, 30)
"""A month end: the features of the day and those that are kept of it later can be compared."""
LATER = date(2026, 10, 15)
MODELS = "+fct_early_warning +int_loans__self_cure +customer_risk +model_drift +int_loans__risk_outcome"
DUE = [(date(2026, month, 10), "100.00") for month in range(1, 13)]
MONTHS = range(1, 7)


WARNING = HandMade(
    "warning-1",
    "early_warning",
    -3.0,
    {
        "last_days_late": [
            Bin(None, -5, -2.0, 0.1), Bin(-5, 0, -1.0, 0.2), Bin(0, None, 1.5, 0.6), Bin(None, None, 0.7, 0.1, True)
        ],
        "bureau_score": [Bin(None, 700, 2.0, 0.3), Bin(700, None, 0.9, 0.3), Bin(None, None, 0.0, 0.4, True)],
        "restructurings": [Bin(None, 1, -0.1, 0.9), Bin(1, None, 2.5, 0.1), Bin(None, None, 0.0, 0.0, True)],
        "is_auto_loan": [Bin(None, 1, -0.5, 0.5), Bin(1, None, 0.5, 0.5)],
        "is_personal_loan": [Bin(None, 1, 0.1, 0.5), Bin(1, None, -0.1, 0.5)],
        "calendar_month": [Bin(None, None, 0.3, 1.0), Bin(None, None, 0.0, 0.0, True)],
    },
)  # fmt: skip
"""Values of the loans lie on both edges, and some are not known."""
CURE = HandMade("cure-1", "self_cure", 0.0, {"days_past_due": [Bin(None, 20, 9.0, 0.5), Bin(20, None, -9.0, 0.5)]})
OTHER = HandMade("warning-2", "early_warning", 5.0, {"restructurings": [Bin(None, None, 0.0, 1.0)]})


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def _past() -> Portfolio:
    """What is known on the day: who pays on time, late, in parts, with a payment returned, ahead, or not at all."""
    bank = Portfolio(prefix="P-")
    for customer in ("C-PUNCTUAL", "C-TWO"):
        bank.add(
            "customers",
            customer_id=customer,
            jurisdiction="US",
            monthly_income=Decimal("1000.00"),
            credit_score=700,
            credit_score_on=date(2026, 1, 1),
        )
    bank.loan("PUNCTUAL", DUE, customer_id="C-PUNCTUAL", disbursed_on=date(2025, 12, 1), annual_rate=Decimal("0.12"))
    bank.loan("AHEAD", DUE, disbursed_on=date(2025, 12, 1))
    bank.pay("AHEAD", "800.00", date(2026, 1, 5))
    bank.loan("LATE", DUE, disbursed_on=date(2025, 12, 1))
    bank.loan("PARTS", DUE, customer_id="C-TWO", disbursed_on=date(2025, 12, 1))
    bank.loan("RETURNED", DUE, customer_id="C-TWO", disbursed_on=date(2025, 12, 1))
    bank.loan("RESTRUCTURED", DUE, disbursed_on=date(2025, 12, 1))
    bank.loan("NOTHING", DUE[6:], disbursed_on=date(2026, 6, 1))
    for month in MONTHS:
        bank.pay("PUNCTUAL", "100.00", date(2026, month, 10))
        if month < 6:
            bank.pay("LATE", "100.00", date(2026, month, 12 + month))
            bank.pay("PARTS", "60.00", date(2026, month, 10))
            bank.pay("PARTS", "40.00", date(2026, month, 13))
        paid = bank.pay("RETURNED", "100.00", date(2026, month, 9))
    bank.transact("RETURNED", "reversal", "100.00", date(2026, 6, 12), reverses=paid)
    bank.pay("RESTRUCTURED", "100.00", date(2026, 1, 10))
    bank.schedule("RESTRUCTURED", 2, date(2026, 3, 1), [(date(2026, month, 20), "110.00") for month in range(3, 13)])
    bank.pay("RESTRUCTURED", "110.00", date(2026, 3, 20))
    bank.pay("RESTRUCTURED", "110.00", date(2026, 4, 25))
    bank.pay("RESTRUCTURED", "220.00", date(2026, 5, 1))
    for day, disposition in ((date(2026, 5, 20), "no_answer"), (date(2026, 5, 21), "invalid_number")):
        _say(bank, "C-LATE", day, disposition)
    _say(bank, "C-LATE", date(2026, 6, 1), "promise_to_pay", promise_amount=Decimal(100), promise_on=date(2026, 6, 10))
    return bank


def _future() -> Portfolio:
    """What comes after, some of it dated before: booked later, taken back later, loaded later, said later."""
    bank = Portfolio(prefix="F-")
    for loan in ("PUNCTUAL", "AHEAD", "LATE", "PARTS", "RETURNED", "RESTRUCTURED", "NOTHING"):
        bank.pay(loan, "55.00", date(2026, 7, 20))
        bank.pay(loan, "100.00", date(2026, 6, 15), recorded_at=noon(date(2026, 7, 1)))
    bank.transact("PUNCTUAL", "reversal", "100.00", date(2026, 7, 2), reverses="P-T000001")
    bank.transact("AHEAD", "reversal", "800.00", date(2026, 1, 6), reverses="P-T000000", recorded_at=noon(LATER))
    bank.schedule("LATE", 2, date(2026, 8, 1), [(date(2026, 9, 1), "500.00")])
    for customer in ("C-PUNCTUAL", "C-TWO"):
        bank.add(
            "customers",
            customer_id=customer,
            jurisdiction="US",
            monthly_income=Decimal("10.00"),
            credit_score=300,
            credit_score_on=date(2026, 7, 1),
            updated_at=noon(date(2026, 7, 1)),
        )
    bank.add("customer_flags", customer_id="C-TWO", flag="bankruptcy", valid_from=date(2026, 7, 1))
    bank.loan("NEW", DUE[6:], customer_id="C-TWO", disbursed_on=date(2026, 7, 1))
    _say(bank, "C-TWO", date(2026, 6, 20), "invalid_number", updated_at=noon(date(2026, 7, 2)))
    _say(bank, "C-TWO", date(2026, 7, 20), "no_answer")
    _say(bank, "C-PUNCTUAL", date(2026, 7, 5), "promise_to_pay", promise_amount=Decimal(9), promise_on=date(2026, 7, 8))
    return bank


def _say(bank: Portfolio, customer_id: str, day: date, disposition: str, **columns: Any) -> None:
    bank.add(
        "customer_interactions",
        interaction_id=f"{bank.prefix}I{len(bank.rows.get('customer_interactions', ()))}",
        customer_id=customer_id,
        direction="outbound",
        channel="phone",
        occurred_at=noon(day),
        disposition=disposition,
        currency="USD",
        **({"updated_at": noon(day)} | columns),
    )


class Features:
    """A built bank, its features on the day, and the same day's when the future has come."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        _past().land(warehouse.connection, as_of=ON)
        OTHER.write(warehouse.connection, ON)
        WARNING.write(warehouse.connection, date(2026, 1, 1))
        CURE.write(warehouse.connection, ON)
        OTHER.promote(warehouse.connection, LATER)
        with quick_builds():
            warehouse.build(ON, select=MODELS)
        self.scores = {row["loan_id"]: row for row in warehouse.rows("select * from marts.fct_early_warning")}
        self.cures = {row["loan_id"]: row for row in warehouse.rows("select * from intermediate.int_loans__self_cure")}
        self.customers = {row["customer_id"]: row for row in warehouse.rows("select * from marts.customer_risk")}
        self.on_the_day = self._of("intermediate.int_loans__risk_feature")
        _future().land(warehouse.connection, as_of=LATER)
        warehouse.execute("truncate intermediate.int_loans__risk_history")
        warehouse.build(
            LATER, select=f"{MODELS} --exclude path:models/staging,resource_type:test path:seeds,resource_type:test"
        )
        self.seen_later = self._of("intermediate.int_loans__risk_history")

    def seen_by(self, planted: Path) -> dict[str, dict[str, Any]]:
        """The same by another definition of the features, which makes all rows anew."""
        with quick_builds(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(dbt_build, "DBT_PROJECT", planted)
            patch.setattr("marts_warehouse._parsed", {})
            self.warehouse.build(LATER, select="int_loans__risk_history")
        return self._of("intermediate.int_loans__risk_history")

    def _of(self, table: str) -> dict[str, dict[str, Any]]:
        rows = self.warehouse.rows(f"select * from {table} where as_of_date = %s", ON)
        return {row["loan_id"]: {name: row[name] for name in row if name != "features_version"} for row in rows}


@pytest.fixture(scope="module")
def features(server: Settings) -> Iterator[Features]:
    with new_warehouse(server) as warehouse:
        yield Features(warehouse)


@pytest.mark.parametrize(
    ("loan", "expected"),
    [
        (
            "PUNCTUAL",
            {"population": "early_warning", "late_share_6m": 0, "mean_days_late_12m": 0, "last_days_late": 0}
            | {
                "part_payments_6m": 0,
                "worst_days_past_due_12m": 0,
                "days_since_arrears": None,
            }
            | {"months_on_book": 6, "share_of_term": 0.5, "share_of_principal_paid": 0.5, "term_instalments": 12}
            | {"instalment_to_income": 0.1, "income_change_6m": 0, "annual_rate": 0.12, "other_loans": 0}
            | {"bureau_score": 700, "bureau_score_age_days": 180, "calendar_month": 6, "is_auto_loan": 1}
            | {"attempts_3m": 0, "instalments_ahead": 0, "days_late_trend": 0}
            | {"instalments_since_payment": 0, "due_day": 10},
        ),
        (
            "AHEAD",
            {"instalments_ahead": 2, "last_days_late": date(2026, 1, 5) - date(2026, 8, 10), "late_share_6m": 0}
            | {"bureau_score": None, "bureau_score_age_days": None, "instalment_to_income": None}
            | {"instalments_since_payment": 6},
        ),
        # Three to seven days late, and nothing for June: 20 days past due.
        (
            "LATE",
            {"population": "self_cure", "days_past_due": 20, "unpaid_instalments": 1, "late_share_6m": 1}
            | {"mean_days_late_12m": (3 + 4 + 5 + 6 + 7 + 20) / 6, "worst_days_late_12m": 20, "last_days_late": 7}
            | {"worst_days_past_due_3m": 20, "days_since_arrears": 0, "times_cured_12m": 5}
            | {"days_late_trend": (6 + 7 + 20) / 3 - (3 + 4 + 5 + 6 + 7 + 20) / 6}
            | {"attempts_3m": 3, "unreachable_12m": 1, "conversations_3m": 1, "broken_promises_12m": 1}
            | {"instalments_since_payment": 1},
        ),
        # The first part settles nothing; three days past the due date, so two days past due on the last of them.
        (
            "PARTS",
            {"part_payments_6m": 5, "days_past_due": 20, "worst_days_past_due_6m": 20, "times_cured_12m": 5}
            | {"other_loans": 1, "other_days_past_due": 20, "late_share_12m": 1},
        ),
        # The payment of June was there for three days; no day before the 12th was past due. The one of May came a day
        # before its instalment.
        (
            "RETURNED",
            {"returned_payments_12m": 1, "days_past_due": 20, "unpaid_instalments": 1, "last_days_late": -1}
            | {"late_share_6m": 1 / 6, "worst_days_past_due_12m": 20, "other_loans": 1, "instalments_since_payment": 2},
        ),
        # February of the first version was owed until the new one came; of the new one April came five days late.
        (
            "RESTRUCTURED",
            {"restructurings": 1, "days_past_due": 0, "worst_days_past_due_6m": 18, "term_instalments": 10}
            | {"late_share_6m": 2 / 6, "worst_days_late_12m": 18, "instalments_ahead": 0, "share_of_term": 0.4}
            | {"days_since_arrears": (ON - date(2026, 4, 24)).days, "instalments_since_payment": 2, "due_day": 20},
        ),
        (
            "NOTHING",
            {"late_share_6m": None, "last_days_late": None, "share_of_principal_paid": 0}
            | {"months_on_book": 0, "population": "early_warning", "days_late_trend": None}
            | {"instalments_since_payment": 0, "due_day": 10},
        ),
    ],
)
def test_features_worked_by_hand(features: Features, loan: str, expected: dict[str, Any]) -> None:
    plain = {name: value.days if hasattr(value, "days") else value for name, value in expected.items()}
    found = features.on_the_day[loan]
    assert {name: found[name] for name in plain} == pytest.approx(plain)


def test_no_feature_of_a_day_changes_with_what_comes_after(features: Features) -> None:
    assert features.on_the_day.keys() == {
        "PUNCTUAL", "AHEAD", "LATE", "PARTS", "RETURNED", "RESTRUCTURED", "NOTHING"
    }  # fmt: skip
    assert features.seen_later == features.on_the_day


def test_outcomes_are_of_windows_that_have_passed(features: Features) -> None:
    """By LATER the 90 days after June have passed: who paid nothing more than a part fell 30 days behind."""
    rows = features.warehouse.rows(
        "select loan_id, purpose, outcome from intermediate.int_loans__risk_outcome where as_of_date = %s", ON
    )
    assert {row["loan_id"]: (row["purpose"], row["outcome"]) for row in rows} == {
        "PUNCTUAL": ("early_warning", True),
        "AHEAD": ("early_warning", True),
        "RESTRUCTURED": ("early_warning", True),
        "NOTHING": ("early_warning", True),
        "LATE": ("self_cure", True),
        "PARTS": ("self_cure", True),
        "RETURNED": ("self_cure", True),
    }
    newest = features.warehouse.rows("select max(as_of_date) as day from intermediate.int_loans__risk_outcome")
    assert newest == [{"day": date(2026, 8, 31)}]


def test_a_feature_that_reads_the_future_is_caught(features: Features, tmp_path: Path) -> None:
    planted = shutil.copytree(dbt_build.DBT_PROJECT, tmp_path / "dbt_project")
    macro = planted / "macros" / "risk_features.sql"
    now, ever = "'standing.six_months_ago', 'standing.as_of_date'", "'standing.six_months_ago', far_future()"
    assert now in macro.read_text()
    macro.write_text(macro.read_text().replace(now, ever))
    seen = features.seen_by(planted)
    changed = {name for loan, row in seen.items() for name in row if row[name] != features.on_the_day[loan][name]}
    assert changed == {"part_payments_6m"}


def test_every_feature_has_its_line_in_the_seed_and_its_place_in_the_contract() -> None:
    """Reasons are found by position."""
    with (dbt_build.DBT_PROJECT / "seeds/reference/risk_features.csv").open() as file:
        seed = list(csv.DictReader(file))
    model = dbt_build.DBT_PROJECT / "models/intermediate/risk/int_loans__risk_feature.yml"
    columns = [column["name"] for column in yaml.safe_load(model.read_text())["models"][0]["columns"]]
    assert columns[4:] == [row["feature"] for row in seed]
    assert [int(row["position"]) for row in seed] == list(range(1, len(seed) + 1))


def test_a_probability_is_the_sum_over_the_bins(features: Features) -> None:
    """By the promotion that came last of those valid on the day."""
    on_time = {loan: row for loan, row in features.on_the_day.items() if row["population"] == "early_warning"}
    assert features.scores.keys() == on_time.keys() == {"PUNCTUAL", "AHEAD", "RESTRUCTURED", "NOTHING"}
    for loan, row in on_time.items():
        found = features.scores[loan]
        assert found["model_version"] == "warning-1"
        assert float(found["probability_30dpd_90d"]) == pytest.approx(WARNING.probability(row), abs=1e-6)
        assert found["score"] == round(600 + 20 / log(2) * (-WARNING.logit(row) - log(50)))
    assert features.scores["PUNCTUAL"]["band"] == "high"
    assert features.scores["AHEAD"]["band"] == "low"
    assert {loan: (row["band"], row["logit"]) for loan, row in features.cures.items()} == {
        "LATE": ("unlikely", -9.0), "PARTS": ("unlikely", -9.0), "RETURNED": ("unlikely", -9.0)
    }  # fmt: skip


def test_reasons_are_what_adds_most_above_what_is_usual(features: Features) -> None:
    """Kinds of loan are one reason. Whoever is in the lowest band has none."""
    for loan, found in features.scores.items():
        above = WARNING.contributions(features.on_the_day[loan])
        product = {"PRODUCT": above.pop("is_auto_loan") + above.pop("is_personal_loan")}
        adding = {name.upper(): weight for name, weight in above.items()} | product
        ranked = sorted((name for name in adding if adding[name] > 1e-9), key=lambda name: -adding[name])[:3]
        assert found["top_reasons"] == ([] if found["band"] == "low" else ranked)
    assert features.scores["RESTRUCTURED"]["top_reasons"] == ["RESTRUCTURINGS", "PRODUCT"]


def test_a_customer_is_as_safe_as_the_least_safe_loan(features: Features) -> None:
    """A score of 180 days is new enough; instalments of all loans together take of the income."""
    found = {
        name: [row[column] for column in ("behaviour_score", "bureau_score", "bureau_score_age_days")]
        + [row["is_bureau_score_due"], row["affordability"]]
        for name, row in features.customers.items()
    }
    score = {loan: row["score"] for loan, row in features.scores.items()}
    assert found["C-PUNCTUAL"] == [score["PUNCTUAL"], 700, 180, False, Decimal("0.1")]
    assert found["C-TWO"] == [None, 700, 180, False, Decimal("0.2")]
    assert found["C-AHEAD"] == [score["AHEAD"], None, None, True, None]


def test_drift_is_told_of_each_feature_of_the_score_and_of_outcomes(features: Features) -> None:
    rows = features.warehouse.rows("select * from marts.model_drift order by as_of, purpose, measure, name")
    told = {(row["as_of"], row["purpose"], row["measure"], row["name"]): row for row in rows}
    # Three of four loans are in the bin that nine in ten were in, one in the other.
    shares = [(3 / 4, 0.9), (1 / 4, 0.1), (0.0001, 0.0001)]
    found = told[ON, "early_warning", "feature", "restructurings"]
    assert float(found["psi"]) == pytest.approx(sum((now - then) * log(now / then) for now, then in shares), abs=1e-6)
    assert (found["loans"], found["verdict"], found["is_alarming"]) == (4, "not_judged", False)
    assert {
        name for day, purpose, measure, name in told if (day, purpose, measure) == (ON, "self_cure", "feature")
    } == {"days_past_due"}
    assert told[ON, "early_warning", "score", "score"]["loans"] == 4
    outcome = told[LATER, "early_warning", "calibration", "2026-06-30"]
    assert (outcome["model_version"], outcome["loans"]) == ("warning-2", 4)
    assert float(outcome["expected_rate"]) == pytest.approx(OTHER.probability({"restructurings": 0}), abs=1e-6)
    assert outcome["observed_rate"] == 1
