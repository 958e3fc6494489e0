"""Erasures that a restore of the warehouse undid are done again."""

from collections import defaultdict
from datetime import date

import psycopg2.extensions
from psycopg2.extras import execute_values

from arrears.erasure_register import erasure_key
from arrears.privacy import register_copy
from arrears.privacy.erase import erase_as
from arrears.settings import Settings


def erase_again(warehouse: psycopg2.extensions.connection, settings: Settings) -> int:
    """Do every erasure of the copy again that the warehouse has forgotten, under its own id. How many. Commits.

    No duty is looked at: it was done by law before. A customer who is not there any more is entered in the register
    all the same, so that no load brings them back.
    """
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select erasure_id from ops.erasure")
        known = {erasure_id for (erasure_id,) in cursor.fetchall()}
        cursor.execute("select distinct customer_id from landing.customers where customer_id is not null")
        customers = [customer_id for (customer_id,) in cursor.fetchall()]
    forgotten = [entry for entry in register_copy.entries(settings) if entry.erasure_id not in known]
    if not forgotten:
        return 0
    key = erasure_key(settings)
    by_hash = {key.hash_of(customer_id).hex(): customer_id for customer_id in customers}
    together: dict[tuple[date, register_copy.Cause], dict[str, str]] = defaultdict(dict)
    for entry in forgotten:
        if entry.customer_hash in by_hash:
            together[entry.as_of, entry.cause][by_hash[entry.customer_hash]] = entry.erasure_id
    for (as_of, cause), erasures in together.items():
        erase_as(warehouse, erasures, as_of=as_of, cause=cause, settings=settings)
    gone = [entry for entry in forgotten if entry.customer_hash not in by_hash]
    with warehouse, warehouse.cursor() as cursor:
        execute_values(
            cursor,
            "insert into ops.erasure (erasure_id, customer_hash, cause, as_of) values %s on conflict do nothing",
            [(entry.erasure_id, bytes.fromhex(entry.customer_hash), entry.cause, entry.as_of) for entry in gone],
        )
    return len(forgotten)
