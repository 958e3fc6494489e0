"""A model is a sum over tables of bins: exactly what the library says, monotone where it must be, and explained."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loans_observed import DIRECTIONS, loans_observed
from threadpoolctl import threadpool_limits

from arrears.errors import LeakError
from arrears.risk.boosted import fit_boosting, written_down
from arrears.risk.estimate import Estimate
from arrears.risk.model import BinnedFeature, Model, population_stability, sigmoid
from arrears.risk.scorecard import train_scorecard, weigh
from arrears.risk.training import KINDS, Observations, fingerprint, refuse_leaks, split, too_few, train
from arrears.risk.validation import area_under_curve, calibration, compare, measure

LATE = BinnedFeature("late", (0.1, 0.5), (-1.0, 0.0, 2.0, 0.5), (0.5, 0.25, 0.125, 0.125))
RATE = BinnedFeature("rate", (), (0.0, -0.25), (0.9, 0.1))
HAND_MADE = Model("scorecard", -2.0, (LATE, RATE))


@pytest.fixture(scope="module")
def observed() -> Observations:
    return Observations.of(loans_observed(), DIRECTIONS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As `train` does it: on a busy machine the threads of small fits only wait for each other."""
    with threadpool_limits(limits=1):
        yield


def monotone(feature: BinnedFeature, direction: str) -> bool:
    steps = np.diff(feature.weights[:-1])
    return bool((steps >= -1e-12).all()) if direction == "up" else bool((steps <= 1e-12).all())


# Arithmetic --------------------------------------------------------------------------------------------------------


def test_the_lower_end_of_a_bin_is_in_it_and_what_is_not_known_has_its_own() -> None:
    frame = pd.DataFrame({"late": [0.0999, 0.1, 0.4999, 0.5, np.nan], "rate": [np.nan, 1, 2, 3, 4]})

    assert HAND_MADE.logit(frame).tolist() == [-3.25, -2.0, -2.0, 0.0, -1.5]
    assert HAND_MADE.probability(frame)[3] == 0.5


def test_a_model_comes_back_from_its_rows() -> None:
    rows = list(LATE.bins())

    assert [(row.lower, row.upper, row.is_missing) for row in rows] == [
        (None, 0.1, False),
        (0.1, 0.5, False),
        (0.5, None, False),
        (None, None, True),
    ]
    assert BinnedFeature.of(rows[::-1]) == LATE
    assert BinnedFeature.of(list(RATE.bins())) == RATE


def test_a_feature_that_is_gone_is_not_known() -> None:
    assert HAND_MADE.logit(pd.DataFrame({"late": [0.2]})).tolist() == [-2.25]


def test_reasons_are_what_is_above_the_usual_weight() -> None:
    assert LATE.expected == pytest.approx(-0.1875) and RATE.expected == pytest.approx(-0.025)
    frame = pd.DataFrame({"late": [0.0, 0.2, 0.9], "rate": [1.0, 1.0, np.nan]})

    assert HAND_MADE.reasons(frame, at_most=2) == [("rate",), ("late", "rate"), ("late",)]
    assert HAND_MADE.reasons(frame, at_most=1) == [("rate",), ("late",), ("late",)]


def test_probabilities_at_the_ends_are_finite() -> None:
    assert sigmoid(np.array([-800.0, 0.0, 800.0])).tolist() == [0.0, 0.5, 1.0]


def test_stability_of_shares() -> None:
    assert population_stability((0.5, 0.5), (0.5, 0.5)) == 0
    assert population_stability((0.5, 0.5), (0.6, 0.4)) == pytest.approx(0.1 * np.log(1.5))
    assert np.isfinite(population_stability((1.0, 0.0), (0.0, 1.0)))


