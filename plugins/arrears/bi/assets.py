"""The text of `bi/` as Apache Superset imports it: a database, datasets, charts and dashboards in one archive.

The same text makes the same bytes and the same ids, so that an import replaces what an earlier one brought.
"""

import io
import zipfile
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import yaml

from arrears.bi.spec import Chart, Dashboard, Filter, Measure, Spec

DATABASE_FILE = "databases/arrears.yaml"
"""Under this name the import asks for the password: it is not in the archive."""
_NAMESPACE = UUID("6f1d3a0e-3f5b-5d0c-9a53-5d2b7f0c4e11")
_MADE_AT = (1980, 1, 1, 0, 0, 0)
_ANY_TIME = "1970-01-01T00:00:00+00:00"
_D3_FORMATS = {
    "count": ",d",
    "percent": ".1%",
    "money": ",.2f",
    "index": ".2f",
    "score": ".1f",
    "days": ",.1f",
}
_AXIS_FORMATS = {",d": ",~g"}
"""Between few, an axis has marks at halves."""
_VIZ_TYPES = {
    "number": "big_number_total",
    "table": "table",
    "bar": "echarts_timeseries_bar",
    "line": "echarts_timeseries_line",
    "points": "echarts_timeseries_scatter",
    "matrix": "pivot_table_v2",
}
_TYPES = {"date": "DATE", "timestamptz": "TIMESTAMP", "boolean": "BOOLEAN", "integer": "INTEGER", "bigint": "BIGINT"}


def slug(dashboard: Dashboard) -> str:
    """What stands in the dashboard's address."""
    return f"arrears-{dashboard.name.replace('_', '-')}"


def uuid_of(kind: str, name: str) -> str:
    """The id of a database, dataset, chart or dashboard: the same wherever the text is imported."""
    return str(uuid5(_NAMESPACE, f"{kind}/{name}"))


def archive(files: Mapping[str, str]) -> bytes:
    """The files as the archive that `/api/v1/assets/import` takes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in files.items():
            bundle.writestr(zipfile.ZipInfo(f"assets/{name}", _MADE_AT), text, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def asset_files(spec: Spec, *, uri: str) -> dict[str, str]:
    """Superset's files by name. `uri`: how Superset reaches the warehouse, with a password of `XXXXXXXXXX`."""
    files: dict[str, Any] = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": _ANY_TIME},
        DATABASE_FILE: _database(uri),
    }
    for mart in spec.used_marts():
        files[f"datasets/arrears/{mart}.yaml"] = _dataset(spec, mart)
    for dashboard in spec.dashboards:
        for chart in dashboard.charts:
            files[f"charts/{chart.name}.yaml"] = _chart(spec, chart)
        files[f"dashboards/{dashboard.name}.yaml"] = _dashboard(spec, dashboard)
    return {name: yaml.safe_dump(content, sort_keys=False, allow_unicode=True) for name, content in files.items()}


def _database(uri: str) -> dict[str, Any]:
    return {
        "database_name": "Arrears",
        "sqlalchemy_uri": uri,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": uuid_of("database", "arrears"),
        "version": "1.0.0",
    }


def _dataset(spec: Spec, mart: str) -> dict[str, Any]:
    columns = [
        {
            "column_name": column.name,
            "verbose_name": _label(spec, column.name),
            "description": column.description,
            "is_dttm": column.is_date,
            "type": _TYPES.get(column.type, "NUMERIC" if column.type.startswith("numeric") else "TEXT"),
            "groupby": True,
            "filterable": True,
            "is_active": True,
        }
        for column in spec.marts[mart].values()
    ]
    worked_out = [
        {
            "column_name": shown_name(spec, column.name),
            "verbose_name": str(column.label),
            "expression": column.shown_as,
            "type": "TEXT",
            "is_dttm": False,
            "groupby": True,
            "filterable": True,
            "is_active": True,
        }
        for column in spec.columns.values()
        if column.shown_as and spec.has(mart, column.name)
    ]
    dates = [column.name for column in spec.marts[mart].values() if column.is_date]
    return {
        "table_name": mart,
        "main_dttm_col": dates[0] if dates else None,
        "description": spec.descriptions[mart],
        "schema": "bi",
        "filter_select_enabled": True,
        "uuid": uuid_of("dataset", mart),
        "metrics": [_metric(measure) for measure in spec.measures.values() if mart in measure.marts],
        "columns": columns + worked_out,
        "version": "1.0.0",
        "database_uuid": uuid_of("database", "arrears"),
    }


