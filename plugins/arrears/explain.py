"""Why a customer was contacted on a day, or left alone: read from the ledger of that day, never decided again.

Facts are by what is known now; the outcome is what the ledger says. Reads one customer's rows by their keys, whatever
the size of the portfolio, and writes down in `ops.personal_data_access` that it was asked.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg2.extensions
from psycopg2.extras import RealDictCursor

from arrears.errors import ArrearsError
from arrears.privacy.access import person, record_access
from arrears.privacy.masking import mask
from arrears.settings import Settings
from arrears.sql_files import read_statement

statement = partial(read_statement, "explain")
"""The text of `sql/explain/<name>.sql`."""

CHANNELS = ("sms", "phone", "field_visit", "legal", "care")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY, HOLIDAY = "every day", "holiday"
"""Days of a row of hours, besides those of the week."""
PROMISE_DAYS = 3
"""A promise is open for so many days after it is due."""

Row = Mapping[str, Any]

WHAT_WOULD_CHANGE = {
    "DATA_HOLD": "a corrected version of the rejected record passes the landing gate",
    "NOT_IN_ARREARS": "an instalment stays unpaid after it was due, or early warning puts a loan in band high",
    "PAID_SINCE": "the payment is reversed, or a later instalment stays unpaid",
    "BELOW_MINIMUM": "more falls overdue than the smallest amount worth a contact",
    "DECEASED": "the bank takes the flag back",
    "UNKNOWN_FLAG": "the flag or answer is added to the seeds, or the bank's feed of flags is up to date again",
    "BANKRUPTCY": "the bank ends the flag",
    "LEGAL_PROCEEDINGS": "the proceedings end and the bank ends the flag",
    "REPRESENTED": "the bank ends the flag",
    "CEASE_CONTACT": "the customer allows contact again and the bank ends the flag",
    "ERASURE_REQUESTED": "the request is decided and the bank ends the flag",
    "ACTIVE_MILITARY": "the service ends and the bank ends the flag",
    "FRAUD_VICTIM": "the bank ends the flag",
    "DISPUTED": "the dispute is decided and the bank ends the flag",
    "COMPLAINT_OPEN": "the complaint is closed",
    "MORATORIUM": "the moratorium ends",
    "VULNERABLE": "the bank ends the flag",
    "HARDSHIP_ACTIVE": "the plan ends, or an instalment of it stays unpaid for three days",
    "HARDSHIP_REQUESTED": "the request for help is decided",
    "PROMISE_OPEN": "the promise is kept, or its last day passes",
    "CHANNEL_REFUSED": "the customer consents to the channel again",
    "NO_CONTACT_POINT": "the bank has a contact point of the customer from a lawful source",
    "CONTACT_POINT_INVALID": "the bank has another contact point, or this one is valid again",
    "NUMBER_SHARED": "the bank has a number that is this customer's alone",
    "NO_VISITS": "the customer allows visits and the bank ends the flag",
    "UNSAFE_ADDRESS": "the bank ends the flag, or has another address",
    "FREQUENCY_DAY": "the next day begins",
    "FREQUENCY_PERIOD": "earlier contacts leave the period that is counted",
    "CONVERSATION_PAUSE": "the days of rest after the last conversation are over",
    "CLOSED_TODAY": "a day comes on which contact hours are left in the customer's time zone",
    "NOT_THIS_TIER": "the case moves to a tier whose treatment uses the channel",
    "REQUIREMENT_NOT_MET": "the condition of the treatment is met",
    "NOT_APPROVED": "two different people approve the referral",
    "HOLDOUT": "the experiment ends, or the customer leaves it",
    "CAPACITY": "the vendor has room on another day, or cases of higher expected value leave its list",
    "VENDOR_DOWN": "a vendor of the channel can work again",
    "SELF_CURE": "it becomes less likely that the customer pays without a call, or a loan is more than 30 days behind",
}
"""By reason: when it would no longer apply."""


class ExplainError(ArrearsError):
    """There is nothing to explain: no such customer, or no such day."""


@dataclass(frozen=True)
class Rule:
    """A row of the policy pack that stands behind something, with where it comes from."""

    text: str
    source: str
    confidence: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Reason:
    """Why a channel is closed."""

    code: str
    text: str
    rules: tuple[Rule, ...]
    changes_when: str
    not_before: date | None
    """The first day on which it may no longer apply, where that can be told."""


@dataclass(frozen=True)
class Limit:
    """A limit on contacts and what of it is used on the day."""

    channel: str | None
    text: str
    days: int
    reported: int
    planned: int
    """Planned by earlier lists and not reported yet."""
    at_most: int
    rule: Rule

    @property
    def used(self) -> int:
        return self.reported + self.planned


@dataclass(frozen=True)
class ContactPoint:
    """The contact point of a row; its value is masked unless the reader may see it."""

    contact_point_id: str
    kind: str
    value: str | None
    is_masked: bool


@dataclass(frozen=True)
class Outcome:
    """One row of the ledger: a channel in a currency."""

    channel: str
    currency: str
    decision: str
    tier: str
    days_past_due: int
    arrears_amount: Any
    amount_due: Any
    due_date: date | None
    loan_ids: tuple[str, ...]
    reasons: tuple[Reason, ...]
    treatment: str | None
    treatment_rules: tuple[Rule, ...]
    vendor: str | None
    batch_id: str | None
    priority: int | None
    expected_value: Any
    experiment: str | None
    arm: str | None
    attempts: int | None
    contact_customer_id: str | None
    contact_point: ContactPoint | None
    window_start: datetime | None
    """In the customer's time zone."""
    window_end: datetime | None
    window_rules: tuple[Rule, ...]
    changes_when: str


