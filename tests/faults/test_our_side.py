"""What can happen on our side: the database goes down or has no room, our own disk is full."""

import pytest
from world import ALL, World

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]


@pytest.mark.parametrize("step", range(2, 76, 3))
def test_the_database_goes_down_in_the_middle(world: World, step: int) -> None:
    outcome = world.run(at_step=step, happens="database restarted")
    world.reconnect()

    assert outcome.error in (None, "OperationalError", "AdminShutdown", "InterfaceError"), outcome.message
    world.require_whole()
    world.require_settled()


def test_the_disk_of_the_database_is_full(world: World) -> None:
    """It cannot write its log: PostgreSQL gives up at once, and recovers from what it had."""
    outcome = world.run(database_has_no_room=True)
    world.reconnect()

    assert outcome.error is not None and not outcome.was_killed
    world.require_whole()
    world.require_settled()


def test_our_own_disk_is_full(world: World) -> None:
    """The gate cannot write its pages, or whatever else: what was not checked does not leave."""
    outcome = world.run(disk_is_full=True, real_gate=ALL)

    assert outcome.error is None or not any(name.startswith("sms-") for name in world.outbound())
    world.require_whole()
    world.require_settled()
