"""Operators of `build_documentation`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from arrears.business_date import business_date
from arrears.hooks.postgres import connect
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class TidyDataDocsOperator(BaseOperator):
    """Remove the pages of Data Docs that are past their time (`data_docs_days`), and list all others.

    Returns how many were removed.
    """

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: "Context") -> int:
        from arrears.quality.data_docs import tidy

        settings = get_settings()
        with connect(self.warehouse_conn_id) as warehouse:
            return tidy(
                warehouse,
                docs_dir=settings.home / "data_docs",
                as_of=business_date(context),
                days=settings.data_docs_days,
                now=datetime.now(UTC),
            )


class BuildDbtDocsOperator(BaseOperator):
    """Write dbt's documentation of models and columns, as one file that the board serves, where it is another one.

    Returns its path.
    """

    def execute(self, context: "Context") -> str:
        from arrears.dbt_build import document

        return str(document(get_settings(), as_of=business_date(context)))
