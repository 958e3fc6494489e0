"""Models in the warehouse: trained once from the same inputs, replaced only by a better one, rolled back by a row."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import psycopg2
import pytest
import yaml
from loans_observed import CAME, OBSERVED, loans_observed, observe
from marts_warehouse import new_warehouse
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import LeakError, ModelError
from arrears.risk import registry
from arrears.risk.early_warning import compare_models, promote_model, train_models
from arrears.risk.model import BinnedFeature, Model
from arrears.risk.registry import Version, champion, load_model, promote, promotions, roll_back
from arrears.risk.training import Trained
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.postgres
TODAY = date(2025, 6, 1)
TOMORROW = TODAY + timedelta(days=1)
BY_A_PERSON: dict[str, Any] = {"by": "R. Owner", "reason": "seen and approved"}


@pytest.fixture(scope="module")
def warehouse(server: Settings) -> Iterator[Connection]:
    """One for all tests: each has a generation of its own, and what was of another decides nothing."""
    with new_warehouse(server) as made:
        yield made.connection


@pytest.fixture(autouse=True)
def generation(warehouse: Connection) -> int:
    (number,) = run(
        warehouse,
        "insert into ops.source_generation"
        " select coalesce(max(generation), 0) + 1, 'feed', 'a bank' from ops.source_generation returning generation",
    )[0]
    run(warehouse, "drop schema intermediate cascade; create schema intermediate")
    run(warehouse, "drop table if exists staging.risk_features")
    return int(number)


def run(warehouse: Connection, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def kept(
    warehouse: Connection,
    name: str,
    *,
    weight: float = 1.0,
    observed_to: date = date(2024, 3, 31),
    surely: float = 0.6,
) -> str:
    """A hand-made model: who often paid late has that weight more."""
    late = BinnedFeature("late_share", (0.25,), (0.0, weight, 0.0), (0.7, 0.3, 0.0))
    trained = Trained(
        Model("scorecard", -1.5, (late,)),
        date(2024, 1, 31),
        observed_to,
        {"auc": {"value": 0.7, "low": surely, "high": 0.8}},
    )
    ((generation,),) = run(warehouse, "select max(generation) from ops.source_generation")
    version = f"{name}-{generation}"
    with warehouse, warehouse.cursor() as cursor:
        assert registry.keep(cursor, trained, version=version, purpose="early_warning", as_of=date(2024, 12, 1))
    return version


def decides(warehouse: Connection, day: date = TODAY) -> str | None:
    with warehouse, warehouse.cursor() as cursor:
        found = champion(cursor, "early_warning", day=day)
    return found.model_version if found else None


def models(warehouse: Connection) -> list[Version]:
    with warehouse, warehouse.cursor() as cursor:
        return registry.versions(cursor, day=TODAY)


def version(warehouse: Connection, name: str) -> Version:
    with warehouse, warehouse.cursor() as cursor:
        return registry.find_version(cursor, name, day=TODAY)


# Training ----------------------------------------------------------------------------------------------------------


def test_the_same_inputs_are_trained_once_and_decide_from_the_next_day(warehouse: Connection, generation: int) -> None:
    observe(warehouse, loans_observed())
    first = train_models(warehouse, purpose="early_warning", as_of=TODAY)
    again = train_models(warehouse, purpose="early_warning", as_of=TOMORROW)

    assert (first.new, again.new, again.versions) == (2, 0, first.versions)
    scorecard, boosted = (version(warehouse, name) for name in first.versions)
    assert (scorecard.kind, boosted.kind) == ("scorecard", "boosted")
    assert scorecard.trained_as_of == TODAY and scorecard.observed_to == date(2024, 7, 31)
    bins = run(
        warehouse,
        "select count(*) filter (where is_missing), sum(expected_share), count(distinct feature)"
        " from ops.model_bin where model_version = %s",
        scorecard.model_version,
    )
    assert bins == [(2, pytest.approx(2.0), 2)]

    verdict = compare_models(warehouse, purpose="early_warning", versions=first.versions, as_of=TODAY)
    assert verdict.version == scorecard.model_version and "the first model: AUC 0.7" in verdict.because
    for _ in range(2):
        promote_model(warehouse, version=scorecard.model_version, because=verdict.because, as_of=TODAY)
    assert (decides(warehouse, TODAY), decides(warehouse, TOMORROW)) == (None, scorecard.model_version)
    with warehouse, warehouse.cursor() as cursor:
        assert len(promotions(cursor, "early_warning")) == 1

    verdict = compare_models(warehouse, purpose="early_warning", versions=first.versions, as_of=TODAY)
    assert f"against {scorecard.model_version}, boosted: AUC" in verdict.because

    # The same bank, loaded again as another source, has a model of its own.
    run(warehouse, "insert into ops.source_generation values (%s, 'feed', 'the same')", generation + 1)
    again = train_models(warehouse, purpose="early_warning", as_of=TODAY)
    assert again.new == 2 and not set(again.versions) & set(first.versions)


def test_a_model_is_kept_to_the_last_digit(warehouse: Connection) -> None:
    third = BinnedFeature(
        "late_share", (0.1 + 0.2, np.nextafter(0.5, 1)), (1 / 3, -2 / 7, 1e-17, 0.0), (0.1, 0.2, 0.3, 0.4)
    )
    made = Model("boosted", -1 / 7, (BinnedFeature("income", (), (0.1, -0.7), (0.5, 0.5)), third))
    with warehouse, warehouse.cursor() as cursor:
        trained = Trained(made, date(2024, 1, 31), date(2024, 3, 31), {})
        assert registry.keep(cursor, trained, version="exact", purpose="self_cure", as_of=TODAY)
        assert not registry.keep(cursor, trained, version="exact", purpose="self_cure", as_of=TOMORROW)
        assert load_model(cursor, registry.find_version(cursor, "exact", day=TODAY)) == made


def test_the_marts_have_the_columns_that_training_reads() -> None:
    """The tables of these tests are made by hand: dbt's contracts say what the real ones have."""
    folder = PROJECT_ROOT / "dbt_project"
    read = {
        folder / "models" / "intermediate" / "risk" / "int_loans__risk_history.yml": OBSERVED,
        folder / "models" / "intermediate" / "risk" / "int_loans__risk_outcome.yml": CAME,
        folder / "seeds" / "reference" / "risk_features.yml": ["feature", "position", "purposes", "expected_direction"],
    }
    for path, columns in read.items():
        (table,) = next(iter(yaml.safe_load(path.read_text()).values()))
        assert set(columns) <= {column["name"] for column in table["columns"]}, path.name


