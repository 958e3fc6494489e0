"""A bank that lives through sixty days, built day by day: its marts always equal a full rebuild, and the definition.

A day's build computes anew only what was touched; this is the proof that nothing is missed, whatever happens between.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from generated import pack, understood
from living_bank import LivingBank
from marts_warehouse import DELINQUENCY, Warehouse, new_warehouse, quick_builds
from oracle import Loan
from rulebook import Rulebook

from arrears.dbt_build import build
from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

SEED = 20260105
LOANS = 300
FIRST = date(2026, 1, 5)
DAYS = 60
COMPARED = {14, 30, 36, 47, 59}
"""Days after whose build everything is compared; rules change on days 7, 15, 20, 27, 36 and 46."""
SKIPPED = {21, 22}
"""Days on which rows land and nothing is built."""
KILLED = {11: 19, 26: 26, 45: 30, 52: 22}
"""Days whose build is killed after so many nodes, while customers move, and runs again."""
PARTLY_BUILT = {18: "+int_loans__terms", 33: "+int_loans__remembered", 50: "+fct_delinquency_history"}
"""Days on which only some models are built before the rest."""
OLDER_BETWEEN = {30: 7}
"""Days after whose build an older day, so many days before, is built."""
FAILED_LATER = {36: 9, 47: 20}
"""Days before whose build one of a later day fails: what it knew of the days after has to go again, of every loan."""

STATE = (
    "intermediate.int_loans__terms",
    "intermediate.int_schedule_versions__in_force",
    "intermediate.int_schedule_versions__due",
    "intermediate.int_schedule_versions__paid",
    "intermediate.int_loan_transactions__reversals",
    "intermediate.int_loan_transactions__standing",
    "intermediate.int_loans__remembered",
    "intermediate.int_loans__charge_offs",
    "intermediate.int_loans__vintage",
    "marts.fct_delinquency_history",
    "marts.fct_loan_delinquency",
)
DAY = "(select * from marts.delinquency_tier where as_of = %s)"


@pytest.fixture
def marts(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(server, policy_dir=pack(tmp_path_factory.mktemp("policy"))) as warehouse, quick_builds():
        yield warehouse


@pytest.mark.timeout(2400)
def test_sixty_days_built_one_by_one_equal_a_full_rebuild_and_the_definition(marts: Warehouse) -> None:
    bank = LivingBank(SEED, LOANS, FIRST)
    rulebook = Rulebook(marts.settings.policy_dir)
    for number in range(DAYS):
        on = FIRST + timedelta(days=number)
        for batch in bank.live(on):
            batch.land(marts.connection, on)
        if number in SKIPPED:
            continue
        _meet_with_misfortune(marts, bank, number, on)
        marts.build(on, select=DELINQUENCY)
        if number and number not in FAILED_LATER:
            _assert_only_some_loans_are_touched(marts, on)
        assert marts.rows("select distinct as_of from marts.fct_loan_delinquency") == [{"as_of": on}]
        if number in OLDER_BETWEEN:
            marts.build(on - timedelta(days=OLDER_BETWEEN[number]), select=DELINQUENCY)
        if number in COMPARED:
            _assert_equals_full_rebuild(marts, on)
            _assert_agreement(marts, understood(bank.accepted, rulebook, until=on), on)


def _meet_with_misfortune(marts: Warehouse, bank: LivingBank, number: int, on: date) -> None:
    if number in KILLED:
        bank.move_customers(on, 10).land(marts.connection, on)
        _kill_build(marts, on, after_nodes=KILLED[number])
    if number in PARTLY_BUILT:
        bank.move_customers(on, 10).land(marts.connection, on)
        marts.build(on, select=f"{PARTLY_BUILT[number]},resource_type:model", passes=False)
    if number in FAILED_LATER:
        failed = marts.build(on + timedelta(days=FAILED_LATER[number]), select=DELINQUENCY, passes=False)
        marts.execute("update ops.mart_build set state = 'failed' where build_id = %s", failed.build_id)


def _kill_build(marts: Warehouse, on: date, *, after_nodes: int) -> None:
    """Build in a process of its own that kills itself on the way, and wait until the database has noticed."""

    def die(_: str, done: int, __: int) -> None:
        if done >= after_nodes:
            os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(
        target=build, args=(marts.settings,), kwargs={"as_of": on, "select": DELINQUENCY, "progress": die}
    )
    process.start()
    process.join(timeout=300)
    assert process.exitcode == -signal.SIGKILL
    marts.wait_for_others_to_leave()


def _assert_only_some_loans_are_touched(marts: Warehouse, on: date) -> None:
    [touched] = marts.rows("select count(*) as loans from intermediate.int_loans__touched")
    [known] = marts.rows("select count(*) as loans from intermediate.int_loans__terms")
    assert touched["loans"] < known["loans"] * 0.6, f"{on}: nearly all loans were computed anew"


def _assert_equals_full_rebuild(marts: Warehouse, on: date) -> None:
    """Rules of another fingerprint make the next build compute the state of all loans afresh."""
    for table in STATE:
        marts.execute(f"create table public.{_kept(table)} as select * from {table}")
    marts.execute(f"create table public.kept_tiers as {DAY}", on)
    marts.execute("update ops.loan_state set rules = 'others'")
    rebuilt = marts.build(on, select=DELINQUENCY)
    for table in STATE:
        _assert_same_rows(marts, f"select * from public.{_kept(table)}", f"select * from {table}", f"{table} of {on}")
        marts.execute(f"drop table public.{_kept(table)}")
    _assert_same_rows(marts, "select * from public.kept_tiers", DAY.replace("%s", f"'{on}'"), f"tiers of {on}")
    marts.execute("drop table public.kept_tiers")
    corrections = "select * from ops.delinquency_correction where build_id = %s"
    assert marts.rows(corrections, rebuilt.build_id) == [], "a full rebuild corrects nothing"


def _kept(table: str) -> str:
    return f"kept_{table.split('.')[1]}"


def _assert_same_rows(marts: Warehouse, kept: str, rebuilt: str, what: str) -> None:
    def only_in(one: str, other: str) -> list[dict[str, Any]]:
        return marts.rows(f"select * from ({one} except all {other}) as differing limit 3")

    differences = {"incremental": only_in(kept, rebuilt), "rebuilt": only_in(rebuilt, kept)}
    assert not any(differences.values()), f"{what}: {differences}"


def _assert_agreement(marts: Warehouse, loans: dict[str, Loan], on: date) -> None:
    for day in (on, on - timedelta(days=1), on - timedelta(days=33)):
        rows = marts.rows("select * from marts.loan_delinquency_on(%s)", day)
        found = {row["loan_id"]: row for row in rows}
        expected = {loan_id: position for loan_id, loan in loans.items() if (position := loan.position(day))}
        assert found.keys() == expected.keys(), f"other loans on {day}"
        for loan_id, position in expected.items():
            differences = {name: (found[loan_id][name], value) for name, value in position.items()}
            differing = {name: values for name, values in differences.items() if values[0] != values[1]}
            assert not differing, f"loan {loan_id} on {day}, mart and definition: {differing} {loans[loan_id]}"
