"""Made-up loans on month ends, whose chance of falling behind is known."""

import io
from datetime import date, timedelta

import numpy as np
import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.risk.model import sigmoid

DIRECTIONS = {"late_share": "up", "income": "down", "season": "none", "noise": "up"}
OBSERVED = ["loan_id", "customer_id", "as_of_date"]
CAME = ["loan_id", "as_of_date", "purpose", "outcome", "known_on"]


def loans_observed(
    *,
    customers: int = 600,
    months: int = 12,
    seed: int = 1,
    takes: int = 90,
    strength: float = 1.0,
    level: float = -2.0,
) -> pd.DataFrame:
    """One row per customer and month end, with `truth`, the logit that the outcome was drawn by."""
    chance = np.random.default_rng(seed)
    days = [date(2024 + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(1, months + 1)]
    rows = pd.DataFrame(
        {"customer_id": f"C{customer:05}", "as_of_date": day} for customer in range(customers) for day in days
    )
    own = np.repeat(chance.normal(size=customers), months)
    rows["late_share"] = np.clip(own / 4 + chance.normal(size=len(rows)) / 8, 0, 1).round(2)
    rows["income"] = np.where(chance.random(len(rows)) < 0.2, np.nan, chance.lognormal(size=len(rows)))
    rows["season"] = [float(day.month) for day in rows["as_of_date"]]
    rows["noise"] = chance.normal(size=len(rows))
    rows["truth"] = level + strength * (4 * rows["late_share"] - 0.8 * np.log(rows["income"]).fillna(0.3))
    rows["outcome"] = chance.random(len(rows)) < sigmoid(rows["truth"].to_numpy())
    rows["known_on"] = [day + timedelta(days=takes) for day in rows["as_of_date"]]
    rows["loan_id"] = "L" + rows["customer_id"]
    return rows


def observe(warehouse: Connection, rows: pd.DataFrame, *, purpose: str = "early_warning") -> None:
    """Let the marts of a warehouse hold these loans, as dbt would have written them; another time adds to them."""
    numbers = ", ".join(f"{name} double precision" for name in DIRECTIONS)
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            f"create table if not exists intermediate.int_loans__risk_history"
            f" (loan_id text, customer_id text, as_of_date date, {numbers});"
            " create table if not exists intermediate.int_loans__risk_outcome"
            " (loan_id text, as_of_date date, purpose text, outcome boolean, known_on date);"
            " drop table if exists staging.risk_features;"
            " create table staging.risk_features"
            " (feature text, position integer, purposes text, expected_direction text)"
        )
        for position, (feature, direction) in enumerate(DIRECTIONS.items()):
            cursor.execute(
                "insert into staging.risk_features values (%s, %s, 'early_warning self_cure', %s)",
                (feature, position, direction),
            )
        for table, columns in (
            ("int_loans__risk_history", [*OBSERVED, *DIRECTIONS]),
            ("int_loans__risk_outcome", CAME),
        ):
            buffer = io.StringIO(rows.assign(purpose=purpose)[columns].to_csv(index=False, header=False))
            names = ", ".join(columns)
            cursor.copy_expert(f"copy intermediate.{table} ({names}) from stdin with (format csv)", buffer)
