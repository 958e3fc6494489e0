"""The manifest of a batch: what a vendor reads first and receives last (`docs/vendors/manifest.schema.json`)."""

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from arrears.delivery.ledger import Batch, StoredFile

SCHEMA_VERSION = "1.0"

_Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
_Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
_Total = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ManifestFile(_Part):
    """One file of a batch."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the bytes as sent, encrypted ones included.")
    rows: int = Field(ge=0, description="Rows of the list, its header aside; 0 for evidence.")
    control_totals: dict[_Currency, dict[str, _Total]] = Field(
        description="By currency: the sum of each amount column, as decimal text in major units."
    )
    encryption: Literal["none", "openpgp"] = Field(
        description="`openpgp`: a binary OpenPGP message to the vendor's key."
    )


class Manifest(_Part):
    """Arrives last. A directory holds a whole batch once, and only once, its manifest is there."""

    model_config = ConfigDict(title="Manifest of a batch")

    schema_version: Literal["1.0"]
    batch_id: str = Field(
        pattern=r"^(qa-request|[a-z_]+)-[A-Za-z0-9_]+-[0-9]{8}-[0-9]{2,}$",
        description="<channel, or stop, recall, qa-request>-<vendor>-<as_of>-<sequence>. The same id never comes with"
        " other content.",
    )
    kind: Literal["contact_list", "stop", "recall", "qa_request"]
    channel: Literal["sms", "phone", "field_visit", "legal", "care", "all"] = Field(
        description="`all` for whatever is no list."
    )
    vendor: str = Field(min_length=1)
    as_of: str = Field(description="The business date that the batch is for.", json_schema_extra={"format": "date"})
    created_at: _Instant
    valid_until: _Instant = Field(description="No row may be worked after this instant.")
    supersedes: str | None = Field(
        description="The batch that this one takes the place of, should any of it be at hand."
    )
    files: list[ManifestFile] = Field(min_length=1, description="The list first. Its sha256 is the one to acknowledge.")


def render(batch: Batch, files: Sequence[StoredFile], zone: ZoneInfo) -> bytes:
    """The manifest's bytes: a function of the ledger alone, so that a retry writes the same.

    Args:
        zone: The bank's time zone, in which `valid_until` is written.
    """
    document = Manifest.model_validate(
        {
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
    )
    return (json.dumps(document.model_dump(), indent=2, ensure_ascii=False) + "\n").encode()
