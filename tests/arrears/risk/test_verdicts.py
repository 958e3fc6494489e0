"""What is said of experiments is right as often as it says, on customers whose difference is known.

Customers come in steps, and each step is looked at: what holds only at one look is not enough.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from arrears.risk.experiments import (
    Arm,
    Sums,
    at_any_look,
    evidence_of_harm,
    judge,
    money_at_any_look,
    needed,
    of_one_look,
)

RUNS = 400
STEP = 100
"""Customers of both arms together between two looks."""


def _looks(
    seed: int,
    rates: tuple[float, float],
    *,
    share: float = 0.5,
    customers: int = 4000,
    harm: tuple[float, float] = (0, 0),
) -> Iterator[list[Arm]]:
    """Champion and another, at every look."""
    random = np.random.default_rng(seed)
    is_other = random.random(customers) < share
    is_cured = random.random(customers) < np.where(is_other, rates[1], rates[0])
    has_complained = random.random(customers) < np.where(is_other, harm[1], harm[0])
    for seen in range(STEP, customers + 1, STEP):
        yield [
            Arm(
                name, treatment, part, *2 * (int(mine[:seen].sum()),),
                int((is_cured & mine)[:seen].sum()), int((has_complained & mine)[:seen].sum()), 0,
            )
            for name, treatment, part, mine in (
                ("champion", "standard", 1 - share, ~is_other), ("other", "gentle", share, is_other)
            )
        ]  # fmt: skip


@pytest.mark.parametrize(("rates", "share"), [((0.30, 0.36), 0.5), ((0.5, 0.5), 0.1), ((0.03, 0.05), 0.3)])
def test_interval_holds_at_every_look(rates: tuple[float, float], share: float) -> None:
    true = rates[1] - rates[0]
    missed = 0
    for seed in range(RUNS):
        found = [at_any_look(arms[1], arms[0], 0.04) for arms in _looks(seed, rates, share=share)]
        missed += any(each is not None and not each.low <= true <= each.high for each in found)
    assert missed / RUNS <= 0.05


def test_interval_of_one_look_is_for_one_look() -> None:
    """It holds at its rate at the one, and misses far more often when it is looked at again and again."""
    last, any_look = 0, 0
    for seed in range(RUNS):
        found = [of_one_look(arms[1], arms[0]) for arms in _looks(seed, (0.3, 0.34))]
        missed = [each is not None and not each.low <= 0.04 <= each.high for each in found]
        last, any_look = last + missed[-1], any_look + any(missed)
    assert 0.03 <= last / RUNS <= 0.07
    assert any_look / RUNS > 0.15


def test_false_alarms_stay_below_their_rate_however_often_one_looks() -> None:
    alarms, ends = 0, []
    for seed in range(RUNS):
        verdicts = [judge(arms, 0.05)["other"].code for arms in _looks(seed, (0.3, 0.3), harm=(0.01, 0.01))]
        alarms += bool({"better", "worse", "stop", "broken"} & set(verdicts))
        ends.append(verdicts[-1])
    assert alarms / RUNS <= 0.05
    # It says that nothing was seen, or that nothing that matters is there.
    assert ends.count("same") + ends.count("open") >= 0.95 * RUNS


def test_effect_is_found_with_as_many_customers_as_it_says() -> None:
    found = 0
    for seed in range(RUNS):
        *_, last = _looks(seed, (0.30, 0.36), customers=STEP * round(needed(*_planned(0.33), 0.06) / STEP))
        found += judge(last, 0.06)["other"].code == "better"
    assert 0.74 <= found / RUNS <= 0.86


def _planned(rate: float) -> tuple[Arm, Arm]:
    many = 10**6
    one, other = (Arm(name, "standard", 0.5, many, many, round(rate * many), 0, 0) for name in ("champion", "other"))
    return one, other


def test_arm_that_harms_is_stopped() -> None:
    stopped = 0
    for seed in range(100):
        verdicts = [judge(arms, 0.05)["other"] for arms in _looks(seed, (0.3, 0.35), harm=(0.01, 0.04))]
        stopped += verdicts[-1].code == "stop" and "complaints" in verdicts[-1].text
    assert stopped >= 80
    # More of the champion's is no harm of the arm.
    assert evidence_of_harm(5, 60, 0.5) < 1


@pytest.mark.parametrize(("lost", "least", "most"), [(0.0, 0.0, 0.05), (0.12, 0.95, 1.0)])
def test_broken_assignment_is_caught_and_a_sound_one_is_not(lost: float, least: float, most: float) -> None:
    """Some of an arm's customers never got into it, or none."""
    caught = 0
    for seed in range(RUNS):
        random = np.random.default_rng(seed)
        is_other = random.random(10000) < 0.5
        steps = (is_other & (random.random(10000) >= lost)).cumsum(), (~is_other).cumsum()
        codes = {
            judge([_drawn("champion", int(steps[1][seen])), _drawn("other", int(steps[0][seen]))], 0.02)["other"].code
            for seen in range(STEP, 10000, STEP)
        }
        caught += "broken" in codes
    assert least <= caught / RUNS <= most


