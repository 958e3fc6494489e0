"""The dashboards in a browser: signed in, opened until every chart is drawn, and read."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from browser import Complaints, watch
from playwright.sync_api import Locator, Page, Response

from arrears.bi.assets import shown_name, slug
from arrears.bi.spec import Chart, Dashboard, Spec

TALL = (1440, 2600)
"""A screen on which the longest dashboard is whole: what is out of sight is not drawn."""
AXIS_CHARTS = ("bar", "line", "points")
_WRITTEN = {"count": ",.0f", "percent": ".1%", "money": ",.2f", "index": ".2f", "score": ".1f", "days": ",.1f"}
_BLOCKED = "apachesuperset.gateway.scarf.sh"
"""Superset's own page asks for a picture there that would count the visit. Its configuration forbids that."""

Rows = list[dict[str, Any]]


@dataclass
class Drawn:
    """A dashboard that is drawn: what its charts were told, by name, and what went wrong meanwhile."""

    data: dict[str, Rows]
    complaints: list[str]


class Superset:
    """A running Superset, seen by somebody who signs in."""

    def __init__(self, page: Page, url: str, password: str) -> None:
        self.page = page
        self.url = url
        self._complaints: Complaints = watch(page)
        page.goto(f"{url}/login/")
        # The first field of the form is hidden.
        page.locator("input[type=text]:visible").fill("admin")
        page.locator("input[type=password]").fill(password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/welcome/")
        # Whoever goes on before the page has come to rest is not signed in yet.
        page.wait_for_load_state("networkidle")

    def open(self, dashboard: Dashboard, *, patience: float = 120) -> Drawn:
        """Open a dashboard and wait until each of its charts is drawn."""
        names = self._names(dashboard)
        self._numbers = {name: number for number, name in names.items()}
        data: dict[str, Rows] = {}

        def listen(response: Response) -> None:
            if "/api/v1/chart/data" in response.url and response.ok and response.request.method == "POST":
                number = (response.request.post_data_json or {}).get("form_data", {}).get("slice_id")
                if number in names:
                    data[names[number]] = response.json()["result"][0]["data"]

        self._complaints.take()
        self.page.on("response", listen)
        try:
            self.page.goto(f"{self.url}/superset/dashboard/{slug(dashboard)}/")
            deadline = time.monotonic() + patience
            while not (data.keys() == set(names.values()) and self._is_drawn(len(names))):
                assert time.monotonic() < deadline, f"{dashboard.name}: no data of {set(names.values()) - data.keys()}"
                self.page.wait_for_timeout(200)
            self.page.wait_for_load_state("networkidle")
            self.page.wait_for_timeout(1500)  # what is drawn grows into place
        finally:
            self.page.remove_listener("response", listen)
        return Drawn(data, [line for line in self._complaints.take() if _BLOCKED not in line])

    def errors(self, may_be_empty: Iterable[Chart] = ()) -> list[str]:
        """What charts say in place of a picture; that there are no rows is no error of some."""
        says = self._said_in_place(self.page)
        for chart in may_be_empty:
            for text in self._said_in_place(self.page.locator(self._place(chart))):
                says.remove(text)
        return says

    def _said_in_place(self, of: Page | Locator) -> list[str]:
        says = of.locator("[role=alert], .ant-alert-error, .ant-empty-description, .missing-chart-container")
        return [*says.all_inner_texts(), *of.get_by_text("No results were returned").all_inner_texts()]

    def _place(self, chart: Chart) -> str:
        return f".dashboard-chart-id-{self._numbers[chart.name]}"

    def text_of(self, chart: Chart) -> str:
        """What the page says where a chart is, of the dashboard that was opened last."""
        return self.page.locator(self._place(chart)).inner_text()

    def _is_drawn(self, charts: int) -> bool:
        drawn = self.page.locator(".dashboard-component-chart-holder .slice_container").count()
        return drawn == charts and self.page.locator(".loading").count() == 0

    def _names(self, dashboard: Dashboard) -> dict[int, str]:
        """Our names of the charts by Superset's numbers."""
        answer = self.page.request.get(f"{self.url}/api/v1/dashboard/{slug(dashboard)}/charts")
        ours = {str(chart.title): chart.name for chart in dashboard.charts}
        return {chart["id"]: ours[chart["slice_name"]] for chart in answer.json()["result"]}


def figures_shown(spec: Spec, chart: Chart, rows: Rows) -> list[tuple[Any, ...]]:
    """Each figure with what it is of, as a chart was told: in an order of its own."""
    if chart.kind in AXIS_CHARTS:
        axis = shown_name(spec, chart.by[0])
        is_date = spec.is_date(chart.mart, chart.by[0])
        found = [
            (_plain(row[axis], is_date), _plain(value))
            for row in rows
            for name, value in row.items()
            if name != axis and value is not None
        ]
        return sorted(found, key=repr)
    names = [(shown_name(spec, name), spec.is_date(chart.mart, name)) for name in chart.dimensions]
    found = [
        tuple(_plain(row[name], is_date) for name, is_date in [*names, *((each, False) for each in chart.measures)])
        for row in rows
    ]
    return sorted(found, key=repr)


def figures_asked(chart: Chart, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The same of the rows of a direct query: `Spec.query`."""
    if chart.kind not in AXIS_CHARTS:
        return sorted((tuple(_plain(value) for value in row) for row in rows), key=repr)
    start = len(chart.dimensions)
    return sorted(
        ((_plain(row[0]), _plain(value)) for row in rows for value in row[start:] if value is not None), key=repr
    )


def written(spec: Spec, chart: Chart, rows: Iterable[Sequence[Any]]) -> set[str]:
    """The figures of a direct query as the page writes them."""
    start = len(chart.dimensions)
    formats = [_WRITTEN[spec.measures[name].format] for name in chart.measures]
    return {
        _as_a_browser(float(value), each)
        for row in rows
        for value, each in zip(row[start:], formats, strict=True)
        if value is not None
    }


def _as_a_browser(value: float, how: str) -> str:
    """A browser rounds a tie away from zero, where Python goes to the even digit."""
    is_percent = how.endswith("%")
    exact = Decimal(value * 100 if is_percent else value)
    places = Decimal(1).scaleb(-int(how[how.index(".") + 1 : -1]))
    rounded = exact.quantize(places, ROUND_HALF_UP)
    return format(rounded, f"{how[:-1]}f") + ("%" if is_percent else "")


def _plain(value: Any, is_date: bool = False) -> Any:
    if is_date and isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC).date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return round(float(value), 6) + 0.0
    return value
