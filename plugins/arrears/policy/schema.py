"""The tables of a policy pack, read from where dbt has them: `dbt_project/seeds/policy_schema`.

Columns, types, allowed values, references and keys are written there once; this turns them into row validators.
"""

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, create_model
from pydantic_core import PydanticCustomError

from arrears.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
POLICY_SCHEMA = SEEDS / "policy_schema"
REFERENCE = SEEDS / "reference"

_NUMERIC = re.compile(r"numeric(?:\((\d+),\s*(\d+)\))?")
_REFERENCE = re.compile(r"ref\('(\w+)'\)")


@dataclass(frozen=True)
class Reference:
    """A column of another seed that has all values of this one."""

    seed: str
    column: str


@dataclass(frozen=True)
class Table:
    """A seed of a pack."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    """Columns of which no two rows in force on one day have the same values; empty = not stated."""
    references: Mapping[str, Reference]
    allowed: Mapping[str, tuple[str, ...]]
    """The only values of a column, where they are known."""
    row: type[BaseModel]
    """Turns the texts of a line into values; empty text is None."""
    is_temporary: bool
    """Whether its rows are meant to end without a successor."""


@cache
def tables(directory: Path = POLICY_SCHEMA) -> dict[str, Table]:
    """All tables of a pack, by name."""
    seeds = [
        seed for path in sorted(directory.glob("*.yml")) for seed in yaml.safe_load(path.read_text("utf-8"))["seeds"]
    ]
    return {seed["name"]: _table(seed) for seed in sorted(seeds, key=lambda seed: str(seed["name"]))}


@cache
def reference_rows(seed: str) -> tuple[Mapping[str, str], ...]:
    """The rows of a seed that is not part of a pack."""
    with (REFERENCE / f"{seed}.csv").open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def _table(seed: Mapping[str, Any]) -> Table:
    types: dict[str, str] = seed["config"]["column_types"]
    described = {column["name"]: column for column in seed["columns"]}
    tests = {name: _tests(described.get(name, {})) for name in types}
    fields: Any = {
        name: (_field(kind, tests[name], _meta(described.get(name, {}))), ...) for name, kind in types.items()
    }
    meta = seed["config"].get("meta", {})
    return Table(
        name=seed["name"],
        columns=tuple(types),
        key=tuple(meta.get("key") or _unique_columns(seed)),
        references={name: found for name, test in tests.items() if (found := _reference(test)) is not None},
        allowed={
            name: tuple(test["accepted_values"]["values"]) for name, test in tests.items() if "accepted_values" in test
        },
        row=create_model(seed["name"], __config__=ConfigDict(extra="forbid"), **fields),
        is_temporary=meta.get("is_temporary", False),
    )


def _tests(described: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The data tests of a column or seed: name and arguments."""
    found: dict[str, Mapping[str, Any]] = {}
    for test in described.get("data_tests", ()):
        if isinstance(test, str):
            found[test] = {}
        else:
            found |= {name: body.get("arguments", {}) for name, body in test.items()}
    return found


def _meta(described: Mapping[str, Any]) -> Mapping[str, int]:
    meta: Mapping[str, int] = described.get("config", {}).get("meta", {})
    return meta


def _unique_columns(seed: Mapping[str, Any]) -> list[str]:
    """The key of a seed that says only which combinations are unique; an expression over a column stands for it."""
    columns = _tests(seed).get("unique_combination", {}).get("columns", [])
    names = [re.sub(r"^coalesce\((\w+),.*\)$", r"\1", column) for column in columns]
    return [name for name in names if name != "valid_from"]


def _reference(tests: Mapping[str, Mapping[str, Any]]) -> Reference | None:
    arguments = tests.get("relationships")
    match = _REFERENCE.fullmatch(arguments["to"]) if arguments else None
    return Reference(match.group(1), arguments["field"]) if arguments and match else None


def _field(kind: str, tests: Mapping[str, Any], meta: Mapping[str, int]) -> Any:
    allowed = tests.get("accepted_values", {}).get("values")
    is_required = "not_null" in tests
    parse = _parser(kind)
    least, most = meta.get("at_least"), meta.get("at_most")

    def read(text: str) -> Any:
        if text == "":
            if is_required:
                raise PydanticCustomError("policy", "a value")
            return None
        value = parse(text)
        if allowed is not None and value not in allowed:
            raise PydanticCustomError("policy", "{expected}", {"expected": "one of " + ", ".join(map(str, allowed))})
        if least is not None and value < least:
            raise PydanticCustomError("policy", "{expected}", {"expected": f"a number of at least {least}"})
        if most is not None and value > most:
            raise PydanticCustomError("policy", "{expected}", {"expected": f"a number of at most {most}"})
        return value

    return Annotated[Any, BeforeValidator(read)]


def _parser(kind: str) -> Callable[[str], Any]:
    numeric = _NUMERIC.fullmatch(kind)
    if numeric:
        scale = int(numeric.group(2)) if numeric.group(2) else None
        return lambda text: _decimal(text, scale)
    return {"text": _text, "integer": _integer, "date": _date, "time": _time, "boolean": _boolean}[kind]


def _expected(what: str) -> PydanticCustomError:
    return PydanticCustomError("policy", "{expected}", {"expected": what})


def _text(text: str) -> str:
    if text != text.strip():
        raise _expected("text without spaces around it")
    return text


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise _expected("a whole number")
    return int(text)


def _decimal(text: str, scale: int | None) -> Decimal:
    try:
        value = Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
    except InvalidOperation:
        value = None
    if value is None or (scale is not None and -int(value.as_tuple().exponent) > scale):
        raise _expected("a number" if scale is None else f"a number with at most {scale} decimals")
    return value


def _date(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _expected("a date such as 2026-03-18")


def _time(text: str) -> time:
    try:
        if re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", text):
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise _expected("a time of day such as 08:00")


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise _expected("true or false")
    return text == "true"
