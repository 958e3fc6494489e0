"""Whether collectors are measured fairly: `make bench-fairness`.

Cases are dealt to collectors whose skill is known, each is spoken with once, and customers pay by themselves or because
they were moved (the rates are those of the played world: `arrears.simulator`). From the landed rows dbt builds
`collector_performance`, and its index is held against the skill: beside what was recovered, and with its intervals
against the index that the collector's cases would have without chance. The result is `docs/fair-measurement.md`.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import landed
import psycopg2
from own_server import own_server
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.dbt_build import build
from arrears.domain.amortisation import add_months, month_end
from arrears.settings import Settings
from arrears.simulator.behaviour import PAYS_ALL, PAYS_ONE, RESUMES
from arrears.simulator.truth import Truth
from arrears.warehouse import migrate

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "fair-measurement.md"
AS_OF = date(2026, 3, 18)
COLLECTORS = 12
TEAMS = 4
"""Of each study; every team has other skills. Its members are compared with each other, in a currency of their own."""
STUDIES = (("equal", 15, 12), ("unequal", 15, 12), ("equal", 50, 6), ("unequal", 50, 6), ("unequal", 150, 3))
"""How cases are dealt, how many a collector gets each month, and for how many months."""
CURRENCIES = tuple("EUR GBP USD INR CHF SEK NOK DKK PLN CZK HUF RON BGN TRY ZAR BRL MXN CAD AUD NZD".split())
CREDITED_DAYS = 30
PAYS_WITHIN = 9
TALKS = {"promise_to_pay": 0.4, "right_party_no_promise": 0.6}
PART = 0.55
"""Mean share of an instalment that is paid in part."""
CHANGED = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A customer who is spoken with once, and what comes of it; amounts in cents."""

    customer_id: str
    collector_id: str
    currency: str
    unpaid: int
    instalment: int
    talk_on: date
    disposition: str
    moved: float
    """The chance that the talk makes the customer pay."""
    paid_on: date | None
    paid: int

    @property
    def arrears(self) -> int:
        return self.unpaid * self.instalment

    def chances(self) -> Iterator[tuple[date, float, float]]:
        """The days on which money would be credited to the talk, with the chance and the amount to expect of each."""
        self_paid = self.arrears * PAYS_ALL + self.instalment * (PAYS_ONE + (1 - PAYS_ALL - PAYS_ONE) * PART)
        hazard, waits, not_moved = RESUMES[self.unpaid], 1.0, 1.0
        for day in range(CREDITED_DAYS + 1):
            moved_today = self.moved / PAYS_WITHIN if 1 <= day <= PAYS_WITHIN else 0.0
            by_itself = hazard * waits * (not_moved - moved_today)
            because = moved_today * waits
            yield (
                self.talk_on + timedelta(days=day),
                because + by_itself,
                because * self.arrears + by_itself * self_paid,
            )
            waits, not_moved = waits * (1 - hazard), not_moved - moved_today

    def expected(self, month: date) -> float:
        """What the month is expected to bring to the collector, in cents, as the case stands when it begins there."""
        before = sum(chance for day, chance, _ in self.chances() if day < month)
        if before and self.paid_on and self.paid_on < month:
            return 0.0
        return sum(amount for day, _, amount in self.chances() if month <= day <= month_end(month)) / (1 - before)

    def overdue(self, month: date) -> int:
        """Arrears on the evening before the case begins in that month."""
        return self.arrears - (self.paid if self.paid_on and self.paid_on < month else 0)


def deal(dealing: str, *, collectors: int, cases: int, months: Sequence[date], currency: str, seed: int) -> list[Case]:
    """Deal each collector cases of each month: alike, or large and early ones rather to the last than to the first.

    Dealing knows nothing of skill.
    """
    truth, dealt = Truth(seed), []
    for month in months:
        for number in range(collectors):
            place = number / (collectors - 1) if dealing == "unequal" else None
            for case in range(cases):
                customer_id = f"{currency}-{month:%Y%m}-{number:02d}-{case:03d}"
                identity = f"{currency}-K{number:02d}"
                chance = Random(f"{seed} {customer_id}")
                dealt.append(_case(customer_id, identity, currency, month, place, truth, chance))
    return dealt


