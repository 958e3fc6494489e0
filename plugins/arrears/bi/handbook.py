"""What is written from the text of `bi/`: `docs/measures.md` and dbt's exposures.

`make handbook` writes them anew; a test fails while that would change anything.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from arrears.bi.assets import slug
from arrears.bi.spec import Dashboard, Measure, Spec, read_spec
from arrears.settings import PROJECT_ROOT, Settings

MEASURES = PROJECT_ROOT / "docs" / "measures.md"
EXPOSURES = PROJECT_ROOT / "dbt_project" / "models" / "exposures.yml"
_OWNER = "Collections analytics"
_HEAD = """# Measures

What the dashboards show, and what each figure means. Written by `make handbook` from `bi/measures.yml` and
`bi/dashboards.yml`; change those. A rate is worked out of the sums over whatever rows are shown, never as an average of
rates; money adds up within a currency only.
"""
_EXPOSURES_HEAD = "# Written by `make handbook` from bi/dashboards.yml; change that.\n"


def published(spec: Spec) -> dict[Path, str]:
    """Each file that follows from the text, with its content."""
    return {MEASURES: measures_page(spec), EXPOSURES: exposures(spec)}


def measures_page(spec: Spec) -> str:
    """`docs/measures.md`."""
    parts = [_HEAD]
    for dashboard in spec.dashboards:
        parts.append(
            f"\n## {dashboard.title}\n\n{dashboard.description.en}\n{dashboard.description.zh}\n\n{_charts(dashboard)}"
        )
    parts.append(f"\n## All measures · 全部指标\n\n{_measures(spec.measures)}")
    return "".join(parts)


def _charts(dashboard: Dashboard) -> str:
    lines = ["| chart | view | measures | by |", "|---|---|---|---|"]
    for chart in dashboard.charts:
        by = ", ".join(chart.dimensions) or "–"
        title = f"{chart.title} (empty without {chart.needs})" if chart.needs else str(chart.title)
        lines.append(f"| {title} | `bi.{chart.mart}` | {', '.join(chart.measures)} | {by} |")
    return "\n".join(lines) + "\n"


def _measures(measures: Mapping[str, Measure]) -> str:
    lines = ["| name | called | means | SQL | of |", "|---|---|---|---|---|"]
    for measure in measures.values():
        marts = ", ".join(f"`{mart}`" for mart in measure.marts)
        lines.append(
            f"| {measure.name} | {measure.label} | {_line(measure.description)} | `{_line(measure.sql)}` | {marts} |"
        )
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def exposures(spec: Spec) -> str:
    """dbt's exposures: which dashboard shows which models."""
    address = f"http://127.0.0.1:{Settings.model_fields['superset_port'].default}/superset/dashboard"
    content: dict[str, Any] = {
        "exposures": [
            {
                "name": f"dashboard_{dashboard.name}",
                "label": str(dashboard.title),
                "type": "dashboard",
                "maturity": "high",
                "url": f"{address}/{slug(dashboard)}/",
                "description": dashboard.description.en,
                "owner": {"name": _OWNER},
                "depends_on": [f"ref('bi__{mart}')" for mart in sorted({chart.mart for chart in dashboard.charts})],
            }
            for dashboard in spec.dashboards
        ]
    }
    return _EXPOSURES_HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=140)


def main() -> None:
    for path, content in published(read_spec()).items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
