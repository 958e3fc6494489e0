"""How well probabilities told what came: figures with intervals, and whether one model did better than another.

A customer's months hang together. Intervals are therefore of a bootstrap that draws customers, each with all rows
(95 % between percentiles); two models are compared on the same draws.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from arrears.risk.estimate import Estimate
from arrears.risk.model import Floats, sigmoid

DRAWS = 500
BOUNDS = (2.5, 97.5)
_NEWTON_STEPS = 25
_PRECISION = 1e-8


@dataclass(frozen=True)
class Measures:
    """How a model did on rows that it was not trained from."""

    auc: Estimate
    """The chance that of two loans the one whose outcome came had the higher probability. 0.5: it tells nothing."""
    gini: Estimate
    ks: Estimate
    """The greatest distance between the distributions of both kinds of loans."""
    brier: Estimate
    """Mean squared distance of the probability from what came."""
    calibration_slope: Estimate
    """1: probabilities are as far apart as they should be; below 1: too far."""
    calibration_intercept: Estimate
    """0: as many outcomes came as were expected; above 0: more."""

    def figures(self) -> dict[str, dict[str, float]]:
        """As `ops.model.figures` keeps them."""
        return {
            name: {end: round(figure, 6) for end, figure in estimate.items()} for name, estimate in asdict(self).items()
        }


@dataclass(frozen=True)
class Comparison:
    """What a model has over another; above 0 the first is better."""

    auc: Estimate
    brier: Estimate

    @property
    def is_better(self) -> bool:
        """Better with confidence by one measure, and with confidence worse by none."""
        return max(self.auc.low, self.brier.low) > 0 and min(self.auc.high, self.brier.high) >= 0


def measure(
    logit: Floats, outcome: Floats, customers: "pd.Series[str]", *, draws: int = DRAWS, seed: int = 0
) -> Measures:
    """How well the logits told the outcomes apart, and how true they were."""
    probability = sigmoid(logit)
    ranked = _Ranked(logit, outcome)

    def figures(weights: Floats) -> list[float]:
        auc, ks = ranked.auc_and_ks(weights)
        slope, intercept = calibration(logit, outcome, weights)
        return [auc, 2 * auc - 1, ks, _brier(probability, outcome, weights), slope, intercept]

    return Measures(*_with_intervals(figures, customers, BOUNDS, draws=draws, seed=seed))


def compare(
    logit: Floats,
    other: Floats,
    outcome: Floats,
    customers: "pd.Series[str]",
    *,
    bounds: tuple[float, float] = BOUNDS,
    draws: int = DRAWS,
    seed: int = 0,
) -> Comparison:
    """What the first model's logits have over the other's on the same rows."""
    ranked, ranked_other = _Ranked(logit, outcome), _Ranked(other, outcome)

    def figures(weights: Floats) -> list[float]:
        return [
            ranked.auc_and_ks(weights)[0] - ranked_other.auc_and_ks(weights)[0],
            _brier(sigmoid(other), outcome, weights) - _brier(sigmoid(logit), outcome, weights),
        ]

    return Comparison(*_with_intervals(figures, customers, bounds, draws=draws, seed=seed))


def area_under_curve(scores: Floats, outcome: Floats) -> float:
    """AUC without its interval."""
    return _Ranked(scores, outcome).auc_and_ks(np.ones(len(outcome)))[0]


def calibration(logit: Floats, outcome: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and intercept of the regression of what came on the logit; (0, mean) where the logit is all the same."""
    share = float(np.average(outcome, weights=weights))
    mean = float(np.log(share / (1 - share)))
    if np.ptp(logit) == 0:
        return 0.0, mean
    # Newton's method, which two parameters do not need a library for: it is run for every draw. A step that leads
    # downhill is halved: where outcomes are rare and the logits too close together, the first one overshoots.
    terms = np.stack([logit, np.ones(len(logit))])
    found = np.array([0.0, mean])
    for _ in range(_NEWTON_STEPS):
        here = found @ terms
        expected, reached = sigmoid(here), _likelihood(here, outcome, weights)
        curvature = (terms * (weights * expected * (1 - expected))) @ terms.T
        step = np.linalg.lstsq(curvature, terms @ (weights * (outcome - expected)))[0]
        while np.abs(step).max() > _PRECISION and _likelihood((found + step) @ terms, outcome, weights) < reached:
            step = step / 2
        found = found + step
        if np.abs(step).max() <= _PRECISION:
            break
    return float(found[0]), float(found[1])


class _Ranked:
    """Outcomes in the order of the scores, so that draws of weights need no other sort."""

    def __init__(self, scores: Floats, outcome: Floats) -> None:
        self._order = np.argsort(scores, kind="stable")
        self._came = outcome[self._order]
        ordered = scores[self._order]
        # Equal scores are one step of the curve.
        self._ends = np.flatnonzero(np.append(np.diff(ordered) > 0, True))

    def auc_and_ks(self, weights: Floats) -> tuple[float, float]:
        ordered = weights[self._order]
        came = np.append(0.0, np.cumsum(ordered * self._came)[self._ends])
        others = np.append(0.0, np.cumsum(ordered * (1 - self._came))[self._ends])
        came, others = came / came[-1], others / others[-1]
        # Of the loans whose outcome came, the share with a higher score than each of the others.
        auc = float(np.sum(np.diff(others) * (1 - (came[1:] + came[:-1]) / 2)))
        return auc, float(np.max(np.abs(came - others)))


def _likelihood(logit: Floats, outcome: Floats, weights: Floats) -> float:
    """Logarithm of it."""
    return float(np.sum(weights * (outcome * logit - np.logaddexp(0, logit))))


def _brier(probability: Floats, outcome: Floats, weights: Floats) -> float:
    return float(np.average((probability - outcome) ** 2, weights=weights))


def _with_intervals(
    figures: Callable[[Floats], list[float]],
    customers: "pd.Series[str]",
    bounds: tuple[float, float],
    *,
    draws: int,
    seed: int,
) -> Iterator[Estimate]:
    codes, distinct = pd.factorize(customers)
    chance = np.random.default_rng(seed)
    drawn = [
        figures(chance.multinomial(len(distinct), np.full(len(distinct), 1 / len(distinct)))[codes].astype("float64"))
        for _ in range(draws)
    ]
    lows, highs = np.percentile(np.array(drawn), bounds, axis=0)
    for value, low, high in zip(figures(np.ones(len(codes))), lows, highs, strict=True):
        yield Estimate(value, float(low), float(high))
