"""The hand-book for vendors says what the code does, and its examples are what strangers' tools read."""

import json
from pathlib import Path

import frictionless
import jsonschema
import pytest
from typer.testing import CliRunner

from arrears.cli.vendor import vendor_app
from arrears.delivery.handbook import DIRECTORY, PAGES, published, table_schema, with_tables
from arrears.delivery.layouts import LAYOUTS
from arrears.domain.vendor_results import QA_FIELDS, RESULT_FIELDS, Reason

REGENERATE = "run `make handbook` and read the difference"
EXAMPLES = DIRECTORY / "examples"
TABLES = sorted(EXAMPLES.glob("*.csv"))
DOCUMENTS = sorted(EXAMPLES.glob("*.json"))
LIST = EXAMPLES / "phone-demo_call-20200415-01.csv"


def schema_of(example: Path) -> str:
    """The schema of an example, by its name as the hand-book gives names."""
    for ending in ("manifest.json", "ack.json", "reason.json"):
        if example.name.endswith(ending):
            return ending.replace(".json", ".schema.json")
    if example.name.startswith("qa-request-"):
        return "qa_request.schema.json"
    return "results.schema.json" if ".results-" in example.name else f"{example.name.split('-')[0]}.schema.json"


def complaints(path: Path, schema: str) -> list[str]:
    """What Frictionless says against a table."""
    resource = frictionless.Resource(path.name, basepath=str(path.parent), schema=str(DIRECTORY / schema))
    with frictionless.system.use_context(trusted=True):
        return [error.type for error in resource.validate().tasks[0].errors]


def test_writing_the_handbook_anew_changes_nothing() -> None:
    files = {
        str(path.relative_to(DIRECTORY)): path.read_text(encoding="utf-8")
        for path in (*DIRECTORY.glob("*.json"), *EXAMPLES.iterdir())
    }
    assert files == published(), REGENERATE
    for name in PAGES:
        page = (DIRECTORY / name).read_text(encoding="utf-8")
        assert with_tables(page) == page, REGENERATE


def test_every_column_code_and_reason_has_its_row() -> None:
    lists, results = ((DIRECTORY / name).read_text(encoding="utf-8") for name in PAGES)

    for layout in LAYOUTS.values():
        assert f"<!-- {layout.name} -->" in lists
        assert all(f"| `{column}` |" in lists for column in layout.columns)
    codes = [
        *(field.name for field in (*RESULT_FIELDS, *QA_FIELDS)),
        *(reason.name for reason in Reason),
        "opt_out",
        "job_lost",
    ]
    assert [code for code in codes if f"| `{code}` |" not in results] == []


def test_a_changed_definition_changes_the_page() -> None:
    page = (DIRECTORY / "results.md").read_text(encoding="utf-8").replace("| `talk_seconds` |", "| `talk_minutes` |")

    assert with_tables(page) != page


def test_every_column_is_in_the_schema_with_its_constraints() -> None:
    fields = {field["name"]: field for field in table_schema("r", "R", RESULT_FIELDS)["fields"]}  # type: ignore[attr-defined]

    assert list(fields) == [field.name for field in RESULT_FIELDS]
    assert fields["satisfaction"]["constraints"] == {"minimum": 1, "maximum": 5}
    assert fields["contact_point_ref"]["constraints"]["enum"] == ["phone", "alternate_phone"]


@pytest.mark.parametrize("example", TABLES, ids=lambda path: path.name)
def test_a_strangers_validator_accepts_each_table_by_its_schema(example: Path) -> None:
    assert complaints(example, schema_of(example)) == []


def test_a_strangers_validator_sees_what_is_wrong(tmp_path: Path) -> None:
    text = (EXAMPLES / "phone-demo_call-20200415-01.results-1.csv").read_text()
    broken = tmp_path / "r.csv"
    broken.write_text(text.replace("120.50", "1 000").replace("+08:00,promise", ",promise").replace(",4,", ",6,"))

    assert complaints(broken, "results.schema.json") == ["type-error", "constraint-error"]


@pytest.mark.parametrize("example", DOCUMENTS, ids=lambda path: path.name)
def test_each_document_is_valid_by_its_schema(example: Path) -> None:
    schema = json.loads((DIRECTORY / schema_of(example)).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(json.loads(example.read_text()), schema, format_checker=jsonschema.FormatChecker())


def test_the_examples_of_one_vendor_answer_each_other() -> None:
    answers = [
        path for path in (*DOCUMENTS, *TABLES) if ".results-1.csv" in path.name or path.name.endswith(".ack.json")
    ]
    assert len(answers) == 2
    result = CliRunner().invoke(vendor_app, ["check", *map(str, answers), "--list", str(LIST)])

    assert result.exit_code == 0, result.output
    assert result.output.count(": fine") == 2
    reviews = CliRunner().invoke(vendor_app, ["check", str(EXAMPLES / "qa-demo_call-20200416.csv")])
    assert reviews.exit_code == 0, reviews.output
