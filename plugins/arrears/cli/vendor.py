"""`arrears vendor`: for the people at a vendor who build the interface.

Needs no warehouse, no connection and no Airflow; `python -m arrears.cli.vendor check FILE…` does the same with nothing
but typer, rich and pydantic installed.
"""

import csv
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from arrears.delivery.inbound import Ack, FileRefused, Table, Verdict, batch_in_name, judged, read, require_plain_name
from arrears.delivery.layouts import CHANNELS
from arrears.domain.vendor_results import Disposition, Problem, Reason, Row, Terms, earliest_attempt, is_breach
from arrears.errors import ArrearsError, ConfigurationError
from arrears.settings import PROJECT_ROOT, get_settings

vendor_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False, soft_wrap=True)

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds" / "reference"
_MOST_LINES = 200
_EVER = datetime.min.replace(tzinfo=UTC)
_BREACH = "attempted_at: outside the window of its row: it would be loaded, and recorded as a breach"

Attempt = tuple[object, object, object]


@dataclass
class _Answered:
    """What the files answer, as far as it is at hand, and which attempts were reported so far."""

    channel: str | None = None
    earliest: datetime = _EVER
    sha256: str | None = None
    rows: int | None = None
    currencies: Mapping[str, str | None] | None = None
    windows: Mapping[str, tuple[datetime | None, datetime | None]] = field(default_factory=dict)
    attempts: dict[Attempt, Row] = field(default_factory=dict)


@vendor_app.callback()
def vendor() -> None:
    """For vendors."""


@vendor_app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Acknowledgements (JSON), results or reviews (CSV).")],
    channel: Annotated[
        str | None, typer.Option(help="The channel of the list; told by the file's name where that begins with it.")
    ] = None,
    list_file: Annotated[
        Path | None,
        typer.Option(
            "--list",
            help="The list that the files answer, as received (decrypted), its manifest beside it: then references,"
            " currencies, times, hash and row count are checked as well.",
        ),
    ] = None,
) -> None:
    """Check files that are to be sent to the bank, line by line, by the rules that the bank reads them by.

    Exit code 0 when all would be loaded as they are; 1 when a file would be refused, or a row of one set aside.
    """
    answered = _read_list(list_file) if list_file else _Answered()
    answered.channel = channel or answered.channel
    verdicts = [_is_fine(file, answered) for file in files]
    if not all(verdicts):
        raise typer.Exit(1)


@vendor_app.command()
def keys(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Certificates to look at; those of the configured vendors unless given.")
    ] = None,
) -> None:
    """For the bank: fingerprint and end of vendors' OpenPGP certificates.

    Exit code 1 when one is missing, unusable, or to be replaced within a month.
    """
    from arrears.delivery.keys import KeyState, state_of_certificate
    from arrears.hooks.openpgp import certificate_path
    from arrears.services.vendors import configured

    home, now = get_settings().home, datetime.now(UTC)
    named = {file.stem: file for file in files or []} or {
        vendor.code: certificate_path(home, vendor.encryption_key) for vendor in configured() if vendor.encryption_key
    }
    states: list[KeyState] = [state_of_certificate(name, path, now) for name, path in named.items()]
    for state in states:
        end = f"until {state.expires_at:%Y-%m-%d}" if state.expires_at else "without end"
        what = state.problem or f"{state.fingerprint}, {end}: fine"
        console.print(f"{state.vendor}: {what}", markup=False)
    if any(state.problem for state in states):
        raise typer.Exit(1)


def _is_fine(file: Path, answered: _Answered) -> bool:
    try:
        document = read(_content(file))
        if isinstance(document, Table):
            return _report(file, document, answered)
        _require_agreement(document, answered)
    except FileRefused as refusal:
        for problem in refusal.problems:
            _say(file, problem)
        _say(file, "would be refused whole")
        return False
    _say(file, f"acknowledgement of {document.batch_id}, {document.rows} rows: fine")
    return True


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise ConfigurationError(f"{file} is not a file: expected an acknowledgement, results or reviews")
    require_plain_name(file.name)
    size, limit = file.stat().st_size, get_settings().vendor_file_max_bytes
    if size > limit:
        raise FileRefused(f"the file has {size} bytes, at most {limit} are read: send it in parts")
    return file.read_bytes()


