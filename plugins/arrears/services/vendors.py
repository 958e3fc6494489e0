"""The vendors as configured: rows of the seed `vendors`, never code."""

import csv
from dataclasses import dataclass

from arrears.settings import PROJECT_ROOT

VENDORS_SEED = PROJECT_ROOT / "dbt_project" / "seeds" / "reference" / "vendors.csv"


@dataclass(frozen=True)
class Vendor:
    """One vendor of one channel."""

    code: str
    channel: str
    connection_id: str
    directory: str
    """Where its `outbound/` and `inbound/` are on its server."""
    encryption_key: str
    """Name of its OpenPGP certificate; empty for plain files."""


def configured() -> list[Vendor]:
    """The vendors of the seed, in its order."""
    with VENDORS_SEED.open(newline="", encoding="utf-8") as file:
        return [
            Vendor(row["vendor"], row["channel"], row["connection_id"], row["directory"] or "/", row["encryption_key"])
            for row in csv.DictReader(file)
        ]


def vendor_codes() -> list[str]:
    """The vendors of the seed, each once: one may serve several channels."""
    return list(dict.fromkeys(vendor.code for vendor in configured()))


def vendor_pool(code: str) -> str:
    """The Airflow pool of a vendor's tasks: one that is slow or down takes no slot of another's."""
    return f"vendor_{code}"
