"""Whether experiments are judged rightly: `make bench-experiments`.

First, customers whose cures are drawn with a known difference come in steps, and every step is looked at: how often
the interval holds at all looks, how often there is a false alarm, how many customers it takes to find what is there.
Then the whole way: customers are landed, the decisions of a day draw the arms, those who are called are moved to pay by
the rates of the played world (`arrears.simulator`) or not at all, thirty days later dbt counts what became of them, and
the verdicts are held against what is known. The result is a part of `docs/experiments.md`.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import psycopg2
from landed import land
from own_server import own_server
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.dbt_build import build
from arrears.risk.experiments import Arm, at_any_look, judge, needed, of_one_look
from arrears.risk.uplift import look_at_experiments, read_verdicts
from arrears.settings import PROJECT_ROOT, Settings
from arrears.simulator.behaviour import PAYS_ALL, PAYS_ONE, RESUMES
from arrears.simulator.truth import CONVERTED
from arrears.warehouse import migrate

REPORT = PROJECT_ROOT / "docs" / "experiments.md"
HEADING = "## How good the verdicts are"
RUNS = 2000
LOOKS = 40
STEP = 150
"""Customers of both arms between two looks."""
AS_OF = date(2026, 3, 18)
WINDOW = 30
EXPERIMENTS, CUSTOMERS, CHAMPION_SHARE = 6, 1200, 0.3
"""On the whole way: how many, of how many customers each. As many are to be called as the vendor takes in a day."""
ANSWERS = {"promise_to_pay": 0.4, "right_party_no_promise": 0.6}
PAYS_WITHIN = 9
CHANGED = datetime(2000, 1, 1, tzinfo=UTC)
SELECT = "+fct_contact_decision +experiment_verdict +strategy_uplift +int_experiments__sums"


# Drawn cures ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """How often what was said was right, over many runs of one setting."""

    champion: float
    other: float
    share: float
    held: float
    """Runs in which the interval held the difference at every look."""
    held_of_one_look: float
    """The same of an ordinary 95 % interval."""
    alarms: float
    """Runs in which the verdict was better or worse at any look."""
    at_last: float
    """Runs in which it was so at the last."""


def drawn(champion: float, other: float, share: float, least_effect: float) -> Drawn:
    """Play a setting; the difference is `other - champion`."""
    held = ordinary = alarms = at_last = 0
    for seed in range(RUNS):
        looks = list(_looks(seed, champion, other, share, LOOKS * STEP))
        true = other - champion
        always = [at_any_look(arms[1], arms[0], least_effect) for arms in looks]
        once = [of_one_look(arms[1], arms[0]) for arms in looks]
        told = [judge(arms, least_effect)["other"].code in ("better", "worse") for arms in looks]
        held += all(each is None or each.low <= true <= each.high for each in always)
        ordinary += all(each is None or each.low <= true <= each.high for each in once)
        alarms += any(told)
        at_last += told[-1]
    return Drawn(champion, other, share, held / RUNS, ordinary / RUNS, alarms / RUNS, at_last / RUNS)


def power(champion: float, other: float, share: float) -> tuple[int, float]:
    """How many customers the verdict asks for, and how often they are enough at one look."""
    many = 10**6
    planned = [
        Arm(name, "standard", part, many, many, round((champion + other) / 2 * many), 0, 0)
        for name, part in (("champion", 1 - share), ("other", share))
    ]
    customers = needed(planned[1], planned[0], abs(other - champion))
    found = 0
    for seed in range(RUNS):
        *_, last = _looks(seed, champion, other, share, customers, step=customers)
        found += judge(last, abs(other - champion))["other"].code in ("better", "worse")
    return customers, found / RUNS


def _looks(
    seed: int, champion: float, other: float, share: float, customers: int, step: int = STEP
) -> Iterator[list[Arm]]:
    random = np.random.default_rng(seed)
    is_other = random.random(customers) < share
    is_cured = random.random(customers) < np.where(is_other, other, champion)
    sizes = {False: (~is_other).cumsum(), True: is_other.cumsum()}
    cures = {False: (is_cured & ~is_other).cumsum(), True: (is_cured & is_other).cumsum()}
    for seen in range(step - 1, customers, step):
        yield [
            Arm(name, "standard", part, int(sizes[of][seen]), int(sizes[of][seen]), int(cures[of][seen]), 0, 0)
            for name, part, of in (("champion", 1 - share, False), ("other", share, True))
        ]


# The whole way --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    """An experiment of the warehouse, held against what is known."""

    name: str
    called: float
    """Of the champion's customers."""
    true: float
    """How much less the hold-out is cured, by what each customer would have done."""
    found: float
    low: float
    high: float
    text: str


