"""The bank's way to a vendor's directory on the tests' SFTP server."""

from datetime import date, datetime

import psycopg2.extensions

from arrears.delivery.send import deliver
from arrears.delivery.stop import prepare_stop
from arrears.domain.batch_state import BatchState
from arrears.hooks.vendor_sftp import VendorServer, VendorSftp
from arrears.services import sftp
from arrears.settings import Settings


def server_of(settings: Settings, vendor: str) -> VendorServer:
    """As the vendor's Airflow connection says it."""
    return VendorServer(
        vendor=vendor,
        host=settings.sftp_host,
        port=settings.sftp_port,
        username=vendor,
        host_key=sftp.host_key_line(settings),
        key_file=sftp.client_key_file(settings, vendor),
    )


def send_stop(
    warehouse: psycopg2.extensions.connection,
    sftp: VendorSftp,
    *,
    vendor: str,
    as_of: date,
    now: datetime,
    settings: Settings,
) -> BatchState:
    """Bring a vendor its stop file of the day, as the DAG does."""
    batch = prepare_stop(warehouse, vendor=vendor, as_of=as_of, now=now, settings=settings)
    return deliver(warehouse, sftp, batch_id=batch.batch_id, now=now, settings=settings)
