"""`arrears bi`: the dashboards."""

import os
from contextlib import closing
from typing import Annotated

import psycopg2
import typer

from arrears.cli.terminal import console
from arrears.errors import ConfigurationError
from arrears.settings import Settings, get_settings


def bi(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay in front, on a PostgreSQL server that runs already (containers).")
    ] = False,
) -> None:
    """Start the dashboards (Apache Superset) on the marts, and say where they are. `make bi` installs them first."""
    from arrears.services.stack import start_databases
    from arrears.services.superset import ADMIN, SupersetService, password_file

    settings = get_settings()
    service = SupersetService(settings)
    if foreground:
        service.set_up()
        command = service.command()
        os.execve(command[0], command, service.environment())
    with console.status("Starting Superset"):
        start_databases(settings)
        _require_marts(settings)
        service.start()
    for title, address in service.addresses().items():
        console.print(f"[green]✓[/] {title:<40} {address}")
    console.print(f"User {ADMIN}, password in {password_file(settings)}")


def _require_marts(settings: Settings) -> None:
    with closing(psycopg2.connect(settings.dsn("warehouse", "bi_reader"))) as reader, reader.cursor() as cursor:
        cursor.execute("select to_regclass('bi.treatment_funnel') is not null")
        if cursor.fetchone() != (True,):
            raise ConfigurationError("there are no marts to show yet: run `make demo`, or `arrears run --as-of DATE`")
