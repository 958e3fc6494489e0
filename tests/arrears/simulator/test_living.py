"""A world that is played from day to day: it goes on where it was, and a day that was killed is played the same."""

import csv
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from played_lists import AS_OF, list_rows, put
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import ArrearsError
from arrears.services import sftp
from arrears.settings import Settings
from arrears.simulator import living
from arrears.simulator.hand_in import FAULTLESS
from arrears.simulator.living import Lived, live_until, today_of
from arrears.simulator.truth import directory_of
from arrears.simulator.vendors import all_desks, unanswered
from arrears.source.contract import TABLES

pytestmark = pytest.mark.postgres

START = date(2019, 4, 1)
NEXT = AS_OF + timedelta(days=1)
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
BATCH = "phone-demo_call-20200415-01"


@pytest.fixture
def home(databases: Settings) -> Iterator[Settings]:
    # Other tests have vendors in this place, too.
    _leave_nothing(databases)
    sftp.create_vendor_directories(databases)
    yield databases
    _leave_nothing(databases)


def _leave_nothing(settings: Settings) -> None:
    for name in ("simulation", "vendors", "vendor_desks"):
        shutil.rmtree(settings.home / name, ignore_errors=True)


def rows(connection: Connection, query: str) -> list[Any]:
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_world_lives_on_by_the_lists_delivered_to_it(
    home: Settings, core_banking: Connection, warehouse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def live(day: date, seed: int = 3) -> Lived:
        return live_until(
            core_banking, warehouse, home, loans=150, start=START, day=day, seed=seed, misconduct=FAULTLESS
        )

    assert live(AS_OF) == Lived(AS_OF, 0, Counter())
    assert rows(warehouse, "select mode from ops.source_generation") == [("feed",)]
    skills = json.loads((directory_of(home) / "truth.json").read_text())["skill"]
    assert len(set(skills.values())) == 21, "each collector has a skill of his own"

    _deliver_to_everybody(home, core_banking)
    for desk in all_desks(home):
        desk.work(NOW)
    assert [path.name for path in _inbound(home)] == [f"{BATCH}.ack.json"], "acknowledged, and worked by the world"
    assert unanswered(home) == []

    killed = _killed_day(home, live, monkeypatch)
    assert today_of(core_banking, home) == AS_OF, "a day that was killed has not been"
    assert live(NEXT).days == 1
    assert _written(home) == killed, "and played again it is the same"
    results = [path for path in _inbound(home) if ".results-" in path.name]
    dispositions = Counter(
        row["disposition"] for path in results for row in csv.DictReader(io.StringIO(path.read_text()))
    )
    assert {"no_answer", "promise_to_pay", "right_party_no_promise"} <= dispositions.keys()

    assert live(NEXT) == Lived(NEXT, 0, Counter())
    with pytest.raises(ArrearsError, match="cannot go back to 2020-04-15"):
        live(AS_OF)
    live(AS_OF + timedelta(days=12))
    _assert_sound(core_banking)
    causes = {
        because["cause"]
        for path in (directory_of(home) / "days").iterdir()
        for because in json.loads(path.read_text())["because"].values()
    }
    assert causes == {"self", "contact"}

    lived = rows(core_banking, "select * from core_banking.loan_transactions order by transaction_id")
    assert live(AS_OF, seed=4).today == AS_OF, "another seed is another world"
    shutil.rmtree(home.home / "vendor_desks")
    live(AS_OF)
    live(AS_OF + timedelta(days=12))
    assert rows(core_banking, "select * from core_banking.loan_transactions order by transaction_id") == lived


def _deliver_to_everybody(home: Settings, core_banking: Connection) -> None:
    numbers = rows(
        core_banking, "select distinct value from core_banking.contact_points where kind = 'mobile' order by 1"
    )
    listed = list_rows("phone", len(numbers))
    put(home, "phone", [row | {"phone": number} for row, (number,) in zip(listed, numbers, strict=True)])


def _killed_day(home: Settings, live: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Kill the day when all but the source is written; returns what is written."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(living, "_merge", killed)
        with pytest.raises(KeyboardInterrupt):
            live(NEXT)
    return _written(home)


def _written(home: Settings) -> dict[str, bytes]:
    files = [*_inbound(home), directory_of(home) / "days" / f"{AS_OF}.json"]
    return {path.name: path.read_bytes() for path in files}


def _inbound(home: Settings) -> list[Any]:
    return sorted((sftp.vendor_directory(home, "demo_call") / "inbound").iterdir())


def _assert_sound(core_banking: Connection) -> None:
    for table in TABLES:
        keys = ", ".join(table.key)
        twice = f"select 1 from core_banking.{table.name} group by {keys} having count(*) > 1"
        assert rows(core_banking, twice) == [], f"{table.name} has a key twice"
    overpaid = """
        select money.loan_id from (
            select loan_id, sum(case when kind = 'reversal' then -amount else amount end) as paid
            from core_banking.loan_transactions where kind in ('repayment', 'reversal', 'waiver') group by 1
        ) as money
        inner join (
            select loan_id, max(schedule_version) as version,
                sum(principal_due + interest_due + fee_due) as total
            from core_banking.repayment_schedule group by 1
        ) as schedule using (loan_id)
        where version = 1 and paid > total
    """
    assert rows(core_banking, overpaid) == []
    complete = rows(core_banking, "select distinct complete_to from core_banking.feed_status")
    assert [instant.isoformat() for (instant,) in complete] == ["2020-04-26T16:00:00+00:00"]
    closed = "select count(*) from core_banking.loans where status = 'closed' and closed_on > '2020-04-15'"
    assert rows(core_banking, closed)[0][0] > 0
