"""Processes that are killed: before every step, at any moment, twice at once, with a clock that was put back."""

import random
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from world import ALL, SEED, SMS, World

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]

STEPS = 90
"""How many steps a vendor's way has at which it can die: `test_a_way_without_faults` counts them."""
KILLS = 200 if ALL else 6
EVERYBODY = {
    "demo_sms": "sms",
    "demo_call": "phone",
    "demo_visit": "field_visit",
    "demo_care": "care",
    "demo_law": "legal",
}


def test_a_way_without_faults(world: World) -> None:
    outcome = world.run(real_gate=ALL)

    assert outcome.is_well, outcome.message
    assert world.differences() == []
    assert len(outcome.steps) == STEPS, outcome.steps


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_before_any_step(world: World, step: int) -> None:
    outcome = world.run(at_step=step)

    assert outcome.was_killed
    world.require_whole()
    world.require_settled()


@pytest.mark.timeout(3000)
def test_killed_at_any_moment(ruins: World) -> None:
    """Days of five vendors, each process killed at random until one comes through; meanwhile decisions change.

    Also while results are read, reviews asked for and recalls sent.
    """
    chance = random.Random(SEED)
    kills = longest = 0.0
    while kills < KILLS:
        # On two lists: what is said to one vendor recalls the other's.
        ruins.begin("C0")
        ruins.contact("phone", "C0")
        customers = iter(range(1, 1000))
        _decide(ruins, chance, customers)
        outcome = None
        while outcome is None or outcome.was_killed:
            began = time.monotonic()
            kill_after = chance.uniform(0.05, longest) if longest else None
            outcome = ruins.run(*EVERYBODY, kill_after=kill_after, is_worked=True)
            longest = max(longest, time.monotonic() - began)
            kills += outcome.was_killed
            assert outcome.error is None, outcome.message
            ruins.require_whole(*EVERYBODY)
            if outcome.was_killed and chance.random() < 0.3:
                _decide(ruins, chance, customers)
        found = ruins.differences(*EVERYBODY)
        assert found == [], "\n".join(found)
        _require_heard(ruins)


def _require_heard(world: World) -> None:
    """Every row that was worked landed once, and who died is called back from the list that was not."""
    reported = world.day.run(
        "select count(*), count(result._row_id), count(distinct result.contact_ref) from ops.delivery_item as item"
        " inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id"
        " left join landing.vendor_result as result on item.contact_ref = result.contact_ref"
        " where batch.kind = 'contact_list' and batch.state <> 'superseded' and batch.channel not in ('phone', 'legal')"
    )
    assert len(set(reported[0])) == 1, reported
    recalled = world.day.run(
        "select batch.vendor, batch.state from ops.delivery_batch as batch"
        " inner join ops.delivery_item as item on batch.batch_id = item.batch_id"
        " where batch.kind = 'recall' and item.customer_id = 'C0'"
    )
    assert recalled == [("demo_call", "uploaded")]
    for vendor in EVERYBODY:
        assert [path for path in (world.directory(vendor) / "inbound").glob("*") if path.is_file()] == []
        assert list((world.directory(vendor) / "inbound" / "reading").glob("*")) == []


def _decide(world: World, chance: random.Random, customers: "iter[int]") -> None:
    """More contacts, for vendors who cannot have seen their list yet: of the others the day is over."""
    for vendor, channel in EVERYBODY.items():
        at_vendor = world.day.run(
            "select 1 from ops.delivery_batch"
            " where kind = 'contact_list' and vendor = %s and sending_since is not null",
            vendor,
        )
        for _ in range(0 if at_vendor else chance.randrange(3)):
            world.contact(channel, f"C{next(customers)}")


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.15, 0.3, 0.6])
def test_the_same_task_twice_at_once(world: World, pause: float) -> None:
    first = world.start()
    time.sleep(pause)
    second = world.start()
    outcomes = [first.end(), second.end()]

    assert {outcome.error for outcome in outcomes} <= {None, "BatchBusyError"}, [o.message for o in outcomes]
    assert None in {outcome.error for outcome in outcomes}
    world.require_whole()
    world.require_settled()


@pytest.mark.parametrize("back", [timedelta(minutes=7), timedelta(hours=3), timedelta(days=2), timedelta(days=400)])
def test_the_clock_is_put_back(world: World, back: timedelta) -> None:
    """Between two tries of one task, in the middle of the delivery."""
    noon = datetime(2020, 4, 15, 12, tzinfo=ZoneInfo(world.settings.bank_time_zone))
    assert world.run(clock=noon, at_step=STEPS - 8).was_killed
    (planned,) = world.day.run("select planned_at from ops.delivery_batch where kind = 'contact_list'")

    outcome = world.run(clock=noon - back)

    assert outcome.is_well, outcome.message
    assert world.differences() == []
    assert world.day.run("select planned_at from ops.delivery_batch where kind = 'contact_list'") == [planned]
    world.require_settled()


@pytest.mark.parametrize("step", range(STEPS - 30, STEPS + 25, 3))
def test_what_is_encrypted_is_made_once(world: World, step: int) -> None:
    """A killed delivery goes on with the bytes it had: encrypted anew they would be others."""
    world.begin("C1", channel="legal")
    outcome = world.run("demo_law", at_step=step)
    world.require_whole("demo_law")
    before = world.outbound("demo_law")

    world.require_settled("demo_law")

    after = world.outbound("demo_law")
    assert {name: after[name] for name in before if not name.endswith(".part")} == {
        name: content for name, content in before.items() if not name.endswith(".part")
    }
    assert outcome.was_killed or outcome.is_well


def test_a_late_day_expires_whatever_died(world: World) -> None:
    """Killed before the manifest, and the vendor's day is over when the task runs again."""
    late = datetime(2020, 4, 15, 20, 1, tzinfo=ZoneInfo(world.settings.bank_time_zone))
    manifest_put = [n for n, step in enumerate(world.run().steps, start=1) if step == "put"][-1]
    world.begin("C1")
    assert world.run(at_step=manifest_put - 2).was_killed

    assert world.run(clock=late).is_well

    assert world.day.state("sms-demo_sms-20200415-01") == "expired"
    assert {name for name in world.outbound(SMS) if name.startswith("sms-")} == set()
    assert world.differences() == []
