"""A customer's request to be forgotten: refused while a legal duty to keep stands, otherwise done everywhere."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg2.extensions

from arrears.erasure_register import erasure_key
from arrears.errors import ArrearsError
from arrears.privacy.duties import duties
from arrears.privacy.erase import erase
from arrears.privacy.policy import read_policy
from arrears.privacy.retention import create_candidates
from arrears.settings import Settings


class ErasureRefusedError(ArrearsError):
    """A legal duty to keep the data stands. Nothing was erased."""


class UnknownCustomerError(ArrearsError):
    """There is nobody to erase."""


@dataclass(frozen=True)
class Proof:
    """What may be shown of an erasure: nobody's data."""

    erasure_id: str
    cause: str
    as_of: date
    erased_at: datetime
    vendor_copies_gone_at: datetime | None
    places: dict[str, int]


def forget(warehouse: psycopg2.extensions.connection, *, customer_id: str, as_of: date, settings: Settings) -> Proof:
    """Erase a customer who asked for it. Commits; again it returns the same proof.

    Raises:
        ErasureRefusedError: names each duty, until when it stands and where it comes from.
        UnknownCustomerError: neither known nor erased before.
        ConfigurationError: the retention policy is missing or wrong: no duty can be told.
    """
    rules = read_policy(settings.policy_dir, as_of)
    earlier = _proof(warehouse, customer_id, settings)
    if earlier is not None:
        return earlier
    with warehouse, warehouse.cursor() as cursor:
        _require_known(cursor, customer_id)
        create_candidates(cursor)
        cursor.execute("insert into pg_temp.candidate values (%s)", (customer_id,))
        standing = duties(cursor, rules, as_of=as_of, settings=settings, is_request=True).get(customer_id, [])
    if standing:
        reasons = "; ".join(str(duty) for duty in standing)
        raise ErasureRefusedError(f"customer {customer_id} is not erased: the law asks us to keep the data: {reasons}")
    erase(warehouse, [customer_id], as_of=as_of, cause="request", settings=settings)
    proof = _proof(warehouse, customer_id, settings)
    assert proof is not None
    return proof


def newest_day(warehouse: psycopg2.extensions.connection) -> date:
    """The newest business date that was built: the day on which duties are looked at.

    Raises:
        ArrearsError: none was built, so no duty can be told.
    """
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select max(as_of) from ops.mart_build where state = 'passed'"
            " and generation = (select max(generation) from ops.source_generation)"
        )
        day: date | None = cursor.fetchall()[0][0]
    if day is None:
        raise ArrearsError("no marts were built yet: without them no duty to keep can be told; run `arrears run` first")
    return day


def _require_known(cursor: psycopg2.extensions.cursor, customer_id: str) -> None:
    cursor.execute("select exists (select from landing.customers where customer_id = %s)", (customer_id,))
    if not cursor.fetchall()[0][0]:
        raise UnknownCustomerError(f"customer {customer_id}: not known here; expected a customer_id of core banking")


def _proof(warehouse: psycopg2.extensions.connection, customer_id: str, settings: Settings) -> Proof | None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select erasure_id, cause, as_of, erased_at, vendor_copies_gone_at, places from ops.erasure"
            " where customer_hash = %s",
            (erasure_key(settings).hash_of(customer_id),),
        )
        row = cursor.fetchone()
    return Proof(*row) if row else None
