"""Train, compare, promote: the three steps of `train_early_warning`, for one purpose each.

A model that decides is replaced only by one that is better, with confidence, on months that neither was trained from.
Where too little has happened to learn from, no model is made, and that is no failure.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.errors import ModelError
from arrears.risk import registry
from arrears.risk.estimate import Estimate
from arrears.risk.frames import fetch_frame
from arrears.risk.model import Model
from arrears.risk.registry import Version
from arrears.risk.training import KINDS, LEAST_TESTED, Observations, fingerprint, refuse_leaks, split, too_few, train
from arrears.risk.validation import Comparison, compare
from arrears.sql_files import read_statement

_statement = partial(read_statement, "risk")

BY_THE_DAG = "train_early_warning"
_BOUNDS = (0.625, 99.375)
"""Two models challenge at a time, by two measures each: 98.75 % for one interval make 95 % for the four."""


@dataclass(frozen=True)
class TrainingReport:
    """What was trained."""

    versions: list[str]
    """In the order in which they may become the first champion; those that were there already among them."""
    new: int
    because: str
    """What of, or why nothing was."""


@dataclass(frozen=True)
class Verdict:
    """Which version is to decide from now on."""

    version: str | None
    """None: all stays as it is."""
    because: str


def train_models(warehouse: Connection, *, purpose: str, as_of: date) -> TrainingReport:
    """Train one model of each kind by what is known on a day, unless that was done from the same inputs.

    One transaction; commits.

    Raises:
        LeakError: a feature knows the future.
        ModelError: the marts were never built.
    """
    with warehouse, warehouse.cursor() as cursor:
        generation, directions = _generation(cursor), known_directions(cursor, purpose)
        observations = Observations.of(observed(cursor, purpose, as_of), directions)
        train_rows, test_rows = split(observations)
        missing = too_few(train_rows, test_rows)
        if missing:
            return TrainingReport([], 0, f"no model of {purpose}: {missing}")
        named = {
            kind: _version(purpose, kind, test_rows, fingerprint(kind, observations, directions, source=generation))
            for kind in KINDS
        }
        new = [kind for kind, version in named.items() if not registry.is_kept(cursor, version)]
        if new:
            refuse_leaks(train_rows, test_rows)
        for kind in new:
            made = train(kind, train_rows, test_rows, directions)
            registry.keep(cursor, made, version=named[kind], purpose=purpose, as_of=as_of)
    because = f"from {len(train_rows.outcome)} rows, {train_rows.customers_with(1)} customers with the outcome"
    return TrainingReport(list(named.values()), len(new), because)


def compare_models(warehouse: Connection, *, purpose: str, versions: list[str], as_of: date) -> Verdict:
    """Which of the versions is to decide from the next day on, if any. Reads only."""
    if not versions:
        return Verdict(None, "no model was trained")
    day = _next(as_of)
    with warehouse, warehouse.cursor() as cursor:
        if registry.was_rolled_back(registry.promotions(cursor, purpose)):
            return Verdict(
                None, "the last word was a roll-back: a person promotes the next model (`arrears model promote`)"
            )
        challengers = [registry.find_version(cursor, version, day=day) for version in versions]
        champion = registry.champion(cursor, purpose, day=day)
        if champion is None:
            return _first(challengers)
        return _challenge(cursor, champion, challengers, as_of=as_of)


def promote_model(warehouse: Connection, *, version: str, because: str, as_of: date) -> None:
    """Let a version decide from the day after the business date; nothing where it does already. Commits."""
    with warehouse, warehouse.cursor() as cursor:
        if registry.find_version(cursor, version, day=_next(as_of)).is_champion:
            return
    registry.promote(warehouse, version, valid_from=_next(as_of), by=BY_THE_DAG, reason=because)


def is_known_to_rank(version: Version) -> bool:
    """Whether, with confidence, the version tells anything at all."""
    return bool(version.figures["auc"]["low"] > 0.5)


def _version(purpose: str, kind: str, test_rows: Observations, inputs: str) -> str:
    """A name that says what it is for, how it was made, by which months it was judged, and from which inputs."""
    return f"{purpose}-{kind}-{max(test_rows.as_of):%Y%m}-{inputs[:10]}"


def _generation(cursor: Cursor) -> str:
    cursor.execute("select max(generation) from ops.source_generation")
    return str(cursor.fetchone())


def _next(day: date) -> date:
    return day + timedelta(days=1)


def _first(challengers: list[Version]) -> Verdict:
    for version in challengers:
        if is_known_to_rank(version):
            auc = Estimate(**version.figures["auc"])
            return Verdict(
                version.model_version, f"the first model: AUC {_shown(auc)} on months that it was not trained from"
            )
    return Verdict(None, "no model tells more than chance with confidence")


def _challenge(cursor: Cursor, champion: Version, challengers: list[Version], *, as_of: date) -> Verdict:
    rows = observed(cursor, champion.purpose, as_of)
    decides = registry.load_model(cursor, champion)
    said, better = [], {}
    for version in challengers:
        if version.model_version == champion.model_version:
            continue
        found = _compared(registry.load_model(cursor, version), decides, _unseen(rows, version, champion))
        if found is None:
            said.append(f"{version.kind}: too few outcomes on months that neither was trained from")
            continue
        said.append(f"{version.kind}: AUC {_shown(found.auc)} and Brier {_shown(found.brier)} better")
        if found.is_better:
            better[version.model_version] = found.auc.value
    because = f"against {champion.model_version}, " + ("; ".join(said) or "nothing new was trained")
    return Verdict(max(better, key=lambda name: better[name], default=None), because)


def _compared(challenger: Model, champion: Model, rows: Observations) -> Comparison | None:
    if min(rows.customers_with(0), rows.customers_with(1)) < LEAST_TESTED:
        return None
    return compare(
        challenger.logit(rows.features), champion.logit(rows.features), rows.outcome, rows.customers, bounds=_BOUNDS
    )


def _unseen(rows: pd.DataFrame, *versions: Version) -> Observations:
    """The rows of days on which all outcomes were known that any of the versions was trained from."""
    takes = (rows["known_on"] - rows["as_of_date"]).max()
    since = max(version.observed_to for version in versions) + takes
    names = {name for version in versions for name in version.features}
    return Observations.of(rows[rows["as_of_date"] >= since], sorted(names))


def _shown(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"


def known_directions(cursor: Cursor, purpose: str) -> dict[str, str]:
    cursor.execute("select to_regclass('staging.risk_features') is not null")
    if cursor.fetchone() == (False,):
        raise ModelError("the marts were never built, and models are trained from them: run `build_marts` first")
    cursor.execute(_statement("directions"), {"purpose": purpose})
    return dict(cursor.fetchall())


def observed(cursor: Cursor, purpose: str, as_of: date) -> pd.DataFrame:
    cursor.execute(_statement("observations"), {"purpose": purpose, "as_of": as_of})
    return fetch_frame(cursor)
