"""How Airflow tells of trouble: a task that failed or went through (callbacks), a run that is late (deadlines)."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.notifier import BaseNotifier

from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class FailureNotifier(BaseNotifier):
    """`on_failure_callback` of every task: opens an alert and tells of it. Never raises."""

    def notify(self, context: "Context") -> None:
        import psycopg2

        from arrears.alerts.failures import finding_of
        from arrears.alerts.ledger import raise_alerts
        from arrears.alerts.send import send_waiting, tell_unrecorded
        from arrears.hooks.postgres import connect

        settings, now = get_settings(), datetime.now(UTC)
        task = _task(context)
        finding = finding_of(
            task,
            context.get("exception"),
            as_of=_as_of(context),
            log_url=context["ti"].log_url,
            is_urgent="impact:high" in context["dag"].tags,
        )
        try:
            with connect("warehouse") as warehouse:
                raise_alerts(warehouse, [finding], raised_by=task, now=now, settings=settings)
                send_waiting(warehouse, now=now, settings=settings)
        except psycopg2.OperationalError:
            tell_unrecorded(finding.summary, now=now, settings=settings)
        except Exception:
            self.log.exception("ALERT %s %s could not be recorded", finding.code, finding.subject)


class SuccessNotifier(BaseNotifier):
    """`on_success_callback` of every task: closes the alerts of its failures, if there are any. Never raises."""

    def notify(self, context: "Context") -> None:
        from arrears.alerts.ledger import close_task
        from arrears.alerts.send import send_waiting
        from arrears.hooks.postgres import connect

        try:
            with connect("warehouse") as warehouse:
                now = datetime.now(UTC)
                if close_task(warehouse, task=_task(context), as_of=_as_of(context), now=now):
                    send_waiting(warehouse, now=now, settings=get_settings())
        except Exception:
            self.log.exception("alerts of %s could not be closed", _task(context))


async def tell_late(code: str, context: Mapping[str, Any]) -> None:
    """Called in the triggerer when a run has passed its deadline: an alert, unless what it was to do is done.

    Args:
        code: `landing_late`, `marts_late` or `lists_late`.
        context: What the scheduler says of the run.
    """
    await asyncio.to_thread(_tell_late, code, date.fromisoformat(context["dag_run"]["partition_key"]))


def _tell_late(code: str, as_of: date) -> None:
    from arrears.alerts.lateness import late_after_deadline
    from arrears.alerts.ledger import WATCH, raise_alerts
    from arrears.alerts.send import send_waiting
    from arrears.hooks.postgres import connect

    settings, now = get_settings(), datetime.now(UTC)
    with connect("warehouse") as warehouse:
        found = late_after_deadline(warehouse, code, as_of=as_of)
        raise_alerts(warehouse, found, raised_by=WATCH, now=now, settings=settings)
        send_waiting(warehouse, now=now, settings=settings)


def _task(context: "Context") -> str:
    ti: Any = context["ti"]
    mapped = f"[{ti.map_index}]" if ti.map_index is not None and ti.map_index >= 0 else ""
    return f"{ti.dag_id}.{ti.task_id}{mapped}"


def _as_of(context: "Context") -> date | None:
    """The business date of the run; None where it has none."""
    run: Any = context.get("dag_run")
    key = getattr(run, "partition_key", None)
    return date.fromisoformat(key) if key else None
