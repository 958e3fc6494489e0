"""Lists as delivery lays them into the directories of the played vendors."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from arrears.delivery.layouts import CHANNELS, RECALL, STOP
from arrears.services import sftp
from arrears.settings import Settings

AS_OF = date(2020, 4, 15)
CREATED_AT = "2020-04-14T22:00:00Z"
AFTER, BEFORE = "2020-04-15T08:00:00+08:00", "2020-04-15T20:00:00+08:00"
VENDORS = {
    "sms": "demo_sms",
    "phone": "demo_call",
    "field_visit": "demo_visit",
    "legal": "demo_law",
    "care": "demo_care",
}

List = list[dict[str, str]]


def list_rows(channel: str, count: int) -> List:
    """A list of the channel with the columns that delivery writes."""
    values = {
        "phone": "+8613800000000",
        "amount_due": "480.00",
        "currency": "USD",
        "attempts_left": "3",
        "offer_instalment": "50.00",
        "evidence_file": "evidence.pdf",
    }
    columns = CHANNELS[channel].columns
    return [
        {name: values.get(name, "") for name in columns}
        | {name: AFTER for name in columns if name.endswith("_after")}
        | {name: BEFORE for name in columns if name.endswith("_before")}
        | {"contact_ref": f"{channel}-{number:05d}"}
        for number in range(count)
    ]


def to_csv(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def manifest_of(channel: str, content: bytes, rows: int, **changed: object) -> dict[str, Any]:
    batch_id = changed.pop("batch_id", f"{channel}-{VENDORS.get(channel, 'demo_call')}-20200415-01")
    file = {
        "name": f"{batch_id}.csv",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": rows,
        "control_totals": {"USD": {"amount_due": "1.00"}},
        "encryption": "none",
    }
    return {
        "schema_version": "1.0",
        "batch_id": batch_id,
        "kind": "contact_list",
        "channel": channel,
        "vendor": VENDORS.get(channel, "demo_call"),
        "as_of": AS_OF.isoformat(),
        "created_at": CREATED_AT,
        "valid_until": BEFORE,
        "supersedes": None,
        "files": [file | changed.pop("file", {})],  # type: ignore[operator]
    } | changed


def put(settings: Settings, channel: str, rows: List, **changed: Any) -> dict[str, Any]:
    """Lay a list and its manifest into the vendor's directory, as delivery does."""
    columns = (
        {"stop": STOP, "recall": RECALL}[changed["kind"]].columns if "kind" in changed else CHANNELS[channel].columns
    )
    content = changed.pop("content", None) or to_csv(rows, columns)
    manifest = manifest_of(channel, content, len(rows), **changed)
    directory = sftp.vendor_directory(settings, manifest["vendor"]) / "outbound" / manifest["as_of"].replace("-", "")
    directory.mkdir(exist_ok=True)
    (directory / manifest["files"][0]["name"]).write_bytes(content)
    (directory / f"{manifest['batch_id']}.manifest.json").write_text(json.dumps(manifest))
    return manifest
