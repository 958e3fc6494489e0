"""The statements that are kept as files below `arrears/sql`."""

from functools import cache
from importlib.resources import files


@cache
def read_statement(directory: str, name: str) -> str:
    """The text of `sql/<directory>/<name>.sql`."""
    return files("arrears").joinpath("sql", directory, f"{name}.sql").read_text(encoding="utf-8")
