"""What loading and judging share about landing tables: who belongs to whom, and the statements in `sql/landing`."""

from dataclasses import dataclass
from importlib.resources import files

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.source.contract import TABLES, Table


@dataclass(frozen=True)
class Parent:
    """A column of a table that names a row of another (or the same) table."""

    column: str
    table: str
    key: str


_CUSTOMER = Parent("customer_id", "customers", "customer_id")
_LOAN = Parent("loan_id", "loans", "loan_id")

PARENTS: dict[str, tuple[Parent, ...]] = {
    "loans": (_CUSTOMER,),
    "loan_parties": (_LOAN, _CUSTOMER),
    "contact_points": (_CUSTOMER,),
    "contact_consents": (_CUSTOMER,),
    "customer_interactions": (_CUSTOMER, _LOAN),
    "customer_flags": (_CUSTOMER,),
    "repayment_schedule": (_LOAN,),
    "loan_transactions": (_LOAN, Parent("reverses", "loan_transactions", "transaction_id")),
    "hardship_arrangements": (_LOAN,),
    "collector_assignments": (_CUSTOMER,),
    "complaints": (_CUSTOMER,),
}
"""Rows without their parent are rejected. A parent's table comes before its children's in `PARENTS_FIRST`."""

PARENTS_FIRST = ("customers", "loans", "loan_transactions")
"""The tables that are parents, in the order in which they are judged; every other table follows."""

PARENT_REASONS = (
    "UNKNOWN_CUSTOMER",
    "UNKNOWN_LOAN",
    "PARENT_REJECTED",
    "REVERSES_UNKNOWN",
    "REVERSAL_EXCEEDS",
    "DUE_BEFORE_DISBURSEMENT",
)
"""Why a row may be rejected although nothing in it will change: it is judged again when its parent lands."""


LOOKED_UP_BY = {
    "loan_transactions": "loan_id",
    "hardship_arrangements": "loan_id",
    "loans": "customer_id",
    "loan_parties": "customer_id",
    "contact_points": "customer_id",
    "customer_interactions": "customer_id",
    "collector_assignments": "customer_id",
    "complaints": "customer_id",
}
"""A further column that rows are looked up by: for the state of a few loans, or for one customer."""


def in_order(names: list[str]) -> list[str]:
    """Names of tables, parents before their children."""
    rank = {name: position for position, name in enumerate(PARENTS_FIRST)}
    return sorted(names, key=lambda name: rank.get(name, len(rank)))


def make_searchable(cursor: Cursor, table: Table) -> None:
    """Index a landing table and gather its statistics: after its first rows, in one go. Does not commit."""
    names = {what: sql.Identifier(f"{table.name}_{what}") for what in ("key", "changed_at", "batch_id")}
    if table.name in LOOKED_UP_BY:
        cursor.execute(
            sql.SQL("create index if not exists {} on {} ({})").format(
                sql.Identifier(f"{table.name}_{LOOKED_UP_BY[table.name]}"),
                sql.Identifier("landing", table.name),
                sql.Identifier(LOOKED_UP_BY[table.name]),
            )
        )
    cursor.execute(
        fill(
            "create_indexes.sql",
            table,
            key=sql.SQL(", ").join([sql.Identifier(name) for name in table.key]),
            **{f"{what}_index": name for what, name in names.items()},
        )
    )


def mark_superseded(cursor: Cursor, table: Table, batch_id: int) -> None:
    """Note in `ops.superseded_row` what a passed batch supersedes, once its rejects are in quarantine. Does not commit.

    The batch may still be called `landed` in the transaction that lets it pass. Running it again changes nothing.
    """
    cursor.execute(_read("landing", "passed_batches.sql"), {"batch_id": batch_id, "table_name": table.name})
    earlier = [number for (number,) in cursor.fetchall()]
    template = "supersede.sql" if earlier else "supersede_first.sql"
    cursor.execute(fill(template, table), {"batch_id": batch_id, "passed": [*earlier, batch_id]})


INCOMING = "arrears_incoming"
"""The temporary table that a changed table's rows arrive in."""


def create_gates(cursor: Cursor) -> None:
    """Create what the gates on landing and marts work with. Safe to run again; does not commit."""
    cursor.execute(_read("landing", "gate.sql"))
    for table in TABLES:
        cursor.execute(fill("table_functions.sql", table))
    cursor.execute(_read("quality", "tier_swings.sql"))


def fill(template: str, table: Table, **more: sql.Composable) -> sql.Composed:
    """A template of `sql/landing` for one table. `%(name)s` stays, to be bound when it is run."""
    names: dict[str, sql.Composable] = {
        "landing": sql.Identifier("landing", table.name),
        "quarantine": sql.Identifier("quarantine", table.name),
        "incoming": sql.Identifier("pg_temp", INCOMING),
        "table_name": sql.Literal(table.name),
        "changed_at": sql.Identifier(table.changed_at),
        "columns": columns(table),
        "column_types": _typed(table, table.column_names),
        "key_types": _typed(table, table.key),
    }
    for function in ("known", "current", "rejected", "find_repeated", "repeated"):
        names[function] = sql.Identifier(f"{function}_{table.name}")
    for alias in ("known", "incoming", "present", "earlier", "held"):
        names[f"{alias}_columns"] = columns(table, alias)
    for alias in ("known", "incoming", "present", "held", "suspect", "landed"):
        names[f"{alias}_key"] = _listed(table.key, alias)
    for one, other in (
        ("known", "suspect"),
        ("incoming", "several"),
        ("earlier", "incoming"),
        ("present", "landed"),
        ("later", "held"),
        ("known", "brought"),
        ("known", "several"),
    ):
        names[f"{one}_is_{other}"] = _equal(table.key, one, other)
    return sql.SQL(_read("landing", template)).format(**names | more)


def columns(table: Table, alias: str | None = None) -> sql.Composable:
    """The contract's columns of a table, comma-separated, each after `alias.` when one is given."""
    return _listed(table.column_names, alias)


def _listed(names: tuple[str, ...], alias: str | None) -> sql.Composable:
    return sql.SQL(", ").join([sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names])


def _equal(names: tuple[str, ...], one: str, other: str) -> sql.Composable:
    pairs = [sql.SQL("{} = {}").format(sql.Identifier(one, name), sql.Identifier(other, name)) for name in names]
    return sql.SQL(" and ").join(pairs)


def _typed(table: Table, names: tuple[str, ...]) -> sql.Composable:
    return sql.SQL(", ").join(
        [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(table.column(name).type)) for name in names]
    )


def _read(directory: str, name: str) -> str:
    return files("arrears").joinpath("sql", directory, name).read_text(encoding="utf-8")
