"""The Ally tape in the contract: what is published comes out exactly, what is not is marked."""

import csv
import filecmp
import gzip
from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from contract_files import positions, read
from mini_tape import LOANS, write_mini_tape
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import SourceFileError
from arrears.simulator.calibration import MEASURED_FROM, MEASURED_TO, TAPE_RATES, transition_rates_of
from arrears.source.contract import TABLES
from arrears.source.files import check_files, find_files
from arrears.tapes import ally

CUT_OFF = date(2019, 8, 31)
BANK = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mini_tape(tmp_path_factory.mktemp("mini"))


@pytest.fixture(scope="module")
def mini(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented tape as contract files, without hard cases."""
    out = tmp_path_factory.mktemp("mini-contract")
    ally.write_contract(tape, out, hard_cases=False)
    return out


def of_loan(directory: Path, table: str, loan_id: str) -> list[dict[str, str]]:
    return [row for row in read(directory, table) if row["loan_id"] == loan_id]


def movements(directory: Path, loan_id: str, kind: str) -> list[tuple[str, str]]:
    """Effective days and amounts from the cut-off on."""
    return [
        (row["effective_on"], row["amount"])
        for row in of_loan(directory, "loan_transactions", loan_id)
        if row["kind"] == kind and (row["channel"] != "opening" or row["effective_on"] == "2019-08-31")
    ]


# An invented tape ------------------------------------------------------------------------------------------------
def test_published_days_past_due_come_out_exactly(mini: Path) -> None:
    found = positions(mini, CUT_OFF)
    assert {loan: position.days_past_due for loan, position in found.items()} == {
        loan.loan_id: loan.days_past_due for loan in LOANS
    }


def test_arrears_are_the_next_amount_due_less_one_instalment(mini: Path) -> None:
    found = positions(mini, CUT_OFF)
    behind = {loan.loan_id: Decimal(loan.due_next) - 120 for loan in LOANS if loan.days_past_due}
    assert {loan: found[loan].arrears for loan in behind} == behind


def test_instalment_due_on_the_cut_off_itself_is_not_in_arrears(mini: Path) -> None:
    """31 days behind: due days are the 31st, and the one of 31 August is due that very day."""
    due = {row["due_date"] for row in of_loan(mini, "repayment_schedule", "1006")}
    assert {"2019-07-31", "2019-08-31", "2019-09-30", "2020-02-29"} <= due


def test_what_exceeds_whole_instalments_is_a_fee_on_the_oldest_unpaid_one(mini: Path) -> None:
    fees = {
        (row["loan_id"], row["due_date"]): row["fee_due"]
        for row in read(mini, "repayment_schedule")
        if row["fee_due"] != "0.00"
    }
    assert fees == {("1005", "2019-08-18"): "1.80"}


def test_due_day_is_published_or_assumed_from_the_last_payment_capped_at_28(mini: Path) -> None:
    first_due = {
        row["loan_id"]: row["due_date"] for row in read(mini, "repayment_schedule") if row["instalment_no"] == "1"
    }
    assert first_due["1001"] == "2019-03-20"
    assert first_due["1002"] == "2019-03-28"
    assert first_due["1003"] == "2019-03-21"


def test_loan_paid_ahead_has_an_opening_credit(mini: Path) -> None:
    assert movements(mini, "1007", "repayment") == [("2019-08-31", "120.00")]
    assert movements(mini, "1001", "repayment") == []


def test_surplus_due_of_a_loan_that_is_not_behind_is_left_alone(mini: Path) -> None:
    """The published status says 0 days; a few dollars more on the bill are not arrears."""
    assert movements(mini, "1008", "repayment") == []


def test_schedule_repays_the_loan_and_its_last_instalment_clears_the_balance(mini: Path) -> None:
    rows = of_loan(mini, "repayment_schedule", "1001")
    assert len(rows) == 72
    assert {Decimal(row["principal_due"]) + Decimal(row["interest_due"]) for row in rows[:-1]} == {Decimal("120.00")}
    assert sum(Decimal(row["principal_due"]) for row in rows) == Decimal("7200.00")
    assert rows[-1]["due_date"] == "2025-02-20"


def test_payoff_closes_the_loan(mini: Path) -> None:
    [loan] = of_loan(mini, "loans", "1009")
    assert (loan["status"], loan["closed_on"], loan["written_off_on"]) == ("closed", "2019-10-31", "")
    assert movements(mini, "1009", "repayment") == [("2019-09-30", "140.00"), ("2019-10-31", "6650.55")]


def test_loan_without_a_balance_at_the_cut_off_was_paid_off_by_then(mini: Path) -> None:
    [loan] = of_loan(mini, "loans", "1016")
    assert (loan["status"], loan["closed_on"]) == ("closed", "2019-08-31")


def test_overpayment_at_payoff_closes_the_loan_once(mini: Path) -> None:
    [loan] = of_loan(mini, "loans", "1015")
    assert (loan["status"], loan["closed_on"]) == ("closed", "2019-09-30")
    assert movements(mini, "1015", "reversal") == []


def test_charge_off_writes_the_loan_off_and_recoveries_are_not_the_borrower_s_payments(mini: Path) -> None:
    [loan] = of_loan(mini, "loans", "1010")
    assert (loan["status"], loan["written_off_on"], loan["closed_on"]) == ("written_off", "2019-10-31", "")
    assert movements(mini, "1010", "write_off") == [("2019-10-31", "6600.00")]
    assert movements(mini, "1010", "recovery") == [("2019-11-30", "55.50")]
    assert movements(mini, "1010", "repayment") == [("2019-09-30", "140.00")]


@pytest.mark.parametrize(
    ("loan_id", "reversed_amount", "why"),
    [
        ("1011", "140.00", "the rise is the whole principal of the payment: all of it went back"),
        ("1012", "100.00", "only a part is seen to have gone back"),
        ("1013", "6750.00", "a payoff that bounced"),
    ],
)
def test_balance_that_rises_without_new_money_is_a_reversal(
    mini: Path, loan_id: str, reversed_amount: str, why: str
) -> None:
    assert movements(mini, loan_id, "reversal") == [("2019-10-31", reversed_amount)], why
    [reversal] = [row for row in of_loan(mini, "loan_transactions", loan_id) if row["kind"] == "reversal"]
    assert reversal["reverses"] == f"{loan_id}-P01"
    assert of_loan(mini, "loans", loan_id)[0]["status"] == "active"


def test_balance_that_rises_by_the_month_s_own_money_is_not_a_reversal(mini: Path) -> None:
    assert movements(mini, "1014", "reversal") == []


def test_borrower_is_as_published_and_otherwise_invented(mini: Path) -> None:
    customers = {row["customer_id"]: row for row in read(mini, "customers")}
    assert customers["C1001"]["credit_score"] == "700"
    assert customers["C1001"]["monthly_income"] == "3000.00"
    assert customers["C1001"]["time_zone"] == "America/Los_Angeles"
    assert (customers["C1002"]["credit_score"], customers["C1002"]["credit_score_on"]) == ("", "")
    assert customers["C1002"]["time_zone"] == ""
    assert {row["jurisdiction"] for row in customers.values()} == {"US"}


def test_same_tape_same_bytes(tape: Path, tmp_path: Path) -> None:
    ally.write_contract(tape, tmp_path / "a")
    ally.write_contract(tape, tmp_path / "b")
    names = [path.name for path in (tmp_path / "a").iterdir()]
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False) == (names, [], [])


def test_rates_of_a_tape_are_measured_between_its_month_ends(tape: Path) -> None:
    """At the cut-off 11 loans are not behind, 3 are by one instalment and 1 by two; a month later nearly all are."""
    measured = ally.transition_rates(tape, CUT_OFF, date(2019, 9, 30))
    assert {state: sum(row.values()) for state, row in measured.items()} == {"0": 1.0, "1": 1.0, "2": 1.0}
    assert measured["2"] == {"0": 0, "1": 0, "2": 0, "3+": 1.0, "closed": 0, "written_off": 0}
    assert measured["0"]["closed"] == pytest.approx(1 / 11)


def test_tape_without_a_file_is_refused(tape: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceFileError, match=r"loans\.csv\.gz is missing: the Ally tape is"):
        ally.read_tape(tmp_path)


def test_tape_without_a_column_is_refused(tape: Path, tmp_path: Path) -> None:
    write_mini_tape(tmp_path)
    path = next(tmp_path.glob("*loans*"))
    path.write_bytes(
        gzip.compress(gzip.decompress(path.read_bytes()).replace(b"currentDelinquencyStatus", b"status", 1))
    )
    with pytest.raises(SourceFileError, match="the column 'currentDelinquencyStatus' is missing"):
        ally.read_tape(tmp_path)


def test_tape_with_an_amount_that_is_none_is_refused(tape: Path, tmp_path: Path) -> None:
    write_mini_tape(tmp_path)
    path = next(tmp_path.glob("*loans*"))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b",7200,", b",7200 USD,", 1)))
    with pytest.raises(
        SourceFileError, match="line 2, column originalLoanAmount: expected an amount, found '7200 USD'"
    ):
        ally.read_tape(tmp_path)


@pytest.mark.postgres
def test_tape_becomes_the_source_and_every_column_says_where_it_comes_from(
    core_banking: Connection, warehouse: Connection, tape: Path
) -> None:
    for generation in (1, 2):
        report = ally.load_tape(core_banking, warehouse, tape, description="demo tape")
        assert (report.generation, report.description) == (generation, "demo tape")
    with core_banking.cursor() as cursor:
        cursor.execute("select count(*) from core_banking.loans where loan_id not like 'SYN-%'")
        assert cursor.fetchone() == (len(LOANS),)
        cursor.execute("select table_name, column_name from core_banking.data_origin where note <> ''")
        assert set(cursor.fetchall()) == {(table.name, column.name) for table in TABLES for column in table.columns}
        cursor.execute("select origin from core_banking.data_origin where column_name in ('full_name', 'value')")
        assert set(cursor.fetchall()) == {("synthetic",)}
        cursor.execute("select count(distinct table_name) from core_banking.feed_status")
        assert cursor.fetchone() == (len(TABLES) - 1,)


# The real one ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real tape as contract files, with the hard cases."""
    out = tmp_path_factory.mktemp("real-contract")
    ally.write_contract(real_data, out)
    return out


@pytest.fixture(scope="module")
def published(real_data: Path) -> dict[str, dict[str, str]]:
    """The static rows as filed, by loan."""
    with gzip.open(real_data / "ally_aart2895_2019_loans.csv.gz", "rt", newline="") as file:
        return {row["assetNumber"]: row for row in csv.DictReader(file)}


def without_hard_cases(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if not row["loan_id"].startswith("SYN-")]


def test_real_tape_keeps_the_contract(real: Path) -> None:
    assert check_files(find_files(real))


def test_all_225_published_statuses_come_out_exactly(real: Path, published: dict[str, dict[str, str]]) -> None:
    found = positions(real, CUT_OFF)
    days = {loan: int(row["currentDelinquencyStatus"]) for loan, row in published.items()}
    assert sum(status > 0 for status in days.values()) == 225
    assert {loan: found[loan].days_past_due for loan in days} == days


def test_published_arrears_come_out_to_the_cent(real: Path, published: dict[str, dict[str, str]]) -> None:
    found = positions(real, CUT_OFF)
    behind = {
        loan: Decimal(row["nextReportingPeriodPaymentAmountDue"])
        - Decimal(row["reportingPeriodScheduledPaymentAmount"])
        for loan, row in published.items()
        if row["currentDelinquencyStatus"] != "0"
    }
    assert {loan: found[loan].arrears for loan in behind} == behind
    fees = {
        row["loan_id"]: row["fee_due"]
        for row in without_hard_cases(read(real, "repayment_schedule"))
        if row["fee_due"] != "0.00"
    }
    assert sorted(fees.values()) == ["0.60", "1.80"]


def test_real_counts_are_those_of_the_tape(real: Path, published: dict[str, dict[str, str]]) -> None:
    loans = without_hard_cases(read(real, "loans"))
    assert {row["loan_id"] for row in loans} == set(published)
    assert Counter(row["status"] for row in loans) == {"active": 1094, "closed": 1713, "written_off": 88}
    kinds = Counter(row["kind"] for row in without_hard_cases(read(real, "loan_transactions")))
    assert (kinds["write_off"], kinds["recovery"]) == (88, 27)


def test_ends_agree_with_the_authors_flags(real: Path, published: dict[str, dict[str, str]]) -> None:
    """R: repaid. D: three months without a payment, whatever came after. Two ways to look at the same loans."""
    ends = Counter(
        (
            row["status"],
            "R" if published[row["loan_id"]]["R"] == "1" else "D" if published[row["loan_id"]]["D"] == "1" else "C",
        )
        for row in without_hard_cases(read(real, "loans"))
    )
    assert ends == {
        ("closed", "R"): 1713,
        ("active", "C"): 864,
        ("active", "D"): 223,
        ("written_off", "D"): 87,
        ("active", "R"): 7,
        ("written_off", "R"): 1,
    }


def test_real_payments_are_those_of_the_tape_to_the_cent(real: Path, real_data: Path) -> None:
    with gzip.open(real_data / "ally_aart2895_2019_monthly.csv.gz", "rt", newline="") as file:
        filed: dict[str, Decimal] = defaultdict(Decimal)
        for row in csv.DictReader(file):
            if int(row["month_index"]) >= 1 and Decimal(row["totalActualAmountPaid_PMT"] or 0) > 0:
                filed[row["assetNumber"]] += Decimal(row["totalActualAmountPaid_PMT"])
    booked: dict[str, Decimal] = defaultdict(Decimal)
    for row in without_hard_cases(read(real, "loan_transactions")):
        if row["kind"] == "repayment" and row["channel"] != "opening":
            booked[row["loan_id"]] += Decimal(row["amount"])
    assert booked == filed


def test_nothing_is_recorded_before_it_was_effective(real: Path) -> None:
    for row in read(real, "loan_transactions"):
        recorded_on = datetime.fromisoformat(row["recorded_at"]).astimezone(BANK).date()
        assert recorded_on == date.fromisoformat(row["effective_on"])


def test_no_two_real_borrowers_share_a_number(real: Path) -> None:
    numbers = [
        row["value"]
        for row in read(real, "contact_points")
        if row["kind"] == "mobile" and "shared-number" not in row["customer_id"]
    ]
    assert len(set(numbers)) == len(numbers)


def test_constants_of_the_simulation_are_what_the_tape_says(real: Path) -> None:
    measured = transition_rates_of(real, MEASURED_FROM, MEASURED_TO)
    for state, row in TAPE_RATES.items():
        assert sum(row.values()) == pytest.approx(1, abs=0.0002)
        for to, rate in row.items():
            assert measured[state][to] == pytest.approx(rate, abs=0.0002), (state, to)
