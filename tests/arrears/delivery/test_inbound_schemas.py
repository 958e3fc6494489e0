"""The pages for vendors say what the code does."""

import csv
import io

import pytest

from arrears.delivery.inbound import read
from arrears.delivery.inbound_schemas import DIRECTORY, HANDBOOK, handbook, published, table_schema
from arrears.domain.vendor_results import RESULT_FIELDS

REGENERATE = "run `.venv/bin/python -m arrears.delivery.inbound_schemas` and read the difference"


@pytest.mark.parametrize("name", published())
def test_a_published_schema_is_that_of_the_code(name: str) -> None:
    assert (DIRECTORY / name).read_text(encoding="utf-8") == published()[name], REGENERATE


def test_the_tables_of_the_handbook_are_those_of_the_code() -> None:
    page = (DIRECTORY / HANDBOOK).read_text(encoding="utf-8")

    assert handbook(page) == page, REGENERATE
    assert all(f"| `{field.name}` |" in page for field in RESULT_FIELDS)


def test_a_changed_definition_changes_the_page() -> None:
    page = (DIRECTORY / HANDBOOK).read_text(encoding="utf-8").replace("| `talk_seconds` |", "| `talk_minutes` |")

    assert handbook(page) != page


def test_the_example_acknowledgement_of_the_handbook_is_one_but_for_its_shortened_rows() -> None:
    page = (DIRECTORY / HANDBOOK).read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]

    read(example.encode())


def test_every_column_is_in_the_schema_with_its_constraints() -> None:
    fields = {field["name"]: field for field in table_schema("r", "R", RESULT_FIELDS)["fields"]}  # type: ignore[attr-defined]

    assert list(fields) == [field.name for field in RESULT_FIELDS]
    assert fields["satisfaction"]["constraints"] == {"minimum": 1, "maximum": 5}
    assert fields["contact_point_ref"]["constraints"]["enum"] == ["phone", "alternate_phone"]
    header = io.StringIO()
    csv.writer(header).writerow(fields)
    read(header.getvalue().encode())
