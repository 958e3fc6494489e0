"""Tapes as filed in the contract: what a servicer published comes out, and nothing else does."""

import filecmp
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from contract_files import positions, read
from issuer import Issuer, Row, days_late, write_csv, write_xml
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import SourceFileError
from arrears.source.contract import BY_NAME
from arrears.source.files import check_files, find_files
from arrears.tapes.abs_ee import TapeSummary, load_tape, write_contract

ENDS = {
    month: date(2021, month, days) for month, days in ((1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31))
}


def month(number: int, asset: str = "A1", **values: str) -> Row:
    """One month of 2021 of a loan of 6,000.00 without interest, paid on time unless told otherwise.

    60 instalments of 100.00 are due from July 2020 on; 5,300.00 are left at the end of January.
    """
    before = 6000 - 100 * (number + 5)
    filed = {
        "assetNumber": asset,
        "reportingPeriodBeginningDate": f"{number:02d}-01-2021",
        "reportingPeriodEndingDate": f"{ENDS[number]:%m-%d-%Y}",
        "originatorName": "Alpha",
        "originationDate": "06/2020",
        "originalLoanAmount": "6000",
        "originalLoanTerm": "60",
        "loanMaturityDate": "06/2025",
        "originalInterestRatePercentage": "0",
        "originalFirstPaymentDate": "07/2020",
        "reportingPeriodScheduledPaymentAmount": "100",
        "nextReportingPeriodPaymentAmountDue": "100",
        "currentDelinquencyStatus": "0",
        "interestPaidThroughDate": f"{number:02d}-20-2021",
        "reportingPeriodBeginningLoanBalanceAmount": str(before),
        "reportingPeriodActualEndBalanceAmount": str(before - 100),
        "totalActualAmountPaid": "100",
        "actualPrincipalCollectedAmount": "100",
        "actualOtherCollectedAmount": "0",
        "chargedoffPrincipalAmount": "-",
        "recoveredAmount": "-",
        "zeroBalanceCode": "-",
        "paymentExtendedNumber": "0",
    }
    return filed | values


UNPAID = {"totalActualAmountPaid": "0", "actualPrincipalCollectedAmount": "0"}


def late(number: int, days: int, billed: str = "200", balance: str = "5300", **values: str) -> Row:
    """A month in which nothing was paid, with what the servicer reports."""
    filed = UNPAID | {
        "currentDelinquencyStatus": str(days),
        "nextReportingPeriodPaymentAmountDue": billed,
        "reportingPeriodBeginningLoanBalanceAmount": balance,
        "reportingPeriodActualEndBalanceAmount": balance,
    }
    return month(number, **(filed | values))


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    return tmp_path / "contract"


def convert(contract: Path, *files: Iterable[Row]) -> TapeSummary:
    """Write each list of rows as a file and the tape as contract files."""
    directory = contract.parent / "tape"
    directory.mkdir(exist_ok=True)
    paths = [write_csv(directory / f"{number}.csv", rows) for number, rows in enumerate(files)]
    return write_contract(paths, contract)


def days(contract: Path, number: int, asset: str = "A1") -> int:
    return positions(contract, ENDS[number])[asset].days_past_due


def movements(contract: Path, kind: str) -> list[tuple[str, str, str]]:
    """After the opening: id's last part, day, amount."""
    return [
        (row["transaction_id"].rsplit("-", 1)[1], row["effective_on"], row["amount"])
        for row in read(contract, "loan_transactions")
        if row["kind"] == kind and row["channel"] != "opening"
    ]


# Rows ------------------------------------------------------------------------------------------------------------
def test_months_of_one_loan_become_one_loan_with_its_payments(contract: Path) -> None:
    summary = convert(contract, [month(2)], [month(1)], [month(3)])
    [loan] = read(contract, "loans")
    assert (loan["loan_id"], loan["principal"], loan["status"]) == ("A1", "6000.00", "active")
    assert (summary.loans, summary.counts.rows, summary.last_day) == (1, 3, ENDS[3])
    assert movements(contract, "repayment") == [("P01", "2021-02-28", "100.00"), ("P02", "2021-03-31", "100.00")]
    assert check_files(find_files(contract))


