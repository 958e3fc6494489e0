"""Operators that look ahead."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from arrears.business_date import business_date
from arrears.hooks.postgres import connect

if TYPE_CHECKING:
    from airflow.sdk import Context


class ForecastOperator(BaseOperator):
    """Forecast tiers and losses of the next months, once a month has ended. Holds back no list."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.risk.portfolio import renew_forecast

        with connect(self.warehouse_conn_id) as warehouse:
            report = renew_forecast(warehouse, as_of=business_date(context))
        self.log.info("forecast from the end of %s: %s", report.origin, report)


class LookAtExperimentsOperator(BaseOperator):
    """Judge the experiments by what the newest build knows of their customers. Holds back no list."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.risk.uplift import look_at_experiments

        with connect(self.warehouse_conn_id) as warehouse:
            report = look_at_experiments(warehouse, as_of=business_date(context))
        self.log.info("experiments: %s", report.verdicts or "none")
