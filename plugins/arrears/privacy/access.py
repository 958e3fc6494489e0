"""The record of who looked at a customer: `ops.personal_data_access`."""

import getpass
from datetime import date

import psycopg2.extensions


def person() -> str | None:
    """Who runs this process, as the operating system says; None where it does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def record_access(
    warehouse: psycopg2.extensions.connection,
    *,
    customer_id: str,
    as_of: date,
    what: str,
    purpose: str,
    asked_by: str | None = None,
) -> None:
    """Write down that somebody looked at a customer. Does not commit: what was read and its record go together.

    Args:
        asked_by: The person; whoever runs this process where nobody is named.
    """
    with warehouse.cursor() as cursor:
        cursor.execute(
            "insert into ops.personal_data_access (customer_id, as_of, what, purpose, person)"
            " values (%s, %s, %s, %s, %s)",
            (customer_id, as_of, what, purpose, asked_by or person()),
        )
