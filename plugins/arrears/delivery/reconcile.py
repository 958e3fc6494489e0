"""Hold the ledger of a day against what lies at the vendors and against what was decided.

The one check after anything went wrong. It reads the ledger, the vendors' directories and the decisions, and believes
none of them: a difference is a line that says where, what was expected and what was found, and nothing about a person.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import psycopg2.extensions

from arrears.delivery import ledger
from arrears.delivery.ledger import Batch
from arrears.delivery.statements import statement
from arrears.delivery.vendors import get_vendor
from arrears.domain.batch_state import WAITING, BatchState, may_follow

_LEFT = frozenset({BatchState.UPLOADED, BatchState.ACKNOWLEDGED, BatchState.CLOSED, BatchState.REFUSED})


class Server(Protocol):
    """What is needed of `arrears.hooks.vendor_sftp.VendorSftp`."""

    def sizes(self, path: str) -> dict[str, int]: ...
    def read(self, path: str) -> Iterable[bytes]: ...


@dataclass(frozen=True)
class _File:
    name: str
    sha256: str
    row_count: int
    is_whole: bool
    """Whether the bytes in the ledger have the hash that stands beside them; of erased bytes nobody asks."""
    is_removed: bool
    """Taken back from the vendor when it had to be forgotten."""


def differences(
    warehouse: psycopg2.extensions.connection,
    servers: Mapping[str, Server],
    *,
    as_of: date,
    is_over: bool = True,
) -> list[str]:
    """What does not agree, a line each; empty when all does. Reads only.

    Args:
        servers: An open session with each vendor that is to be looked at.
        is_over: Whether every task of the day has ended: then nothing may wait or be half done. While tasks run, or
            where one just died, only what a vendor must never see is a difference.
    """
    batches = [batch for batch in ledger.batches_on(warehouse, as_of) if batch.vendor in servers]
    files = _files(warehouse, as_of)
    found = [line for batch in batches for line in _history(warehouse, batch)]
    for vendor, server in sorted(servers.items()):
        own = [batch for batch in batches if batch.vendor == vendor]
        path = str(get_vendor(warehouse, vendor).outbound(as_of))
        found += _directory(vendor, _look(server, path), own, files, is_over=is_over)
        found += _stop_first(vendor, own)
    if is_over:
        found += [f"{batch.batch_id}: still {batch.state}" for batch in batches if batch.state in WAITING]
        found += _people(warehouse, as_of, list(servers))
    warehouse.rollback()
    return found


@dataclass(frozen=True)
class _Found:
    """A file as it lies on a vendor's server."""

    sha256: str
    text: bytes
    """Of a manifest all of it, of other files nothing: they may be long."""


def _look(server: Server, directory: str) -> dict[str, _Found]:
    found = {}
    for name in server.sizes(directory):
        digest, kept = hashlib.sha256(), []
        for piece in server.read(f"{directory}/{name}"):
            digest.update(piece)
            kept += [piece] if name.endswith(ledger.MANIFEST_SUFFIX) else []
        found[name] = _Found(digest.hexdigest(), b"".join(kept))
    return found


def _directory(
    vendor: str,
    there: Mapping[str, _Found],
    batches: Sequence[Batch],
    files: Mapping[str, Sequence[_File]],
    *,
    is_over: bool,
) -> Iterator[str]:
    """What a vendor sees: nothing that the ledger does not know, each manifest with all that it names, byte by byte."""
    expected: set[str] = set()
    for batch in batches:
        own = files.get(batch.batch_id, ())
        may_be_there = batch.state in _LEFT or batch.sending_since is not None
        is_there = batch.manifest_name in there
        if is_there and not may_be_there:
            yield f"{batch.batch_id}: is {batch.state}, and {vendor} has its manifest"
        should_be_there = any(file.name == batch.manifest_name and not file.is_removed for file in own)
        if batch.state in _LEFT and should_be_there and not is_there and is_over:
            yield f"{batch.batch_id}: is {batch.state}, and {vendor} has no manifest of it"
        if is_there:
            yield from _bytes(batch, there, own)
        if batch.state not in (BatchState.EXPIRED, BatchState.SUPERSEDED):
            expected |= {file.name for file in own if not file.is_removed}
    for name in sorted(there.keys() - expected):
        # What broke off lies there under a name that says so, or without a manifest, until the next try.
        if is_over or name.endswith(ledger.MANIFEST_SUFFIX):
            yield f"{vendor}: {name} lies there, and no batch that it could belong to"


