"""`arrears run`: in which order the DAGs of a day are run."""

from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from arrears.cli import follow
from arrears.settings import Settings
from arrears.simulator.hand_in import FAULTLESS
from arrears.simulator.truth import World, directory_of

FIRST_DAY = date(2026, 3, 2)
NEXT_DAY = FIRST_DAY + timedelta(days=1)
READ, RECALL = "ingest_vendor_results", "recall_paid_accounts"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A played world of which a vendor has sent a file."""
    settings = Settings(home=tmp_path)
    World(150, date(2024, 1, 1), FIRST_DAY, 3, FAULTLESS).write(directory_of(settings), {})
    inbound = tmp_path / "vendors" / "demo_sms" / "inbound"
    (inbound / "done").mkdir(parents=True)
    (inbound / "sms-demo_sms-20260302-01.results-1.csv").touch()
    return settings


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is run, without running it."""
    ran: list[str] = []
    monkeypatch.setattr(follow, "start_all", lambda _: ())
    monkeypatch.setattr(follow, "AirflowApi", lambda _: nullcontext())
    monkeypatch.setattr(follow.Day, "follow_chain", lambda _, until: ran.append(until))
    monkeypatch.setattr(follow.Day, "follow", lambda _, dag_id: ran.append(dag_id))
    return ran


def run(settings: Settings, as_of: date, until: str | None = None) -> None:
    follow.run_day(settings, as_of, until, False, Console(quiet=True))


def test_what_was_sent_of_the_day_before_is_read_before_anything_is_decided(
    settings: Settings, followed: list[str]
) -> None:
    run(settings, NEXT_DAY)

    assert followed == [READ, "delivery", RECALL, READ]


def test_the_first_day_of_a_world_begins_with_its_load(settings: Settings, followed: list[str]) -> None:
    run(settings, FIRST_DAY, "marts")

    assert followed == ["marts"]


@pytest.mark.parametrize("missing", ["*.results-1.csv", "world.json"])
def test_so_does_a_day_of_which_nothing_is_unread(settings: Settings, followed: list[str], missing: str) -> None:
    next(settings.home.rglob(missing)).unlink()

    run(settings, NEXT_DAY, "marts")

    assert followed == ["marts"]
