"""A portfolio with everything that the models read, and what happens to it on the next day."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from decision_cases import build_cases
from decision_portfolio import Populace
from decision_world import AS_OF as FIRST
from decision_world import Row, World
from generated import portfolio
from hand_made_models import models_of_cards
from marts_warehouse import Warehouse
from portfolio import Portfolio, quarantine

LOANS = 60
SEED = 4
SECOND = FIRST + timedelta(days=1)
NEXT_MORNING = datetime(SECOND.year, SECOND.month, SECOND.day, tzinfo=UTC)
__all__ = ["FIRST", "SECOND", "land_first_day", "land_second_day"]


def land_first_day(warehouse: Warehouse) -> None:
    """Loans with every kind of event, customers with all that may be said of them, and what vendors reported."""
    loans, _ = portfolio(SEED, LOANS)
    batch = loans.land(warehouse.connection, as_of=FIRST)
    quarantine(warehouse.connection, "loan_transactions", batch, "transaction_id = 'T000003'")
    world = World()
    build_cases(world)
    Populace(world, SEED, "r").add(LOANS)
    _work(world)
    world.add("feed_status", table_name="customer_flags", complete_to=NEXT_MORNING + timedelta(hours=12))
    world.land(warehouse.connection)
    _vendor_files(warehouse)
    [newest] = warehouse.rows("select max(generation) as generation from ops.source_generation")
    models_of_cards(warehouse.connection, FIRST, newest["generation"])


def _work(world: World) -> None:
    """Collectors with equal cases, of whom some recover; talks, promises, reviews and acknowledgements."""
    for collector in ("K1", "K2"):
        world.add("collectors", collector_id=collector, vendor="demo_call", channel="phone", display_name="A Name")
        world.add("collector_training", collector_id=collector, course="conduct", completed_on=FIRST)
    for number in range(44):
        name = f"case_{number:02}"
        collector = "K1" if number % 2 else "K2"
        world.customer(name, arrears="800.00", dpd=170, currency="EUR")
        batch_id = world.plan(name, "phone", _talk(collector, number), days_ago=9, currency="EUR")
        if number < 4:
            world.take_back(batch_id, at=world.instant(days_ago=9) + timedelta(minutes=number))
        world.add(
            "collector_assignments",
            collector_id="K2",
            customer_id=name,
            assigned_on=FIRST - timedelta(days=70),
            released_on=FIRST - timedelta(days=8) if number % 3 else None,
        )
        if number % 4 == 1:
            world.pay(f"{name}-L1", f"{100 + number}.05", on=FIRST - timedelta(days=2))


def _vendor_files(warehouse: Warehouse) -> None:
    """An acknowledgement that rejects a row, and a review that found a breach."""
    warehouse.execute(
        "insert into landing.vendor_ack"
        " (_vendor, _file_sha256, batch_id, received_at, rows, sha256, accepted, rejected)"
        """ select vendor, 'a', batch_id, planned_at, 2, 'b', 1, '[{"row": 2}]' from ops.delivery_batch limit 1"""
    )
    warehouse.execute(
        "insert into landing.vendor_qa"
        " (_vendor, _file_sha256, _line_number, recording_ref, collector_id, reviewed_on, score, breach_code)"
        " values ('demo_call', 'q', 1, 'R1', 'K1', %s, 82.5, null), ('demo_call', 'q', 2, 'R2', 'K1', %s, 60, 'TONE')",
        FIRST,
        FIRST,
    )


def _talk(collector: str, number: int) -> Row:
    promise = {"promise_amount": Decimal("99.95"), "promise_on": FIRST - timedelta(days=number % 6)}
    disposition = "promise_to_pay" if number % 5 == 0 else "right_party_no_promise"
    columns = {"disposition": disposition, "collector_id": collector, "currency": "EUR", "talk_seconds": 30 + number}
    columns |= {"recording_ref": f"REC-{collector}-{number}"}
    return columns | {"cost": Decimal("1.2345"), "satisfaction": number % 5} | (promise if number % 5 == 0 else {})


def land_second_day(warehouse: Warehouse) -> None:
    """Payments, one of them late; a reversal, a new schedule version, a pause, and rows that were put right."""
    loans = Portfolio(prefix="NEXT-")
    for number in range(0, LOANS, 4):
        loans.pay(f"L{number:06}", "120.00", SECOND)
    late = loans.pay("L000001", "10.00", FIRST - timedelta(days=40), recorded_at=NEXT_MORNING)
    loans.transact("L000001", "reversal", "4.00", SECOND, reverses=late)
    loans.schedule("L000002", 9, SECOND, [(SECOND + timedelta(days=30 * month), "55.55") for month in range(4)])
    loans.pause("L000003", FIRST, SECOND + timedelta(days=10))
    [borrower] = warehouse.rows("select customer_id from landing.loans where loan_id = 'L000004'")
    loans.add("customers", **borrower, jurisdiction="IN", updated_at=NEXT_MORNING)
    loans.land(warehouse.connection, as_of=SECOND)
    world = World(SECOND)
    world.customer("new", dpd=50)
    world.flag("m2", "disputed", start=0)
    world.pay("case_03-L1", "50.00")
    world.plan("case_00", "phone", _talk("K1", 0), days_ago=1, currency="EUR")
    world.land(warehouse.connection)
