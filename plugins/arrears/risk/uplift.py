"""The experiments of the warehouse: looked at once a day from what dbt counted, each look kept."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import RealDictCursor, execute_values

from arrears.risk.estimate import Estimate
from arrears.risk.experiments import (
    ALPHA,
    CHAMPION,
    HOLD_OUT,
    Arm,
    Sums,
    at_any_look,
    chance_of_assignment,
    judge,
    money_at_any_look,
    money_of_one_look,
    of_one_look,
)
from arrears.sql_files import read_statement

_statement = partial(read_statement, "risk")

Row = Mapping[str, Any]
Key = tuple[date | None, str]
"""Month of entry (None: all of them) and currency."""
_COUNTS = ("customers", "complete", "cured", "contacted", "complained", "opted_out", "recovered", "recovered_squares")


@dataclass(frozen=True)
class LookReport:
    """A look at the experiments."""

    verdicts: Mapping[str, Mapping[str, str]]
    """By experiment and arm: the code of the verdict. Empty where there is no experiment, or an older day was built."""


def look_at_experiments(warehouse: Connection, *, as_of: date) -> LookReport:
    """Judge every experiment that has begun, from the newest build. One transaction; commits.

    Building an older day looks at nothing: what became of customers is known as of the newest.
    """
    with warehouse, warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
        (horizon,) = _rows(cursor, "known_until")
        arms = _by(_rows(cursor, "experiment_arms", as_of=as_of), "experiment")
        if not arms or horizon["known_until"] > as_of:
            return LookReport({})
        sums = _by(_rows(cursor, "experiment_sums"), "experiment")
        (look,) = _rows(cursor, "begin_look", as_of=as_of)
        seen = [Experiment(name, rows, sums.get(name, [])) for name, rows in arms.items()]
        _store(cursor, "experiment_verdict", look["look_id"], [row for each in seen for row in each.verdicts()])
        _store(cursor, "experiment_uplift", look["look_id"], [row for each in seen for row in each.uplifts()])
        return LookReport({each.name: {row["arm"]: row["verdict"] for row in each.verdicts()} for each in seen})


def read_verdicts(warehouse: Connection, *, experiment: str | None, as_of: date) -> tuple[Sequence[Row], Sequence[Row]]:
    """Arms with their verdicts at the newest look until a day (None: of all experiments); of one also its money."""
    with warehouse, warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
        verdicts = _rows(cursor, "experiment_verdicts", experiment=experiment, as_of=as_of)
        if not verdicts or experiment is None:
            return verdicts, []
        look_id = verdicts[0]["look_id"]
        return verdicts, _rows(cursor, "experiment_money", experiment=experiment, look_id=look_id)


class Experiment:
    """One experiment as it stands: its arms by the seed, and what was counted of them."""

    def __init__(self, name: str, arms: Sequence[Row], sums: Sequence[Row]) -> None:
        self.name = name
        self._seed = {row["arm"]: row for row in arms}
        self._sums = _by(sums, "arm")
        self.least_effect = float(arms[0]["least_effect"])
        self.arms = {arm: self._arm(arm, _added(self._sums.get(arm, ()))) for arm in self._seed}
        held_out = [arm.name for arm in self.arms.values() if arm.treatment == HOLD_OUT]
        self.versus = held_out[0] if held_out else CHAMPION

    def _arm(self, name: str, counted: Mapping[str, Any]) -> Arm:
        row = self._seed[name]
        counts = {count: int(counted[count]) for count in ("customers", "complete", "cured", "complained", "opted_out")}
        return Arm(name, row["treatment"], float(row["share"]), **counts)

    def verdicts(self) -> Iterator[dict[str, Any]]:
        """Rows of `ops.experiment_verdict`."""
        chance = chance_of_assignment(list(self.arms.values()))
        for name, verdict in judge(list(self.arms.values()), self.least_effect).items():
            arm = self.arms[name]
            yield {
                "experiment": self.name,
                "arm": name,
                "treatment": arm.treatment,
                "share": arm.share,
                "least_effect": self.least_effect,
                "customers": arm.customers,
                "measured": arm.complete,
                "cured": arm.cured,
                "complaints": arm.complained,
                "opt_outs": arm.opted_out,
                "assignment_chance": chance,
                "verdict": verdict.code,
                "verdict_text": verdict.text,
                **_ends("uplift", verdict.difference),
                "needed": verdict.needed,
            }

    def uplifts(self) -> Iterator[dict[str, Any]]:
        """Rows of `ops.experiment_uplift`: each month and currency, and each currency as a whole."""
        keys = {key for rows in self._sums.values() for row in rows for key in _keys(row)}
        for key in sorted(keys, key=lambda key: (key[0] or date.min, key[1])):
            counted = {arm: _added(row for row in self._sums.get(arm, ()) if key in _keys(row)) for arm in self._seed}
            for arm in self._seed:
                yield self._uplift(arm, key, counted)

    def _uplift(self, name: str, key: Key, counted: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        own = counted[name]
        cures, money = (None, None) if name == self.versus else self._differences(name, key, counted)
        return {
            "experiment": self.name,
            "arm": name,
            "month": key[0],
            "currency": key[1],
            "versus": self.versus,
            "customers": own["customers"],
            "measured": own["complete"],
            "cured": own["cured"],
            "contacted": own["contacted"],
            "recovered": own["recovered"],
            "cost": own["cost"],
            **_ends("uplift", cures),
            **_ends("recovered_uplift", money),
        }

    def _differences(
        self, name: str, key: Key, counted: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Estimate | None, Estimate | None]:
        """From the arm that it is held against: of one look in a month, of any look as a whole."""
        one, other = self._arm(name, counted[name]), self._arm(self.versus, counted[self.versus])
        money = _money(counted[name]), _money(counted[self.versus])
        if key[0] is not None:
            return of_one_look(one, other), money_of_one_look(*money)
        alpha = ALPHA / (len(self.arms) - 1)
        return (
            at_any_look(one, other, self.least_effect, alpha),
            money_at_any_look(money, (one, other), self.least_effect, alpha),
        )


def _keys(row: Row) -> tuple[Key, Key]:
    return (row["month"], row["currency"]), (None, row["currency"])


def _added(rows: Iterable[Row]) -> dict[str, Any]:
    """Sums of counts; a cost that is not known in one row is not known in all."""
    rows = list(rows)
    total: dict[str, Any] = {count: sum(row[count] for row in rows) for count in _COUNTS}
    costs = [row["cost"] for row in rows]
    return total | {"cost": None if None in costs else sum(costs)}


def _money(counted: Mapping[str, Any]) -> Sums:
    return Sums(int(counted["complete"]), float(counted["recovered"]), float(counted["recovered_squares"]))


def _ends(name: str, difference: Estimate | None) -> dict[str, float | None]:
    values = (difference.value, difference.low, difference.high) if difference else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def _rows(cursor: RealDictCursor, statement: str, **values: Any) -> list[Row]:
    cursor.execute(_statement(statement), values)
    return [dict(row) for row in cursor.fetchall()]


def _by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return dict(groups)


def _store(cursor: Cursor, table: str, look_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        columns = ("look_id", *rows[0])
        values = [(look_id, *row.values()) for row in rows]
        execute_values(cursor, f"insert into ops.{table} ({', '.join(columns)}) values %s", values)  # noqa: S608
