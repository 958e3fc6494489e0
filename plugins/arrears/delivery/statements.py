"""SQL statements of this package, by the name of their file in `sql/delivery`."""

from functools import partial

from arrears.sql_files import read_statement

statement = partial(read_statement, "delivery")
"""The text of `sql/delivery/<name>.sql`."""
