"""Recall: who paid, opted out, died, disputed, asked for help or promised since the lists left is left alone.

What it costs follows what arrived: it starts from the rows that landed since the build, never from the portfolio.
"""

from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import psycopg2.extensions

from arrears.delivery import ledger, lists, references
from arrears.delivery.ledger import BatchPlan, Item
from arrears.delivery.statements import statement
from arrears.delivery.vendors import ALL_CHANNELS
from arrears.settings import Settings, get_settings


def plan_recalls(
    warehouse: psycopg2.extensions.connection,
    *,
    as_of: date,
    now: datetime,
    settings: Settings | None = None,
) -> list[BatchPlan]:
    """Plan the recall files that are to be written and delivered now, oldest first. Commits.

    A file holds every reference recalled from that vendor on the day so far. A vendor for which nothing changed gets no
    new one; one that has not left yet is returned again. What did not leave in time expires here first.

    Args:
        now: The instant of the recall: lists whose `valid_until` has passed are not worked any more.
    """
    settings = settings or get_settings()
    key = references.secret_key(settings)
    with warehouse:
        ledger.lock_planning(warehouse, as_of)
        lists.expire_overdue(warehouse, as_of=as_of, now=now, settings=settings)
        for vendor, (items, valid_until) in _recalled(warehouse, as_of, now).items():
            draft = lists.Draft(
                kind="recall",
                channel=ALL_CHANNELS,
                vendor=vendor,
                generation=ledger.newest_generation(warehouse),
                as_of=as_of,
                valid_until=valid_until,
                inputs_hmac=references.fingerprint(key, [item.contact_ref for item in items]),
                row_count=len(items),
            )
            batch, is_new = lists.plan_one(warehouse, draft, now=now, settings=settings)
            if is_new:
                ledger.insert_items(warehouse, batch.batch_id, items)
        return ledger.waiting(warehouse, kind="recall", as_of=as_of)


def write_recall(
    warehouse: psycopg2.extensions.connection,
    *,
    batch_id: str,
    settings: Settings,
    docs_dir: Path | None = None,
) -> None:
    """Write a planned recall and let it pass its gate, ready for `deliver`. Commits; again is fine.

    Raises:
        As `write_batch` and `gate_batch`.
    """
    lists.write_batch(warehouse, batch_id=batch_id, settings=settings)
    lists.gate_batch(warehouse, batch_id=batch_id, settings=settings, docs_dir=docs_dir)


def _recalled(
    warehouse: psycopg2.extensions.connection, as_of: date, now: datetime
) -> dict[str, tuple[list[Item], datetime]]:
    """By vendor: every reference recalled on the day so far, and until when the latest of their lists is valid."""
    items: dict[str, list[Item]] = defaultdict(list)
    valid_until: dict[str, datetime] = {}
    with warehouse.cursor() as cursor:
        cursor.execute(statement("recall_live"), {"now": now})
        row = cursor.fetchone()
        known_at, batch_ids = row if row else (None, [])
        cursor.execute(statement("recall_arrived"), {"as_of": as_of, "known_at": known_at, "batch_ids": batch_ids})
        cursor.execute(statement("recalled_items"), {"as_of": as_of})
        for vendor, until, *item in cursor.fetchall():
            items[vendor].append(Item(*item))
            valid_until[vendor] = max(until, valid_until.get(vendor, until))
    return {vendor: (items[vendor], valid_until[vendor]) for vendor in sorted(items)}
