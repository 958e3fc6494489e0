"""From the draw to the verdict in the warehouse: who is left alone, what is counted of whom, and how it is told."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from decision_world import AS_OF, World
from marts_warehouse import Warehouse, new_warehouse, policy_pack
from typer.testing import CliRunner

from arrears.bi.spec import read_spec
from arrears.cli.main import app
from arrears.risk.uplift import look_at_experiments
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

CUSTOMERS = 40
BASIS = "2026-01-01,,test,verified"
PACK = {
    "experiments": [
        f"calls,champion,0.5,tier=M2,standard,0.05,{BASIS}",
        f"calls,alone,0.5,tier=M2,hold_out,0.05,{BASIS}",
        f"soon,champion,0.5,tier=M6,standard,0.05,{BASIS}".replace("2026-01-01", "2026-03-19"),
        f"soon,alone,0.5,tier=M6,hold_out,0.05,{BASIS}".replace("2026-01-01", "2026-03-19"),
    ]
}
ALL = "+bi__experiment_verdict +bi__strategy_uplift +int_experiments__sums +fct_contact_decision"
LAST = timedelta(days=29)


@pytest.fixture(scope="module")
def tried(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An experiment of one day, whose customers pay, complain and opt out; built, and looked at 31 days later."""
    pack = policy_pack(tmp_path_factory.mktemp("packs") / "pack", **PACK)
    with new_warehouse(server, policy_dir=pack) as warehouse:
        world = World()
        for number in range(CUSTOMERS):
            world.customer(f"c{number:02}", dpd=45, arrears="500.00")
        world.customer("not_of_it", dpd=20)
        world.land(warehouse.connection)
        warehouse.build(AS_OF, select=ALL)
        look_at_experiments(warehouse.connection, as_of=AS_OF)
        later = World(AS_OF + timedelta(days=31), first_number=1000)
        later.pay("c00-L1", "500.00", on=AS_OF)
        later.pay("c01-L1", "500.00", on=AS_OF + LAST)
        later.pay("c02-L1", "500.00", on=AS_OF + LAST + timedelta(days=1))
        later.pay("c03-L1", "200.00", on=AS_OF + timedelta(days=9))
        later.pay("c04-L1", "500.00", on=AS_OF - timedelta(days=1))
        bounced = later.pay("c05-L1", "500.00", on=AS_OF + timedelta(days=2))
        later.pay("c05-L1", "500.00", on=AS_OF + timedelta(days=5), kind="reversal", reverses=bounced)
        later.pay("not_of_it-L1", "500.00", on=AS_OF)
        later.plan("c06", "phone", {"disposition": "no_answer", "cost": 2}, "opt_out", days_ago=30)
        later.add(
            "complaints",
            complaint_id="K1",
            customer_id="c07",
            received_at=later.instant(days_ago=20),
            category="conduct",
        )
        later.land(warehouse.connection)
        warehouse.build(later.as_of, select=ALL)
        look_at_experiments(warehouse.connection, as_of=later.as_of)
        yield warehouse


def _outcomes(warehouse: Warehouse) -> dict[str, dict[str, object]]:
    return {row["customer_id"]: row for row in warehouse.rows("select * from intermediate.int_experiments__outcome")}


def test_hold_out_gets_no_optional_contact_and_the_others_are_treated_as_ever(tried: Warehouse) -> None:
    rows = tried.rows("select * from marts.fct_contact_decision where as_of = %s", AS_OF)

    for row in rows:
        is_held_out = row["arm"] == "alone" and row["channel"] in ("sms", "phone", "field_visit")
        assert ("HOLDOUT" in row["all_reasons"]) is is_held_out
        assert row["experiment"] == (None if row["customer_id"] == "not_of_it" else "calls")
    arms = [row["arm"] for row in rows if row["channel"] == "phone" and row["experiment"]]
    assert 10 < arms.count("alone") < 30
    called = [row for row in rows if row["channel"] == "phone" and row["arm"] == "champion"]
    assert all(row["decision"] == "contact" for row in called if row["experiment"])


def test_everybody_who_came_stays_in_the_arm_of_the_first_day(tried: Warehouse) -> None:
    members = tried.rows("select * from intermediate.int_experiments__member")
    ledger = tried.rows("select distinct customer_id, arm from marts.fct_contact_decision where as_of = %s", AS_OF)

    assert len(members) == CUSTOMERS
    assert {row["entered_on"] for row in members} == {AS_OF}
    assert {(row["customer_id"], row["arm"]) for row in members} <= {(row["customer_id"], row["arm"]) for row in ledger}


