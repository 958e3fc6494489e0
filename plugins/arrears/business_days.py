"""Which days are business days where: fills `ops.calendar_day` from the `holidays` library.

The table, not the library, is what everything else asks, so that a bank can see and question every day in it.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial

import holidays
import psycopg2.extensions
from psycopg2.extras import execute_values

from arrears.sql_files import read_statement

_statement = partial(read_statement, "marts")

# Jurisdictions whose business days are not those of the country of the same code.
_SUBDIVISIONS = {"GB": "ENG"}
_FINANCIAL = {"EU": "ECB"}
_PACKS = ("CN", "DEFAULT", "EU", "GB", "IN", "US")
_WEEKEND = {5, 6}
_YEARS_AROUND = 50
"""A due date further away than this from the business date is taken for an error, not for a reason to fill its year."""


def fill_calendar(connection: psycopg2.extensions.connection, *, as_of: date) -> int:
    """Bring `ops.calendar_day` up to date for every jurisdiction and year that the landed loans need. Commits.

    `DEFAULT`, and any jurisdiction that the library does not know, has Monday to Friday as its business days.

    Returns:
        How many days are new or changed; 0 when run again.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(_statement("calendar_scope"), {"packs": list(_PACKS)})
        jurisdictions, first, last = cursor.fetchone() or ([], None, None)
        years = _years(first or as_of, last or as_of, as_of)
        changed = 0
        for jurisdiction in jurisdictions:
            rows = list(calendar_days(jurisdiction, years))
            execute_values(cursor, _statement("upsert_calendar"), rows, page_size=len(rows))
            changed += cursor.rowcount
        return changed


def calendar_days(jurisdiction: str, years: Sequence[int]) -> Iterator[tuple[str, date, bool, bool, str | None]]:
    """Every day of the years as (jurisdiction, day, is business day, is public holiday, name of the holiday)."""
    calendar = _calendar(jurisdiction, years)
    for year in years:
        day = date(year, 1, 1)
        while day.year == year:
            if calendar is None:
                yield jurisdiction, day, day.weekday() not in _WEEKEND, False, None
            else:
                # Knows weekends that are worked (China's make-up days) as well as weekdays that are not.
                yield jurisdiction, day, calendar.is_working_day(day), day in calendar, calendar.get(day)
            day += timedelta(days=1)


def _calendar(jurisdiction: str, years: Sequence[int]) -> holidays.HolidayBase | None:
    if jurisdiction in _FINANCIAL:
        return holidays.financial_holidays(_FINANCIAL[jurisdiction], years=years)
    if jurisdiction in holidays.list_supported_countries():
        return holidays.country_holidays(jurisdiction, subdiv=_SUBDIVISIONS.get(jurisdiction), years=years)
    return None


def _years(first: date, last: date, as_of: date) -> range:
    lower = max(first.year, as_of.year - _YEARS_AROUND)
    upper = min(last.year, as_of.year + _YEARS_AROUND)
    return range(min(lower, as_of.year), max(upper, as_of.year) + 2)
