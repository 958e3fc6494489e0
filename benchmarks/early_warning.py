"""How well models tell who falls behind: `make bench-early-warning`, which writes `docs/early-warning.md`.

The real tape and a simulated bank are loaded and built as they are at their end, by the code that runs every night, and
models are trained by the code that runs every week. On the tape the question is whether a loan that is not in default
goes into default within twelve months; in the simulated bank it is the one that the bank asks, and the chance by which
the generator let each loan fall behind is known.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from landed import databases, load_and_build
from own_server import own_server
from psycopg2.extensions import connection as Connection  # noqa: N812
from threadpoolctl import threadpool_limits

from arrears.domain.amortisation import add_months, month_end
from arrears.errors import LeakError
from arrears.risk.early_warning import known_directions
from arrears.risk.estimate import Estimate
from arrears.risk.frames import fetch_frame
from arrears.risk.model import Floats, Model, sigmoid
from arrears.risk.training import KINDS, Observations, refuse_leaks, split, train
from arrears.risk.validation import Measures, compare, measure
from arrears.settings import Settings
from arrears.simulator.bank import simulate
from arrears.simulator.calibration import TAPE_RATES, risk_of
from arrears.tapes.ally import CUT_OFF, LAST_DAY, MONTHS_FILE, load_tape

ROOT = Path(__file__).resolve().parents[1]
TAPE = ROOT.parent / "shared" / "data" / "real"
REPORT = ROOT / "docs" / "early-warning.md"
TEMPLATE = Path(__file__).with_suffix(".md")
"""What the page says around the figures."""
LOANS, START, END, SEED = 8000, date(2023, 1, 1), date(2025, 12, 31), 11
"""Of the simulated bank."""
DEFAULT_WITHIN = 12
"""Months."""
MISSED_IN_A_ROW = 3
"""So many months without a payment are a default on the tape: the definition of those who compiled it."""
EXTENDED = (date(2020, 4, 30), date(2020, 6, 30))
"""Ends of the months in which payments were deferred by the thousand; the tape does not say whose."""
FIRST_MONTHS = 3
"""Months of behaviour that are known of a loan on the tape when it is observed once."""
PEERS = ("logistic regression", "boosting with interactions")
Logits = dict[str, Floats]


@dataclass(frozen=True)
class Judged:
    """What was told of the same later rows by several models."""

    rows: Observations
    logits: Logits
    measures: dict[str, Measures]
    models: dict[str, Model]


def main() -> None:
    if not TAPE.is_dir():
        sys.exit(f"The real tape is not at hand: looked in {TAPE}.")
    with own_server() as settings:
        tape, directions = read_tape(settings)
    with own_server() as settings:
        bank = read_bank(settings)
    REPORT.write_text(page(tape, bank, directions), encoding="utf-8")
    print(f"Written: {REPORT.relative_to(ROOT)}")


# Two banks -----------------------------------------------------------------------------------------------------------


def read_tape(settings: Settings) -> tuple[pd.DataFrame, dict[str, str]]:
    """Loans of the tape at month ends with what was known of them, and how the features may move."""
    with databases(settings) as (source, warehouse):
        print("Loading the tape")
        load_tape(source, warehouse, TAPE)
        rows = _history(source, warehouse, settings, LAST_DAY)
        states = _read(warehouse, "select customer_id, city from landing.customers").set_index("customer_id")["city"]
        return rows.assign(state=rows["customer_id"].map(states)), _directions(warehouse)


def read_bank(settings: Settings) -> pd.DataFrame:
    """Loans of a simulated bank at month ends, those not behind with the hidden chance that they will be."""
    with databases(settings) as (source, warehouse):
        print("Simulating a bank")
        simulate(source, warehouse, loans=LOANS, start=START, end=END, seed=SEED)
        rows = _history(source, warehouse, settings, END)
        scores = _read(warehouse, "select customer_id, credit_score from landing.customers").set_index("customer_id")
        due = _read(
            warehouse, "select loan_id, array_agg(due_date) as days from landing.repayment_schedule group by loan_id"
        ).set_index("loan_id")["days"]
    rows = rows[(rows["population"] == "early_warning") & rows["outcome"].notna()]
    known = zip(rows["loan_id"], rows["customer_id"].map(scores["credit_score"]), rows["as_of_date"], strict=True)
    return rows.assign(hidden=[hidden_chance(due[loan], score, day) for loan, score, day in known])


def _history(source: Connection, warehouse: Connection, settings: Settings, as_of: date) -> pd.DataFrame:
    """Loans at month ends with their features and, where it is known, what came of the bank's own question."""
    load_and_build(source, warehouse, settings, as_of=as_of, select="+int_loans__risk_outcome risk_features")
    return _read(
        warehouse,
        "select history.*, outcome.outcome, outcome.known_on from intermediate.int_loans__risk_history as history"
        " left join intermediate.int_loans__risk_outcome as outcome using (loan_id, as_of_date)",
    )


