"""The board's pages behind Airflow's own authentication, as Airflow mounts them."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from board_day import decide, fill, undecide
from delivery_day import AS_OF, Day
from fastapi import FastAPI
from fastapi.testclient import TestClient

from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ROLES = {"looker": "VIEWER", "user": "USER", "operator": "OP", "boss": "ADMIN"}
PAGES = ("/arrears/", "/arrears/customer", "/arrears/docs/data/", "/arrears/docs/dbt/", "/arrears/nothing")


@pytest.fixture(scope="module")
def site(airflow: dict[str, str]) -> Iterator[FastAPI]:
    """Airflow's authentication over its own database, with the board mounted as Airflow mounts it."""
    from airflow import settings
    from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
    from airflow.api_fastapi.core_api.app import init_middlewares

    from arrears_board import board

    settings.configure_vars()
    settings.configure_orm()
    site = FastAPI()
    site.mount("/arrears", board)
    init_auth_manager(site)
    init_middlewares(site)
    _know_dags()
    yield site
    purge_cached_app()


def _know_dags() -> None:
    """A run of the day that failed, one of another day, and one that carries no business date."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    runs = {"build_marts": ("failed", str(AS_OF)), "load_core_banking": ("success", "2020-04-14")}
    with create_session() as session:
        session.merge(DagBundleModel(name="dags-folder"))
        session.flush()
        for dag_id, (state, key) in (runs | {"ingest_vendor_results": ("success", None)}).items():
            session.merge(DagModel(dag_id=dag_id, bundle_name="dags-folder", is_stale=False))
            session.flush()
            run_id = f"{dag_id}_of_{key}"
            session.add(DagRun(dag_id=dag_id, run_id=run_id, run_type="manual", state=state, partition_key=key))


@pytest.fixture
def filled(day: Day) -> Iterator[Day]:
    fill(day)
    decide(day)
    yield day
    undecide(day)


def as_user(site: FastAPI, name: str) -> TestClient:
    """A browser of this user, with the cookie that a log-in leaves there."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username=name, role=ROLES[name], teams=None)
    return TestClient(site, cookies={"_token": get_auth_manager().generate_jwt(user)})


@pytest.mark.parametrize("page", PAGES)
def test_nobody_sees_a_page_without_a_token(site: FastAPI, filled: Day, page: str) -> None:
    for client in (TestClient(site), TestClient(site, cookies={"_token": "made.up.token"})):
        response = client.get(page)
        if page != "/arrears/nothing":
            assert response.status_code in (401, 403), response.text
        assert "demo_sms" not in response.text
    assert (
        TestClient(site).post("/arrears/customer", data={"customer_id": "C1", "day": "2020-04-15"}).status_code == 401
    )


def test_every_route_but_the_style_sheet_asks_airflow_who_it_is() -> None:
    from arrears.board.access import customers_reader, figures_reader
    from arrears.board.app import app

    open_to_all = [
        route.path  # type: ignore[attr-defined]
        for route in app.routes
        if not {figures_reader, customers_reader} & {each.call for each in route.dependant.dependencies}  # type: ignore[attr-defined]
    ]

    assert open_to_all == ["/static/{name}"]


def test_whoever_sees_airflow_sees_the_figures_of_the_day(site: FastAPI, filled: Day) -> None:
    for name in ROLES:
        response = as_user(site, name).get("/arrears/")
        assert response.status_code == 200
        for text in ("Wednesday, 15 April 2020", "build_marts failed", "49 of 50 rows taken", "A promise to pay"):
            assert text in response.text, (name, text)


def test_the_state_of_a_dag_is_that_of_its_run_for_the_day(site: FastAPI, filled: Day) -> None:
    page = as_user(site, "looker").get("/arrears/", params={"day": str(AS_OF)}).text

    assert "/dags/build_marts/runs/build_marts_of_2020-04-15" in page
    assert "load_core_banking_of" not in page  # its run is of the day before
    assert "/dags/ingest_vendor_results/runs/ingest_vendor_results_of_None" in page  # of the newest day


def test_an_earlier_day_is_shown_with_its_neighbours(site: FastAPI, filled: Day) -> None:
    filled.insert("ops.load_batch", generation=1, as_of="2020-04-14", state="aborted", reason="a rule is red")

    page = as_user(site, "looker").get("/arrears/", params={"day": "2020-04-14"}).text

    assert "Tuesday, 14 April 2020" in page and "?day=2020-04-15" in page
    assert "load_core_banking_of_2020-04-14" in page and "ingest_vendor_results_of" not in page
    assert "Wednesday" in as_user(site, "looker").get("/arrears/", params={"day": "no day"}).text


