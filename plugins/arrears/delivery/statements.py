"""SQL statements of this package, by the name of their file in `sql/delivery`."""

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """The text of `sql/delivery/<name>.sql`."""
    return files("arrears").joinpath("sql", "delivery", f"{name}.sql").read_text()
