"""What a lawyer needs with a referral: the statement of account and the contact history, as PDF and as JSON.

Names and telephone numbers are not repeated here: the list has the name, and evidence quotes the contract and the
reference of the row. Both files say the same; they are made once and stored with the batch.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import accumulate

import psycopg2.extensions
from fpdf import FPDF
from psycopg2.extras import RealDictCursor

from arrears.delivery.ledger import Batch, Item, StoredFile
from arrears.delivery.statements import statement
from arrears.domain.money import format_amount
from arrears.errors import DeliveryError

SCHEMA_VERSION = "1.0"

Record = Mapping[str, object]
Document = dict[str, object]


def stem(batch: Batch, item: Item) -> str:
    """The name of an item's evidence files without their ending."""
    return f"{batch.batch_id}.{item.contact_ref}"


def files(
    warehouse: psycopg2.extensions.connection,
    batch: Batch,
    items: Sequence[Item],
    *,
    arrears: Mapping[tuple[str, str], Decimal],
    time_zone: str,
) -> list[StoredFile]:
    """A PDF and a JSON file for each item of a batch. Reads only.

    Args:
        arrears: What each referral, by customer and currency, says is overdue.
        time_zone: The bank's: the contact history ends with the day there.

    Raises:
        DeliveryError: an item has no loan to give evidence of, or its statement does not add up to what is claimed.
    """
    values = {"batch_id": batch.batch_id, "as_of": batch.as_of, "time_zone": time_zone}
    loans = _by_item(warehouse, "evidence_loans", values)
    loan_ids = sorted({str(loan["loan_id"]) for of_item in loans.values() for loan in of_item})
    entries = _by_loan(warehouse, {"as_of": batch.as_of, "loan_ids": loan_ids})
    contacts = _by_item(warehouse, "evidence_contacts", values)
    made = []
    for item in items:
        key = (item.customer_id, item.currency)
        if not loans[key]:
            raise DeliveryError(f"batch {batch.batch_id}, {item.contact_ref}: no loan was found to give evidence of")
        accounts = [_account(loan, entries[str(loan["loan_id"])]) for loan in loans[key]]
        overdue = sum((Decimal(str(account["overdue"])) for account in accounts), Decimal(0))
        if overdue != arrears[key]:
            raise DeliveryError(
                f"batch {batch.batch_id}, {item.contact_ref}: expected statements that add up to the arrears of the "
                "referral, found another sum; what landed since was not decided on: refer the case on a later day"
            )
        document: Document = {
            "schema_version": SCHEMA_VERSION,
            "batch_id": batch.batch_id,
            "contact_ref": item.contact_ref,
            "as_of": batch.as_of.isoformat(),
            "accounts": accounts,
            "contacts": [_contact(contact) for contact in contacts[key]],
        }
        made.append(StoredFile(stem(batch, item) + ".pdf", _pdf(document, batch.planned_at)))
        made.append(StoredFile(stem(batch, item) + ".json", (json.dumps(document, indent=2) + "\n").encode()))
    return made


def _account(loan: Record, entries: Sequence[Record]) -> Document:
    """The statement of one loan: every instalment and every movement up to the day, with the running balance."""
    currency = str(loan["currency"])
    steps = [_decimal(entry["step"]) if entry["counts"] else Decimal(0) for entry in entries]
    balances = accumulate(steps)
    lines = [
        {
            "on": _day(entry["happened_on"]),
            "what": str(entry["what"]),
            "amount": format_amount(_decimal(entry["step"]), currency),
            "counts": bool(entry["counts"]),
            "balance": format_amount(balance, currency),
        }
        for entry, balance in zip(entries, balances, strict=True)
    ]
    return {
        "contract_no": str(loan["loan_id"]),
        "product": str(loan["product"]),
        "currency": currency,
        "principal": format_amount(_decimal(loan["principal"]), currency),
        "annual_rate": None if loan["annual_rate"] is None else f"{_decimal(loan['annual_rate']).normalize():f}",
        "disbursed_on": _day(loan["disbursed_on"]),
        "maturity_on": _day(loan["maturity_on"]),
        "schedule_version": loan["schedule_version"],
        "lines": lines,
        "overdue": format_amount(_overdue(entries), currency),
        "balance": lines[-1]["balance"] if lines else format_amount(Decimal(0), currency),
    }