def _read(warehouse: Connection, query: str) -> pd.DataFrame:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(query)
        return fetch_frame(cursor)


def _directions(warehouse: Connection) -> dict[str, str]:
    with warehouse, warehouse.cursor() as cursor:
        return known_directions(cursor, "early_warning")


# What came -----------------------------------------------------------------------------------------------------------


def with_defaults(rows: pd.DataFrame, tape: Path, *, forgive_extended: bool = True) -> pd.DataFrame:
    """Rows of loans that are not in default, with whether they go into it within a year, where that is known."""
    months = pd.read_csv(tape / MONTHS_FILE, dtype={"assetNumber": str}, parse_dates=["reportingPeriodEndingDate"])
    months = months.sort_values(["assetNumber", "month_index"])
    in_default = {
        loan: first_default(own, forgive_extended=forgive_extended) for loan, own in months.groupby("assetNumber")
    }
    rows = rows[(rows["as_of_date"] >= CUT_OFF) & rows["loan_id"].isin(list(in_default))]
    since = rows["loan_id"].map(in_default)
    year_on = rows["as_of_date"].map(lambda day: month_end(add_months(day, DEFAULT_WITHIN)))
    kept = (since.isna() | (since > rows["as_of_date"])) & (year_on <= LAST_DAY)
    return rows[kept].assign(outcome=(since <= year_on)[kept], known_on=year_on[kept])


def first_default(months: pd.DataFrame, *, forgive_extended: bool = True) -> date | None:
    """The end of the month in which a loan of the tape went into default, or None.

    That is the third month in a row without a payment while something is owed, or that of a charge-off: the balance
    goes to nothing and most of it was not paid. A month in which payments were deferred is no missed one.
    """
    balance, ends = months["endBalance_BAL"].to_numpy(), months["reportingPeriodEndingDate"].dt.date
    is_missed = (months["totalActualAmountPaid_PMT"].fillna(0).to_numpy() <= 0) & (balance > 0)
    if forgive_extended:
        is_missed &= ~ends.between(*EXTENDED).to_numpy()
    owed = np.append(np.nan, balance[:-1])
    is_lost = (balance <= 0) & (months["principalCollected_PRC"].to_numpy() < owed / 2)
    in_a_row = 0
    for missed, lost, end in zip(is_missed, is_lost, ends, strict=True):
        in_a_row = in_a_row + 1 if missed else 0
        if lost or in_a_row == MISSED_IN_A_ROW:
            return end
    return None


def hidden_chance(due: list[date], credit_score: int, day: date) -> float:
    """The generator's chance that a loan that is not behind is 30 days behind within 90 days, in closed form.

    Each due date is missed by the loan's own chance. What was missed is paid on some day of the month after by the
    tape's rates; it reaches 30 days where that day comes later.
    """
    rates = dict(TAPE_RATES["0"])
    rates["1"] *= risk_of(credit_score)
    missed = (rates["1"] + rates["2"]) / sum(rates.values())
    paid_later = 1 - TAPE_RATES["1"]["2"] - TAPE_RATES["1"]["3+"]
    stays_well = 1.0
    for due_on in due:
        thirty = due_on + timedelta(days=30)
        if day < due_on and thirty <= day + timedelta(days=90):
            paid_before = paid_later * (thirty.day - 1) / 31 if thirty.month != due_on.month else 0.0
            stays_well *= 1 - missed * (1 - paid_before)
    return 1 - stays_well


# Judging -------------------------------------------------------------------------------------------------------------


