"""Where the command line writes: as wide as the terminal; in a log, which has no width, wide enough for a batch id."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

LOG_WIDTH = 140

console = Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
errors = Console(stderr=True, highlight=False)


def titled_table(title: str, *columns: str) -> Table:
    """A table without lines below its title; more columns may be added."""
    return Table(*columns, title=title, title_justify="left", box=None, header_style="bold")


def print_json(value: Any) -> None:
    """The same for programs; what JSON does not know is text, days and instants as ISO 8601 has them."""
    json.dump(value, sys.stdout, indent=2, default=_plain)
    sys.stdout.write("\n")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


@contextmanager
def model_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for a build of dbt models: what it yields is the build's `progress`."""
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as display:
        task = display.add_task("reading the models", total=None)

        def show(name: str, done: int, total: int) -> None:
            display.update(task, description=name, completed=done, total=total)

        yield show