def test_too_little_to_learn_from_is_said_and_nothing_fails(warehouse: Connection) -> None:
    observe(warehouse, loans_observed(customers=600, months=1))
    report = train_models(warehouse, purpose="early_warning", as_of=TODAY)

    assert report.versions == []
    assert report.because == (
        "no model of early_warning: needs at least 100 customers with the outcome to be trained from, has 0"
    )
    assert compare_models(warehouse, purpose="early_warning", versions=[], as_of=TODAY).version is None
    assert models(warehouse) == []


def test_only_what_was_known_on_the_day_is_learnt_from(warehouse: Connection) -> None:
    observe(warehouse, loans_observed())
    report = train_models(warehouse, purpose="early_warning", as_of=date(2024, 12, 31))

    # The outcomes of three of the months were not known.
    assert "-202409-" in report.versions[0]
    assert version(warehouse, report.versions[0]).observed_to == date(2024, 5, 31)


def test_who_cures_has_no_risk_so_directions_turn_round(warehouse: Connection) -> None:
    rows = loans_observed(takes=30)
    observe(warehouse, rows.assign(outcome=~rows["outcome"]), purpose="self_cure")
    report = train_models(warehouse, purpose="self_cure", as_of=TODAY)

    assert "late_share" in version(warehouse, report.versions[0]).features
    assert train_models(warehouse, purpose="early_warning", as_of=TODAY).versions == []


def test_a_planted_future_trains_nothing(warehouse: Connection) -> None:
    rows = loans_observed()
    observe(warehouse, rows.assign(noise=rows["outcome"] * 1.0))

    with pytest.raises(LeakError, match="noise"):
        train_models(warehouse, purpose="early_warning", as_of=TODAY)
    assert models(warehouse) == []


def test_without_marts_it_is_said_what_to_do(warehouse: Connection) -> None:
    with pytest.raises(ModelError, match="run `build_marts` first"):
        train_models(warehouse, purpose="early_warning", as_of=TODAY)


# Comparing ---------------------------------------------------------------------------------------------------------


def test_only_a_model_that_is_surely_better_replaces_the_champion(warehouse: Connection) -> None:
    observe(warehouse, loans_observed())
    poor, good = kept(warehouse, "poor", weight=-1.0), kept(warehouse, "good", weight=1.2)
    promote(warehouse, poor, valid_from=TODAY, **BY_A_PERSON)

    verdict = compare_models(warehouse, purpose="early_warning", versions=[good, poor], as_of=TODAY)
    assert verdict.version == good
    promote_model(warehouse, version=good, because=verdict.because, as_of=TODAY)
    assert decides(warehouse, TOMORROW) == good
    verdict = compare_models(warehouse, purpose="early_warning", versions=[poor], as_of=TODAY)
    assert verdict.version is None and f"against {good}, scorecard: AUC -0." in verdict.because


def test_models_are_compared_on_months_that_neither_was_trained_from(warehouse: Connection) -> None:
    observe(warehouse, loans_observed())
    promote(warehouse, kept(warehouse, "poor", weight=-1.0), valid_from=TODAY, **BY_A_PERSON)
    late = kept(warehouse, "late", observed_to=date(2024, 10, 31))
    good = kept(warehouse, "good", observed_to=date(2024, 9, 30))

    # What October's loans came to was known on 29 January; the newest loans are those of December.
    verdict = compare_models(warehouse, purpose="early_warning", versions=[late], as_of=TODAY)
    assert verdict.version is None and "too few outcomes on months that neither was trained from" in verdict.because
    assert compare_models(warehouse, purpose="early_warning", versions=[good], as_of=TODAY).version == good


