"""A figure with its interval, as all that is told of models and experiments."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its interval: of 95 % where nothing else is said."""

    value: float
    low: float
    high: float