@dataclass(frozen=True)
class Explanation:
    """All of a customer on a day."""

    customer_id: str
    as_of: date
    jurisdiction: str
    time_zone: str
    is_time_zone_known: bool
    policy_id: str | None
    policy_version: str | None
    is_policy_of_the_day: bool
    """Whether the pack that is deployed, whose sources are shown, is the one by which the day was decided."""
    is_final: bool
    known_at: datetime
    loans: tuple[Row, ...]
    circumstances: tuple[Row, ...]
    promises: tuple[Row, ...]
    contacts: tuple[Row, ...]
    limits: tuple[Limit, ...]
    outcomes: tuple[Outcome, ...]


def explain(
    warehouse: psycopg2.extensions.connection,
    *,
    customer_id: str,
    as_of: date,
    settings: Settings,
    steward: psycopg2.extensions.connection | None = None,
    asked_by: str | None = None,
    purpose: str = "arrears explain",
) -> Explanation:
    """Everything that stands behind a customer's decisions of a day. Commits the record that it was asked.

    Args:
        steward: A connection of a role that may read contact values; they are masked without one, and where its
            jurisdiction is another.
        asked_by: The person, for the record; whoever runs this process where nobody is named.
        purpose: By which door it was asked, for the record.

    Raises:
        ExplainError: no such customer; or no build of that day has passed.
    """
    reader = _Reader(warehouse, customer_id, as_of, settings)
    with warehouse:
        day = reader.day()
        customer = reader.customer()
        zone, is_zone_known = _zone(customer, settings)
        reader.values["zone"] = zone.key
        decisions = reader.rows("decisions")
        pack = _Pack(reader, decisions, as_of, is_holiday=customer["is_public_holiday"])
        contacts = reader.rows("contacts")
        circumstances = reader.rows("circumstances", policy_id=pack.policy_id)
        planned = reader.rows("planned")
        limits = tuple(_limit(row, contacts, planned, decisions, as_of) for row in pack.limits)
        promises = tuple(_promise(row) for row in contacts if row["promise_on"] is not None)
        facts = _Facts(circumstances, contacts, promises, limits)
        points = _contact_points(reader, decisions, steward)
        explanation = Explanation(
            customer_id=customer_id,
            as_of=as_of,
            jurisdiction=customer["jurisdiction"],
            time_zone=zone.key,
            is_time_zone_known=is_zone_known,
            policy_id=pack.policy_id,
            policy_version=decisions[0]["policy_version"] if decisions else day["policy_version"],
            is_policy_of_the_day=not decisions or decisions[0]["policy_version"] == reader.deployed_policy(),
            is_final=day["is_sealed"],
            known_at=day["known_at"],
            loans=tuple(reader.rows("loans")),
            circumstances=tuple(circumstances),
            promises=promises,
            contacts=tuple(_shown(row, zone) for row in contacts),
            limits=limits,
            outcomes=tuple(_outcome(row, pack, facts, points, zone) for row in decisions),
        )
        record_access(
            warehouse, customer_id=customer_id, as_of=as_of, what="explanation", purpose=purpose, asked_by=asked_by
        )
    return explanation


