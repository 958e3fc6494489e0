"""Models of risk written by hand: tables of bins as training writes them, and the arithmetic that they stand for."""

from dataclasses import dataclass
from datetime import date
from math import exp

from psycopg2.extensions import connection as Connection  # noqa: N812


@dataclass(frozen=True)
class Bin:
    lower: float | None
    upper: float | None
    weight: float
    share: float
    is_missing: bool = False

    def holds(self, value: float | None) -> bool:
        if value is None or self.is_missing:
            return value is None and self.is_missing
        return (self.lower is None or value >= self.lower) and (self.upper is None or value < self.upper)


@dataclass(frozen=True)
class HandMade:
    """logit(p) = intercept + the weight of the bin of each feature."""

    version: str
    purpose: str
    intercept: float
    bins: dict[str, list[Bin]]

    def contributions(self, row: dict[str, float | None]) -> dict[str, float]:
        """What each feature adds above what it adds on average."""
        return {
            name: next(each.weight for each in bins if each.holds(row[name]))
            - sum(each.weight * each.share for each in bins)
            for name, bins in self.bins.items()
        }

    def logit(self, row: dict[str, float | None]) -> float:
        return self.intercept + sum(
            next(each.weight for each in bins if each.holds(row[name])) for name, bins in self.bins.items()
        )

    def probability(self, row: dict[str, float | None]) -> float:
        return 1 / (1 + exp(-self.logit(row)))

    def write(self, connection: Connection, valid_from: date) -> None:
        """Register and promote it in generation 1. Commits."""
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.model (model_version, generation, purpose, kind, trained_as_of, observed_from,"
                " observed_to, features, intercept, figures)"
                " values (%s, 1, %s, 'scorecard', %s, %s, %s, %s, %s, '{}')",
                (self.version, self.purpose, *[valid_from] * 3, list(self.bins), self.intercept),
            )
            for feature, bins in self.bins.items():
                for number, each in enumerate(bins):
                    cursor.execute(
                        "insert into ops.model_bin values (%s, %s, %s, %s, %s, %s, %s, %s)",
                        (
                            self.version,
                            feature,
                            number,
                            each.lower,
                            each.upper,
                            each.is_missing,
                            each.weight,
                            each.share,
                        ),
                    )
        self.promote(connection, valid_from)

    def promote(self, connection: Connection, valid_from: date) -> None:
        """Once more, or from another day. Commits."""
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.model_promotion (generation, purpose, model_version, valid_from, promoted_by, reason)"
                " select generation, purpose, model_version, %s, 'test', 'test' from ops.model"
                " where model_version = %s",
                (valid_from, self.version),
            )
