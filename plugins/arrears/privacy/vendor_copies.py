"""Copies on the servers of vendors: what was erased here is removed there, file by file, as often as it takes."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Protocol

import psycopg2.extensions

from arrears.delivery.vendors import get_vendor
from arrears.privacy.warehouse import statement

REASON_SUFFIX = ".reason.json"


class Server(Protocol):
    """What is needed of `VendorSftp`."""

    def remove(self, path: str) -> None: ...


def waiting_vendors(warehouse: psycopg2.extensions.connection) -> list[str]:
    """Vendors whose servers still have files that were erased here. Reads only."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("waiting_vendors"))
        return [name for (name,) in cursor.fetchall()]


def remove_copies(warehouse: psycopg2.extensions.connection, server: Server, *, vendor: str) -> int:
    """Remove a vendor's copies of erased files. Commits after each; killed anywhere, the next run goes on.

    Returns:
        The files removed.

    Raises:
        VendorConnectionError, VendorAccessError: see `VendorSftp`; what was removed before is noted.
    """
    removed = 0
    for sent, values, paths in (*_sent(warehouse, vendor), *_received(warehouse, vendor)):
        for path in paths:
            server.remove(str(path))
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute(statement("note_removed_sent" if sent else "note_removed_received"), values)
        removed += 1
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("note_copies_gone"))
    return removed


Copy = tuple[bool, dict[str, str], list[PurePosixPath]]
"""Whether we sent it, its key, and where it may lie."""


def _sent(warehouse: psycopg2.extensions.connection, vendor: str) -> Iterator[Copy]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("erased_sent"), {"vendor": vendor})
        rows = cursor.fetchall()
    for batch_id, name, channel, as_of in rows:
        directory = get_vendor(warehouse, vendor, channel).outbound(as_of)
        yield True, {"batch_id": batch_id, "name": name}, [directory / name]


def _received(warehouse: psycopg2.extensions.connection, vendor: str) -> Iterator[Copy]:
    """A file lies under its name, or with its hash before it where the name was taken."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("erased_received"), {"vendor": vendor})
        rows = cursor.fetchall()
    for sha256, file_name, state in rows:
        inbound = PurePosixPath(get_vendor(warehouse, vendor).directory) / "inbound"
        directory = inbound / ("refused" if state == "refused" else "done")
        names = [file_name, f"{sha256[:12]}-{file_name}"]
        paths = [directory / (name + suffix) for name in names for suffix in ("", REASON_SUFFIX)]
        yield False, {"vendor": vendor, "sha256": sha256, "file_name": file_name}, paths
