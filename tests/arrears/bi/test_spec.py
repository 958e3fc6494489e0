"""The text of the dashboards is sound, and each mistake in it is told where it is."""

import shutil
from pathlib import Path

import pytest

from arrears.bi.handbook import published
from arrears.bi.spec import DIRECTORY, BiTextError, Chart, Dashboard, Spec, read_spec


@pytest.fixture(scope="module")
def spec() -> Spec:
    return read_spec()


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A copy of the text that a test may spoil."""
    for path in DIRECTORY.glob("*.yml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def named(spec: Spec, name: str) -> tuple[Dashboard, Chart]:
    return next((page, chart) for page in spec.dashboards for chart in page.charts if chart.name == name)


def test_there_is_a_dashboard_for_each_group_of_readers(spec: Spec) -> None:
    names = ["portfolio", "treatment", "collectors", "care", "data_quality_and_delivery"]
    assert [dashboard.name for dashboard in spec.dashboards] == names


def test_writing_what_follows_from_the_text_anew_changes_nothing(spec: Spec) -> None:
    for path, content in published(spec).items():
        assert path.read_text(encoding="utf-8") == content, f"{path.name}: run `make handbook` and read the difference"


def test_a_query_shows_the_newest_day_only(spec: Spec) -> None:
    assert spec.query(*named(spec, "open_loans")).endswith(
        "from bi.delinquency_tier\nwhere as_of = (select max(as_of) from bi.delinquency_tier)"
    )


def test_what_is_shown_over_time_is_not_cut_down_to_a_day(spec: Spec) -> None:
    dashboard, chart = named(spec, "cure_rates")
    assert [each.kind for each in dashboard.filters if spec.acts_on(each, chart)] == ["period", "choice", "choice"]
    assert "where" not in spec.query(dashboard, chart)


def test_a_filter_leaves_alone_what_has_not_its_column(spec: Spec) -> None:
    dashboard, chart = named(spec, "funnel")
    columns = [each.column for each in dashboard.filters if spec.acts_on(each, chart)]
    assert columns == ["as_of", "product", "jurisdiction", "currency"]


@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [
        (
            "measures.yml",
            "marts: [fct_roll_rate]",
            "marts: [fct_role_rate]",
            "measure roll_rate: there is no view bi.fct_role_rate",
        ),
        ("measures.yml", "zh: 迁徙率}", 'zh: ""}', "measures.yml: 9.label.zh: String should have at least 1 character"),
        ("measures.yml", "- name: overdue_loans", "- name: open_loans", "measure open_loans: is there more than once"),
        ("measures.yml", "- name: roll_rate", "- nome: roll_rate", "measures.yml: 9.name: Field required"),
        ("measures.yml", "- name: roll_rate", "- name: [", "measures.yml: while parsing"),
        (
            "columns.yml",
            "- {name: jurisdiction, ",
            "- {name: country, ",
            "dashboard portfolio, filter: column jurisdiction has no label in columns.yml",
        ),
        (
            "dashboards.yml",
            "by: [from_tier]",
            "by: [from_tear]",
            "chart roll_rates: bi.fct_roll_rate has no column from_tear",
        ),
        (
            "dashboards.yml",
            "measures: [roll_rate]",
            "measures: [cure_rate]",
            "chart roll_rates: bi.fct_roll_rate has no measure cure_rate",
        ),
        (
            "dashboards.yml",
            "mart: fct_roll_rate\n        m",
            "mart: roll_rate\n        m",
            "chart roll_rates: there is no view bi.roll_rate",
        ),
        (
            "dashboards.yml",
            "by: [tier, currency]",
            "by: [tier]",
            "chart tiers_now: arrears_amount is money, and adds up within a currency only",
        ),
        (
            "dashboards.yml",
            "measures: [open_loans]",
            "measures: [open_loans, loans]",
            "chart open_loans: a number shows one measure by nothing",
        ),
        (
            "dashboards.yml",
            "        by: [month]\n        width: 12",
            "        width: 12",
            "chart cure_rates: a line chart needs a column",
        ),
        (
            "dashboards.yml",
            "[open_loans], width: 3",
            "[open_loans], width: 4",
            "dashboard portfolio: row 1 is 13 wide, at most 12 fit",
        ),
        (
            "dashboards.yml",
            "mart: treatment_funnel}",
            "mart: funnel}",
            "dashboard treatment, filter: there is no view bi.funnel",
        ),
        (
            "dashboards.yml",
            "{column: month, kind: period, mart: complaints_monthly}",
            "{column: collector_id, kind: choice, mart: collector_performance}",
            "dashboard care, filter collector_id: acts on no chart",
        ),
    ],
)
def test_a_mistake_is_told_once_and_where_it_is(text: Path, file: str, right: str, wrong: str, told: str) -> None:
    path = text / file
    content = path.read_text(encoding="utf-8")
    assert right in content
    path.write_text(content.replace(right, wrong, 1), encoding="utf-8")

    with pytest.raises(BiTextError) as error:
        read_spec(text)

    assert str(error.value).count(told) == 1, str(error.value)
