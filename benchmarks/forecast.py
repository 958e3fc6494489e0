"""Whether forecasts came true on the real tape: `make bench-forecast`.

The tape is loaded and built as it is at its end. For each month from the seventh on the portfolio is forecast from what
had happened by its end, by the code that `build_marts` runs, and each of the six months ahead is held against what
came: the overdue rate, and the principal written off. Beside it two forecasts that anybody could make: everything stays
as it is, and everybody moves as in the newest month. The result is `docs/forecast.md`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from landed import databases, load_and_build
from own_server import own_server

from arrears.risk.forecast import LEAST_MONTHS, MONTHS_AHEAD, NEW, forecast
from arrears.risk.portfolio import read_inputs
from arrears.settings import Settings
from arrears.tapes.ally import CUT_OFF, LAST_DAY, load_tape

ROOT = Path(__file__).resolve().parents[1]
TAPE = ROOT.parent / "shared" / "data" / "real"
REPORT = ROOT / "docs" / "forecast.md"
PLOTTED = 1
"""Months ahead of the forecasts in the picture."""


@dataclass(frozen=True)
class Tape:
    """What happened on it."""

    flows: pd.DataFrame
    assumptions: pd.DataFrame
    overdue_tiers: frozenset[str]


def main() -> None:
    if not TAPE.is_dir():
        sys.exit(f"The real tape is not at hand: looked in {TAPE}.")
    with own_server() as settings:
        tape = _happened(settings)
    compared = _compare(tape)
    REPORT.write_text(_page(tape, compared), encoding="utf-8")
    print(f"Written: {REPORT.relative_to(ROOT)}")


def _happened(settings: Settings) -> Tape:
    with databases(settings) as (source, warehouse):
        print("Loading the tape")
        load_tape(source, warehouse, TAPE)
        load_and_build(source, warehouse, settings, as_of=LAST_DAY, select="+fct_roll_rate forecast_assumptions")
        with warehouse, warehouse.cursor() as cursor:
            return Tape(*read_inputs(cursor))


def _compare(tape: Tape) -> pd.DataFrame:
    """One row per origin and month ahead: what was expected, by each way, and what came."""
    flows = tape.flows[(tape.flows["product"] == "auto") & (tape.flows["currency"] == "USD")]
    months = sorted(set(flows["month"]))
    rates = {month: _overdue_rate(flows[flows["month"] == month], tape.overdue_tiers) for month in months}
    rows = []
    first = months.index(CUT_OFF.replace(day=1)) + LEAST_MONTHS
    for origin in months[first:-1]:
        known = flows[(flows["month"] > CUT_OFF) & (flows["month"] <= origin)]
        made = forecast(known, tape.assumptions, tape.overdue_tiers, seed=1)
        gone = made.tiers[made.tiers["tier"] == "written_off"].set_index("months_ahead")
        as_newest = _repeat(flows[flows["month"] == origin], tape.overdue_tiers)
        for row in made.overdue.to_dict("records"):
            if row["month"] not in rates:
                continue
            ahead = row["months_ahead"]
            written_off = flows[(flows["month"] == row["month"]) & (flows["to_tier"] == "written_off")]
            rows.append(
                row
                | {"actual": rates[row["month"]], "stays": rates[origin], "as_newest": as_newest[ahead - 1]}
                | {"lost": float(written_off.loc[written_off["from_tier"] != "written_off", "closing_principal"].sum())}
                | {"lost_expected": gone.loc[ahead, "outstanding_principal"]}
                | {"lost_low": gone.loc[ahead, "low"], "lost_high": gone.loc[ahead, "high"]}
            )
    return pd.DataFrame(rows)


def _overdue_rate(month: pd.DataFrame, overdue_tiers: frozenset[str]) -> float:
    there = month[~month["to_tier"].isin(["closed", "written_off"])]
    overdue = there[there["to_tier"].isin(overdue_tiers)]
    return float(overdue["closing_principal"].sum() / there["closing_principal"].sum())


def _repeat(month: pd.DataFrame, overdue_tiers: frozenset[str]) -> list[float]:
    """Overdue rates of the months ahead if all of them were as this one."""
    tiers = sorted({*month["from_tier"], *month["to_tier"]} - {"closed", "written_off", NEW})
    step = np.zeros((len(tiers), len(tiers)))
    book = np.zeros(len(tiers))
    for row in month.to_dict("records"):
        if row["to_tier"] not in tiers:
            continue
        book[tiers.index(row["to_tier"])] += float(row["closing_principal"])
        if row["from_tier"] in tiers:
            step[tiers.index(row["from_tier"]), tiers.index(row["to_tier"])] += float(row["closing_principal"])
    opening = month[month["from_tier"].isin(tiers)].groupby("from_tier")["opening_principal"].sum()
    step /= np.array([max(float(opening.get(tier, 0)), 1.0) for tier in tiers])[:, None]
    is_overdue = np.array([tier in overdue_tiers for tier in tiers])
    found = []
    for _ in range(MONTHS_AHEAD):
        book = book @ step
        found.append(float(book[is_overdue].sum() / book.sum()))
    return found


def _page(tape: Tape, compared: pd.DataFrame) -> str:
    plotted = compared[compared["months_ahead"] == PLOTTED]
    return PAGE.format(
        loans=int(tape.flows.loc[tape.flows["month"] == CUT_OFF.replace(day=1), "loans"].sum()),
        first=f"{min(compared['origin']):%B %Y}",
        last=f"{max(compared['origin']):%B %Y}",
        months=", ".join(f'"{_label(month)}"' for month in plotted["month"]),
        low=_line(plotted["low"]),
        high=_line(plotted["high"]),
        actual=_line(plotted["actual"]),
        top=round(float(max(plotted["high"].max(), plotted["actual"].max())) * 100 + 1),
        rows="\n".join(_row(ahead, compared[compared["months_ahead"] == ahead]) for ahead in range(1, 7)),
        outside=_outside(plotted),
        losses="\n".join(_losses(plotted)),
    )


def _label(month: date) -> str:
    return f"{month:%y-%m}" if month.month in (1, 7) else " " * month.month


def _line(values: pd.Series) -> str:
    return ", ".join(f"{100 * value:.2f}" for value in values)


def _row(ahead: int, rows: pd.DataFrame) -> str:
    def error(column: str) -> str:
        return f"{100 * (rows[column] - rows['actual']).abs().mean():.2f}"

    return (
        f"| {ahead} | {len(rows)} | {error('rate')} | {error('stays')} | {error('as_newest')}"
        f" | {rows['actual'].between(rows['low'], rows['high']).mean():.0%}"
        f" | {100 * (rows['high'] - rows['low']).mean():.2f} |"
    )


def _losses(rows: pd.DataFrame) -> Iterator[str]:
    for year, own in rows.groupby([month.year for month in rows["month"]]):
        held = own["lost"].between(own["lost_low"], own["lost_high"]).mean()
        yield f"| {year} | {own['lost_expected'].sum():,.0f} | {own['lost'].sum():,.0f} | {held:.0%} |"


def _outside(rows: pd.DataFrame) -> str:
    outside = rows[~rows["actual"].between(rows["low"], rows["high"])]
    return ", ".join(
        f"{row['month']:%B %Y} ({100 * row['actual']:.2f} %, expected {100 * row['low']:.2f}"
        f" to {100 * row['high']:.2f})"
        for row in outside.to_dict("records")
    )


PAGE = """\
# What the next months bring

