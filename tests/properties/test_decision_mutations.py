"""Each rule of contact is broken on purpose, in the SQL that decides, and the checks must see it.

The models run inside PostgreSQL over one small bank, in a schema that is rolled back, without a run of dbt each.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from decision_cases import FORMER_NUMBER, build_cases
from decision_invariants import capacity_goes_to_whom_it_should, difference, violations
from decision_mutations import MUTATIONS, Mutation
from decision_oracle import Decision, DecisionOracle, Key
from decision_policy import REFERENCE, Policy
from decision_portfolio import Populace, known
from decision_world import World
from hand_made_models import models_of_cards
from marts_warehouse import Warehouse, new_warehouse, policy_pack, quick_builds
from psycopg2.extras import RealDictCursor

from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

AS_OF = date(2026, 3, 8)
"""Clocks change in the US, and it is a public holiday in Belarus."""
LISTS = tuple(f"int_contact_list__{channel}" for channel in ("sms", "phone"))
FINAL = "fct_contact_decision"
LEDGER = "int_customers__contact_decision"
DECIDING = ("intermediate/decisions", "intermediate/care", "intermediate/contact_lists", "marts/decisions")
LONGEST_WAIT = 10
LINES = {
    "contact_windows": [
        "CN,phone,sun,09:00,21:00,1900-01-01,,test,verified",
        "DEFAULT,phone,holiday,10:00,12:00,1900-01-01,,test,verified",
    ],
    "contact_limits": [
        "CN,phone,attempt,loan,7,4,hard,1900-01-01,,test,verified",
        "CN,phone,attempt,contact_point,1,2,hard,1900-01-01,,test,verified",
        "GB,phone,conversation,customer,30,1,hard,1900-01-01,,test,verified",
        "GB,phone,unanswered,customer,3,2,hard,1900-01-01,,test,verified",
        "EU,field_visit,attempt,customer,1,0,hard,1900-01-01,,test,verified",
    ],
    "contact_rules": [
        "EU,CHANNEL_REFUSED,sms,lifted,opt_out_closes=all,1900-01-01,,test,verified",
        "IN,CHANNEL_REFUSED,sms,lifted,requires_granted=true,1900-01-01,,test,verified",
    ],
    "treatments": [
        "M4,,,sms,M4_FIRM,firm,3,,1900-01-01,,test,verified",
        "M7_plus,,,phone,,firm,1,,1900-01-01,,test,verified",
    ],
    "challenger_treatments": ["late,M2,50,,phone,,gentle,1,,1900-01-01,,test,verified"],
    "experiments": [
        "tried,champion,0.3,tier=M1 tier=M2 product=boat,standard,0.02,2025-11-28,,test,verified",
        "tried,alone,0.3,tier=M1 tier=M2 product=boat,hold_out,0.02,2025-11-28,,test,verified",
        "tried,late,0.4,tier=M1 tier=M2 product=boat,late,0.02,2025-11-28,,test,verified",
        "over,champion,0.5,product=boat,standard,0.02,2025-11-28,2026-03-08,test,verified",
        "over,alone,0.5,product=boat,hold_out,0.02,2025-11-28,2026-03-08,test,verified",
    ],
}
"""What the shipped packs have none of, so that there is something to break."""


@dataclass(frozen=True)
class Decided:
    warehouse: Warehouse
    oracle: DecisionOracle
    expected: dict[Key, Decision]
    compiled: dict[str, str]
    """The SQL of each model that decides, in an order in which they can run."""
    waited: dict[str, int]


LATE = {"paid_late": "500.00", "paid_late_in_part": "499.50", "paid_late_for_one": "500.00"}
"""Who paid after the build, and how much for the first loan."""
VERDICTS = {
    "refuses": {"first": True, "second": True},
    "breaks_promises": {"first": True},
    "opposed": {"first": True, "second": True, "third": False},
}
APPROVED = {(customer_id, "CNY"): len(said) for customer_id, said in VERDICTS.items() if all(said.values())}
"""By how many, where nobody is against it."""


def _pack(directory: Path) -> Path:
    policy_pack(directory, **LINES)
    rules = directory / "contact_rules.csv"
    windows = directory / "contact_windows.csv"
    windows.write_text(windows.read_text().replace("US,,,08:00,", "US,,,02:30,"))
    silent = "IN,COMPLAINT_OPEN,"
    rules.write_text(
        "".join(line for line in rules.read_text().splitlines(keepends=True) if not line.startswith(silent))
    )
    return directory


def _world() -> World:
    """A customer for each rule, one who narrowly escapes it, and some by chance."""
    world = World(AS_OF)
    build_cases(world)
    Populace(world, 7, "c").add(150)
    world.customer("held")
    for name in LATE:
        world.customer(name)
    world.loan("paid_late_for_one-L2", "paid_late_for_one", dpd=40)
    # Given up for lost, and no matter of the payment for the other.
    world.loan("paid_late-L2", "paid_late", dpd=300, status="written_off", written_off_on=AS_OF - timedelta(days=50))
    world.customer("opposed", dpd=200, monthly_income=9000)
    world.interaction("opposed", "refused", days_ago=20)
    world.customer("out_of_all", jurisdiction="EU", time_zone="Europe/Berlin", dpd=12)
    world.plan("out_of_all", "phone", "opt_out", days_ago=20)
    world.customer("complains", jurisdiction="IN")
    world.add("complaints", complaint_id="c1", customer_id="complains", received_at=world.instant(days_ago=3))
    world.customer("unanswered_twice", jurisdiction="GB")
    for hour in (10, 12):
        world.interaction("unanswered_twice", "no_answer", days_ago=1, hour=hour)
    world.customer("two_numbers")
    world.point("two_numbers-P2", "two_numbers", value="+8613800020002")
    for point in ("two_numbers-P1", "two_numbers-P2"):
        world.plan("two_numbers", "phone", "no_answer", days_ago=0, point=point)
    world.customer("new_yorker", jurisdiction="US", dpd=5)
    world.customer("in_minsk", jurisdiction="BY", time_zone="Europe/Minsk")
    _let_some_owe_together(world)
    for name, loans in CARDS.items():
        # What the bank said of them two months ago; since then those of `EARN_LESS` earn a third of it.
        then = {"customer_id": name, "jurisdiction": "CN", "monthly_income": Decimal(9000)}
        world.rows["customers"].insert(0, then | {"updated_at": world.instant(days_ago=60)})
        income = Decimal(3000) if name in EARN_LESS else Decimal(9000)
        world.customer(name, dpd=None, monthly_income=income, updated_at=world.instant(days_ago=1))
        for number, (product, dpd) in enumerate(loans, 1):
            world.loan(f"{name}-L{number}", name, dpd=dpd, product=product)
    return world


def _let_some_owe_together(world: World) -> None:
    """Three each, of whom the first owes with the second, and he with the third; and two each by a loan of later."""
    for number in range(8):
        for dpd, places in ((55, (2, 1, 3)), (20, (4, 5)), (70, (6,))):
            names = [world.customer(f"boat_{number}_{place}", dpd=None) for place in places]
            for name in names:
                world.loan(f"{name}-L1", name, dpd=dpd, product="boat")
            for one, other in pairwise(names):
                world.add("loan_parties", loan_id=f"{one}-L1", customer_id=other, role="co_debtor")


CARDS = {
    "warned": [("card_instalment", -20)],
    "earns_less": [("card_instalment", -20)],
    "warned_and_due": [("card_instalment", -2)],
    "warned_and_behind": [("card_instalment", -20), ("personal", 45)],
    "not_warned": [("personal", -20)],
    "pays_alone": [("card_instalment", 10)],
    "pays_one_of_two": [("card_instalment", 10), ("personal", 12)],
    "pays_the_newer_one": [("card_instalment", 10), ("card_instalment", 45)],
}
"""Loans of customers of whom models speak: product, and days past due."""
EARN_LESS = ("earns_less", "warned_and_behind")


@pytest.fixture(scope="module")
def decided(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    pack = _pack(tmp_path_factory.mktemp("packs") / "pack")
    world, late = _world(), World(AS_OF)
    for number, (name, amount) in enumerate(LATE.items()):
        late.pay(f"{name}-L1", amount, transaction_id=f"late{number}")
    earlier = [row for row in world.rows["contact_points"] if row["value"] == FORMER_NUMBER]
    bank = known(world, held=frozenset({"held"}), approved=APPROVED, earlier_points=earlier)
    bank.rows["contact_points"] = [row for row in bank.rows["contact_points"] if row not in earlier]
    bank.paid_since = list(late.rows["loan_transactions"])
    with new_warehouse(server, policy_dir=pack) as warehouse, quick_builds():
        world.land(warehouse.connection)
        models_of_cards(warehouse.connection, AS_OF)
        warehouse.execute(
            "insert into quarantine.customers"
            " (_row_id, _batch_id, reason_code, rule_id, customer_id, jurisdiction, updated_at)"
            " select -_row_id, _batch_id, 'MISSING', 'test', customer_id, jurisdiction, updated_at + interval '1 day'"
            " from landing.customers where customer_id = 'held'"
        )
        warehouse.build(AS_OF, select=" ".join(f"+{model}" for model in (FINAL, *LISTS)))
        waited = _let_wait(warehouse)
        late.land(warehouse.connection)
        # Once more, with a ledger of the day before, by what landed before the payments.
        warehouse.build(
            AS_OF,
            select=f"int_loans__paid_since+,+{FINAL} int_customers__planned_contact int_customers__days_waited"
            f" {' '.join(LISTS)}",
        )
        _approve(warehouse)
        oracle = DecisionOracle(bank, Policy(pack, AS_OF))
        yield Decided(warehouse, oracle, oracle.decide(), _compiled(warehouse.settings), waited)


def test_nothing_is_seen_where_nothing_is_broken(decided: Decided) -> None:
    assert list(_seen(decided, *_run(decided, Mutation("nothing", "int_customers__policy", "with", "with")))) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)
def test_broken_rule_is_seen(decided: Decided, mutation: Mutation) -> None:
    compiled = decided.compiled[mutation.model]
    assert mutation.text in compiled, (
        f"{mutation.model} no longer has the text that `{mutation.breaks}` breaks: {mutation.text!r}."
        " Say in decision_mutations.py how to break the rule now"
    )
    seen = next(_seen(decided, *_run(decided, mutation)), None)
    assert seen, f"{mutation.breaks}: nobody sees that {mutation.model} has {mutation.instead!r} for {mutation.text!r}"


def _run(decided: Decided, mutation: Mutation) -> tuple[list[dict[str, Any]], dict[str, list[Key]]]:
    """The ledger and the lists of a broken model and of all that follow from it. Leaves nothing behind."""
    connection = decided.warehouse.connection
    broken: set[str] = set()
    try:
        with connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute("create schema broken")
            for model, statement in decided.compiled.items():
                text = statement.replace(mutation.text, mutation.instead) if model == mutation.model else statement
                redirected = _redirected(text, broken - {model})
                if model != mutation.model and redirected == text:
                    continue
                broken.add(model)
                cursor.execute(f"create table broken.{model} as {redirected}")
            cursor.execute(f"select * from {_place(FINAL, broken)} where as_of = %s", [AS_OF])
            ledger = [dict(row) for row in cursor.fetchall()]
            return ledger, {model: _listed(cursor, model, broken) for model in LISTS}
    finally:
        connection.rollback()


def _redirected(statement: str, broken: set[str]) -> str:
    """To read the broken models in place of those that were built."""
    return re.sub(
        r'"\w+"\."(?:intermediate|marts)"\."(\w+)"',
        lambda found: f"broken.{found[1]}" if found[1] in broken else found[0],
        statement,
    )


def _place(model: str, broken: set[str]) -> str:
    if model in broken:
        return f"broken.{model}"
    return f"{'marts' if model.startswith('fct_') else 'intermediate'}.{model}"


def _listed(cursor: Any, model: str, broken: set[str]) -> list[Key]:
    cursor.execute(f"select customer_id, currency from {_place(model, broken)} where as_of = %s", [AS_OF])
    channel = model.removeprefix("int_contact_list__")
    return [(row["customer_id"], channel, row["currency"]) for row in cursor.fetchall()]


def _seen(decided: Decided, ledger: Sequence[dict[str, Any]], lists: dict[str, list[Key]]) -> Iterator[str]:
    """Whatever the checks say against a ledger and its lists."""
    expected = decided.expected
    by_key = {(row["customer_id"], row["channel"], row["currency"]): row for row in ledger}
    if len(by_key) != len(ledger) or by_key.keys() != expected.keys():
        yield f"other rows: {len(ledger)}, expected {len(expected)}"
        return
    for key, decision in expected.items():
        if text := difference(by_key[key], decision):
            yield text
    yield from violations(decided.oracle, ledger)
    yield from capacity_goes_to_whom_it_should(ledger, _capacity(), decided.waited, LONGEST_WAIT)
    for model, rows in lists.items():
        channel = model.removeprefix("int_contact_list__")
        contacts = [key for key, row in by_key.items() if key[1] == channel and row["decision"] == "contact"]
        if sorted(rows) != sorted(contacts):
            yield f"{model} has {len(rows)} rows for {len(contacts)} contacts"


def _let_wait(warehouse: Warehouse) -> dict[str, int]:
    """Two visits were put off for days before: the one has waited too long on the business date, the other nearly."""
    before = {"visit_000": LONGEST_WAIT - 1, "visit_001": LONGEST_WAIT - 2}
    ledger = "intermediate.int_customers__contact_decision"
    warehouse.execute(
        f"create temporary table put_off as select * from {ledger}"
        " where channel = 'field_visit' and customer_id = any(%s)",
        list(before),
    )
    warehouse.execute(
        "update put_off set as_of = as_of - 1, attempts = null, decision = 'suppress', reason_code = 'CAPACITY',"
        " all_reasons = array['CAPACITY'], days_waited = (%s::jsonb ->> customer_id)::int",
        json.dumps(before),
    )
    warehouse.execute(f"insert into {ledger} select * from put_off")
    return {customer_id: days + 1 for customer_id, days in before.items()}


def _approve(warehouse: Warehouse) -> None:
    for customer_id, verdicts in VERDICTS.items():
        for approver, verdict in verdicts.items():
            warehouse.approve(AS_OF, customer_id, approver, verdict)


def _capacity() -> dict[tuple[str, str], int]:
    with (REFERENCE / "vendors.csv").open(newline="") as lines:
        return {(line["vendor"], line["channel"]): int(line["daily_capacity"]) for line in csv.DictReader(lines)}


def _compiled(settings: Settings) -> dict[str, str]:
    """What dbt made of the models that decide, each after those that it reads."""
    root = settings.home / "dbt" / "target" / "compiled" / "arrears" / "models"
    paths = [path for part in DECIDING for path in (root / part).glob("*.sql")]
    statements = {path.stem: path.read_text() for path in paths}
    wanted = {FINAL, *LISTS}
    while more := {read for model in wanted for read in _read_by(statements[model])} & statements.keys() - wanted:
        wanted |= more
    statements = {model: statements[model] for model in wanted}
    graph = {model: _read_by(statement) & statements.keys() - {model} for model, statement in statements.items()}
    for model, read in graph.items():
        # The ledger of earlier days is read by what it follows from.
        if model != FINAL and model not in LISTS:
            read.discard(LEDGER)
    return {model: statements[model] for model in TopologicalSorter(graph).static_order()}


def _read_by(statement: str) -> set[str]:
    return set(re.findall(r'"\w+"\."(?:intermediate|marts)"\."(\w+)"', statement))