def _case(
    customer_id: str, collector_id: str, currency: str, month: date, place: float | None, truth: Truth, chance: Random
) -> Case:
    size, lateness = chance.random(), chance.random()
    if place is not None:
        size, lateness = 0.6 * place + 0.4 * size, 0.6 * (1 - place) + 0.4 * lateness
    unpaid = min(3, 1 + int(3 * lateness))
    instalment = round(100 * 10 ** (1.7 + 1.6 * size))
    talk_on = month + timedelta(days=chance.randrange(24))
    disposition = chance.choices(list(TALKS), list(TALKS.values()))[0]
    moved = truth.conversion("phone", disposition, collector_id)
    paid_on, paid = _comes_of_it(unpaid, instalment, talk_on, moved, chance)
    return Case(customer_id, collector_id, currency, unpaid, instalment, talk_on, disposition, moved, paid_on, paid)


def _comes_of_it(unpaid: int, instalment: int, talk_on: date, moved: float, chance: Random) -> tuple[date | None, int]:
    moved_on = chance.randint(1, PAYS_WITHIN) if chance.random() < moved else None
    for day in range(CREDITED_DAYS + 1):
        if day == moved_on:
            return talk_on + timedelta(days=day), unpaid * instalment
        if chance.random() < RESUMES[unpaid]:
            drawn = chance.random()
            if drawn < PAYS_ALL:
                return talk_on + timedelta(days=day), unpaid * instalment
            share = 1.0 if drawn < PAYS_ALL + PAYS_ONE else chance.uniform(2 * PART - 0.8, 0.8)
            return talk_on + timedelta(days=day), max(1, round(instalment * share))
    return None, 0


# Landing --------------------------------------------------------------------------------------------------------------


def land(connection: Connection, cases: Sequence[Case], as_of: date) -> None:
    """Put the cases into landing, as if a load had passed and a vendor had reported. Commits."""
    with connection, connection.cursor() as cursor:
        landed.land(cursor, _source_rows(cases), as_of=as_of, description="fairness")
        landed.insert(cursor, "ops.delivery_batch", list(_batches(cases).values()))
        landed.insert(cursor, "ops.delivery_item", [_item(case) for case in cases])
        landed.insert(
            cursor, "landing.vendor_result", [_result(line, case) for line, case in enumerate(cases, start=1)]
        )
        cursor.execute("analyze")


