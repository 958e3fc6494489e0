"""Operators of `dispatch_contact_lists`: each does one step for one vendor and can be run again at any time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseSensorOperator

from arrears.business_date import REPLAYED_DISPATCH, business_date, business_now
from arrears.hooks.postgres import connect
from arrears.settings import Settings, get_settings

if TYPE_CHECKING:
    import psycopg2.extensions
    from airflow.sdk import Context

    from arrears.hooks.vendor_sftp import VendorSftp


ANSWERS_AT_ONCE_SECONDS = 5
LOOK_AGAIN_SECONDS = 10
"""How long a vendor's answer is waited for on the spot, and how long until it is looked for again."""


class DispatchOperator(BaseOperator):
    """What the steps share: the warehouse, the business date and the time on that day."""

    def __init__(self, *, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    @staticmethod
    def now(as_of: date, settings: Settings) -> datetime:
        return business_now(as_of, settings.bank_tz, REPLAYED_DISPATCH)


@contextmanager
def vendor_sftp(warehouse: "psycopg2.extensions.connection", vendor: str) -> Iterator["VendorSftp"]:
    """An open SFTP session with a vendor, by the Airflow connection that its row of the seed names."""
    from arrears.delivery.vendors import get_vendor
    from arrears.hooks.vendor_sftp import VendorSftp

    with VendorSftp.from_connection(get_vendor(warehouse, vendor).connection_id) as sftp:
        yield sftp


class SealDayOperator(DispatchOperator):
    """Seal the day's decisions: from here on only an approval can add a row to a list.

    Fails closed: a flag feed that is missing or stale means no list.
    """

    def execute(self, context: "Context") -> None:
        from arrears.delivery.seal import seal_day

        settings, as_of = get_settings(), business_date(context)
        with connect(self.warehouse_conn_id) as warehouse:
            seal_day(warehouse, as_of=as_of, settings=settings, now=self.now(as_of, settings))


class SendStopFileOperator(DispatchOperator):
    """Send a vendor the references it must drop, before any list of the day.

    :param vendor: the vendor's code.
    """

    template_fields = ("vendor",)

    def __init__(self, *, vendor: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor

    def execute(self, context: "Context") -> str:
        from arrears.delivery.stop import send_stop

        settings, as_of = get_settings(), business_date(context)
        with connect(self.warehouse_conn_id) as warehouse, vendor_sftp(warehouse, self.vendor) as sftp:
            state = send_stop(
                warehouse, sftp, vendor=self.vendor, as_of=as_of, now=self.now(as_of, settings), settings=settings
            )
        self.log.info("stop file for %s: %s", self.vendor, state)
        return str(state)


class StopFileTakenSensor(BaseSensorOperator):
    """Wait until the vendor took the day's stop file (or it was uploaded, where the vendor does not acknowledge).

    Reads the vendor's acknowledgements itself, so that a list does not wait for the next run of the ingest.

    :param vendor: the vendor's code.
    """

    template_fields = ("vendor",)

    def __init__(self, *, vendor: str, warehouse_conn_id: str = "warehouse", **kwargs: Any) -> None:
        super().__init__(mode="reschedule", poke_interval=LOOK_AGAIN_SECONDS, **kwargs)
        self.vendor = vendor
        self.warehouse_conn_id = warehouse_conn_id

    def poke(self, context: "Context") -> bool:
        """Most vendors answer at once: look for a moment before the task goes and comes back as a new process."""
        give_up = time.monotonic() + ANSWERS_AT_ONCE_SECONDS
        with connect(self.warehouse_conn_id) as warehouse:
            while not (is_taken := self._look(warehouse, business_date(context))) and time.monotonic() < give_up:
                time.sleep(0.5)
        return is_taken

    def _look(self, warehouse: "psycopg2.extensions.connection", as_of: date) -> bool:
        from arrears.delivery.stop import stop_accepted
        from arrears.operators.ingest import read_vendor

        if not stop_accepted(warehouse, self.vendor, as_of):
            read_vendor(warehouse, self.vendor, get_settings())
        return stop_accepted(warehouse, self.vendor, as_of)


class BuildContactListOperator(DispatchOperator):
    """Plan and write a vendor's list of one channel. Returns the batch id.

    :param vendor: the vendor's code.
    """

    template_fields = ("vendor",)

    def __init__(self, *, vendor: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor

    def execute(self, context: "Context") -> list[str]:
        from arrears.delivery.lists import plan_batches, write_batch

        settings, as_of = get_settings(), business_date(context)
        with connect(self.warehouse_conn_id) as warehouse:
            plans = plan_batches(
                warehouse, as_of=as_of, now=self.now(as_of, settings), settings=settings, vendor=self.vendor
            )
            for plan in plans:
                write_batch(warehouse, batch_id=plan.batch_id, settings=settings)
                self.log.info("%s: %s rows written", plan.batch_id, plan.row_count)
        return [plan.batch_id for plan in plans]


class CheckContactListOperator(DispatchOperator):
    """Run the list gate on the bytes that would leave; a red gate keeps the list at home.

    :param batch_ids: the batches, as returned by `BuildContactListOperator`.
    """

    template_fields = ("batch_ids",)

    def __init__(self, *, batch_ids: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_ids = batch_ids

    def execute(self, context: "Context") -> None:
        from arrears.delivery.lists import gate_batch

        settings = get_settings()
        with connect(self.warehouse_conn_id) as warehouse:
            for batch_id in self.batch_ids:
                gate_batch(warehouse, batch_id=batch_id, settings=settings, docs_dir=settings.home / "data_docs")


class DeliverContactListOperator(DispatchOperator):
    """Upload what the gate let pass: files first, manifest last, once.

    :param vendor: the vendor's code.
    :param batch_ids: the batches, as returned by `BuildContactListOperator`.
    """

    template_fields = ("vendor", "batch_ids")

    def __init__(self, *, vendor: str, batch_ids: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor
        self.batch_ids = batch_ids

    def execute(self, context: "Context") -> dict[str, str]:
        from arrears.delivery.send import deliver

        settings, as_of = get_settings(), business_date(context)
        with connect(self.warehouse_conn_id) as warehouse, vendor_sftp(warehouse, self.vendor) as sftp:
            states = {
                batch_id: str(
                    deliver(warehouse, sftp, batch_id=batch_id, now=self.now(as_of, settings), settings=settings)
                )
                for batch_id in self.batch_ids
            }
        self.log.info("delivered: %s", states)
        return states