def test_later_filing_of_a_period_counts(contract: Path) -> None:
    amended = month(2, totalActualAmountPaid="90", actualPrincipalCollectedAmount="90")
    summary = convert(contract, [month(1), month(2), month(2)], [amended, month(3)])
    assert (summary.counts.repeated, summary.counts.refiled) == (1, 1)
    assert movements(contract, "repayment") == [("P01", "2021-02-28", "90.00"), ("P02", "2021-03-31", "100.00")]


def test_monthly_amounts_alone_add_to_the_rows_with_terms(contract: Path) -> None:
    amounts = ("assetNumber", "reportingPeriodEndingDate", "totalActualAmountPaid")
    later = [
        {name: month(number)[name] for name in amounts}
        | {"endBalance_BAL": str(5400 - 100 * (number - 1)), "principalCollected_PRC": "100"}
        for number in (1, 2)
    ]
    convert(contract, [month(1, currentDelinquencyStatus="0")], later)
    assert movements(contract, "repayment") == [("P01", "2021-02-28", "100.00")]
    assert days(contract, 1) == 0


def test_two_issuers_that_number_alike_are_refused(contract: Path) -> None:
    """Where all terms differ: one or two of them may have been put right by a later filing."""
    other = {"originalLoanAmount": "9000", "originationDate": "05/2020", "originatorName": "Beta"}
    for same in other:
        mended = {name: value for name, value in other.items() if name != same}
        assert convert(contract, [month(1)], [month(1, **mended)]).counts.refiled == 1
    with pytest.raises(
        SourceFileError, match=r"A1 stands for two loans, 6000\.00 of Alpha on 2020-06-01 and 9000\.00 of Beta"
    ):
        convert(contract, [month(1)], [month(2, **other)])


@pytest.mark.parametrize("asset", ["W5lTa6Nq/5zmpJ7VI0n13A==", "+JvhGfqaCSntQUZDQMFDyw==", "0002 - 000010", "018"])
def test_asset_number_is_the_loan_id_to_the_letter(contract: Path, asset: str) -> None:
    convert(contract, [month(1, asset), month(2, asset)])
    for table in ("loans", "repayment_schedule", "loan_transactions"):
        assert {row["loan_id"] for row in read(contract, table)} == {asset}


def test_loan_without_terms_is_left_out_and_counted(contract: Path) -> None:
    empty = dict.fromkeys(("originalLoanAmount", "originalFirstPaymentDate", "originationDate"), "-")
    assert convert(contract, [month(1), month(1, "A2", **empty)]).left_out == 1
    with pytest.raises(SourceFileError, match="no loan with its original terms"):
        convert(contract, [month(1, "A2", **empty)])


def test_file_without_rows_is_refused(contract: Path) -> None:
    path = contract.parent / "a.csv"
    path.write_text(",".join(month(1)) + "\n")
    with pytest.raises(SourceFileError, match=r"a\.csv: holds no rows"):
        write_contract([path], contract)


def test_nobody_is_invented(contract: Path) -> None:
    convert(contract, [month(1)])
    [customer] = read(contract, "customers")
    filled = {name for name, value in customer.items() if value}
    assert filled == {"customer_id", "jurisdiction", "updated_at"}
    assert not any(customer[column.name] for column in BY_NAME["customers"].columns if column.personal)
    assert not (contract / "contact_points.csv").exists()


def test_same_tape_same_bytes(tmp_path: Path) -> None:
    rows = Issuer("Alpha").publish(loans=20, months=6)
    tape = write_csv(tmp_path / "a.csv", rows)
    for name in ("x", "y"):
        write_contract([tape], tmp_path / name)
    names = [path.name for path in (tmp_path / "x").iterdir()]
    assert filecmp.cmpfiles(tmp_path / "x", tmp_path / "y", names, shallow=False) == (names, [], [])


# Terms -----------------------------------------------------------------------------------------------------------
def test_due_day_is_that_of_the_first_late_month(contract: Path) -> None:
    convert(contract, [month(1), late(2, 17), late(3, 48)])
    assert {row["due_date"][8:] for row in read(contract, "repayment_schedule")} == {"11"}
    assert [days(contract, number) for number in (1, 2, 3)] == [0, 17, 48]


