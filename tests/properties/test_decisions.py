"""Generated banks: the ledger says of every customer and channel what an independent reading of the rules says.

With `ARREARS_TEST_CUSTOMERS=100000` as many customers as one has time for.
"""

import os
import random
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_UP, Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from decision_facts import Bank
from decision_invariants import difference, violations
from decision_oracle import DecisionOracle, Key
from decision_packs import stricter, unseen
from decision_policy import Policy
from decision_portfolio import Populace, known
from decision_world import World
from hand_made_models import models_of_cards
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from marts_warehouse import Warehouse, new_warehouse, quick_builds

from arrears.settings import PROJECT_ROOT, Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

CUSTOMERS = int(os.environ.get("ARREARS_TEST_CUSTOMERS", "20000")) // 2
FEW = 600
DAYS = (
    date(2026, 3, 18),
    # Clocks change in the US, on a Sunday.
    date(2026, 3, 8),
    # A holiday in China; in the US one opt-out closes all channels from the second day on.
    date(2026, 10, 1),
    date(2027, 2, 1),
)
SHIPPED = PROJECT_ROOT / "dbt_project" / "seeds" / "policy"
ALL = "+fct_contact_decision"
BY_PACK = " ".join(f"{seed}+,+fct_contact_decision" for seed in ("contact_limits", "contact_windows", "contact_rules"))
"""What follows from the seeds that a stricter pack changes."""
NOT_GENERATED = {"PAID_SINCE", "DATA_HOLD", "VENDOR_DOWN", "CAPACITY"}
_worlds = count(1)


