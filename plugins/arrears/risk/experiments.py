"""What an experiment has shown: differences between arms with their intervals, and a verdict in plain words.

Customers are drawn into an arm and stay in it, whether or not anybody contacted them (intention to treat). Of each it
is counted once whether he was cured at the end of a fixed window, and what he paid and cost within it.

The book is looked at every day, so intervals of a whole experiment are **always valid**: the chance that one of them,
at any of the looks, misses the true difference is at most `ALPHA`. They invert the mixture sequential probability ratio
test (Robbins 1970; Johari, Koomen, Pekelis and Walsh, Always Valid Inference, Operations Research 70(3), 2022): a
difference d with variance V, against a normal mixture of standard deviation t, lies within

    d +- sqrt(V (V + t^2) / t^2 * (2 ln(1 / ALPHA) + ln((V + t^2) / V)))

The interval is narrowest where V is about t^2 / 8, which is where a difference of t would be found with a power of 0.8
at a single look: so t is the smallest difference that would matter. Complaints and opt-outs are few, so they are
judged exactly: of those that came, the share of the arm is held against its share of customers, by a uniform mixture of
greater shares (an e-value: by Ville's inequality the chance that it ever reaches 1 / a is at most a).

Pure functions of counts and sums. Money is a float here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf, log, sqrt

from scipy.optimize import brentq
from scipy.special import betaincc, betaln, chdtrc, ndtri

from arrears.risk.estimate import Estimate

ALPHA = 0.05
"""Chance of a false alarm of an experiment over all looks; the arms that are compared share it."""
POWER = 0.8
LEAST_CUSTOMERS = 100
"""With fewer whole windows in an arm nothing is said of it: the intervals rest on sums of many."""
BROKEN_BELOW = 0.001
"""An assignment is broken where chance would bring the numbers of customers about as seldom as this."""

_DEVIATIONS = float(ndtri(1 - ALPHA / 2))
"""Of an interval for one look."""

CHAMPION = "champion"
HOLD_OUT = "hold_out"


@dataclass(frozen=True)
class Arm:
    """What is known of an arm; `treatment` and `share` as the seed has them."""

    name: str
    treatment: str
    share: float
    customers: int
    """All that were drawn into it so far."""
    complete: int
    """Those whose window has passed."""
    cured: int
    """Of the complete ones."""
    complained: int
    """Of all, within their window so far."""
    opted_out: int

    @property
    def cure_rate(self) -> float | None:
        return self.cured / self.complete if self.complete else None

    @property
    def variance(self) -> float:
        """Of one customer's cure; with one cured and one not more than there were, so that it is never 0."""
        rate = (self.cured + 1) / (self.complete + 2)
        return rate * (1 - rate)


@dataclass(frozen=True)
class Sums:
    """Money of the customers of an arm in one currency whose window has passed."""

    customers: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.customers

    @property
    def variance(self) -> float:
        """Of one customer's money."""
        return max(self.squares - self.total**2 / self.customers, 0.0) / max(self.customers - 1, 1)


@dataclass(frozen=True)
class Verdict:
    """What is to be made of an arm, as the whole experiment stands."""

    code: str
    """champion, broken, stop, too_early, better, worse, same or open."""
    text: str
    difference: Estimate | None = None
    """Of cure rates, from the champion; always valid."""
    needed: int | None = None
    """So many more customers with whole windows, of this arm and the champion together, would tell."""


# Intervals ------------------------------------------------------------------------------------------------------------


def of_one_look(one: Arm, other: Arm) -> Estimate | None:
    """How many more are cured, with an ordinary interval (Agresti and Caffo's): for one look at a finished month."""
    if not one.complete or not other.complete:
        return None
    added = [((arm.cured + 1) / (arm.complete + 2), arm.complete + 2) for arm in (one, other)]
    middle = added[0][0] - added[1][0]
    half = _DEVIATIONS * sqrt(sum(rate * (1 - rate) / count for rate, count in added))
    value = one.cured / one.complete - other.cured / other.complete
    # Few of them are cured or few are not: the interval is moved to the middle, and holds what was seen all the same.
    return Estimate(value, max(min(middle - half, value), -1.0), min(max(middle + half, value), 1.0))


def money_of_one_look(one: Sums, other: Sums) -> Estimate | None:
    """How much more a customer paid, with an ordinary interval."""
    if min(one.customers, other.customers) < 2:
        return None
    return _within(one.mean - other.mean, _DEVIATIONS * sqrt(_variance(one, other)))


def at_any_look(one: Arm, other: Arm, least_effect: float, alpha: float = ALPHA) -> Estimate | None:
    """How many more are cured, with an interval that holds however often one looks."""
    if not one.complete or not other.complete:
        return None
    value = one.cured / one.complete - other.cured / other.complete
    variance = one.variance / one.complete + other.variance / other.complete
    return _within(value, _half_width(variance, least_effect, alpha), most=1.0)


def money_at_any_look(
    money: tuple[Sums, Sums], arms: tuple[Arm, Arm], least_effect: float, alpha: float = ALPHA
) -> Estimate | None:
    """How much more a customer paid, with an interval that holds however often one looks.

    It is made narrowest for as many customers as the interval of cure rates is.
    """
    one, other = money
    if min(one.customers, other.customers) < 2:
        return None
    of_one = [max(sums.variance, 1e-9) for sums in money]
    scale = sqrt(sum(of_one) / sum(arm.variance for arm in arms))
    return _within(one.mean - other.mean, _half_width(_variance(one, other), least_effect * scale, alpha))