# Boosting, written down --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_table_says_what_the_library_says(seed: int) -> None:
    rows = Observations.of(loans_observed(customers=150, seed=seed), DIRECTIONS)
    # Told apart by whether it is known, and by nothing else.
    rows.features["known"] = np.where(rows.features["income"].isna(), np.nan, 1.0)
    directions = DIRECTIONS | {"known": "none"}
    boosting = fit_boosting(rows.features, rows.outcome, directions)
    made = written_down(boosting, rows.features)
    steps = [step for each in made.features for cut in each.cuts for step in (cut, np.nextafter(cut, -np.inf))]
    probes = pd.concat(
        [
            rows.features,
            pd.DataFrame(dict.fromkeys(rows.features, steps)),
            pd.DataFrame({name: [np.nan, -1e300, 1e300] for name in rows.features}),
        ]
    )

    assert np.abs(made.probability(probes) - boosting.predict_proba(probes.to_numpy())[:, 1]).max() < 1e-9
    assert all(np.isfinite(each.cuts).all() for each in made.features)


def test_boosting_is_monotone_where_a_direction_is_expected(observed: Observations) -> None:
    made = written_down(fit_boosting(observed.features, observed.outcome, DIRECTIONS), observed.features)

    assert {"late_share", "income"} <= {each.name for each in made.features}
    assert all(monotone(each, DIRECTIONS[each.name]) for each in made.features if each.name != "season")


# Scorecard ---------------------------------------------------------------------------------------------------------


def test_the_weights_of_a_scorecard_are_the_evidence_of_the_bins(observed: Observations) -> None:
    from optbinning import OptimalBinning

    values = observed.features["late_share"].to_numpy()
    feature = weigh(values, observed.outcome, "late_share", "up")
    of_library = OptimalBinning(user_splits=list(feature.cuts), user_splits_fixed=[True] * len(feature.cuts))
    theirs = of_library.fit(values, observed.outcome.astype(int)).transform(values, metric="woe")

    # The library counts evidence for the others, we count it for the outcome.
    assert np.array(feature.weights)[feature.places(values)] == pytest.approx(-theirs)
    assert sum(feature.shares) == pytest.approx(1)


def test_a_scorecard_is_monotone_and_leaves_out_what_does_not_help(observed: Observations) -> None:
    made = train_scorecard(observed.features, observed.outcome, DIRECTIONS)

    assert [each.name for each in made.features] == ["late_share", "income"]
    assert all(monotone(each, DIRECTIONS[each.name]) for each in made.features)
    assert made.features[1].weights[-1] != 0  # Whether the income is known is told apart, too.


@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_that_moves_against_what_is_expected_is_not_used_so(kind: str, observed: Observations) -> None:
    against = DIRECTIONS | {"late_share": "down", "income": "up"}
    made = KINDS[kind](observed.features, observed.outcome, against)

    assert all(monotone(each, against[each.name]) for each in made.features if each.name != "season")


def test_a_feature_that_would_count_against_its_own_evidence_is_left_out() -> None:
    chance = np.random.default_rng(4)
    risk = chance.normal(size=6000)
    echo = 0.9 * risk + chance.normal(scale=0.4, size=6000)
    outcome = (chance.random(6000) < sigmoid(2 * risk - echo - 2)).astype(float)
    rows = pd.DataFrame({"risk": risk, "echo": echo})

    alone = weigh(echo, outcome, "echo", "up")
    made = train_scorecard(rows, outcome, {"risk": "up", "echo": "up"})
    assert len(alone.cuts) > 2 and monotone(alone, "up")
    assert [each.name for each in made.features] == ["risk"]


def test_what_was_hardly_ever_unknown_weighs_nothing_where_it_is() -> None:
    values = np.where(np.arange(4000) < 15, np.nan, np.arange(4000) % 100)
    outcome = (np.arange(4000) % 100 > 60).astype(float)

    assert weigh(values, outcome, "any", "up").weights[-1] == 0


# Training ----------------------------------------------------------------------------------------------------------


