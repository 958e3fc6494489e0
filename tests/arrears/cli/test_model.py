"""`arrears model`: what a risk officer reads, and how a model is promoted and taken back."""

import json
from contextlib import closing
from datetime import date
from typing import Any

import psycopg2
import pytest
from loans_observed import DIRECTIONS, loans_observed
from typer.testing import CliRunner

from arrears.cli.main import app
from arrears.errors import ModelError
from arrears.risk import registry
from arrears.risk.training import Observations, split, train
from arrears.settings import Settings

pytestmark = pytest.mark.postgres
SAID = ("--as-of", "2025-06-02", "--by", "R. Owner", "--reason", "seen [and] approved")


@pytest.fixture
def trained(databases: Settings) -> list[str]:
    """Two versions of one scorecard."""
    made = train("scorecard", *split(Observations.of(loans_observed(customers=300), DIRECTIONS)), DIRECTIONS, draws=20)
    dsn = databases.dsn("warehouse", "pipeline")
    with closing(psycopg2.connect(dsn)) as warehouse, warehouse, warehouse.cursor() as cursor:
        cursor.execute("insert into ops.source_generation values (1, 'feed', 'a bank')")
        for version in ("older", "newer"):
            registry.keep(cursor, made, version=version, purpose="early_warning", as_of=date(2025, 6, 1))
    return ["older", "newer"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["model", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def read(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def champion(day: str) -> list[str]:
    return [each["model_version"] for each in read("list", "--as-of", day) if each["is_champion"]]


def test_a_model_is_promoted_for_days_to_come_and_taken_back(trained: list[str]) -> None:
    for version in trained:
        assert f"✓ {version} decides early_warning from 2025-06-02 on" in run("promote", version, *SAID)
    assert (champion("2025-06-01"), champion("2025-06-02")) == ([], ["newer"])

    assert "✓ older decides early_warning again" in run("roll-back", "early_warning", *SAID)
    assert champion("2025-06-02") == ["older"]
    assert "✓ no model decides early_warning" in run("roll-back", "early_warning", *SAID)
    assert champion("2025-06-02") == []


def test_what_a_model_is_made_of_and_how_it_did(trained: list[str]) -> None:
    run("promote", "newer", *SAID)
    shown, told = run("show", "newer", "--as-of", "2025-06-02"), read("show", "newer")

    assert "a scorecard for early_warning, decides" in shown
    auc = told["figures"]["auc"]
    assert f"AUC                     {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in shown
    assert "left out, too unstable  season (PSI" in shown
    assert "seen [and] approved" in shown and "R. Owner" in shown
    assert {row["feature"] for row in told["bins"]} == {"late_share", "income"}
    assert len([line for line in shown.splitlines() if "not known" in line]) == 2


def test_a_bank_without_models_and_what_does_not_exist(databases: Settings) -> None:
    assert "No model was trained" in run("list")
    with pytest.raises(ModelError, match="there is no model any"):
        run("show", "any")
    with pytest.raises(ModelError, match="there is no purpose fraud: expected early_warning or self_cure"):
        run("roll-back", "fraud", *SAID)
