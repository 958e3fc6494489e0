"""What the next months bring: the book moved on by its own roll rates, many times, with what chance makes of it.

A loan is in one state at a month's end: a tier, `written_off` or `closed`. From month to month it moves by the rates
that loans in its tier had in the months before (a Markov chain). A forecast plays the book that is there, and new loans
as they came, along many paths; its figures are means over the paths, its bounds their 2.5th and 97.5th percentile. A
path

* draws which of the past months it has lived through (what the rates are is itself uncertain),
* draws one of those for each month to come, all tiers from the same one, since bad months are bad in all tiers,
* and lets each loan go its own way (a multinomial draw).

The rates of a single month differ from the average by what was different in that month and by the luck of few loans.
The paths draw luck anew, so of a month's difference only that part is kept which luck does not explain (`_own_part`).

Pure functions over frames. Money is a float here: these are expectations, not amounts that anybody owes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

MONTHS_AHEAD = 6
WINDOW = 24
"""So many past months are looked at."""
HALF_LIFE = 12.0
"""Months after which a past month is half as likely to be drawn."""
LEAST_MONTHS = 6
"""With fewer past months nothing is forecast."""
LOSS_MONTHS = 12
"""A loss is expected of a loan that is written off within so many further months."""
PATHS = 2000
BOUNDS = (0.025, 0.975)
GONE = ("written_off", "closed")
NEW = "new"

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Forecast:
    """A forecast made at the end of a month, of one product and currency or of several."""

    tiers: pd.DataFrame
    """One row per product, currency, month ahead and tier: `TIER_COLUMNS`."""
    overdue: pd.DataFrame
    """One row per product, currency and month ahead: `OVERDUE_COLUMNS`. Rate: overdue principal / open principal."""


TIER_COLUMNS = (
    *("product", "currency", "origin", "months_ahead", "month", "tier", "loans", "loans_low", "loans_high"),
    *("outstanding_principal", "low", "high", "expected_loss", "expected_loss_low", "expected_loss_high"),
)
OVERDUE_COLUMNS = ("product", "currency", "origin", "months_ahead", "month", "rate", "low", "high")


def forecast(flows: pd.DataFrame, assumptions: pd.DataFrame, overdue_tiers: frozenset[str], *, seed: int) -> Forecast:
    """Forecast every product and currency that has moved for long enough.

    Args:
        flows: one row per month (its first day), product, currency, from_tier, to_tier: loans, opening and closing
            principal. The newest month is the origin.
        assumptions: rows of the seed `forecast_assumptions`.
        overdue_tiers: tiers whose loans are past due.
        seed: the same figures come of the same flows, assumptions and seed.
    """
    tiers, overdue = [], []
    origin = max(flows["month"], default=date.min)
    for number, ((product, currency), own) in enumerate(flows.groupby(["product", "currency"], sort=True)):
        history = _History.read(own, origin)
        if history is None:
            continue
        overlay = Overlay(assumptions, str(product))
        paths = _play(history, overlay, np.random.default_rng([seed, number]))
        common: dict[str, Any] = {"product": product, "currency": currency, "origin": origin}
        tiers += [{**common, **row} for row in _tier_rows(history, paths, overlay)]
        overdue += [{**common, **row} for row in _overdue_rows(history, paths, overdue_tiers)]
    return Forecast(pd.DataFrame(tiers, columns=TIER_COLUMNS), pd.DataFrame(overdue, columns=OVERDUE_COLUMNS))


class Overlay:
    """What is assumed about months to come, of one product: a row for the product comes before one for all."""

    def __init__(self, assumptions: pd.DataFrame, product: str) -> None:
        self._rows = [row for row in assumptions.to_dict("records") if row["product"] in (None, product)]

    def worsening(self, month: date) -> float:
        """How many times as likely as usual a loan is to fall further behind in that month."""
        return self._factor("season", month, 1.0) * self._factor("macro", month, 1.0)

    def loss_given_write_off(self, month: date) -> float:
        """Share of written-off principal that stays lost."""
        return self._factor("loss_given_write_off", month, 1.0)

    def _factor(self, kind: str, month: date, otherwise: float) -> float:
        held = [
            row
            for row in self._rows
            if row["kind"] == kind
            and row["calendar_month"] in (None, month.month)
            and row["valid_from"] <= month
            and (row["valid_to"] is None or month < row["valid_to"])
        ]
        exact = sorted(held, key=lambda row: (row["product"] is None, row["calendar_month"] is None))
        return float(exact[0]["factor"]) if exact else otherwise


@dataclass(frozen=True)
class _History:
    """Past months of one product and currency, as arrays over months (oldest first), from-states and to-states."""

    origin: date
    states: tuple[str, ...]
    """The tiers, mildest first; those loans are open."""
    loans: Floats
    """months x tiers x (tiers, written_off, closed): loans that went this way."""
    new_loans: Floats
    """months x (tiers, written_off, closed)."""
    growth: Floats
    """tiers x (tiers, written_off, closed): mean principal of a loan that went this way / of one in its tier before."""
    new_size: Floats
    """Mean principal at the month's end of a new loan that went this way."""
    book: Counts
    """Loans by tier at the origin."""
    principal: Floats
    """Their outstanding principal."""
    weight: Floats
    """Chance of each past month to be drawn."""

    @classmethod
    def read(cls, flows: pd.DataFrame, origin: date) -> "_History | None":
        months = sorted(set(flows["month"]))[-WINDOW:]
        if len(months) < LEAST_MONTHS or months[-1] != origin:
            return None
        flows = flows[flows["month"].isin(months)]
        states = tuple(sorted({*flows["from_tier"], *flows["to_tier"]} - {*GONE, NEW}, key=_by_rank(flows)))
        ways = (*states, *GONE)
        shape = (len(months), len(states) + 1, len(ways))
        loans, opening, closing = (np.zeros(shape) for _ in range(3))
        at = (
            flows["month"].map(months.index),
            flows["from_tier"].map({name: place for place, name in enumerate((*states, NEW))}),
            flows["to_tier"].map(ways.index),
        )
        known = at[1].notna()
        places = tuple(column[known].astype(int) for column in at)
        for array, column in ((loans, "loans"), (opening, "opening_principal"), (closing, "closing_principal")):
            np.add.at(array, places, flows.loc[known, column].astype(float))
        size_before = _ratio(opening.sum((0, 2))[:-1], loans.sum((0, 2))[:-1])
        size_after = _ratio(closing.sum(0), loans.sum(0))
        newest = loans[-1].sum(0), closing[-1].sum(0)
        age = np.arange(len(months))[::-1]
        return cls(
            origin,
            states,
            loans[:, :-1],
            loans[:, -1],
            _ratio(size_after[:-1], size_before[:, None]),
            size_after[-1],
            newest[0][: len(states)].astype(np.int64),
            newest[1][: len(states)],
            0.5 ** (age / HALF_LIFE) / (0.5 ** (age / HALF_LIFE)).sum(),
        )


