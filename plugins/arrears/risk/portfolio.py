"""The forecast of the portfolio in the warehouse: made once a month has ended, kept to be judged by what came."""

import hashlib
import inspect
from dataclasses import dataclass
from datetime import date
from functools import partial

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.risk import forecast as method
from arrears.risk.forecast import OVERDUE_COLUMNS, TIER_COLUMNS, forecast
from arrears.risk.frames import copy_frame, fetch_frame
from arrears.sql_files import read_statement

_statement = partial(read_statement, "risk")


@dataclass(frozen=True)
class ForecastReport:
    """What was forecast."""

    origin: date | None
    """First day of the month at whose end it was made; None where no month has ended yet."""
    is_new: bool
    """Whether there was anything to make: the same inputs need no other forecast."""
    rows: int = 0


def renew_forecast(warehouse: Connection, *, as_of: date) -> ForecastReport:
    """Forecast from the newest month's end, unless that was done from the same inputs. One transaction; commits.

    A product and currency with a history that is too short is left out. Forecasts of earlier months stay as they are.
    """
    with warehouse, warehouse.cursor() as cursor:
        flows, assumptions, overdue_tiers = read_inputs(cursor)
        if flows.empty:
            return ForecastReport(None, is_new=False)
        origin = max(flows["month"])
        inputs = _fingerprint(flows, assumptions, overdue_tiers)
        cursor.execute(_statement("begin_forecast"), {"origin": origin, "as_of": as_of, "inputs": inputs})
        begun = cursor.fetchone()
        if begun is None:
            return ForecastReport(origin, is_new=False)
        made = forecast(flows, assumptions, overdue_tiers, seed=int(inputs[:8], 16))
        _store(cursor, "forecast_tier", begun[0], made.tiers, TIER_COLUMNS)
        _store(cursor, "forecast_overdue", begun[0], made.overdue, OVERDUE_COLUMNS)
        return ForecastReport(origin, is_new=True, rows=len(made.tiers))


def read_inputs(cursor: Cursor) -> tuple[pd.DataFrame, pd.DataFrame, frozenset[str]]:
    """The flows, the assumptions and the overdue tiers, as `forecast` takes them."""
    return _frame(cursor, "flows"), _frame(cursor, "assumptions"), frozenset(_frame(cursor, "overdue_tiers")["tier"])


def _frame(cursor: Cursor, name: str) -> pd.DataFrame:
    cursor.execute(_statement(name))
    return fetch_frame(cursor, dtype=object)


def _fingerprint(flows: pd.DataFrame, assumptions: pd.DataFrame, overdue_tiers: frozenset[str]) -> str:
    digest = hashlib.sha256(inspect.getsource(method).encode())
    for part in (flows.to_csv(index=False), assumptions.to_csv(index=False), *sorted(overdue_tiers)):
        digest.update(part.encode())
    return digest.hexdigest()


def _store(cursor: Cursor, table: str, forecast_id: int, frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    kept = [name for name in columns if name != "origin"]
    copy_frame(cursor, f"ops.{table}", frame[kept].assign(forecast_id=forecast_id), float_format="%.10f")