class _Reader:
    """Runs the statements of `sql/explain` for one customer and day. Does not commit."""

    def __init__(
        self, warehouse: psycopg2.extensions.connection, customer_id: str, as_of: date, settings: Settings
    ) -> None:
        midnight = datetime.combine(as_of, time(0), settings.bank_tz)  # of the bank: lists end by its clock
        self._warehouse = warehouse
        self.values: dict[str, Any] = {
            "customer_id": customer_id,
            "as_of": as_of,
            "channels": list(CHANNELS),
            "midnight": midnight,
            "since": midnight - timedelta(days=91),
            "reporting_deadline_hours": settings.reporting_deadline_hours,
        }

    def rows(self, name: str, **more: Any) -> list[Row]:
        with self._warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement(name), {**self.values, **more})
            return [dict(row) for row in cursor.fetchall()]

    def day(self) -> Row:
        found = self.rows("day")
        if found:
            return found[0]
        built = self.rows("built_days")[0]
        days = f"found days from {built['first_day']} to {built['last_day']}" if built["days"] else "found none"
        raise ExplainError(
            f"{self.values['as_of']}: expected a day whose marts were built and passed, {days}; "
            f"run `arrears run --as-of {self.values['as_of']} --until marts` first"
        )

    def customer(self) -> Row:
        found = self.rows("customer")
        if not found:
            raise ExplainError(
                f"customer {self.values['customer_id']}: not known; expected a customer_id of core banking in its "
                "spelling (a customer who was erased is not known any more)"
            )
        return found[0]

    def deployed_policy(self) -> str | None:
        with self._warehouse.cursor() as cursor:
            cursor.execute("select policy_version from ops.mart_build order by build_id desc limit 1")
            row = cursor.fetchone()
        return row[0] if row else None


class _Pack:
    """The rows of the customer's policy pack that are in force on the day."""

    def __init__(self, reader: _Reader, decisions: Sequence[Row], as_of: date, *, is_holiday: bool) -> None:
        self.as_of = as_of
        self.days = {EVERY_DAY, WEEKDAYS[as_of.weekday()]} | ({HOLIDAY} if is_holiday else set())
        self.policy_id: str | None = decisions[0]["policy_id"] if decisions else None
        bound = {
            "policy_id": self.policy_id,
            "experiments": sorted({row["experiment"] for row in decisions if row["experiment"]}),
        }
        self.limits = reader.rows("limits", **bound)
        self._rows: dict[str, list[Row]] = defaultdict(list)
        for row in reader.rows("rules", **bound):
            self._rows[row["kind"]].append(row)

    def of_reason(self, code: str, channel: str) -> list[Row]:
        """The pack's own rows for a reason on a channel."""
        return [row for row in self._rows["rule"] if row["subject"] == code and row["channel"] in (None, channel)]

    def text_of(self, code: str) -> Row | None:
        return next((row for row in self._rows["reason"] if row["subject"] == code), None)

    def hours(self, channel: str, medium: str) -> tuple[Rule, ...]:
        """The rows that make the day's hours, as `int_policy__contact_hours` takes them."""
        rows = [r for r in self._rows["hours"] if r["channel"] in (None, channel, medium) and r["subject"] in self.days]
        if any(row["subject"] == HOLIDAY for row in rows):
            rows = [row for row in rows if row["subject"] in (EVERY_DAY, HOLIDAY)]
        return tuple(_rule(row, f"{row['subject']}: {row['detail']}") for row in rows)

    def treatment(self, tier: str, channel: str | None = None) -> tuple[Rule, ...]:
        rows = [r for r in self._rows["treatment"] if r["subject"] == tier and channel in (None, r["channel"])]
        return tuple(_rule(row, f"{row['channel']}: {row['detail']}") for row in rows)

    def arm(self, experiment: str | None, arm: str | None) -> tuple[Rule, ...]:
        rows = [row for row in self._rows["arm"] if row["subject"] == f"{experiment} {arm}"]
        return tuple(_rule(row, f"arm {arm} of experiment {experiment}: {row['detail']}") for row in rows)


@dataclass(frozen=True)
class _Facts:
    circumstances: Sequence[Row]
    contacts: Sequence[Row]
    promises: Sequence[Row]
    limits: Sequence[Limit]

    def ends_on(self, code: str) -> date | None:
        """When all circumstances of a reason have ended, where each of them has an end."""
        ends = [row["until_on"] for row in self.circumstances if row["reason_code"] == code]
        return max(ends) if ends and None not in ends else None


def _zone(customer: Row, settings: Settings) -> tuple[ZoneInfo, bool]:
    """The customer's zone: their own, else the only one of the jurisdiction, else the bank's and not known."""
    zones = customer["zones_of_jurisdiction"] or []
    for name in [customer["time_zone"], *(zones if len(zones) == 1 else [])]:
        try:
            return ZoneInfo(name or ""), True
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return settings.bank_tz, False