def _by_rank(flows: pd.DataFrame) -> Any:
    ranks = dict(zip(flows["to_tier"], flows["to_rank"], strict=True)) | dict(
        zip(flows["from_tier"], flows["from_rank"], strict=True)
    )
    return lambda tier: (ranks[tier], tier)


@dataclass(frozen=True)
class _Paths:
    """What the paths saw: paths x months ahead x (tiers, written_off)."""

    loans: Floats
    principal: Floats
    chance_of_loss: Floats
    """paths x tiers: of principal in that tier, the share that is written off within `LOSS_MONTHS`."""


def _play(history: _History, overlay: Overlay, random: np.random.Generator) -> _Paths:
    months, tiers = history.loans.shape[:2]
    drawn = random.multinomial(months, history.weight, size=PATHS) / months
    usual = _rates(np.einsum("pm,mij->pij", drawn, history.loans), _rates(history.loans.sum(0)))
    lived_rates, own = _rates(history.loans, _rates(history.loans.sum(0))), _own_part(history.loans)[:, :, None]
    loans = np.repeat(history.book[None], PATHS, 0)
    principal = np.repeat(history.principal[None], PATHS, 0)
    seen_loans, seen_principal = (np.zeros((PATHS, MONTHS_AHEAD, tiers + 1)) for _ in range(2))
    lived = drawn.cumsum(1)
    for ahead in range(MONTHS_AHEAD):
        month = (lived < random.random((PATHS, 1))).sum(1).clip(max=months - 1)
        rates = usual + own[month] * (lived_rates[month] - usual)
        rates = _worsened(_lawful(rates), overlay.worsening(_months_after(history.origin, ahead + 1)))
        moved = random.multinomial(loans, rates)
        new = random.poisson(history.new_loans[month])
        size = _ratio(principal, loans.astype(float))
        principal_moved = np.einsum("pij,pi,ij->pj", moved, size, history.growth) + new * history.new_size
        loans_moved = moved.sum(1) + new
        seen_loans[:, ahead] = loans_moved[:, : tiers + 1]
        seen_principal[:, ahead] = principal_moved[:, : tiers + 1]
        loans, principal = loans_moved[:, :tiers], principal_moved[:, :tiers]
    return _Paths(seen_loans, seen_principal, _chance_of_loss(usual * history.growth))


