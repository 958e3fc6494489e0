"""`make demo`: from nothing to delivered lists, on a real tape where one is at hand, else on a simulated bank."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import psycopg2
import psycopg2.extensions
from rich.console import Console

from arrears.cli.follow import Day, Display
from arrears.cli.summary import print_summary
from arrears.errors import ConfigurationError
from arrears.hooks.airflow_api import AirflowApi
from arrears.services.stack import start_all, start_databases
from arrears.settings import PROJECT_ROOT, Settings

TAPE_BESIDE_PROJECT = PROJECT_ROOT.parent / "shared" / "data" / "real"
TAPE_AS_OF = date(2019, 8, 31)
"""Month 0 of the tape: the only day for which the servicer published days past due."""
SIMULATED_LOANS = 2_000
SIMULATED_FROM, SIMULATED_AS_OF = date(2018, 8, 31), date(2020, 4, 15)
SEED = 20200415
LATE_PAYMENT = "SYN-LATE-PAYMENT"


def run_demo(settings: Settings, tape: str | None, console: Console) -> None:
    """Start everything, load a bank, run one business day and print what happened. A second run takes seconds.

    Raises:
        ConfigurationError: `tape` is not a directory with a tape.
        ArrearsError: whatever else failed, by name.
    """
    directory = _tape(tape)
    as_of = TAPE_AS_OF if directory else SIMULATED_AS_OF
    with ThreadPoolExecutor(1) as pool, console.status("Starting PostgreSQL") as status:
        start_databases(settings)
        # Airflow needs some twenty seconds to start: meanwhile the bank is loaded.
        rest = pool.submit(list, start_all(settings))
        status.update("Loading the bank, starting the vendors and Airflow")
        console.print(_load_bank(settings, directory))
        rest.result()
    if not _is_done(settings, as_of):
        _run_day(settings, as_of, console)
    with _warehouse(settings) as warehouse:
        print_summary(warehouse, as_of, settings, console)


def _tape(tape: str | None) -> Path | None:
    if tape is None:
        return TAPE_BESIDE_PROJECT if TAPE_BESIDE_PROJECT.is_dir() else None
    directory = Path(tape).expanduser()
    if not directory.is_dir():
        raise ConfigurationError(f"TAPE={tape} is not a directory: expected one with the files of a loan tape")
    return directory


def _load_bank(settings: Settings, directory: Path | None) -> str:
    """Load the tape or the simulation, unless the newest source is this very one already."""
    from arrears.simulator.bank import simulate
    from arrears.tapes.ally import load_tape

    what = f"demo: tape {directory}" if directory else f"demo: simulated bank, seed {SEED}"
    with _warehouse(settings) as warehouse, _source(settings) as source:
        with warehouse.cursor() as cursor:
            cursor.execute("select description from ops.source_generation order by generation desc limit 1")
            newest = cursor.fetchone()
        if newest != (what,):
            if directory:
                load_tape(source, warehouse, directory, description=what)
            else:
                simulate(
                    source,
                    warehouse,
                    loans=SIMULATED_LOANS,
                    start=SIMULATED_FROM,
                    end=SIMULATED_AS_OF,
                    seed=SEED,
                    description=what,
                )
    if directory:
        return f"[green]✓[/] Bank: the real loan tape in {directory}, people and hard cases synthetic (docs/source.md)"
    return f"[green]✓[/] Bank: simulated, {SIMULATED_LOANS:,} loans, seed {SEED} (no tape at {TAPE_BESIDE_PROJECT})"


def _is_done(settings: Settings, as_of: date) -> bool:
    """Whether the newest source's lists of this day are out and acknowledged."""
    with _warehouse(settings) as warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            """
            select count(*) filter (where state in ('acknowledged', 'closed')) = count(*) and count(*) > 0
            from ops.delivery_batch
            where kind = 'contact_list' and as_of = %s and state <> 'superseded'
                and generation = (select max(generation) from ops.source_generation)
            """,
            (as_of,),
        )
        row = cursor.fetchone()
        return bool(row and row[0])


def _run_day(settings: Settings, as_of: date, console: Console) -> None:
    with AirflowApi(settings) as api, Display(console, as_of) as display:
        day = Day(settings, api, display, as_of, approve=True)
        day.follow_chain("delivery")
        _pay_late(settings, as_of)
        day.follow("recall_paid_accounts")
        day.follow("ingest_vendor_results")


def _pay_late(settings: Settings, as_of: date) -> None:
    """Let one customer of today's SMS list pay after the list has left, so that the recall has something to do."""
    with _warehouse(settings) as warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            """
            select loans.loan_id, loans.arrears_amount
            from marts.fct_contact_decision as decisions
            inner join marts.fct_loan_delinquency as loans using (customer_id, currency, as_of)
            where decisions.as_of = %s and decisions.channel = 'sms' and decisions.batch_id is not null
            order by loans.arrears_amount desc, loans.loan_id
            limit 1
            """,
            (as_of,),
        )
        found = cursor.fetchone()
    if found is None:
        return
    with _source(settings) as source, source, source.cursor() as cursor:
        cursor.execute(
            """
            insert into core_banking.loan_transactions
                (transaction_id, loan_id, kind, amount, effective_on, recorded_at, channel)
            select %(id)s || '-' || %(loan)s, %(loan)s, 'repayment', %(amount)s, %(day)s, now(), 'synthetic'
            where not exists (
                select from core_banking.loan_transactions where transaction_id = %(id)s || '-' || %(loan)s
            )
            """,
            {"id": LATE_PAYMENT, "loan": found[0], "amount": found[1], "day": as_of},
        )


@contextmanager
def _warehouse(settings: Settings) -> Iterator[psycopg2.extensions.connection]:
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
        yield connection


@contextmanager
def _source(settings: Settings) -> Iterator[psycopg2.extensions.connection]:
    with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as connection:
        yield connection