def _source_rows(cases: Iterable[Case]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in cases:
        rows["customers"].append({"customer_id": case.customer_id, "jurisdiction": "CN", "updated_at": CHANGED})
        loan_id, oldest = f"L-{case.customer_id}", case.talk_on - timedelta(days=30 * case.unpaid - 15)
        rows["loans"].append(
            {
                "loan_id": loan_id,
                "customer_id": case.customer_id,
                "product": "personal",
                "currency": case.currency,
                "principal": _money(case.arrears * 2),
                "annual_rate": Decimal("0.10"),
                "disbursed_on": oldest - timedelta(days=60),
                "day_count": "actual",
                "status": "active",
                "updated_at": CHANGED,
            }
        )
        due = [*(oldest + timedelta(days=30 * number) for number in range(case.unpaid)), date(2027, 6, 1)]
        for number, due_date in enumerate(due, start=1):
            rows["repayment_schedule"].append(
                {
                    "loan_id": loan_id,
                    "schedule_version": 1,
                    "effective_from": oldest - timedelta(days=60),
                    "instalment_no": number,
                    "due_date": due_date,
                    "principal_due": _money(case.instalment),
                    "interest_due": 0,
                    "fee_due": 0,
                    "updated_at": CHANGED,
                }
            )
        if case.paid_on:
            rows["loan_transactions"].append(
                {
                    "transaction_id": f"T-{case.customer_id}",
                    "loan_id": loan_id,
                    "kind": "repayment",
                    "amount": _money(case.paid),
                    "effective_on": case.paid_on,
                    "recorded_at": datetime(case.paid_on.year, case.paid_on.month, case.paid_on.day, 1, tzinfo=UTC),
                }
            )
    for collector_id in sorted({case.collector_id for case in cases}):
        collector = {"collector_id": collector_id, "vendor": "demo_call", "channel": "phone", "updated_at": CHANGED}
        rows["collectors"].append(collector)
    return rows


def _batch_id(case: Case) -> str:
    return f"phone-demo_call-{case.talk_on:%Y%m%d}-{case.currency}"


def _batches(cases: Sequence[Case]) -> dict[str, dict[str, Any]]:
    sizes = Counter(map(_batch_id, cases))
    return {
        _batch_id(case): {
            "batch_id": _batch_id(case),
            "kind": "contact_list",
            "channel": "phone",
            "vendor": "demo_call",
            "generation": 1,
            "as_of": case.talk_on,
            "sequence": 100_000 + CURRENCIES.index(case.currency),
            "state": "acknowledged",
            "row_count": sizes[_batch_id(case)],
            "planned_at": _instant(case, 0),
            "valid_until": _instant(case, 12),
            "acknowledge_by": _instant(case, 12),
        }
        for case in cases
    }


def _item(case: Case) -> dict[str, Any]:
    keys = {"batch_id": _batch_id(case), "contact_ref": f"R-{case.customer_id}"}
    return keys | {"customer_id": case.customer_id, "currency": case.currency}


def _result(line: int, case: Case) -> dict[str, Any]:
    is_promise = case.disposition == "promise_to_pay"
    return {
        "_vendor": "demo_call",
        "_file_sha256": f"fairness-{case.currency}",
        "_line_number": line,
        "batch_id": _batch_id(case),
        "contact_ref": f"R-{case.customer_id}",
        "attempted_at": _instant(case, 2),
        "disposition": case.disposition,
        "collector_id": case.collector_id,
        "talk_seconds": 90,
        "promise_amount": _money(case.arrears) if is_promise else None,
        "promise_on": case.talk_on + timedelta(days=PAYS_WITHIN) if is_promise else None,
        "currency": case.currency,
    }


def _instant(case: Case, hour: int) -> datetime:
    return datetime(case.talk_on.year, case.talk_on.month, case.talk_on.day, hour, tzinfo=UTC)


def _money(cents: int) -> Decimal:
    return Decimal(cents) / 100


# Judging --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """A collector's month as the mart has it, with the index that its cases would have without chance."""

    collector_id: str
    month: date
    recovered: float
    expected: float
    index: float
    low: float | None
    high: float | None
    true_index: float

    @property
    def is_covered(self) -> bool:
        return self.low is not None and self.high is not None and self.low <= self.true_index <= self.high


def measured(connection: Connection, cases: Sequence[Case]) -> list[Measured]:
    """What `collector_performance` says of the collectors of these cases in the months of their talks. Reads only."""
    currency = cases[0].currency
    months = {case.talk_on.replace(day=1) for case in cases}
    true_indices = _true_indices(connection, {case.customer_id: case for case in cases}, currency)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select collector_id, month, amount_recovered, expected_recovery, recovery_index, recovery_index_low,"
            " recovery_index_high from marts.collector_performance where currency = %s and expected_recovery > 0"
            " order by collector_id, month",
            (currency,),
        )
        return [
            Measured(
                collector_id,
                month,
                *(None if value is None else float(value) for value in figures),  # type: ignore[arg-type]
                true_index=true_indices[collector_id, month],
            )
            for collector_id, month, *figures in cursor.fetchall()
            if month in months
        ]


