"""Train a model from what is known of past months, and judge it on months that it has not seen.

A model is trained from the older months and judged on the newest quarter. In between lie as many months as an outcome
takes to be known: on the first day on which the model is judged, every outcome that it was trained from had come.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from arrears.errors import LeakError
from arrears.risk import boosted, model, scorecard, validation
from arrears.risk.boosted import train_boosted
from arrears.risk.model import BinnedFeature, Floats, Model, population_stability
from arrears.risk.scorecard import train_scorecard
from arrears.risk.validation import area_under_curve, calibration, measure

KINDS: Mapping[str, Callable[[pd.DataFrame, Floats, Mapping[str, str]], Model]] = {
    "scorecard": train_scorecard,
    "boosted": train_boosted,
}
"""In the order in which they may become the first champion."""
LEAST_TRAINED = 100
"""Customers with the outcome, and without it, that a model is trained from at least."""
LEAST_TESTED = 30
"""And that it is judged by."""
TESTED = 0.25
"""Of the months, the newest that are kept to judge by."""
IMPLAUSIBLE = 0.9
"""No single honest feature tells who will fall behind as well as this: an AUC above it is the future, seen."""
UNSTABLE = 0.25
"""PSI of a feature between the months to train from and those to judge by, above which it is not used: what was learnt
of it need not hold any more, and a model that stands on it would be alarming on its first day."""
_FOLDS = 3


@dataclass(frozen=True)
class Observations:
    """Loans on days of the past, with what was known then and what came; all parts have one row per loan and day."""

    features: pd.DataFrame
    """Numbers; NaN where not known."""
    outcome: Floats
    """1 or 0."""
    customers: "pd.Series[str]"
    as_of: "pd.Series[Any]"
    """The days on which they were observed."""
    known_on: "pd.Series[Any]"
    """From which day on the outcome is known."""

    @classmethod
    def of(cls, rows: pd.DataFrame, features: Iterable[str]) -> "Observations":
        """From rows with customer_id, as_of_date, known_on, outcome; a feature that they do not have is not known."""
        rows = rows.reset_index(drop=True)
        return cls(
            rows.reindex(columns=list(features)).astype("float64"),
            rows["outcome"].to_numpy(dtype="float64"),
            rows["customer_id"],
            rows["as_of_date"],
            rows["known_on"],
        )

    def where(self, chosen: "pd.Series[bool]") -> "Observations":
        """Those rows only."""
        parts = (self.customers, self.as_of, self.known_on)
        kept = (part[chosen].reset_index(drop=True) for part in parts)
        return Observations(self.features[chosen].reset_index(drop=True), self.outcome[chosen.to_numpy()], *kept)

    def without(self, features: Iterable[str]) -> "Observations":
        """All rows, less some features."""
        return replace(self, features=self.features.drop(columns=list(features)))

    def customers_with(self, outcome: int) -> int:
        """How many customers had the outcome at least once, or (0) not, at least once."""
        return int(self.customers[self.outcome == outcome].nunique())


@dataclass(frozen=True)
class Trained:
    """A model with how it was made and how it did."""

    model: Model
    observed_from: date
    observed_to: date
    figures: dict[str, Any]


def split(observations: Observations) -> tuple[Observations, Observations]:
    """The rows to train from and the newer ones to judge by; both may be empty."""
    months = sorted(set(observations.as_of))
    if not months:
        return observations, observations
    first_tested = months[-max(1, round(TESTED * len(months)))]
    return observations.where(observations.known_on <= first_tested), observations.where(
        observations.as_of >= first_tested
    )


def too_few(train: Observations, test: Observations) -> str | None:
    """What is missing to train a model, in words; None where nothing is."""
    for rows, least, use in ((train, LEAST_TRAINED, "to be trained from"), (test, LEAST_TESTED, "to be judged by")):
        for outcome, name in ((1, "with"), (0, "without")):
            if (has := rows.customers_with(outcome)) < least:
                return f"needs at least {least} customers {name} the outcome {use}, has {has}"
    return None


def train(
    kind: str,
    train_rows: Observations,
    test_rows: Observations,
    directions: Mapping[str, str],
    *,
    draws: int = validation.DRAWS,
) -> Trained:
    """A calibrated model of that kind, and its figures on the rows to judge by.

    One thread: the same numbers are added in the same order on every machine.
    """
    from threadpoolctl import threadpool_limits

    shifted = {name: psi for name, psi in _shifts(train_rows.features, test_rows.features).items() if psi > UNSTABLE}
    used = train_rows.without(shifted)
    with threadpool_limits(limits=1):
        made = _calibrated(KINDS[kind], used, directions)
        figures = _figures(made, used, test_rows, draws=draws) | {"left_out_psi": shifted}
    # The book grows older while outcomes ripen: what is usual is told by the newest months, not by those learnt from.
    return Trained(made.usual_on(test_rows.features), min(train_rows.as_of), max(train_rows.as_of), figures)


def refuse_leaks(train_rows: Observations, test_rows: Observations) -> None:
    """See whether a single feature tells the outcome better than anything honest could.

    Raises:
        LeakError: it does. Names the features.
    """
    found = {
        name: auc
        for name in map(str, train_rows.features)
        if (auc := _alone(name, train_rows, test_rows)) > IMPLAUSIBLE
    }
    if found:
        named = ", ".join(f"{name} (AUC {auc:.3f})" for name, auc in found.items())
        raise LeakError(
            f"no model was trained: {named} alone tells the outcome better than {IMPLAUSIBLE}, on months not trained"
            " from. It most likely knows the future: look at how it is worked out, or take it out of risk_features"
        )


def fingerprint(kind: str, observations: Observations, directions: Mapping[str, str], *, source: str) -> str:
    """Of all that a model follows from, whatever the order of the rows: source, rows, expectations and the code."""
    digest = hashlib.sha256(f"{kind} {source}".encode())
    for module in (model, scorecard, boosted, validation, _this_module()):
        digest.update(inspect.getsource(module).encode())
    digest.update(repr(sorted(directions.items())).encode())
    rows = observations.features.assign(
        outcome=observations.outcome,
        customer=observations.customers.astype(str),
        as_of=observations.as_of.astype(str),
        known_on=observations.known_on.astype(str),
    )
    rows = rows[sorted(rows.columns)]
    digest.update(np.sort(pd.util.hash_pandas_object(rows, index=False).to_numpy()).tobytes())
    return digest.hexdigest()


def _this_module() -> ModuleType:
    import sys

    return sys.modules[__name__]


def _calibrated(
    make: Callable[[pd.DataFrame, Floats, Mapping[str, str]], Model], rows: Observations, directions: Mapping[str, str]
) -> Model:
    """Trained from all rows; how far its probabilities should be apart is learnt from customers left out in turn."""
    from sklearn.model_selection import GroupKFold

    unseen = np.empty(len(rows.outcome))
    for fitted, left_out in GroupKFold(_FOLDS).split(rows.features, groups=rows.customers):
        made = make(rows.features.iloc[fitted], rows.outcome[fitted], directions)
        unseen[left_out] = made.logit(rows.features.iloc[left_out])
    slope, shift = calibration(unseen, rows.outcome, np.ones(len(unseen)))
    # A model that tells the wrong way round on customers whom it has not seen has learnt nothing.
    return make(rows.features, rows.outcome, directions).calibrated(max(slope, 0.0), shift)


def _figures(made: Model, train_rows: Observations, test_rows: Observations, *, draws: int) -> dict[str, Any]:
    logit = made.logit(test_rows.features)
    names = [feature.name for feature in made.features]
    return {
        "trained": _counts(train_rows),
        "tested": _counts(test_rows),
        **measure(logit, test_rows.outcome, test_rows.customers, draws=draws).figures(),
        "score_psi": _shift(made.logit(train_rows.features), logit),
        "feature_psi": _shifts(train_rows.features[names], test_rows.features[names]),
    }


def _counts(rows: Observations) -> dict[str, Any]:
    return {
        "from": min(rows.as_of).isoformat(),
        "to": max(rows.as_of).isoformat(),
        "rows": len(rows.outcome),
        "outcomes": int(rows.outcome.sum()),
        "customers": int(rows.customers.nunique()),
        "customers_with_outcome": rows.customers_with(1),
    }


def _shifts(trained: pd.DataFrame, tested: pd.DataFrame) -> dict[str, float]:
    return {str(name): _shift(trained[name].to_numpy(), tested[name].to_numpy()) for name in trained}


def _shift(trained: Floats, tested: Floats) -> float:
    """PSI over the deciles of the first, and what is not known."""
    known = trained[~np.isnan(trained)]
    deciles = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9))) if len(known) else ()
    bins = BinnedFeature("", tuple(deciles), (), ())
    return round(population_stability(bins.shares_of(trained), bins.shares_of(tested)), 6)


def _alone(name: str, train_rows: Observations, test_rows: Observations) -> float:
    """AUC of one feature on the rows to judge by, however the outcome moves with it: by a small tree."""
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=16, min_samples_leaf=20, random_state=0)
    tree.fit(train_rows.features[[name]].to_numpy(), train_rows.outcome)
    return area_under_curve(tree.predict_proba(test_rows.features[[name]].to_numpy())[:, 1], test_rows.outcome)