def test_no_outcome_is_learnt_from_that_was_not_known_when_the_model_is_first_judged(observed: Observations) -> None:
    trained, tested = split(observed)

    assert len(set(tested.as_of)) == 3
    assert max(trained.known_on) <= min(tested.as_of)
    assert len(trained.outcome) + len(tested.outcome) < len(observed.outcome)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_are_true_on_later_months(kind: str, observed: Observations) -> None:
    made = train(kind, *split(observed), DIRECTIONS, draws=100)
    truth = area_under_curve(loans_observed()["truth"].to_numpy(), observed.outcome)

    assert made.figures["auc"]["value"] > truth - 0.02
    assert made.figures["calibration_slope"]["low"] < 1 < made.figures["calibration_slope"]["high"]
    assert abs(made.figures["calibration_intercept"]["value"]) < 0.25
    assert made.figures["score_psi"] < 0.1 and max(made.figures["feature_psi"].values()) < 0.1
    assert list(made.figures["left_out_psi"]) == ["season"]  # January to July are no December.
    assert made.figures["gini"]["value"] == pytest.approx(2 * made.figures["auc"]["value"] - 1, abs=1e-5)
    assert made.observed_to.isoformat() == made.figures["trained"]["to"] < made.figures["tested"]["from"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_months_say_what_is_usual(kind: str, observed: Observations) -> None:
    trained, tested = split(observed)
    made = train(kind, trained, tested, DIRECTIONS, draws=2).model

    for feature in made.features:
        newest, learnt_from = (rows.features[feature.name].to_numpy() for rows in (tested, trained))
        assert feature.shares == feature.shares_of(newest) != feature.shares_of(learnt_from)


def test_what_was_learnt_by_heart_makes_nobody_sure() -> None:
    """Some customers fall behind for reasons that no feature knows, and traits that mean nothing tell those apart."""
    traits = [f"trait_{number}" for number in range(12)]

    def with_traits(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
        chance = np.random.default_rng([7, seed])
        codes, customers = pd.factorize(rows["customer_id"])
        own, hidden = chance.normal(size=(len(customers), len(traits))), chance.normal(scale=2.5, size=len(customers))
        rows[traits] = own[codes]
        return rows.assign(outcome=chance.random(len(rows)) < sigmoid(rows["truth"].to_numpy() + hidden[codes] - 1.25))

    directions = DIRECTIONS | dict.fromkeys(traits, "none")
    seen = Observations.of(with_traits(loans_observed(customers=300), 1), directions)
    others = Observations.of(with_traits(loans_observed(customers=1500, months=3, seed=2), 2), directions)
    made = train("boosted", *split(seen), directions, draws=2).model
    slope, _ = calibration(made.logit(others.features), others.outcome, np.ones(len(others.outcome)))

    assert 0.7 < slope < 1.4


def test_too_few_outcomes_are_said_and_no_failure() -> None:
    few = Observations.of(loans_observed(customers=60), DIRECTIONS)
    none = Observations.of(loans_observed(customers=1, months=1).head(0), DIRECTIONS)

    assert too_few(*split(few)) == "needs at least 100 customers with the outcome to be trained from, has 44"
    assert too_few(*split(none)) == "needs at least 100 customers with the outcome to be trained from, has 0"
    assert too_few(*split(Observations.of(loans_observed(), DIRECTIONS))) is None


def test_the_order_of_rows_makes_no_other_version_and_another_value_does() -> None:
    rows = loans_observed(customers=20)
    changed = rows.assign(income=rows["income"].mask(rows.index == 7, 3.0))

    def of(rows: pd.DataFrame, kind: str = "boosted", source: str = "1", **other: str) -> str:
        return fingerprint(kind, Observations.of(rows, DIRECTIONS), DIRECTIONS | other, source=source)

    assert of(rows.sample(frac=1)) == of(rows)
    others = [of(changed), of(rows, kind="scorecard"), of(rows, source="2"), of(rows, noise="none")]
    assert len({of(rows), *others}) == 5


# Leaks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_learnt_from_outcomes_that_were_shuffled(kind: str) -> None:
    rows = loans_observed()
    rows["outcome"] = np.random.default_rng(5).permutation(rows["outcome"])
    trained, tested = split(Observations.of(rows, DIRECTIONS))
    # Before calibration, which would make one number for all of it.
    logit = KINDS[kind](trained.features, trained.outcome, DIRECTIONS).logit(tested.features)
    auc = measure(logit, tested.outcome, tested.customers, draws=200).auc

    assert auc.low <= 0.5 <= auc.high


@pytest.mark.parametrize("wrong", [0.0, 0.04])
def test_a_feature_that_knows_the_future_is_refused(wrong: float) -> None:
    rows = loans_observed()
    chance = np.random.default_rng(3).random(len(rows))
    rows["days_late_later"] = np.where(rows["outcome"] ^ (chance < wrong), 30.0, 5.0) + chance

    refuse_leaks(*split(Observations.of(rows, DIRECTIONS)))
    with pytest.raises(LeakError, match=r"days_late_later \(AUC (0\.9|1\.0)"):
        refuse_leaks(*split(Observations.of(rows, [*DIRECTIONS, "days_late_later"])))


# Judging -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 4)), min_size=2, max_size=40))
def test_auc_is_that_of_the_library_whatever_the_ties(rows: list[tuple[int, bool, int]]) -> None:
    from sklearn.metrics import roc_auc_score

    if len({came for _, came, _ in rows}) < 2:
        return
    repeated = [(score, came) for score, came, times in rows for _ in range(times)]
    scores, came = (np.array(column, dtype=float) for column in zip(*repeated, strict=True))

    assert area_under_curve(scores, came) == pytest.approx(roc_auc_score(came, scores))


def test_calibration_is_that_of_the_library() -> None:
    from sklearn.linear_model import LogisticRegression

    rows = loans_observed(customers=50)
    truth, came = rows["truth"].to_numpy(), rows["outcome"].to_numpy(dtype=float)
    weights = np.arange(len(rows)) % 3 + 1.0
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(truth[:, None], came, weights)

    assert calibration(truth, came, weights) == pytest.approx((theirs.coef_[0, 0], theirs.intercept_[0]), rel=1e-4)
    assert calibration(np.zeros(len(rows)), came, np.ones(len(rows))) == (
        0.0,
        pytest.approx(np.log(came.mean() / (1 - came.mean()))),
    )


def test_calibration_is_found_where_outcomes_are_rare_and_the_logits_too_close() -> None:
    chance = np.random.default_rng(1)
    for _ in range(50):
        logit = chance.normal(-5, 0.3, size=2000) + chance.exponential(size=2000)
        came = (chance.random(2000) < sigmoid(3 * logit)).astype(float)
        slope, intercept = calibration(logit, came, np.ones(2000))
        expected = sigmoid(slope * logit + intercept)
        # As much is expected as came, and hangs together with the logits as what came does.
        assert expected.sum() == pytest.approx(came.sum(), rel=1e-5)
        assert expected @ logit == pytest.approx(came @ logit, rel=1e-5)


def test_calibration_of_what_is_told_apart_wholly_ends() -> None:
    logit = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 900.0])
    slope, _ = calibration(logit, (logit > 0).astype(float), np.ones(len(logit)))
    assert slope > 5


