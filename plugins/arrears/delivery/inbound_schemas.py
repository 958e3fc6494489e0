"""What we publish about the files that vendors send: schemas and tables for `docs/vendors`, from their one definition.

`python -m arrears.delivery.inbound_schemas` writes them; a test keeps the pages in step.
"""

import json
import re
from collections.abc import Sequence

from arrears.delivery.inbound import Ack
from arrears.domain.vendor_results import QA_FIELDS, RESULT_FIELDS, Field, Kind, Reason
from arrears.settings import PROJECT_ROOT

DIRECTORY = PROJECT_ROOT / "docs" / "vendors"
HANDBOOK = "results.md"

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
    Kind.TEXT: "text",
    Kind.CODE: "code",
    Kind.INSTANT: "`2020-04-15T10:02:00+08:00`",
    Kind.DATE: "`2020-04-20`",
    Kind.INTEGER: "whole number",
    Kind.AMOUNT: "amount",
    Kind.BOOLEAN: "`true` or `false`",
}
_CODE_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:-]*$"


def table_schema(name: str, title: str, fields: Sequence[Field]) -> dict[str, object]:
    """The columns as a Frictionless table schema."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "name": name,
        "title": title,
        "fields": [_descriptor(field) for field in fields],
        "missingValues": [""],
    }


def published() -> dict[str, str]:
    """Every generated file of `docs/vendors` by name; of the hand-book page the parts between its markers."""
    return {
        "results.schema.json": _json(table_schema("results", "Results of attempts", RESULT_FIELDS)),
        "qa.schema.json": _json(table_schema("qa", "Reviews of recordings", QA_FIELDS)),
        "ack.schema.json": _json(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **Ack.model_json_schema()}
        ),
    }


def handbook(page: str) -> str:
    """The page with the tables between its `<!-- name -->` and `<!-- /name -->` markers written anew."""
    tables = {
        "results": _columns(RESULT_FIELDS),
        "qa": _columns(QA_FIELDS),
        "reasons": "\n".join(
            ["| code | the row |", "|---|---|", *(f"| `{reason.name}` | {reason.value} |" for reason in Reason)]
        ),
    }
    return re.sub(
        r"<!-- (\w+) -->.*?<!-- /\1 -->",
        lambda found: f"<!-- {found[1]} -->\n{tables[found[1]]}\n<!-- /{found[1]} -->",
        page,
        flags=re.DOTALL,
    )


def _descriptor(field: Field) -> dict[str, object]:
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
    descriptor = {"name": field.name, "type": _TYPES[field.kind], "description": field.description}
    return {**descriptor, "constraints": constraints} if constraints else dict(descriptor)


def _columns(fields: Sequence[Field]) -> str:
    rows = ["| column | required | written as | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{field.name}` | {'yes' if field.required else ''} | {_written(field)} | {field.description} |"
        for field in fields
    ]
    return "\n".join(rows)


def _written(field: Field) -> str:
    if field.allowed:
        return " or ".join(f"`{code}`" for code in field.allowed)
    text = _WRITTEN[field.kind]
    if field.kind is Kind.AMOUNT:
        text += f", at most {field.decimals} decimals"
    if field.maximum is not None:
        text += f", {field.minimum} to {field.maximum}"
    return text


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for name, text in published().items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")
    page = DIRECTORY / HANDBOOK
    page.write_text(handbook(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
