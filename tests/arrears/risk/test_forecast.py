"""The forecast on books that move by rates that are known."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from arrears.risk.forecast import Forecast, Overlay, forecast

TIERS = ("current", "M1", "M2")
WAYS = (*TIERS, "written_off", "closed")
RATES = np.array([[0.93, 0.05, 0.0, 0.0, 0.02], [0.45, 0.25, 0.28, 0.0, 0.02], [0.15, 0.10, 0.45, 0.30, 0.0]])
OVERDUE = frozenset({"M1", "M2"})
NOTHING_ASSUMED = pd.DataFrame(
    columns=["kind", "product", "calendar_month", "valid_from", "valid_to", "factor"], dtype=object
)
SIZE = 1000.0


def months(count: int) -> list[date]:
    return [date(2022 + number // 12, number % 12 + 1, 1) for number in range(count)]


def lived(
    count: int, *, seed: int, loans: Sequence[int] = (4000, 200, 60), new: int = 90, swing: float = 0.0
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Flows of so many months, and the book at their end; `swing` is how much bad months differ from good ones."""
    random = np.random.default_rng(seed)
    book = np.array(loans)
    rows = []
    for month in months(count):
        rates = RATES.copy()
        rates[0, 1] *= np.exp(random.normal(0, swing))
        rates[0, 0] = 1 - rates[0, 1:].sum()
        moved = random.multinomial(book, rates)
        rows += [flow(month, of, to, moved[i, j]) for i, of in enumerate(TIERS) for j, to in enumerate(WAYS)]
        rows.append(flow(month, "new", "current", new))
        book = moved.sum(0)[:3] + np.array([new, 0, 0])
    flows = pd.DataFrame(rows)
    return flows[flows["loans"] > 0], book


def flow(month: date, of: str, to: str, loans: int) -> dict[str, Any]:
    ranks = {name: rank for rank, name in enumerate((*WAYS, "new"))}
    return {
        "month": month,
        "product": "auto",
        "currency": "USD",
        "from_tier": of,
        "to_tier": to,
        "from_rank": ranks[of],
        "to_rank": ranks[to],
        "loans": loans,
        "opening_principal": loans * SIZE,
        "closing_principal": 0.0 if to == "closed" else loans * SIZE,
    }


def assumed(*rows: dict[str, Any]) -> pd.DataFrame:
    empty = {"product": None, "calendar_month": None, "valid_from": date(1900, 1, 1), "valid_to": None}
    return pd.DataFrame([empty | row for row in rows], dtype=object)


def tier(made: Forecast, name: str, months_ahead: int) -> pd.Series:
    found = made.tiers[(made.tiers["tier"] == name) & (made.tiers["months_ahead"] == months_ahead)]
    assert len(found) == 1
    return found.iloc[0]


def test_means_are_those_of_the_chain() -> None:
    flows, book = lived(24, seed=1)
    made = forecast(flows, NOTHING_ASSUMED, OVERDUE, seed=1)

    expected = book.astype(float)
    for ahead in range(1, 7):
        expected = expected @ RATES[:, :3] + np.array([90, 0, 0])
        for place, name in enumerate(TIERS):
            found = tier(made, name, ahead)
            assert found["loans"] == pytest.approx(expected[place], rel=0.1)
            assert found["loans_low"] <= found["loans"] <= found["loans_high"]
            assert found["outstanding_principal"] == pytest.approx(found["loans"] * SIZE, rel=0.01)
    assert set(made.tiers["month"]) == {date(2024, month, 1) for month in range(1, 7)}
    assert set(made.tiers["origin"]) == {date(2023, 12, 1)}


@pytest.mark.parametrize("swing", [0.0, 0.3])
def test_the_interval_holds_what_comes_as_often_as_it_says(swing: float) -> None:
    """Were luck counted twice, or the months' own differences forgotten, it would be too wide or too narrow."""
    inside = widths = trials = 0
    for seed in range(60):
        flows, _ = lived(25, seed=seed, swing=swing)
        known, last = flows[flows["month"] < date(2024, 1, 1)], flows[flows["month"] == date(2024, 1, 1)]
        made = forecast(known, NOTHING_ASSUMED, OVERDUE, seed=seed)
        open_loans = last[last["to_tier"].isin(TIERS)]
        happened = open_loans.loc[open_loans["to_tier"].isin(OVERDUE), "loans"].sum() / open_loans["loans"].sum()
        band = made.overdue[made.overdue["months_ahead"] == 1].iloc[0]
        inside += int(band["low"] <= happened <= band["high"])
        widths += band["high"] - band["low"]
        trials += 1
    assert 0.86 <= inside / trials <= 1.0
    assert (widths / trials > 0.025) == (swing > 0), "a bank whose months differ cannot be foreseen as closely"


