"""Whom a change of policy affects, decided apart from what is published."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from decision_world import AS_OF, World
from marts_warehouse import Warehouse, new_warehouse, policy_pack
from typer.testing import CliRunner

from arrears.cli.main import app
from arrears.errors import ConfigurationError
from arrears.policy.diff import Change, compare
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.postgres

SHIPPED = PROJECT_ROOT / "dbt_project" / "seeds" / "policy"
LEDGER = "select * from intermediate.int_customers__contact_decision order by customer_id, channel, currency"
TABLES = (
    "select table_schema, table_name from information_schema.tables"
    " where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2"
)


@pytest.fixture(scope="module")
def published(server: Settings) -> Iterator[Warehouse]:
    world = World()
    for name, jurisdiction in (("c1", "CN"), ("c2", "CN"), ("u1", "US"), ("x1", "XX")):
        world.customer(name, dpd=45, jurisdiction=jurisdiction, time_zone="Asia/Shanghai" if name == "x1" else "")
    world.customer("tried", dpd=45)
    for hour in (1, 2):
        world.interaction("tried", "met_third_party", days_ago=0, hour=hour)
    world.customer("gone", dpd=45)
    world.flag("gone", "deceased")
    with new_warehouse(server) as warehouse:
        world.land(warehouse.connection)
        warehouse.build(AS_OF, select="+fct_contact_decision --exclude-resource-type test")
        # Also of a day whose lists have left one may ask what another policy had made of it.
        warehouse.execute("insert into ops.sealed_day (generation, as_of) values (1, %s)", AS_OF)
        yield warehouse


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """In CN calls end at noon, two of them may be answered; from tomorrow on nobody may be called there at all."""
    pack = policy_pack(tmp_path / "packs")
    for table, old, new in (
        ("contact_windows", "DEFAULT,,,08:00,19:00", "DEFAULT,,,08:00,12:00"),
        ("contact_windows", "CN,,,08:00,22:00,2025-02-28", "CN,,,08:00,12:00,2025-02-28"),
        ("contact_limits", "DEFAULT,phone,answered,customer,1,3", "DEFAULT,phone,answered,customer,1,2"),
        (
            "contact_limits",
            "CN,phone,answered,customer,1,3,hard,2025-02-28,",
            "CN,phone,answered,customer,1,2,hard,2025-02-28,",
        ),
    ):
        path = pack / f"{table}.csv"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    tomorrow = AS_OF + timedelta(days=1)
    with (pack / "contact_limits.csv").open("a") as file:
        for jurisdiction in ("CN", "DEFAULT"):
            file.write(f"{jurisdiction},phone,attempt,customer,30,0,hard,{tomorrow},,Bank policy 9,verified\n")
    return pack


def test_affected_customers_are_told_by_reason_before_and_after(published: Warehouse, changed: Path) -> None:
    tables, ledger = published.rows(TABLES), published.rows(LEDGER)

    found = compare(published.settings, SHIPPED, changed, as_of=AS_OF, with_customers=True)

    assert (found.as_of, found.customers, found.affected_customers) == (AS_OF, 6, 4)
    assert [change for change in found.changes if change.channel == "phone"] == [
        Change("phone", "contact", "contact, other hours, other attempts", 3, ("c1", "c2", "x1")),
        Change("phone", "contact", "FREQUENCY_DAY", 1, ("tried",)),
    ]
    # Nothing that was there changed, nothing stays.
    assert published.rows(TABLES) == tables
    assert published.rows(LEDGER) == ledger


def test_change_that_lies_ahead_takes_effect_on_its_day(
    published: Warehouse, changed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command names the customers only when it is asked to."""
    monkeypatch.setenv("ARREARS_WAREHOUSE_DATABASE", published.settings.warehouse_database)
    monkeypatch.setenv("COLUMNS", "160")
    tomorrow = AS_OF + timedelta(days=1)

    printed = CliRunner().invoke(
        app, ["policy", "diff", "deployed", str(changed), "--as-of", str(tomorrow), "--customers"]
    )

    assert printed.exit_code == 0, printed.output
    assert "4 customers affected" in printed.output
    assert "phone, contact → FREQUENCY_PERIOD: c1 c2 tried x1" in printed.output


def test_malformed_pack_is_refused_before_anything_is_built(published: Warehouse, changed: Path) -> None:
    (changed / "treatments.csv").unlink()

    with pytest.raises(ConfigurationError, match=r"treatments\.csv: expected the file"):
        compare(published.settings, SHIPPED, changed, as_of=AS_OF)


def test_command_says_that_nothing_was_built_yet(databases: Settings, changed: Path) -> None:
    printed = CliRunner().invoke(app, ["policy", "diff", "deployed", str(changed), "--as-of", "2026-03-18"])

    assert printed.exit_code == 1
    assert "no build of the marts has passed yet" in str(printed.exception)
