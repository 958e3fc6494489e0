"""Errors that reach a person: one line that names the thing, what was expected, what was found and what to do."""

from collections.abc import Sequence


class ArrearsError(Exception):
    """Base of every error we raise on purpose; the command line prints it as one clear line and exits non-zero.

    The message must not hold personal data: it goes to logs, alerts and terminals.
    """


class ConfigurationError(ArrearsError):
    """A setting, connection or seed is missing or wrong."""


class ServiceError(ArrearsError):
    """A service (PostgreSQL, SFTP, Airflow) could not be started, reached or stopped."""


class SourceFileError(ArrearsError):
    """A file offered to `arrears source load` breaks the source contract. Nothing was loaded."""

    def __init__(self, problems: Sequence[str]) -> None:
        listed = "\n  ".join(problems)
        super().__init__(listed if len(problems) == 1 else f"nothing was loaded, {len(problems)} problems:\n  {listed}")
        self.problems = list(problems)


class SchemaDriftError(ArrearsError):
    """The source's tables are not what the contract says. Nothing was loaded."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("core banking has changed: " + "; ".join(problems))
        self.problems = list(problems)


class GateError(ArrearsError):
    """A quality gate is red: the data went no further. The message holds rule names and counts, never values."""


class TierSwingError(GateError):
    """The gate on the marts is red for one thing alone: a tier grew or shrank beyond its limits."""


class GateBrokenError(ArrearsError):
    """A gate could not be run as written. This is treated as red (fail closed), but it is not the data's fault."""


class DeliveryError(ArrearsError):
    """A vendor's batch could not be built, encrypted or delivered."""


class BatchBusyError(DeliveryError):
    """Another process delivers the batch at this moment: trying later can help."""


class LeakError(ArrearsError):
    """A feature knows what nobody could know yet. No model is trained from it."""


class ModelError(ArrearsError):
    """A model is not there, or may not do what was asked of it."""