`build_marts` forecasts the portfolio once a month has ended (`plugins/arrears/risk/forecast.py` says how): tiers,
losses and the overdue rate of six months, each with a 95 % interval. The marts `portfolio_forecast` and
`overdue_rate_forecast` show them; the second holds every earlier forecast against what came. What is assumed about
months to come (season, economy, loss given write-off) are rows of the seed `forecast_assumptions`. Where a month ends
outside the interval of the month before, the alert `overdue_rate_outside` tells whoever is on call.

## Held against the real tape

Written by `make bench-forecast` (`benchmarks/forecast.py`) from the tape of {loans:,} auto loans (a few of them made
up, for the demo's hard cases). From {first} to {last} each month's end made a forecast from what had happened by
then, with nothing assumed about what was to come. The line in the middle is what came, the others are the bounds that
were forecast a month before.

```mermaid
xychart-beta
    title "Overdue principal, % of open principal, forecast one month before"
    x-axis [{months}]
    y-axis "%" 0 --> {top}
    line [{low}]
    line [{actual}]
    line [{high}]
```

| months ahead | forecasts | error | if all stays | if all move as in the newest month | intervals hold | width |
|---:|---:|---:|---:|---:|---:|---:|
{rows}

*Error* is the mean distance of the overdue rate expected from that which came, in percentage points; *width* is that
of the interval, which says 95 %. The forecasts of one line overlap in time, so their errors are not independent of
each other. That everything stays as it is, is as good a guess of the mean in a quiet pool; it has no interval, and
nothing to say of losses.

Outside the interval a month ahead: {outside}.

## Losses

Principal written off in a month, forecast a month before, summed by year:

| year | expected, USD | came, USD | intervals hold |
|---|---:|---:|---:|
{losses}

The first years are expected far too high, and that is a limit of a tape that does not publish extensions: a loan that
was given more time stands in a late tier for good and is not given up. When the late tiers begin to fill, the rates
of those who were in them before say that they will be lost. The forecast learns it as the months go into its window."""


if __name__ == "__main__":
    main()