def _drawn(name: str, customers: int) -> Arm:
    return Arm(name, "standard", 0.5, customers, 0, 0, 0, 0)


def test_interval_of_money_holds_at_every_look() -> None:
    """Most pay nothing, few pay much."""
    missed = 0
    for seed in range(RUNS):
        random = np.random.default_rng(seed)
        paid = np.where(random.random((2, 3000)) < np.array([[0.3], [0.36]]), random.lognormal(5, 1, (2, 3000)), 0.0)
        true = 0.06 * float(np.exp(5.5))
        totals, squares = paid.cumsum(1), (paid**2).cumsum(1)
        for seen in range(STEP - 1, 3000, STEP):
            arms = tuple(_half(name, seen + 1) for name in ("champion", "other"))
            sums = tuple(Sums(seen + 1, float(totals[arm][seen]), float(squares[arm][seen])) for arm in (1, 0))
            found = money_at_any_look((sums[0], sums[1]), (arms[0], arms[1]), 0.04)
            if found is None or not found.low <= true <= found.high:
                missed += 1
                break
    assert missed / RUNS <= 0.05


def _half(name: str, customers: int) -> Arm:
    return Arm(name, "standard", 0.5, customers, customers, customers // 3, 0, 0)


def test_three_arms_share_the_false_alarms() -> None:
    """Each is compared with the champion, and it takes more to be better than it would alone."""
    arms = [Arm(name, "standard", 0.25, 1000, 1000, cured, 0, 0) for name, cured in (("champion", 300), ("one", 365))]
    others = [Arm(name, "standard", 0.25, 1000, 1000, 300, 0, 0) for name in ("two", "three")]
    assert judge(arms, 0.05)["one"].code == "better"
    assert judge([*arms, *others], 0.05)["one"].code == "open"


def test_verdict_is_in_plain_words() -> None:
    def said(complete: int, cured: int, opted_out: int = 0) -> str:
        other = Arm("other", "gentle", 0.5, 2000, complete, cured, 0, opted_out)
        return judge([Arm("champion", "standard", 0.5, 2000, 2000, 600, 0, 3), other], 0.05)["other"].text

    assert said(50, 15).startswith("too early: 50 and 2,000 whole windows; needs about ")
    assert said(2000, 760) == "better: 8.0 points more are cured (+3.5 to +12.5 points)"
    assert said(2000, 440).startswith("worse: 8.0 points fewer are cured (")
    assert said(2000, 605).startswith("no difference that matters: less than 5 points")
    assert said(300, 95).startswith("no difference seen yet (")
    assert said(2000, 600, opted_out=30) == "stopped: opt-outs of 30 of 2,000 customers; champion: 3 of 2,000"


def test_nobody_yet_is_no_error() -> None:
    verdicts = judge([Arm(name, "standard", 0.5, 0, 0, 0, 0, 0) for name in ("champion", "other")], 0.02)
    assert verdicts["other"].text.startswith("too early: 0 and 0 whole windows; needs about ")