def _true_indices(connection: Connection, cases: dict[str, Case], currency: str) -> dict[tuple[str, date], float]:
    """What is expected of a collector's own cases over what is expected of equal ones of everybody."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select collector_id, customer_id, month, comparison_group, tier_band from"
            " intermediate.int_collectors__case where currency = %s",
            (currency,),
        )
        rows = cursor.fetchall()
    truth: dict[tuple[date, str], list[tuple[str, float, float]]] = defaultdict(list)
    for collector_id, customer_id, month, group, tier_band in rows:
        case = cases[customer_id]
        weight = 1.0 if tier_band == 0 or group == "all" else max(100.0, case.overdue(month))
        truth[month, group].append((collector_id, weight, case.expected(month)))
    own: dict[tuple[str, date], float] = defaultdict(float)
    of_equal: dict[tuple[str, date], float] = defaultdict(float)
    for (month, _), members in truth.items():
        per_weight = sum(expected for *_, expected in members) / sum(weight for _, weight, _ in members)
        for collector_id, weight, expected in members:
            own[collector_id, month] += expected
            of_equal[collector_id, month] += weight * per_weight
    return {key: own[key] / of_equal[key] for key in own if of_equal[key]}


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's."""

    def ranks(values: Sequence[float]) -> list[float]:
        order = sorted(values)
        return [order.index(value) + (order.count(value) - 1) / 2 for value in values]

    return statistics.correlation(ranks(first), ranks(second))


@dataclass(frozen=True)
class Judgement:
    """How well one study was measured."""

    dealing: str
    cases: int
    months: int
    """Of each team."""
    by_index: float
    """Rank correlation with skill of a month's index, mean over months and teams."""
    by_recovery: float
    by_index_of_all: float
    """The same of all months together."""
    by_recovery_of_all: float
    coverage: float
    intervals: int
    width: float
    """Median width of an interval."""


def judge(dealing: str, cases: int, teams: Sequence[tuple[Sequence[Measured], Truth]]) -> Judgement:
    """Hold what was measured of each team against what is known of it."""
    found = [each for rows, _ in teams for each in rows]
    by_month = [rows for team, truth in teams for rows in _by_month(team, truth)]
    of_all = [_of_all(team, truth) for team, truth in teams]
    widths = [each.high - each.low for each in found if each.low is not None and each.high is not None]
    return Judgement(
        dealing,
        cases,
        len(by_month) // len(teams),
        by_index=statistics.mean(rank_correlation(indices, skills) for indices, _, skills in by_month),
        by_recovery=statistics.mean(rank_correlation(money, skills) for _, money, skills in by_month),
        by_index_of_all=statistics.mean(rank_correlation(indices, skills) for indices, _, skills in of_all),
        by_recovery_of_all=statistics.mean(rank_correlation(money, skills) for _, money, skills in of_all),
        coverage=sum(each.is_covered for each in found) / len(found),
        intervals=len(found),
        width=statistics.median(widths),
    )


_Columns = tuple[list[float], list[float], list[float]]
"""Of collectors: their indices, the money that they recovered, and their skills."""


def _by_month(team: Sequence[Measured], truth: Truth) -> list[_Columns]:
    months: dict[date, list[Measured]] = defaultdict(list)
    for each in team:
        months[each.month].append(each)
    return [
        (
            [each.index for each in rows],
            [each.recovered for each in rows],
            [truth.skill(each.collector_id) for each in rows],
        )
        for rows in months.values()
    ]


def _of_all(team: Sequence[Measured], truth: Truth) -> _Columns:
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for each in team:
        sums[each.collector_id][0] += each.recovered
        sums[each.collector_id][1] += each.expected
    money = [recovered for recovered, _ in sums.values()]
    return [recovered / expected for recovered, expected in sums.values()], money, list(map(truth.skill, sums))


# The study ------------------------------------------------------------------------------------------------------------


