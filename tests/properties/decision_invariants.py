"""What is wrong with a ledger: where it differs from the reference, and what breaks a rule that always holds."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from decision_facts import NUMBERS, Facts, is_own, number
from decision_oracle import Decision, DecisionOracle, debts

Row = Mapping[str, Any]
Rule = Callable[[DecisionOracle, Sequence[Row]], Iterator[str]]


def difference(row: Mapping[str, Any], decision: Decision) -> str:
    """What the ledger says otherwise than the reference, in words; empty where they agree.

    What else a vendor has to do is left aside; hours, numbers and attempts are those of contacts only.
    """
    reasons = [reason for reason in row["all_reasons"] or () if reason not in ("CAPACITY", "VENDOR_DOWN")]
    pairs: list[tuple[str, Any, Any]] = [
        ("tier", row["tier"], decision.tier),
        ("days_past_due", row["days_past_due"], decision.days_past_due),
        ("arrears_amount", row["arrears_amount"], decision.arrears),
        ("all_reasons", reasons, decision.reasons),
        ("arm", (row["experiment"], row["arm"]), decision.arm),
    ]
    if decision.is_eligible:
        pairs += [
            ("attempts", row["attempts"], decision.attempts),
            ("window", (row["window_start"], row["window_end"]), decision.window),
            ("contact_point_id", row["contact_point_id"], decision.points[0] if decision.points else None),
            ("template_or_offer", row["template_or_offer"], decision.template),
            ("requires", row["requires"], decision.requires),
            ("expected_value", row["expected_value"], decision.value),
        ]
    wrong = [f"{name} is {found}, expected {expected}" for name, found, expected in pairs if found != expected]
    return f"{row['customer_id']} {row['channel']} {row['currency']}: {'; '.join(wrong)}" if wrong else ""


def violations(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    for rule in RULES:
        for found in rule(oracle, ledger):
            yield f"{rule.__name__}: {found}"


def contacts(ledger: Sequence[Row]) -> list[Row]:
    return [row for row in ledger if row["decision"] == "contact"]


def one_row_for_each_customer_channel_and_currency(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    expected = {
        (facts.id, channel.name, debt.currency)
        for facts in oracle.facts.values()
        for debt in debts(facts)
        for channel in oracle.policy.channels
    }
    found = Counter((row["customer_id"], row["channel"], row["currency"]) for row in ledger)
    yield from (f"{key} is missing" for key in expected - found.keys())
    yield from (f"{key} is not in scope" for key in found.keys() - expected)
    yield from (f"{key} comes {times} times" for key, times in found.items() if times > 1)


def decision_says_what_its_reasons_say(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    for row in ledger:
        reasons = row["all_reasons"] or []
        in_order = sorted(set(reasons), key=oracle.policy.order.__getitem__)
        if reasons != in_order or row["decision"] != ("suppress" if reasons else "contact"):
            yield f"{named(row)} is {row['decision']} for {reasons}"


def nobody_is_contacted_in_spite_of_a_hold(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    """A flag, an arrangement, a promise, a complaint, a conversation a few days ago; of him or of a joint debtor."""
    for row in contacts(ledger):
        facts, channel = oracle.facts[row["customer_id"]], oracle.policy.by_name[row["channel"]]
        pack = oracle.policy.pack(facts.jurisdiction)
        yield from (
            f"{named(row)} in spite of {hold.reason}"
            for hold in oracle.holds_of(facts, pack, row["currency"])
            if oracle.policy.closes(pack, hold.reason, channel, hold.since)
        )


def nobody_is_contacted_by_what_he_refused(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    for row in contacts(ledger):
        facts, channel = oracle.facts[row["customer_id"]], oracle.policy.by_name[row["channel"]]
        if oracle.is_refused(facts, channel, oracle.policy.pack(facts.jurisdiction)):
            yield named(row)


def contact_lies_within_the_hours_of_every_place(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    """Read from the wall clock at both ends, wherever the customer may be."""
    for row in contacts(ledger):
        facts = oracle.facts[row["customer_id"]]
        hours = oracle.policy.hours(oracle.policy.pack(facts.jurisdiction), row["channel"], facts.jurisdiction)
        if not facts.zones or row["window_start"] >= row["window_end"]:
            yield f"{named(row)} at an hour that nobody knows"
        for zone in facts.zones:
            start, end = (row[name].astimezone(zone).replace(tzinfo=None) for name in ("window_start", "window_end"))
            for span in hours:
                if span is None or start.date() != oracle.bank.as_of or start.time() < span[0] or end.time() > span[1]:
                    yield f"{named(row)} from {start} to {end} in {zone.key}, allowed {span}"


def limits_hold_with_what_is_planned(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    """In each window that ends with the day: what happened, what is open and what the day's rows plan, together."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in contacts(ledger):
        rows[row["customer_id"]].append(row)
    for customer_id, of_customer in rows.items():
        facts = oracle.facts[customer_id]
        pack = oracle.policy.pack(facts.jurisdiction)
        for limit in {each for row in of_customer for each in oracle.policy.limits(pack, row["channel"])}:
            bound = [row for row in of_customer if limit in oracle.policy.limits(pack, row["channel"])]
            for about, planned in _subjects(facts, limit.per, bound):
                used = oracle.used(facts, limit, *about)
                if used + planned > limit.at_most:
                    yield f"{customer_id} {about}: {used} + {planned} of {limit}"


