"""The vendors as configured: rows of the seed `vendors`, never code."""

import csv
from dataclasses import dataclass

from arrears.services import sftp
from arrears.settings import PROJECT_ROOT, Settings

VENDORS_SEED = PROJECT_ROOT / "dbt_project" / "seeds" / "reference" / "vendors.csv"


@dataclass(frozen=True)
class Vendor:
    """One vendor of one channel."""

    code: str
    channel: str
    connection_id: str
    encryption_key: str
    """Name of its OpenPGP certificate; empty for plain files."""


def configured() -> list[Vendor]:
    """The vendors of the seed, in its order."""
    with VENDORS_SEED.open(newline="", encoding="utf-8") as file:
        return [
            Vendor(row["vendor"], row["channel"], row["connection_id"], row["encryption_key"])
            for row in csv.DictReader(file)
        ]


def connections(settings: Settings) -> dict[str, dict[str, object]]:
    """Airflow connections of the demo's vendors, by connection id: key authentication, host key pinned."""
    return {
        vendor.connection_id: {
            "conn_type": "sftp",
            "host": settings.sftp_host,
            "port": settings.sftp_port,
            "login": vendor.code,
            "extra": {
                "key_file": str(sftp.client_key_file(settings, vendor.code)),
                "host_key": sftp.host_key_line(settings),
                "no_host_key_check": False,
                "conn_timeout": 10,
            },
        }
        for vendor in configured()
    }
