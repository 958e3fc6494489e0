"""Which alert a failed task is, and that nothing of a customer gets into it."""

from datetime import date

import psycopg2
import pytest

from arrears.alerts.failures import finding_of
from arrears.errors import (
    ConfigurationError,
    DeliveryError,
    GateBrokenError,
    GateError,
    SchemaDriftError,
    TierSwingError,
)
from arrears.privacy.retention import RetentionError

DAY = date(2026, 3, 2)
PERSONAL = "customer C-4711, Wang Fang, +8613800000001"
TASK = "load_core_banking.load"


@pytest.mark.parametrize(
    ("error", "code", "subject"),
    [
        (SchemaDriftError(["core_banking.loans.rate: gone"]), "source_drift", "core_banking"),
        (TierSwingError("tier_swings"), "tier_swing", "marts"),
        (GateError("rule one_row"), "gate_failed", TASK),
        (GateBrokenError("suite"), "gate_failed", TASK),
        (RetentionError("customer: 3"), "erasure_not_done", "retention"),
        (ConfigurationError("no such row"), "dag_failed", TASK),
        (RuntimeError("boom"), "dag_failed", TASK),
        ("killed", "dag_failed", TASK),
        (None, "dag_failed", TASK),
    ],
)
def test_what_went_wrong_decides_which_alert_it_is(error: BaseException | str | None, code: str, subject: str) -> None:
    finding = finding_of(TASK, error, as_of=DAY)
    assert (finding.code, finding.subject, finding.as_of) == (code, subject, DAY)
    assert finding.summary.startswith(f"{TASK} failed for 2026-03-02: ")


@pytest.mark.parametrize(
    "error",
    [
        DeliveryError(PERSONAL),
        ConfigurationError(PERSONAL),
        GateBrokenError(f'invalid input syntax for type integer: "{PERSONAL}"'),
        psycopg2.errors.UniqueViolation(f"DETAIL: Key (phone)=({PERSONAL})"),
        RuntimeError(PERSONAL),
        KeyError(PERSONAL),
        PERSONAL,
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_text_of_an_error_that_may_name_a_customer_is_not_told(error: BaseException | str) -> None:
    summary = finding_of(TASK, error, as_of=DAY).summary
    for word in ("4711", "Wang", "138", "phone"):
        assert word not in summary
    if isinstance(error, BaseException):
        assert type(error).__name__ in summary


def test_rules_and_figures_are_told_in_words_and_not_without_end() -> None:
    assert "loans.rate: gone" in finding_of(TASK, SchemaDriftError(["loans.rate: gone"]), as_of=DAY).summary
    assert len(finding_of(TASK, GateError("x" * 10_000), as_of=None).summary) < 1_100
