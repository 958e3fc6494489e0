"""`arrears explain`: why a customer was contacted on a day, or left alone, in words."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import psycopg2
import psycopg2.extensions
import typer
from rich.markup import escape
from rich.table import Table

from arrears.cli.terminal import console, titled_table
from arrears.explain import Explanation, Limit, Outcome, Rule, as_json, explain
from arrears.settings import Settings, get_settings


class Reader(StrEnum):
    """Who asks, as far as contact values are concerned."""

    PIPELINE = "pipeline"
    DATA_STEWARD = "data_steward"


def explain_command(
    customer: Annotated[str, typer.Option("--customer", help="The customer_id of core banking.")],
    as_of: Annotated[
        datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The business date, for example 2019-08-31.")
    ],
    as_json_text: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    role: Annotated[
        Reader, typer.Option(help="data_steward sees contact values of the jurisdictions that are its own.")
    ] = Reader.PIPELINE,
) -> None:
    """Why a customer was contacted on a day, or left alone: facts, rules, limits, and what would change it.

    It reads the ledger of that day. That it was asked is written down in ops.personal_data_access.
    """
    from arrears.services.stack import start_databases

    settings = get_settings()
    start_databases(settings)
    with _connections(settings, role) as (warehouse, steward):
        found = explain(warehouse, customer_id=customer, as_of=as_of.date(), settings=settings, steward=steward)
    if as_json_text:
        json.dump(asdict(found), sys.stdout, indent=2, default=as_json, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    for part in render(found):
        console.print(part)


@contextmanager
def _connections(
    settings: Settings, role: Reader
) -> Iterator[tuple[psycopg2.extensions.connection, psycopg2.extensions.connection | None]]:
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        if role is Reader.PIPELINE:
            yield warehouse, None
            return
        with closing(psycopg2.connect(settings.dsn("warehouse", role.value))) as steward:
            yield warehouse, steward


def render(found: Explanation) -> Iterator[str | Table]:
    """What is printed, from top to bottom."""
    yield from _head(found)
    yield _loans(found)
    yield from _risk(found)
    if found.circumstances or found.promises:
        yield _circumstances(found)
    if found.limits:
        yield _limits(found.limits)
    if not found.outcomes:
        yield "No decision on this day: nothing overdue or due soon, no warning, no written-off loan."
        return
    yield _outcomes(found.outcomes)
    for outcome in found.outcomes:
        yield ""
        yield from _details(outcome)


def _head(found: Explanation) -> Iterator[str]:
    zone = found.time_zone if found.is_time_zone_known else f"not known, shown in the bank's ({found.time_zone})"
    final = "final: the day is sealed" if found.is_final else "a proposal: the day is not sealed yet"
    who = f"[bold]Customer {escape(found.customer_id)}, {found.as_of}[/]"
    yield f"{who}, {escape(found.jurisdiction)}, time zone {zone}"
    if found.policy_id:
        yield f"Decided by pack {found.policy_id}, version {(found.policy_version or '')[:12]}; {final}"
    if not found.is_policy_of_the_day:
        yield "[yellow]The packs were changed since: the sources below are those of the packs deployed now.[/]"


def _loans(found: Explanation) -> Table:
    table = titled_table("Loans", "loan", "product", "oldest unpaid", "next due", "last payment")
    for name in ("days past due", "arrears", "outstanding"):
        table.add_column(name, justify="right")
    for loan in found.loans:
        table.add_row(
            escape(loan["loan_id"]),
            loan["product"],
            _day(loan["oldest_unpaid_due_date"]),
            _day(loan["next_due_date"]),
            _day(loan["last_payment_on"]),
            "–" if loan["days_past_due"] is None else str(loan["days_past_due"]),
            f"{loan['arrears_amount']:,} {loan['currency']}",
            f"{loan['outstanding_principal']:,} {loan['currency']}",
        )
    return table


def _risk(found: Explanation) -> Iterator[str]:
    """What the models said of the loans on the day; nothing where none is promoted."""
    for loan in found.loans:
        if loan["risk_band"]:
            reasons = "; ".join(loan["risk_reasons"]) or "no reason stands out"
            yield f"{escape(loan['loan_id'])}: band {loan['risk_band']} by model {loan['model_version']} ({reasons})"


def _circumstances(found: Explanation) -> Table:
    table = titled_table("In force on the day", "what", "", "since", "until")
    for row in found.circumstances:
        table.add_row(row["kind"], escape(row["what"]), _day(row["since_on"]), _day(row["until_on"]))
    for row in found.promises:
        amount = "" if row["amount"] is None else f"{row['amount']:,} {row['currency'] or ''}"
        table.add_row(
            "promise",
            f"{amount}, due {row['due_on']}, by {row['channel']}",
            _day(row["made_on"]),
            _day(row["last_day"]),
        )
    return table


def _limits(limits: Iterable[Limit]) -> Table:
    table = titled_table("Contacts that count", "channel", "limit")
    for name in ("reported", "planned", "at most"):
        table.add_column(name, justify="right")
    table.add_column("source")
    for limit in limits:
        style = "red" if limit.used >= limit.at_most else ""
        table.add_row(
            limit.channel or "all together",
            limit.text,
            str(limit.reported),
            str(limit.planned),
            str(limit.at_most),
            escape(_source(limit.rule)),
            style=style,
        )
    return table


def _outcomes(outcomes: Iterable[Outcome]) -> Table:
    table = titled_table("Decisions", "channel", "currency", "tier", "outcome", "why")
    for row in outcomes:
        is_contact = row.decision == "contact"
        table.add_row(
            row.channel,
            row.currency,
            row.tier,
            "[green]contact[/]" if is_contact else "[red]leave alone[/]",
            _when(row) if is_contact else escape(f"{row.reasons[0].code}: {row.reasons[0].text}"),
        )
    return table


def _details(row: Outcome) -> Iterator[str]:
    yield f"[bold]{row.channel}, {row.currency}[/]: {row.days_past_due} days past due, {row.arrears_amount:,} overdue"
    if row.experiment:
        yield f"  arm {escape(row.arm or '')} of experiment {escape(row.experiment)}"
    if row.treatment:
        yield f"  treatment of {row.tier}: {escape(row.treatment)}"
    for rule in row.treatment_rules:
        yield f"    {escape(rule.text)}  [dim]{escape(_source(rule))}[/]"
    for reason in row.reasons:
        yield f"  [red]{reason.code}[/]: {escape(reason.text)}"
        for rule in reason.rules:
            yield f"    {escape(rule.text)}  [dim]{escape(_source(rule))}[/]"
    if row.decision == "contact":
        yield from _contact(row)
    yield f"  It would change when {escape(row.changes_when)}."


def _contact(row: Outcome) -> Iterator[str]:
    point = f", {row.contact_point.kind} {escape(row.contact_point.value or '')}" if row.contact_point else ""
    batch = f" on list {row.batch_id}" if row.batch_id else ""
    yield f"  by {row.vendor}{batch}{point}, at most {row.attempts} attempts, {_when(row)}"
    for rule in row.window_rules:
        yield f"    hours {escape(rule.text)}  [dim]{escape(_source(rule))}[/]"


def _when(row: Outcome) -> str:
    if row.window_start is None or row.window_end is None:
        return "no hours"
    return f"{row.window_start:%Y-%m-%d %H:%M}–{row.window_end:%H:%M %Z} (their time)"


def _source(rule: Rule) -> str:
    until = f" to {rule.valid_to}" if rule.valid_to else ""
    return f"({rule.source}; {rule.confidence}; from {rule.valid_from}{until})"


def _day(day: object) -> str:
    return "–" if day is None else str(day)
