"""The hard cases are what they claim to be, on whatever day they are made for."""

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from contract_files import positions, read

from arrears.simulator.book import Book
from arrears.simulator.hard_cases import CASES, add_hard_cases
from arrears.simulator.staff import add_collectors
from arrears.source.files import check_files, find_files
from arrears.source.writer import ContractWriter

BANK = ZoneInfo("Asia/Shanghai")


def write(directory: Path, as_of: date) -> Path:
    with ContractWriter(directory) as writer:
        book = Book(writer, BANK)
        add_collectors(book, as_of - timedelta(days=200), as_of)
        add_hard_cases(book, as_of)
        book.feeds_complete_to(as_of)
    return directory


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("cases"), date(2019, 8, 31))


@pytest.mark.parametrize("as_of", [date(2019, 8, 31), date(2020, 2, 29), date(2020, 4, 15), date(2021, 3, 31)])
def test_each_case_is_behind_as_it_says(tmp_path: Path, as_of: date) -> None:
    found = positions(write(tmp_path, as_of), as_of)
    expected = {case.loan_id: case.days_behind for case in CASES}
    expected["SYN-L-forborne"] = 12
    # A part payment of an instalment due today leaves it in arrears tomorrow, not today.
    assert {loan: found[loan].days_past_due for loan in expected} == expected


def test_every_file_keeps_the_contract(cases: Path) -> None:
    assert len(check_files(find_files(cases))) == len(list(cases.iterdir()))


def test_all_ids_are_marked(cases: Path) -> None:
    for table, column in [
        ("customers", "customer_id"),
        ("loans", "loan_id"),
        ("customer_interactions", "interaction_id"),
    ]:
        assert all(row[column].startswith("SYN-") for row in read(cases, table))


def test_lost_customers_are_lost_by_one_of_the_two_meanings(cases: Path) -> None:
    valid = {row["customer_id"]: row["is_valid"] for row in read(cases, "contact_points") if row["kind"] == "mobile"}
    calls = defaultdict(list)
    for row in read(cases, "customer_interactions"):
        calls[row["customer_id"]].append(row)
    for case in CASES:
        if case.name.startswith("lost-number"):
            assert valid[case.customer_id] == "false"
        if case.name.startswith("lost-unanswered"):
            attempts = calls[case.customer_id]
            assert len(attempts) >= 5
            assert len({row["occurred_at"][:10] for row in attempts}) >= 3
            assert len({row["occurred_at"][11:13] for row in attempts}) == 2
            assert {row["disposition"] for row in attempts} == {"no_answer"}
            assert all(date(2019, 8, 1) <= date.fromisoformat(row["occurred_at"][:10]) for row in attempts)


def test_wilful_customers_refused_or_broke_two_promises_and_could_pay(cases: Path) -> None:
    income = {row["customer_id"]: float(row["monthly_income"] or 0) for row in read(cases, "customers")}
    instalment = {row["loan_id"]: row for row in read(cases, "repayment_schedule") if row["instalment_no"] == "1"}
    calls = read(cases, "customer_interactions")
    wilful = [case for case in CASES if case.name.startswith("wilful")]
    assert sum(not case.flags and case.days_behind >= 151 for case in wilful) >= 3
    for case in wilful:
        own = [row for row in calls if row["customer_id"] == case.customer_id]
        refused = [row for row in own if row["disposition"] == "refused"]
        broken = [row for row in own if row["disposition"] == "promise_to_pay" and row["promise_on"] < "2019-08-28"]
        assert refused or len(broken) == 2
        assert all(date(2019, 6, 2) < date.fromisoformat(row["occurred_at"][:10]) for row in refused + broken)
        due = instalment[case.loan_id]
        assert income[case.customer_id] >= 3 * (float(due["principal_due"]) + float(due["interest_due"]))


def test_no_call_falls_into_the_last_week(cases: Path) -> None:
    """A conversation in it would forbid today's call."""
    assert all(
        date.fromisoformat(row["occurred_at"][:10]) <= date(2019, 8, 23) for row in read(cases, "customer_interactions")
    )


def test_every_reason_to_leave_alone_has_a_case(cases: Path) -> None:
    flags = {row["flag"] for row in read(cases, "customer_flags")}
    known = "deceased bankruptcy legal_proceedings represented cease_contact erasure_requested active_military"
    known += " fraud_victim disputed vulnerable moratorium hardship_requested no_visits unsafe_address"
    assert flags == {*known.split(), "prefers_letters"}


def test_shared_number_is_shared_by_two_and_all_others_are_not(cases: Path) -> None:
    owners = defaultdict(set)
    for row in read(cases, "contact_points"):
        if row["kind"] == "mobile":
            owners[row["value"]].add(row["customer_id"])
    assert [sorted(found) for found in owners.values() if len(found) > 1] == [
        ["SYN-C-shared-number-a", "SYN-C-shared-number-b"]
    ]


def test_special_situations_are_there(cases: Path) -> None:
    assert {(row["loan_id"], row["kind"]) for row in read(cases, "hardship_arrangements")} == {
        ("SYN-L-forborne", "term_extension"),
        ("SYN-L-paused", "payment_pause"),
    }
    assert {row["role"] for row in read(cases, "loan_parties")} == {"co_debtor", "guarantor"}
    currencies = {row["currency"] for row in read(cases, "loans") if row["customer_id"] == "SYN-C-two-currencies"}
    assert currencies == {"USD", "EUR"}
    assert [row["jurisdiction"] for row in read(cases, "customers") if row["customer_id"].endswith("jurisdiction")] == [
        "XX"
    ]
    written_off = [row for row in read(cases, "loans") if row["status"] == "written_off"]
    assert [row["written_off_on"] for row in written_off] == ["2019-08-11"]
    refused = {
        (row["customer_id"], row["channel"]) for row in read(cases, "contact_consents") if row["consent"] == "refused"
    }
    assert refused == {("SYN-C-refused-sms", "sms"), ("SYN-C-refused-phone", "phone")}


def test_every_demo_vendor_has_trained_collectors_and_one_whose_training_lapsed(cases: Path, tmp_path: Path) -> None:
    vendors = {(row["vendor"], row["channel"]) for row in read(cases, "collectors")}
    assert vendors == {
        ("demo_sms", "sms"),
        ("demo_call", "phone"),
        ("demo_visit", "field_visit"),
        ("demo_law", "legal"),
        ("demo_care", "care"),
    }
    with ContractWriter(tmp_path) as writer:
        add_collectors(Book(writer, BANK), date(2018, 1, 1), date(2019, 8, 31))
    newest: dict[str, str] = {}
    for row in read(tmp_path, "collector_training"):
        newest[row["collector_id"]] = max(row["valid_until"], newest.get(row["collector_id"], ""))
    lapsed = [collector for collector, until in newest.items() if until < "2019-08-31"]
    assert len(newest) == 21
    assert len(lapsed) == 5
