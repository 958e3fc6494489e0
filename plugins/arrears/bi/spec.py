"""What BI shows, as text: `bi/*.yml`, read and checked against the views of schema `bi`.

A measure, a label and a chart are said once, there. Superset's assets, the page of measures and dbt's exposures follow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from arrears.errors import ConfigurationError
from arrears.settings import PROJECT_ROOT

DIRECTORY = PROJECT_ROOT / "bi"
MODELS = PROJECT_ROOT / "dbt_project" / "models"
GRID_COLUMNS = 12
"""How wide a dashboard is; what charts are wide is counted in these."""

Format = Literal["count", "percent", "money", "index", "score", "days"]
FilterKind = Literal["newest", "choice", "period"]
ChartKind = Literal["number", "table", "bar", "line", "points", "matrix"]
_T = TypeVar("_T")


class BiTextError(ConfigurationError):
    """The text in `bi/` is wrong. The message names each mistake and where it is."""


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Text):
    """What something is called."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"{self.en} · {self.zh}"


class Measure(_Text):
    """A figure that is summed up over rows of a mart."""

    name: str
    label: Label
    description: str
    format: Format
    marts: tuple[str, ...] = Field(min_length=1)
    sql: str


class Column(_Text):
    """A column of marts, or one that is worked out of others (`sql`)."""

    name: str
    label: Label
    sql: str | None = None
    marts: tuple[str, ...] = ()
    """Where one with `sql` can be worked out."""
    is_month: bool = False
    """A day that stands for its month."""
    values: dict[str, Label] = {}
    """What its codes mean. One that is not here is shown as it is."""

    @property
    def shown_as(self) -> str | None:
        """SQL of what is shown where that is not the column itself."""
        if not self.values:
            return self.sql
        cases = " ".join(f"when {_literal(code)} then {_literal(str(label))}" for code, label in self.values.items())
        return f"case {self.sql or self.name} {cases} else {self.sql or self.name} end"


class Chart(_Text):
    """One chart: measures of a mart by columns of it."""

    name: str
    title: Label
    kind: ChartKind
    mart: str
    measures: tuple[str, ...] = Field(min_length=1)
    by: tuple[str, ...] = ()
    """Columns; the first is the axis of a bar, line or point chart."""
    series: str | None = None
    """Column that splits bars and lines, and makes the columns of a matrix."""
    where: str | None = None
    unfiltered: tuple[str, ...] = ()
    """Columns whose filters leave the chart alone."""
    needs: str | None = None
    """What a bank must have before the chart has rows; until then it is empty."""
    newest_first: bool = False
    limit: int = Field(default=100, gt=0)
    width: int = Field(default=6, ge=1, le=GRID_COLUMNS)
    height: int = Field(default=50, ge=10)

    @property
    def dimensions(self) -> tuple[str, ...]:
        return (*self.by, self.series) if self.series else self.by


class Filter(_Text):
    """A filter of a dashboard: it acts on every chart whose mart has the column."""

    column: str
    kind: FilterKind
    mart: str
    """Where its values are from."""


class Dashboard(_Text):
    """A page of charts, row by row."""

    name: str
    title: Label
    description: Label
    filters: tuple[Filter, ...] = ()
    rows: tuple[tuple[Chart, ...], ...] = Field(min_length=1)

    @property
    def charts(self) -> Iterator[Chart]:
        return (chart for row in self.rows for chart in row)


@dataclass(frozen=True)
class MartColumn:
    """A column of a view in `bi`, as its model describes it."""

    name: str
    type: str
    description: str

    @property
    def is_date(self) -> bool:
        return self.type.startswith(("date", "timestamp"))


Mart = Mapping[str, MartColumn]
"""The columns of a view in `bi`, by name."""


@dataclass(frozen=True)
class Spec:
    """Everything that the text says, sound."""

    measures: Mapping[str, Measure]
    columns: Mapping[str, Column]
    dashboards: tuple[Dashboard, ...]
    marts: Mapping[str, Mart]
    descriptions: Mapping[str, str]
    """What a row of each mart is."""

    def has(self, mart: str, column: str) -> bool:
        known = self.columns.get(column)
        return column in self.marts[mart] or bool(known and known.sql and mart in known.marts)

    def is_date(self, mart: str, column: str) -> bool:
        return column in self.marts[mart] and self.marts[mart][column].is_date

    def acts_on(self, filter_: Filter, chart: Chart) -> bool:
        """Whether a filter acts on a chart. What is shown over time is not cut down to one day."""
        if filter_.kind == "period":
            return bool(chart.by) and self.is_date(chart.mart, chart.by[0])
        if filter_.column in chart.unfiltered or (filter_.kind == "newest" and filter_.column in chart.dimensions):
            return False
        return self.has(chart.mart, filter_.column)

    def used_marts(self) -> list[str]:
        charts = {chart.mart for dashboard in self.dashboards for chart in dashboard.charts}
        filters = {filter_.mart for dashboard in self.dashboards for filter_ in dashboard.filters}
        return sorted(charts | filters)

    def query(self, dashboard: Dashboard, chart: Chart) -> str:
        """What the chart shows when its dashboard is opened: a query of `bi` with its dimensions and measures."""
        dimensions = [f"{self.expression(name)} as {name}" for name in chart.dimensions]
        measures = [f"{self.measures[name].sql.strip()} as {name}" for name in chart.measures]
        newest = [
            f"{each.column} = (select max({each.column}) from bi.{each.mart})"  # noqa: S608 (names that were checked)
            for each in dashboard.filters
            if each.kind == "newest" and self.acts_on(each, chart)
        ]
        conditions = [f"({chart.where})"] * bool(chart.where) + newest
        positions = ", ".join(str(position) for position in range(1, len(dimensions) + 1))
        parts = ["select", ",\n".join([*dimensions, *measures]), f"from bi.{chart.mart}"]
        parts += ["where " + "\nand ".join(conditions)] if conditions else []
        parts += [f"group by {positions}", f"order by {positions}"] if dimensions else []
        return "\n".join(parts)

    def expression(self, column: str) -> str:
        """SQL of what is shown of a column."""
        return self.columns[column].shown_as or column