def test_a_load_whose_gate_has_not_ended_is_shown(site: FastAPI, filled: Day) -> None:
    batch_id = filled.land("customers", state="landed")
    filled.insert("ops.load_table", batch_id=batch_id, table_name="loans", is_full=False, source_rows=9, landed_rows=9)

    page = as_user(site, "looker").get("/arrears/").text

    assert "189 rows landed, 3 rejected" in page


def test_the_page_is_there_before_anything_ran_and_while_the_warehouse_is_away(
    site: FastAPI, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.run("delete from ops.mart_build")
    assert "Nothing has run yet" in as_user(site, "looker").get("/arrears/").text
    monkeypatch.setenv("ARREARS_POSTGRES_PORT", "1")
    response = as_user(site, "looker").get("/arrears/")
    assert response.status_code == 503 and "The warehouse does not answer" in response.text


def test_only_those_with_the_right_are_offered_a_customer_and_may_ask(site: FastAPI, filled: Day) -> None:
    asked = {"customer_id": "C1", "day": "2020-04-15"}
    for name, may in (("looker", False), ("user", False), ("operator", True), ("boss", True)):
        client = as_user(site, name)
        assert ("/arrears/customer" in client.get("/arrears/").text) is may, name
        assert client.get("/arrears/customer").status_code == (200 if may else 403), name
        assert (client.post("/arrears/customer", data=asked).status_code == 403) is not may, name


def test_an_auth_manager_that_knows_views_is_asked_for_the_view(site: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from arrears.board import access

    class KnowsViews:
        def is_authorized_custom_view(self, *, method: str, resource_name: str, user: SimpleAuthManagerUser) -> bool:
            return (method, resource_name, user.get_name()) == ("GET", "Arrears customers", "steward")

    monkeypatch.setattr(access, "get_auth_manager", KnowsViews)
    for name, may in (("steward", True), ("boss", False)):
        assert access.may_look_up(SimpleAuthManagerUser(username=name, role="ADMIN", teams=None)) is may


def test_what_a_page_may_load_comes_from_itself_alone_and_nothing_is_kept(site: FastAPI, filled: Day) -> None:
    headers = as_user(site, "looker").get("/arrears/").headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_what_is_shown_is_text_whatever_it_holds(site: FastAPI, filled: Day) -> None:
    filled.run("update ops.quality_results set found = '<script>alert(1)</script>'")

    page = as_user(site, "looker").get("/arrears/").text

    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_documents_are_served_from_their_directory_alone(
    site: FastAPI, filled: Day, server: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arrears.board.app.get_settings", lambda: filled.settings.model_copy(update={"home": tmp_path}))
    page = tmp_path / "data_docs" / "validations" / "marts" / "fct_contact_decision" / "1.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>Page of a gate</h1>")
    (tmp_path / "data_docs" / "results.json").write_text("{}")
    (tmp_path / "secret.html").write_text("secret")
    (tmp_path / "dbt_docs").mkdir()
    (tmp_path / "dbt_docs" / "index.html").write_text("<h1>Models</h1>")
    client = as_user(site, "looker")

    assert "Page of a gate" in client.get("/arrears/docs/data/validations/marts/fct_contact_decision/1.html").text
    assert "Models" in client.get("/arrears/docs/dbt/").text
    for path in ("results.json", "../secret.html", "..%2fsecret.html", "%2e%2e/secret.html", "gone.html"):
        response = client.get(f"/arrears/docs/data/{path}")
        assert response.status_code == 404 and "secret" not in response.text, path


def test_a_red_rule_links_to_its_page_while_the_page_is_kept(site: FastAPI, filled: Day) -> None:
    page = filled.settings.home / "data_docs" / "validations" / "landing" / "loans" / "2.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("")

    text = as_user(site, "looker").get("/arrears/").text

    assert "/arrears/docs/data/validations/landing/loans/2.html" in text
    assert text.count("/arrears/docs/data/validations") == 1 and text.count("not kept") == 2


def test_behind_a_path_of_a_proxy_all_links_begin_with_it(site: FastAPI, filled: Day) -> None:
    cookies = as_user(site, "looker").cookies

    page = TestClient(site, root_path="/bank", cookies=cookies).get("/bank/arrears/").text

    assert 'href="/bank/arrears/static/board.css"' in page and 'href="/bank/dags/build_marts' in page


def test_who_looked_at_a_customer_is_written_down_and_the_id_is_in_no_address(
    site: FastAPI, filled: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def explained(_: Settings, **asked: object) -> None:
        calls.append(asked)
        raise psycopg2.OperationalError

    monkeypatch.setattr("arrears.board.app.explained", explained)

    response = as_user(site, "operator").post("/arrears/customer", data={"customer_id": " C1 ", "day": "2020-04-15"})

    assert calls == [{"customer_id": "C1", "as_of": AS_OF, "asked_by": "operator"}]
    assert response.status_code == 503 and str(response.url).endswith("/arrears/customer")
