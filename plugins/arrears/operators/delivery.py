"""Operators of `dispatch_contact_lists`: each does one step for one vendor and can be run again at any time."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseSensorOperator

from arrears.business_date import REPLAYED_DISPATCH, business_date, business_now
from arrears.hooks.metrics import count, red_gates_counted
from arrears.hooks.postgres import connect
from arrears.metrics import LISTS_DELIVERED, LISTS_EXPIRED, ROWS_DELIVERED
from arrears.operators.lineage import DELIVERED, Flow, HasLineage, tables, vendor_directory
from arrears.services.vendors import configured
from arrears.settings import Settings, get_settings

if TYPE_CHECKING:
    import psycopg2.extensions
    from airflow.sdk import Context

    from arrears.delivery.ledger import Batch
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


class VendorOperator(DispatchOperator):
    """A step for one vendor.

    :param vendor: the vendor's code.
    """

    template_fields: Sequence[str] = ("vendor",)

    def __init__(self, *, vendor: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor


@contextmanager
def vendor_sftp(warehouse: "psycopg2.extensions.connection", vendor: str) -> Iterator["VendorSftp"]:
    """An open SFTP session with a vendor, by the Airflow connection that its row of the seed names.

    Raises:
        CircuitOpenError: the vendor failed repeatedly and is left alone for now.
    """
    from arrears.delivery.circuit import guarded
    from arrears.delivery.vendors import get_vendor
    from arrears.hooks.vendor_sftp import VendorSftp

    sftp = VendorSftp.from_connection(get_vendor(warehouse, vendor).connection_id)
    with guarded(warehouse, sftp, vendor=vendor, settings=get_settings()):
        yield sftp


def count_delivered(before: "Sequence[Batch]", after: "Sequence[Batch]") -> "list[Batch]":
    """Count the batches that left, or expired, between two looks at the same ones; those that left."""
    from arrears.domain.batch_state import WAITING, BatchState

    ended = [now for then, now in zip(before, after, strict=True) if then.state in WAITING and now.state not in WAITING]
    left = [batch for batch in ended if batch.state not in (BatchState.EXPIRED, BatchState.SUPERSEDED)]
    for batch in left:
        count(LISTS_DELIVERED, vendor=batch.vendor, kind=batch.kind)
        count(ROWS_DELIVERED, batch.row_count, vendor=batch.vendor, kind=batch.kind)
    for batch in ended:
        if batch.state is BatchState.EXPIRED:
            count(LISTS_EXPIRED, vendor=batch.vendor, kind=batch.kind)
    return left


class SealDayOperator(DispatchOperator):
    """Seal the day's decisions: from here on only an approval can add a row to a list.

    Fails closed: a flag feed that is missing or stale means no list.
    """

    def execute(self, context: "Context") -> None:
        from arrears.delivery.seal import seal_day

        settings, as_of = get_settings(), business_date(context)
        with connect(self.warehouse_conn_id) as warehouse:
            seal_day(warehouse, as_of=as_of, settings=settings, now=self.now(as_of, settings))


class DeliverOperator(HasLineage, VendorOperator):
    """What deliveries to a vendor share.

    :param vendor: the vendor's code.
    """

    def deliver(
        self, warehouse: "psycopg2.extensions.connection", batch_ids: Sequence[str], as_of: date, settings: Settings
    ) -> dict[str, str]:
        """Bring batches to the vendor; the state of each. That it is down is no failure once all have expired."""
        from arrears.delivery import ledger
        from arrears.delivery.lists import expire_overdue
        from arrears.delivery.send import deliver, withdraw_expired
        from arrears.domain.batch_state import BatchState
        from arrears.hooks.vendor_sftp import VendorConnectionError

        now = self.now(as_of, settings)
        before = [ledger.get_batch(warehouse, batch_id) for batch_id in batch_ids]
        with warehouse:
            expire_overdue(warehouse, as_of=as_of, now=now, settings=settings)
        try:
            with vendor_sftp(warehouse, self.vendor) as sftp:
                withdraw_expired(warehouse, sftp, vendor=self.vendor, as_of=as_of)
                for batch_id in batch_ids:
                    deliver(warehouse, sftp, batch_id=batch_id, now=now, settings=settings)
        except VendorConnectionError:
            if any(ledger.get_batch(warehouse, batch).state is not BatchState.EXPIRED for batch in batch_ids):
                raise
            self.log.warning("%s could not be reached before its lists expired", self.vendor)
        after = [ledger.get_batch(warehouse, batch_id) for batch_id in batch_ids]
        count_delivered(before, after)
        states = {batch.batch_id: str(batch.state) for batch in after}
        self.log.info("%s: %s", self.vendor, states)
        return states

    def flow(self) -> Flow:
        return Flow(tables(self.warehouse_conn_id, [DELIVERED]), vendor_directory(self.vendor, "outbound"))


class SendStopFileOperator(DeliverOperator):
    """Send a vendor the references it must drop, before any list of the day.

    :param vendor: the vendor's code.
    """

    def execute(self, context: "Context") -> dict[str, str]:
        from arrears.delivery.stop import prepare_stop

        settings, as_of = get_settings(), business_date(context)
        with connect(self.warehouse_conn_id) as warehouse, red_gates_counted("contact_list"):
            batch = prepare_stop(
                warehouse, vendor=self.vendor, as_of=as_of, now=self.now(as_of, settings), settings=settings
            )
            return self.deliver(warehouse, [batch.batch_id], as_of, settings)


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
        from arrears.delivery.stop import require_stop_possible, stop_accepted
        from arrears.operators.ingest import read_vendor

        require_stop_possible(warehouse, self.vendor, as_of)
        if not stop_accepted(warehouse, self.vendor, as_of):
            # Results are left to the DAG that builds their marts again once it has read some.
            read_vendor(warehouse, self.vendor, get_settings(), acks_only=True)
        return stop_accepted(warehouse, self.vendor, as_of)


class BuildContactListOperator(HasLineage, VendorOperator):
    """Plan and write a vendor's list of one channel. Returns the batch id.

    :param vendor: the vendor's code.
    """

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

    def flow(self) -> Flow:
        channels = sorted(vendor.channel for vendor in configured() if vendor.code == self.vendor)
        decided = [f"intermediate.int_contact_list__{channel}" for channel in channels]
        return Flow(tables(self.warehouse_conn_id, decided), tables(self.warehouse_conn_id, [DELIVERED]))


class CheckContactListOperator(HasLineage, DispatchOperator):
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
        with connect(self.warehouse_conn_id) as warehouse, red_gates_counted("contact_list"):
            for batch_id in self.batch_ids:
                gate_batch(warehouse, batch_id=batch_id, settings=settings, docs_dir=settings.home / "data_docs")

    def flow(self) -> Flow:
        return Flow(tables(self.warehouse_conn_id, [DELIVERED]), [])


class DeliverContactListOperator(DeliverOperator):
    """Upload what the gate let pass: files first, manifest last, once.

    :param vendor: the vendor's code.
    :param batch_ids: the batches, as returned by `BuildContactListOperator`.
    """

    template_fields = ("vendor", "batch_ids")

    def __init__(self, *, batch_ids: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_ids = batch_ids

    def execute(self, context: "Context") -> dict[str, str]:
        settings = get_settings()
        with connect(self.warehouse_conn_id) as warehouse:
            return self.deliver(warehouse, self.batch_ids, business_date(context), settings)