def _variance(one: Sums, other: Sums) -> float:
    return one.variance / one.customers + other.variance / other.customers


def _within(value: float, half: float, most: float = inf) -> Estimate:
    return Estimate(value, max(value - half, -most), min(value + half, most))


def _half_width(variance: float, mixture: float, alpha: float) -> float:
    if variance == 0:
        return 0.0
    wide = (variance + mixture**2) / variance
    return sqrt(variance * (variance + mixture**2)) / mixture * sqrt(2 * log(1 / alpha) + log(wide))


# How many are needed --------------------------------------------------------------------------------------------------


def needed(one: Arm, other: Arm, least_effect: float, alpha: float = ALPHA) -> int:
    """Customers with whole windows, in both arms together, with which a difference that matters is found (`POWER`)."""
    variance = _variance_that_tells(least_effect, alpha)
    shares = one.share + other.share
    return round((one.variance / one.share + other.variance / other.share) * shares / variance)


@cache
def _variance_that_tells(least_effect: float, alpha: float) -> float:
    """Variance of a difference so small that the interval leaves 0 out with `POWER` where the effect is that large."""
    luck = float(ndtri(POWER))
    return float(
        brentq(
            lambda variance: _half_width(variance, least_effect, alpha) + luck * sqrt(variance) - least_effect,
            least_effect**2 * 1e-6,
            least_effect**2,
            xtol=least_effect**2 * 1e-9,
        )
    )


# Checks ---------------------------------------------------------------------------------------------------------------


def chance_of_assignment(arms: Sequence[Arm]) -> float:
    """How likely customers fall so far from the shares, or farther, by chance (chi-square)."""
    customers = sum(arm.customers for arm in arms)
    if not customers or len(arms) < 2:
        return 1.0
    expected = [customers * arm.share / sum(each.share for each in arms) for arm in arms]
    squares = sum((arm.customers - wanted) ** 2 / wanted for arm, wanted in zip(arms, expected, strict=True))
    return float(chdtrc(len(arms) - 1, squares))


def evidence_of_harm(one: int, other: int, share: float) -> float:
    """E-value that an arm has more than its share of what happened: at least 1 / a with a chance of a at most.

    Args:
        one: how often it happened in the arm.
        other: how often in the arm that it is compared with.
        share: of the customers of both, those in the arm.
    """
    greater = float(betaincc(one + 1, other + 1, share))
    if greater == 0:
        return 0.0
    likely = float(betaln(one + 1, other + 1)) + log(greater) - log(1 - share)
    return exp(min(likely - one * log(share) - other * log(1 - share), 700.0))


# Verdict --------------------------------------------------------------------------------------------------------------


def judge(arms: Sequence[Arm], least_effect: float) -> dict[str, Verdict]:
    """A verdict for each arm, by name."""
    champion = next(arm for arm in arms if arm.name == CHAMPION)
    alpha = ALPHA / max(len(arms) - 1, 1)
    chance = chance_of_assignment(arms)
    if chance < BROKEN_BELOW:
        found = ", ".join(f"{arm.name} {arm.customers:,} for a share of {arm.share:.0%}" for arm in arms)
        broken = Verdict(
            "broken", f"assignment is broken: {found} (chance {chance:.1g}); no figure of it can be believed"
        )
        return {arm.name: broken for arm in arms}
    verdicts = {arm.name: _verdict(arm, champion, least_effect, alpha) for arm in arms if arm is not champion}
    return {CHAMPION: Verdict("champion", "what the others are compared with"), **verdicts}


def _verdict(arm: Arm, champion: Arm, least_effect: float, alpha: float) -> Verdict:
    difference = at_any_look(arm, champion, least_effect, alpha)
    in_all = needed(arm, champion, least_effect, alpha)
    more = max(in_all - arm.complete - champion.complete, 0)
    harm = _harm(arm, champion, alpha)
    if harm:
        return Verdict("stop", f"stopped: {harm}", difference)
    if difference is None or min(arm.complete, champion.complete) < LEAST_CUSTOMERS:
        text = (
            f"too early: {arm.complete:,} and {champion.complete:,} whole windows; needs about {more:,} more customers"
        )
        return Verdict("too_early", text, difference, more)
    ends = f"{_points(difference.low)} to {_points(difference.high)} points"
    if difference.low > 0:
        return Verdict("better", f"better: {100 * difference.value:.1f} points more are cured ({ends})", difference)
    if difference.high < 0:
        return Verdict("worse", f"worse: {-100 * difference.value:.1f} points fewer are cured ({ends})", difference)
    if max(-difference.low, difference.high) < least_effect:
        text = f"no difference that matters: less than {100 * least_effect:g} points ({ends})"
        return Verdict("same", text, difference, 0)
    return Verdict("open", f"no difference seen yet ({ends}): needs about {more:,} more customers", difference, more)


def _harm(arm: Arm, champion: Arm, alpha: float) -> str | None:
    """Of complaints and opt-outs what the arm has more of than chance allows; each has half of the false alarms."""
    share = arm.share / (arm.share + champion.share)
    for what, one, other in (
        ("complaints", arm.complained, champion.complained),
        ("opt-outs", arm.opted_out, champion.opted_out),
    ):
        if evidence_of_harm(one, other, share) >= 2 / alpha:
            return f"{what} of {one:,} of {arm.customers:,} customers; champion: {other:,} of {champion.customers:,}"
    return None


def _points(rate: float) -> str:
    """A difference of rates in points of a hundred."""
    return f"{100 * rate:+.1f}"
