"""`arrears vendor`: for the people at a vendor who build the interface. Needs no warehouse and no connection."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from arrears.domain.vendor_results import Disposition, Problem, Terms
from arrears.errors import ConfigurationError
from arrears.settings import PROJECT_ROOT, get_settings

if TYPE_CHECKING:
    from arrears.delivery.inbound import Table

vendor_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False, soft_wrap=True)

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds" / "reference"
_MOST_LINES = 200


@vendor_app.callback()
def vendor() -> None:
    """For vendors."""


@vendor_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="An acknowledgement (JSON), results or reviews (CSV).")],
    channel: Annotated[
        str | None, typer.Option(help="The channel of the list; told by the file's name where that begins with it.")
    ] = None,
) -> None:
    """Check a file that is to be sent to the bank, line by line.

    Exit code 1 when the file would be refused, or a row of it set aside.
    """
    # pandas takes a second, which no other command should wait for.
    from arrears.delivery.inbound import Ack, FileRefused, read

    if not file.is_file():
        raise ConfigurationError(f"{file} is not a file: expected an acknowledgement, results or reviews")
    limit = get_settings().vendor_file_max_bytes
    if file.stat().st_size > limit:
        _refused(file, [f"the file has {file.stat().st_size} bytes, at most {limit} are read: send it in parts"])
    try:
        document = read(file.read_bytes())
        if isinstance(document, Ack):
            console.print(f"{file.name}: acknowledgement of {document.batch_id}, {document.rows} rows: fine")
            return
        _report(file, document, channel or _channel_of(file.name))
    except FileRefused as refusal:
        _refused(file, refusal.problems)


def _report(file: Path, table: "Table", channel: str) -> None:
    rows = set_aside = printed = 0
    for line, problems in _judged(table, channel):
        rows += 1
        set_aside += bool(problems)
        for problem in problems:
            printed += 1
            if printed <= _MOST_LINES:
                console.print(f"{file.name}: line {line}: {problem} ({problem.code})", markup=False)
    if printed > _MOST_LINES:
        console.print(f"… and {printed - _MOST_LINES} more")
    verdict = f"{set_aside} would be set aside" if set_aside else "fine"
    console.print(f"{file.name}: {table.kind}, {rows} rows: {verdict}", markup=False)
    if set_aside:
        raise typer.Exit(1)


def _judged(table: "Table", channel: str) -> Iterator[tuple[int, list[Problem]]]:
    from arrears.delivery.inbound_load import judged_alone

    terms = Terms(
        channel=channel,
        # Only the bank's ledger knows when a list was made.
        earliest=datetime.min.replace(tzinfo=UTC),
        latest=datetime.now(UTC),
        dispositions=_dispositions(),
        nonpayment_reasons=frozenset(row["nonpayment_reason"] for row in _seed("nonpayment_reasons")),
    )
    return judged_alone(table, terms)


def _refused(file: Path, problems: list[str]) -> None:
    for problem in problems:
        console.print(f"{file.name}: {problem}", markup=False)
    console.print(f"{file.name}: would be refused whole", markup=False)
    raise typer.Exit(1)


def _channel_of(name: str) -> str:
    from arrears.delivery.inbound import batch_in_name

    batch_id = batch_in_name(name) or ""
    return batch_id.split("-", 1)[0]


def _dispositions() -> dict[str, Disposition]:
    flags = ("is_contact", "is_right_party", "is_promise", "is_final")
    return {
        row["disposition"]: Disposition(row["disposition"], *(row[flag] == "true" for flag in flags))
        for row in _seed("dispositions")
    }


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
