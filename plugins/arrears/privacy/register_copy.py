"""A copy of the register of erasures, outside the database: what a restore of the database would otherwise undo.

`<home>/erasures.jsonl`, a line an erasure. It holds nobody's data: the hash is keyed by a secret that lies elsewhere.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from arrears.settings import Settings

Cause = Literal["request", "retention"]


@dataclass(frozen=True)
class Entry:
    """An erasure, as `ops.erasure` has it."""

    erasure_id: str
    customer_hash: str
    """In hexadecimal digits."""
    cause: Cause
    as_of: date


def path(settings: Settings) -> Path:
    return settings.home / "erasures.jsonl"


def add(settings: Settings, entries: Sequence[Entry]) -> None:
    """Write erasures down for good: they are on the disk when this returns."""
    lines = "".join(json.dumps(asdict(entry), default=str) + "\n" for entry in entries)
    # In one call and at the end of the file, so that two processes do not write into each other's lines.
    descriptor = os.open(path(settings), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, lines.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def entries(settings: Settings) -> list[Entry]:
    """Every erasure that was written down; one that was done again stands there twice and counts once."""
    if not path(settings).exists():
        return []
    lines = [json.loads(line) for line in path(settings).read_text().splitlines()]
    found = [Entry(**{**line, "as_of": date.fromisoformat(line["as_of"])}) for line in lines]
    return list({entry.erasure_id: entry for entry in found}.values())
