"""`arrears experiment`: what is being tried on whom, and what it has shown so far."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from arrears.cli.started import started_warehouse
from arrears.cli.terminal import console, titled_table
from arrears.errors import ConfigurationError
from arrears.settings import get_settings

experiment_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Row = Mapping[str, Any]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="As it stood on this business date. Default: the newest."),
]
_STYLES = {"better": "green", "worse": "yellow", "stop": "red", "broken": "red"}


@experiment_app.callback()
def experiment() -> None:
    """Experiments."""


@experiment_app.command("list")
def list_experiments(as_of: AsOf = None) -> None:
    """Every experiment that has begun, with the verdict on each arm."""
    verdicts, _ = _read(None, as_of)
    if not verdicts:
        console.print("No experiment was looked at: docs/experiments.md says how to set one up")
        return
    table = titled_table(f"Experiments as of {verdicts[0]['as_of']}", "experiment", "arm", "customers", "verdict")
    for row in verdicts:
        table.add_row(escape(row["experiment"]), escape(row["arm"]), f"{row['customers']:,}", _verdict(row))
    console.print(table)


@experiment_app.command()
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="The experiment.")], as_of: AsOf = None) -> None:
    """One experiment: its arms, whether the draw is sound, what became of the customers, and the verdict."""
    verdicts, money = _read(name, as_of)
    if not verdicts:
        raise ConfigurationError(
            f"experiment {name}: expected one that was looked at, found none; `arrears experiment list` has all"
        )
    for part in render(verdicts, money):
        console.print(part)


def render(verdicts: Sequence[Row], money: Sequence[Row]) -> Iterator[str | Table]:
    """What is printed of one experiment, from top to bottom."""
    first = verdicts[0]
    effect = f"{100 * float(first['least_effect']):g} points of cured customers"
    yield f"[bold]{escape(first['experiment'])}[/] as of {first['as_of']}; what would matter: {effect}"
    chance = first["assignment_chance"]
    yield f"Draw: {'sound' if first['verdict'] != 'broken' else '[red]broken[/]'} (chance {chance:.2g})"
    yield _arms(verdicts)
    if money:
        yield _money(money)
    for row in verdicts:
        if row["arm"] != "champion" or row["verdict"] == "broken":
            yield f"{escape(row['arm'])}: {_verdict(row)}"


def _arms(verdicts: Sequence[Row]) -> Table:
    table = titled_table("Arms", "arm", "treatment")
    for column in ("share", "customers", "whole windows", "cured", "complaints", "opt-outs"):
        table.add_column(column, justify="right")
    for row in verdicts:
        table.add_row(
            escape(row["arm"]),
            escape(row["treatment"]),
            f"{float(row['share']):.1%}",
            f"{row['customers']:,}",
            f"{row['measured']:,}",
            f"{row['cured'] / row['measured']:.1%}" if row["measured"] else "–",
            f"{row['complaints']:,}",
            f"{row['opt_outs']:,}",
        )
    return table


def _money(rows: Sequence[Row]) -> Table:
    title = f"Paid in 30 days, by a customer with a whole window, held against {escape(rows[0]['versus'])}"
    table = titled_table(title, "arm", "currency")
    for column in ("paid", "more", "at least", "at most", "cost of contacts"):
        table.add_column(column, justify="right")
    for row in rows:
        more = [row[f"recovered_uplift{end}"] for end in ("", "_low", "_high")]
        table.add_row(
            escape(row["arm"]),
            row["currency"],
            f"{row['recovered'] / row['measured']:,.2f}",
            *("–" if value is None else f"{value:+,.2f}" for value in more),
            "–" if row["cost"] is None else f"{row['cost'] / row['measured']:,.2f}",
        )
    return table


def _verdict(row: Row) -> str:
    style = _STYLES.get(row["verdict"])
    return f"[{style}]{escape(row['verdict_text'])}[/]" if style else escape(row["verdict_text"])


def _read(name: str | None, as_of: datetime | None) -> tuple[Sequence[Row], Sequence[Row]]:
    from arrears.risk.uplift import read_verdicts

    with started_warehouse(get_settings()) as warehouse:
        return read_verdicts(warehouse, experiment=name, as_of=as_of.date() if as_of else date.max)
