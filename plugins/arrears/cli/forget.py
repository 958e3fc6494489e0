"""`arrears forget`: a lawful request for erasure."""

import os
from datetime import datetime
from typing import Annotated

import psycopg2
import psycopg2.extensions
import typer

from arrears.cli.started import started_warehouse
from arrears.cli.terminal import console
from arrears.errors import ConfigurationError, ServiceError
from arrears.privacy import register_copy
from arrears.privacy.erase_again import erase_again
from arrears.privacy.forget import Proof, forget, newest_day
from arrears.settings import Settings, get_settings


def forget_command(
    customer: Annotated[str | None, typer.Option("--customer", help="The customer_id of core banking.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            help="The day on which duties to keep are looked at. Default: the newest business date that was built.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="After a restore: do every erasure again that the warehouse has forgotten.")
    ] = False,
) -> None:
    """Erase a customer everywhere, unless the law asks us to keep the data: then it is refused, with every reason.

    The proof that is printed and kept (ops.erasure) holds no personal data. Running it again shows the same proof and
    removes what was left on a vendor's server that could not be reached.
    """
    settings = get_settings()
    if again == (customer is not None):
        raise ConfigurationError("expected either --customer ID or --again")
    with started_warehouse(settings) as warehouse:
        if customer is None:
            done = erase_again(warehouse, settings)
            _remove_copies(warehouse, settings)
            console.print(f"[green]✓[/] {done} erasures done again, by {register_copy.path(settings)}")
            return
        day = as_of.date() if as_of else newest_day(warehouse)
        forget(warehouse, customer_id=customer, as_of=day, settings=settings)
        unreachable = _remove_copies(warehouse, settings)
        _print(forget(warehouse, customer_id=customer, as_of=day, settings=settings))
    if unreachable:
        raise ServiceError(
            f"files on the servers of {', '.join(unreachable)} are still to be removed: "
            "run this again, or wait for the next run of enforce_retention"
        )


def _remove_copies(warehouse: psycopg2.extensions.connection, settings: Settings) -> list[str]:
    """Remove erased files from the vendors' servers; who could not be reached."""
    from arrears.privacy.vendor_copies import remove_copies, waiting_vendors

    vendors = waiting_vendors(warehouse)
    if not vendors:
        return []
    from arrears.operators.delivery import vendor_sftp
    from arrears.services.airflow import airflow_environment

    # The connections of vendors are Airflow's.
    os.environ |= airflow_environment(settings)
    unreachable = []
    for vendor in vendors:
        try:
            with console.status(f"Removing copies from {vendor}"), vendor_sftp(warehouse, vendor) as server:
                remove_copies(warehouse, server, vendor=vendor)
        except ServiceError as error:
            console.print(f"[yellow]{vendor}[/]: {error}")
            unreachable.append(vendor)
    return unreachable


def _print(proof: Proof) -> None:
    console.print(
        f"[green]✓[/] Erased as [bold]{proof.erasure_id}[/], by {proof.cause}, duties looked at on {proof.as_of}"
    )
    for place, rows in proof.places.items():
        console.print(f"  {place:<55}{rows:>8,}")
    gone = "none left" if proof.vendor_copies_gone_at else "still to be removed"
    console.print(f"  {'files on vendors’ servers':<55}{gone:>8}")
    console.print("Backups of the database keep what was erased until they are overwritten: see docs/privacy.md.")
