"""The dbt project itself: its unit tests pass, and every model, seed and column says what it is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from marts_warehouse import Warehouse, new_warehouse

from arrears.dbt_build import dbt_environment, in_environment, stage_project
from arrears.settings import Settings

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def empty(server: Settings) -> Iterator[Warehouse]:
    with new_warehouse(server) as warehouse:
        yield warehouse


def _dbt(warehouse: Warehouse, target: Path, *arguments: str) -> Any:
    project = str(stage_project(warehouse.settings))
    command = [*arguments, "--project-dir", project, "--profiles-dir", project, "--target-path", str(target)]
    command += ["--log-path", str(target), "--log-level", "none", "--vars", json.dumps({"as_of": "2026-01-31"})]
    with in_environment(dbt_environment(warehouse.settings)):
        return dbtRunner().invoke(command)


def test_unit_tests_pass(empty: Warehouse, tmp_path: Path) -> None:
    """On models that exist and are empty: a unit test takes the types of its inputs from them."""
    built = _dbt(empty, tmp_path, "build", "--exclude-resource-type", "test", "unit_test")
    outcome = _dbt(empty, tmp_path, "test", "--select", "test_type:unit")
    assert built.success, [row.message for row in built.result if str(row.status) == "error"]
    results = {result.node.name: result for result in outcome.result}
    failed = [f"{name}: {result.message}" for name, result in results.items() if str(result.status) != "pass"]
    assert not failed, "\n".join(failed)
    assert "highest_version_is_in_force_and_probations_run_on" in results


def test_every_node_and_column_is_described(empty: Warehouse, tmp_path: Path) -> None:
    manifest = _dbt(empty, tmp_path, "parse").result
    silent = [
        f"{node.name}.{column.name}" if column else node.name
        for node in manifest.nodes.values()
        if node.resource_type in ("model", "seed")
        for column in (None, *node.columns.values())
        if not (column or node).description.strip()
    ]
    assert silent == []
    marts = [node for node in manifest.nodes.values() if node.resource_type == "model" and node.schema == "marts"]
    assert {node.name for node in marts if not node.contract.enforced} == set()
    assert {"fct_loan_delinquency", "fct_delinquency_history", "delinquency_tier", "dim_date"} <= {
        node.name for node in marts
    }