def test_expected_loss_is_what_comes_to_be_written_off_within_a_year() -> None:
    flows, _ = lived(24, seed=2, loans=(400_000, 20_000, 6_000), new=9000)
    assumptions = assumed({"kind": "loss_given_write_off", "factor": 0.6})
    made = forecast(flows, assumptions, OVERDUE, seed=1)

    lost = np.zeros(3)
    for _ in range(12):
        lost = RATES[:, 3] + RATES[:, :3] @ lost
    for place, name in enumerate(TIERS):
        found = tier(made, name, 1)
        assert found["expected_loss"] / found["outstanding_principal"] == pytest.approx(0.6 * lost[place], rel=0.03)
    gone = tier(made, "written_off", 1)
    assert gone["expected_loss"] == pytest.approx(0.6 * gone["outstanding_principal"])


def test_a_bad_season_sends_more_loans_further_behind_in_its_months_only() -> None:
    flows, _ = lived(24, seed=3)
    usual = forecast(flows, NOTHING_ASSUMED, OVERDUE, seed=1)
    season = assumed({"kind": "season", "calendar_month": 2, "factor": 1.5, "product": "auto"})
    bad = forecast(flows, season, OVERDUE, seed=1)

    assert tier(bad, "M1", 1)["loans"] == tier(usual, "M1", 1)["loans"], "January is as always"
    assert tier(bad, "M1", 2)["loans"] > 1.2 * tier(usual, "M1", 2)["loans"]
    other = assumed({"kind": "season", "calendar_month": 2, "factor": 1.5, "product": "card"})
    assert forecast(flows, other, OVERDUE, seed=1).tiers.equals(usual.tiers)


def test_of_several_assumptions_the_closest_holds() -> None:
    rows = assumed(
        {"kind": "macro", "factor": 1.1},
        {"kind": "macro", "factor": 1.3, "product": "auto"},
        {"kind": "macro", "factor": 9.0, "product": "auto", "valid_to": date(2024, 1, 1)},
        {"kind": "season", "factor": 2.0, "calendar_month": 3},
    )
    auto, card = Overlay(rows, "auto"), Overlay(rows, "card")
    assert auto.worsening(date(2024, 1, 1)) == pytest.approx(1.3)
    assert card.worsening(date(2024, 3, 1)) == pytest.approx(2.2)
    assert auto.loss_given_write_off(date(2024, 1, 1)) == 1.0


def test_the_same_input_gives_the_same_forecast_in_whatever_order() -> None:
    flows, _ = lived(12, seed=4)
    first = forecast(flows, NOTHING_ASSUMED, OVERDUE, seed=7)
    again = forecast(flows.sample(frac=1, random_state=1), NOTHING_ASSUMED, OVERDUE, seed=7)
    pd.testing.assert_frame_equal(first.tiers, again.tiers)
    pd.testing.assert_frame_equal(first.overdue, again.overdue)


def test_a_book_that_has_hardly_moved_is_not_foretold() -> None:
    flows, _ = lived(5, seed=5)
    made = forecast(flows, NOTHING_ASSUMED, OVERDUE, seed=1)
    assert made.tiers.empty
    assert made.overdue.empty
    assert forecast(flows.iloc[:0], NOTHING_ASSUMED, OVERDUE, seed=1).tiers.empty


def test_a_product_that_is_no_longer_there_is_not_foretold() -> None:
    flows, _ = lived(12, seed=6)
    later = flow(date(2023, 2, 1), "current", "current", 10) | {"product": "card"}
    made = forecast(pd.concat([flows, pd.DataFrame([later])]), NOTHING_ASSUMED, OVERDUE, seed=1)
    assert made.tiers.empty