def _subjects(facts: Facts, per: str, bound: Sequence[Row]) -> Iterator[tuple[tuple[str | None, str], int]]:
    """Each customer, loan or number of the rows, with the attempts that they plan for it."""
    if per == "customer":
        yield (None, ""), sum(row["attempts"] for row in bound)
    elif per == "loan":
        for row in bound:
            planned = sum(each["attempts"] for each in bound if each["currency"] == row["currency"])
            for loan_id in next(debt.loan_ids for debt in debts(facts) if debt.currency == row["currency"]):
                yield (loan_id, row["currency"]), planned
    else:
        for point in {row["contact_point_id"] for row in bound}:
            yield (point, ""), sum(row["attempts"] for row in bound if row["contact_point_id"] == point)


def number_is_the_customers_own_and_nobody_elses(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    called: dict[str, str] = {}
    points = {row["contact_point_id"]: row for row in oracle.bank.rows.get("contact_points", ())}
    for row in contacts(ledger):
        if row["channel"] == "legal":
            continue
        point, facts = points.get(row["contact_point_id"]), oracle.facts[row["customer_id"]]
        if point is None or point["customer_id"] != row["contact_customer_id"] or not is_own(point):
            yield f"{named(row)} at a contact point that is not the customer's"
        elif facts.is_invalid(point) or facts.is_refused(point):
            yield f"{named(row)} at a contact point that is wrong or refused"
        elif point["kind"] in NUMBERS and called.setdefault(number(point), facts.id) != facts.id:
            yield f"{named(row)} at a number at which {called[number(point)]} is called too"


def amounts_and_days_are_those_of_the_loans(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    """In the row's own currency, to the cent; no hold changes the days by contract."""
    owed = {(facts.id, debt.currency): debt for facts in oracle.facts.values() for debt in debts(facts)}
    for row in ledger:
        debt = owed.get((row["customer_id"], row["currency"]))
        if debt and (row["arrears_amount"], row["days_past_due"]) != (debt.arrears, debt.days_past_due):
            yield f"{named(row)}: {row['arrears_amount']} for {row['days_past_due']} days, owed {debt}"


def only_the_debtor_is_contacted(oracle: DecisionOracle, ledger: Sequence[Row]) -> Iterator[str]:
    parties: dict[str, set[str]] = defaultdict(set)
    borrowers = {row["loan_id"]: row["customer_id"] for row in oracle.bank.rows["loans"]}
    for party in oracle.bank.rows.get("loan_parties", ()):
        parties[borrowers.get(party["loan_id"], "")].add(party["customer_id"])
    for row in contacts(ledger):
        if row["contact_customer_id"] not in {row["customer_id"], *parties[row["customer_id"]]}:
            yield f"{named(row)} reaches {row['contact_customer_id']}"


def named(row: Row) -> str:
    return f"{row['customer_id']} {row['channel']} {row['currency']}"


RULES: tuple[Rule, ...] = (
    one_row_for_each_customer_channel_and_currency,
    decision_says_what_its_reasons_say,
    nobody_is_contacted_in_spite_of_a_hold,
    nobody_is_contacted_by_what_he_refused,
    contact_lies_within_the_hours_of_every_place,
    limits_hold_with_what_is_planned,
    number_is_the_customers_own_and_nobody_elses,
    amounts_and_days_are_those_of_the_loans,
    only_the_debtor_is_contacted,
)


def capacity_goes_to_whom_it_should(
    ledger: Sequence[Row], capacity: Mapping[tuple[str, str], int], waited: Mapping[str, int], longest_wait: int
) -> Iterator[str]:
    """As many as the vendor takes: first who waited too long, the longest first, then by expected value."""
    asked: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in ledger:
        if set(row["all_reasons"] or ()) <= {"CAPACITY", "NOT_APPROVED"} and row["attempts"]:
            asked[row["vendor"], row["channel"]].append(row)
    for vendor, rows in asked.items():
        taken = [row for row in rows if "CAPACITY" not in (row["all_reasons"] or ())]
        left = [row for row in rows if "CAPACITY" in (row["all_reasons"] or ())]
        if len(taken) != min(capacity[vendor], len(rows)):
            yield f"{vendor} takes {capacity[vendor]} rows and has {len(taken)} of {len(rows)}"

        def rank(row: Row) -> tuple[int, Any]:
            days = waited.get(row["customer_id"], 0)
            return (days if days >= longest_wait else 0), row["expected_value"]

        if taken and left and min(map(rank, taken)) < max(map(rank, left)):
            yield f"{vendor} has {named(min(taken, key=rank))} and leaves {named(max(left, key=rank))}"
