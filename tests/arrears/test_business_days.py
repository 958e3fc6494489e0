"""The calendar of business days: weekends, holidays, days that are made up for, and years that the loans need."""

from datetime import date

import psycopg2.extensions
import pytest
from portfolio import Portfolio

from arrears.business_days import calendar_days, fill_calendar


@pytest.mark.parametrize(
    ("jurisdiction", "day", "is_business_day", "is_public_holiday"),
    [
        ("US", date(2026, 7, 6), True, False),
        ("US", date(2026, 7, 4), False, True),
        ("US", date(2026, 7, 5), False, False),
        # National Day and the days made up for it: a worked Saturday, and a Wednesday off.
        ("CN", date(2025, 10, 11), True, False),
        ("CN", date(2025, 10, 8), False, True),
        ("CN", date(2025, 10, 9), True, False),
        ("GB", date(2026, 8, 31), False, True),
        ("EU", date(2026, 4, 3), False, True),
        ("EU", date(2026, 4, 7), True, False),
        ("IN", date(2026, 1, 26), False, True),
        ("DEFAULT", date(2026, 1, 1), True, False),
        ("ATLANTIS", date(2026, 1, 3), False, False),
    ],
)
def test_day(jurisdiction: str, day: date, is_business_day: bool, is_public_holiday: bool) -> None:
    days = {row[1]: row[2:4] for row in calendar_days(jurisdiction, [day.year])}
    assert days[day] == (is_business_day, is_public_holiday)
    assert len(days) in (365, 366)


@pytest.mark.postgres
def test_calendar_covers_packs_customers_and_due_dates_and_is_filled_once(
    warehouse: psycopg2.extensions.connection,
) -> None:
    portfolio = Portfolio()
    portfolio.loan("L1", [(date(2024, 5, 1), "1"), (date(2031, 5, 1), "1"), (date(2500, 1, 1), "1")], jurisdiction="AE")
    portfolio.land(warehouse, as_of=date(2026, 1, 1))
    assert fill_calendar(warehouse, as_of=date(2026, 1, 1)) > 0
    assert fill_calendar(warehouse, as_of=date(2026, 1, 1)) == 0
    with warehouse.cursor() as cursor:
        cursor.execute("select array_agg(distinct jurisdiction), min(day), max(day) from ops.calendar_day")
        assert cursor.fetchone() == (
            ["AE", "CN", "DEFAULT", "EU", "GB", "IN", "US"],
            date(2024, 1, 1),
            # A due date centuries away is an error of the source, not a reason to fill its year.
            date(2077, 12, 31),
        )


@pytest.mark.postgres
def test_calendar_of_an_empty_warehouse_covers_the_business_date(warehouse: psycopg2.extensions.connection) -> None:
    assert fill_calendar(warehouse, as_of=date(2026, 1, 1)) > 0
    with warehouse.cursor() as cursor:
        cursor.execute("select min(day), max(day) from ops.calendar_day")
        assert cursor.fetchone() == (date(2026, 1, 1), date(2027, 12, 31))