@pytest.fixture(scope="module")
def marts(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Packs change in their place."""
    directory = tmp_path_factory.mktemp("deployed")
    with new_warehouse(server, policy_dir=directory) as warehouse, quick_builds():
        yield warehouse


# Each example is some builds of many seconds: two of them, and no shrinking (a failure names the customer).
@settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
@given(seed=st.integers(min_value=0, max_value=2**32 - 1), as_of=st.sampled_from(DAYS))
def test_ledger_agrees_with_an_independent_reading(
    marts: Warehouse, tmp_path_factory: pytest.TempPathFactory, seed: int, as_of: date
) -> None:
    """By packs that nobody has seen, and by stricter ones, which allow nothing that those forbid."""
    directory = tmp_path_factory.mktemp("packs")
    pack = unseen(directory / "unseen", as_of, seed)
    generation, world = _world(seed, as_of, CUSTOMERS)
    bank = known(world)
    world.land(marts.connection, generation=generation)
    models_of_cards(marts.connection, as_of, generation)

    oracle = _build_and_compare(marts, bank, pack, ALL, f"seed {seed}")
    allowed = _permitted(marts)
    missing = oracle.policy.order.keys() - _reasons_given(marts, as_of) - NOT_GENERATED
    assert not missing or CUSTOMERS < 5000, f"seed {seed}: nobody has {missing}, so nothing was tested of it"

    _build_and_compare(marts, bank, stricter(pack, directory / "stricter"), BY_PACK, f"seed {seed}, stricter")
    added = _permitted(marts) - allowed
    assert not added, f"seed {seed}: a stricter pack allows {sorted(added)[:5]}"


@settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
@given(seed=st.integers(min_value=0, max_value=2**32 - 1))
def test_only_what_is_known_decides(marts: Warehouse, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Neither the order of rows, nor the machine; and who pays is not treated more strictly than before."""
    as_of = DAYS[0]
    generation, world = _world(seed, as_of, FEW)
    rows, lists = world.rows, world.batches
    world.land(marts.connection, generation=generation)
    models_of_cards(marts.connection, as_of, generation)
    _build(marts, SHIPPED, as_of, ALL)
    before = _ledger(marts, as_of)

    generation, again = _world(seed, as_of, 0)
    again.rows = {table: random.Random(seed).sample(of_table, len(of_table)) for table, of_table in rows.items()}
    again.batches = _renamed(lists, f"-{generation}", generation)
    paid = _pay(again, random.Random(seed))
    again.land(marts.connection, generation=generation)
    models_of_cards(marts.connection, as_of, generation)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("PGTZ", "Pacific/Auckland")
        elsewhere.setenv("TZ", "America/Lima")
        _build(marts, SHIPPED, as_of, ALL)
    after = _ledger(marts, as_of)

    ranks = {row["tier"]: row["rank"] for row in marts.rows("select tier, rank from staging.delinquency_tiers")}
    for key, row in after.items():
        if row["tier"] == "write_off" != before[key]["tier"]:
            continue  # nothing else is owed any more: what was given up speaks, and is left to care
        if key[0] in paid:
            assert ranks[row["tier"]] <= ranks[before[key]["tier"]], f"seed {seed}: {key} by paying"
            assert row["days_past_due"] <= before[key]["days_past_due"]
        else:
            assert _said(row) == _said(before[key]), f"seed {seed}: {key} by the order of rows"
    assert {key for key in before if key[0] not in paid} <= after.keys()


def _world(seed: int, as_of: date, customers: int) -> tuple[int, World]:
    number = next(_worlds)
    world = World(as_of, first_number=number * 1_000_000)
    Populace(world, seed, "c").add(customers)
    return number, world


def _build(marts: Warehouse, pack: Path, as_of: date, select: str) -> None:
    shutil.copytree(pack, marts.settings.policy_dir, dirs_exist_ok=True)
    marts.build(as_of, select=select)


def _build_and_compare(marts: Warehouse, bank: Bank, pack: Path, select: str, context: str) -> DecisionOracle:
    _build(marts, pack, bank.as_of, select)
    oracle = DecisionOracle(bank, Policy(pack, bank.as_of))
    ledger = _ledger(marts, bank.as_of)
    expected = oracle.decide()
    assert ledger.keys() == expected.keys(), f"{context}: other rows {sorted(ledger.keys() ^ expected.keys())[:5]}"
    differences = [text for key, decision in expected.items() if (text := difference(ledger[key], decision))]
    assert not differences, f"{context}: {len(differences)} rows of {len(expected)}:\n" + "\n".join(differences[:10])
    found = list(violations(oracle, list(ledger.values())))
    assert not found, f"{context}: {found[:5]}"
    return oracle


def _ledger(marts: Warehouse, as_of: date) -> dict[Key, dict[str, Any]]:
    rows = marts.rows(
        "select decision.* from marts.fct_contact_decision as decision"
        " inner join intermediate.int_customers__contact_decision as proposal"
        " using (as_of, customer_id, channel, currency)"
        " where as_of = %s and proposal.generation = (select max(generation) from ops.source_generation)",
        as_of,
    )
    ledger = {(row["customer_id"], row["channel"], row["currency"]): row for row in rows}
    assert len(ledger) == len(rows), "a customer has two rows for a channel and currency"
    return ledger


def _permitted(marts: Warehouse) -> Collection[Key]:
    """What no rule forbids on its own, before the channels of a customer share what the limits leave."""
    rows = marts.rows(
        "select customer_id, channel, currency from intermediate.int_customers__considered where reasons = '{}'"
    )
    return {(row["customer_id"], row["channel"], row["currency"]) for row in rows}


def _reasons_given(marts: Warehouse, as_of: date) -> Collection[str]:
    rows = marts.rows(
        "select distinct unnest(all_reasons) as reason from marts.fct_contact_decision where as_of = %s", as_of
    )
    return {row["reason"] for row in rows}


def _renamed(lists: Sequence[dict[str, Any]], suffix: str, number: int) -> list[dict[str, Any]]:
    """The same lists under other names: a batch is of one generation only."""
    renamed = []
    for each in lists:
        batch_id = each["batch"]["batch_id"] + suffix
        sequence = each["batch"]["sequence"] + number * 100_000_000
        results = [result | {"batch_id": batch_id, "_file_sha256": batch_id} for result in each["results"]]
        renamed.append(
            {
                "batch": each["batch"] | {"batch_id": batch_id, "sequence": sequence},
                "item": each["item"] | {"batch_id": batch_id},
                "results": results,
            }
        )
    return renamed


def _pay(world: World, rng: random.Random) -> set[str]:
    """Some customers pay for one of their loans on the day: an instalment, half of one, or two."""
    paid = set()
    for loan in rng.sample(world.rows["loans"], len(world.rows["loans"]) // 5):
        amount = (loan["principal"] / rng.choice((3, 6, 12))).quantize(Decimal("0.01"), ROUND_UP)
        world.pay(loan["loan_id"], str(amount), on=world.as_of)
        paid.add(loan["customer_id"])
    return paid


def _said(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What does not depend on other customers."""
    reasons = [reason for reason in row["all_reasons"] if reason != "CAPACITY"]
    names = (
        "tier",
        "arrears_amount",
        "attempts",
        "window_start",
        "window_end",
        "contact_point_id",
        "vendor",
        "expected_value",
    )
    return (reasons, *(row[name] for name in names))
