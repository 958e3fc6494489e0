"""What a played world knows and the bank does not: how much a contact helps, and how good each collector is.

It lies beside the state of the demo (`<home>/simulation`), for whoever judges the marts by it. Nothing of the pipeline
reads it.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from math import exp
from pathlib import Path

from arrears.files import write_whole
from arrears.settings import Settings
from arrears.simulator.hand_in import Misconduct, acknowledges
from arrears.simulator.people import randomness

SKILL_SPREAD = 0.5
"""Deviation of the logarithm of skill; the average collector has 1."""
CONVERTED: Mapping[str, Mapping[str, float]] = {
    "sms": {"delivered": 0.02},
    "phone": {
        "promise_to_pay": 0.45,
        "right_party_no_promise": 0.16,
        "claims_paid": 0.10,
        "hardship_request": 0.04,
        "refused": 0.03,
    },
    "field_visit": {"promise_to_pay": 0.40, "met_customer": 0.15, "met_third_party": 0.03, "refused": 0.05},
    "care": {"promise_to_pay": 0.35, "right_party_no_promise": 0.16, "hardship_request": 0.08},
    "legal": {"settled": 0.80, "filed": 0.05},
}
"""By channel and how it ended: the chance that a contact by the average collector makes the customer pay who would not
have paid. That of a collector is this times the skill. Without a contact nothing is added."""
_SURE = 0.95


@dataclass(frozen=True)
class Truth:
    """The hidden side of one played world."""

    seed: int

    def skill(self, collector_id: str) -> float:
        """How many times as many customers the collector moves as the average one; 1 for a machine."""
        if not collector_id:
            return 1.0
        draw = randomness(f"skill {self.seed} {collector_id}").gauss(0, SKILL_SPREAD)
        return exp(draw - SKILL_SPREAD**2 / 2)

    def conversion(self, channel: str, disposition: str, collector_id: str) -> float:
        """The chance that this contact makes the customer pay."""
        return min(_SURE, CONVERTED.get(channel, {}).get(disposition, 0.0) * self.skill(collector_id))

    def dealt_to(self, customer_id: str, size: float, collectors: int) -> int:
        """Which of a team's collectors (from 1) gets a case; `size` from 0 to 1 says how much is at stake.

        Cases are dealt unequally and blind to skill: large ones go to the last of a team more often than to the first.
        """
        chance = randomness(f"deal {self.seed} {customer_id}").random()
        return 1 + min(collectors - 1, int(collectors * (0.6 * size + 0.4 * chance)))


@dataclass(frozen=True)
class World:
    """What a played world follows from."""

    loans: int
    start: date
    """First day of the bank."""
    first_day: date
    """From when on it is played day by day."""
    seed: int
    misconduct: Misconduct

    @property
    def description(self) -> str:
        """What the ledger calls the source: the same as long as the world goes on."""
        return f"played world: {self.loans} loans, {self.start} to {self.first_day} and on, seed {self.seed}"

    @property
    def truth(self) -> Truth:
        return Truth(self.seed)

    def plays(self, as_of: date) -> bool:
        """Whether the lists of that day are worked in this world, and not at once."""
        return self.first_day <= as_of

    def acknowledges(self, batch_id: str) -> int | None:
        """How many days late that list is acknowledged; None = never."""
        return acknowledges(self.misconduct, randomness(f"acknowledge {self.seed} {batch_id}"))

    def write(self, directory: Path, collectors: Mapping[str, str]) -> None:
        """Write down what is hidden, for `collectors` (their channels by id), and last what the world follows from."""
        hidden = {
            "converted": CONVERTED,
            "skill": {identity: round(self.truth.skill(identity), 6) for identity in sorted(collectors)},
            "channel": dict(sorted(collectors.items())),
        }
        write_whole(directory / "truth.json", json.dumps(hidden, indent=1) + "\n")
        write_whole(directory / "world.json", json.dumps(asdict(self), default=date.isoformat, indent=1) + "\n")


def directory_of(settings: Settings) -> Path:
    """Where the hidden side lies."""
    return settings.home / "simulation"


def read_world(settings: Settings) -> World | None:
    """The world that is played here, or None."""
    path = directory_of(settings) / "world.json"
    if not path.exists():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    days = {name: date.fromisoformat(values[name]) for name in ("start", "first_day")}
    return World(**values | days | {"misconduct": Misconduct(**values["misconduct"])})


def leave_world(settings: Settings) -> None:
    """Forget the world that was played here: another source takes its place."""
    shutil.rmtree(directory_of(settings), ignore_errors=True)
