"""Seeds are loaded where they are not there as their files say, and only there. By dbt, of a project of two models."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from marts_warehouse import own_runner
from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import run

from arrears.dbt_build import BuildError, build
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.postgres

DAY = date(2026, 1, 12)
FILES = {
    "dbt_project.yml": """
name: arrears
profile: arrears
seed-paths: [seeds/reference, seeds/policy]
seeds: {arrears: {+schema: staging, +full_refresh: true}}
models: {arrears: {+schema: staging}}
""",
    "seeds/reference/colours.csv": "colour,warmth\nred,3\nblue,1\n",
    "seeds/reference/colours.yml": """
seeds:
  - name: colours
    columns: [{name: colour, data_tests: [unique, not_null]}]
""",
    "models/shades.sql": "select colour, warmth * 2 as depth from {{ ref('colours') }}",
    "models/shades.yml": """
models:
  - name: shades
    columns:
      - name: colour
        data_tests: [{relationships: {arguments: {to: ref('colours'), field: colour}}}]
""",
    "tests/some_colour_is_warm.sql": "select 1 where not exists (select from {{ ref('colours') }} where warmth > 2)",
}
WHOLE = {"seeds": 3, "tests": 4}
WITHOUT_SEEDS = {"seeds": 0, "tests": 2}
"""The tests of the model and of the project, though they look at seeds; not those of the seed."""

Build = Callable[[], dict[str, int]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "project"
    for name, text in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    for name in ("profiles.yml", "macros/generate_schema_name.sql"):
        (place / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT_ROOT / "dbt_project" / name, place / name)
    (place / "seeds" / "policy").mkdir()
    for name in ("delinquency_parameters.csv", "delinquency_tiers.csv"):
        shutil.copy(PROJECT_ROOT / "dbt_project" / "seeds" / "policy" / name, place / "seeds" / "policy")
    monkeypatch.setattr("arrears.dbt_build.DBT_PROJECT", place)
    return place


@pytest.fixture
def make(
    databases: Settings, warehouse: Connection, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Build:
    """Build all, once a build of the source has passed; what dbt did."""
    # Where warehouses of other tests are open, dbt parses a project once.
    monkeypatch.setattr("dbt.cli.main.dbtRunner", own_runner())
    monkeypatch.setenv("ARREARS_SECRET_POSTGRES_PIPELINE", databases.secret("postgres_pipeline"))
    changes = {"home": tmp_path / "home", "policy_dir": project / "seeds" / "policy"}
    settings = databases.model_copy(update=changes)
    run(
        warehouse,
        "insert into ops.source_generation (generation, mode, description) values (1, 'static', 'test');"
        "insert into ops.mart_build (as_of, generation, known_at, state) values ('2026-01-11', 1, now(), 'passed')",
    )

    def build_all() -> dict[str, int]:
        done = build(settings, as_of=DAY).models
        return {"seeds": done["success"] - 1, "tests": done["pass"]}

    return build_all


def depths(connection: Connection) -> dict[str, int]:
    return dict(run(connection, "select colour, depth from staging.shades"))


def test_a_second_build_leaves_seeds_and_their_tests_alone(make: Build) -> None:
    assert [make(), make()] == [WHOLE, WITHOUT_SEEDS]


@pytest.mark.parametrize(
    "statement",
    [
        "update staging.colours set warmth = 9 where colour = 'red'",
        "delete from staging.colours where colour = 'blue'",
        "drop table staging.colours cascade",
        "update ops.mart_build set state = 'failed'",
    ],
    ids=["a row is another", "a row is gone", "a table is gone", "another source"],
)
def test_what_is_not_as_it_was_loaded_is_loaded_again(make: Build, warehouse: Connection, statement: str) -> None:
    make()
    run(warehouse, statement)

    assert make() == WHOLE
    assert depths(warehouse) == {"red": 6, "blue": 2}


def test_another_file_is_loaded_and_its_tests_are_asked_until_they_pass(
    make: Build, warehouse: Connection, project: Path
) -> None:
    colours = project / "seeds" / "reference" / "colours.csv"
    make()
    colours.write_text("colour,warmth\nred,4\nblue,1\n")
    assert make() == WHOLE
    assert depths(warehouse) == {"red": 8, "blue": 2}

    colours.write_text("colour,warmth\nred,4\nred,1\n")
    for _ in range(2):
        with pytest.raises(BuildError, match="unique_colours_colour"):
            make()

    colours.write_text("colour,warmth\nred,4\nblue,1\n")
    assert [make(), make()] == [WHOLE, WITHOUT_SEEDS]
    assert depths(warehouse) == {"red": 8, "blue": 2}


def test_a_test_of_a_seed_that_is_another_is_asked(make: Build, project: Path) -> None:
    make()
    properties = project / "seeds" / "reference" / "colours.yml"
    asked = "[{accepted_values: {arguments: {values: [red]}}}]"
    properties.write_text(properties.read_text().replace("[unique, not_null]", asked))
    with pytest.raises(BuildError, match="accepted_values_colours"):
        make()
