"""The hand-book for vendors, `docs/vendors`: schemas, tables and examples, from the definitions that the code uses.

`make handbook` writes them anew; a test fails while that would change anything. What is between two markers of a page
(`<!-- sms -->` … `<!-- /sms -->`) is written here, the rest of it by hand.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from arrears.delivery import csv_file, layouts, manifest
from arrears.delivery.inbound import Ack, ReasonFile, SetAside
from arrears.delivery.layouts import LAYOUTS, Layout
from arrears.delivery.ledger import Batch, StoredFile
from arrears.domain.batch_state import BatchState
from arrears.domain.vendor_results import QA_FIELDS, RESULT_FIELDS, Field, Kind, Reason
from arrears.settings import PROJECT_ROOT

DIRECTORY = PROJECT_ROOT / "docs" / "vendors"
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds" / "reference"
PAGES = ("lists.md", "results.md")

_TABLE_SCHEMA = "https://datapackage.org/profiles/2.0/tableschema.json"
_JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_CODE_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:-]*$"

_TYPES = {
    Kind.TEXT: "string",
    Kind.CODE: "string",
    Kind.INSTANT: "datetime",
    Kind.DATE: "date",
    Kind.INTEGER: "integer",
    Kind.AMOUNT: "number",
    Kind.BOOLEAN: "boolean",
}
_WRITTEN = {
    "text": "text",
    "code": "code",
    "e164": "telephone number, E.164",
    "instant": "instant with offset",
    "date": "day",
    "integer": "whole number",
    "number": "decimal number",
    "amount": "amount",
    "boolean": "`true` or `false`",
}

# Made up, and the same in every example, so that the files of one vendor answer each other.
_ZONE = ZoneInfo("Asia/Shanghai")
_AS_OF = date(2020, 4, 15)
_CREATED_AT = datetime(2020, 4, 14, 21, 2, 11, tzinfo=UTC)
_VALID_UNTIL = datetime(2020, 4, 15, 12, tzinfo=UTC)
_VENDORS = {
    "sms": "demo_sms",
    "phone": "demo_call",
    "field_visit": "demo_visit",
    "legal": "demo_law",
    "care": "demo_care",
}
_CALLS = "phone-demo_call-20200415-01"


def published() -> dict[str, str]:
    """Every file of the hand-book that is written as a whole, by its path in `docs/vendors`."""
    schemas = {name: layouts.table_schema(layout) for name, layout in LAYOUTS.items()} | {
        "results": table_schema("results", "Results of attempts", RESULT_FIELDS),
        "qa": table_schema("qa", "Reviews of recordings", QA_FIELDS),
        "manifest": _json_schema(manifest.Manifest),
        "ack": _json_schema(Ack),
        "reason": _json_schema(ReasonFile),
    }
    return {f"{name}.schema.json": _json(schema) for name, schema in schemas.items()} | {
        f"examples/{name}": content for name, content in _examples().items()
    }


def with_tables(page: str) -> str:
    """The page with what is between its markers written anew."""
    tables = {
        **{name: _list_columns(layout) for name, layout in LAYOUTS.items()},
        "results": _columns(RESULT_FIELDS),
        "qa": _columns(QA_FIELDS),
        "dispositions": _seed_table("dispositions", "disposition", "it means", channels="of channels"),
        "review_reasons": _seed_table("review_reasons", "reason", "it is asked for because"),
        "nonpayment_reasons": _seed_table("nonpayment_reasons", "nonpayment_reason", "it means"),
        "reasons": _table(("code", "the row"), ((f"`{reason.name}`", reason.value) for reason in Reason)),
    }
    return re.sub(
        r"<!-- (\w+) -->.*?<!-- /\1 -->",
        lambda found: f"<!-- {found[1]} -->\n{tables[found[1]]}\n<!-- /{found[1]} -->",
        page,
        flags=re.DOTALL,
    )


# Schemas ------------------------------------------------------------------------------------------------------------


def table_schema(name: str, title: str, fields: Sequence[Field]) -> dict[str, object]:
    """The columns of a file that vendors send as a Frictionless table schema."""
    return {
        "$schema": _TABLE_SCHEMA,
        "name": name,
        "title": title,
        "fields": [_descriptor(field) for field in fields],
        "missingValues": [""],
    }


def _descriptor(field: Field) -> dict[str, object]:
    descriptor: dict[str, object] = {"name": field.name, "type": _TYPES[field.kind], "description": field.description}
    if field.kind is Kind.BOOLEAN:
        descriptor |= {"trueValues": ["true"], "falseValues": ["false"]}
    if field.example:
        descriptor["example"] = field.example
    constraints: dict[str, object] = {}
    if field.required:
        constraints["required"] = True
    if field.minimum is not None:
        constraints["minimum"] = field.minimum
    if field.maximum is not None:
        constraints["maximum"] = field.maximum
    if field.allowed:
        constraints["enum"] = list(field.allowed)
    elif field.kind is Kind.CODE:
        constraints["pattern"] = _CODE_PATTERN
    if field.kind in (Kind.CODE, Kind.TEXT):
        constraints["maxLength"] = field.max_length
    return {**descriptor, "constraints": constraints} if constraints else descriptor


def _json_schema(model: type[BaseModel]) -> dict[str, object]:
    return {"$schema": _JSON_SCHEMA, **model.model_json_schema()}


# Tables --------------------------------------------------------------------------------------------------------------


def _columns(fields: Sequence[Field]) -> str:
    return _table(
        ("column", "required", "written as", "meaning", "example"),
        (
            (
                f"`{field.name}`",
                "yes" if field.required else "",
                _written(field),
                field.description,
                _code(field.example),
            )
            for field in fields
        ),
    )


def _list_columns(layout: Layout) -> str:
    return _table(
        ("column", "always there", "written as", "meaning", "example"),
        (
            (
                f"`{field.name}`",
                "yes" if field.required else "",
                _either(field.choices) or _WRITTEN[field.kind],
                field.description,
                _code(field.example),
            )
            for field in layout.fields
        ),
    )


def _written(field: Field) -> str:
    text = _either(field.allowed) or _WRITTEN[field.kind]
    if field.kind is Kind.AMOUNT:
        text += f", at most {field.decimals} decimals"
    if field.maximum is not None:
        text += f", {field.minimum} to {field.maximum}"
    if field.kind is Kind.TEXT:
        text += f", at most {field.max_length} characters"
    return text


def _either(codes: Sequence[str]) -> str:
    return " or ".join(map(_code, codes))


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _seed_table(seed: str, key: str, meaning: str, **codes: str) -> str:
    """Codes and what they mean.

    Args:
        codes: Columns of codes between the two, with their headings.
    """
    with (SEEDS / f"{seed}.csv").open(newline="", encoding="utf-8") as file:
        return _table(
            ("code", *codes.values(), meaning),
            (
                (
                    f"`{row[key]}`",
                    *(" ".join(f"`{code}`" for code in row[name].split()) for name in codes),
                    row["description"],
                )
                for row in csv.DictReader(file)
            ),
        )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(line) + " |" for line in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


# Examples ------------------------------------------------------------------------------------------------------------

_TYPED: Mapping[layouts.Kind, Callable[[str], object]] = {
    layouts.Kind.AMOUNT: Decimal,
    layouts.Kind.NUMBER: Decimal,
    layouts.Kind.INTEGER: int,
    layouts.Kind.DATE: date.fromisoformat,
    layouts.Kind.INSTANT: datetime.fromisoformat,
}


def _examples() -> dict[str, str]:
    """A file of each kind, those of a phone vendor as one exchange: list, acknowledgement, results, what was wrong."""
    examples: dict[str, str] = {}
    for name, layout in LAYOUTS.items():
        kind = "contact_list" if name in _VENDORS else name
        vendor = _VENDORS.get(name, _VENDORS["phone"])
        batch_id = f"{name.replace('qa_', 'qa-')}-{vendor}-{_AS_OF:%Y%m%d}-01"
        content = _list_example(layout)
        examples[f"{batch_id}.csv"] = content.decode()
        if layout.must_encrypt:
            continue  # its manifest is about encrypted bytes, which are others each time
        examples[f"{batch_id}.manifest.json"] = _manifest_example(batch_id, kind, name, vendor, content, layout)
    results = _csv([field.name for field in RESULT_FIELDS], [field.example for field in RESULT_FIELDS])
    return {
        **examples,
        f"{_CALLS}.ack.json": _json(_ack_example(examples[f"{_CALLS}.csv"])),
        f"{_CALLS}.results-1.csv": results,
        "qa-demo_call-20200416.csv": _csv([field.name for field in QA_FIELDS], [field.example for field in QA_FIELDS]),
        f"{_CALLS}.results-2.csv.reason.json": _reason_example(),
    }


def _list_example(layout: Layout) -> bytes:
    row = {field.name: _TYPED.get(field.kind, str)(field.example) if field.example else None for field in layout.fields}
    return csv_file.render(layout, [row], ["USD"], _ZONE)


def _manifest_example(batch_id: str, kind: str, name: str, vendor: str, content: bytes, layout: Layout) -> str:
    batch = Batch(
        batch_id=batch_id,
        kind=kind,
        channel=name if name in _VENDORS else "all",
        vendor=vendor,
        generation=1,
        as_of=_AS_OF,
        sequence=1,
        state=BatchState.WRITTEN,
        row_count=1,
        planned_at=_CREATED_AT,
        valid_until=_VALID_UNTIL,
        supersedes=None,
        inputs_hmac="",
        sending_since=None,
    )
    totals = {field.name: field.example for field in layout.fields if field.is_control_total}
    file = StoredFile(f"{batch_id}.csv", content, 1, {"USD": totals} if totals else None)
    return manifest.render(batch, [file], _ZONE).decode()


def _ack_example(list_file: str) -> dict[str, object]:
    return {
        "batch_id": _CALLS,
        "received_at": "2020-04-15T06:01:00+08:00",
        "rows": 1,
        "sha256": hashlib.sha256(list_file.encode()).hexdigest(),
        "accepted": 1,
        "rejected": [],
    }


def _reason_example() -> str:
    reason = ReasonFile(
        file=f"{_CALLS}.results-2.csv",
        sha256=hashlib.sha256(b"").hexdigest(),
        state="loaded",
        rows_set_aside=[
            SetAside(line=3, field="cost", code=Reason.NOT_AN_AMOUNT.name, problem=Reason.NOT_AN_AMOUNT.value)
        ],
        what_to_do="The other rows were loaded. Send these again, corrected, in a new file.",
    )
    return reason.model_dump_json(indent=2, exclude_none=True) + "\n"


def _csv(*rows: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for path in (*DIRECTORY.glob("*.schema.json"), *DIRECTORY.glob("examples/*")):
        path.unlink()
    (DIRECTORY / "examples").mkdir(exist_ok=True)
    for name, text in published().items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")
    for name in PAGES:
        page = DIRECTORY / name
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
