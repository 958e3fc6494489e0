"""Models of risk written by hand: tables of bins as training writes them, and the arithmetic that they stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import exp
from typing import Any

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

    def write(self, connection: Connection, valid_from: date, generation: int = 1) -> None:
        """Register and promote it. Commits."""
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.model (model_version, generation, purpose, kind, trained_as_of, observed_from,"
                " observed_to, features, intercept, figures)"
                " values (%s, %s, %s, 'scorecard', %s, %s, %s, %s, %s, '{}')",
                (self.version, generation, self.purpose, *[valid_from] * 3, list(self.bins), self.intercept),
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


def models_of_cards(connection: Connection, valid_from: date, generation: int = 1) -> None:
    """By these models cards that are paid are in danger, and cards that are late are paid unasked. Commits."""
    is_card = [Bin(None, 1, -2.0, 0.9), Bin(1, None, 2.0, 0.1)]
    income = [Bin(None, -0.1, 0.5, 0.1), Bin(-0.1, None, 0.0, 0.4), Bin(None, None, 0.0, 0.5, True)]
    warning = {"is_card_instalment": is_card, "income_change_6m": income}
    for model in (
        HandMade(f"warning-{generation}", "early_warning", 0.0, warning),
        HandMade(f"cure-{generation}", "self_cure", 0.0, {"is_card_instalment": is_card}),
    ):
        model.write(connection, valid_from, generation)


def said_of_cards(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """What these models say of the loans of a bank, in the words of the oracle of decisions."""
    incomes: dict[str, list[Any]] = {}
    for customer in sorted(rows["customers"], key=lambda row: row["updated_at"]):
        incomes.setdefault(customer["customer_id"], []).append(customer.get("monthly_income"))
    warned, self_cures = {}, {}
    for loan in rows["loans"]:
        is_card = loan["product"] == "card_instalment"
        self_cures[loan["loan_id"]] = Decimal("0.880797") if is_card else Decimal("0.119203")
        if is_card:
            first, *_, last = [*incomes[loan["customer_id"]]] * 2
            fell = first is not None and last is not None and last <= first * Decimal("0.89")
            warned[loan["loan_id"]] = ["IS_CARD_INSTALMENT", *(["INCOME_CHANGE_6M"] if fell else [])]
    return {"warned": warned, "self_cures": self_cures}
