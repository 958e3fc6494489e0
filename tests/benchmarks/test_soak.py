"""The soak without a system: which faults come when, when it fails, how it goes on after it was interrupted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from soak import FIRST_DAY, Journal, business_days, fault_of
from soak_faults import KINDS, Fault, plan
from soak_page import COMPARED, DayRecord, Payers, Soak, Standing, growth, page, problems

from arrears.cli.follow import Leg
from arrears.delivery.reconcile_sums import SUMS, Sum
from arrears.hooks.airflow_api import Run, Task

FAULT = Fault("scheduler_killed", "build_marts", "build")


def day(number: int, seconds: float = 70.0, loans: int = 2_000, **changes: object) -> DayRecord:
    record = DayRecord(FIRST_DAY + timedelta(days=number), seconds, {"build_marts": 40.0}, loans, behind=200)
    return replace(record, **changes)


def soak(records: Sequence[DayRecord]) -> Soak:
    return Soak(loans=2_000, days=60, seed=7, fault_every=3, records=list(records))


def standing(**changes: object) -> Standing:
    parts = {"decisions": {"listed": 4, "suppressed": 6}, "results": {"loaded": 9, "refused": 1}}
    sums = [Sum(name, "in all", 10, parts.get(name, {"here": 10})) for name in SUMS]
    well = Standing(
        {FIRST_DAY: sums}, [], {"decisions": 10, "results": 9}, [], {FIRST_DAY: Payers(5, 4, 1)}, {"files read": 3}
    )
    return replace(well, **changes)


def test_days_are_business_days_and_the_morning_after() -> None:
    days = business_days(date(2025, 1, 9), 3)

    assert days == [date(2025, 1, 9), date(2025, 1, 10), date(2025, 1, 13), date(2025, 1, 14)]


def test_every_kind_of_fault_comes_before_any_comes_again_and_never_on_the_first_day() -> None:
    faults = plan(60, every=3, seed=7)

    assert list(faults) == list(range(3, 60, 3))
    kinds = [fault.kind for fault in faults.values()]
    assert set(kinds[: len(KINDS)]) == set(kinds[len(KINDS) : 2 * len(KINDS)]) == set(KINDS)
    assert all((fault.dag, fault.task) in KINDS[fault.kind].places for fault in faults.values())


def test_the_same_seed_gives_the_same_faults_and_a_shorter_soak_begins_alike() -> None:
    assert plan(20, every=3, seed=7).items() <= plan(60, every=3, seed=7).items()
    assert plan(60, every=3, seed=7) != plan(60, every=3, seed=8)


@pytest.mark.parametrize(("state", "dag", "strikes"), [
    ("running", "build_marts", True),
    ("queued", "build_marts", False),
    ("running", "load_core_banking", False),
])  # fmt: skip
def test_a_fault_waits_for_its_task_to_run(state: str, dag: str, strikes: bool) -> None:
    task = Task("build", -1, state, 1)
    leg = Leg(dag, Run(dag, "r", "running"), [Task("check", -1, "running", 1), task])

    assert FAULT.strikes(leg) == (task if strikes else None)


def test_a_missed_fault_comes_on_the_next_day_without_one() -> None:
    other = Fault("sftp_cut", "dispatch_contact_lists", ".deliver")
    faults = {1: FAULT, 2: other}
    records = [day(0), day(1, fault=str(FAULT)), day(2, fault=str(other), hit="deliver")]

    assert [fault_of(number, faults, records[:number]) for number in range(4)] == [None, FAULT, other, FAULT]
    records.append(day(3, fault=str(FAULT), hit="build_marts/build"))
    assert fault_of(4, faults, records) is None
    assert problems(soak(records), standing()) == []
    # It came before it was planned again: that is another one.
    assert fault_of(5, faults, [*records, day(4, fault=str(FAULT))]) == FAULT


def test_an_interrupted_soak_goes_on_after_its_last_whole_day(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "soak.json", soak([]))
    journal.add(day(0, restarts=["scheduler"], red=["it failed"]))

    found = Journal.open(tmp_path / "soak.json", soak([])).soak
    assert found.records == [day(0, restarts=["scheduler"], red=["it failed"])]
    with pytest.raises(SystemExit, match="2,000 loans with seed 7 that did not end"):
        Journal.open(tmp_path / "soak.json", replace(soak([]), seed=8))


def test_a_soak_in_which_all_agrees_is_well() -> None:
    assert problems(soak([day(0), day(1, fault=str(FAULT), hit="build_marts/build")]), standing()) == []


@pytest.mark.parametrize(("records", "changes", "found"), [
    ([day(0)], {"differences": ["2025-01-06: differs"]}, "2025-01-06: differs"),
    ([day(0)], {"in_all": {"decisions": 11, "results": 9}}, "decisions: 11 in all, and 10 of the days"),
    ([day(0)], {"in_all": {"decisions": 10, "results": 8}}, "results: 8 in all, and 9 of the days"),
    ([day(0)], {"unread": ["a.csv", "b.csv"]}, "2 files were never read, the first is a.csv"),
    ([day(0, fault=str(FAULT))], {}, "2025-01-06: scheduler killed at build_marts/build never came"),
    ([day(0)], {"payers": {FIRST_DAY: Payers(5, 3, 1)}}, "2025-01-06: 1 customers who paid at noon were not recalled"),
    ([day(n, 70.0 if n < 20 else 80.0) for n in range(60)], {}, "days take 1.14 times as long"),
])  # fmt: skip
def test_a_soak_fails(records: list[DayRecord], changes: dict[str, object], found: str) -> None:
    (problem,) = problems(soak(records), standing(**changes))

    assert problem.startswith(found)


def test_days_may_grow_as_the_portfolio_grows() -> None:
    records = [day(n, 70.0 + n, loans=2_000 + 30 * n) for n in range(60)]

    assert problems(soak(records), standing()) == []


def test_days_with_a_fault_and_the_first_are_not_compared() -> None:
    slow = [day(0, 300.0)] + [day(n, 300.0, fault=str(FAULT), hit="x") for n in range(1, 5)]
    quiet = [day(n) for n in range(5, 5 + 2 * COMPARED)]

    grown = growth(slow + quiet)
    assert grown is not None and (grown.seconds, grown.loans) == (1, 1)
    assert growth(slow + quiet[1:]) is None


def test_the_page_has_a_chart_of_the_days_and_what_was_reconciled() -> None:
    records = [day(0, 100.0), day(1, 80.0, fault=str(FAULT), hit="build_marts/build", restarts=["scheduler"])]
    text = page(soak([*records, day(2, fault=str(FAULT))]), standing(), [])

    assert "bar [100, 80, 70]" in text and "line [20.0, 20.0, 20.0]" in text
    assert f"| 2025-01-08 | {KINDS['scheduler_killed'].what} | too quick, see a later day | 0 |" in text
    assert "**Nothing differs.**" in text
    assert "| customers who paid at noon | 5 | 4 recalled + 1 still reminded of another loan | 0 |" in text
    assert "| result rows in all | 10 | 9 loaded + 1 refused | 0 |" in text
    assert f"| 2025-01-07 | {KINDS['scheduler_killed'].what} | `build_marts/build` | 0 | scheduler | 80 |" in text
    assert "* it differs" in page(soak(records), standing(), ["it differs"])
