"""The columns of the loan-level auto tape (Form ABS-EE, exhibit 102) that we read, and how names are recognised."""

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a column's values are."""

    TEXT = "text"
    CODE = "a code"
    """A number that counts nothing; some files write it as 4.0."""
    DATE = "a date (MM-DD-YYYY, MM/YYYY or YYYY-MM-DD)"
    LAST_DAY = "a date (MM-DD-YYYY, YYYY-MM-DD, or MM/YYYY for its last day)"
    MONEY = "an amount"
    RATE = "a number"
    WHOLE = "a whole number"


class Need(Enum):
    """Who cannot do without a column."""

    EVERY_ROW = 1
    """Each file must have it, and each row a value."""
    EVERY_FILE = 2
    """Each file must have it; a row may leave it empty."""
    TERMS = 3
    """Each file must have it, except one that holds later months only and none of these columns."""
    NOBODY = 4


@dataclass(frozen=True)
class TapeColumn:
    """One column that is read; the others of a file are left alone."""

    name: str
    kind: Kind
    need: Need = Need.NOBODY


COLUMNS = (
    TapeColumn("assetNumber", Kind.TEXT, Need.EVERY_ROW),
    TapeColumn("reportingPeriodEndingDate", Kind.LAST_DAY, Need.EVERY_ROW),
    TapeColumn("reportingPeriodBeginningDate", Kind.DATE),
    TapeColumn("originatorName", Kind.TEXT),
    TapeColumn("originationDate", Kind.DATE, Need.TERMS),
    TapeColumn("originalLoanAmount", Kind.MONEY, Need.TERMS),
    TapeColumn("originalLoanTerm", Kind.WHOLE),
    TapeColumn("originalInterestRatePercentage", Kind.RATE, Need.TERMS),
    TapeColumn("originalFirstPaymentDate", Kind.DATE, Need.TERMS),
    TapeColumn("loanMaturityDate", Kind.DATE, Need.TERMS),
    TapeColumn("reportingPeriodScheduledPaymentAmount", Kind.MONEY, Need.TERMS),
    TapeColumn("nextReportingPeriodPaymentAmountDue", Kind.MONEY),
    TapeColumn("currentDelinquencyStatus", Kind.WHOLE, Need.TERMS),
    TapeColumn("interestPaidThroughDate", Kind.DATE),
    TapeColumn("reportingPeriodBeginningLoanBalanceAmount", Kind.MONEY),
    TapeColumn("reportingPeriodActualEndBalanceAmount", Kind.MONEY, Need.EVERY_FILE),
    TapeColumn("totalActualAmountPaid", Kind.MONEY, Need.EVERY_FILE),
    TapeColumn("actualPrincipalCollectedAmount", Kind.MONEY, Need.EVERY_FILE),
    TapeColumn("actualOtherCollectedAmount", Kind.MONEY),
    TapeColumn("chargedoffPrincipalAmount", Kind.MONEY),
    TapeColumn("recoveredAmount", Kind.MONEY),
    TapeColumn("zeroBalanceCode", Kind.CODE),
    TapeColumn("paymentExtendedNumber", Kind.WHOLE),
    TapeColumn("obligorCreditScore", Kind.CODE),
    TapeColumn("paymentToIncomePercentage", Kind.RATE),
    TapeColumn("obligorGeographicLocation", Kind.TEXT),
)
BY_NAME = {column.name: column for column in COLUMNS}

_FILED_BUT_NOT_READ = (
    "assetTypeNumber originalInterestOnlyTermNumber interestCalculationTypeCode originalInterestRateTypeCode "
    "underwritingIndicator gracePeriodNumber paymentTypeCode subvented vehicleManufacturerName vehicleModelName "
    "vehicleNewUsedCode vehicleModelYear vehicleTypeCode vehicleValueAmount vehicleValueSourceCode "
    "obligorCreditScoreType obligorIncomeVerificationLevelCode obligorEmploymentVerificationCode coObligorIndicator "
    "assetAddedIndicator remainingTermToMaturityNumber reportingPeriodModificationIndicator servicingAdvanceMethodCode "
    "reportingPeriodInterestRatePercentage nextInterestRatePercentage servicingFeePercentage servicingFlatFeeAmount "
    "otherServicerFeeRetainedByServicer otherAssessedUncollectedServicerFeeAmount scheduledInterestAmount "
    "scheduledPrincipalAmount otherPrincipalAdjustmentAmount actualInterestCollectedAmount servicerAdvancedAmount "
    "zeroBalanceEffectiveDate primaryLoanServicerName mostRecentServicingTransferReceivedDate "
    "assetSubjectDemandIndicator assetSubjectDemandStatusCode repurchaseAmount demandResolutionDate repurchaserName "
    "repurchaseReplacementReasonCode modificationTypeCode repossessedIndicator repossessedProceedsAmount"
).split()
OFFICIAL = (*BY_NAME, *_FILED_BUT_NOT_READ)
"""All names of the schema: a name that is none of these may be a misspelt one."""

_ALIASES = {
    # Monthly amounts as researchers' long files call them.
    "endBalance_BAL": "reportingPeriodActualEndBalanceAmount",
    "principalCollected_PRC": "actualPrincipalCollectedAmount",
    "totalActualAmountPaid_PMT": "totalActualAmountPaid",
    "recoveredAmount_REC": "recoveredAmount",
}
_ALIKE = 0.93
"""Likeness from which a name is taken for an official one that the file does not have; seen misspellings have more."""


def recognise(names: Iterable[str]) -> dict[str, str]:
    """The official name of each of a file's names that has one: by letter, by case, as an alias or as a misspelling."""
    found: dict[str, str] = {}
    by_key = {_key(name): name for name in OFFICIAL} | {_key(alias): name for alias, name in _ALIASES.items()}
    strangers = []
    for name in names:
        official = by_key.get(_key(name))
        if official is None:
            strangers.append(name)
        elif official not in found.values():
            found[name] = official
    for name in strangers:
        left = {_key(official): official for official in OFFICIAL if official not in found.values()}
        if alike := difflib.get_close_matches(_key(name), left, n=1, cutoff=_ALIKE):
            found[name] = left[alike[0]]
    return found


def missing_columns(found: Collection[str], names: Iterable[str]) -> list[str]:
    """What is wrong with a file that has these official columns under these names; empty when nothing is."""
    terms = {column.name for column in COLUMNS if column.need is Need.TERMS}
    needs = {Need.EVERY_ROW, Need.EVERY_FILE} | ({Need.TERMS} if terms & set(found) else set())
    strangers = list(names)
    return [
        f"the column {column.name!r} is missing{_nearest(column.name, strangers)}"
        for column in COLUMNS
        if column.need in needs and column.name not in found
    ]


def _nearest(name: str, strangers: list[str]) -> str:
    near = difflib.get_close_matches(name, [each for each in strangers if each not in OFFICIAL], n=1, cutoff=0.6)
    return f"; the nearest in the file is {near[0]!r}" if near else ""


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
