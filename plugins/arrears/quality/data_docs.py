"""Data Docs as a whole: what is kept of them, and the page that lists it. Single pages are written by the gates."""

import logging
from datetime import date, datetime, timedelta
from pathlib import Path, PurePosixPath

from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.files import write_whole
from arrears.quality.pages import ListedRun, index_page
from arrears.quality.rules import SUITES_DIR
from arrears.sql_files import read_statement

_log = logging.getLogger(__name__)

IN_THE_MAKING = timedelta(days=1)
"""A page that no result names yet may be that of a gate that still runs."""


def tidy(
    warehouse: Connection, *, docs_dir: Path, as_of: date, days: int, now: datetime, suites_dir: Path = SUITES_DIR
) -> int:
    """Remove the pages that are past their time, and write the list of all others anew; the number removed. Commits.

    Kept is what a result of the last `days` business dates before `as_of` (and of any later one) names. What gates
    found stays in `ops.quality_results`, and from there the list is made: Great Expectations' own opens every page.

    Args:
        now: Of the clock, for pages that no result names.
    """
    from arrears.quality.engine import build_suites

    kept = _named_since(warehouse, as_of - timedelta(days=days))
    removed = 0
    for page in sorted((docs_dir / "validations").rglob("*.html")):
        age = now - datetime.fromtimestamp(page.stat().st_mtime, now.tzinfo)
        if page.relative_to(docs_dir).as_posix() not in kept and age > IN_THE_MAKING:
            page.unlink()
            removed += 1
    _remove_empty(docs_dir / "validations")
    suites = build_suites(suites_dir=suites_dir, docs_dir=docs_dir)
    index = index_page([run for path, run in kept.items() if (docs_dir / path).is_file()], suites)
    write_whole(docs_dir / "index.html", index)
    return removed


def _named_since(warehouse: Connection, since: date) -> dict[str, ListedRun]:
    """By path, the newest first."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(read_statement("quality", "pages"), {"since": since})
        return {path: _listed(path, checked_at, is_met) for path, checked_at, is_met in cursor.fetchall()}


def _listed(path: str, checked_at: datetime, is_met: bool) -> ListedRun:
    """A path is `validations`, the parts of the suite's name, the run, its instant, the file."""
    _, *suite, run, _, _ = PurePosixPath(path).parts
    return ListedRun(path, ".".join(suite), run, checked_at, is_met)


def _remove_empty(directory: Path) -> None:
    """Every directory below that holds nothing. One into which a gate writes at this moment stays."""
    for below in sorted((path for path in directory.rglob("*") if path.is_dir()), reverse=True):
        try:
            below.rmdir()
        except OSError:
            continue