def _require_agreement(ack: Ack, answered: _Answered) -> None:
    problems = []
    if answered.rows is not None and ack.rows != answered.rows:
        problems.append(f"rows: the list has {answered.rows}")
    if answered.sha256 is not None and ack.sha256 != answered.sha256:
        problems.append("sha256: not that of the list as received")
    if answered.currencies is not None and {row.contact_ref for row in ack.rejected} - answered.currencies.keys():
        problems.append("rejected: a contact_ref that is not of the list")
    if problems:
        raise FileRefused(*problems)


def _report(file: Path, table: Table, answered: _Answered) -> bool:
    rows = set_aside = printed = 0
    is_refused = False
    for verdict, told in _told(table, _terms(file.name, answered), answered):
        rows += 1
        set_aside += bool(verdict.problems)
        is_refused = is_refused or not verdict.is_of_list
        for text in told:
            printed += 1
            if printed <= _MOST_LINES:
                _say(file, f"line {verdict.raw.line}: {text}")
    if printed > _MOST_LINES:
        console.print(f"… and {printed - _MOST_LINES} more")
    what = "would be refused whole" if is_refused else f"{set_aside} would be set aside" if set_aside else "fine"
    _say(file, f"{table.kind}, {rows} rows: {what}")
    return not set_aside


def _told(table: Table, terms: Terms, answered: _Answered) -> Iterator[tuple[Verdict, list[str]]]:
    """Each row with what is to be said of it."""
    for verdict in judged(table, terms, answered.currencies):
        if table.kind == "results" and not verdict.problems and _contradicts(verdict.row, answered.attempts):
            verdict.answer.append(Problem(Reason.CONFLICT, ""))
        told = [f"{problem} ({problem.code})" for problem in verdict.problems]
        attempted_at = verdict.row.get("attempted_at")
        if not told and isinstance(attempted_at, datetime):
            window = answered.windows.get(str(verdict.row["contact_ref"]), (None, None))
            told = [_BREACH] if is_breach(attempted_at, *window) else []
        yield verdict, told


def _contradicts(row: Row, attempts: dict[Attempt, Row]) -> bool:
    """Whether the attempt was reported before, in these files, with other content."""
    attempt = (row["contact_ref"], row["contact_point_ref"], row["attempted_at"])
    return attempts.setdefault(attempt, row) != row


def _terms(file_name: str, answered: _Answered) -> Terms:
    return Terms(
        channel=answered.channel or (batch_in_name(file_name) or "").split("-", 1)[0],
        earliest=answered.earliest,
        latest=datetime.now(UTC),
        dispositions=_dispositions(),
        nonpayment_reasons=frozenset(row["nonpayment_reason"] for row in _seed("nonpayment_reasons")),
    )


def _read_list(path: Path) -> _Answered:
    """What the list says, and its manifest where that lies beside it."""
    if not path.is_file():
        raise ConfigurationError(f"{path} is not a file: expected the list that the files answer")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows, header = list(reader), list(reader.fieldnames or ())
    channel = path.name.split("-", 1)[0]
    if channel not in CHANNELS or "contact_ref" not in header:
        raise ConfigurationError(
            f"{path.name} is not a contact list: expected <channel>-<vendor>-<as_of>-<sequence>.csv with its columns"
        )
    answered = _Answered(
        channel=channel,
        rows=len(rows),
        currencies={row["contact_ref"]: row.get("currency") for row in rows},
    )
    if window := CHANNELS[channel].window:
        answered.windows = {
            row["contact_ref"]: (datetime.fromisoformat(row[window[0]]), datetime.fromisoformat(row[window[1]]))
            for row in rows
        }
    manifest = path.with_name(path.name.removesuffix(".csv") + ".manifest.json")
    if manifest.is_file():
        document = json.loads(manifest.read_text(encoding="utf-8"))
        bank_tz = datetime.fromisoformat(document["valid_until"]).tzinfo
        created_at = datetime.fromisoformat(document["created_at"])
        answered.earliest = earliest_attempt(date.fromisoformat(document["as_of"]), created_at, bank_tz or UTC)
        answered.sha256 = document["files"][0]["sha256"]
    else:
        answered.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return answered


def _say(file: Path, text: str) -> None:
    console.print(f"{file.name}: {text}", markup=False)


def _dispositions() -> dict[str, Disposition]:
    return {row["disposition"]: Disposition.of_seed(row) for row in _seed("dispositions")}


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """As `arrears vendor`, without the rest of the command line."""
    try:
        vendor_app()
    except ArrearsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