def read_spec(directory: Path = DIRECTORY, models: Path = MODELS) -> Spec:
    """Read the text and check it.

    Raises:
        BiTextError: with every mistake.
    """
    measures = _read(directory / "measures.yml", TypeAdapter(list[Measure]))
    columns = _read(directory / "columns.yml", TypeAdapter(list[Column]))
    dashboards = _read(directory / "dashboards.yml", TypeAdapter(list[Dashboard]))
    marts, descriptions = _read_marts(models)
    spec = Spec(
        {measure.name: measure for measure in measures},
        {column.name: column for column in columns},
        tuple(dashboards),
        marts,
        descriptions,
    )
    mistakes = [
        *_repeated("measure", [measure.name for measure in measures]),
        *_repeated("column", [column.name for column in columns]),
        *_repeated("dashboard", [dashboard.name for dashboard in dashboards]),
        *_repeated("chart", [chart.name for dashboard in dashboards for chart in dashboard.charts]),
        *(mistake for measure in measures for mistake in _unknown_marts(spec, "measure", measure)),
        *(mistake for column in columns for mistake in _unknown_marts(spec, "column", column)),
        *(mistake for dashboard in dashboards for mistake in _mistakes_of_dashboard(spec, dashboard)),
    ]
    if mistakes:
        raise BiTextError("; ".join(mistakes))
    return spec


def _read(path: Path, texts: TypeAdapter[list[_T]]) -> list[_T]:
    try:
        return texts.validate_python(_yaml(path))
    except yaml.YAMLError as error:
        raise BiTextError(f"{path.name}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        found = [f"{path.name}: {_place(each['loc'])}: {each['msg']}" for each in error.errors()]
        raise BiTextError("; ".join(found)) from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in location)


def _yaml(path: Path) -> Any:
    # The parser in C: there are hundreds of pages of it.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@cache
def _read_marts(models: Path) -> tuple[dict[str, Mart], dict[str, str]]:
    """The views of `bi`, and what a row of each is. Types are those of the contract of the mart that a view shows."""
    types = {
        (model["name"], column["name"]): column["data_type"]
        for path in sorted((models / "marts").rglob("*.yml"))
        for model in _yaml(path).get("models", [])
        for column in model["columns"]
        if "data_type" in column
    }
    marts: dict[str, Mart] = {}
    descriptions = {}
    for path in sorted((models / "bi").glob("bi__*.yml")):
        for model in _yaml(path)["models"]:
            name = model["name"].removeprefix("bi__")
            marts[name] = {
                column["name"]: MartColumn(
                    column["name"],
                    column.get("data_type") or types.get((name, column["name"]), "text"),
                    column["description"].strip(),
                )
                for column in model["columns"]
            }
            descriptions[name] = model["description"].strip()
    return marts, descriptions


def _repeated(what: str, names: list[str]) -> list[str]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    return [f"{what} {name}: is there more than once" for name in repeated]


def _unknown_marts(spec: Spec, what: str, named: Measure | Column) -> list[str]:
    return [f"{what} {named.name}: there is no view bi.{mart}" for mart in named.marts if mart not in spec.marts]


def _mistakes_of_dashboard(spec: Spec, dashboard: Dashboard) -> Iterator[str]:
    where = f"dashboard {dashboard.name}"
    for number, row in enumerate(dashboard.rows, start=1):
        if (width := sum(chart.width for chart in row)) > GRID_COLUMNS:
            yield f"{where}: row {number} is {width} wide, at most {GRID_COLUMNS} fit"
        for chart in row:
            yield from _mistakes_of_chart(spec, chart)
    for filter_ in dashboard.filters:
        yield from _mistakes_of_column(spec, f"{where}, filter", filter_.mart, filter_.column)
        if not any(spec.acts_on(filter_, chart) for chart in dashboard.charts if chart.mart in spec.marts):
            yield f"{where}, filter {filter_.column}: acts on no chart"


def _mistakes_of_chart(spec: Spec, chart: Chart) -> Iterator[str]:
    where = f"chart {chart.name}"
    if chart.mart not in spec.marts:
        yield f"{where}: there is no view bi.{chart.mart}"
        return
    for column in chart.dimensions:
        yield from _mistakes_of_column(spec, where, chart.mart, column)
    for name in chart.measures:
        measure = spec.measures.get(name)
        if measure is None or chart.mart not in measure.marts:
            yield f"{where}: bi.{chart.mart} has no measure {name}"
        elif measure.format == "money" and "currency" not in chart.dimensions and "currency" not in (chart.where or ""):
            yield f"{where}: {name} is money, and adds up within a currency only: show it by currency"
    if chart.kind == "number" and (len(chart.measures) > 1 or chart.dimensions):
        yield f"{where}: a number shows one measure by nothing"
    if chart.kind in ("bar", "line", "points", "matrix") and not chart.by:
        yield f"{where}: a {chart.kind} chart needs a column to show its measures by"


def _mistakes_of_column(spec: Spec, where: str, mart: str, column: str) -> Iterator[str]:
    if mart not in spec.marts:
        yield f"{where}: there is no view bi.{mart}"
    elif not spec.has(mart, column):
        yield f"{where}: bi.{mart} has no column {column}"
    elif column not in spec.columns:
        yield f"{where}: column {column} has no label in columns.yml"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
