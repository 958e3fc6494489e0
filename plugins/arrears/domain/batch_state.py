"""The life of a batch for a vendor: its states, and which may follow which. Plain rules, no I/O."""

from enum import StrEnum


class BatchState(StrEnum):
    """Where a batch is. The values are those of `ops.delivery_batch.state`."""

    PLANNED = "planned"
    """Which customers, under which references: decided."""
    WRITTEN = "written"
    """The bytes are stored here; they may leave once the gate stored a manifest beside them."""
    UPLOADED = "uploaded"
    """The vendor has the manifest."""
    ACKNOWLEDGED = "acknowledged"
    """The vendor says that it took the list."""
    CLOSED = "closed"
    """Every row is final, or nothing more is expected."""
    REFUSED = "refused"
    """The vendor refused the list as a whole."""
    EXPIRED = "expired"
    """Its contact windows were over before it could leave."""
    SUPERSEDED = "superseded"
    """The inputs changed before anything of it left: a newer sequence took its place."""


_NEXT: dict[BatchState, frozenset[BatchState]] = {
    BatchState.PLANNED: frozenset({BatchState.WRITTEN, BatchState.EXPIRED, BatchState.SUPERSEDED}),
    # A vendor's answer can overtake our own note that the manifest is up: a process may die between the two.
    BatchState.WRITTEN: frozenset(
        {
            BatchState.UPLOADED,
            BatchState.ACKNOWLEDGED,
            BatchState.REFUSED,
            BatchState.EXPIRED,
            BatchState.SUPERSEDED,
        }
    ),
    BatchState.UPLOADED: frozenset({BatchState.ACKNOWLEDGED, BatchState.REFUSED, BatchState.CLOSED}),
    BatchState.ACKNOWLEDGED: frozenset({BatchState.CLOSED}),
    BatchState.CLOSED: frozenset(),
    BatchState.REFUSED: frozenset(),
    BatchState.EXPIRED: frozenset(),
    BatchState.SUPERSEDED: frozenset(),
}

WAITING = frozenset({BatchState.PLANNED, BatchState.WRITTEN})
"""Not yet at the vendor: may still be superseded or expire."""

AT_VENDOR = frozenset({BatchState.UPLOADED, BatchState.ACKNOWLEDGED})
"""The vendor has it and may be working it: open for stop files, recalls and results."""

GIVEN_UP = frozenset({BatchState.REFUSED, BatchState.EXPIRED, BatchState.SUPERSEDED})
"""Nobody is to be contacted from it. What a vendor reports on it all the same has happened, and counts."""


def may_follow(current: BatchState, new: BatchState) -> bool:
    """Whether a batch in one state may go to another. Staying is not a step."""
    return new in _NEXT[current]
