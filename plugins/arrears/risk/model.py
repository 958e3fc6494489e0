"""A model as a sum over tables of bins: scored, explained and kept without the library that made it.

logit(p) = intercept + the weight of the bin that each feature falls into. A bin reaches from its lower end (inclusive)
to its upper end (exclusive); the bins of a feature leave no gap, and one more is for what is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

LEAST_SHARE = 1e-4
"""A bin that is empty counts as this share where shares are compared."""


@dataclass(frozen=True)
class Bin:
    """A row of `ops.model_bin`."""

    feature: str
    bin: int
    lower: float | None
    upper: float | None
    is_missing: bool
    weight: float
    expected_share: float


@dataclass(frozen=True)
class BinnedFeature:
    """The bins of one feature, from low to high; the last place of `weights` and `shares` is for what is not known."""

    name: str
    cuts: tuple[float, ...]
    """Where a bin ends and the next begins, ascending."""
    weights: tuple[float, ...]
    shares: tuple[float, ...]
    """Of the loans that are usual: see `Model.usual_on`."""

    def places(self, values: Floats) -> Places:
        """Which bin each value falls into."""
        places = np.searchsorted(np.array(self.cuts), values, side="right")
        return np.where(np.isnan(values), len(self.cuts) + 1, places)

    def shares_of(self, values: Floats) -> tuple[float, ...]:
        """The share of the values in each bin."""
        counts = np.bincount(self.places(values), minlength=len(self.cuts) + 2)
        return tuple(float(share) for share in counts / max(len(values), 1))

    @property
    def expected(self) -> float:
        """The mean weight over the usual loans: neither better nor worse."""
        return float(np.dot(self.weights, self.shares))

    def bins(self) -> Iterator[Bin]:
        """The rows of the table."""
        ends = (None, *self.cuts, None)
        for place, (weight, share) in enumerate(zip(self.weights, self.shares, strict=True)):
            is_missing = place == len(self.cuts) + 1
            lower, upper = (None, None) if is_missing else (ends[place], ends[place + 1])
            yield Bin(self.name, place, lower, upper, is_missing, weight, share)

    @classmethod
    def of(cls, bins: list[Bin]) -> "BinnedFeature":
        """From the rows of the table, in whatever order."""
        known = sorted((row for row in bins if not row.is_missing), key=lambda row: row.bin)
        missing = next(row for row in bins if row.is_missing)
        return cls(
            missing.feature,
            tuple(row.lower for row in known if row.lower is not None),
            tuple(row.weight for row in (*known, missing)),
            tuple(row.expected_share for row in (*known, missing)),
        )


@dataclass(frozen=True)
class Model:
    """What decides."""

    kind: str
    """`scorecard` or `boosted`: how it was made. It is used the same way."""
    intercept: float
    features: tuple[BinnedFeature, ...]

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to logit(p). A feature that the frame does not have is not known."""
        values = frame.reindex(columns=[feature.name for feature in self.features]).astype("float64")
        added = {
            feature.name: np.array(feature.weights)[feature.places(values[feature.name].to_numpy())]
            for feature in self.features
        }
        return pd.DataFrame(added, index=frame.index)

    def logit(self, frame: pd.DataFrame) -> Floats:
        """The logarithm of the odds that the outcome comes."""
        return self.intercept + self.contributions(frame).sum(axis=1).to_numpy(dtype="float64")

    def probability(self, frame: pd.DataFrame) -> Floats:
        """The probability that the outcome comes."""
        return sigmoid(self.logit(frame))

    def reasons(self, frame: pd.DataFrame, *, at_most: int) -> list[tuple[str, ...]]:
        """Per row the features that raise the probability most above what is usual, the strongest first."""
        names = [feature.name for feature in self.features]
        above = self.contributions(frame).to_numpy() - np.array([feature.expected for feature in self.features])
        order = np.argsort(-above, axis=1, kind="stable")[:, :at_most]
        return [
            tuple(names[place] for place in places if raised[place] > 0)
            for raised, places in zip(above, order, strict=True)
        ]

    def usual_on(self, frame: pd.DataFrame) -> "Model":
        """The same model, to which the loans of the frame are the usual ones: reasons and drift are told from them."""
        known = (replace(each, shares=each.shares_of(frame[each.name].to_numpy())) for each in self.features)
        return replace(self, features=tuple(known))

    def calibrated(self, slope: float, shift: float) -> "Model":
        """The model whose logit is slope · logit + shift: still a sum over bins."""
        scaled = (
            replace(feature, weights=tuple(slope * weight for weight in feature.weights)) for feature in self.features
        )
        return replace(self, intercept=slope * self.intercept + shift, features=tuple(scaled))


def sigmoid(logit: Floats) -> Floats:
    """From the logarithm of odds to a probability; exact to the last digits at both ends."""
    return np.exp(-np.logaddexp(0.0, -logit))


def population_stability(expected: tuple[float, ...], found: tuple[float, ...]) -> float:
    """PSI: how far two distributions over the same bins are apart. Below 0.1: hardly; above 0.25: it is another one."""
    e, f = (np.maximum(shares, LEAST_SHARE) for shares in (expected, found))
    return float(np.sum((f - e) * np.log(f / e)))