def main() -> None:
    with _warehouse() as (settings, connection):
        studies = [(dealing, cases, list(_teams(number))) for number, (dealing, cases, _) in enumerate(STUDIES)]
        for dealing, _, teams in studies:
            dealt = [case for team, _ in teams for case in team]
            land(connection, dealt, AS_OF)
            print(f"{len(dealt):,} cases dealt, {dealing}", flush=True)
        build(settings, as_of=AS_OF, select="+collector_performance")
        judged = [
            judge(dealing, cases, [(measured(connection, team), truth) for team, truth in teams])
            for dealing, cases, teams in studies
        ]
    REPORT.write_text(page(judged), encoding="utf-8")
    print(f"written to {REPORT.relative_to(ROOT)}")


def _teams(number: int) -> Iterator[tuple[list[Case], Truth]]:
    """The cases of a study's teams, each with the skills of its members."""
    dealing, cases, months = STUDIES[number]
    firsts = [add_months(date(2026, 2, 1), -back, 1) for back in range(months)]
    for seed in range(number * TEAMS, (number + 1) * TEAMS):
        dealt = deal(dealing, collectors=COLLECTORS, cases=cases, months=firsts, currency=CURRENCIES[seed], seed=seed)
        yield dealt, Truth(seed)


@contextmanager
def _warehouse() -> Iterator[tuple[Settings, Connection]]:
    """A warehouse of the study's own, gone at the end."""
    with own_server() as settings, closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
        migrate(connection)
        yield settings, connection


def page(judged: Sequence[Judgement]) -> str:
    """The report as Markdown: what was done, a chart, a table."""
    names = ", ".join(f'"{each.cases} {each.dealing}"' for each in judged)
    by_index = ", ".join(f"{each.by_index:.2f}" for each in judged)
    by_recovery = ", ".join(f"{each.by_recovery:.2f}" for each in judged)
    chart = (
        "```mermaid\nxychart-beta\n"
        '    title "Rank correlation with skill, one month: bars the index, line the money recovered"\n'
        f'    x-axis [{names}]\n    y-axis "rank correlation" -0.2 --> 1\n    bar [{by_index}]\n'
        f"    line [{by_recovery}]\n```"
    )
    lines = [
        "| dealing | cases a month | months | index, one month | money, one month | index, all months |"
        " money, all months | intervals | hold the truth | median width |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in judged:
        lines.append(
            f"| {each.dealing} | {each.cases} | {each.months} | {each.by_index:.2f} | {each.by_recovery:.2f} |"
            f" {each.by_index_of_all:.2f} | {each.by_recovery_of_all:.2f} | {each.intervals:,} | {each.coverage:.1%} |"
            f" {each.width:.2f} |"
        )
    return "\n\n".join([_INTRODUCTION, chart, "\n".join(lines), _READING]) + "\n"


_INTRODUCTION = f"""# How fairly collectors are measured

Written by `make bench-fairness` (`benchmarks/fair_measurement.py`) from simulated cases, of which all is known. In
each study there are {TEAMS} teams of {COLLECTORS} collectors who differ in skill: how many times as many customers
they move to pay as the average one does. Each customer is spoken with once; some pay by themselves, some because
they were moved, at the rates of the played world (`arrears source simulate --vendors`). The rows are landed and dbt
builds `collector_performance` from them.

*Unequal* dealing gives large and early cases rather to the last collectors than to the first and knows nothing of
skill; *equal* dealing gives everybody the same mix. The bars say how well a month's `recovery_index` puts the
collectors in the order of their skill (1 is perfectly, 0 not at all), the line how well the money that each
recovered would."""

_READING = """\
*Hold the truth*: the share of intervals (`recovery_index_low` to `recovery_index_high`, stated as 95 %) that hold
the index which the same cases would have had without chance: what is expected of them in this collector's hands,
over what is expected of the equal cases of all collectors. *Width* is that of the interval; skill in these studies
spreads with a factor of 1.6 up and down.

Few cases tell little: with 15 a month, look at the interval and at several months together. A collector is coached
for recovery only where the whole interval is below 1."""


if __name__ == "__main__":
    main()
