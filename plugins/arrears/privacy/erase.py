"""Erase customers from the warehouse: every version, every copy, in one transaction.

What law and figures need stays, without anybody in it: loans keep their amounts and dates under the id of the erasure.
Copies on the servers of vendors are marked here and removed by `vendor_copies`.
"""

import csv
import io
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import psycopg2.extensions
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import Json, execute_values

from arrears.erasure_register import DROPPED, anonymous_columns, erasure_key
from arrears.errors import ArrearsError
from arrears.privacy import register_copy
from arrears.privacy.warehouse import statement
from arrears.settings import Settings
from arrears.source.contract import TABLES, Table

Cause = register_copy.Cause

PERSONAL = {column.name for table in TABLES for column in table.columns if column.personal} | {
    "first_name",
    "phone",
    "alternate_phone",
    "recording_ref",
}
"""Names by which a column that dbt made holds somebody's data: such rows go, the next build makes those that stay."""

IDS = ("customer_id", "contact_customer_id")
POINTERS = ("contact_point_id", "alternate_contact_point_id", "pay_link_token")
"""Columns that lead to what is erased."""


class ErasureError(ArrearsError):
    """Something of a customer would be left: nothing was erased."""


@dataclass(frozen=True)
class Relation:
    """A table that knows customers."""

    schema: str
    name: str
    columns: frozenset[str]

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def is_personal(self) -> bool:
        """dbt's tables are made anew; the ledger in `ops` is not, and holds nothing personal but ids."""
        return self.schema != "ops" and bool(self.columns & PERSONAL)


def erase(
    warehouse: psycopg2.extensions.connection,
    customers: Sequence[str],
    *,
    as_of: date,
    cause: Cause,
    settings: Settings,
) -> dict[str, str]:
    """Erase customers for whom no duty stands (the caller has looked). Commits; killed before, nothing has changed.

    Returns:
        The id of each customer's erasure.

    Raises:
        ErasureError: a place would still have a customer afterwards; rolled back.
    """
    erasures = {customer_id: f"erased-{secrets.token_hex(8)}" for customer_id in customers}
    erase_as(warehouse, erasures, as_of=as_of, cause=cause, settings=settings)
    return erasures


def erase_as(
    warehouse: psycopg2.extensions.connection,
    erasures: Mapping[str, str],
    *,
    as_of: date,
    cause: Cause,
    settings: Settings,
) -> None:
    """Erase customers, each under the id of an erasure that is given. As `erase`."""
    key = erasure_key(settings)
    with warehouse, warehouse.cursor() as cursor:
        # No load may bring a customer back between the look and the commit.
        cursor.execute("select pg_advisory_xact_lock(hashtext('arrears.landing'))")
        _insert_register(cursor, erasures, key.hash_of, as_of=as_of, cause=cause)
        places = _erase_files(cursor)
        places += _erase_vendor_rows(cursor)
        places += rename_recordings(cursor)
        for table in TABLES:
            places += _erase_landed(cursor, table)
        relations = list(_relations(cursor))
        for relation in relations:
            places += _erase_relation(cursor, relation)
        _require_gone(cursor, relations)
        _record_places(cursor, erasures.values(), places)
        cursor.execute(statement("note_copies_gone"))
        # Last, and before the commit: an erasure that is not in the copy would be undone by a restore.
        register_copy.add(
            settings,
            [
                register_copy.Entry(erasure_id, key.hash_of(customer_id).hex(), cause, as_of)
                for customer_id, erasure_id in erasures.items()
            ],
        )


def _insert_register(
    cursor: Cursor, erasures: Mapping[str, str], hash_of: Callable[[str], bytes], *, as_of: date, cause: Cause
) -> None:
    cursor.execute(
        "create temporary table erasing (customer_id text primary key, erasure_id text not null) on commit drop"
    )
    execute_values(cursor, "insert into erasing values %s", list(erasures.items()))
    execute_values(
        cursor,
        "insert into ops.erasure (erasure_id, customer_hash, cause, as_of) values %s",
        [(erasure_id, hash_of(customer_id), cause, as_of) for customer_id, erasure_id in erasures.items()],
    )
    cursor.execute(statement("erasing_refs"))


# Landing and quarantine ---------------------------------------------------------------------------------------------


def _erase_landed(cursor: Cursor, table: Table) -> Counter[str]:
    """All versions of a contract table, those in quarantine too."""
    if "customer_id" not in table.column_names:
        return Counter()
    found: Counter[str] = Counter()
    for schema in ("landing", "quarantine"):
        names = {
            "relation": sql.Identifier(schema, table.name),
            "table_name": sql.Literal(table.name),
            "anonymous": anonymous_columns(table),
        }
        template = "drop_landed" if table.name in DROPPED else "anonymise_landed"
        cursor.execute(sql.SQL(statement(template)).format(**names))
        found[f"{schema}.{table.name}"] += cursor.rowcount
    return found


