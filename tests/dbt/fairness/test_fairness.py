"""The fairness report: a month is told once it has ended, by groups of many, with what chance does not explain."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from decision_world import World
from marts_warehouse import Warehouse, new_warehouse, quick_builds

from arrears.bi.spec import read_spec
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

DAY, NEXT_MONTH = date(2026, 3, 18), date(2026, 4, 1)
SELECT = "+bi__fairness_monthly +fct_contact_decision"


@pytest.fixture(scope="module")
def reported(server: Settings) -> Iterator[Warehouse]:
    """Customers of M2 of three cities: those of one refuse calls more often. And a few of whom nobody is to learn."""
    with new_warehouse(server) as warehouse, quick_builds():
        world = World(DAY)
        cities = [("Wuhan", 80, 10), ("Xian", 70, 50), ("Lhasa", 20, 0), ("Hefei", 6, 6), (None, 5, 0)]
        for city, customers, refusals in cities:
            for number in range(customers):
                name = world.customer(f"{city}{number:02}", dpd=45, city=city, sex="f" if number % 2 else "m")
                if number < refusals:
                    world.add(
                        "contact_consents",
                        customer_id=name,
                        channel="phone",
                        consent="refused",
                        valid_from=date(2026, 1, 1),
                    )
        for number in range(10):
            world.customer(f"late{number}", dpd=100, city="Wuhan")
        world.land(warehouse.connection)
        warehouse.build(DAY, select=SELECT)
        assert warehouse.rows("select * from marts.fairness_monthly") == []
        warehouse.build(NEXT_MONTH, select=SELECT)
        yield warehouse


def _rows(warehouse: Warehouse, dimension: str) -> dict[str, dict[str, object]]:
    rows = warehouse.rows(
        "select * from marts.fairness_monthly where dimension = %s and outcome = 'contacted'", dimension
    )
    return {row["group_name"]: row for row in rows}


def test_groups_are_held_against_the_largest(reported: Warehouse) -> None:
    cities = _rows(reported, "city")

    assert {name: (row["customers"], row["with_outcome"]) for name, row in cities.items()} == {
        "Wuhan": (80, 70), "Xian": (70, 20), "other": (31, 25),
    }  # fmt: skip
    assert [name for name, row in cities.items() if row["is_reference"]] == ["Wuhan"]
    assert cities["Wuhan"]["ratio"] is None
    assert cities["Xian"]["ratio"] == pytest.approx(Decimal(20 * 80) / (70 * 70), abs=Decimal("1e-6"))


def test_warning_is_given_where_chance_does_not_explain_it(reported: Warehouse) -> None:
    assert [name for name, row in _rows(reported, "city").items() if row["is_warning"]] == ["Xian"]
    assert not any(row["is_warning"] for row in _rows(reported, "sex").values())


def test_nobody_can_be_found_in_it(reported: Warehouse) -> None:
    """Neither a group of few nor, by what is left of a sum, one that is not shown; ten of a tier are left out."""
    rows = reported.rows("select * from marts.fairness_monthly")
    totals: dict[tuple[str, str], set[int]] = defaultdict(set)
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        assert row["customers"] >= 30
        sums[row["population"], row["outcome"], row["dimension"]] += row["customers"]
    for (population, outcome, _), total in sums.items():
        totals[population, outcome].add(total)
    assert all(len(found) == 1 for found in totals.values())
    assert {row["population"] for row in rows} == {"M2"}


def test_the_chart_that_waits_for_a_month_has_rows_then(reported: Warehouse) -> None:
    spec = read_spec()
    ((page, chart),) = ((page, chart) for page in spec.dashboards for chart in page.charts if chart.name == "fairness")
    assert chart.needs
    assert len(reported.rows(spec.query(page, chart))) > 5


def test_a_month_is_reported_once(reported: Warehouse) -> None:
    before = reported.rows("select * from marts.fairness_monthly order by dimension, group_name, outcome")
    reported.build(date(2026, 4, 2), select=SELECT)
    assert reported.rows("select * from marts.fairness_monthly order by dimension, group_name, outcome") == before