def test_intervals_count_customers_not_months() -> None:
    rows = loans_observed(customers=200, months=1)
    repeated = pd.concat([rows] * 9)
    once, nine_times = (
        measure(each["truth"].to_numpy(), each["outcome"].to_numpy(dtype=float), each["customer_id"], draws=200).auc
        for each in (rows, repeated)
    )

    assert nine_times == pytest.approx(once)


def test_a_model_is_better_only_where_it_surely_is() -> None:
    rows = loans_observed(customers=400)
    truth, came = rows["truth"].to_numpy(), rows["outcome"].to_numpy(dtype=float)
    noise = np.random.default_rng(2).normal(size=len(rows))

    def found(first: np.ndarray, second: np.ndarray) -> bool:
        return compare(first, second, came, rows["customer_id"], draws=200).is_better

    assert found(truth, truth + 2 * noise) and not found(truth + 2 * noise, truth)
    assert not found(truth, truth)
    assert found(truth, truth + 1) and not found(truth + 1, truth)  # Equal ranks, and probabilities that are not true.
    ranks_better_and_is_less_true = compare(truth - 3, truth + noise, came, rows["customer_id"], draws=200)
    assert ranks_better_and_is_less_true.auc.low > 0 and not ranks_better_and_is_less_true.is_better


def test_an_interval_of_a_figure_is_around_it() -> None:
    rows = loans_observed(customers=100)
    made = measure(rows["truth"].to_numpy(), rows["outcome"].to_numpy(dtype=float), rows["customer_id"], draws=100)

    for each in vars(made).values():
        assert isinstance(each, Estimate) and each.low < each.value < each.high
