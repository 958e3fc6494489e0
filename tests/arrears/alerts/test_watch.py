"""What the watch finds in a warehouse, when it is over, and that one broken check hides no other."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pysequoia
import pytest
from delivery_day import AS_OF, Day
from marts_warehouse import policy_pack

from arrears.alerts import checks
from arrears.alerts.catalogue import KINDS
from arrears.alerts.lateness import late_after_deadline
from arrears.alerts.watch import CheckBrokenError, watch
from arrears.delivery.circuit import current_outages
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.postgres

MINUTE, HOUR, DAYS = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Tower:
    """The watch over a day on which all is well, but for what a test breaks."""

    def __init__(self, day: Day, settings: Settings) -> None:
        self.day, self.settings = day, settings

    def open(self, now: datetime, **changes: object) -> dict[tuple[str, str], str]:
        """Look at an instant, and what is open afterwards."""
        settings = self.settings.model_copy(update=changes)
        watch(self.day.warehouse, as_of=AS_OF, now=now, settings=settings)
        rows = self.day.run("select code, subject, summary from ops.alert where closed_at is null")
        return {(code, subject): summary for code, subject, summary in rows}

    def batch(self, batch_id: str, state: str, **changes: Any) -> None:
        kind, vendor = batch_id.split("-")[:2]
        row = {
            "batch_id": batch_id,
            "kind": {"sms": "contact_list", "legal": "contact_list"}.get(kind, kind),
            "channel": {"sms": "sms", "legal": "legal"}.get(kind, "all"),
            "vendor": vendor,
            "generation": 1,
            "as_of": AS_OF,
            "sequence": int(batch_id[-2:]),
            "state": state,
            "row_count": 7,
            "planned_at": self.day.at(10),
            "valid_until": self.day.at(20),
            "acknowledge_by": self.day.at(11),
            **changes,
        }
        self.day.insert("ops.delivery_batch", **row)

    def upload(self, batch_id: str, at: datetime) -> None:
        self.batch(batch_id, "uploaded")
        self.day.insert("ops.delivery_event", batch_id=batch_id, to_state="uploaded", happened_at=at)


@pytest.fixture
def tower(day: Day, tmp_path: Path) -> Iterator[Tower]:
    """Landed, built, delivered and read; with a key that lasts."""
    settings = day.settings.model_copy(update={"home": tmp_path})
    (tmp_path / "keys").mkdir()
    tower = Tower(day, settings)
    write_key(tower, 400)
    batch_id = day.land("loans")
    day.insert("ops.load_table", batch_id=batch_id, table_name="loans", is_full=True, source_rows=1, landed_rows=1)
    tower.batch("sms-demo_sms-20200415-01", "acknowledged")
    yield tower


def write_key(tower: Tower, days: int) -> None:
    certificate = pysequoia.Tsk.generate("Law", validity_seconds=days * 86_400).extract_certificate()
    (tower.settings.home / "keys" / "demo_law.asc").write_text(str(certificate))


def test_nothing_is_said_when_all_is_well(tower: Tower) -> None:
    assert tower.open(tower.day.at(12)) == {}
    assert tower.open(datetime.now(UTC)) == {}


@pytest.mark.parametrize(
    ("code", "undone", "due"),
    [
        ("landing_late", "update ops.load_batch set state = 'aborted'", 4),
        ("marts_late", "update ops.mart_build set state = 'failed'", 5),
        ("lists_late", "update ops.delivery_batch set state = 'written'", 7),
        ("lists_late", "delete from ops.delivery_batch", 7),
    ],
)
def test_a_step_is_late_from_its_time_on_until_it_is_done(tower: Tower, code: str, undone: str, due: int) -> None:
    tower.day.run(undone)
    assert tower.open(tower.day.at(due) - MINUTE) == {}
    assert list(tower.open(tower.day.at(due))) == [(code, "2020-04-15")]

    for table, state in (("load_batch", "passed"), ("mart_build", "passed"), ("delivery_batch", "uploaded")):
        tower.day.run(f"update ops.{table} set state = %s", state)
    if "delete" in undone:
        tower.batch("sms-demo_sms-20200415-02", "uploaded")
    assert tower.open(tower.day.at(due) + MINUTE) == {}


def test_a_recall_that_loads_is_not_the_nights_load(tower: Tower) -> None:
    tower.day.run("update ops.load_table set table_name = 'loan_transactions'")

    assert list(tower.open(tower.day.at(4))) == [("landing_late", "2020-04-15")]


def test_a_list_for_lawyers_may_wait_for_people(tower: Tower) -> None:
    tower.batch("legal-demo_law-20200415-01", "planned")

    assert tower.open(tower.day.at(12)) == {}


def test_what_a_deadline_told_lasts_until_it_is_done_though_its_hour_has_not_come(tower: Tower) -> None:
    """A run that was queued at one hangs at three; by the clock the load may take until four."""
    from arrears.alerts.ledger import WATCH, raise_alerts

    tower.day.run("update ops.load_batch set state = 'landed'")
    found = late_after_deadline(tower.day.warehouse, "landing_late", as_of=AS_OF)
    raise_alerts(tower.day.warehouse, found, raised_by=WATCH, now=tower.day.at(3), settings=tower.settings)
    assert list(tower.open(tower.day.at(3, 5))) == [("landing_late", "2020-04-15")]

    tower.day.run("update ops.load_batch set state = 'passed'")
    assert tower.open(tower.day.at(3, 10)) == {}
    assert late_after_deadline(tower.day.warehouse, "landing_late", as_of=AS_OF) == []


def test_a_vendor_that_does_not_acknowledge_is_one_alert_however_many_batches(tower: Tower) -> None:
    now = tower.day.at(12)
    for number, minutes in enumerate((59, 61, 90), start=2):
        tower.upload(f"recall-demo_sms-20200415-0{number}", now - minutes * MINUTE)

    found = tower.open(now)
    assert list(found) == [("batch_unacknowledged", "demo_sms")]
    assert "2 batches, the oldest recall-demo_sms-20200415-04, sent 2020-04-15 10:30" in found.popitem()[1]

    tower.day.run("update ops.delivery_batch set state = 'acknowledged'")
    assert tower.open(now + MINUTE) == {}


def test_a_stop_file_that_its_vendor_takes_silently_is_no_alert(tower: Tower) -> None:
    now = tower.day.at(12)
    tower.upload("stop-demo_sms-20200415-01", now - 2 * HOUR)
    tower.day.run("update staging.vendors set acknowledges_stop = vendor <> 'demo_sms'")
    try:
        assert tower.open(now) == {}
    finally:
        tower.day.run("update staging.vendors set acknowledges_stop = true")
    assert list(tower.open(now)) == [("batch_unacknowledged", "demo_sms")]


def test_a_vendor_is_told_of_when_its_circuit_is_open_and_until_it_is_back(tower: Tower) -> None:
    now = tower.day.at(12)
    outage = {"vendor": "demo_sms", "began_at": now - HOUR, "failures": 2, "last_failed_at": now, "reason": "Down"}
    tower.day.insert("ops.vendor_outage", **outage)
    assert tower.open(now) == {}

    tower.day.run("update ops.vendor_outage set failures = 3, opened_at = %s", now)
    assert "failed 3 times since 2020-04-15 11:00: Down" in tower.open(now)["circuit_open", "demo_sms"]

    tower.day.run("update ops.vendor_outage set ended_at = %s", now)
    assert current_outages(tower.day.warehouse) == []
    assert tower.open(now + MINUTE) == {}


def test_a_key_is_told_of_ahead_of_its_end_and_at_its_end(tower: Tower) -> None:
    write_key(tower, 60)
    now = datetime.now(UTC)
    assert tower.open(now + 29 * DAYS) == {}
    assert list(tower.open(now + 31 * DAYS)) == [("key_expiring", "demo_law")]
    assert list(tower.open(now + 61 * DAYS)) == [("key_unusable", "demo_law")]
    write_key(tower, 400)
    assert tower.open(now + 62 * DAYS) == {}


def test_a_rule_that_ends_without_a_successor_is_told_of_before_and_after(tower: Tower, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.mkdir()
    for path in (PROJECT_ROOT / "dbt_project" / "seeds" / "policy").glob("*.csv"):
        (policy / path.name).write_text(path.read_text())
    windows = policy / "contact_windows.csv"
    shipped = windows.read_text()

    def told(ends: date, followed: bool) -> list[tuple[str, str]]:
        rows = f"GB,sms,,09:00,17:00,2019-01-01,{ends},a letter,unverified\n"
        if followed:
            rows += f"GB,sms,,09:00,18:00,{ends},,a letter,unverified\n"
        windows.write_text(shipped.rstrip("\n") + "\n" + rows)
        return list(tower.open(tower.day.at(12), policy_dir=policy))

    assert told(AS_OF + 31 * DAYS, followed=False) == []
    assert told(AS_OF + 30 * DAYS, followed=False) == [("policy_ending", "contact_windows GB")]
    assert told(AS_OF, followed=False) == [("policy_ending", "contact_windows GB")]
    assert told(AS_OF + 30 * DAYS, followed=True) == []
    assert told(AS_OF - 30 * DAYS, followed=False) == []


def test_an_experiment_that_harms_is_told_of_until_it_has_ended(tower: Tower, tmp_path: Path) -> None:
    (look,) = tower.day.run(
        "insert into ops.experiment_look (generation, as_of) values (1, %s) returning look_id", AS_OF
    )
    for arm, verdict in (("champion", "champion"), ("loud", "stop")):
        row = {"experiment": "words", "arm": arm, "verdict": verdict, "verdict_text": f"{verdict}: complaints"}
        counts = dict.fromkeys(("customers", "measured", "cured", "complaints", "opt_outs", "assignment_chance"), 1)
        named = {"look_id": look[0], "treatment": "standard", "share": 0.5, "least_effect": 0.02}
        tower.day.insert("ops.experiment_verdict", **row, **counts, **named)

    def told(ends: str) -> dict[tuple[str, str], str]:
        rows = [f"words,{arm},0.5,,standard,0.02,2020-01-01,{ends},a letter,verified" for arm in ("champion", "loud")]
        return tower.open(tower.day.at(12), policy_dir=policy_pack(tmp_path / (ends or "open"), experiments=rows))

    assert told("") == {("experiment_to_end", "words"): "words: stop: complaints"}
    assert told(str(AS_OF)) == {}


def test_a_recall_that_does_not_leave_is_told_of(tower: Tower) -> None:
    tower.batch("recall-demo_sms-20200415-01", "written", planned_at=tower.day.at(12))
    assert tower.open(tower.day.at(12, 15)) == {}
    found = tower.open(tower.day.at(12, 16))
    assert list(found) == [("recall_late", "demo_sms")]
    assert "7 rows are to be recalled from demo_sms since 2020-04-15 12:00" in found.popitem()[1]

    tower.day.run("update ops.delivery_batch set state = 'uploaded'")
    assert tower.open(tower.day.at(12, 20)) == {}


def test_a_source_that_nobody_asks_while_lists_are_out_is_told_of(tower: Tower) -> None:
    tower.day.run("update ops.load_batch set started_at = %s", tower.day.at(2))
    assert tower.open(tower.day.at(6, 20)) == {}  # no list is out
    tower.day.insert("ops.sealed_day", generation=1, as_of=AS_OF)
    assert tower.open(tower.day.at(6, 10)) == {}  # nobody asks at night
    assert "asked who has paid at 2020-04-15 02:00" in tower.open(tower.day.at(6, 20))["recall_late", "core_banking"]

    tower.day.run("update ops.load_batch set started_at = %s", tower.day.at(11))
    assert tower.open(tower.day.at(11, 15)) == {}
    assert list(tower.open(tower.day.at(11, 16))) == [("recall_late", "core_banking")]
    assert tower.open(tower.day.at(0) + DAYS) == {}


def test_what_retention_did_not_erase_is_told_of(tower: Tower) -> None:
    now = tower.day.at(12)
    tower.day.run("insert into ops.retention_run (as_of, started_at) values (%s, %s)", AS_OF, now - 2 * HOUR)
    assert tower.open(now) == {}
    assert "did not end" in tower.open(now + 2 * HOUR)["erasure_not_done", "retention"]

    tower.day.run("update ops.retention_run set finished_at = started_at")
    result = {"run_id": 1, "data_class": "customer", "erased": 1, "kept_by_duty": 0, "rule": "x"}
    tower.day.insert("ops.retention_result", **result, still_due=3)
    assert "3 rows are past their time" in tower.open(now)["erasure_not_done", "retention"]

    tower.day.run("update ops.retention_result set still_due = 0")
    assert tower.open(now + MINUTE) == {}
    assert "there is one each night" in tower.open(now + 2 * DAYS)["erasure_not_done", "retention"]
    assert tower.open(now + 2 * DAYS, follow_clock=False) == {}


def test_copies_that_stay_at_a_vendor_are_told_of(tower: Tower) -> None:
    now = tower.day.at(12)
    file = {"batch_id": "sms-demo_sms-20200415-01", "name": "x", "position": 0, "sha256": "", "row_count": 1}
    tower.day.insert("ops.delivery_file", **file, content=b"", erased_at=now - 25 * HOUR)

    assert "1 files erased since" in tower.open(now)["erasure_not_done", "demo_sms"]
    tower.day.run("update ops.delivery_file set removed_at = %s", now)
    assert tower.open(now + MINUTE) == {}


def test_an_overdue_rate_outside_its_forecast_is_told_until_a_month_ends_inside(tower: Tower) -> None:
    """Only the newest month that has ended counts, and only what was forecast for it a month before."""
    tower.day.run(
        "create table marts.overdue_rate_forecast (months_ahead integer, product text, currency text, month date,"
        " actual_rate numeric, low numeric, high numeric, is_outside boolean)"
    )
    ended, before = date(2020, 3, 1), date(2020, 2, 1)
    for product, month, months_ahead, actual in (
        ("auto", ended, 1, "0.0816"),
        ("card", ended, 1, "0.05"),
        ("home", before, 1, "0.09"),
        ("home", ended, 1, "0.05"),
        ("boat", ended, 2, "0.09"),
        ("auto", date(2020, 4, 1), 1, None),
    ):
        tower.day.insert(
            "marts.overdue_rate_forecast", product=product, currency="USD", month=month, months_ahead=months_ahead,
            low="0.03", high="0.07", actual_rate=actual, is_outside=actual and not 0.03 <= float(actual) <= 0.07,
        )  # fmt: skip
    now = tower.day.at(12)

    assert tower.open(now) == {
        ("overdue_rate_outside", "auto USD"): (
            "8.16 % of the principal of auto in USD was overdue at the end of 2020-03; "
            "3.00 to 7.00 % were forecast a month before"
        )
    }

    tower.day.run("update marts.overdue_rate_forecast set is_outside = false where product = 'auto' and is_outside")
    assert tower.open(now) == {}


def test_a_check_that_cannot_be_made_hides_no_other_and_closes_nothing(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = tower.day.at(12)
    outage = {"vendor": "demo_sms", "began_at": now, "failures": 3, "last_failed_at": now, "reason": "Down"}
    tower.day.insert("ops.vendor_outage", **outage, opened_at=now)
    assert list(tower.open(now)) == [("circuit_open", "demo_sms")]
    tower.batch("recall-demo_sms-20200415-01", "written", planned_at=now)

    def broken(*_: object) -> None:
        raise ValueError("customer C-4711")

    monkeypatch.setattr(checks, "current_outages", broken)
    with pytest.raises(CheckBrokenError, match=r"^could not be checked: open_circuits \(ValueError\)$"):
        tower.open(now + HOUR)
    assert tower.day.run("select code from ops.alert where closed_at is null order by code") == [
        ("circuit_open",),
        ("recall_late",),
    ]


def test_before_the_first_build_there_is_nothing_but_late_steps(tower: Tower) -> None:
    tower.day.run("alter table staging.vendors rename to vendors_later")
    try:
        assert tower.open(tower.day.at(12)) == {}
    finally:
        tower.day.run("alter table staging.vendors_later rename to vendors")


def test_every_alert_of_a_check_is_in_the_catalogue_and_has_one_check() -> None:
    codes = [code for of_check in checks.CHECKS.values() for code in of_check]
    assert len(codes) == len(set(codes))
    assert set(codes) <= KINDS.keys()


def test_the_shipped_policy_has_no_rule_that_ends_soon(tower: Tower) -> None:
    assert checks.read_pack(tower.settings.policy_dir).rows
    scene = checks.Scene(tower.day.warehouse, date(2026, 3, 2), tower.day.at(12), tower.settings)
    assert list(checks.ending_policies(scene)) == []


def test_a_model_that_has_drifted_is_told_of_by_its_newest_figures(tower: Tower) -> None:
    tower.day.run(
        "create table marts.model_drift (as_of date, purpose text, model_version text, measure text, name text,"
        " is_alarming boolean)"
    )
    for as_of, measure, name, is_alarming in (
        (AS_OF - DAYS, "feature", "annual_rate", True),
        (AS_OF, "feature", "bureau_score", True),
        (AS_OF, "calibration", "2020-01-31", True),
        (AS_OF, "score", "score", False),
    ):
        row = {"as_of": as_of, "measure": measure, "name": name, "is_alarming": is_alarming}
        tower.day.insert("marts.model_drift", purpose="early_warning", model_version="ew-1", **row)
    now = tower.day.at(12)

    assert tower.open(now) == {
        ("model_drifted", "early_warning"): "ew-1: 2 figures have drifted: outcomes of 2020-01-31, bureau_score"
    }

    tower.day.run("update marts.model_drift set is_alarming = false where as_of = %s", AS_OF)
    assert tower.open(now) == {}
