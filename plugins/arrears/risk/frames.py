"""Between the warehouse and frames of pandas."""

import io
from typing import Any

import pandas as pd
from psycopg2.extensions import cursor as Cursor  # noqa: N812


def fetch_frame(cursor: Cursor, *, dtype: Any = None) -> pd.DataFrame:
    """What the cursor found, under the names of its columns. With `dtype` object, dates stay dates and null None."""
    columns = [column.name for column in cursor.description or ()]
    return pd.DataFrame(cursor.fetchall(), columns=columns, dtype=dtype)


def copy_frame(cursor: Cursor, table: str, frame: pd.DataFrame, *, float_format: str | None = None) -> None:
    """Write the rows of a frame into the columns of a table that have its names. Does not commit."""
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, header=False, float_format=float_format)
    buffer.seek(0)
    cursor.copy_expert(f"copy {table} ({', '.join(frame.columns)}) from stdin with (format csv)", buffer)