def play(settings: Settings, directory: Path) -> list[Played]:
    """Draw, call, wait thirty days, judge."""
    _write_pack(directory)
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
        migrate(connection)
        names = [f"{_name(number)}-{each:04d}" for number in range(EXPERIMENTS) for each in range(CUSTOMERS)]
        _land(connection, AS_OF, _bank(names))
        _build(settings, connection, AS_OF)
        decided = _decided(connection)
        fates = {name: _fate(name) for name in names}
        paid = [
            _payment(name, fates[name][decided[name] == ("champion", True)])
            for name in names
            if fates[name][decided[name] == ("champion", True)] is not None
        ]
        later = AS_OF + timedelta(days=WINDOW)
        _land(connection, later, {"loan_transactions": paid})
        _build(settings, connection, later)
        look_at_experiments(connection, as_of=later)
        return [_held_against(connection, _name(number), decided, fates) for number in range(EXPERIMENTS)]


Fate = tuple[tuple[int, float] | None, tuple[int, float] | None]
"""What a customer does without a call, and with one: on which day he pays what share of the instalment, or nothing."""


def _name(number: int) -> str:
    return f"calls{number}" if number % 2 == 0 else f"idle{number}"


def _fate(name: str) -> Fate:
    """One instalment is overdue. Calls of experiments called `idle` do not move anybody."""
    chance = Random(name)
    alone = next((day for day in range(1, WINDOW) if chance.random() < RESUMES[1]), None)
    in_full = chance.random() < PAYS_ALL + PAYS_ONE
    share = 1.0 if in_full else chance.uniform(0.3, 0.8)
    without = (alone, share) if alone else None
    answer = chance.choices(list(ANSWERS), list(ANSWERS.values()))[0]
    is_moved = chance.random() < CONVERTED["phone"][answer] and not name.startswith("idle")
    return without, (chance.randint(1, PAYS_WITHIN), 1.0) if is_moved else without


def _held_against(
    connection: Connection, name: str, decided: Mapping[str, tuple[str, bool]], fates: Mapping[str, Fate]
) -> Played:
    verdicts, _ = read_verdicts(connection, experiment=name, as_of=date.max)
    row = next(each for each in verdicts if each["arm"] == "alone")
    mine = [each for each in decided if each.startswith(f"{name}-")]
    champions = [decided[each][1] for each in mine if decided[each][0] == "champion"]
    called = sum(champions) / len(champions)
    moved = sum(_is_cured(fates[each][1]) - _is_cured(fates[each][0]) for each in mine) / len(mine)
    figures = (float(row[column]) for column in ("uplift", "uplift_low", "uplift_high"))
    return Played(name, called, -moved * called, *figures, text=row["verdict_text"])


def _is_cured(paid: tuple[int, float] | None) -> bool:
    return paid is not None and paid[1] >= 1


def _write_pack(directory: Path) -> None:
    shutil.copytree(PROJECT_ROOT / "dbt_project" / "seeds" / "policy", directory, dirs_exist_ok=True)
    with (directory / "experiments.csv").open("a") as file:
        for name in map(_name, range(EXPERIMENTS)):
            for arm, share, treatment in (
                ("champion", CHAMPION_SHARE, "standard"),
                ("alone", round(1 - CHAMPION_SHARE, 4), "hold_out"),
            ):
                file.write(f"{name},{arm},{share},product={name},{treatment},0.1,{AS_OF},,benchmark,verified\n")


