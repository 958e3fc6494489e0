"""`arrears`: the command line. Every error that we raise on purpose is one clear line and a non-zero exit."""

import os
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import psycopg2
import typer

from arrears.cli.alerts import alerts
from arrears.cli.bi import bi
from arrears.cli.deliveries import deliveries
from arrears.cli.experiment import experiment_app
from arrears.cli.explain import explain_command
from arrears.cli.forget import forget_command
from arrears.cli.model import model_app
from arrears.cli.policy import policy_app
from arrears.cli.rebuild import rebuild
from arrears.cli.source import source_app
from arrears.cli.tape import tape_app
from arrears.cli.terminal import console, errors
from arrears.cli.vendor import vendor_app
from arrears.errors import ArrearsError
from arrears.settings import get_settings

app = typer.Typer(
    name="arrears",
    help="Whom to contact about a late loan, how, and whom to leave alone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(source_app, name="source", help="Fill the demo bank: from files, a real tape, or a simulation.")
app.add_typer(tape_app, name="tape", help="Compare our days past due with those of real loan tapes.")
app.add_typer(vendor_app, name="vendor", help="For vendors: check files before sending them.")
app.add_typer(policy_app, name="policy", help="Check policy packs, and see whom a change would affect.")
app.add_typer(model_app, name="model", help="Which model decides who may fall behind: see them, promote, roll back.")
app.add_typer(experiment_app, name="experiment", help="What is being tried on whom, and what it has shown so far.")
app.command("alerts")(alerts)
app.command("deliveries")(deliveries)
app.command("rebuild")(rebuild)
app.command("explain")(explain_command)
app.command("forget")(forget_command)
app.command("bi")(bi)

AsOf = Annotated[
    datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The business date, for example 2019-08-31.")
]


class Until(StrEnum):
    """Where a run may stop."""

    LANDING = "landing"
    MARTS = "marts"
    DELIVERY = "delivery"


class Database(StrEnum):
    """The databases that people connect to."""

    SOURCE = "source"
    WAREHOUSE = "warehouse"


class Role(StrEnum):
    """The roles that people connect as."""

    PIPELINE = "pipeline"
    BI_FULL = "bi_full"
    BI_READER = "bi_reader"
    DATA_STEWARD = "data_steward"
    BANK = "bank"


@app.command()
def up() -> None:
    """Start PostgreSQL, the demo vendors' SFTP server and Airflow. Does nothing to what runs already."""
    from arrears.services.stack import start_all

    settings = get_settings()
    with console.status("Starting PostgreSQL") as status:
        for name in start_all(settings):
            console.print(f"[green]✓[/] {name}")
            status.update("Starting the rest")
    console.print(f"Airflow: http://127.0.0.1:{settings.airflow_port}  user admin, password {_password_hint()}")


@app.command()
def down() -> None:
    """Stop all services; data and logs stay in the state directory."""
    from arrears.services.stack import stop_all

    with console.status("Stopping"):
        for name in stop_all(get_settings()):
            console.print(f"[green]✓[/] {name} stopped")


@app.command()
def status() -> None:
    """Show what runs and where. Exits with 1 when a service is down."""
    from arrears.services import stack

    services = stack.status(get_settings())
    for service in services:
        mark, word = ("[green]✓[/]", "running") if service.is_running else ("[red]✗[/]", "stopped")
        console.print(f"{mark} {service.name:<14}{word:<10}{service.address}")
    if not all(service.is_running for service in services):
        raise typer.Exit(1)


@app.command()
def dsn(
    database: Database,
    role: Annotated[
        Role | None, typer.Option(help="Default: pipeline for the warehouse, bank (its owner) for the source.")
    ] = None,
) -> None:
    """Print a libpq connection string, for `psql "$(arrears dsn warehouse)"`."""
    from arrears.services.stack import start_databases

    settings = get_settings()
    start_databases(settings)
    default = {Database.SOURCE: Role.BANK, Database.WAREHOUSE: Role.PIPELINE}[database]
    name: Any = {Database.SOURCE: "core_banking", Database.WAREHOUSE: "warehouse"}[database]
    typer.echo(settings.dsn(name, (role or default).value))


@app.command()
def run(
    as_of: AsOf,
    until: Annotated[Until | None, typer.Option(help="Stop after this step; otherwise go on to results.")] = None,
    approve_as_demo_users: Annotated[
        bool, typer.Option("--approve-as-demo-users", help="Answer legal approvals as the demo's two approvers.")
    ] = False,
) -> None:
    """Run the chain of one business date through Airflow and follow it. Exits with 0 only when all of it succeeded."""
    from arrears.cli.follow import run_day

    run_day(get_settings(), as_of.date(), until.value if until else None, approve_as_demo_users, console)


@app.command()
def demo(
    tape: Annotated[
        str | None, typer.Option(help="Directory with a real tape (default: the one beside the project).")
    ] = None,
) -> None:
    """Everything at once: services, a bank, one business day, delivered lists. What `make demo` calls."""
    from arrears.cli.demo import run_demo

    run_demo(get_settings(), tape, console)


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/configuration.md has it.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="What is measured, as docs/metrics.md has it.")] = False,
) -> None:
    """Show every setting, its value here and how to change it."""
    from arrears.cli import metrics_page
    from arrears.cli.settings_page import markdown_page, settings_table

    if metrics:
        typer.echo(metrics_page.markdown_page(), nl=False)
    elif markdown:
        typer.echo(markdown_page(), nl=False)
    else:
        console.print(settings_table(get_settings()))


@app.command(hidden=True)
def prepare(
    secrets_only: Annotated[bool, typer.Option(help="Only make the passwords and keys.")] = False,
) -> None:
    """Make secrets, roles and databases on a PostgreSQL server that is not ours to start (docker-compose)."""
    from arrears.services import airflow, postgres, sftp, stack

    settings = get_settings()
    postgres.create_secrets(settings)
    airflow.create_secrets(settings)
    sftp.create_sftp_keys(settings)
    if not secrets_only:
        postgres.PostgresService(settings).ensure_databases()
        stack.prepare_databases(settings)
        airflow.write_pools(settings)


@app.command(
    name="airflow", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def airflow_command(context: typer.Context) -> None:
    """Run Airflow's own command line with this project's configuration, for example `arrears airflow dags list`."""
    from arrears.services.airflow import airflow_environment

    environment = airflow_environment(get_settings())
    os.execvpe("airflow", ["airflow", *context.args], environment)


def _password_hint() -> str:
    return f"in {get_settings().home / 'secrets' / 'airflow_user_admin'}"


def main() -> None:
    """Entry point: turns our errors, and an unreachable database, into one line."""
    try:
        app()
    except ArrearsError as error:
        errors.print(f"[bold red]error:[/] {_plain(error)}", soft_wrap=True)
        sys.exit(1)
    except psycopg2.OperationalError as error:
        errors.print(f"[bold red]error:[/] PostgreSQL: {_plain(error)}; see `arrears status`", soft_wrap=True)
        sys.exit(1)


def _plain(error: Exception) -> str:
    return str(error).strip().replace("[", r"\[")
