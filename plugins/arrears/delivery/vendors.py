"""The vendors as the warehouse knows them (seed `vendors`): rows of configuration, never code."""

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

import psycopg2.extensions

from arrears.delivery.ledger import Batch
from arrears.delivery.statements import statement
from arrears.errors import ConfigurationError

ALL_CHANNELS = "all"
"""The channel of a stop or recall batch, which speaks to a vendor as a whole."""


@dataclass(frozen=True)
class Vendor:
    """One vendor of one channel."""

    name: str
    channel: str
    connection_id: str
    directory: str
    """Where its `outbound/` and `inbound/` are on its server."""
    encryption_key: str | None
    """Name of its OpenPGP certificate; None sends plain files."""
    acknowledges_stop: bool
    cut_off: time
    """End of its working day in the bank's zone."""
    daily_capacity: int | None
    """So many rows it can work on a day; None where nobody said."""

    def cut_off_at(self, as_of: date, zone: ZoneInfo) -> datetime:
        return datetime.combine(as_of, self.cut_off, tzinfo=zone)

    def leaves_by(self, batch: Batch, zone: ZoneInfo) -> datetime:
        """After this instant nobody would work it. A recall speaks of lists that may go on after the vendor's day."""
        if batch.kind != "contact_list":
            return batch.valid_until
        return min(batch.valid_until, self.cut_off_at(batch.as_of, zone))

    def outbound(self, as_of: date) -> PurePosixPath:
        """The directory of a day's files."""
        return PurePosixPath(self.directory) / "outbound" / as_of.strftime("%Y%m%d")


def all_vendors(warehouse: psycopg2.extensions.connection) -> list[Vendor]:
    """Every vendor of every channel, by name and channel."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("vendors"))
        return [
            Vendor(
                name, channel, connection, directory or "/", key or None, bool(acknowledges), _time(cut_off), capacity
            )
            for name, channel, connection, directory, key, acknowledges, cut_off, capacity in cursor.fetchall()
        ]


def get_vendor(warehouse: psycopg2.extensions.connection, name: str, channel: str = ALL_CHANNELS) -> Vendor:
    """The vendor of that channel; of all channels the one whose working day ends last.

    Raises:
        ConfigurationError: no such vendor.
    """
    found = [v for v in all_vendors(warehouse) if v.name == name and channel in (ALL_CHANNELS, v.channel)]
    if not found:
        raise ConfigurationError(f"vendor {name}: no row in the seed `vendors` for channel {channel}")
    return max(found, key=lambda vendor: vendor.cut_off)


def _time(text: str | None) -> time:
    """`20:00` or null; null is the last second of the day."""
    return time.fromisoformat(text) if text else time(23, 59, 59)
