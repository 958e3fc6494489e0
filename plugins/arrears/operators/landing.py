"""Operators of `load_core_banking` and of the intra-day load before a recall."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseSensorOperator

from arrears.business_date import business_date
from arrears.hooks.metrics import count, red_gates_counted
from arrears.hooks.postgres import connect
from arrears.metrics import ROWS_LANDED, ROWS_REJECTED
from arrears.operators.lineage import Flow, HasLineage, tables
from arrears.settings import get_settings
from arrears.source.contract import SOURCE_SCHEMA, TABLES

if TYPE_CHECKING:
    from airflow.sdk import Context


class DaysBeforeDoneSensor(BaseSensorOperator):
    """In a backfill, wait until the days before have gone through: a day's decisions count what earlier days planned.

    A run by hand or by the clock goes on at once. Two looks in a row must find nothing under way, since a moment passes
    between the end of one DAG and the start of the next.

    :param dag_ids: the DAGs that a day goes through after this one.
    """

    def __init__(self, *, dag_ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(mode="poke", poke_interval=3, **kwargs)
        self.dag_ids = dag_ids
        self._found_nothing_before = False

    def poke(self, context: "Context") -> bool:
        if context["dag_run"].run_type != "backfill":
            return True
        under_way = sum(
            context["ti"].get_dr_count(dag_id=dag_id, states=["queued", "running"]) for dag_id in self.dag_ids
        )
        found_nothing_before, self._found_nothing_before = self._found_nothing_before, under_way == 0
        return found_nothing_before and under_way == 0


class LoadCoreBankingOperator(HasLineage, BaseOperator):
    """Copy what changed in the source into landing, as one batch that commits whole or not at all.

    :param tables: only these tables of the contract (default: all).
    :param is_counted: whether the source's rows are counted; without it the load costs what arrived (see `load_batch`).
    :param source_conn_id: Airflow connection of the bank's database.
    :param warehouse_conn_id: Airflow connection of the warehouse.

    Returns the batch id.
    """

    def __init__(
        self,
        *,
        tables: Sequence[str] | None = None,
        is_counted: bool = True,
        source_conn_id: str = "core_banking",
        warehouse_conn_id: str = "warehouse",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tables = tables
        self.is_counted = is_counted
        self.source_conn_id = source_conn_id
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> int:
        from arrears.landing.load import load_batch

        with connect(self.source_conn_id) as source, connect(self.warehouse_conn_id) as warehouse:
            batch = load_batch(
                source,
                warehouse,
                as_of=business_date(context),
                run_id=context["run_id"],
                settings=get_settings(),
                tables=self.tables,
                is_counted=self.is_counted,
            )
        for table in batch.tables:
            count(ROWS_LANDED, table.landed_rows, table=table.name)
        self.log.info("batch %s landed", batch.batch_id)
        return batch.batch_id

    def flow(self) -> Flow:
        names = self.tables or [table.name for table in TABLES]
        return Flow(
            tables(self.source_conn_id, [f"{SOURCE_SCHEMA}.{name}" for name in names]),
            tables(self.warehouse_conn_id, [f"landing.{name}" for name in names]),
        )


class CheckLandingOperator(HasLineage, BaseOperator):
    """Run the landing gate on a batch: rows that break a rule go to quarantine, a broken batch goes no further.

    :param batch_id: the batch, as returned by `LoadCoreBankingOperator`.
    """

    template_fields = ("batch_id",)

    def __init__(self, *, batch_id: Any, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.quality.landing_gate import check_batch

        settings = get_settings()
        with connect(self.warehouse_conn_id) as warehouse, red_gates_counted("landing"):
            report = check_batch(
                warehouse, batch_id=int(self.batch_id), settings=settings, docs_dir=settings.home / "data_docs"
            )
        for table, rows in report.rejected.items():
            count(ROWS_REJECTED, rows, table=table)
        self.log.info("batch %s passed its gate: %s", self.batch_id, report)

    def flow(self) -> Flow:
        names = [table.name for table in TABLES]
        return Flow(
            tables(self.warehouse_conn_id, [f"landing.{name}" for name in names]),
            tables(self.warehouse_conn_id, [f"quarantine.{name}" for name in names]),
        )
