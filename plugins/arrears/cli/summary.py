"""What a person sees at the end of a day: lists and vendors, what was held back and why, the headline figures."""

from datetime import date
from typing import Any

import psycopg2.extensions
from rich.console import Console
from rich.table import Table

from arrears.settings import Settings

LISTS = """
select batches.channel, batches.vendor, batches.batch_id, batches.row_count, batches.state,
    acks.accepted, count(results._row_id) as results
from ops.delivery_batch as batches
left join (
    select batch_id, max(accepted) as accepted from landing.vendor_ack group by batch_id
) as acks on batches.batch_id = acks.batch_id
left join landing.vendor_result as results on batches.batch_id = results.batch_id
where batches.as_of = %(as_of)s and batches.kind = %(kind)s and batches.state <> 'superseded'
    and batches.generation = (select max(generation) from ops.source_generation)
group by batches.channel, batches.vendor, batches.batch_id, batches.row_count, batches.state, acks.accepted
order by batches.row_count desc, batches.batch_id
"""

HELD_BACK = """
select decisions.reason_code, reasons.text, count(distinct decisions.customer_id) as customers, count(*) as decisions
from marts.fct_contact_decision as decisions
left join staging.suppression_reasons as reasons on decisions.reason_code = reasons.reason_code
    and decisions.as_of >= reasons.valid_from and (reasons.valid_to is null or decisions.as_of < reasons.valid_to)
where decisions.as_of = %(as_of)s and decisions.decision = 'suppress'
group by decisions.reason_code, reasons.text
order by count(*) desc, decisions.reason_code
"""

TIERS = """
select tier, currency, sum(loans) as loans, sum(arrears_amount) as arrears, sum(outstanding_principal) as outstanding
from marts.delinquency_tier
where as_of = %(as_of)s
group by tier, currency
having sum(loans) > 0
order by min(rank), currency
"""

MEASURED = """
select channel, vendor, sum(attempts) as attempts, sum(contacts) as contacts,
    sum(right_party_contacts) as right_party, sum(promises) as promises
from marts.channel_performance
group by channel, vendor
having sum(attempts) > 0
order by sum(attempts) desc
"""


def print_summary(warehouse: psycopg2.extensions.connection, as_of: date, settings: Settings, console: Console) -> None:
    """Print the day's outcome from the marts and the ledger. Reads only."""
    console.print(f"\n[bold]Business date {as_of}[/]\n")
    parameters = {"as_of": as_of, "kind": "contact_list"}
    _print(
        warehouse,
        console,
        "Contact lists",
        LISTS,
        parameters,
        ("channel", "vendor", "batch", "rows", "state", "accepted", "results"),
    )
    _print(
        warehouse,
        console,
        "Recalled after they left",
        LISTS,
        parameters | {"kind": "recall"},
        ("channel", "vendor", "batch", "rows", "state", "accepted", "results"),
    )
    _print(warehouse, console, "Held back, and why", HELD_BACK, parameters, ("reason", "", "customers", "decisions"))
    _print(warehouse, console, "Portfolio", TIERS, parameters, ("tier", "currency", "loans", "arrears", "outstanding"))
    _print(
        warehouse,
        console,
        "What the vendors reported",
        MEASURED,
        parameters,
        ("channel", "vendor", "attempts", "contacts", "right party", "promises"),
    )
    home = settings.home
    console.print(
        f"Airflow    http://127.0.0.1:{settings.airflow_port}  (admin; password in {home}/secrets/airflow_user_admin)"
    )
    console.print(f"Board      http://127.0.0.1:{settings.airflow_port}/plugin/arrears  (the day, Data Docs, models)")
    console.print('Marts      psql "$(.venv/bin/arrears dsn warehouse)"')
    console.print(f"Vendors    {home}/vendors/<vendor>/outbound")


def _print(
    warehouse: psycopg2.extensions.connection,
    console: Console,
    title: str,
    query: str,
    parameters: dict[str, Any],
    headings: tuple[str, ...],
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(query, parameters)
        rows = cursor.fetchall()
    if not rows:
        return
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for position, heading in enumerate(headings):
        is_number = any(isinstance(row[position], int | float) or hasattr(row[position], "quantize") for row in rows)
        table.add_column(heading, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    console.print(table)
    console.print()


def _text(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) or hasattr(value, "quantize") else str(value)