def test_what_is_counted_lies_in_the_window(tried: Warehouse) -> None:
    outcomes = _outcomes(tried)
    recovered = {name: row["recovered"] for name, row in outcomes.items() if row["recovered"]}

    assert "not_of_it" not in outcomes
    assert recovered == {"c00": Decimal(500), "c01": Decimal(500), "c03": Decimal(200)}
    # c04 had paid before he came, by a payment that was known later.
    assert {name for name, row in outcomes.items() if row["is_cured"]} == {"c00", "c01", "c04"}
    assert {name for name, row in outcomes.items() if row["is_contacted"]} == {"c06"}
    assert {name for name, row in outcomes.items() if row["has_opted_out"]} == {"c06"}
    assert {name for name, row in outcomes.items() if row["has_complained"]} == {"c07"}
    assert all(row["is_complete"] for row in outcomes.values())


def test_marts_add_up_and_say_what_they_are_held_against(tried: Warehouse) -> None:
    uplift = {row["arm"]: row for row in tried.rows("select * from marts.strategy_uplift where experiment = 'calls'")}
    verdict = {
        row["arm"]: row for row in tried.rows("select * from marts.experiment_verdict where experiment = 'calls'")
    }

    assert sum(row["customers"] for row in uplift.values()) == CUSTOMERS
    assert sum(row["recovered"] for row in uplift.values()) == Decimal(1200)
    assert {row["month"] for row in uplift.values()} == {date(2026, 3, 1)}
    assert {row["versus"] for row in uplift.values()} == {"alone"}
    assert uplift["alone"]["uplift"] is None
    rates = [Decimal(uplift[arm]["cured"]) / uplift[arm]["measured"] for arm in ("champion", "alone")]
    assert float(uplift["champion"]["uplift"]) == pytest.approx(float(rates[0] - rates[1]), abs=1e-6)
    assert verdict["champion"]["verdict"] == "champion"
    assert verdict["alone"]["verdict"] == "too_early"
    assert verdict["alone"]["uplift"] == pytest.approx(-uplift["champion"]["uplift"], abs=Decimal("1e-6"))


def test_an_experiment_that_has_begun_is_told_of_before_anybody_came(tried: Warehouse) -> None:
    verdicts = tried.rows("select * from marts.experiment_verdict where experiment = 'soon' and arm = 'alone'")

    assert [row["customers"] for row in verdicts] == [0]
    assert verdicts[0]["needed"] > 1000


def test_each_look_is_kept_and_one_of_an_older_day_is_not_taken(tried: Warehouse) -> None:
    assert look_at_experiments(tried.connection, as_of=AS_OF).verdicts == {}
    looks = tried.rows(
        "select as_of, count(*) as arms from ops.experiment_look join ops.experiment_verdict using (look_id)"
        " group by as_of order by as_of"
    )
    assert [(row["as_of"], row["arms"]) for row in looks] == [(AS_OF, 2), (AS_OF + timedelta(days=31), 4)]
    again = look_at_experiments(tried.connection, as_of=AS_OF + timedelta(days=31))
    assert again.verdicts["calls"] == {"champion": "champion", "alone": "too_early"}
    assert len(tried.rows("select from ops.experiment_look")) == 2


def test_the_command_line_tells_it_in_words(tried: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_WAREHOUSE_DATABASE", tried.settings.warehouse_database)
    monkeypatch.setattr("arrears.services.stack.start_databases", lambda _: None)

    def said(*arguments: str) -> str:
        return CliRunner().invoke(app, ["experiment", *arguments], catch_exceptions=False).output

    listed, shown = said("list"), said("show", "calls")
    assert "too early: " in listed and "soon" in listed
    assert "Draw: sound" in shown and "hold_out" in shown and "held against alone" in shown
    assert "No experiment was looked at" in said("list", "--as-of", "2026-03-01")
    assert "soon" not in said("list", "--as-of", str(AS_OF))


@pytest.mark.parametrize("mart", ["experiment_verdict", "strategy_uplift"])
def test_charts_that_wait_for_an_experiment_have_rows_with_one(tried: Warehouse, mart: str) -> None:
    spec = read_spec()
    charts = [(page, chart) for page in spec.dashboards for chart in page.charts if chart.mart == mart]
    assert charts
    for page, chart in charts:
        assert chart.needs
        assert any(row[name] is not None for row in tried.rows(spec.query(page, chart)) for name in chart.measures)


def test_a_contact_with_a_hold_out_stops_the_build(tried: Warehouse) -> None:
    """And so would a hold-out that loses the offer of help."""
    day, name = AS_OF + timedelta(days=31), "hold_outs_are_left_alone"
    ledger = "intermediate.int_customers__contact_decision"
    assert tried.red(day, [name]) == set()
    for channel in ("phone", "care"):
        row = f"as_of = '{day}' and customer_id = 'c10' and channel = '{channel}'"
        tried.execute(f"update {ledger} set all_reasons = all_reasons || array['HOLDOUT'] where {row}")
        assert tried.red(day, [name]) == {name}
        tried.execute(f"update {ledger} set all_reasons = array_remove(all_reasons, 'HOLDOUT') where {row}")
