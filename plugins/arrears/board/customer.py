"""A customer's decisions on the board: what `arrears explain` tells, with the same record of who asked."""

from contextlib import closing
from datetime import date

import psycopg2

from arrears.explain import Explanation, explain
from arrears.settings import Settings


def explained(settings: Settings, *, customer_id: str, as_of: date, asked_by: str) -> Explanation:
    """Everything that stands behind a customer's decisions of a day; contact values are masked. Commits the record.

    Args:
        asked_by: The user who asks, by Airflow's name.

    Raises:
        ExplainError: no such customer, or no build of that day has passed.
    """
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        return explain(
            warehouse, customer_id=customer_id, as_of=as_of, settings=settings, asked_by=asked_by, purpose="board"
        )