def _bytes(batch: Batch, there: Mapping[str, _Found], files: Sequence[_File]) -> Iterator[str]:
    named = _named(there[batch.manifest_name].text)
    if named is None:
        yield f"{batch.batch_id}: its manifest cannot be read"
        return
    stored = [(file.name, file.sha256, file.row_count) for file in files if file.name != batch.manifest_name]
    if named != stored:
        yield f"{batch.batch_id}: its manifest names other files, hashes or rows than the ledger"
    for file in files:
        if not file.is_whole:
            yield f"{batch.batch_id}: {file.name} in the ledger has not the hash beside it"
        if file.is_removed:
            continue
        if file.name not in there:
            yield f"{batch.batch_id}: its manifest is there and {file.name} is not"
        elif there[file.name].sha256 != file.sha256:
            yield f"{batch.batch_id}: {file.name} has other bytes than the ledger"


def _named(manifest: bytes) -> list[tuple[str, str, int]] | None:
    try:
        return [(file["name"], file["sha256"], file["rows"]) for file in json.loads(manifest)["files"]]
    except (ValueError, KeyError, TypeError):
        return None


def _stop_first(vendor: str, batches: Sequence[Batch]) -> Iterator[str]:
    stop_left = any(batch.kind == "stop" and batch.state in _LEFT for batch in batches)
    for batch in batches:
        if batch.kind == "contact_list" and batch.sending_since is not None and not stop_left:
            yield f"{batch.batch_id}: left before {vendor} had the day's stop file"


def _history(warehouse: psycopg2.extensions.connection, batch: Batch) -> Iterator[str]:
    """Every step of a batch was allowed, led from one to the next, and to where it is."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select from_state, to_state from ops.delivery_event where batch_id = %s order by event_id",
            (batch.batch_id,),
        )
        steps = cursor.fetchall()
    at: str | None = None
    for source, target in steps:
        is_note = source == target
        is_step = target == BatchState.PLANNED if source is None else may_follow(BatchState(source), BatchState(target))
        if source != at or not (is_note or is_step):
            yield f"{batch.batch_id}: its history goes from {at} by {source} to {target}"
        at = target
    if at != batch.state:
        yield f"{batch.batch_id}: is {batch.state}, and its history ends at {at}"


def _people(warehouse: psycopg2.extensions.connection, as_of: date, vendors: Sequence[str]) -> Iterator[str]:
    """Whoever was to be contacted is on one list that counts, and nobody else is."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("reconcile_people"), {"as_of": as_of, "vendors": list(vendors)})
        for channel, twice, missing, undecided in cursor.fetchall():
            if twice:
                yield f"{channel}: {twice} contacts on more than one list"
            if missing:
                yield f"{channel}: {missing} decided contacts on no list"
            if undecided:
                yield f"{channel}: {undecided} contacts on a list that nobody decided"
        cursor.execute(statement("reconcile_rows"), {"as_of": as_of, "vendors": list(vendors)})
        for batch_id, planned, items in cursor.fetchall():
            yield f"{batch_id}: {planned} rows planned, {items} references in the ledger"


def _files(warehouse: psycopg2.extensions.connection, as_of: date) -> dict[str, list[_File]]:
    found: dict[str, list[_File]] = defaultdict(list)
    with warehouse.cursor() as cursor:
        cursor.execute(statement("reconcile_files"), {"as_of": as_of})
        for batch_id, *columns in cursor.fetchall():
            found[batch_id].append(_File(*columns))
    return found