def _rates(loans: Floats, otherwise: Floats | None = None) -> Floats:
    """Rows as shares of their sum; a tier that held no loan takes `otherwise`, or stays as it is."""
    sums = loans.sum(-1, keepdims=True)
    stay = np.eye(loans.shape[-2], loans.shape[-1])
    return np.where(sums > 0, loans / np.where(sums > 0, sums, 1), stay if otherwise is None else otherwise)


def _own_part(loans: Floats) -> Floats:
    """By month and tier: how much of a month's difference from the average is its own (0 to 1), and not luck.

    Were all months alike, the chi-square statistic of the table months x ways would be about its degrees of freedom;
    what it exceeds them by measures how much months differ (`spread`, relative to the variance of one loan). The
    difference seen in a month with n loans has the variance spread + 1 / n, of which the spread is kept.
    """
    at_hand = loans.sum(2)
    usual = _rates(loans.sum(0))
    expected = at_hand[:, :, None] * usual[None]
    squares = np.divide((loans - expected) ** 2, expected, out=np.zeros_like(loans), where=expected > 0).sum((0, 2))
    ways = np.maximum((usual > 0).sum(1) - 1, 1)
    beyond = np.clip(squares / ways - ((at_hand > 0).sum(0) - 1), 0, None)
    spread = _ratio(beyond, at_hand.sum(0) - _ratio((at_hand**2).sum(0), at_hand.sum(0)))
    own: Floats = np.sqrt(at_hand * spread / (1 + at_hand * spread))
    return own


def _lawful(rates: Floats) -> Floats:
    """As chances that sum to 1 to the last digit that the draw looks at."""
    sums: Floats = rates / rates.sum(-1, keepdims=True)
    return sums


def _worsened(rates: Floats, factor: float) -> Floats:
    """The same with each chance to fall further behind, or to be written off, times `factor`; the others make room."""
    if factor == 1.0:
        return rates
    tiers = rates.shape[1]
    is_worse = np.triu(np.ones((tiers, tiers + 2), dtype=bool), k=1)
    is_worse[:, tiers + 1] = False
    worse = np.where(is_worse, rates * factor, 0)
    worse /= np.maximum(worse.sum(-1, keepdims=True), 1)
    rest = np.where(is_worse, 0, rates)
    left = 1 - worse.sum(-1, keepdims=True)
    scaled: Floats = worse + rest * _ratio(left, rest.sum(-1, keepdims=True))
    return _lawful(scaled)


def _chance_of_loss(kept: Floats) -> Floats:
    """By path and tier: the share of principal that comes to be written off, where `kept` moves it on by a month."""
    tiers = kept.shape[1]
    step, lost = kept[:, :, :tiers], kept[:, :, tiers]
    total = np.zeros_like(lost)
    for _ in range(LOSS_MONTHS):
        total = lost + np.einsum("pij,pj->pi", step, total)
    return np.clip(total, 0, 1)


def _tier_rows(history: _History, paths: _Paths, overlay: Overlay) -> Iterator[Mapping[str, Any]]:
    for ahead in range(MONTHS_AHEAD):
        month = _months_after(history.origin, ahead + 1)
        share_lost = overlay.loss_given_write_off(month)
        for place, tier in enumerate((*history.states, GONE[0])):
            loans, principal = paths.loans[:, ahead, place], paths.principal[:, ahead, place]
            chance = 1.0 if tier == GONE[0] else paths.chance_of_loss[:, place]
            yield {
                "months_ahead": ahead + 1,
                "month": month,
                "tier": tier,
                **_spread("loans", "loans_low", "loans_high", loans),
                **_spread("outstanding_principal", "low", "high", principal),
                **_spread("expected_loss", "expected_loss_low", "expected_loss_high", principal * chance * share_lost),
            }


def _overdue_rows(history: _History, paths: _Paths, overdue_tiers: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    is_overdue = np.array([tier in overdue_tiers for tier in history.states])
    for ahead in range(MONTHS_AHEAD):
        principal = paths.principal[:, ahead, : len(history.states)]
        rate = _ratio(principal[:, is_overdue].sum(1), principal.sum(1))
        month = _months_after(history.origin, ahead + 1)
        yield {"months_ahead": ahead + 1, "month": month, **_spread("rate", "low", "high", rate)}


def _spread(mean: str, low: str, high: str, values: Floats) -> dict[str, float]:
    bounds = np.quantile(values, BOUNDS)
    return {mean: float(values.mean()), low: float(bounds[0]), high: float(bounds[1])}


def _ratio(above: Floats, below: Floats) -> Floats:
    """0 where there is nothing to divide by."""
    result: Floats = np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below != 0)
    return result


def _months_after(month: date, months: int) -> date:
    years, rest = divmod(month.month - 1 + months, 12)
    return date(month.year + years, rest + 1, 1)
