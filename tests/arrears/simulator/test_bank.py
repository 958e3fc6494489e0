"""The simulated bank: the same for the same seed, sound to the cent, and as late as real borrowers are."""

import filecmp
from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from contract_files import positions, read
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import ArrearsError
from arrears.simulator.bank import simulate, write_bank
from arrears.simulator.calibration import TAPE_RATES, count_transitions, rates
from arrears.simulator.loan_life import WRITE_OFF_AT
from arrears.source.contract import BY_NAME, TABLES
from arrears.source.files import check_files, find_files

START, END = date(2018, 4, 15), date(2020, 4, 15)
BANK = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bank")
    write_bank(directory, loans=3_000, start=START, end=END, seed=11)
    return directory


def own(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without the invented hard cases beside the bank."""
    return [row for row in rows if not row.get("loan_id", "").startswith("SYN-")]


def test_same_seed_same_bytes_and_another_seed_another_bank(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_bank(tmp_path / name, loans=60, start=START, end=END, seed=seed)
    names = [path.name for path in (tmp_path / "a").iterdir()]
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False) == (names, [], [])
    assert "loans.csv" in filecmp.cmpfiles(tmp_path / "a", tmp_path / "c", names, shallow=False)[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"loans": 0}, "at least 1 loan, found 0"),
        ({"end": date(2018, 5, 1)}, "at least 90 days, found 2018-04-15 to 2018-05-01"),
    ],
)
def test_bank_that_cannot_be_played_is_refused(tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ArrearsError, match=said):
        write_bank(tmp_path, **{"loans": 5, "start": START, "end": END, "seed": 1} | arguments)


def test_files_keep_the_contract_and_have_every_table(bank: Path) -> None:
    assert [file.table.name for file in check_files(find_files(bank))] == [table.name for table in TABLES]


def test_number_of_loans_is_as_asked(bank: Path) -> None:
    assert len(own(read(bank, "loans"))) == 3_000


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_keys_are_unique_and_required_columns_filled(bank: Path, table: str) -> None:
    rows = read(bank, table)
    keys = Counter(tuple(row[column] for column in BY_NAME[table].key) for row in rows)
    assert [key for key, count in keys.items() if count > 1] == []
    required = [column.name for column in BY_NAME[table].columns if column.required]
    assert all(row[column] for row in rows for column in required)


def test_references_lead_somewhere(bank: Path) -> None:
    customers = {row["customer_id"] for row in read(bank, "customers")}
    loans = {row["loan_id"] for row in read(bank, "loans")}
    for table in BY_NAME.values():
        for row in read(bank, table.name):
            assert row.get("customer_id", next(iter(customers))) in customers
            assert not row.get("loan_id") or row["loan_id"] in loans


def test_bank_has_countries_products_and_currencies(bank: Path) -> None:
    assert {row["jurisdiction"] for row in read(bank, "customers")} == {"CN", "US", "GB", "IN", "XX"}
    assert {row["product"] for row in own(read(bank, "loans"))} == {"auto", "personal", "card_instalment"}
    currencies = defaultdict(set)
    for row in own(read(bank, "loans")):
        currencies[row["customer_id"]].add(row["currency"])
    assert any(len(found) == 2 for found in currencies.values())


def test_original_schedule_repays_exactly_the_principal(bank: Path) -> None:
    repaid: dict[str, Decimal] = defaultdict(Decimal)
    for row in read(bank, "repayment_schedule"):
        if row["schedule_version"] == "1":
            repaid[row["loan_id"]] += Decimal(row["principal_due"])
    assert repaid == {row["loan_id"]: Decimal(row["principal"]) for row in read(bank, "loans")}


def test_nothing_happens_before_the_loan_or_after_the_end(bank: Path) -> None:
    disbursed = {row["loan_id"]: row["disbursed_on"] for row in read(bank, "loans")}
    for row in read(bank, "loan_transactions"):
        assert disbursed[row["loan_id"]] <= row["effective_on"] <= END.isoformat()
        recorded = datetime.fromisoformat(row["recorded_at"]).astimezone(BANK)
        assert recorded.date().isoformat() == row["effective_on"]
        assert Decimal(row["amount"]) > 0
    assert all(row["due_date"] > disbursed[row["loan_id"]] for row in read(bank, "repayment_schedule"))
    assert all(row["occurred_at"][:10] <= END.isoformat() for row in read(bank, "customer_interactions"))


def test_reversals_take_back_what_was_paid_and_no_more(bank: Path) -> None:
    paid = {row["transaction_id"]: row for row in read(bank, "loan_transactions")}
    reversals = [row for row in paid.values() if row["kind"] == "reversal"]
    assert len(own(reversals)) > 5
    for row in reversals:
        original = paid[row["reverses"]]
        assert (original["kind"], original["loan_id"]) == ("repayment", row["loan_id"])
        assert Decimal(row["amount"]) == Decimal(original["amount"])
        assert row["effective_on"] >= original["effective_on"]
    assert len({row["reverses"] for row in reversals}) == len(reversals)


def test_closed_and_written_off_loans_have_their_day(bank: Path) -> None:
    for row in own(read(bank, "loans")):
        assert (row["status"] == "closed") == bool(row["closed_on"])
        assert (row["status"] == "written_off") == bool(row["written_off_on"])
    statuses = Counter(row["status"] for row in own(read(bank, "loans")))
    assert all(statuses[status] > 0 for status in ("active", "closed", "written_off"))


def test_loans_that_ran_out_are_settled(bank: Path) -> None:
    """A loan closed at maturity has paid all that was due; nobody is behind for longer than the bank waits."""
    found = positions(bank, END)
    for row in own(read(bank, "loans")):
        if row["status"] == "active":
            assert found[row["loan_id"]].days_past_due < 31 * (WRITE_OFF_AT + 2)


def test_relief_of_every_kind_is_granted(bank: Path) -> None:
    kinds = {(row["kind"], row["status"]) for row in own(read(bank, "hardship_arrangements"))}
    assert {"payment_pause", "reduced_payment", "term_extension"} <= {kind for kind, _ in kinds}
    extended = {row["loan_id"] for row in read(bank, "hardship_arrangements") if row["kind"] == "term_extension"}
    assert extended == {row["loan_id"] for row in read(bank, "repayment_schedule") if row["schedule_version"] == "2"}


def test_loans_fall_behind_and_recover_at_the_tape_s_rates(bank: Path) -> None:
    """Tolerances in percentage points: what docs/source.md promises, and room for chance at this size."""
    counts = count_transitions(bank, date(2018, 6, 30), date(2020, 3, 31))
    simulated = rates(counts)
    tolerance = {"0": 0.006, "1": 0.05, "2": 0.08, "3+": 0.16}
    for state, allowed in tolerance.items():
        ends = simulated[state]["closed"] + simulated[state]["written_off"]
        tape_ends = TAPE_RATES[state]["closed"] + TAPE_RATES[state]["written_off"]
        for to in ("0", "1", "2", "3+"):
            # Short loans run out and the bank writes off earlier or later: compare the loans that go on.
            expected, found = TAPE_RATES[state][to] / (1 - tape_ends), simulated[state][to] / (1 - ends)
            assert abs(found - expected) <= allowed, (state, to, found, expected)
    assert sum(count for (state, _), count in counts.items() if state == "1") > 1_000


@pytest.mark.postgres
def test_simulated_bank_becomes_the_source_and_says_that_it_is_invented(
    core_banking: Connection, warehouse: Connection
) -> None:
    report = simulate(core_banking, warehouse, loans=40, start=START, end=END, seed=3)
    assert report.generation == 1
    assert report.description == "simulated bank: 40 loans, 2018-04-15 to 2020-04-15, seed 3"
    with core_banking.cursor() as cursor:
        cursor.execute("select count(*) from core_banking.loans where loan_id not like 'SYN-%'")
        assert cursor.fetchone() == (40,)
        cursor.execute("select distinct origin from core_banking.data_origin")
        assert cursor.fetchall() == [("synthetic",)]
        cursor.execute("select count(*) from core_banking.data_origin")
        assert cursor.fetchone() == (sum(len(table.columns) for table in TABLES),)
