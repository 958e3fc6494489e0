"""The tables that a bank offers us: the only definition of their names, columns, types and keys.

The source schema, the landing and quarantine tables, the COPY statements, the drift check, the file loader and
the gate are all derived from `TABLES`. `docs/source.md` explains each column to a bank; a test keeps it in step.
"""

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """Column types, by their PostgreSQL names as `format_type` prints them."""

    TEXT = "text"
    DATE = "date"
    INSTANT = "timestamp with time zone"
    MONEY = "numeric(18,2)"
    NUMBER = "numeric"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time without time zone"


@dataclass(frozen=True)
class Column:
    """One column of the contract."""

    name: str
    type: Type
    required: bool = False
    """A file must have the column, and the gate rejects rows in which it is null."""
    personal: bool = False
    """Values identify or describe a person: never printed, logged or kept in results."""


@dataclass(frozen=True)
class Table:
    """One table of the contract."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool = False
    """A directory given to `arrears source load` must hold it, and it may not be empty."""

    @property
    def changed_at(self) -> str:
        """The column that tells when a row changed: what an incremental load asks for."""
        return "recorded_at" if self.name == "loan_transactions" else "updated_at"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


_TYPES = {
    "text": Type.TEXT,
    "date": Type.DATE,
    "instant": Type.INSTANT,
    "money": Type.MONEY,
    "number": Type.NUMBER,
    "integer": Type.INTEGER,
    "boolean": Type.BOOLEAN,
    "time": Type.TIME,
}


def _table(name: str, spec: str, *, key: str, required: bool = False) -> Table:
    """Build a table from one line a column: `name[*] type [personal]`, where `*` marks a required column."""
    columns = []
    for line in spec.strip().splitlines():
        label, kind, *marks = line.split()
        columns.append(
            Column(
                name=label.rstrip("*"),
                type=_TYPES[kind],
                required=label.endswith("*"),
                personal="personal" in marks,
            )
        )
    return Table(name=name, columns=tuple(columns), key=tuple(key.split()), required=required)


TABLES: tuple[Table, ...] = (
    _table(
        "customers",
        """
        customer_id* text
        full_name text personal
        given_name text personal
        national_id text personal
        sex text personal
        date_of_birth date personal
        language text
        time_zone text
        jurisdiction* text
        city text personal
        segment text
        employment_status text personal
        monthly_income money personal
        credit_score integer personal
        credit_score_on date
        updated_at* instant
        """,
        key="customer_id",
        required=True,
    ),
    _table(
        "loan_parties",
        """
        loan_id* text
        customer_id* text
        role* text
        updated_at* instant
        """,
        key="loan_id customer_id",
    ),
    _table(
        "contact_points",
        """
        contact_point_id* text
        customer_id* text
        kind* text
        value* text personal
        city text personal
        postal_code text personal
        latitude number personal
        longitude number personal
        is_valid boolean
        relation text
        source text
        consent text
        updated_at* instant
        """,
        key="contact_point_id",
    ),
    _table(
        "contact_consents",
        """
        customer_id* text
        channel* text
        consent* text
        valid_from* date
        valid_to date
        preferred_from time
        preferred_to time
        updated_at* instant
        """,
        key="customer_id channel valid_from",
    ),
    _table(
        "customer_interactions",
        """
        interaction_id* text
        customer_id* text
        loan_id text
        direction* text
        channel* text
        occurred_at* instant
        disposition* text
        promise_amount money
        promise_on date
        currency text
        updated_at* instant
        """,
        key="interaction_id",
    ),
    _table(
        "feed_status",
        """
        table_name* text
        complete_to* instant
        updated_at* instant
        """,
        key="table_name",
    ),
    _table(
        "customer_flags",
        """
        customer_id* text
        flag* text
        valid_from* date
        valid_to date
        note text personal
        updated_at* instant
        """,
        key="customer_id flag valid_from",
    ),
    _table(
        "loans",
        """
        loan_id* text
        customer_id* text
        product* text
        currency* text
        principal* money
        annual_rate number
        disbursed_on* date
        maturity_on date
        day_count* text
        status* text
        closed_on date
        written_off_on date
        updated_at* instant
        """,
        key="loan_id",
        required=True,
    ),
    _table(
        "repayment_schedule",
        """
        loan_id* text
        schedule_version* integer
        effective_from* date
        instalment_no* integer
        due_date* date
        principal_due* money
        interest_due money
        fee_due money
        updated_at* instant
        """,
        key="loan_id schedule_version instalment_no",
        required=True,
    ),
    _table(
        "loan_transactions",
        """
        transaction_id* text
        loan_id* text
        kind* text
        amount* money
        effective_on* date
        recorded_at* instant
        reverses text
        channel text
        """,
        key="transaction_id",
        required=True,
    ),
    _table(
        "hardship_arrangements",
        """
        arrangement_id* text
        loan_id* text
        kind* text
        starts_on* date
        ends_on* date
        status* text
        accepted_on date
        ended_on date
        schedule_version integer
        reduced_amount money
        updated_at* instant
        """,
        key="arrangement_id",
    ),
    _table(
        "collectors",
        """
        collector_id* text
        vendor* text
        channel* text
        display_name text personal
        grade text
        hired_on date
        left_on date
        updated_at* instant
        """,
        key="collector_id",
    ),
    _table(
        "collector_assignments",
        """
        collector_id* text
        customer_id* text
        assigned_on* date
        released_on date
        updated_at* instant
        """,
        key="collector_id customer_id assigned_on",
    ),
    _table(
        "collector_training",
        """
        collector_id* text
        course* text
        completed_on* date
        score number
        valid_until date
        updated_at* instant
        """,
        key="collector_id course completed_on",
    ),
    _table(
        "complaints",
        """
        complaint_id* text
        customer_id* text
        collector_id text
        channel text
        received_at* instant
        category text
        upheld boolean
        responded_at instant
        closed_at instant
        updated_at* instant
        """,
        key="complaint_id",
    ),
)

BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
SOURCE_SCHEMA = "core_banking"
