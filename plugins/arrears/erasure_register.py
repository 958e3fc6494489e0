"""Erased customers do not come back: what a load brings of them is translated before it lands.

`ops.erasure` knows them by a keyed hash only; the key is made of the secret `contact_ref_key`, outside the database. In
landing their place is taken by the id of the erasure, so that loans keep a customer (and their figures), and a row of
the source that did not change is still the row that landed.
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import partial

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.errors import ConfigurationError
from arrears.settings import Settings
from arrears.source.contract import Table
from arrears.sql_files import read_statement

_statement = partial(read_statement, "privacy")

DROPPED = ("contact_points", "contact_consents", "customer_flags")
"""Tables of which nothing is kept of an erased customer: no figure depends on them."""

KEPT_OF_CUSTOMERS = ("customer_id", "jurisdiction", "updated_at")
"""Columns of `customers` that figures of loans depend on; of other tables all that are not personal are kept."""

_BLOCK = 64  # of SHA-256, in bytes


@dataclass(frozen=True)
class ErasureKey:
    """The two keys of HMAC-SHA256, so that PostgreSQL can compute the hash from `sha256` alone."""

    inner: bytes
    outer: bytes

    def hash_of(self, customer_id: str) -> bytes:
        return hashlib.sha256(self.outer + hashlib.sha256(self.inner + customer_id.encode()).digest()).digest()

    @property
    def values(self) -> dict[str, bytes]:
        return {"inner_key": self.inner, "outer_key": self.outer}


def erasure_key(settings: Settings) -> ErasureKey:
    """The key of the register.

    Raises:
        ConfigurationError: the secret it is made of is missing.
    """
    try:
        secret = settings.secret("contact_ref_key").encode()
    except FileNotFoundError:
        raise ConfigurationError("the secret contact_ref_key is missing: run the set-up again") from None
    key = hmac.new(secret, b"erasure register", hashlib.sha256).digest().ljust(_BLOCK, b"\0")
    return ErasureKey(bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key))


def key_if_needed(cursor: Cursor, settings: Settings) -> ErasureKey | None:
    """The key, where anybody was ever erased. Does not commit."""
    cursor.execute("select exists (select from ops.erasure)")
    return erasure_key(settings) if cursor.fetchall()[0][0] else None


def translate(
    cursor: Cursor, table: Table, relation: sql.Composable, key: ErasureKey, batch_id: int | None = None
) -> int:
    """Put erasures in the place of erased customers in rows that are about to land. Does not commit.

    Args:
        relation: Where the rows are; columns as in the contract.
        batch_id: Only rows of this batch, where `relation` is the landing table itself.

    Returns:
        Rows that are dropped.
    """
    if "customer_id" not in table.column_names:
        return 0
    names = {"relation": relation, "batch": sql.SQL("incoming._batch_id = %(batch_id)s" if batch_id else "true")}
    values = {**key.values, "batch_id": batch_id}
    if table.name in DROPPED:
        cursor.execute(sql.SQL(_statement("drop_incoming")).format(**names), values)
        return int(cursor.rowcount)
    cursor.execute(
        sql.SQL(_statement("translate_incoming")).format(anonymous=anonymous_columns(table), **names), values
    )
    if table.name == "customers" and cursor.rowcount:
        cursor.execute(sql.SQL(_statement("note_offered")).format(**names), values)
    return 0


def anonymous_columns(table: Table) -> sql.Composable:
    """`, column = null` for each column that is not kept of an erased customer."""
    kept = KEPT_OF_CUSTOMERS if table.name == "customers" else [c.name for c in table.columns if not c.personal]
    erased = [name for name in table.column_names if name not in kept]
    return sql.SQL("").join([sql.SQL(", {} = null").format(sql.Identifier(name)) for name in erased])
