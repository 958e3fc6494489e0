"""Models that were trained, and which of them decides: `ops.model`, `ops.model_bin`, `ops.model_promotion`.

Rows are only ever added. A version says what it was trained from, so the same inputs are the same version.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.errors import ModelError
from arrears.risk.frames import copy_frame
from arrears.risk.model import Bin, BinnedFeature, Model
from arrears.risk.training import Trained
from arrears.sql_files import read_statement

_statement = partial(read_statement, "risk")


@dataclass(frozen=True)
class Version:
    """A row of `ops.model`."""

    model_version: str
    purpose: str
    kind: str
    trained_as_of: date
    observed_from: date
    observed_to: date
    features: list[str]
    intercept: float
    figures: dict[str, Any]
    trained_at: datetime
    is_champion: bool
    """On the day that was asked for."""


@dataclass(frozen=True)
class Promotion:
    """A row of `ops.model_promotion`."""

    promotion_id: int
    model_version: str | None
    """None: from then on no model decides."""
    valid_from: date
    promoted_by: str
    reason: str
    promoted_at: datetime


def keep(cursor: Cursor, trained: Trained, *, version: str, purpose: str, as_of: date) -> bool:
    """Write a model with its bins; tells whether it was not there yet. Does not commit."""
    values = {
        "model_version": version,
        "purpose": purpose,
        "kind": trained.model.kind,
        "trained_as_of": as_of,
        "observed_from": trained.observed_from,
        "observed_to": trained.observed_to,
        "features": [feature.name for feature in trained.model.features],
        "intercept": trained.model.intercept,
        "figures": json.dumps(trained.figures),
    }
    cursor.execute(_statement("insert_model"), values)
    if cursor.fetchone() is None:
        return False
    rows = pd.DataFrame([asdict(row) for feature in trained.model.features for row in feature.bins()])
    if not rows.empty:
        copy_frame(cursor, "ops.model_bin", rows.assign(model_version=version))
    return True


def versions(cursor: Cursor, *, day: date, version: str | None = None) -> list[Version]:
    """Every version that may decide, by purpose, the newest first; or the one that is named."""
    cursor.execute(_statement("models"), {"day": day, "version": version})
    return [Version(*row) for row in cursor.fetchall()]


def find_version(cursor: Cursor, version: str, *, day: date) -> Version:
    """One version.

    Raises:
        ModelError: there is none of that name that was trained on the source that is loaded now.
    """
    found = versions(cursor, day=day, version=version)
    if not found:
        raise ModelError(f"there is no model {version} of the source that is loaded: see `arrears model list`")
    return found[0]


def is_kept(cursor: Cursor, version: str) -> bool:
    """Whether the version was trained before."""
    cursor.execute("select exists (select from ops.model where model_version = %s)", (version,))
    (answer,) = cursor.fetchone() or (False,)
    return bool(answer)


def load_model(cursor: Cursor, version: Version) -> Model:
    """The model as it decides."""
    cursor.execute(_statement("bins"), {"version": version.model_version})
    rows = [Bin(*row) for row in cursor.fetchall()]
    features = (BinnedFeature.of([row for row in rows if row.feature == name]) for name in version.features)
    return Model(version.kind, version.intercept, tuple(features))


def champion(cursor: Cursor, purpose: str, *, day: date) -> Version | None:
    """Which model decides on a day; None where none does."""
    return next((each for each in versions(cursor, day=day) if each.purpose == purpose and each.is_champion), None)


def promotions(cursor: Cursor, purpose: str) -> list[Promotion]:
    """What was promoted, the last word first."""
    cursor.execute(_statement("promotions"), {"purpose": purpose})
    return [Promotion(*row) for row in cursor.fetchall()]


def was_rolled_back(history: list[Promotion]) -> bool:
    """Whether the last word went back to a model that had decided before, or to none."""
    if not history:
        return False
    last, *before = history
    return last.model_version is None or last.model_version in {each.model_version for each in before}


def promote(warehouse: Connection, version: str, *, valid_from: date, by: str, reason: str) -> Version:
    """Let a version decide from a day on. Commits.

    Raises:
        ModelError: there is no such version, it decides already, or who and why are not said.
    """
    _require(by, reason)
    with warehouse, warehouse.cursor() as cursor:
        _one_at_a_time(cursor)
        found = find_version(cursor, version, day=valid_from)
        last = next(iter(promotions(cursor, found.purpose)), None)
        if last and last.model_version == version and last.valid_from <= valid_from:
            raise ModelError(f"{version} decides already, since {last.valid_from}")
        _write(cursor, found.purpose, version, valid_from, by, reason)
    return found


def roll_back(warehouse: Connection, purpose: str, *, valid_from: date, by: str, reason: str) -> str | None:
    """Let the model decide again that decided before the present one was first promoted; None where none did. Commits.

    Raises:
        ModelError: no model decides that could be taken back, or who and why are not said.
    """
    _require(by, reason)
    with warehouse, warehouse.cursor() as cursor:
        _one_at_a_time(cursor)
        history = promotions(cursor, purpose)
        if not history or history[0].model_version is None:
            raise ModelError(f"no model decides about {purpose}: there is nothing to take back")
        first = min(each.promotion_id for each in history if each.model_version == history[0].model_version)
        before = next((each for each in history if each.promotion_id < first), None)
        version = before.model_version if before else None
        _write(cursor, purpose, version, valid_from, by, reason)
    return version


def _require(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise ModelError("say who promotes and why: --by NAME --reason TEXT")


def _one_at_a_time(cursor: Cursor) -> None:
    cursor.execute("lock table ops.model_promotion in share row exclusive mode")


def _write(cursor: Cursor, purpose: str, version: str | None, valid_from: date, by: str, reason: str) -> None:
    values = {"purpose": purpose, "version": version, "valid_from": valid_from, "by": by, "reason": reason}
    cursor.execute(_statement("promote"), values)
