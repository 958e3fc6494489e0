"""Data Docs as a whole: what is kept of them, and the page that lists it. Single pages are written by the gates."""

import logging
from datetime import date, datetime, timedelta
from pathlib import Path

from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.quality.rules import SUITES_DIR

_log = logging.getLogger(__name__)

IN_THE_MAKING = timedelta(days=1)
"""A page that no result names yet may be that of a gate that still runs."""


def tidy(
    warehouse: Connection, *, docs_dir: Path, as_of: date, days: int, now: datetime, suites_dir: Path = SUITES_DIR
) -> int:
    """Remove the pages that are past their time, and write the list of all others anew; the number removed. Commits.

    Kept is what a result of the last `days` business dates before `as_of` (and of any later one) names. What gates
    found stays in `ops.quality_results`.

    Args:
        now: Of the clock, for pages that no result names.
    """
    from arrears.quality.engine import build_index

    kept = _named_since(warehouse, as_of - timedelta(days=days))
    removed = 0
    for result in sorted((docs_dir / "results").rglob("*.json")):
        page = Path("validations") / result.relative_to(docs_dir / "results").with_suffix(".html")
        age = now - datetime.fromtimestamp(result.stat().st_mtime, now.tzinfo)
        if page.as_posix() not in kept and age > IN_THE_MAKING:
            result.unlink()
            (docs_dir / page).unlink(missing_ok=True)
            removed += 1
    for directory in ("results", "validations"):
        _remove_empty(docs_dir / directory)
    build_index(suites_dir=suites_dir, docs_dir=docs_dir)
    return removed


def _named_since(warehouse: Connection, since: date) -> set[str]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select distinct docs_path from ops.quality_results"
            " where docs_path is not null and coalesce(as_of, checked_at::date) > %s",
            (since,),
        )
        return {path for (path,) in cursor.fetchall()}


def _remove_empty(directory: Path) -> None:
    """Every directory below that holds nothing. One into which a gate writes at this moment stays."""
    for below in sorted((path for path in directory.rglob("*") if path.is_dir()), reverse=True):
        try:
            below.rmdir()
        except OSError:
            continue
