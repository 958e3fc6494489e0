"""`arrears model`: the models that were trained, which of them decides, and how that is changed."""

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from arrears.cli.started import started_warehouse
from arrears.cli.terminal import console, print_json, titled_table
from arrears.errors import ModelError
from arrears.risk.purposes import PURPOSES
from arrears.settings import get_settings

if TYPE_CHECKING:
    from arrears.risk.model import Model
    from arrears.risk.registry import Promotion, Version

model_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

AsOf = Annotated[
    datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The first business date on which it decides.")
]
By = Annotated[str, typer.Option("--by", help="Who decides this.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
On = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Show which decides on this day. Default: today."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@model_app.callback()
def model() -> None:
    """Models of early warning and self-cure."""


@model_app.command("list")
def list_models(as_of: On = None, as_json: AsJson = False) -> None:
    """Every model that was trained on the source that is loaded, and which of them decides."""
    from arrears.risk.registry import versions

    with started_warehouse(get_settings()) as warehouse, warehouse, warehouse.cursor() as cursor:
        found = versions(cursor, day=_day(as_of))
    if as_json:
        print_json([asdict(each) for each in found])
    elif found:
        console.print(_list(found))
    else:
        console.print(
            "No model was trained: `train_early_warning` does it weekly, once enough has happened to learn from."
        )


@model_app.command()
def show(
    version: Annotated[str, typer.Argument(help="A version, as `arrears model list` names it.")],
    as_of: On = None,
    as_json: AsJson = False,
) -> None:
    """What a model is made of, how it did on months that it was not trained from, and when it decided."""
    from arrears.risk.registry import find_version, load_model, promotions

    with started_warehouse(get_settings()) as warehouse, warehouse, warehouse.cursor() as cursor:
        found = find_version(cursor, version, day=_day(as_of))
        made = load_model(cursor, found)
        history = [each for each in promotions(cursor, found.purpose) if each.model_version == version]
    if as_json:
        bins = [asdict(row) for feature in made.features for row in feature.bins()]
        print_json(asdict(found) | {"bins": bins, "promotions": [asdict(each) for each in history]})
        return
    console.print(_summary(found), soft_wrap=True)
    console.print(_figures(found))
    console.print(_bins(made))
    if history:
        console.print(_promotions(history))


@model_app.command()
def promote(
    version: Annotated[str, typer.Argument(help="A version, as `arrears model list` names it.")],
    as_of: AsOf,
    by: By,
    reason: Reason,
) -> None:
    """Let a model decide from a day on. Days whose lists were written stay as they are."""
    from arrears.risk import registry

    with started_warehouse(get_settings()) as warehouse:
        found = registry.promote(warehouse, version, valid_from=as_of.date(), by=by, reason=reason)
    console.print(f"[green]✓[/] {version} decides {found.purpose} from {as_of:%Y-%m-%d} on")


@model_app.command("roll-back")
def roll_back(
    purpose: Annotated[str, typer.Argument(help=" or ".join(PURPOSES))],
    as_of: AsOf,
    by: By,
    reason: Reason,
) -> None:
    """Let the model decide again that decided before the present one; none, where that was the first.

    After this the weekly training promotes nothing until a person has promoted a model that did not decide before.
    """
    from arrears.risk import registry

    if purpose not in PURPOSES:
        raise ModelError(f"there is no purpose {purpose}: expected {' or '.join(PURPOSES)}")
    with started_warehouse(get_settings()) as warehouse:
        version = registry.roll_back(warehouse, purpose, valid_from=as_of.date(), by=by, reason=reason)
    said = f"{version} decides {purpose} again" if version else f"no model decides {purpose}"
    console.print(f"[green]✓[/] {said} from {as_of:%Y-%m-%d} on")


def _day(as_of: datetime | None) -> date:
    return (as_of or datetime.now(get_settings().bank_tz)).date()


def _list(found: "list[Version]") -> Table:
    table = titled_table("Models", "version", "decides", "trained", "observed", "outcomes", "AUC out of time", "slope")
    for each in found:
        figures = each.figures
        table.add_row(
            each.model_version,
            "[green]yes[/]" if each.is_champion else "",
            f"{each.trained_as_of}",
            f"{each.observed_from} to {each.observed_to}",
            f"{figures['trained']['outcomes']:,}",
            _estimate(figures["auc"]),
            f"{figures['calibration_slope']['value']:.2f}",
        )
    return table


def _summary(found: "Version") -> str:
    trained, tested = found.figures["trained"], found.figures["tested"]
    decides = "[green]decides[/]" if found.is_champion else "does not decide"
    return (
        f"{found.model_version}: a {found.kind} for {found.purpose}, {decides}\n"
        f"trained from {trained['rows']:,} rows of {trained['customers']:,} customers, {trained['from']} to"
        f" {trained['to']}: {trained['outcomes']:,} outcomes\n"
        f"judged by {tested['rows']:,} rows of {tested['customers']:,} customers, {tested['from']} to"
        f" {tested['to']}: {tested['outcomes']:,} outcomes"
    )


def _figures(found: "Version") -> Table:
    table = titled_table("How it did on the later months (95 % intervals)", "figure", "value")
    named = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier"}
    named |= {"calibration_slope": "calibration slope", "calibration_intercept": "calibration intercept"}
    for name, heading in named.items():
        table.add_row(heading, _estimate(found.figures[name]))
    table.add_row("PSI of the score", f"{found.figures['score_psi']:.3f}")
    for name, psi in found.figures["left_out_psi"].items():
        table.add_row("left out, too unstable", f"{name} (PSI {psi:.2f})")
    return table


def _bins(made: "Model") -> Table:
    table = titled_table(f"Bins; intercept {made.intercept:.4f}", "feature", "from", "to below", "weight", "loans")
    for feature in made.features:
        for row in feature.bins():
            ends = ("not known", "") if row.is_missing else (_end(row.lower), _end(row.upper))
            name = feature.name if row.bin == 0 else ""
            table.add_row(name, *ends, f"{row.weight:+.3f}", f"{row.expected_share:.1%}")
    return table


def _promotions(history: "list[Promotion]") -> Table:
    table = titled_table("Promoted", "for days from", "by", "at", "reason")
    for each in history:
        reason = each.reason.replace("[", r"\[")
        table.add_row(f"{each.valid_from}", each.promoted_by, f"{each.promoted_at:%Y-%m-%d %H:%M}", reason)
    return table


def _estimate(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _end(end: float | None) -> str:
    return "" if end is None else f"{end:.6g}"