def judge(train_rows: Observations, test_rows: Observations, directions: Mapping[str, str]) -> Judged:
    """Train every kind and the peers from the same rows and features, and judge all by the same later rows."""
    logits, models = {}, {}
    for kind in KINDS:
        made = train(kind, train_rows, test_rows, directions, draws=2)
        models[kind] = made.model
        logits[kind] = made.model.logit(test_rows.features)
        left_out = made.figures["left_out_psi"]
    used = train_rows.without(left_out)
    with threadpool_limits(limits=1):
        logits |= _peers(used, test_rows.features[used.features.columns])
    measures = {name: measure(logit, test_rows.outcome, test_rows.customers) for name, logit in logits.items()}
    return Judged(test_rows, logits, measures, models)


def _peers(rows: Observations, tested: pd.DataFrame) -> Logits:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    logistic = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), LogisticRegression(max_iter=2000)
    )
    boosting = HistGradientBoostingClassifier(random_state=0)
    return {
        name: peer.fit(rows.features.to_numpy(), rows.outcome).decision_function(tested.to_numpy())
        for name, peer in zip(PEERS, (logistic, boosting), strict=True)
    }


def out_of_time(rows: pd.DataFrame, directions: Mapping[str, str]) -> Judged:
    """Trained from older months, judged by newer ones, as every week."""
    return judge(*split(Observations.of(rows, directions)), directions)


def by_origination(rows: pd.DataFrame, directions: Mapping[str, str]) -> Judged:
    """Each loan once, after its first months on the tape: trained from older loans, judged by those granted later."""
    seen_on = month_end(add_months(CUT_OFF, FIRST_MONTHS))
    once = rows[rows["as_of_date"] == seen_on]
    is_older = once["months_on_book"] > once["months_on_book"].median()
    return judge(Observations.of(once[is_older], directions), Observations.of(once[~is_older], directions), directions)


def across_states(rows: pd.DataFrame, directions: Mapping[str, str]) -> list[Judged]:
    """Trained from the older months of one half of the states, judged by the newer months of the other; both ways."""
    places = {state: number % 2 for number, state in enumerate(sorted(set(rows["state"])))}
    halves = [split(Observations.of(rows[rows["state"].map(places) == half], directions)) for half in (0, 1)]
    return [judge(halves[0][0], halves[1][1], directions), judge(halves[1][0], halves[0][1], directions)]


def shuffled(rows: pd.DataFrame, directions: Mapping[str, str]) -> str:
    """AUC of models that were trained from outcomes of other loans, before calibration makes nothing of them."""
    outcome = np.random.default_rng(SEED).permutation(rows["outcome"])
    train_rows, test_rows = split(Observations.of(rows.assign(outcome=outcome), directions))
    with threadpool_limits(limits=1):
        logits = {
            kind: make(train_rows.features, train_rows.outcome, directions).logit(test_rows.features)
            for kind, make in KINDS.items()
        }
    found = {kind: measure(logit, test_rows.outcome, test_rows.customers).auc for kind, logit in logits.items()}
    return ", ".join(f"{kind} {_interval(auc)}" for kind, auc in found.items())


def planted(rows: pd.DataFrame, directions: Mapping[str, str]) -> str:
    """What is said of a feature that knows the future, and of nine in ten loans only."""
    chance = np.random.default_rng(SEED)
    came = rows["outcome"].to_numpy(dtype=float)
    wrong = chance.random(len(rows)) < 0.1
    future = np.where(wrong, chance.random(len(rows)), came) + chance.normal(scale=0.1, size=len(rows))
    try:
        refuse_leaks(*split(Observations.of(rows.assign(days_late_later=future), [*directions, "days_late_later"])))
    except LeakError as error:
        return str(error)
    sys.exit("The feature that knows the future was not refused.")


# The page ------------------------------------------------------------------------------------------------------------


