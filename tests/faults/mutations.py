"""Our own guards, each broken: what the reconciliation must see."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from arrears.delivery import ledger, lists, send
from arrears.delivery.ledger import StoredFile

Consignment = send._Consignment
place, insert_items = Consignment._place, ledger.insert_items


def _manifest_first() -> list[Any]:
    def place_files(self: Consignment) -> None:
        self.sftp.mkdir(str(self.directory))
        for file in reversed(self.files):
            place(self, file)

    return [patch.object(Consignment, "place_files", place_files)]


def _under_the_final_name() -> list[Any]:
    def write(self: Consignment, file: StoredFile) -> None:
        self.sftp.put(str(self.directory / file.name), file.content)

    return [patch.object(Consignment, "_place", write)]


def _not_read_back() -> list[Any]:
    def write(self: Consignment, file: StoredFile) -> None:
        part = f"{self.directory / file.name}.0.part"
        self.sftp.put(part, file.content)
        self.sftp.posix_rename(part, str(self.directory / file.name))

    return [patch.object(Consignment, "_place", write)]


def _customer_forgotten() -> list[Any]:
    def insert(warehouse: Any, batch_id: str, items: Any) -> None:
        insert_items(warehouse, batch_id, list(items)[1:])

    return [patch.object(ledger, "insert_items", insert)]


MUTATIONS: dict[str, Callable[[], list[Any]]] = {
    "the manifest goes first": _manifest_first,
    "files are written under their final name": _under_the_final_name,
    "files are not read back": _not_read_back,
    "the server is believed": lambda: [patch.object(Consignment, "_require_there", lambda *_: None)],
    "what broke off is left": lambda: [patch.object(Consignment, "clear", lambda *_, **__: None)],
    "nobody marks that the manifest may be seen": lambda: [patch.object(ledger, "mark_sending", lambda *_: None)],
    "what the vendor may have is superseded": lambda: [patch.object(lists, "_may_be_superseded", lambda _: True)],
    "a customer is forgotten": _customer_forgotten,
    "steps leave no trace": lambda: [patch.object(ledger, "_event", lambda *_: None)],
    "nothing is put back": lambda: [patch.object(Consignment, "put_back", lambda _: [])],
}
"""By what is broken: the changes that break it."""