def _bank(names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {
        table: [] for table in ("customers", "contact_points", "loans", "repayment_schedule")
    }
    for number, name in enumerate(names):
        due = AS_OF - timedelta(days=15)
        rows["customers"].append(
            {"customer_id": name, "jurisdiction": "CN", "time_zone": "Asia/Shanghai", "updated_at": CHANGED}
        )
        rows["contact_points"].append(
            {
                "contact_point_id": f"P-{name}",
                "customer_id": name,
                "kind": "mobile",
                "value": f"+86139{number:08d}",
                "is_valid": True,
                "relation": "self",
                "source": "contract",
                "updated_at": CHANGED,
            }
        )
        rows["loans"].append(
            {
                "loan_id": f"L-{name}",
                "customer_id": name,
                "product": name.partition("-")[0],
                "currency": "CNY",
                "principal": Decimal(1000),
                "annual_rate": Decimal("0.10"),
                "disbursed_on": due - timedelta(days=60),
                "day_count": "actual",
                "status": "active",
                "updated_at": CHANGED,
            }
        )
        for instalment, day in enumerate((due, due + timedelta(days=300)), start=1):
            rows["repayment_schedule"].append(
                {
                    "loan_id": f"L-{name}",
                    "schedule_version": 1,
                    "effective_from": due - timedelta(days=60),
                    "instalment_no": instalment,
                    "due_date": day,
                    "principal_due": Decimal(500),
                    "interest_due": 0,
                    "fee_due": 0,
                    "updated_at": CHANGED,
                }
            )
    return rows


def _payment(name: str, paid: tuple[int, float] | None) -> dict[str, Any]:
    day, share = paid or (0, 0.0)
    on = AS_OF + timedelta(days=day)
    return {
        "transaction_id": f"T-{name}",
        "loan_id": f"L-{name}",
        "kind": "repayment",
        "amount": round(Decimal(500) * Decimal(share), 2),
        "effective_on": on,
        "recorded_at": datetime(on.year, on.month, on.day, 1, tzinfo=UTC),
    }


def _land(connection: Connection, as_of: date, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    with connection, connection.cursor() as cursor:
        land(cursor, tables, as_of=as_of, description="experiments")
        cursor.execute("analyze")


def _build(settings: Settings, connection: Connection, as_of: date) -> None:
    result = build(settings, as_of=as_of, select=SELECT)
    print(f"built {as_of}", flush=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("update ops.mart_build set state = 'passed' where build_id = %s", (result.build_id,))


def _decided(connection: Connection) -> dict[str, tuple[str, bool]]:
    """By customer: the arm, and whether he is to be called."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select customer_id, arm, decision = 'contact' from marts.fct_contact_decision"
            " where channel = 'phone' and as_of = %s",
            (AS_OF,),
        )
        return {name: (arm, is_called) for name, arm, is_called in cursor.fetchall()}


# Report ---------------------------------------------------------------------------------------------------------------


def report(
    settings: Sequence[Drawn], powers: Sequence[tuple[float, float, float, int, float]], played: Sequence[Played]
) -> str:
    """The part of the page, as Markdown."""
    of_settings = [
        f"| {each.champion:.0%} | {each.other:.0%} | {each.share:.0%} | {each.held:.1%} | {each.held_of_one_look:.1%}"
        f" | {each.alarms:.1%} | {each.at_last:.1%} |"
        for each in settings
    ]
    of_powers = [
        f"| {champion:.0%} | {other:.0%} | {share:.0%} | {customers:,} | {found:.1%} |"
        for champion, other, share, customers, found in powers
    ]
    of_played = [
        f"| {each.name} | {each.called:.0%} | {100 * each.true:+.1f} | {100 * each.found:+.1f}"
        f" | {100 * each.low:+.1f} to {100 * each.high:+.1f} | {each.text} |"
        for each in played
    ]
    return "\n".join([HEADING, "", _DRAWN, *of_settings, "", _POWERS, *of_powers, "", _PLAYED, *of_played, ""])


_DRAWN = f"""`make bench-experiments` (`benchmarks/experiments.py`) writes this part. First, cures are drawn with a
known difference: {RUNS:,} runs of each setting, looked at {LOOKS} times, once after every {STEP} customers. *Holds* is
the share of runs in which the interval held the true difference at **every** look; beside it that of an ordinary 95 %
interval, as most tools show it. *Told* is the share of runs with the verdict *better* or *worse* at any look: where
nothing differs, of false alarms.

| champion cures | other cures | share of the other | holds | ordinary one | told | told at the last |
|---:|---:|---:|---:|---:|---:|---:|"""

_POWERS = """How many customers a verdict asks for, and how often a difference as large is found when they are there
(80 % is promised):

| champion cures | other cures | share of the other | customers | found |
|---:|---:|---:|---:|---:|"""

_PLAYED = f"""The whole way through the warehouse: {EXPERIMENTS} experiments of {CUSTOMERS:,} customers each, drawn by
the decisions of a day and judged thirty days later. A call of `calls…` moves a customer at the rates of the played
world (`arrears source simulate`), one of `idle…` nobody. The hold-out is held against the champion; the true
difference follows from what each customer would have done either way. Points of cured customers:

| experiment | champions called | true | found | interval | verdict |
|---|---:|---:|---:|---:|---|"""


DRAWN = ((0.3, 0.3, 0.5, 0.04), (0.05, 0.05, 0.2, 0.02), (0.3, 0.35, 0.5, 0.04), (0.6, 0.56, 0.1, 0.04))
POWERS = ((0.3, 0.34, 0.5), (0.3, 0.33, 0.1), (0.05, 0.07, 0.5))


def main() -> None:
    with own_server() as server, tempfile.TemporaryDirectory() as directory:
        played = play(server.model_copy(update={"policy_dir": Path(directory)}), Path(directory))
    settings = [drawn(*setting) for setting in DRAWN]
    powers = [(*each, *power(*each)) for each in POWERS]
    kept = REPORT.read_text(encoding="utf-8").partition(HEADING)[0]
    REPORT.write_text(kept + report(settings, powers, played), encoding="utf-8")
    print(f"written to {REPORT.relative_to(PROJECT_ROOT)}")


if __name__ == "__main__":
    main()