def page(tape: pd.DataFrame, bank: pd.DataFrame, directions: dict[str, str]) -> str:
    """Judge everything and write it down."""
    defaults = with_defaults(tape, TAPE)
    behind = tape[(tape["population"] == "early_warning") & tape["outcome"].notna() & (tape["as_of_date"] >= CUT_OFF)]
    print("Judging the tape")
    later, own = out_of_time(defaults, directions), out_of_time(behind, directions)
    first, states = by_origination(defaults, directions), across_states(defaults, directions)
    counted_rows = Observations.of(with_defaults(tape, TAPE, forgive_extended=False), directions)
    trained, tested = split(counted_rows)
    counted = judge(trained, tested, directions)
    print("Judging the simulated bank")
    known = out_of_time(bank, directions)
    unseen = out_of_time(bank, {name: each for name, each in directions.items() if "bureau" not in name})
    hidden = bank.loc[bank["as_of_date"] >= min(known.rows.as_of), "hidden"].to_numpy()
    truth = measure(_logit(hidden), known.rows.outcome, known.rows.customers)
    return TEMPLATE.read_text(encoding="utf-8").format(
        later=_table(later),
        later_rows=_counts(later),
        better="; ".join(_compared(later, "scorecard", peer) for peer in (*PEERS, "boosted")),
        reliability=_reliability(later),
        first=_table(first),
        first_rows=_counts(first),
        state_a=_table(states[0]),
        state_b=_table(states[1]),
        counted=_table(counted),
        counted_trained=f"{trained.outcome.mean():.0%}",
        counted_tested=f"{tested.outcome.mean():.0%}",
        own=_table(own),
        own_better=_compared(own, "boosted", "boosting with interactions"),
        own_rows=_counts(own),
        known=_table(known, truth),
        known_rows=_counts(known),
        known_reliability=_reliability(known),
        shares=_shares(known, truth),
        unseen=_shares(unseen, truth),
        loans=f"{LOANS:,}",
        shuffled=shuffled(bank, directions),
        planted=planted(bank, directions),
        within=DEFAULT_WITHIN,
        missed=MISSED_IN_A_ROW,
        months=FIRST_MONTHS,
    )


def _logit(probability: Floats) -> Floats:
    kept = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(kept / (1 - kept))


def _table(judged: Judged, truth: Measures | None = None) -> str:
    named = judged.measures | ({"the generator's own chance": truth} if truth else {})
    rows = [
        f"| {name} | {_interval(each.auc)} | {_interval(each.gini)} | {_interval(each.ks)} | {each.brier.value:.4f}"
        f" | {_interval(each.calibration_slope, 2)} |"
        for name, each in named.items()
    ]
    return "\n".join(["| model | AUC | Gini | KS | Brier | calibration slope |", "|---|---|---|---|---:|---|", *rows])


def _interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def _counts(judged: Judged) -> str:
    rows = judged.rows
    return (
        f"{len(rows.outcome):,} rows of {rows.customers.nunique():,} borrowers, {min(rows.as_of):%B %Y} to"
        f" {max(rows.as_of):%B %Y}; {rows.customers_with(1)} borrowers have the outcome"
    )


def _compared(judged: Judged, name: str, other: str) -> str:
    """What one model's AUC has over another's."""
    rows = judged.rows
    found = compare(judged.logits[name], judged.logits[other], rows.outcome, rows.customers)
    return f"{found.auc.value:+.3f} ({found.auc.low:+.3f} to {found.auc.high:+.3f}) on {other}"


def _shares(judged: Judged, truth: Measures) -> str:
    return ", ".join(f"{name} {judged.measures[name].gini.value / truth.gini.value:.0%}" for name in KINDS)


def _reliability(judged: Judged, groups: int = 8) -> str:
    """What the scorecard expected of eighths of the rows, and what came, as the lines of a picture."""
    expected = sigmoid(judged.logits["scorecard"])
    parts = np.array_split(np.argsort(expected, kind="stable"), groups)
    lines = [[100 * float(values[part].mean()) for part in parts] for values in (expected, judged.rows.outcome)]
    top = int(max(max(line) for line in lines)) + 1
    drawn = "\n".join(f"    line [{', '.join(f'{value:.2f}' for value in line)}]" for line in lines)
    return (
        "```mermaid\nxychart-beta\n"
        '    title "Expected and found, % of loans, eighths from the safest to the riskiest"\n'
        f"    x-axis [{', '.join(str(number) for number in range(1, groups + 1))}]\n"
        f'    y-axis "%" 0 --> {top}\n{drawn}\n```'
    )


if __name__ == "__main__":
    main()
