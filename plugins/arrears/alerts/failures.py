"""Which alert a failed task is, and what may be said of it: an error's text may hold a value, so most are not told."""

from datetime import date

from arrears.alerts.catalogue import Severity
from arrears.alerts.ledger import Finding
from arrears.errors import GateBrokenError, GateError, SchemaDriftError, TierSwingError
from arrears.privacy.retention import RetentionError

_CODES: tuple[tuple[type[Exception], str, str | None], ...] = (
    (SchemaDriftError, "source_drift", "core_banking"),
    (TierSwingError, "tier_swing", "marts"),
    (RetentionError, "erasure_not_done", "retention"),
    (GateError, "gate_failed", None),
    (GateBrokenError, "gate_failed", None),
)
"""By the first class that fits: the code, and the subject where the task is not what it is about."""

_TOLD = (SchemaDriftError, GateError, RetentionError)
"""Their texts hold names of tables and rules, and figures: never a value. Of any other error its class is told."""
_LONGEST = 1000


def finding_of(
    task: str,
    error: BaseException | str | None,
    *,
    as_of: date | None,
    log_url: str | None = None,
    is_urgent: bool = True,
) -> Finding:
    """What to say of a task that failed.

    Args:
        task: `dag.task`, as it stands in `ops.alert.raised_by`.
        error: Why; Airflow gives a text, or nothing, where a task was killed.
        is_urgent: Whether customers feel it before the next working day.
    """
    code, subject = next(
        ((code, subject or task) for kind, code, subject in _CODES if isinstance(error, kind)), ("dag_failed", task)
    )
    day = f" for {as_of}" if as_of else ""
    severity = None if is_urgent else Severity.WARNING
    return Finding(code, subject, f"{task} failed{day}: {_reason(error)}", as_of, log_url, severity)


def _reason(error: BaseException | str | None) -> str:
    if isinstance(error, _TOLD):
        text = str(error)
        return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
    if isinstance(error, BaseException):
        return f"{type(error).__name__}; its log says more"
    return "it was ended from outside (killed, out of memory or time, or its machine is gone)"
