"""The manifest of a batch: what a vendor reads first and receives last (`docs/vendors/manifest.schema.json`)."""

import json
from collections.abc import Sequence
from datetime import UTC
from zoneinfo import ZoneInfo

from arrears.delivery.ledger import Batch, StoredFile

SCHEMA_VERSION = "1.0"


def render(batch: Batch, files: Sequence[StoredFile], zone: ZoneInfo) -> bytes:
    """The manifest's bytes: a function of the ledger alone, so that a retry writes the same.

    Args:
        zone: The bank's time zone, in which `valid_until` is written.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "batch_id": batch.batch_id,
        "kind": batch.kind,
        "channel": batch.channel,
        "vendor": batch.vendor,
        "as_of": batch.as_of.isoformat(),
        "created_at": batch.planned_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "valid_until": batch.valid_until.astimezone(zone).isoformat(timespec="seconds"),
        "supersedes": batch.supersedes,
        "files": [
            {
                "name": file.name,
                "bytes": len(file.content),
                "sha256": file.sha256,
                "rows": file.row_count,
                "control_totals": file.control_totals or {},
                "encryption": file.encryption,
            }
            for file in files
        ],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