def test_loan_that_is_never_late_has_the_day_of_its_last_payment_at_most_the_28th(contract: Path) -> None:
    convert(contract, [month(1), month(1, "A2", interestPaidThroughDate="01-31-2021")])
    found = {row["loan_id"]: row["due_date"][8:] for row in read(contract, "repayment_schedule")}
    assert found == {"A1": "20", "A2": "28"}


def test_outstanding_principal_starts_as_published(contract: Path) -> None:
    """1,000.00 was repaid beyond the terms: what is left is level all the same."""
    convert(contract, [month(1, reportingPeriodActualEndBalanceAmount="4300")])
    schedule = read(contract, "repayment_schedule")
    left = [Decimal(row["principal_due"]) for row in schedule if row["due_date"] > "2021-01-31"]
    assert (sum(left), set(left)) == (4300, {Decimal(100)})
    assert sum(Decimal(row["principal_due"]) for row in schedule) == 6000


def test_rate_in_per_cent_is_told_by_its_size(contract: Path) -> None:
    convert(contract, [month(1, originalInterestRatePercentage="7.29")])
    assert Decimal(read(contract, "loans")[0]["annual_rate"]) == Decimal("0.0729")


def test_computed_instalment_that_nobody_pays_is_replaced_by_the_billed_one(contract: Path) -> None:
    billed = {"reportingPeriodScheduledPaymentAmount": "99.42", "nextReportingPeriodPaymentAmountDue": "100"}
    convert(contract, [month(1, **billed), month(2, **billed)])
    amounts = {
        Decimal(row["principal_due"]) + Decimal(row["interest_due"]) for row in read(contract, "repayment_schedule")
    }
    assert amounts == {Decimal(100)}


def test_instalment_of_a_tape_that_states_none_is_the_annuity(contract: Path) -> None:
    convert(contract, [month(1, reportingPeriodScheduledPaymentAmount="0", nextReportingPeriodPaymentAmountDue="0")])
    assert {row["principal_due"] for row in read(contract, "repayment_schedule")} == {"100.00"}


# The opening position --------------------------------------------------------------------------------------------
def test_first_month_is_reproduced(contract: Path) -> None:
    convert(contract, [late(1, 42, "250", "5450")])
    assert positions(contract, ENDS[1])["A1"].arrears == 150
    assert days(contract, 1) == 42


def test_status_wins_over_a_bill_without_arrears(contract: Path) -> None:
    convert(contract, [late(1, 42, "100", "5500")])
    assert (days(contract, 1), positions(contract, ENDS[1])["A1"].arrears) == (42, 200)


def test_first_month_without_status_is_read_from_the_bill(contract: Path) -> None:
    unknown = late(1, 0, "200") | {"currentDelinquencyStatus": "-"}
    convert(contract, [unknown, month(2, currentDelinquencyStatus="17"), month(3)])
    assert [days(contract, number) for number in (1, 2, 3)] == [20, 17, 20]


def test_what_a_month_paid_beyond_the_instalment_is_credit(contract: Path) -> None:
    short = {"totalActualAmountPaid": "97", "actualPrincipalCollectedAmount": "97"}
    convert(contract, [month(1, totalActualAmountPaid="104"), month(2, **short), month(3, **short)])
    assert [days(contract, number) for number in (1, 2, 3)] == [0, 0, 11]


def test_loan_with_nothing_due_is_as_far_ahead_as_its_balance(contract: Path) -> None:
    ahead = {"nextReportingPeriodPaymentAmountDue": "0", "currentDelinquencyStatus": "0"}
    rows = [month(1, **ahead, reportingPeriodActualEndBalanceAmount="4900")]
    rows += [late(number, 0, "0", "4900") for number in (2, 3, 4, 5)]
    convert(contract, [*rows, late(6, 10, balance="4900")])
    assert [days(contract, number) for number in (2, 3, 4, 5, 6)] == [0, 0, 0, 0, 10]


def test_column_of_zeros_bills_nothing_and_credits_nobody(contract: Path) -> None:
    convert(contract, [month(1, nextReportingPeriodPaymentAmountDue="0"), late(2, 8, "0")])
    assert days(contract, 2) == 8


