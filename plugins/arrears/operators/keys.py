"""Operator of `dispatch_contact_lists` that looks at vendors' keys ahead of time."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arrears.business_date import business_date
from arrears.hooks.postgres import connect
from arrears.operators.delivery import DispatchOperator
from arrears.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckVendorKeysOperator(DispatchOperator):
    """Record how long each vendor's OpenPGP certificate lasts, and alert a month before it ends. Stops nothing."""

    def execute(self, context: "Context") -> int:
        from arrears.delivery.keys import check_keys

        with connect(self.warehouse_conn_id) as warehouse:
            # Whether a key is good is a fact of the day it is used on, not of the business date.
            states = check_keys(warehouse, as_of=business_date(context), now=datetime.now(UTC), settings=get_settings())
        red = sum(bool(state.problem) for state in states)
        self.log.info("%s certificates, %s to be asked for", len(states), red)
        return red