def _metric(measure: Measure) -> dict[str, Any]:
    return {
        "metric_name": measure.name,
        "verbose_name": str(measure.label),
        "expression": measure.sql.strip(),
        "description": measure.description.strip(),
        "d3format": _D3_FORMATS[measure.format],
    }


def _label(spec: Spec, column: str) -> str | None:
    known = spec.columns.get(column)
    return str(known.label) if known else None


def shown_name(spec: Spec, column: str) -> str:
    """The dataset's column that a chart shows: one whose codes have names is worked out beside the column itself."""
    return f"{column}_label" if spec.columns[column].values else column


# Charts -------------------------------------------------------------------------------------------------------------


def _chart(spec: Spec, chart: Chart) -> dict[str, Any]:
    return {
        "slice_name": str(chart.title),
        "description": " ".join(spec.measures[name].description.strip() for name in chart.measures),
        "viz_type": _VIZ_TYPES[chart.kind],
        "params": {
            "viz_type": _VIZ_TYPES[chart.kind],
            "adhoc_filters": _conditions(spec, chart),
            "row_limit": chart.limit,
            **_PARAMETERS[chart.kind](spec, chart),
        },
        "uuid": uuid_of("chart", chart.name),
        "version": "1.0.0",
        # It is changed in the text, not in Superset; who wants another one saves a copy there.
        "is_managed_externally": True,
        "dataset_uuid": uuid_of("dataset", chart.mart),
    }


def _conditions(spec: Spec, chart: Chart) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if chart.where:
        found.append({"clause": "WHERE", "expressionType": "SQL", "sqlExpression": chart.where})
    if chart.by and spec.is_date(chart.mart, chart.by[0]):
        # What a filter of a period replaces.
        found.append(
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "subject": chart.by[0],
                "operator": "TEMPORAL_RANGE",
                "comparator": "No filter",
            }
        )
    return found


def _number(spec: Spec, chart: Chart) -> dict[str, Any]:
    [measure] = chart.measures
    return {
        "metric": measure,
        "y_axis_format": _d3(spec, chart),
        "header_font_size": 0.4,
        "subheader": "",
    }


def _table(spec: Spec, chart: Chart) -> dict[str, Any]:
    return {
        "query_mode": "aggregate",
        "groupby": [shown_name(spec, name) for name in chart.by],
        "metrics": list(chart.measures),
        # In the order of the columns that it is by; by itself it is in that of the first measure.
        "timeseries_limit_metric": {
            "expressionType": "SQL",
            "label": "order",
            "sqlExpression": f"min(concat_ws(' ', {', '.join(spec.expression(name) for name in chart.by)}))",
        },
        "order_desc": chart.newest_first,
        "table_timestamp_format": "%Y-%m-%d",
        "show_cell_bars": False,
        "page_length": 0,
        "allow_rearrange_columns": False,
        "column_config": {name: {"d3NumberFormat": _D3_FORMATS[spec.measures[name].format]} for name in chart.measures},
    }


def _axis_chart(spec: Spec, chart: Chart) -> dict[str, Any]:
    axis = chart.by[0]
    is_date = spec.is_date(chart.mart, axis)
    series = [shown_name(spec, name) for name in chart.dimensions[1:]]
    return {
        "x_axis": shown_name(spec, axis),
        "time_grain_sqla": None,
        "x_axis_sort": None if is_date else shown_name(spec, axis),
        "x_axis_sort_asc": True,
        "metrics": list(chart.measures),
        "groupby": series,
        "order_desc": True,
        "truncate_metric": True,
        "show_legend": bool(series) or len(chart.measures) > 1,
        "legendType": "scroll",
        "legendOrientation": "top",
        "rich_tooltip": True,
        "y_axis_format": _AXIS_FORMATS.get(_d3(spec, chart), _d3(spec, chart)),
        "x_axis_time_format": "%Y-%m" if spec.columns[axis].is_month else "%Y-%m-%d",
        "xAxisLabelRotation": 0 if is_date else 30,
        # A title for what it says, and for the room that the first of the slanted labels needs.
        "y_axis_title": " " if len(chart.measures) > 1 else str(spec.measures[chart.measures[0]].label),
        "y_axis_title_margin": 50,
        "y_axis_title_position": "Left",
        "markerEnabled": True,
        "stack": "Stack" if chart.kind == "bar" and series else None,
        "show_value": chart.kind == "bar" and not series,
        "truncateYAxis": True,
        "y_axis_bounds": [0, None],
    }


