"""A scorecard: each feature cut into bins, each bin weighed by its evidence, the evidence added up by a regression.

The cuts are optbinning's: those that tell the outcomes apart best while the risk moves from bin to bin as the bank
expects of the feature. Evidence of a bin is ln(share of outcomes in it / share of the others in it).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from arrears.risk.model import BinnedFeature, Floats, Model, Places

MOST_BINS = 8
LEAST_IN_BIN = 10
"""A bin has at least so many outcomes, and so many others; otherwise what is not known weighs nothing."""
LEAST_SIZE = 0.03
"""And at least this share of the loans."""
LEAST_INFORMATION = 0.02
"""A feature with a lower information value is left out: the usual border of what helps at all."""
_TRENDS = {"up": "ascending", "down": "descending", "none": "auto"}


def train_scorecard(features: pd.DataFrame, outcome: Floats, directions: Mapping[str, str]) -> Model:
    """A scorecard of the features that help.

    Args:
        features: one column of numbers per feature; NaN where it is not known.
        outcome: 1 where the outcome came, 0 where it did not.
        directions: how the risk moves as the feature grows: `up`, `down`, or `none` where nothing is expected.
    """
    weighed = [weigh(features[name].to_numpy(), outcome, name, directions[name]) for name in map(str, features)]
    kept = [feature for feature in weighed if _information(feature, features, outcome) >= LEAST_INFORMATION]
    return _regress(kept, features, outcome)


def weigh(values: Floats, outcome: Floats, name: str, direction: str) -> BinnedFeature:
    """One feature in bins, the weight of each its evidence; a single bin where it tells nothing."""
    uncut = BinnedFeature(name, _cuts(values, outcome, direction), (), ())
    places = uncut.places(values)
    return BinnedFeature(name, uncut.cuts, _evidence(places, outcome, len(uncut.cuts) + 2), uncut.shares_of(values))


def _cuts(values: Floats, outcome: Floats, direction: str) -> tuple[float, ...]:
    from optbinning import OptimalBinning

    known = ~np.isnan(values)
    came = outcome[known].sum()
    if min(came, known.sum() - came) < 2 * LEAST_IN_BIN or np.ptp(values[known]) == 0:
        return ()
    binning = OptimalBinning(
        monotonic_trend=_TRENDS[direction],
        max_n_bins=MOST_BINS,
        min_bin_size=LEAST_SIZE,
        min_bin_n_event=LEAST_IN_BIN,
        min_bin_n_nonevent=LEAST_IN_BIN,
    )
    binning.fit(values[known], outcome[known].astype(int))
    return tuple(float(cut) for cut in binning.splits)


def _evidence(places: Places, outcome: Floats, bins: int) -> tuple[float, ...]:
    came = np.bincount(places, weights=outcome, minlength=bins)
    others = np.bincount(places, minlength=bins) - came
    is_told = (came >= LEAST_IN_BIN) & (others >= LEAST_IN_BIN)
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = np.log(came / came.sum()) - np.log(others / others.sum())
    return tuple(float(weight) for weight in np.where(is_told, evidence, 0.0))


def _information(feature: BinnedFeature, features: pd.DataFrame, outcome: Floats) -> float:
    evidence = np.array(feature.weights)[feature.places(features[feature.name].to_numpy())]
    return float(evidence[outcome == 1].mean() - evidence[outcome == 0].mean())


def _regress(kept: list[BinnedFeature], features: pd.DataFrame, outcome: Floats) -> Model:
    """Add the evidence up. A feature that would count against its own evidence says what others say better: it goes."""
    from sklearn.linear_model import LogisticRegression

    while kept:
        evidence = Model("scorecard", 0.0, tuple(kept)).contributions(features)
        fitted = LogisticRegression(max_iter=1000).fit(evidence, outcome)
        slopes = fitted.coef_[0]
        if slopes.min() > 0:
            added = tuple(_scaled(feature, float(slope)) for feature, slope in zip(kept, slopes, strict=True))
            return Model("scorecard", float(fitted.intercept_[0]), added)
        del kept[int(slopes.argmin())]
    share = float(outcome.mean())
    return Model("scorecard", float(np.log(share / (1 - share))), ())


def _scaled(feature: BinnedFeature, slope: float) -> BinnedFeature:
    return BinnedFeature(
        feature.name, feature.cuts, tuple(slope * weight for weight in feature.weights), feature.shares
    )