def test_payment_before_the_first_due_date_is_credit(contract: Path) -> None:
    young = {"originationDate": "01/2021", "originalFirstPaymentDate": "02/2021", "loanMaturityDate": "01/2026"}
    rows = [month(1, **young, nextReportingPeriodPaymentAmountDue="-"), late(2, 0, "100", "5900", **young)]
    convert(contract, rows)
    assert days(contract, 2) == 0


# Events ----------------------------------------------------------------------------------------------------------
def test_money_for_fees_pays_no_instalment(contract: Path) -> None:
    convert(contract, [late(1, 11), month(2, totalActualAmountPaid="125", actualOtherCollectedAmount="25")])
    assert movements(contract, "repayment") == [("P01", "2021-02-28", "100.00")]


def test_extension_moves_what_is_not_yet_due(contract: Path) -> None:
    """Two months from February on: nothing is due before April."""
    rows = [month(1), late(2, 0, paymentExtendedNumber="2", loanMaturityDate="08/2025"), late(3, 0), late(4, 10)]
    convert(contract, rows)
    assert [days(contract, number) for number in (1, 2, 3, 4)] == [0, 0, 0, 10]
    versions = {(row["schedule_version"], row["effective_from"]) for row in read(contract, "repayment_schedule")}
    assert versions == {("1", "2020-06-01"), ("2", "2021-02-01")}
    assert max(row["due_date"] for row in read(contract, "repayment_schedule")) == "2025-08-20"
    assert read(contract, "loans")[0]["maturity_on"] == "2025-08-20"


def test_extension_never_hides_arrears(contract: Path) -> None:
    """The servicer calls the loan current; January's instalment is still unpaid, and only later ones move."""
    extended = {"paymentExtendedNumber": "1", "loanMaturityDate": "07/2025"}
    convert(contract, [late(1, 11), late(2, 0, **extended), month(3, loanMaturityDate="07/2025")])
    assert [days(contract, number) for number in (1, 2, 3)] == [11, 39, 11]
    restated = [row for row in read(contract, "repayment_schedule") if row["schedule_version"] == "2"]
    assert [row["due_date"] for row in restated][:3] == ["2021-01-20", "2021-03-20", "2021-04-20"]


def test_part_that_was_paid_is_not_restated(contract: Path) -> None:
    part = {"totalActualAmountPaid": "60", "actualPrincipalCollectedAmount": "60"}
    convert(contract, [late(1, 11), month(2, **part), late(3, 0, paymentExtendedNumber="1")])
    restated = [row for row in read(contract, "repayment_schedule") if row["schedule_version"] == "2"]
    assert (restated[0]["due_date"], restated[0]["principal_due"]) == ("2021-01-20", "40.00")


def test_period_that_begins_on_the_last_day_of_the_one_before_counts_no_payment_twice(contract: Path) -> None:
    """February's 100.00 are settled before the new schedule begins; the first instalment under it is April's."""
    extended = {"reportingPeriodBeginningDate": "02-28-2021", "paymentExtendedNumber": "1"}
    convert(contract, [month(1), month(2), late(3, 0, balance="5200", **extended), late(4, 10, balance="5200")])
    assert [days(contract, number) for number in (2, 3, 4)] == [0, 0, 10]


@pytest.mark.parametrize("maturity", ["07/2025", "-"], ids=["maturity", "no maturity"])
def test_extension_reported_again_is_the_same_one(contract: Path, maturity: str) -> None:
    extended = {"paymentExtendedNumber": "1", "loanMaturityDate": maturity}
    convert(contract, [month(1), late(2, 0, **extended), month(3, **extended), month(4, **extended)])
    assert {row["schedule_version"] for row in read(contract, "repayment_schedule")} == {"1", "2"}


def test_number_of_all_extensions_so_far_moves_by_what_the_maturity_moved(contract: Path) -> None:
    first = {"paymentExtendedNumber": "1", "loanMaturityDate": "07/2025"}
    second = {"paymentExtendedNumber": "2", "loanMaturityDate": "08/2025"}
    convert(contract, [month(1), late(2, 0, **first), late(3, 0, **second), late(4, 10, **second)])
    assert max(row["due_date"] for row in read(contract, "repayment_schedule")) == "2025-08-20"
    assert days(contract, 4) == 10


