"""Visits are ordered into tours that a visitor can make in a day, the same every time."""

import itertools
import math
import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from delivery_day import AS_OF, Day

from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.tours import BLOCK_VISITS, DETOUR, Visit, plan_tours
from arrears.errors import DeliveryError, GateError
from arrears.settings import Settings

MORNING = datetime(2026, 3, 18, 0, tzinfo=UTC)
HANGZHOU, SHANGHAI = (30.27, 120.15), (31.23, 121.47)


def visit(latitude: float | None, longitude: float | None, city: str = "Hangzhou", **changes: object) -> Visit:
    made = Visit("1 Road", city, "310000", latitude, longitude, MORNING, MORNING + timedelta(hours=11))
    return replace(made, **changes)  # type: ignore[arg-type]


def around(place: tuple[float, float], count: int, city: str, seed: int = 1) -> list[Visit]:
    """Visits within some 20 km of a place."""
    at_random = random.Random(seed)
    return [visit(*(degrees + at_random.gauss(0, 0.06) for degrees in place), city) for _ in range(count)]


def tours_of(visits: list[Visit], settings: Settings) -> dict[str, list[Visit]]:
    """The visits of each tour in the order of their stops."""
    tours: dict[str, dict[int, Visit]] = defaultdict(dict)
    for one, stop in zip(visits, plan_tours(visits, settings), strict=True):
        assert stop.stop not in tours[stop.route]
        tours[stop.route][stop.stop] = one
    for stops in tours.values():
        assert sorted(stops) == list(range(1, len(stops) + 1))
    return {route: [stops[place] for place in sorted(stops)] for route, stops in sorted(tours.items())}


def minutes(stops: list[Visit], settings: Settings) -> float:
    """How long a tour takes, computed another way than the planner does."""
    return settings.visit_minutes * len(stops) + sum(
        _kilometres(*pair) * DETOUR / settings.travel_kmh * 60 for pair in itertools.pairwise(stops)
    )


def _kilometres(one: Visit, other: Visit) -> float:
    """By the law of cosines."""
    a, b, c, d = (
        math.radians(degrees or 0) for degrees in (one.latitude, other.latitude, one.longitude, other.longitude)
    )
    return 6371 * math.acos(min(1.0, math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(d - c)))


def test_no_visitor_has_more_stops_or_hours_than_a_day_holds() -> None:
    settings = Settings(visits_per_tour=7, tour_hours=3)
    tours = tours_of(around(HANGZHOU, 60, "Hangzhou"), settings)

    assert sum(map(len, tours.values())) == 60
    assert max(map(len, tours.values())) <= 7
    assert max(minutes(stops, settings) for stops in tours.values()) <= 3 * 60 + 1
    assert len(tours) <= 14  # sixty visits in nine tours at best


def test_towns_that_lie_far_apart_are_not_on_one_tour() -> None:
    visits = around(HANGZHOU, 5, "Hangzhou") + around(SHANGHAI, 5, "Shanghai")
    random.Random(2).shuffle(visits)

    tours = tours_of(visits, Settings())

    assert [{one.city for one in stops} for stops in tours.values()] == [{"Hangzhou"}, {"Shanghai"}]


def test_stops_along_a_road_are_made_in_its_order() -> None:
    along = [visit(30.0, 120 + place / 50) for place in range(9)]
    shuffled = along.copy()
    random.Random(3).shuffle(shuffled)

    (stops,) = tours_of(shuffled, Settings()).values()

    assert stops in (along, along[::-1])


def test_tours_are_much_shorter_than_the_order_of_the_list() -> None:
    visits = around(HANGZHOU, 48, "Hangzhou")
    settings = Settings()
    as_listed = [visits[first : first + 12] for first in range(0, 48, 12)]

    planned = sum(minutes(stops, settings) - 20 * len(stops) for stops in tours_of(visits, settings).values())

    assert planned < 0.5 * sum(minutes(stops, settings) - 20 * len(stops) for stops in as_listed)


def test_stop_is_within_its_window() -> None:
    """One may be made from nine only, the other until nine only."""
    late = visit(30.0, 120.0, after=MORNING + timedelta(hours=1))
    early = visit(30.0, 120.1, before=MORNING + timedelta(hours=1))

    (stops,) = tours_of([late, early], Settings()).values()

    assert stops == [early, late]


def test_visits_without_a_place_follow_their_postal_codes_in_tours_of_their_city() -> None:
    codes = ["310003", "310001", "310002"]
    visits = [visit(None, None, "Hangzhou", postal_code=code) for code in codes]
    visits += [visit(None, None, "Ningbo"), visit(30.0, None, "Ningbo", postal_code="0")]

    tours = tours_of(visits, Settings(visits_per_tour=2))

    assert [[(one.city, one.postal_code) for one in stops] for stops in tours.values()] == [
        [("Hangzhou", "310003")],
        [("Hangzhou", "310001"), ("Hangzhou", "310002")],
        [("Ningbo", "0"), ("Ningbo", "310000")],
    ]


@pytest.mark.parametrize("count", [0, 1, 2, BLOCK_VISITS + 1])
def test_same_visits_give_the_same_tours(count: int) -> None:
    visits = around(HANGZHOU, count, "Hangzhou")

    first, second = (plan_tours(visits, Settings()) for _ in range(2))

    assert first == second
    assert len(set(first)) == count


def test_visits_at_one_address_follow_one_another() -> None:
    """Two currencies of one customer, say."""
    visits = [*around(HANGZHOU, 10, "Hangzhou"), visit(*HANGZHOU), visit(*HANGZHOU, postal_code="same place")]
    stops = plan_tours(visits, Settings())

    assert stops[-1].route == stops[-2].route
    assert abs(stops[-1].stop - stops[-2].stop) == 1


def test_visit_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(DeliveryError, match="expected a visit to end after"):
        plan_tours([visit(*HANGZHOU, before=MORNING)], Settings())


# On the list ---------------------------------------------------------------------------------------------------------


def _written(day: Day, visits: int = 30) -> str:
    at_random = random.Random(4)
    for number in range(visits):
        latitude, longitude = (round(degrees + at_random.gauss(0, 0.05), 6) for degrees in HANGZHOU)
        day.contact("field_visit", f"C{number}", latitude=latitude, longitude=longitude, city="Hangzhou")
    day.release("demo_visit")
    (batch,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor="demo_visit")
    write_batch(day.warehouse, batch_id=batch.batch_id, settings=day.settings)
    return batch.batch_id


@pytest.mark.postgres
def test_list_of_visits_has_tours_and_passes_its_gate(day: Day) -> None:
    batch_id = _written(day)
    rows = day.rows(batch_id)
    before = day.content(batch_id)

    assert {row["route"] for row in rows} == {"001", "002", "003"}
    gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    day.run("delete from ops.delivery_file")
    day.run("update ops.delivery_batch set state = 'planned'")
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    assert day.content(batch_id) == before


@pytest.mark.postgres
def test_gate_stops_a_tour_that_is_too_long_for_a_visitor(day: Day) -> None:
    batch_id = _written(day)

    with pytest.raises(GateError, match="tours_wrong 3"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings.model_copy(update={"visits_per_tour": 5}))
