"""Names of columns: as the schema has them, and as they are really filed."""

import pytest

from arrears.tapes.abs_ee_columns import COLUMNS, OFFICIAL, Need, missing_columns, recognise

REQUIRED = [column.name for column in COLUMNS if column.need is not Need.NOBODY]


@pytest.mark.parametrize(
    ("filed", "official"),
    [
        ("reportingPeriodModicationIndicator", "reportingPeriodModificationIndicator"),
        ("obligorEmployementVerificationCode", "obligorEmploymentVerificationCode"),
        ("otherAssessedUncollectedServierFeeAmount", "otherAssessedUncollectedServicerFeeAmount"),
        ("remainingTermtoMaturityNumber", "remainingTermToMaturityNumber"),
        ("actualInterestCollectAmount", "actualInterestCollectedAmount"),
        ("CURRENTDELINQUENCYSTATUS", "currentDelinquencyStatus"),
        ("current_delinquency_status", "currentDelinquencyStatus"),
        ("endBalance_BAL", "reportingPeriodActualEndBalanceAmount"),
    ],
)
def test_misspelt_name_is_recognised(filed: str, official: str) -> None:
    assert recognise([filed]) == {filed: official}


def test_official_names_stand_for_themselves_only() -> None:
    """Beginning and ending date, scheduled interest and principal are alike, and not the same."""
    for name in OFFICIAL:
        assert recognise([name]) == {name: name}


def test_name_that_is_there_is_not_taken_from_a_misspelt_one() -> None:
    names = ["currentDelinquencyStatu", "currentDelinquencyStatus"]
    assert recognise(names) == {"currentDelinquencyStatus": "currentDelinquencyStatus"}


def test_foreign_column_is_left_alone() -> None:
    assert recognise(["dataset_name", "source_row", "risk_cat_ir", "Y"]) == {}


def test_missing_column_is_named_with_the_nearest_of_the_file() -> None:
    found = [name for name in REQUIRED if name != "currentDelinquencyStatus"]
    [problem] = missing_columns(found, ["delinquencyStatus", "Y"])
    assert problem == "the column 'currentDelinquencyStatus' is missing; the nearest in the file is 'delinquencyStatus'"


def test_file_of_monthly_amounts_needs_no_terms() -> None:
    monthly = [column.name for column in COLUMNS if column.need in (Need.EVERY_ROW, Need.EVERY_FILE)]
    assert missing_columns(monthly, []) == []
    assert len(missing_columns([*monthly, "originalLoanAmount"], [])) == len(REQUIRED) - len(monthly) - 1