def test_extension_undone_and_a_maturity_that_moves_alone_move_nothing(contract: Path) -> None:
    rows = [month(1), month(2, paymentExtendedNumber="-2"), month(3, loanMaturityDate="09/2025")]
    convert(contract, rows)
    assert {row["schedule_version"] for row in read(contract, "repayment_schedule")} == {"1"}


def test_reversed_payment_is_seen_in_the_balance(contract: Path) -> None:
    back = late(4, 41, "300", "5200", reportingPeriodBeginningLoanBalanceAmount="5100")
    convert(contract, [month(1), month(2), month(3), back])
    assert movements(contract, "reversal") == [("R03", "2021-04-30", "100.00")]
    assert days(contract, 4) == 41


def test_payment_of_the_first_month_that_comes_back(contract: Path) -> None:
    back = late(2, 39, "300", "5400", reportingPeriodBeginningLoanBalanceAmount="5300")
    convert(contract, [month(1), back])
    [row] = [row for row in read(contract, "loan_transactions") if row["kind"] == "reversal"]
    assert (row["reverses"], row["amount"]) == ("A1-O07", "100.00")
    assert days(contract, 2) == 39


def test_reversal_of_a_payment_from_before_an_extension_restates_it(contract: Path) -> None:
    """Under the extended schedule the reversed payment does not count, so its reversal alone would change nothing."""
    extended = {"paymentExtendedNumber": "1", "loanMaturityDate": "07/2025"}
    back = late(4, 69, "300", loanMaturityDate="07/2025", reportingPeriodBeginningLoanBalanceAmount="5200")
    convert(contract, [month(1), month(2), late(3, 0, balance="5200", **extended), back])
    restated = [row for row in read(contract, "repayment_schedule") if row["schedule_version"] == "3"]
    assert (restated[0]["effective_from"], restated[0]["due_date"]) == ("2021-04-30", "2021-02-20")


def test_month_without_a_row_is_told_by_the_balance(contract: Path) -> None:
    convert(contract, [month(1), month(3, currentDelinquencyStatus="11"), month(4, currentDelinquencyStatus="10")])
    [row] = [row for row in read(contract, "loan_transactions") if row["channel"] == "missing_month"]
    assert (row["effective_on"], row["amount"]) == ("2021-02-28", "100.00")
    assert days(contract, 3) == 0


def test_charge_off_is_written_off_and_what_comes_later_is_told_apart(contract: Path) -> None:
    gone = {"zeroBalanceCode": "4", "reportingPeriodActualEndBalanceAmount": "0", "currentDelinquencyStatus": "-"}
    rows = [
        late(1, 11, balance="5500", recoveredAmount="30"),
        late(2, 39, "0", **gone, chargedoffPrincipalAmount="5500"),
        late(3, 0, "0", "0", **gone, recoveredAmount="250"),
        late(4, 0, "0", "0", **gone, totalActualAmountPaid="45"),
    ]
    convert(contract, rows)
    [loan] = read(contract, "loans")
    assert (loan["status"], loan["written_off_on"], loan["closed_on"]) == ("written_off", "2021-02-28", "")
    assert movements(contract, "write_off") == [("W", "2021-02-28", "5500.00")]
    assert movements(contract, "recovery") == [("V02", "2021-03-31", "250.00")], "a cost before it is none"
    assert movements(contract, "repayment") == [("P03", "2021-04-30", "45.00")]


def test_codes_may_be_written_as_numbers(contract: Path) -> None:
    """By whoever keeps a tape in a table of numbers: 99.0 and 0 end nothing, 4.0 writes off."""
    open_codes = [month(1, zeroBalanceCode="0"), month(2, zeroBalanceCode="99.0")]
    lost = late(2, 11, zeroBalanceCode="4.0", assetNumber="A2")
    convert(contract, open_codes, [month(1, "A2"), lost])
    assert [row["status"] for row in read(contract, "loans")] == ["active", "written_off"]


@pytest.mark.parametrize("code", ["1", "3", "5", "2"])
def test_other_ends_close_the_loan(contract: Path, code: str) -> None:
    """With a rest too small to collect, even."""
    gone = {"zeroBalanceCode": code, "reportingPeriodActualEndBalanceAmount": "0.28", "currentDelinquencyStatus": "-"}
    convert(contract, [month(1), month(2, **gone, chargedoffPrincipalAmount="0.28")])
    [loan] = read(contract, "loans")
    assert (loan["status"], loan["closed_on"]) == ("closed", "2021-02-28")


