"""Rights, row-level security and the record of access, in the warehouse."""

from functools import cache
from importlib.resources import files

from psycopg2.extensions import cursor as Cursor  # noqa: N812


def create_privacy(cursor: Cursor) -> None:
    """Create what guards personal data. Safe to run again; does not commit."""
    cursor.execute(statement("access"))


@cache
def statement(name: str) -> str:
    """The text of `sql/privacy/<name>.sql`."""
    return files("arrears").joinpath("sql", "privacy", f"{name}.sql").read_text(encoding="utf-8")
