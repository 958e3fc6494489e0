"""COPY from one server into another through a pipe: the rows are never parsed here."""

import os
import threading

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

_CHUNK = 1 << 20


def copy_rows(source: Connection, read: sql.Composable, warehouse: Connection, write: sql.Composable) -> int:
    """Run `copy (…) to stdout` on the source into `copy … from stdin` on the warehouse. Does not commit.

    Returns:
        The rows written.

    Raises:
        psycopg2.Error: from either side. The warehouse's transaction must then be rolled back: when the source fails
            half way, the warehouse has taken the first half for the whole.
    """
    read_end, write_end = os.pipe()
    reader = _Reader(source, read, write_end)
    with os.fdopen(read_end, "rb", buffering=0) as pipe, warehouse.cursor() as cursor:
        reader.start()
        try:
            cursor.copy_expert(write, pipe, size=_CHUNK)
        except BaseException:
            pipe.close()  # The source's side then fails on its next write instead of waiting for a reader for ever.
            reader.join()
            raise
        reader.join()
        if reader.error is not None:
            raise reader.error
        return int(cursor.rowcount)


class _Reader(threading.Thread):
    """The source's side; its error, if any, is in `error` once it has ended."""

    def __init__(self, source: Connection, statement: sql.Composable, write_end: int) -> None:
        super().__init__(name="arrears-copy", daemon=True)
        self.error: BaseException | None = None
        self._source = source
        self._statement = statement
        self._write_end = write_end

    def run(self) -> None:
        try:
            with os.fdopen(self._write_end, "wb", buffering=_CHUNK) as pipe, self._source.cursor() as cursor:
                cursor.copy_expert(self._statement, pipe)
        except BaseException as error:
            self.error = error
