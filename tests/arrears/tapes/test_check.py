"""The check of a tape: what it leaves out, what it finds, why figures differ, and that it leaves nothing behind."""

from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from issuer import Issuer, write_csv
from typer.testing import CliRunner

from arrears.cli.main import app
from arrears.errors import SourceFileError
from arrears.services.postgres import admin_connection
from arrears.settings import Settings
from arrears.tapes.abs_ee import TapeSummary
from arrears.tapes.check import Difference, cause, check_tape, predicted_months
from arrears.tapes.loan import Month, TapeLoan

MONTHS = tuple(
    Month(ends_on=date(2021, number, 28), balance=5000, principal=0, paid=0, index=number - 1, days_past_due=days)
    for number, days in enumerate((0, 0, 10, 40, None, 70), start=1)
)
LOAN = TapeLoan(
    loan_id="A1",
    originator="Alpha",
    originated_on=date(2020, 12, 1),
    amount=6000,
    rate=Decimal(0),
    first_due_month=date(2021, 1, 1),
    last_due_month=date(2025, 12, 1),
    instalment=100,
    months=MONTHS,
)


def predicted(loan: TapeLoan, *evidence: date) -> list[int]:
    summary = TapeSummary(evidence={(loan.loan_id, day) for day in evidence})
    return [month.ends_on.month for month, _ in predicted_months(loan, summary)]


def test_only_what_the_load_has_not_used_is_compared() -> None:
    """Not the first month, not the first late one (March), none without a status, none that told the day count."""
    assert predicted(LOAN) == [2, 4, 6]
    assert predicted(LOAN, date(2021, 4, 28)) == [2, 6]


def test_nothing_is_compared_from_the_end_of_a_loan_on() -> None:
    months = (*MONTHS[:3], replace(MONTHS[3], balance=0, zero_balance_code="4"))
    months += tuple(replace(month, balance=None) for month in MONTHS[4:])
    assert predicted(replace(LOAN, months=months)) == [2]


def test_events_stay_with_a_loan() -> None:
    months = (MONTHS[0], replace(MONTHS[1], extended=1, other=500), *MONTHS[2:])
    found = dict(predicted_months(replace(LOAN, months=months), TapeSummary()))
    assert set(found.values()) == {frozenset({"extension", "fees"})}


SAME = Difference(
    ends_on=date(2021, 8, 31),
    originator="Alpha",
    reported=0,
    instalment=Decimal(100),
    due_day=20,
    day_count="actual",
    events="",
    days_past_due=11,
    arrears_amount=Decimal(100),
    oldest_unpaid_due_date=date(2021, 8, 20),
)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"events": "extension"}, "after an extension"),
        ({"events": "extension reversal"}, "after an extension"),
        ({"events": "gap maturity"}, "after a month without a row"),
        ({"arrears_amount": Decimal(7)}, "less than a tenth of an instalment"),
        ({"arrears_amount": Decimal(207)}, "less than a tenth of an instalment"),
        ({"arrears_amount": Decimal(50)}, "not told"),
        ({"days_past_due": 0, "reported": 11, "arrears_amount": Decimal(0)}, "a few dollars that we count"),
        ({"days_past_due": 42, "reported": 51, "arrears_amount": Decimal(150)}, "due day is another one"),
        (
            {"days_past_due": 42, "reported": 41, "oldest_unpaid_due_date": date(2021, 7, 20)},
            "counted by the other day count",
        ),
    ],
)
def test_difference_has_the_likeliest_cause(changes: dict[str, object], told: str) -> None:
    assert told in cause(replace(SAME, **changes))  # type: ignore[arg-type]


def databases(server: Settings) -> set[str]:
    with closing(admin_connection(server, "postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("select datname from pg_database")
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two issuers that count differently and publish everything."""
    rows = [
        row | {"assetNumber": f"{row['originatorName']}-{row['assetNumber']}"}
        for issuer in (Issuer("Alpha"), Issuer("Beta", day_count="30/360"))
        for row in issuer.publish(loans=40, months=14)
    ]
    return write_csv(tmp_path_factory.mktemp("tape") / "tape.csv", rows)


@pytest.mark.postgres
@pytest.mark.slow
def test_marts_agree_with_servicers_who_publish_everything(server: Settings, tape: Path) -> None:
    """The product's own SQL, over both day counts; and no trace of it afterwards."""
    before = databases(server)
    report = check_tape(server, [tape])
    assert [(each.originator, each.observations > 350) for each in report.agreements] == [
        ("Alpha", True),
        ("Beta", True),
    ]
    for agreement in report.agreements:
        assert agreement.exact / agreement.observations > 0.995
        assert agreement.late > 60
        assert agreement.late_exact / agreement.late > 0.97
        assert agreement.exact + agreement.more_days + agreement.fewer_days == agreement.observations
        assert sum(report.causes.get(agreement.originator, {}).values()) == agreement.observations - agreement.exact
    assert databases(server) == before


@pytest.mark.postgres
def test_bad_tape_is_refused_before_anything_is_made(server: Settings, tmp_path: Path) -> None:
    before = databases(server)
    (tmp_path / "a.csv").write_text("assetNumber\n1\n")
    with pytest.raises(SourceFileError, match="is missing"):
        check_tape(server, [tmp_path / "a.csv"])
    assert databases(server) == before


def test_path_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["tape", "check", str(tmp_path / "nowhere.csv")])
    assert isinstance(result.exception, SourceFileError)