def test_last_row_filed_again_pays_nothing_again(contract: Path) -> None:
    gone = {"zeroBalanceCode": "1", "reportingPeriodActualEndBalanceAmount": "0", "currentDelinquencyStatus": "-"}
    paid_off = {"totalActualAmountPaid": "5300", "actualPrincipalCollectedAmount": "5300"}
    again = {"reportingPeriodBeginningLoanBalanceAmount": "5300"} | gone | paid_off
    convert(contract, [month(1), month(2, **again), month(3, **again), month(4, **again)])
    assert movements(contract, "repayment") == [("P01", "2021-02-28", "5300.00")]


def test_periods_need_not_be_calendar_months(contract: Path) -> None:
    """February ends on 1 March and March on the 30th: no month is missing, and no id comes twice."""
    february = {"reportingPeriodEndingDate": "03-01-2021"}
    march = {"reportingPeriodBeginningDate": "03-02-2021", "reportingPeriodEndingDate": "03-30-2021"}
    convert(contract, [month(1), month(2, **february), month(3, **march)])
    assert movements(contract, "repayment") == [("P02", "2021-03-01", "100.00"), ("P03", "2021-03-30", "100.00")]


def test_period_that_ends_in_a_month_ends_on_its_last_day(contract: Path) -> None:
    convert(contract, [month(1, reportingPeriodEndingDate="01/2021"), month(2, reportingPeriodEndingDate="2021-02")])
    assert movements(contract, "repayment") == [("P01", "2021-02-28", "100.00")]


def test_status_below_nothing_is_nothing(contract: Path) -> None:
    convert(contract, [month(1, currentDelinquencyStatus="-5"), late(2, 8)])
    assert [days(contract, number) for number in (1, 2)] == [0, 8]


def test_end_without_a_code_is_told_by_the_balance(contract: Path) -> None:
    gone = {"reportingPeriodActualEndBalanceAmount": "0", "totalActualAmountPaid": "5400"}
    paid = [month(1), month(2, **gone, actualPrincipalCollectedAmount="5400")]
    lost = [month(1, "A2"), month(2, "A2", **(UNPAID | {"reportingPeriodActualEndBalanceAmount": "0"}))]
    convert(contract, paid, lost)
    assert [row["status"] for row in read(contract, "loans")] == ["closed", "written_off"]


# Issuers ---------------------------------------------------------------------------------------------------------
def agreement(contract: Path, rows: list[Row]) -> tuple[int, int, int]:
    """Reported month ends of loans that have not ended, how many are met, and how many of the late ones are not."""
    found = {day: positions(contract, day) for day in {_end(row) for row in rows}}
    ours = [
        (int(row["currentDelinquencyStatus"]), found[_end(row)].get(row["assetNumber"])) for row in rows if _open(row)
    ]
    pairs = [(theirs, position.days_past_due if position else 0) for theirs, position in ours]
    return len(pairs), sum(a == b for a, b in pairs), sum(a != b for a, b in pairs if a or b)


def _end(row: Row) -> date:
    month, day, year = row["reportingPeriodEndingDate"].split("-")
    return date(int(year), int(month), int(day))


def _open(row: Row) -> bool:
    return row["currentDelinquencyStatus"] != "-"


def test_issuer_that_publishes_everything_is_met(tmp_path: Path) -> None:
    """In several files of XML; what little differs is a payment reversed together with an extension."""
    rows = Issuer("Alpha", seed=3).publish(loans=100, months=16)
    ends = sorted({_end(row) for row in rows})
    paths = [write_xml(tmp_path / f"{day}.xml", [row for row in rows if _end(row) in (day, ends[0])]) for day in ends]
    summary = write_contract(paths, tmp_path / "contract")
    assert summary.counts.repeated == (len(ends) - 1) * 100
    assert summary.day_counts == {"Alpha": "actual"}
    observed, exact, _ = agreement(tmp_path / "contract", rows)
    assert observed > 1_200
    assert exact / observed > 0.995
    assert sum(int(row["currentDelinquencyStatus"]) > 0 for row in rows if _open(row)) > 250


