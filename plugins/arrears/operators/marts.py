"""Operators of `build_marts`."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from arrears.business_date import business_date
from arrears.hooks.metrics import red_gates_counted, timed
from arrears.hooks.postgres import connect
from arrears.metrics import DBT_BUILD
from arrears.operators.lineage import VENDOR_TABLES, Flow, HasLineage, models_reported, tables
from arrears.settings import get_settings
from arrears.source.contract import TABLES

if TYPE_CHECKING:
    from airflow.sdk import Context

    from arrears.dbt_build import BuildResult

FOR_ANOTHER_BUILD = timedelta(minutes=30)
"""So long a task waits for a build that runs: that of a day while results come, or of a task that was given up."""


class BuildMartsOperator(HasLineage, BaseOperator):
    """Build all models for the business date with one `dbt build` in this process, if the policy packs are sound.

    Returns the build id (`ops.mart_build`).
    """

    def execute(self, context: "Context") -> int:
        from arrears.dbt_build import build
        from arrears.policy.check import require_sound

        require_sound(get_settings().policy_dir)
        with models_reported(context), timed(DBT_BUILD, what="day"):
            result = build(
                get_settings(), as_of=business_date(context), run_id=context["run_id"], patience=FOR_ANOTHER_BUILD
            )
        self.log.info("build %s for %s: %s", result.build_id, result.as_of, result.models)
        _tell_warnings(self, result)
        return result.build_id

    def flow(self) -> Flow:
        landed = [f"landing.{table.name}" for table in TABLES]
        return Flow(tables("warehouse", [*landed, *VENDOR_TABLES]), tables("warehouse", _marts()))


class CheckMartsOperator(HasLineage, BaseOperator):
    """Run the gate on the marts: an identity broken, or a tier whose size swings too far, stops before any list.

    :param build_id: the build, as returned by `BuildMartsOperator`.
    """

    template_fields = ("build_id",)

    def __init__(self, *, build_id: Any, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.build_id = build_id
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.quality.marts_gate import check_marts

        settings = get_settings()
        with connect(self.warehouse_conn_id) as warehouse, red_gates_counted("marts"):
            report = check_marts(
                warehouse,
                as_of=business_date(context),
                build_id=int(self.build_id),
                settings=settings,
                docs_dir=settings.home / "data_docs",
            )
        self.log.info("marts of build %s passed their gate: %s", self.build_id, report)

    def flow(self) -> Flow:
        return Flow(tables(self.warehouse_conn_id, _marts()), [])


class RefreshResultMartsOperator(HasLineage, BaseOperator):
    """Build again, for the newest day built, the marts that follow from what vendors report (dbt tag `results`)."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.dbt_build import refresh
        from arrears.delivery.ingest import newest_rows, note_shown

        with connect(self.warehouse_conn_id) as warehouse:
            with warehouse:
                newest = newest_rows(warehouse)
            with models_reported(context), timed(DBT_BUILD, what="results"):
                result = refresh(get_settings(), select="tag:results", patience=FOR_ANOTHER_BUILD)
            with warehouse:
                note_shown(warehouse, result.build_id, newest)
        self.log.info("built again for %s: %s", result.as_of, result.models)
        _tell_warnings(self, result)

    def flow(self) -> Flow:
        """Which marts they are is dbt's to say (its own events do): the tag is on the models."""
        return Flow(tables(self.warehouse_conn_id, VENDOR_TABLES), [])


def _marts() -> list[str]:
    from arrears.dbt_build import DBT_PROJECT

    return [f"marts.{path.stem}" for path in sorted((DBT_PROJECT / "models" / "marts").rglob("*.sql"))]


def _tell_warnings(operator: BaseOperator, result: "BuildResult") -> None:
    for test in result.failures:
        operator.log.warning("test %s warns", test)
