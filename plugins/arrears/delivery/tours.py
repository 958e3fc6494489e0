"""The tours of a day's visits: who goes where, in which order.

A tour is one visitor's day: no more stops than he can make, no longer than his day, each stop within its window. PyVRP
looks for the tours that cost the least time, by straight lines made longer; where a tour begins and ends is the
visitor's own affair. The same visits give the same tours: the search is counted in steps, not in seconds, and seeded.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from arrears.errors import DeliveryError
from arrears.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from pyvrp import Solution
    from pyvrp.stop import StoppingCriterion

    Seconds = np.ndarray[Any, np.dtype[np.int64]]

DETOUR = 1.3
"""How much longer roads are than straight lines."""
TOUR_SECONDS = 3600
"""What one more tour costs: the way there and home. Visits farther apart than that are not on one tour."""
BLOCK_VISITS = 300
"""More visits are cut in two by place until no part has more: the search grows faster than the number of visits."""
STEPS = 1000
STEPS_WITHOUT_GAIN = 200
SEED = 1
EARTH_KM = 6371.0


@dataclass(frozen=True)
class Visit:
    """A visit to make; its place is unknown where either coordinate is None."""

    address: str
    city: str | None
    postal_code: str | None
    latitude: float | None
    longitude: float | None
    after: datetime
    before: datetime

    @property
    def has_place(self) -> bool:
        return self.latitude is not None and self.longitude is not None


@dataclass(frozen=True)
class Stop:
    """Where a visit is in the tours of its list."""

    route: str
    stop: int
    """From 1."""


def plan_tours(visits: Sequence[Visit], settings: Settings) -> list[Stop]:
    """The stop of each visit, in the order of the visits.

    Visits whose coordinates are unknown make tours of their own, by city and postal code.

    Raises:
        DeliveryError: a visit ends before it begins.
    """
    for visit in visits:
        if visit.after >= visit.before:
            raise DeliveryError(f"tours: expected a visit to end after {visit.after}, found {visit.before}")
    placed = [number for number, visit in enumerate(visits) if visit.has_place]
    unplaced = [number for number, visit in enumerate(visits) if not visit.has_place]
    tours = [tour for block in _blocks(visits, placed) for tour in _shortest(visits, block, settings)]
    tours += _by_address(visits, unplaced, settings.visits_per_tour)
    tours.sort(key=lambda tour: (_city(visits, tour), min(tour)))
    stops: dict[int, Stop] = {}
    for number, tour in enumerate(tours, 1):
        stops.update({visit: Stop(f"{number:03d}", place) for place, visit in enumerate(tour, 1)})
    return [stops[number] for number in range(len(visits))]


def _city(visits: Sequence[Visit], tour: Sequence[int]) -> str:
    """The city of most of its stops; of several the first by name."""
    counts = Counter(visits[number].city or "" for number in tour)
    return min(counts, key=lambda city: (-counts[city], city))


def _by_address(visits: Sequence[Visit], numbers: Sequence[int], at_most: int) -> list[list[int]]:
    def place(number: int) -> tuple[str, str, str, int]:
        visit = visits[number]
        return visit.city or "", visit.postal_code or "", visit.address, number

    tours = []
    for _, in_city in groupby(sorted(numbers, key=place), key=lambda number: visits[number].city or ""):
        together = list(in_city)
        tours += [together[first : first + at_most] for first in range(0, len(together), at_most)]
    return tours


def _blocks(visits: Sequence[Visit], numbers: list[int]) -> list[list[int]]:
    """The visits cut across the longer side of where they lie, until no part has too many."""
    if len(numbers) <= BLOCK_VISITS:
        return [numbers] if numbers else []
    latitudes, longitudes = ([_coordinates(visits[number])[axis] for number in numbers] for axis in (0, 1))
    axis = int(max(longitudes) - min(longitudes) > max(latitudes) - min(latitudes))
    ordered = sorted(numbers, key=lambda number: (_coordinates(visits[number])[axis], number))
    middle = len(ordered) // 2
    return _blocks(visits, ordered[:middle]) + _blocks(visits, ordered[middle:])


def _coordinates(visit: Visit) -> tuple[float, float]:
    assert visit.latitude is not None and visit.longitude is not None
    return visit.latitude, visit.longitude


# The search ---------------------------------------------------------------------------------------------------------


def _shortest(visits: Sequence[Visit], numbers: Sequence[int], settings: Settings) -> list[list[int]]:
    from pyvrp import Client, Depot, Location, ProblemData, VehicleType, solve
    from pyvrp.stop import MaxIterations, MultipleCriteria, NoImprovement

    chosen = [visits[number] for number in numbers]
    start = min(visit.after for visit in chosen)
    # Place 0 is everywhere: no time from or to it, so that tours are open at both ends.
    drives = _drives(chosen, settings.travel_kmh)
    clients = [
        Client(
            location=place,
            delivery=[1],
            service_duration=settings.visit_minutes * 60,
            tw_early=_seconds(start, visit.after),
            tw_late=_seconds(start, visit.before) - 1,
        )
        for place, visit in enumerate(chosen, 1)
    ]
    visitors = VehicleType(
        num_available=len(chosen),
        capacity=[settings.visits_per_tour],
        # A visit that alone takes longer is made all the same.
        shift_duration=max(settings.tour_hours * 3600, settings.visit_minutes * 60),
        fixed_cost=TOUR_SECONDS,
        unit_distance_cost=0,
        unit_duration_cost=1,
    )
    data = ProblemData(
        locations=[Location(0, 0)] * (len(chosen) + 1),
        clients=clients,
        depots=[Depot(location=0)],
        vehicle_types=[visitors],
        distance_matrices=[drives],
        duration_matrices=[drives],
    )
    enough: StoppingCriterion = MultipleCriteria([MaxIterations(STEPS), NoImprovement(STEPS_WITHOUT_GAIN)])
    result = solve(data, stop=enough, seed=SEED, collect_stats=False, display=False)
    if not result.is_feasible():
        raise DeliveryError(f"tours: expected every one of {len(chosen)} visits on a tour, found no way to do so")
    return [[numbers[place] for place in tour] for tour in _tours_of(result.best)]


def _tours_of(solution: "Solution") -> list[list[int]]:
    """The visits of each tour, from 0."""
    return [[activity.idx for activity in route if activity.is_client()] for route in solution.routes()]


def _seconds(start: datetime, instant: datetime) -> int:
    return int((instant - start).total_seconds())


def _drives(visits: Sequence[Visit], kmh: float) -> "Seconds":
    """Seconds from each place to each, along the great circle made longer; place 0 is no way from all."""
    import numpy as np

    latitude, longitude = np.radians(np.array([_coordinates(visit) for visit in visits])).T
    half = (
        np.sin((latitude[:, None] - latitude) / 2) ** 2
        + np.cos(latitude[:, None]) * np.cos(latitude) * np.sin((longitude[:, None] - longitude) / 2) ** 2
    )
    kilometres = 2 * EARTH_KM * DETOUR * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    drives = np.zeros((len(visits) + 1, len(visits) + 1), dtype=np.int64)
    drives[1:, 1:] = np.rint(kilometres * 3600 / kmh)
    return drives
