"""What Superset imports: the same text makes the same bytes, and everything in it finds what it names."""

import io
import json
import re
import zipfile
from typing import Any

import pytest
import yaml

from arrears.bi.assets import DATABASE_FILE, archive, asset_files
from arrears.bi.spec import Spec, read_spec

URI = "postgresql+psycopg2://bi_reader:XXXXXXXXXX@127.0.0.1:15432/warehouse"


@pytest.fixture(scope="module")
def spec() -> Spec:
    return read_spec()


@pytest.fixture(scope="module")
def files(spec: Spec) -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in asset_files(spec, uri=URI).items()}


def of_kind(files: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: content for name, content in files.items() if name.startswith(f"{kind}/")}


def test_the_same_text_makes_the_same_bytes(spec: Spec) -> None:
    first, second = (archive(asset_files(read_spec(), uri=URI)) for _ in range(2))
    assert first == second
    assert zipfile.ZipFile(io.BytesIO(first)).namelist()[0] == "assets/metadata.yaml"


def test_no_password_is_in_it(files: dict[str, Any]) -> None:
    assert files[DATABASE_FILE]["sqlalchemy_uri"] == URI
    assert files[DATABASE_FILE]["allow_dml"] is False


def test_charts_find_their_datasets_columns_and_measures(files: dict[str, Any]) -> None:
    datasets = {content["uuid"]: content for content in of_kind(files, "datasets").values()}
    charts = of_kind(files, "charts")
    assert len(charts) == len({chart["uuid"] for chart in charts.values()})
    for name, chart in charts.items():
        dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
        columns = {column["column_name"] for column in dataset["columns"]}
        measures = {metric["metric_name"] for metric in dataset["metrics"]}
        by = [params.get("x_axis"), *(params.get(key, []) for key in ("groupby", "groupbyRows", "groupbyColumns"))]
        shown = {column for each in by if each for column in ([each] if isinstance(each, str) else each)}
        assert shown <= columns, name
        assert {*params.get("metrics", []), params.get("metric")} - {None} <= measures, name


def test_dashboards_place_each_of_their_charts_once(spec: Spec, files: dict[str, Any]) -> None:
    """Superset finds a chart by `meta.uuid`; without it the place stays empty."""
    charts = {content["uuid"]: name for name, content in of_kind(files, "charts").items()}
    placed = [
        node["meta"]["uuid"]
        for dashboard in of_kind(files, "dashboards").values()
        for node in dashboard["position"].values()
        if isinstance(node, dict) and node["type"] == "CHART"
    ]
    assert sorted(placed) == sorted(charts)


def test_filters_leave_out_only_charts_of_their_dashboard(spec: Spec, files: dict[str, Any]) -> None:
    datasets = {content["uuid"] for content in of_kind(files, "datasets").values()}
    for dashboard in spec.dashboards:
        content = files[f"dashboards/{dashboard.name}.yaml"]
        numbers = {
            node["meta"]["chartId"]
            for node in content["position"].values()
            if isinstance(node, dict) and node["type"] == "CHART"
        }
        for filter_ in content["metadata"]["native_filter_configuration"]:
            assert set(filter_["scope"]["excluded"]) < numbers, filter_["id"]
            assert {target["datasetUuid"] for target in filter_["targets"] if target} <= datasets


def test_everything_is_called_something_in_both_languages(files: dict[str, Any]) -> None:
    both = re.compile(r".*[a-zA-Z].* · .*[\u4e00-\u9fff]")
    titles = [chart["slice_name"] for chart in of_kind(files, "charts").values()]
    titles += [dashboard["dashboard_title"] for dashboard in of_kind(files, "dashboards").values()]
    titles += [
        metric["verbose_name"] for dataset in of_kind(files, "datasets").values() for metric in dataset["metrics"]
    ]
    filters = [
        filter_
        for dashboard in of_kind(files, "dashboards").values()
        for filter_ in dashboard["metadata"]["native_filter_configuration"]
    ]
    titles += [filter_["name"] for filter_ in filters]
    assert [title for title in titles if not both.match(title)] == []
    assert {"Business date · 业务日期", "Product · 产品", "Jurisdiction · 司法辖区", "Vendor · 供应商"} <= set(titles)


def test_no_asset_names_a_person(files: dict[str, Any]) -> None:
    """Datasets are views of `bi` alone."""
    assert {dataset["schema"] for dataset in of_kind(files, "datasets").values()} == {"bi"}
    assert not re.search(r"full_name|phone_number|customer_id|loan_id", json.dumps(files))