def _overdue(entries: Sequence[Record]) -> Decimal:
    """What is overdue: what fell due less what was paid. An instalment of the day itself may not be overdue yet."""
    steps = (_decimal(entry["step"]) for entry in entries if entry["counts"] and entry["is_overdue"])
    return max(sum(steps, Decimal(0)), Decimal(0))


def _contact(contact: Record) -> Document:
    at = contact["happened_at"]
    return {
        "at": at.astimezone(UTC).isoformat() if isinstance(at, datetime) else None,
        "direction": str(contact["direction"]),
        "channel": str(contact["channel"]),
        "outcome": str(contact["disposition"]),
    }


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _day(value: object) -> str | None:
    return value.isoformat() if isinstance(value, date) else None


# Reading ------------------------------------------------------------------------------------------------------------


def _by_item(
    warehouse: psycopg2.extensions.connection, name: str, values: Record
) -> dict[tuple[str, str], list[Record]]:
    grouped = defaultdict(list)
    for record in _records(warehouse, name, values):
        grouped[str(record["customer_id"]), str(record["item_currency"])].append(record)
    return grouped


def _by_loan(warehouse: psycopg2.extensions.connection, values: Record) -> dict[str, list[Record]]:
    grouped = defaultdict(list)
    for record in _records(warehouse, "evidence_entries", values):
        grouped[str(record["loan_id"])].append(record)
    return grouped


def _records(warehouse: psycopg2.extensions.connection, name: str, values: Record) -> list[Record]:
    with warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement(name), values)
        return [dict(row) for row in cursor.fetchall()]


# The page -----------------------------------------------------------------------------------------------------------


def _pdf(document: Document, made_at: datetime) -> bytes:
    pdf = FPDF()
    pdf.set_creation_date(made_at)
    pdf.set_title(f"Evidence {document['contact_ref']}")
    pdf.add_page()
    _heading(pdf, "Statement of account", 14)
    _line(pdf, f"Reference {document['contact_ref']}, as of {document['as_of']}")
    accounts = document["accounts"]
    assert isinstance(accounts, list)
    for account in accounts:
        _account_pages(pdf, account)
    _heading(pdf, "Contact history", 14)
    contacts = document["contacts"]
    assert isinstance(contacts, list)
    if not contacts:
        _line(pdf, "None.")
    for contact in contacts:
        _line(pdf, f"{contact['at']}   {contact['direction']}   {contact['channel']}   {contact['outcome']}")
    return bytes(pdf.output())


def _account_pages(pdf: FPDF, account: Document) -> None:
    _heading(pdf, f"Contract {account['contract_no']}", 11)
    rate = account["annual_rate"] or "not stated"
    _line(
        pdf,
        f"{account['product']}, principal {account['principal']} {account['currency']}, annual rate {rate}, "
        f"paid out on {account['disbursed_on']}, schedule version {account['schedule_version']}",
    )
    lines = account["lines"]
    assert isinstance(lines, list)
    for line in lines:
        counted = "" if line["counts"] else "   (before the schedule in force: does not count)"
        _line(
            pdf, f"{line['on']}   {line['what']:<24}{line['amount']:>16}{line['balance']:>16}{counted}", font="Courier"
        )
    _line(pdf, f"Overdue: {account['overdue']} {account['currency']}")
    _line(pdf, f"Balance of what fell due and what was paid: {account['balance']} {account['currency']}")


def _heading(pdf: FPDF, text: str, size: int) -> None:
    pdf.ln(3)
    pdf.set_font("Helvetica", style="B", size=size)
    pdf.multi_cell(0, 7, _latin(text), new_x="LMARGIN", new_y="NEXT")


def _line(pdf: FPDF, text: str, font: str = "Helvetica") -> None:
    pdf.set_font(font, size=9)
    text = _latin(text)
    # Looking for the places where a line may break takes most of the time of a page, and most lines need none.
    fits = pdf.get_string_width(text) < pdf.epw - 2 * pdf.c_margin
    (pdf.cell if fits else pdf.multi_cell)(0, 4.5, text, new_x="LMARGIN", new_y="NEXT")


def _latin(text: str) -> str:
    """The built-in fonts know Latin letters only; all here is codes and figures, but an id may hold another letter."""
    return text.encode("latin-1", "backslashreplace").decode("latin-1")
