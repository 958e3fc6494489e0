"""Operator of `watch_and_alert`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from arrears.business_date import business_date
from arrears.hooks.postgres import connect
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class WatchOperator(BaseOperator):
    """Look at everything that an alert may be about; open, repeat and close alerts, and send them."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> None:
        from arrears.alerts.watch import watch

        with connect(self.warehouse_conn_id) as warehouse:
            # Whether somebody is late is a matter of the clock; what is due, of the business date.
            watched = watch(warehouse, as_of=business_date(context), now=datetime.now(UTC), settings=get_settings())
        self.log.info("%s", watched)