def test_re_aging_issuer_is_late_longer_with_us_and_never_shorter(tmp_path: Path) -> None:
    rows = Issuer("Beta", re_ages=True).publish(loans=100, months=16)
    write_contract([write_csv(tmp_path / "a.csv", rows)], tmp_path / "contract")
    found = {day: positions(tmp_path / "contract", day) for day in {_end(row) for row in rows}}
    extended = {row["assetNumber"] for row in rows if row["paymentExtendedNumber"] == "2"}
    differences = [
        found[_end(row)][row["assetNumber"]].days_past_due - int(row["currentDelinquencyStatus"])
        for row in rows
        if _open(row) and row["assetNumber"] in extended
    ]
    assert min(differences) >= 0
    assert max(differences) > 27


def test_servicers_of_one_tape_count_each_in_their_way(tmp_path: Path) -> None:
    issuers = (Issuer("Alpha"), Issuer("Beta", day_count="30/360"))
    rows = [
        row | {"assetNumber": row["originatorName"] + row["assetNumber"]}
        for issuer in issuers
        for row in issuer.publish(loans=60, months=14)
    ]
    summary = write_contract([write_csv(tmp_path / "a.csv", rows)], tmp_path / "contract")
    assert summary.day_counts == {"Alpha": "actual", "Beta": "30/360"}
    counts = {(row["loan_id"][:4], row["day_count"]) for row in read(tmp_path / "contract", "loans")}
    assert counts == {("Alph", "actual"), ("Beta", "30/360")}
    assert 4 < len(summary.evidence) <= 20


def test_originator_that_tells_nothing_counts_as_the_others_do(tmp_path: Path) -> None:
    rows = Issuer("Beta", day_count="30/360").publish(loans=60, months=14)
    spelt = [row | {"originatorName": "Beta Bank, N.A.", "assetNumber": "A1"} for row in (month(1), month(2))]
    summary = write_contract(
        [write_csv(tmp_path / "a.csv", rows), write_csv(tmp_path / "b.csv", spelt)], tmp_path / "c"
    )
    assert {row["day_count"] for row in read(tmp_path / "c", "loans")} == {"30/360"}
    assert summary.lines()[-1] == "Days past due are counted: Beta 30/360; others 30/360"


def test_issuer_counts_days_as_the_definition_does() -> None:
    """The player shares no code with us: cases 17, 18, 23 and 28 of the definition."""
    assert days_late(date(2026, 1, 10), date(2026, 3, 10), "30/360") == 60
    assert days_late(date(2026, 1, 10), date(2026, 3, 10), "actual") == 59
    assert days_late(date(2026, 1, 31), date(2026, 2, 28), "30/360") == 28
    assert days_late(date(2024, 2, 29), date(2024, 3, 31), "actual") == 31


def test_ally_files_are_a_tape_as_filed(real_data: Path, tmp_path: Path) -> None:
    """All 225 published statuses, by the general loader."""
    paths = [real_data / f"ally_aart2895_2019_{name}.csv.gz" for name in ("loans", "monthly")]
    summary = write_contract(paths, tmp_path)
    assert (summary.loans, summary.last_day) == (2895, date(2023, 6, 30))
    found = positions(tmp_path, date(2019, 8, 31))
    assert sum(position.days_past_due > 0 for position in found.values()) == 225


@pytest.mark.postgres
def test_tape_becomes_the_source(core_banking: Connection, warehouse: Connection, tmp_path: Path) -> None:
    tape = write_csv(tmp_path / "a.csv.gz", Issuer("Alpha").publish(loans=20, months=6))
    for replace, generation in ((False, 1), (True, 2), (False, 2)):
        report, summary = load_tape(core_banking, warehouse, [tape], replace=replace)
        assert (report.generation, summary.loans) == (generation, 20)
    with core_banking.cursor() as cursor:
        cursor.execute("select count(*), count(distinct customer_id) from core_banking.loans")
        assert cursor.fetchone() == (20, 20)
        cursor.execute("select distinct table_name from core_banking.data_origin")
        assert ("repayment_schedule",) in cursor.fetchall()