def _erase_vendor_rows(cursor: Cursor) -> Counter[str]:
    found: Counter[str] = Counter()
    # The files first: which of them hold the customers, the rows tell.
    for place in ("ops.vendor_file", "landing.vendor_result", "quarantine.vendor_result"):
        cursor.execute(statement("erase_" + place.replace(".", "_")))
        found[place] += cursor.rowcount
    return found


def rename_recordings(cursor: Cursor) -> Counter[str]:
    """Take recordings (`pg_temp.erasing_recording`) out of whatever names them.

    The same stand-in everywhere: a review still counts for who made the attempt.
    """
    cursor.execute(statement("relations"), {"ids": ["recording_ref"]})
    named = [(schema, name, "vendor") for schema, name, _ in cursor.fetchall()]
    found: Counter[str] = Counter()
    landed = [("landing", name, "_vendor") for name in ("vendor_qa", "vendor_result")]
    for schema, name, vendor in [*landed, *named]:
        names = {"relation": sql.Identifier(schema, name), "vendor": sql.Identifier(vendor)}
        cursor.execute(sql.SQL(_RENAME).format(**names))
        found[f"{schema}.{name}"] += cursor.rowcount
    return found


# Delivered files ----------------------------------------------------------------------------------------------------


def _erase_files(cursor: Cursor) -> Counter[str]:
    """Rows of the customers in the bytes that were sent, and evidence about them; hashes and totals stay."""
    found: Counter[str] = Counter()
    cursor.execute(statement("files_of_refs"))
    for batch_id, name, content, encryption, refs in cursor.fetchall():
        left = _without(bytes(content), name, encryption, frozenset(refs))
        if left is None:
            continue
        cursor.execute(
            "update ops.delivery_file set content = %s, erased_at = coalesce(erased_at, clock_timestamp())"
            " where batch_id = %s and name = %s",
            (left, batch_id, name),
        )
        found["ops.delivery_file"] += 1
    return found


def _without(content: bytes, name: str, encryption: str, refs: frozenset[str]) -> bytes | None:
    """A file without the rows of some references; None where it has none. What we cannot open goes whole."""
    if any(ref in name for ref in refs) or encryption != "none":
        return b""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    kept = [row for row in rows if row and row[0] not in refs]
    if len(kept) == len(rows):
        return None
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_MINIMAL).writerows(kept)
    return buffer.getvalue().encode()


# All other tables ---------------------------------------------------------------------------------------------------


def _relations(cursor: Cursor) -> Iterator[Relation]:
    """Every table outside landing and quarantine with a customer's id, whoever made it."""
    cursor.execute(statement("relations"), {"ids": list(IDS)})
    for schema, name, columns in cursor.fetchall():
        yield Relation(schema, name, frozenset(columns))


def _erase_relation(cursor: Cursor, relation: Relation) -> Counter[str]:
    found: Counter[str] = Counter()
    for column in sorted(relation.columns.intersection(IDS)):
        names = {"relation": relation.identifier, "id": sql.Identifier(column)}
        if relation.is_personal:
            cursor.execute(sql.SQL(_DELETE).format(**names))
        else:
            pointers = sorted(relation.columns.intersection(POINTERS))
            cleared = sql.SQL("").join([sql.SQL(", {} = null").format(sql.Identifier(name)) for name in pointers])
            cursor.execute(sql.SQL(_REPLACE).format(cleared=cleared, **names))
        found[relation.label] += cursor.rowcount
    return found


def _require_gone(cursor: Cursor, relations: Iterable[Relation]) -> None:
    """Count again, in every place: the proof is that nobody is found."""
    landed = [
        Relation(schema, table.name, frozenset(table.column_names))
        for schema in ("landing", "quarantine")
        for table in TABLES
    ]
    left = []
    for relation in (*relations, *landed):
        for column in sorted(relation.columns.intersection(IDS)):
            cursor.execute(sql.SQL(_COUNT).format(relation=relation.identifier, id=sql.Identifier(column)))
            if cursor.fetchall()[0][0]:
                left.append(relation.label)
    if left:
        raise ErasureError(f"nothing was erased: rows would be left in {', '.join(left)}; tell those who maintain them")


def _record_places(cursor: Cursor, erasure_ids: Iterable[str], places: Counter[str]) -> None:
    cursor.execute(
        "update ops.erasure set places = %s where erasure_id = any(%s)",
        (Json({place: rows for place, rows in sorted(places.items()) if rows}), list(erasure_ids)),
    )


_DELETE = "delete from {relation} as kept using erasing where kept.{id} = erasing.customer_id"
_REPLACE = (
    "update {relation} as kept set {id} = erasing.erasure_id{cleared}"
    " from erasing where kept.{id} = erasing.customer_id"
)
_RENAME = (
    "update {relation} as kept set recording_ref = erasing_recording.stand_in"
    " from erasing_recording"
    " where kept.{vendor} = erasing_recording.vendor and kept.recording_ref = erasing_recording.recording_ref"
)
_COUNT = "select count(*) from {relation} as kept inner join erasing on kept.{id} = erasing.customer_id"