def _rule(row: Row, text: str) -> Rule:
    return Rule(text, row["source"], row["confidence"], row["valid_from"], row["valid_to"])


def _limit(rule: Row, contacts: Sequence[Row], planned: Sequence[Row], decisions: Sequence[Row], as_of: date) -> Limit:
    """How much of a limit is used: as `int_customers__contact_allowance` counts, by the fullest loan or number."""
    first_day = as_of - timedelta(days=rule["days"] - 1)
    loans = {loan_id for row in decisions for loan_id in row["loan_ids"]}
    counted = [row for row in contacts if _counts(rule, row, loans) and row["occurred_on"] >= first_day]
    plans = [row for row in planned if _is_of(rule, row) and row["planned_on"] >= first_day]
    subject = {"loan": "loan_id", "contact_point": "contact_point_id"}.get(rule["per"])
    unit = "day" if rule["days"] == 1 else f"{rule['days']} days"
    return Limit(
        channel=rule["channel"],
        text=f"{rule['counted']} per {rule['per'].replace('_', ' ')} in {unit} ({rule['strength']})",
        days=rule["days"],
        reported=_fullest([(row[subject] if subject else None, 1) for row in counted]),
        planned=sum(row["attempts"] for row in plans if row["attempts"] > 0),
        at_most=rule["at_most"],
        rule=_rule(rule, f"at most {rule['at_most']}"),
    )


def _counts(rule: Row, contact: Row, loans: Container[str]) -> bool:
    is_counted: bool = contact[f"is_{rule['counted']}"]
    is_about_another_loan = contact["loan_id"] is not None and contact["loan_id"] not in loans
    return is_counted and _is_of(rule, contact) and not (rule["per"] == "loan" and is_about_another_loan)


def _is_of(rule: Row, row: Row) -> bool:
    return rule["channel"] is None or rule["channel"] in (row["channel"], row["medium"])


def _fullest(uses: Iterable[tuple[str | None, int]]) -> int:
    """What names no subject counts for each of them; the fullest of them is the one that binds."""
    by_subject: dict[str | None, int] = defaultdict(int)
    for subject, times in uses:
        by_subject[subject] += times
    without = by_subject.pop(None, 0)
    return without + max(by_subject.values(), default=0)


def _promise(contact: Row) -> Row:
    return {
        "made_on": contact["occurred_on"],
        "due_on": contact["promise_on"],
        "last_day": contact["promise_on"] + timedelta(days=PROMISE_DAYS),
        "amount": contact["promise_amount"],
        "currency": contact["currency"],
        "channel": contact["channel"],
    }


def _shown(contact: Row, zone: ZoneInfo) -> Row:
    shown = ("direction", "channel", "disposition", "is_answered", "is_conversation")
    return {"at": contact["occurred_at"].astimezone(zone), **{name: contact[name] for name in shown}}


def _contact_points(
    reader: _Reader, decisions: Sequence[Row], steward: psycopg2.extensions.connection | None
) -> dict[str, ContactPoint]:
    wanted = sorted({row["contact_point_id"] for row in decisions if row["contact_point_id"]})
    seen = _values_for(steward, reader.values["customer_id"]) if steward is not None else {}
    return {
        row["contact_point_id"]: ContactPoint(
            row["contact_point_id"],
            row["kind"],
            seen.get(row["contact_point_id"], mask(row["kind"], row["value"])),
            is_masked=row["contact_point_id"] not in seen,
        )
        for row in reader.rows("contact_points", contact_point_ids=wanted)
    }


def _values_for(steward: psycopg2.extensions.connection, customer_id: str) -> dict[str, str]:
    """Through the door that writes down who read what."""
    with steward, steward.cursor() as cursor:
        cursor.execute(
            "select contact_point_id, value from ops.read_contact_points(%s, %s, %s)",
            (customer_id, "arrears explain", person()),
        )
        return dict(cursor.fetchall())


def _outcome(row: Row, pack: _Pack, facts: _Facts, points: Mapping[str, ContactPoint], zone: ZoneInfo) -> Outcome:
    channel = row["channel"]
    reasons = tuple(_reason(code, row, pack, facts) for code in row["all_reasons"])
    return Outcome(
        channel=channel,
        currency=row["currency"],
        decision=row["decision"],
        tier=row["tier"],
        days_past_due=row["days_past_due"],
        arrears_amount=row["arrears_amount"],
        amount_due=row["amount_due"],
        due_date=row["due_date"],
        loan_ids=tuple(row["loan_ids"]),
        reasons=reasons,
        treatment=_treatment(row),
        treatment_rules=_treatment_rules(row, pack),
        vendor=row["vendor"],
        batch_id=row["batch_id"],
        priority=row["priority"],
        expected_value=row["expected_value"],
        experiment=row["experiment"],
        arm=row["arm"],
        attempts=row["attempts"],
        contact_customer_id=row["contact_customer_id"],
        contact_point=points.get(row["contact_point_id"]),
        window_start=_local(row["window_start"], zone),
        window_end=_local(row["window_end"], zone),
        window_rules=pack.hours(channel, row["medium"]),
        changes_when=_changes_when(reasons),
    )


