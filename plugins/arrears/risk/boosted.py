"""Gradient boosting without interactions, written down as the table of bins that it is.

Each tree looks at one feature only, so the sum of all trees is a sum of step functions, one per feature, and where
their steps are is what the trees' thresholds say. Nothing is approximated.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrears.risk.model import BinnedFeature, Floats, Model

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_TREES = 150
_LEAVES = 4
_LEARNING_RATE = 0.1
_MOST_BINS = 32
_LEAST_SHARE_OF_LEAF = 0.005
_DIRECTIONS = {"up": 1, "down": -1, "none": 0}


def train_boosted(features: pd.DataFrame, outcome: Floats, directions: Mapping[str, str]) -> Model:
    """Boosting of single features, monotone where a direction is expected. The same arguments as `train_scorecard`."""
    return written_down(fit_boosting(features, outcome, directions), features)


def fit_boosting(
    features: pd.DataFrame, outcome: Floats, directions: Mapping[str, str], *, interactions: bool = False
) -> "HistGradientBoostingClassifier":
    """The library's model; with interactions it is a yardstick, and cannot be written down."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    boosting = HistGradientBoostingClassifier(
        learning_rate=_LEARNING_RATE,
        max_iter=_TREES,
        max_leaf_nodes=_LEAVES,
        max_bins=_MOST_BINS,
        min_samples_leaf=max(20, int(_LEAST_SHARE_OF_LEAF * len(features))),
        l2_regularization=1.0,
        interaction_cst=None if interactions else "no_interactions",
        monotonic_cst=[_DIRECTIONS[directions[name]] for name in map(str, features)],
        early_stopping=False,
        random_state=0,
    )
    return boosting.fit(features.to_numpy(dtype="float64"), outcome)


def written_down(boosting: "HistGradientBoostingClassifier", features: pd.DataFrame) -> Model:
    """The fitted model as tables of bins: what is not known weighs nothing, all else is told against that."""
    nothing_known = np.full((1, features.shape[1]), np.nan)
    intercept = float(boosting.decision_function(nothing_known)[0])
    tables = []
    for place, cuts in _cuts(boosting).items():
        probes = np.repeat(nothing_known, len(cuts) + 2, axis=0)
        probes[:-1, place] = (-np.inf, *cuts)  # The lowest value of each bin; the last row stays unknown.
        weights = boosting.decision_function(probes) - intercept
        uncut = BinnedFeature(str(features.columns[place]), cuts, tuple(map(float, weights)), ())
        shares = uncut.shares_of(features.iloc[:, place].to_numpy(dtype="float64"))
        tables.append(BinnedFeature(uncut.name, cuts, uncut.weights, shares))
    return Model("boosted", intercept, tuple(tables))


def _cuts(boosting: "HistGradientBoostingClassifier") -> dict[int, tuple[float, ...]]:
    """Per feature that trees look at, where its steps are: trees ask `value <= threshold`, bins leave their end out."""
    found: dict[int, set[float]] = {}
    for (tree,) in boosting._predictors:
        for node in tree.nodes:
            if not node["is_leaf"]:
                found.setdefault(int(node["feature_idx"]), set()).add(
                    float(np.nextafter(node["num_threshold"], np.inf))
                )
    # Infinite where a tree only tells what is known from what is not: no step between numbers.
    return {place: tuple(sorted(cut for cut in cuts if cut < np.inf)) for place, cuts in sorted(found.items())}