def _matrix(spec: Spec, chart: Chart) -> dict[str, Any]:
    return {
        # Not read by this chart: a dashboard tells its charts the labels of columns that stand under this name.
        "columns": [shown_name(spec, name) for name in chart.dimensions],
        "groupbyRows": [shown_name(spec, name) for name in chart.by],
        "groupbyColumns": [shown_name(spec, chart.series)] if chart.series else [],
        "metrics": list(chart.measures),
        "metricsLayout": "COLUMNS",
        "rowOrder": "key_a_to_z",
        "colOrder": "key_a_to_z",
        "aggregateFunction": "Sum",
        "rowTotals": False,
        "colTotals": False,
        "valueFormat": _d3(spec, chart),
        "date_format": "%Y-%m-%d",
    }


_PARAMETERS = {
    "number": _number,
    "table": _table,
    "bar": _axis_chart,
    "line": _axis_chart,
    "points": _axis_chart,
    "matrix": _matrix,
}


def _d3(spec: Spec, chart: Chart) -> str:
    return _D3_FORMATS[spec.measures[chart.measures[0]].format]


# Dashboards ---------------------------------------------------------------------------------------------------------


def _dashboard(spec: Spec, dashboard: Dashboard) -> dict[str, Any]:
    numbers = {chart.name: number for number, chart in enumerate(dashboard.charts, start=1)}
    return {
        "dashboard_title": str(dashboard.title),
        "description": str(dashboard.description),
        "slug": slug(dashboard),
        "css": "",
        "published": True,
        "uuid": uuid_of("dashboard", dashboard.name),
        "position": _position(dashboard, numbers),
        "metadata": {
            "native_filter_configuration": [_filter(spec, dashboard, each, numbers) for each in dashboard.filters],
            "color_scheme": "supersetColors",
            "cross_filters_enabled": False,
            "refresh_frequency": 0,
            "expanded_slices": {},
            "timed_refresh_immune_slices": [],
        },
        "version": "1.0.0",
    }


def _position(dashboard: Dashboard, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Where each chart is. The import finds a chart by `meta.uuid` and puts its own number for ours."""
    rows = {f"ROW-{number}": row for number, row in enumerate(dashboard.rows, start=1)}
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": list(rows), "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": str(dashboard.title)}},
    }
    for row_id, row in rows.items():
        position[row_id] = {
            "type": "ROW",
            "id": row_id,
            "children": [f"CHART-{chart.name}" for chart in row],
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart in row:
            position[f"CHART-{chart.name}"] = {
                "type": "CHART",
                "id": f"CHART-{chart.name}",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row_id],
                "meta": {
                    "chartId": numbers[chart.name],
                    "uuid": uuid_of("chart", chart.name),
                    "sliceName": str(chart.title),
                    "width": chart.width,
                    "height": chart.height,
                },
            }
    return position


def _filter(spec: Spec, dashboard: Dashboard, filter_: Filter, numbers: Mapping[str, int]) -> dict[str, Any]:
    is_period = filter_.kind == "period"
    is_newest = filter_.kind == "newest"
    target = {"datasetUuid": uuid_of("dataset", filter_.mart), "column": {"name": filter_.column}}
    values = {
        "multiSelect": not is_newest,
        "enableEmptyFilter": is_newest,
        "defaultToFirstItem": is_newest,
        "sortAscending": not is_newest,
        "inverseSelection": False,
        "searchAllOptions": False,
    }
    return {
        "id": f"NATIVE_FILTER-{dashboard.name}-{filter_.kind}-{filter_.column}",
        "name": str(spec.columns[filter_.column].label),
        "type": "NATIVE_FILTER",
        "filterType": "filter_time" if is_period else "filter_select",
        "targets": [{}] if is_period else [target],
        "controlValues": {"enableEmptyFilter": False} if is_period else values,
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
        # Charts wait for the filter's first value; without this they are drawn without it.
        "requiredFirst": is_newest,
        "cascadeParentIds": [],
        "description": "",
        "scope": {
            "rootPath": ["ROOT_ID"],
            "excluded": [numbers[chart.name] for chart in dashboard.charts if not spec.acts_on(filter_, chart)],
        },
    }
