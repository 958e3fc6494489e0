"""The vendors' collectors, their training, and whom they are assigned to."""

from datetime import date, timedelta

from arrears.domain.amortisation import add_months
from arrears.simulator.book import Book
from arrears.simulator.people import randomness

_TEAMS = {
    "sms": ("demo_sms", 2),
    "phone": ("demo_call", 10),
    "field_visit": ("demo_visit", 4),
    "legal": ("demo_law", 2),
    "care": ("demo_care", 3),
}
"""By channel: the vendor and how many collectors it has."""
_COURSES = {"": ("conduct", "data_protection"), "field_visit": ("visit_safety",)}
_GRADES = ("junior", "regular", "senior")


def collector_id(channel: str, number: int) -> str:
    return f"SYN-{_TEAMS[channel][0]}-{number:02d}"


def add_collectors(book: Book, hired_on: date, until: date) -> None:
    """Write every vendor's collectors with a year's training each year; each team's last one lets it lapse."""
    for channel, (vendor, count) in _TEAMS.items():
        for number in range(1, count + 1):
            identity = collector_id(channel, number)
            book.add(
                "collectors",
                changed_on=hired_on,
                collector_id=identity,
                vendor=vendor,
                channel=channel,
                display_name=f"Collector {vendor} {number:02d}",
                grade=_GRADES[number % 3],
                hired_on=hired_on,
            )
            last = hired_on if number == count > 1 else until
            for course in (*_COURSES[""], *_COURSES.get(channel, ())):
                _add_training(book, identity, course, hired_on, last)


def _add_training(book: Book, identity: str, course: str, first: date, last: date) -> None:
    years = 0
    score = randomness(f"training {identity} {course}")
    while (completed_on := add_months(first, 12 * years)) <= last:
        book.add(
            "collector_training",
            changed_on=completed_on,
            collector_id=identity,
            course=course,
            completed_on=completed_on,
            score=score.randrange(70, 101),
            valid_until=add_months(completed_on, 12) + timedelta(days=7),
        )
        years += 1


def assign(book: Book, customer_id: str, channel: str, assigned_on: date, released_on: date | None = None) -> str:
    """Give a customer to one of a channel's collectors, the same one whenever asked; returns who."""
    number = randomness(f"assign {customer_id} {channel}").randrange(_TEAMS[channel][1]) + 1
    identity = collector_id(channel, number)
    book.add(
        "collector_assignments",
        changed_on=released_on or assigned_on,
        collector_id=identity,
        customer_id=customer_id,
        assigned_on=assigned_on,
        released_on=released_on,
    )
    return identity