def _treatment(row: Row) -> str | None:
    parts = [row["template_or_offer"], row["tone"], row["requires"] and f"needs {row['requires']}"]
    return ", ".join(part for part in parts if part) or None


def _treatment_rules(row: Row, pack: _Pack) -> tuple[Rule, ...]:
    """The rows of the tier and channel; of several ranges of days the one that was applied."""
    rules = pack.treatment(row["tier"], row["channel"])
    applied = f"{row['channel']}: {_treatment(row)}"
    return tuple(rule for rule in rules if rule.text == applied) or rules


def _local(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    return instant.astimezone(zone) if instant else None


def _changes_when(reasons: Sequence[Reason]) -> str:
    if not reasons:
        return "a payment, a flag, a refusal, a promise or a request for help arrives: the row is then recalled"
    return "; and ".join(reason.changes_when for reason in reasons)


def _reason(code: str, row: Row, pack: _Pack, facts: _Facts) -> Reason:
    text = pack.text_of(code)
    not_before = _not_before(code, row["channel"], pack, facts)
    changes = WHAT_WOULD_CHANGE.get(code, "the pack in force says otherwise")
    return Reason(
        code=code,
        text=text["detail"] if text else "A reason that the pack no longer explains",
        rules=_rules_of(code, row, pack, facts, text),
        changes_when=changes + (f" (not before {not_before})" if not_before else ""),
        not_before=not_before,
    )


def _rules_of(code: str, row: Row, pack: _Pack, facts: _Facts, text: Row | None) -> tuple[Rule, ...]:
    """The rows of the pack that close the channel for this reason, the most special kind there is."""
    if code in ("FREQUENCY_DAY", "FREQUENCY_PERIOD"):
        # None is full where the customer's other rows of the day took what was left.
        limits = [limit for limit in facts.limits if _may_close(limit, code, row)]
        found = tuple(limit.rule for limit in [each for each in limits if each.used >= each.at_most] or limits)
    elif code == "CLOSED_TODAY":
        found = pack.hours(row["channel"], row["medium"])
    elif code in ("NOT_THIS_TIER", "REQUIREMENT_NOT_MET"):
        found = pack.treatment(row["tier"], row["channel"] if code == "REQUIREMENT_NOT_MET" else None)
    elif code == "HOLDOUT":
        found = pack.arm(row["experiment"], row["arm"])
    else:
        found = tuple(_rule(rule, _rule_text(rule)) for rule in pack.of_reason(code, row["channel"]))
    return found or ((_rule(text, text["detail"]),) if text else ())


def _rule_text(rule: Row) -> str:
    until = "until lifted" if rule["blocks_days"] is None else f"for {rule['blocks_days']} days"
    return f"closes {rule['channel'] or 'every channel'} {until}" + (f", {rule['detail']}" if rule["detail"] else "")


def _may_close(limit: Limit, code: str, row: Row) -> bool:
    """Whether it is a limit of the kind that closed the row's channel."""
    is_of_channel = limit.channel is None or limit.channel in (row["channel"], row["medium"])
    return is_of_channel and (limit.days == 1) is (code == "FREQUENCY_DAY")


def _not_before(code: str, channel: str, pack: _Pack, facts: _Facts) -> date | None:
    if code == "FREQUENCY_DAY":
        return pack.as_of + timedelta(days=1)
    if code == "PROMISE_OPEN" and facts.promises:
        last_day: date = max(row["last_day"] for row in facts.promises)
        return last_day + timedelta(days=1)
    if code == "CONVERSATION_PAUSE":
        talks: list[date] = [row["occurred_on"] for row in facts.contacts if row["is_conversation"]]
        days = [rule["blocks_days"] for rule in pack.of_reason(code, channel) if rule["blocks_days"]]
        return max(talks) + timedelta(days=max(days)) if talks and days else None
    return facts.ends_on(code)


def as_json(value: object) -> str | float:
    """For `json.dumps(default=…)`: dates and instants in ISO 8601, money as decimal text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
