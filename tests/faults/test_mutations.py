"""The check can go red: each of our guards is broken once, and what then goes wrong is seen."""

from collections.abc import Callable

import pytest
from mutations import MUTATIONS
from world import World

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]

Scenario = Callable[[World, str], list[str]]


def _all_is_well(world: World, mutation: str) -> list[str]:
    assert world.run(mutation=mutation).is_well
    return world.differences()


def _killed_before(step: str) -> Scenario:
    """Killed before the last step of that name, and looked at as it lies."""

    def killed(world: World, mutation: str) -> list[str]:
        _die(world, mutation, lambda steps: _last(steps, step))
        return world.differences(is_over=False)

    return killed


def _killed_and_run_again(world: World, mutation: str) -> list[str]:
    _die(world, mutation, lambda steps: _last(steps, "put, half done"))
    assert world.run(mutation=mutation).is_well
    return world.differences()


def _seen_and_decided_anew(world: World, mutation: str) -> list[str]:
    """Killed between the manifest and the note of it; then other decisions are planned."""
    _die(world, mutation, lambda steps: steps.index("commit", _last(steps, "posix_rename")) + 1)
    world.look()
    world.contact("sms", "C3")
    world.run(mutation=mutation)
    return [line for line in world.differences() if "decided contacts on no list" not in line]


def _die(world: World, mutation: str, step: Callable[[tuple[str, ...]], int]) -> None:
    """Go the way once to count its steps, and again to die at one of them."""
    steps = world.run(mutation=mutation).steps
    world.begin("C1", "C2")
    assert world.run(mutation=mutation, at_step=step(steps)).was_killed


def _last(steps: tuple[str, ...], name: str) -> int:
    """Which step, counted from 1, is the last of that name."""
    return len(steps) - steps[::-1].index(name)


def _server(kind: str) -> Scenario:
    def goes_wrong(world: World, mutation: str) -> list[str]:
        world.break_server(kind, name="sms-demo_sms-20200415-01.csv")
        world.run(mutation=mutation)
        return world.differences()

    return goes_wrong


def _lost_later(world: World, mutation: str) -> list[str]:
    assert world.run(mutation=mutation).is_well
    (world.directory() / "outbound" / "20200415" / "sms-demo_sms-20200415-01.csv").unlink()
    assert world.run(mutation=mutation).is_well
    return world.differences()


SCENARIOS: dict[str, Scenario] = {
    "the manifest goes first": _killed_before("posix_rename"),
    "files are written under their final name": _killed_before("put, half done"),
    "files are not read back": _server("damages"),
    "the server is believed": _server("loses_renamed"),
    "what broke off is left": _killed_and_run_again,
    "nobody marks that the manifest may be seen": _seen_and_decided_anew,
    "what the vendor may have is superseded": _seen_and_decided_anew,
    "a customer is forgotten": _all_is_well,
    "steps leave no trace": _all_is_well,
    "nothing is put back": _lost_later,
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_broken_guard_is_seen(world: World, mutation: str) -> None:
    assert SCENARIOS[mutation](world, mutation) != []
