"""The check of policy packs: the shipped ones pass, and each way to break one is found where it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from marts_warehouse import policy_pack
from typer.testing import CliRunner

from arrears.cli.main import app
from arrears.errors import ConfigurationError
from arrears.operators.marts import BuildMartsOperator
from arrears.policy.check import check, require_sound
from arrears.policy.schema import POLICY_SCHEMA, tables
from arrears.settings import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "dbt_project" / "seeds" / "policy"
FAR = "1900-01-01,,Bank policy 1,verified"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return policy_pack(tmp_path / "packs")


def _change(pack: Path, table: str, old: str, new: str) -> None:
    path = pack / f"{table}.csv"
    text = path.read_text()
    assert old in text, f"{table}.csv has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def _drop(pack: Path, table: str, *beginnings: str) -> None:
    path = pack / f"{table}.csv"
    kept = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith(beginnings)]
    path.write_text("".join(kept))


def _found(pack: Path) -> list[tuple[str, str | None, str]]:
    return [(finding.file.removesuffix(".csv"), finding.column, str(finding)) for finding in check(pack).findings]


def test_shipped_packs_are_sound() -> None:
    pack = check(SHIPPED)

    assert pack.findings == []
    assert set(pack.rows) == set(tables())
    jurisdictions = {row["jurisdiction"] for row in pack.of("contact_rules")}
    assert jurisdictions == {"CN", "US", "GB", "IN", "EU", "DEFAULT"}


ROW = "DEFAULT,sms,attempt,customer,1,1,hard"
CHANGES: dict[str, tuple[str, str, str, str, str]] = {
    # what: table, from, to, column, what the finding says
    "jurisdiction": ("contact_windows", "GB,,,", "UK,,,", "jurisdiction", "found UK"),
    "channel": ("contact_limits", "DEFAULT,sms", "DEFAULT,fax", "channel", "found fax"),
    "counted": ("contact_limits", ROW, ROW.replace("attempt", "try"), "counted", "found try"),
    "per": ("contact_limits", ROW, ROW.replace("customer", "household"), "per", "one of customer, loan, contact_point"),
    "strength": ("contact_limits", ROW, ROW.replace("hard", "soft"), "strength", "found soft"),
    "weekday": ("contact_windows", "field_visit,holiday", "field_visit,monday", "weekday", "found monday"),
    "reason": ("contact_rules", "DEFAULT,DECEASED", "DEFAULT,DEAD", "reason_code", "found DEAD"),
    "unknown reason": ("suppression_reasons", "FRAUD_VICTIM,13", "FRAUD,13", "reason_code", "found FRAUD"),
    "condition": ("treatments", "lost_contact", "lost", "requires", "found lost"),
    "tier": ("treatments", "\nM2,,,phone", "\nM99,,,phone", "tier", "found M99"),
    "unordered window": ("contact_windows", "08:00,19:00", "19:00,08:00", "closes", "a time after 19:00, found 08:00"),
    "half a window": ("contact_windows", "08:00,19:00", "08:00,", "closes", "found nothing"),
    "time": ("contact_windows", "08:00,19:00", "8am,19:00", "opens", "a time of day such as 08:00, found 8am"),
    "number": ("contact_limits", ROW, ROW.replace("1,1", "1,one"), "at_most", "a whole number, found one"),
    "negative": ("contact_limits", ROW, ROW.replace("1,1", "1,-1"), "at_most", "a number of at least 0, found -1"),
    "no days": ("contact_limits", ROW, ROW.replace("1,1", "0,1"), "days", "a number of at least 1, found 0"),
    "amount": ("delinquency_parameters", "0.00,", "0.005,", "tolerance", "at most 2 decimals, found 0.005"),
    "date": ("contact_limits", ROW + ",1900-01-01", ROW + ",1900-02-30", "valid_from", "found 1900-02-30"),
    "end before beginning": (
        "contact_limits", ROW + ",1900-01-01,", ROW + ",1900-01-01,1899-12-31", "valid_to", "a day after 1900-01-01"
    ),
    "source": ("contact_limits", ROW + ",1900-01-01,,Sample policy of the shipped pack section 5.1",
               ROW + ",1900-01-01,,", "source", "a value, found nothing"),
    "confidence": ("contact_rules", "section 3.3,unverified", "section 3.3,sure", "confidence", "found sure"),
    "parameter": ("contact_rules", "minimum_amount=10.00", "minimum=10.00", "parameter", "found minimum=10.00"),
    "too few people": ("contact_rules", "approvers=2", "approvers=1", "parameter", "approvers=2, found approvers=1"),
    "people whom nobody asks": (
        "contact_rules", "approvers=2", "approvers=3", "parameter", "approvers=2, found approvers=3"
    ),
    "value of a parameter": (
        "contact_rules", "longest_wait_days=10", "longest_wait_days=0", "parameter", "a number of days of at least 1"
    ),
    "days of a rule": ("contact_rules", "PAUSE,phone,7", "PAUSE,phone,soon", "blocks_until", "soon"),
    "days past due": ("delinquency_tiers", "DEFAULT,,M2,31,60", "DEFAULT,,M2,32,60", "dpd_from", "31: each day"),
    "end of days past due": ("asset_classes", "CN,loss,361,", "CN,loss,361,500", "dpd_to", "from 501 on"),
    "a parameter that does nothing": (
        "contact_rules", "PROMISE_OPEN,,lifted,", "PROMISE_OPEN,,lifted,joint_debtors=true", "parameter",
        "nothing for PROMISE_OPEN",
    ),
    "reminded by another name": (
        "delinquency_tiers", "DEFAULT,,pre_due,0", "DEFAULT,,soon_due,0", "tier", "pre_due, as it has due_within_days"
    ),
    "reminded of nothing": (
        "delinquency_tiers", "DEFAULT,,M2,31", "DEFAULT,,pre_due,31", "due_within_days", "as the tier is pre_due"
    ),
    "negative days": ("retention", "DEFAULT,quarantine,0", "DEFAULT,quarantine,-1", "kept_at_least_days", "at least 0"),
    "erased too soon": (
        "retention", "DEFAULT,customer,3650,3650", "DEFAULT,customer,3650,3649", "erased_after_days", "at least 3650"
    ),
    "an offer for no sum": (
        "hardship_offers", "DEFAULT,LONGER_TERM,term_extension,,,,,", "DEFAULT,LONGER_TERM,term_extension,,,,5.00,4.00",
        "owed_to", "at least 5.00",
    ),
    "an endless offer": (
        "hardship_offers", "term_extension,,,,,,60", "term_extension,,,,,,601", "longest_term_months", "at most 600"
    ),
    "overlapping treatments": ("treatments", "M1,8,30,sms", "M1,7,30,sms", "dpd_from", "an overlap with line"),
    "header": ("contact_limits", "at_most,", "most,", "at_most", "expected the column, found none"),
    "cells": ("contact_limits", ROW, ROW + ",1", None, "expected 11 cells, found 12"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_malformed_pack_is_refused_with_line_and_column(pack: Path, what: str) -> None:
    table, old, new, column, says = CHANGES[what]
    text = (pack / f"{table}.csv").read_text()
    _change(pack, table, old, new)

    found = [finding for finding in check(pack).findings if finding.file == f"{table}.csv" and finding.column == column]

    assert any(says in str(finding) for finding in found), [str(finding) for finding in check(pack).findings]
    line = text[: text.index(old) + (old[0] == "\n")].count("\n") + 1
    assert line in {finding.line for finding in found}


def test_overlap_names_both_lines(tmp_path: Path) -> None:
    pack = policy_pack(tmp_path, contact_limits=["GB,,attempt,customer,1,3,hard,2026-01-01,,Bank policy 1,verified"])
    lines = (SHIPPED / "contact_limits.csv").read_text().splitlines()
    first = next(number for number, line in enumerate(lines, 1) if line.startswith("GB,,attempt,customer,1,"))

    assert [finding[2] for finding in _found(pack)] == [
        f"contact_limits.csv, line {len(lines) + 1}, column valid_from: expected one row in force a day,"
        f" found 2026-01-01, an overlap with line {first}"
        " (open; jurisdiction GB, counted attempt, per customer, days 1)"
    ]


def test_gap_between_two_rows_of_a_rule_is_refused(pack: Path) -> None:
    _change(pack, "contact_windows", "US,,,08:00,21:00,2021-11-30", "US,,,08:00,21:00,2021-12-15")

    ((table, column, text),) = _found(pack)

    assert (table, column) == ("contact_windows", "valid_from")
    assert "expected 2021-11-30, found 2021-12-15, a gap after line" in text


@pytest.mark.parametrize(
    ("table", "beginnings", "says"),
    [
        ("contact_limits", ("GB,",), "rows of GB for every day from 1900-01-01 on, found none from 1900-01-01"),
        ("contact_windows", ("DEFAULT,",), "rows of DEFAULT for every day"),
        ("asset_classes", ("DEFAULT,",), "rows of DEFAULT for every day"),
        ("suppression_reasons", ("VENDOR_DOWN,",), "VENDOR_DOWN for every day"),
        ("delinquency_tiers", ("GB,,write_off",), "a tier for written-off loans of GB"),
        ("retention", ("DEFAULT,vendor_note",), "vendor_note of DEFAULT for every day"),
    ],
)
def test_what_is_missing_is_named(pack: Path, table: str, beginnings: tuple[str, ...], says: str) -> None:
    _drop(pack, table, *beginnings)

    assert any(says in text for name, _, text in _found(pack) if name == table), _found(pack)


@pytest.mark.parametrize(
    ("table", "line", "column", "says"),
    [
        (
            "contact_limits",
            f"IN,phone,attempt,customer,7,3,hard,{FAR}",
            "at_most",
            "at most 3 attempt in 7 days by phone",
        ),
        ("contact_windows", f"IN,phone,sun,10:00,12:00,{FAR}", "opens", "hours within 10:00-12:00 for phone (sun)"),
        ("contact_windows", f"EU,sms,holiday,,,{FAR}", "opens", "no hours for sms (holiday)"),
        ("contact_rules", f"CN,CONVERSATION_PAUSE,sms,3,,{FAR}", "blocks_until", "CONVERSATION_PAUSE for sms, 3"),
    ],
)
def test_default_may_not_be_looser_than_any_pack(tmp_path: Path, table: str, line: str, column: str, says: str) -> None:
    found = _found(policy_pack(tmp_path, **{table: [line]}))

    assert [(name, where) for name, where, _ in found] == [(table, column)]
    assert says in found[0][2]


def test_default_may_not_ask_less_than_a_pack(pack: Path) -> None:
    _change(
        pack,
        "contact_rules",
        "GB,BELOW_MINIMUM,,lifted,minimum_amount=10.00",
        "GB,BELOW_MINIMUM,,lifted,minimum_amount=20.00",
    )

    assert [(table, column) for table, column, _ in _found(pack)] == [("contact_rules", "parameter")]


def test_every_finding_is_told_in_one_run(pack: Path) -> None:
    _change(pack, "contact_windows", "08:00,19:00", "19:00,08:00")
    _change(pack, "contact_limits", "DEFAULT,sms", "DEFAULT,fax")
    _change(pack, "contact_rules", "section 3.3,unverified", "section 3.3,sure")
    (pack / "treatments.csv").unlink()
    (pack / "limits.csv").write_text("a\n1\n")

    assert {table for table, _, _ in _found(pack)} == {
        "contact_limits",
        "contact_rules",
        "contact_windows",
        "limits",
        "treatments",
    }


def test_rules_of_a_bank_may_be_stricter_and_of_a_new_jurisdiction(tmp_path: Path) -> None:
    """What a compliance officer would do: another pack, a tighter limit, a change that lies ahead."""
    pack = policy_pack(
        tmp_path,
        contact_windows=[f"SG,,,09:00,18:00,{FAR}", "DEFAULT,,sat,10:00,17:00,2099-01-01,,Bank policy 2,verified"],
        contact_limits=[f"SG,,attempt,customer,1,4,hard,{FAR}"],
        contact_rules=[f"SG,DECEASED,,lifted,,{FAR}"],
        required_courses=["GB,phone,breathing_space,365,2099-01-01,,Bank policy 3,verified"],
    )
    _change(pack, "contact_windows", "DEFAULT,,,08:00,19:00", "DEFAULT,,,09:00,18:00")

    assert _found(pack) == []


def test_a_rule_may_change_over_time(pack: Path) -> None:
    """As docs/policy.md has it: the old row ends, and the new one begins, on the same day."""
    end = "1900-01-01,2099-01-01,Bank policy 1,verified"
    begin = "2099-01-01,,Bank policy 2,verified"
    for table, rule in (
        ("suppression_reasons", "FRAUD_VICTIM,13,The customer is reported as the victim of a fraud,legal"),
        ("treatments", "M2,,,phone,CARE_OFFER,firm,1,"),
    ):
        old = next(line for line in (pack / f"{table}.csv").read_text().splitlines() if line.startswith(rule[:15]))
        _change(pack, table, old, f"{rule},{end}\n{rule},{begin}")

    assert _found(pack) == []


def test_dbt_asks_of_no_seed_that_a_rule_never_changes() -> None:
    """A build would be red for what the check lets pass."""
    for path in POLICY_SCHEMA.glob("*.yml"):
        for seed in yaml.safe_load(path.read_text())["seeds"]:
            assert not [column["name"] for column in seed["columns"] if "unique" in column.get("data_tests", ())]
            for test in seed.get("data_tests", ()):
                columns = test.get("unique_combination", {}).get("arguments", {}).get("columns")
                assert columns is None or "valid_from" in columns, seed["name"]


def test_command_prints_what_is_in_force_and_what_is_to_come(tmp_path: Path) -> None:
    pack = policy_pack(tmp_path, required_courses=["GB,phone,breathing_space,365,2099-01-01,,Bank policy 3,verified"])

    printed = CliRunner().invoke(app, ["policy", "check", str(pack), "--as-of", "2026-03-18"], env={"COLUMNS": "200"})

    assert printed.exit_code == 0
    for text in (
        "all 08:00-21:00",
        "phone 7 in 7 d per loan (presumption)",
        "breathing_space",
        "GB/T 45251-2025",
        "fine",
    ):
        assert text in printed.output, printed.output


def test_command_refuses_a_malformed_pack(pack: Path) -> None:
    _change(pack, "contact_windows", "08:00,19:00", "19:00,08:00")

    printed = CliRunner().invoke(app, ["policy", "check", str(pack)])

    assert printed.exit_code == 1
    assert "contact_windows.csv, line 2, column closes" in printed.output


@pytest.mark.parametrize("shows", [require_sound, lambda _: BuildMartsOperator(task_id="build").execute({})])
def test_no_day_is_built_by_a_malformed_pack(
    pack: Path, monkeypatch: pytest.MonkeyPatch, shows: Callable[[Path], object]
) -> None:
    """Before anything else: neither a database nor the day is asked for."""
    _change(pack, "contact_limits", "DEFAULT,sms", "DEFAULT,fax")
    monkeypatch.setenv("ARREARS_POLICY_DIR", str(pack))

    with pytest.raises(ConfigurationError, match=r"policy packs in .*contact_limits\.csv, line \d+, column channel"):
        shows(pack)
