"""Care, and the severe steps: signs of hardship, offers, plans, complaints; who counts as lost or as wilful.

Offers are held against the same rule said in Python.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from decision_world import AS_OF, World
from marts_warehouse import Warehouse, new_warehouse

from arrears.domain.amortisation import add_months, level_instalment, longest_term, split
from arrears.domain.money import minor_digits
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.postgres

MODELS = "+hardship_candidates +customer_care +complaints_monthly +int_contact_list__care +fct_contact_decision"
OTHERS = "models/staging seeds models/intermediate/delinquency models/intermediate/decisions models/intermediate/policy"
ONLY_OWN_TESTS = "--exclude " + " ".join(f"path:{path},resource_type:test" for path in OTHERS.split())
SEED_LIMITS = {"CN": (60, 100), "DEFAULT": (60, 20)}
"""Longest term and lowest instalment of the shipped pack."""
RANDOM_CUSTOMERS = 150


class Care:
    """A built portfolio of customers in difficulty, and the loans that each offer is to clear."""

    def __init__(self, warehouse: Warehouse, debts: dict[str, list[dict[str, Any]]]) -> None:
        self.warehouse = warehouse
        self.debts = debts

    def candidate(self, customer_id: str) -> dict[str, Any]:
        (row,) = self.warehouse.rows("select * from marts.hardship_candidates where customer_id = %s", customer_id)
        return row

    def reasons(self, customer_id: str, channel: str) -> list[str]:
        (row,) = self.warehouse.rows(
            "select all_reasons from marts.fct_contact_decision where customer_id = %s and channel = %s",
            customer_id,
            channel,
        )
        return list(row["all_reasons"])

    def care(self, customer_id: str) -> dict[str, Any]:
        (row,) = self.warehouse.rows("select * from marts.customer_care where customer_id = %s", customer_id)
        return row


def owe(
    world: World, customer_id: str, overdue: str, later: list[str], *, rate: str | None = "0.12", **columns: Any
) -> dict[str, Any]:
    """A loan of a customer: an instalment with interest of 1.00 that is overdue, and later ones with interest, too."""
    loan_id = f"{customer_id}-L{world.number()}"
    currency, product = columns.pop("currency", "CNY"), columns.pop("product", "personal")
    world.loan(loan_id, customer_id, dpd=45, arrears=overdue, currency=currency, product=product)
    rows = world.rows["repayment_schedule"]
    first = rows[-2]
    del rows[-1]
    interest = Decimal(1)
    first.update(principal_due=Decimal(overdue) - interest, interest_due=interest)
    for number, principal in enumerate(later, 2):
        due_date = add_months(world.as_of, number - 1)
        rows.append({**first, "instalment_no": number, "due_date": due_date, "principal_due": Decimal(principal)})
    world.rows["loans"][-1].update(annual_rate=None if rate is None else Decimal(rate), **columns)
    # Interest of instalments that are not yet due is not owed.
    owed = Decimal(overdue) + sum(map(Decimal, later), Decimal(0))
    present = Decimal(later[0]) + interest if later else None
    return {"loan_id": loan_id, "owed": owed, "rate": rate, "currency": currency, "present": present}


@pytest.fixture(scope="module")
def in_care(server: Settings) -> Iterator[Care]:
    world, debts = World(), defaultdict(list)
    _worked(world, debts)
    _signs(world)
    _states(world)
    _lost(world)
    _wilful(world)
    _at_random(world, debts)
    with new_warehouse(server) as warehouse:
        world.land(warehouse.connection)
        warehouse.build(AS_OF, select=f"{MODELS} {ONLY_OWN_TESTS}")
        yield Care(warehouse, debts)


def _worked(world: World, debts: dict[str, list[dict[str, Any]]]) -> None:
    def ask(name: str, overdue: str, later: list[str], **columns: Any) -> None:
        if name not in debts:
            world.customer(name, dpd=None, monthly_income=Decimal("2000.00"))
            world.flag(name, "hardship_requested")
        debts[name].append(owe(world, name, overdue, later, **columns))

    ask("worked", "1000.00", ["900.00"] * 10)
    ask("no_interest", "1000.00", ["900.00"] * 10, rate="0")
    ask("two_loans", "1000.00", ["900.00"] * 10)
    ask("two_loans", "500.00", ["450.00"] * 3, rate="0.0399")
    ask("two_currencies", "1000.00", ["900.00"] * 10)
    ask("two_currencies", "1000.00", ["900.00"] * 10, currency="USD")
    ask("small", "60.00", [])
    ask("yen", "100000.00", ["90000.00"] * 10, currency="JPY")
    ask("no_rate", "1000.00", ["900.00"] * 10, rate=None)
    ask("one_without_rate", "1000.00", ["900.00"] * 10)
    ask("one_without_rate", "1000.00", ["900.00"] * 10, rate=None)
    # A mortgage with 25 years to go: sixty months would cost more a month than now.
    ask("long", "500.00", ["499.00"] * 300)
    ask("card", "1000.00", ["900.00"] * 10, product="card_instalment")
    # What is paid as agreed is not touched by an offer for what is not.
    ask("one_in_trouble", "1000.00", ["900.00"] * 10)
    world.loan("one_in_trouble-good", "one_in_trouble", dpd=-20, arrears="777.00")


def _signs(world: World) -> None:
    """Instalments of 500 in each of the last two months, and what was paid of them."""
    paid = {
        "reduced": ("300.00", "200.00"),
        "reduced_once": ("300.00", "500.00"),
        "paid_nothing": ("300.00", None),
        "bounced": ("300.00", "200.00"),
        "paid_up": ("499.99", "500.01"),
    }
    for name, amounts in paid.items():
        world.customer(name, dpd=None)
        loan_id = world.loan(f"{name}-L1", name, dpd=63)  # due on 14 January
        first = world.rows["repayment_schedule"][-2]
        world.rows["repayment_schedule"].append({**first, "instalment_no": 3, "due_date": date(2026, 2, 14)})
        for month, amount in zip((1, 2), amounts, strict=True):
            if amount:
                paid_id = world.pay(loan_id, amount, on=date(2026, month, 20))
    world.pay("bounced-L1", "200.00", kind="reversal", on=date(2026, 3, 2), reverses=_last_payment(world, "bounced"))
    assert paid_id


def _last_payment(world: World, customer_id: str) -> str:
    made = [row for row in world.rows["loan_transactions"] if row["loan_id"] == f"{customer_id}-L1"]
    return str(made[-1]["transaction_id"])


def _states(world: World) -> None:
    """What a plan or a request makes of a customer, and how content the customers are."""

    def plan(name: str, kind: str, status: str, *, starts: int = -50, ends: int = 60, **columns: Any) -> None:
        if not any(row["customer_id"] == name for row in world.rows["customers"]):
            world.customer(name)
        world.add(
            "hardship_arrangements",
            arrangement_id=f"{name}-{starts}",
            loan_id=f"{name}-L1",
            kind=kind,
            status=status,
            starts_on=AS_OF + timedelta(days=starts),
            ends_on=AS_OF + timedelta(days=ends),
            **columns,
        )

    plan("pays_reduced", "reduced_payment", "accepted", reduced_amount=Decimal("50.00"))
    world.pay("pays_reduced-L1", "50.00", on=AS_OF - timedelta(days=43))
    plan("fails_reduced", "reduced_payment", "accepted", reduced_amount=Decimal("50.00"))
    plan("extension_ahead", "term_extension", "accepted", starts=5, accepted_on=AS_OF, schedule_version=2)
    plan("extension_missed", "term_extension", "accepted", schedule_version=1)
    plan("has_offer", "term_extension", "offered")
    plan("said_no", "term_extension", "declined")
    plan("finished", "payment_pause", "completed", ends=-10, ended_on=AS_OF - timedelta(days=10))
    plan("gave_up", "payment_pause", "broken", ends=-10, ended_on=AS_OF - timedelta(days=10))
    plan("time_over", "payment_pause", "accepted", ends=-10)
    world.customer("talked")
    for days_ago, satisfaction in ((40, 5), (30, 2), (20, None)):
        answer = {"disposition": "right_party_no_promise", "satisfaction": satisfaction}
        world.plan("talked", "phone", answer, "no_answer", days_ago=days_ago)
    world.plan("talked", "phone", {"disposition": "right_party_no_promise", "satisfaction": 1}, days_ago=365)
    world.interaction("talked", "claims_paid", days_ago=12, direction="inbound")
    world.customer("never_spoken", dpd=45)
    for number, (received, responded, closed, upheld) in enumerate(
        [(60, 57, 50, True), (58, 48, None, False), (57, None, None, None), (56, 55, 40, True)]
    ):
        at = {"responded_at": responded, "closed_at": closed}
        world.add(
            "complaints",
            complaint_id=f"talked-{number}",
            customer_id="talked",
            channel="phone",
            category="tone",
            received_at=world.instant(days_ago=received),
            upheld=upheld,
            **{name: None if days is None else world.instant(days_ago=days) for name, days in at.items()},
        )
    world.add("complaints", complaint_id="later", customer_id="talked", received_at=world.instant(days_ago=-1))


def _lost(world: World) -> None:
    """Calls that reached nobody: days ago and hours in UTC (10:00 and 16:00 in Shanghai are two times of day)."""
    calls = {
        "lost": [(29, 2), (28, 8), (27, 2), (27, 8), (27, 2)],
        "lost_but_four_calls": [(29, 2), (28, 8), (27, 2), (27, 8)],
        "lost_but_two_days": [(28, 2), (28, 8), (27, 2), (27, 8), (27, 2)],
        "lost_but_one_time": [(29, 2), (28, 2), (27, 2), (27, 2), (27, 2)],
        "lost_but_long_ago": [(30, 2), (28, 8), (27, 2), (26, 8), (26, 8)],
        "lost_but_rang_back": [(29, 2), (28, 8), (27, 2), (27, 8), (27, 2)],
    }
    for name, tries in calls.items():
        world.customer(name, dpd=100)
        for days_ago, hour in tries:
            world.interaction(name, "no_answer", days_ago=days_ago, hour=hour)
    world.interaction("lost_but_rang_back", "claims_paid", days_ago=10, direction="inbound")
    for name, is_valid in (("numbers_dead", False), ("one_number_left", True)):
        world.customer(name, dpd=100)
        world.plan(name, "phone", "wrong_party", days_ago=20)
        world.point(f"{name}-P2", name, value=f"+8617{world.number():09d}", is_valid=is_valid)


def _wilful(world: World) -> None:
    """Able to pay by his income unless said otherwise, and refused."""
    for name in ("able", "disputes", "complains", "in_need", "pays_part", "pays_another", "another_bounced", "poor"):
        income = None if name in ("pays_another", "another_bounced", "poor") else Decimal("1500.00")
        world.customer(name, dpd=200, monthly_income=income)
        if name != "pays_part":
            world.interaction(name, "refused", days_ago=89)
    world.flag("disputes", "disputed")
    world.flag("in_need", "hardship_requested")
    world.add("complaints", complaint_id="open", customer_id="complains", received_at=world.instant(days_ago=1000))
    for days_ago in (60, 40):
        world.promise("pays_part", "100.00", days_ago=days_ago, due_days_ago=days_ago - 5)
        world.pay("pays_part-L1", "1.00", on=AS_OF - timedelta(days=days_ago - 2))
    for name in ("pays_another", "another_bounced"):
        world.loan(f"{name}-L2", name, dpd=-20, arrears="50.00")
        paid = world.pay(f"{name}-L2", "20.00", on=AS_OF - timedelta(days=30))
    world.pay("another_bounced-L2", "20.00", kind="reversal", on=AS_OF - timedelta(days=25), reverses=paid)


def _at_random(world: World, debts: dict[str, list[dict[str, Any]]]) -> None:
    at_random = random.Random(7)
    for number in range(RANDOM_CUSTOMERS):
        name = f"random_{number:03}"
        jurisdiction = at_random.choice(["CN", "US", "IN"])
        currency = at_random.choice(["CNY", "USD", "JPY"])
        world.customer(name, dpd=None, jurisdiction=jurisdiction)
        world.flag(name, "hardship_requested")
        for _ in range(at_random.choice([1, 1, 1, 2, 3])):
            top = 10 ** at_random.randint(2, 7)
            whole = currency == "JPY"
            overdue, *later = (_amount(at_random, top, whole=whole) for _ in range(at_random.randint(1, 30)))
            rate = at_random.choice(["0", "0.0001", "0.0435", "0.12", "0.2399", "0.36"])
            debts[name].append(owe(world, name, overdue, later, rate=rate, currency=currency))


def _amount(at_random: random.Random, top: int, *, whole: bool) -> str:
    return f"{at_random.randint(2, top)}.{0 if whole else at_random.randint(0, 99):02}"


# Offers ---------------------------------------------------------------------------------------------------------------


def test_worked_offer(in_care: Care) -> None:
    """10,000.00 at 12 %: sixty months of 222.44, and a last one that takes the rounding."""
    row = in_care.candidate("worked")

    assert row["reason"] == "hardship_requested"
    assert (row["owed_amount"], row["present_instalment"]) == (Decimal("10000.00"), Decimal("901.00"))
    assert (row["offer_code"], row["offer_term_months"]) == ("LONGER_TERM", 60)
    assert (row["offer_instalment"], row["offer_last_instalment"]) == (Decimal("222.44"), Decimal("222.80"))
    assert row["offer_total"] == 59 * Decimal("222.44") + Decimal("222.80")
    assert row["affordability"] == Decimal("0.111220")


@pytest.mark.parametrize(
    ("customer_id", "term", "instalment"),
    [
        ("no_interest", 60, "166.67"),
        # The lowest instalment is 100.00: less is owed.
        ("small", 1, "60.60"),
        ("one_in_trouble", 60, "222.44"),
        ("card", 60, "222.44"),
        ("no_rate", None, None),
        ("one_without_rate", None, None),
        ("long", None, None),
    ],
)
def test_offer_of_a_case(in_care: Care, customer_id: str, term: int | None, instalment: str | None) -> None:
    row = in_care.candidate(customer_id)

    assert row["offer_term_months"] == term
    assert row["offer_instalment"] == (instalment and Decimal(instalment))


def test_offer_of_a_card_is_that_of_the_law(in_care: Care) -> None:
    assert in_care.candidate("card")["offer_code"] == "CARD_INSTALMENTS"


def test_every_offer_is_the_longest_and_lowest_within_the_limits(in_care: Care) -> None:
    """The same rule in Python, customer by customer."""
    zones = {
        row["customer_id"]: row["jurisdiction"] for row in in_care.warehouse.rows("select * from landing.customers")
    }
    offers = {
        (row["customer_id"], row["currency"]): row
        for row in in_care.warehouse.rows("select * from marts.hardship_candidates")
    }
    terms = set()
    for customer_id, loans in in_care.debts.items():
        for currency in {loan["currency"] for loan in loans}:
            own = [loan for loan in loans if loan["currency"] == currency]
            found = offers[customer_id, currency]
            expected = _expected(own, *SEED_LIMITS.get(zones[customer_id], SEED_LIMITS["DEFAULT"]))
            assert (found["offer_term_months"], found["offer_instalment"]) == expected, customer_id
            assert found["owed_amount"] == sum(loan["owed"] for loan in own)
            terms.add(expected[0])
    # Not all at the limit, and not all without an offer.
    assert {None, 1, 60} < terms


def _expected(loans: list[dict[str, Any]], at_most: int, lowest: int) -> tuple[int | None, Decimal | None]:
    if any(loan["rate"] is None for loan in loans):
        return None, None
    units = 10 ** minor_digits(loans[0]["currency"])
    debts = [(int(loan["owed"] * units), Decimal(loan["rate"])) for loan in loans]
    term = longest_term(debts, at_most=at_most, lowest=lowest * units)
    instalment = Decimal(sum(level_instalment(owed, rate, term) for owed, rate in debts)) / units
    present = [loan["present"] for loan in loans]
    if None not in present and instalment >= sum(present):
        return None, None
    return term, instalment


def test_every_repayment_is_exact_to_the_smallest_unit(in_care: Care) -> None:
    schedules = defaultdict(list)
    for row in in_care.warehouse.rows("select * from intermediate.int_loans__offer_instalment order by instalment_no"):
        schedules[row["loan_id"]].append(row)
    offers = in_care.warehouse.rows("select * from intermediate.int_loans__hardship_offer")

    assert len(offers) > RANDOM_CUSTOMERS
    for offer in offers:
        rows, units = schedules[offer["loan_id"]], offer["minor_units"]
        assert units == 10 ** minor_digits(offer["currency"])
        found = [(int(row["principal"] * units), int(row["interest"] * units)) for row in rows]
        owed = int(offer["owed_minor"])
        assert found == split(owed, offer["annual_rate"], int(offer["instalment_minor"]), offer["term_months"])
        assert sum(repaid for repaid, _ in found) == owed
        assert [row["due_on"] for row in rows] == [add_months(AS_OF, number) for number in range(1, len(rows) + 1)]


def test_care_list_has_the_offers_of_the_candidates(in_care: Care) -> None:
    listed = in_care.warehouse.rows("select * from intermediate.int_contact_list__care")

    assert sum(row["offer_instalment"] is not None for row in listed) > RANDOM_CUSTOMERS / 2
    for row in listed:
        candidate = in_care.warehouse.rows(
            "select offer_code, offer_term_months, offer_instalment from marts.hardship_candidates"
            " where customer_id = %s and currency = %s",
            row["customer_id"],
            row["currency"],
        )
        assert candidate == [{name: row[name] for name in ("offer_code", "offer_term_months", "offer_instalment")}]


def test_currencies_are_those_of_the_files() -> None:
    lines = (PROJECT_ROOT / "dbt_project" / "seeds" / "reference" / "currencies.csv").read_text().splitlines()[1:]
    listed = {line.split(",")[0]: int(line.split(",")[1]) for line in lines}

    assert {code: minor_digits(code) for code in listed} == listed
    # Every three letters: none that the files write without digits is missing.
    codes = (f"{a}{b}{c}" for a in LETTERS for b in LETTERS for c in LETTERS)
    assert {code for code in codes if minor_digits(code) < 2} == set(listed)


LETTERS = [chr(number) for number in range(ord("A"), ord("Z") + 1)]


# Signs and states -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer_id", "is_candidate"),
    [("reduced", True), ("reduced_once", False), ("paid_nothing", False), ("bounced", False), ("paid_up", False)],
)
def test_reduced_payment_in_each_of_two_months_is_a_sign(in_care: Care, customer_id: str, is_candidate: bool) -> None:
    rows = in_care.warehouse.rows("select reason from marts.hardship_candidates where customer_id = %s", customer_id)

    assert rows == ([{"reason": "reduced_payments"}] if is_candidate else [])


@pytest.mark.parametrize(
    ("customer_id", "state", "plan_kept"),
    [
        ("pays_reduced", "plan_kept", True),
        ("fails_reduced", "plan_broken", False),
        ("extension_ahead", "plan_kept", True),
        ("extension_missed", "plan_broken", False),
        ("worked", "requested", None),
        ("has_offer", "offered", None),
        ("reduced", "signs", None),
        ("finished", "plan_completed", True),
        ("gave_up", "plan_broken", False),
        ("said_no", "declined", None),
        ("time_over", "plan_ended", None),
        ("talked", "none", None),
    ],
)
def test_state_of_a_customer(in_care: Care, customer_id: str, state: str, plan_kept: bool | None) -> None:
    row = in_care.care(customer_id)

    assert (row["hardship_state"], row["plan_kept"]) == (state, plan_kept)


@pytest.mark.parametrize(
    ("customer_id", "is_left_alone"),
    [
        ("pays_reduced", True),
        ("extension_ahead", True),
        ("fails_reduced", False),
        ("extension_missed", False),
        ("gave_up", False),
    ],
)
def test_plan_that_is_kept_ends_collection_and_a_broken_one_returns_to_it(
    in_care: Care, customer_id: str, is_left_alone: bool
) -> None:
    assert ("HARDSHIP_ACTIVE" in in_care.reasons(customer_id, "phone")) is is_left_alone


def test_satisfaction_is_of_the_answers_of_a_year_and_says_how_many_could_answer(in_care: Care) -> None:
    row = in_care.care("talked")

    assert (row["satisfaction"], row["satisfaction_answers"], row["right_party_contacts"]) == (Decimal("3.50"), 2, 3)
    assert row["satisfaction_answer_rate"] == Decimal("0.666667")
    assert row["last_contact_on"] == AS_OF - timedelta(days=12)
    assert (row["complaints"], row["complaints_open"], row["complaints_upheld"]) == (4, 2, 2)


def test_customer_of_whom_there_is_nothing_to_say_has_no_row(in_care: Care) -> None:
    assert in_care.warehouse.rows("select 1 from marts.customer_care where customer_id = 'never_spoken'") == []


def test_complaints_of_a_month_with_their_denominators(in_care: Care) -> None:
    (row,) = in_care.warehouse.rows("select * from marts.complaints_monthly where channel = 'phone'")

    assert (row["month"], row["category"]) == (date(2026, 1, 1), "tone")
    assert (row["received"], row["upheld"], row["decided"], row["open"], row["responded"]) == (4, 2, 3, 2, 3)
    assert row["upheld_rate"] == Decimal("0.666667")
    # Answered after 3, 10 and 1 days, closed after 10 and 16.
    assert (row["median_response_days"], row["median_closing_days"]) == (Decimal("3.0"), Decimal("13.0"))


# Field and legal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer_id", "is_lost"),
    [
        ("lost", True),
        ("lost_but_four_calls", False),
        ("lost_but_two_days", False),
        ("lost_but_one_time", False),
        ("lost_but_long_ago", False),
        ("lost_but_rang_back", False),
        ("numbers_dead", True),
        ("one_number_left", False),
    ],
)
def test_visit_needs_lost_contact(in_care: Care, customer_id: str, is_lost: bool) -> None:
    assert ("REQUIREMENT_NOT_MET" not in in_care.reasons(customer_id, "field_visit")) is is_lost


@pytest.mark.parametrize(
    ("customer_id", "is_wilful"),
    [
        ("able", True),
        ("pays_another", True),
        ("complains", True),
        ("disputes", False),
        ("in_need", False),
        ("pays_part", False),
        ("another_bounced", False),
        ("poor", False),
    ],
)
def test_referral_needs_a_wilful_customer(in_care: Care, customer_id: str, is_wilful: bool) -> None:
    """A complaint is no excuse, but stops the referral by itself; in need, collecting is not the treatment."""
    reasons = in_care.reasons(customer_id, "legal")

    assert {"REQUIREMENT_NOT_MET", "NOT_THIS_TIER"}.isdisjoint(reasons) is is_wilful
    assert reasons  # two people must approve it, whoever it is


# Later days -----------------------------------------------------------------------------------------------------------


def test_building_an_older_sealed_day_changes_neither_its_offers_nor_the_newest(in_care: Care) -> None:
    older = AS_OF - timedelta(days=1)
    in_care.warehouse.execute(
        "insert into intermediate.int_customers__hardship_offer (as_of, generation, customer_id, currency, reason,"
        " offer_code, offer_term_months, offer_instalment)"
        " values (%s, 1, 'worked', 'CNY', 'hardship_requested', 'AS_IT_WAS', 12, 900.00)",
        older,
    )
    in_care.warehouse.execute("insert into ops.sealed_day (generation, as_of) values (1, %s)", older)
    marts = ("hardship_candidates", "customer_care", "complaints_monthly")
    offers = "select * from intermediate.int_customers__hardship_offer order by as_of, customer_id, currency"
    before = [in_care.warehouse.rows(f"select * from marts.{mart} order by 1, 2, 3") for mart in marts]
    offered = in_care.warehouse.rows(offers)

    in_care.warehouse.build(older, select=f"{MODELS} --exclude-resource-type test")

    assert [in_care.warehouse.rows(f"select * from marts.{mart} order by 1, 2, 3") for mart in marts] == before
    assert in_care.warehouse.rows(offers) == offered
