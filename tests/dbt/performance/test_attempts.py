"""A year of attempts is not written again each time that vendors hand in results: only what changed is."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from decision_world import AS_OF, World
from marts_warehouse import Warehouse, new_warehouse, quick_builds

from arrears.settings import Settings

pytestmark = pytest.mark.postgres

MODEL = "fct_contact_attempt"
CHANGES = {
    "corrected": "insert into landing.vendor_result (_vendor, _file_sha256, _line_number, batch_id, contact_ref,"
    " attempted_at, disposition, currency) select _vendor, 'later', 1, batch_id, contact_ref, attempted_at, 'busy',"
    " currency from landing.vendor_result where batch_id = %s",
    "tried_again": "insert into landing.vendor_result (_vendor, _file_sha256, _line_number, batch_id, contact_ref,"
    " attempted_at, disposition, cost, currency) select _vendor, 'later', 2, batch_id, contact_ref,"
    " attempted_at + interval '1 hour', 'no_answer', 1, currency from landing.vendor_result where batch_id = %s",
    "stopped": "with batch as (update ops.delivery_batch set state = 'uploaded' where kind = 'stop')"
    " update ops.delivery_event set to_state = 'uploaded' where to_state = 'written' and batch_id <> %s",
    "erased": "delete from marts.fct_contact_attempt where batch_id = %s",
    "gone": "delete from landing.vendor_result where batch_id = %s",
    "renamed": "update ops.delivery_item set customer_id = 'erased-1' where batch_id = %s",
}
"""What comes to pass after the first build, to the list of the customer of that name."""


@pytest.fixture
def marts(server: Settings) -> Iterator[Warehouse]:
    with new_warehouse(server) as warehouse, quick_builds():
        yield warehouse


def test_only_what_changed_is_written_and_all_is_as_if_written_afresh(marts: Warehouse) -> None:
    world = World()
    batches = {}
    for name in ("as_it_was", "by_contract", *CHANGES):
        world.customer(name)
        cost = {} if name == "by_contract" else {"cost": Decimal("2.0000")}
        answer = {"disposition": "no_answer", "currency": "USD", **cost}
        batches[name] = world.plan(name, "phone", answer, days_ago=3)
    world.take_back(batches["stopped"], at=world.instant(days_ago=3, hour=1), state="written")
    world.land(marts.connection)
    marts.build(AS_OF, select=f"+{MODEL}")
    before = _rows(marts)
    assert len(before) == len(batches)

    for name, statement in CHANGES.items():
        marts.execute(statement, batches[name])
    marts.execute("update staging.vendors set cost_per_attempt = cost_per_attempt + 1 where vendor = 'demo_call'")
    _build(marts)

    after = _rows(marts)
    unchanged = {name for name, batch_id in batches.items() if after.get(batch_id) == before[batch_id]}
    assert unchanged == {"as_it_was"}
    said = {name: _said(after.get(batch_id, ())) for name, batch_id in batches.items()}
    assert [row["disposition"] for row in said["corrected"]] == ["busy"]
    assert [row["disposition"] for row in said["tried_again"]] == ["no_answer", "no_answer"]
    assert [row["is_after_stop"] for row in said["stopped"]] == [True]
    assert [row["customer_id"] for row in said["renamed"]] == ["erased-1"]
    assert said["gone"] == []
    assert [row["cost"] for row in said["by_contract"]] == [
        row["cost"] + 1 for row in _said(before[batches["by_contract"]])
    ]
    marts.execute(f"truncate marts.{MODEL}")
    _build(marts)
    assert {batch_id: _said(rows) for batch_id, rows in _rows(marts).items()} == {
        batch_id: _said(rows) for batch_id, rows in after.items()
    }


def _build(marts: Warehouse) -> None:
    marts.build(AS_OF, select=f"path:models/staging/vendor {MODEL}")


Written = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]


def _rows(marts: Warehouse) -> dict[str, Written]:
    """The attempts of each list, each with the transaction that wrote it."""
    found: dict[str, Written] = {}
    for row in marts.rows(f"select xmin::text as written_by, * from marts.{MODEL} order by batch_id, attempted_at"):
        written_by = row.pop("written_by")
        found[row["batch_id"]] = (*found.get(row["batch_id"], ()), (written_by, tuple(row.items())))
    return found


def _said(rows: Written) -> list[dict[str, Any]]:
    return [dict(columns) for _, columns in rows]