def test_a_model_that_may_tell_nothing_does_not_begin(warehouse: Connection) -> None:
    name = kept(warehouse, "any", surely=0.49)
    verdict = compare_models(warehouse, purpose="early_warning", versions=[name], as_of=TODAY)

    assert verdict == type(verdict)(None, "no model tells more than chance with confidence")


# Promotion and the way back ----------------------------------------------------------------------------------------


def test_a_roll_back_goes_to_what_decided_before_and_then_to_none(warehouse: Connection) -> None:
    first, second, third = (kept(warehouse, name) for name in ("first", "second", "third"))
    for name in (first, second, third):
        promote(warehouse, name, valid_from=TODAY, **BY_A_PERSON)

    back = [roll_back(warehouse, "early_warning", valid_from=TODAY, **BY_A_PERSON) for _ in range(3)]
    assert back == [second, first, None]
    assert decides(warehouse) is None
    with pytest.raises(ModelError, match="nothing to take back"):
        roll_back(warehouse, "early_warning", valid_from=TODAY, **BY_A_PERSON)
    with pytest.raises(ModelError, match="nothing to take back"):
        roll_back(warehouse, "self_cure", valid_from=TODAY, **BY_A_PERSON)


def test_a_day_has_the_champion_that_was_promoted_for_it(warehouse: Connection) -> None:
    first, second = kept(warehouse, "first"), kept(warehouse, "second")
    promote(warehouse, first, valid_from=date(2025, 1, 1), **BY_A_PERSON)
    promote(warehouse, second, valid_from=date(2025, 3, 1), **BY_A_PERSON)

    days = (date(2024, 12, 31), date(2025, 1, 1), date(2025, 2, 28), date(2025, 3, 1))
    assert [decides(warehouse, day) for day in days] == [None, first, first, second]


def test_after_a_roll_back_the_dag_waits_for_a_person(warehouse: Connection) -> None:
    observe(warehouse, loans_observed())
    promote(warehouse, kept(warehouse, "poor", weight=-1.0), valid_from=TODAY, **BY_A_PERSON)
    good = kept(warehouse, "good", weight=1.2)
    promote(warehouse, good, valid_from=TODAY, **BY_A_PERSON)
    roll_back(warehouse, "early_warning", valid_from=TODAY, **BY_A_PERSON)
    verdict = compare_models(warehouse, purpose="early_warning", versions=[good], as_of=TODAY)
    assert verdict.version is None and "a person promotes the next model" in verdict.because

    promote(warehouse, kept(warehouse, "new", weight=-0.5), valid_from=TODAY, **BY_A_PERSON)
    assert compare_models(warehouse, purpose="early_warning", versions=[good], as_of=TODAY).version == good


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("unknown", BY_A_PERSON, "there is no model unknown"),
        ("known", BY_A_PERSON | {"by": " "}, "say who promotes and why"),
        ("known", BY_A_PERSON | {"reason": ""}, "say who promotes and why"),
    ],
)
def test_a_promotion_that_is_refused(warehouse: Connection, name: str, said: dict[str, str], expected: str) -> None:
    known = kept(warehouse, "known")

    with pytest.raises(ModelError, match=expected):
        promote(warehouse, known if name == "known" else name, valid_from=TODAY, by=said["by"], reason=said["reason"])
    assert decides(warehouse) is None


def test_what_decides_already_is_not_promoted_again(warehouse: Connection) -> None:
    known = kept(warehouse, "known")
    promote(warehouse, known, valid_from=TODAY, **BY_A_PERSON)

    with pytest.raises(ModelError, match="decides already, since 2025-06-01"):
        promote(warehouse, known, valid_from=TOMORROW, **BY_A_PERSON)


def test_a_model_of_another_source_decides_nothing(warehouse: Connection, generation: int) -> None:
    old = kept(warehouse, "old")
    promote(warehouse, old, valid_from=TODAY, **BY_A_PERSON)
    run(warehouse, "insert into ops.source_generation values (%s, 'feed', 'another bank')", generation + 1)

    assert decides(warehouse) is None
    with pytest.raises(ModelError, match="there is no model old"):
        promote(warehouse, old, valid_from=TODAY, **BY_A_PERSON)


@pytest.mark.parametrize("table", ["model", "model_bin", "model_promotion"])
def test_what_decided_is_never_changed(warehouse: Connection, table: str) -> None:
    promote(warehouse, kept(warehouse, "known"), valid_from=TODAY, **BY_A_PERSON)

    for statement in (
        f"delete from ops.{table}",
        f"update ops.{table} set model_version = 'x'",
        f"truncate ops.{table} cascade",
    ):
        with pytest.raises(psycopg2.errors.RaiseException, match="never changed or removed"):
            run(warehouse, statement)
