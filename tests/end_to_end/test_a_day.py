"""A business day as a newcomer sees it: `make demo`'s command, then other banks and days on the same system.

The tests build on each other, in the order of this file, as a person's first hour would.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from board_walk import SCREENS, Visitor, faults_of, tab_order, visitor, wait_for_file
from browser import chromium, open_page, require_chromium
from dashboards import TALL, Superset, figures_asked, figures_shown, written
from listeners import StatsdServer
from playwright.sync_api import Browser
from running_system import System, mentions

from arrears.bi.spec import Spec, read_spec
from arrears.services.superset import ENVIRONMENT as SUPERSET
from arrears.settings import PROJECT_ROOT

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.sftp, pytest.mark.slow, pytest.mark.timeout(1500)]

CHANNELS = {"sms", "phone", "field_visit", "legal", "care"}
LISTS = """
    select batch_id, vendor, channel, state, row_count, as_of from ops.delivery_batch
    where kind = 'contact_list' and state <> 'superseded'
        and generation = (select max(generation) from ops.source_generation)
    order by batch_id
"""


@pytest.fixture(scope="module")
def demo_output(system: System) -> str:
    result = system.arrears("demo")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="module")
def as_of(system: System, demo_output: str) -> date:
    return system.query("select max(as_of) from marts.fct_loan_delinquency")[0][0]


@pytest.fixture(scope="module")
def bi() -> Spec:
    return read_spec()


def test_the_demo_says_what_it_did(demo_output: str, as_of: date) -> None:
    for word in (*CHANNELS, "demo_sms", "NOT_THIS_TIER", "M1", str(as_of), "Data Docs"):
        assert word in demo_output


def test_every_vendor_has_its_list_and_has_answered(system: System, demo_output: str) -> None:
    lists = system.query(LISTS)
    assert {channel for _, _, channel, *_ in lists} == CHANNELS
    for batch_id, _, channel, state, row_count, _ in lists:
        assert state in {"acknowledged", "closed"}, batch_id
        assert row_count > 0, channel


def test_what_lies_at_the_vendor_is_what_the_ledger_says(system: System, demo_output: str) -> None:
    for batch_id, vendor, _, _, row_count, _ in system.query(LISTS):
        manifests = list((system.home / "vendors" / vendor / "outbound").rglob(f"{batch_id}.manifest.json"))
        assert len(manifests) == 1, batch_id
        manifest = json.loads(manifests[0].read_text())
        stored = dict(
            system.query(f"select name, sha256 from ops.delivery_file where batch_id = '{batch_id}' and position >= 0")
        )
        assert manifest["files"][0]["rows"] == row_count
        for file in manifest["files"]:
            content = (manifests[0].parent / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"] == stored[file["name"]]
            assert len(content) == file["bytes"]
        assert not list(manifests[0].parent.glob("*.part"))


def test_lists_are_the_contact_rows_and_nothing_else(system: System, demo_output: str, as_of: date) -> None:
    decided = system.query(
        f"select batch_id, contact_ref from marts.fct_contact_decision where as_of = '{as_of}' and decision = 'contact'"
    )
    sent = system.query(
        f"""
        select batch_id, contact_ref from ops.delivery_item inner join ops.delivery_batch using (batch_id)
        where kind = 'contact_list' and state <> 'superseded' and as_of = '{as_of}'
        """
    )
    assert sorted(decided) == sorted(sent)
    assert len(sent) == len(set(sent)) > 100


def test_two_different_people_approved_each_legal_referral(system: System, demo_output: str) -> None:
    referrals = system.query(
        """
        select
            items.customer_id,
            count(distinct approvals.approver) filter (where approvals.is_approved),
            bool_and(approvals.is_demo)
        from ops.delivery_item as items
        inner join ops.delivery_batch as batches using (batch_id)
        inner join ops.legal_approval as approvals using (customer_id, currency)
        where batches.channel = 'legal'
        group by items.customer_id
        """
    )
    assert referrals
    assert all(approvers == 2 and is_demo for _, approvers, is_demo in referrals)


def test_legal_files_are_encrypted(system: System, demo_output: str) -> None:
    files = [path for path in (system.home / "vendors" / "demo_law" / "outbound").rglob("legal-*") if path.is_file()]
    assert len(files) > 2
    for path in files:
        if not path.name.endswith(".manifest.json"):
            assert path.suffix == ".pgp", path.name


def test_whoever_paid_late_is_recalled(system: System, demo_output: str) -> None:
    recalled = system.query(
        """
        select items.reason from ops.delivery_item as items
        inner join ops.delivery_batch as batches using (batch_id)
        where batches.kind = 'recall' and batches.vendor = 'demo_sms'
        """
    )
    assert recalled


def test_results_feed_the_marts(system: System, demo_output: str) -> None:
    assert system.query("select count(*) from marts.fct_contact_attempt")[0][0] > 100
    assert system.query("select count(*) from marts.fct_promise")[0][0] > 0
    assert system.query("select sum(attempts) from marts.collector_performance")[0][0] > 0
    assert {
        channel for (channel,) in system.query("select distinct channel from marts.channel_performance")
    } >= CHANNELS


def test_lists_can_be_planned_again_after_results_came(system: System, demo_output: str) -> None:
    """Marts of results are built again by day; the views of lists that look at the same tables must outlive that."""
    views = {f"int_contact_list__{channel}" for channel in CHANNELS}
    listed = "select viewname from pg_views where starts_with(viewname, 'int_contact_list__')"
    assert {view for (view,) in system.query(listed)} == views


def test_the_published_days_past_due_are_met(system: System, demo_output: str, real_data: Path) -> None:
    import pandas

    tape = pandas.read_csv(real_data / "ally_aart2895_2019_loans.csv.gz", dtype={"assetNumber": str})
    published = dict(zip(tape["assetNumber"], tape["currentDelinquencyStatus"], strict=True))
    ours = dict(system.query("select loan_id, days_past_due from marts.fct_loan_delinquency"))
    late = {loan: days for loan, days in published.items() if days > 0}
    assert len(late) == 225
    assert {loan: ours[loan] for loan in late} == late


def test_a_second_demo_changes_nothing(system: System, demo_output: str) -> None:
    counts = "select (select count(*) from ops.load_batch), (select count(*) from ops.delivery_batch)"
    before = system.query(counts)
    result = system.arrears("demo")
    assert result.returncode == 0, result.stderr
    assert system.query(counts) == before


def test_nothing_personal_in_logs_and_results(system: System, demo_output: str) -> None:
    """Phones and names of listed customers stand in no log, no quality result and no page of Data Docs."""
    secrets = system.query(
        """
        select points.value from landing.contact_points as points
        where
            points.kind in ('mobile', 'landline', 'email')
            and points.customer_id in (select customer_id from ops.delivery_item)
        union
        select full_name from landing.customers where customer_id in (select customer_id from ops.delivery_item)
        """
    )
    needles = {value for (value,) in secrets if value}
    assert len(needles) > 100
    wait_for_file(system.home / "dbt_docs" / "index.html")
    assert mentions(needles, *(system.home / folder for folder in ("logs", "data_docs", "dbt_docs"))) == []
    results = str(system.query("select expected, found from ops.quality_results"))
    assert not any(needle in results for needle in needles)


def flow(found: list[dict[str, Any]], job: str) -> tuple[set[str], set[str]]:
    """What a job read and wrote, by the event that says that it is done."""
    [done] = [event for event in found if event["job"]["name"] == job and event["eventType"] == "COMPLETE"][-1:]
    return tuple({f"{each['namespace']} {each['name']}" for each in done[way]} for way in ("inputs", "outputs"))


def test_lineage_leads_from_core_banking_to_the_vendors(system: System, demo_output: str) -> None:
    found = system.lineage()
    database = f"postgres://127.0.0.1:{system.environment['ARREARS_POSTGRES_PORT']}"
    warehouse = f"{database} warehouse"
    vendor = f"sftp://demo_sms@127.0.0.1:{system.environment['ARREARS_SFTP_PORT']} /outbound"

    read, written = flow(found, "load_core_banking.load")
    assert f"{database} core_banking.core_banking.loans" in read
    assert f"{warehouse}.landing.loans" in written
    read, written = flow(found, "build_marts.build")
    assert f"{warehouse}.landing.loans" in read and f"{warehouse}.marts.fct_loan_delinquency" in written
    read, written = flow(found, "dispatch_contact_lists.demo_sms.build")
    assert (read, written) == (
        {f"{warehouse}.intermediate.int_contact_list__sms"},
        {f"{warehouse}.ops.delivery_file"},
    )
    assert flow(found, "dispatch_contact_lists.demo_sms.deliver") == ({f"{warehouse}.ops.delivery_file"}, {vendor})
    # dbt tells of its own models, by the names that the tasks around it use, as children of the task that ran it.
    read, written = flow(found, "warehouse.staging.arrears.stg_core_banking__loans.build.run")
    assert f"{warehouse}.landing.loans" in read and written == {f"{warehouse}.staging.stg_core_banking__loans"}
    [model] = [e for e in found if e["job"]["name"].endswith("int_contact_list__sms.build.run")][:1]
    assert model["run"]["facets"]["parent"]["job"] == {"namespace": "arrears", "name": "build_marts.build"}
    for dag in ("load_core_banking", "build_marts", "dispatch_contact_lists"):
        assert {"START", "COMPLETE"} <= {event["eventType"] for event in found if event["job"]["name"] == dag}


def test_lineage_speaks_of_nobody(system: System, demo_output: str) -> None:
    """Neither of customers, by any name or number of theirs, nor of those who answered or started something."""
    values = system.query(
        """
        select value from landing.contact_points
        union select full_name from landing.customers
        union select national_id from landing.customers
        union select customer_id from landing.customers
        union select loan_id from landing.loans
        union select contact_ref from ops.delivery_item
        union select approver from ops.legal_approval
        """
    )
    assert len(values) > 10_000
    assert mentions((value for (value,) in values if value and len(value) > 3), system.home / "lineage.jsonl") == []


def test_metrics_say_what_the_ledger_says(system: System, demo_output: str, statsd: StatsdServer) -> None:
    landed = system.query("select table_name, sum(landed_rows) from ops.load_table group by table_name")
    counted = statsd.total("airflow.arrears.rows_landed")
    assert {f"table={table}": rows for table, rows in landed} == counted
    sent = system.query(
        "select vendor, kind, count(*), sum(row_count) from ops.delivery_batch"
        " where kind in ('contact_list', 'stop', 'recall') and state in ('uploaded', 'acknowledged', 'closed')"
        " group by vendor, kind"
    )
    assert statsd.total("airflow.arrears.lists_delivered") == {f"vendor={v},kind={k}": n for v, k, n, _ in sent}
    assert statsd.total("airflow.arrears.rows_delivered") == {f"vendor={v},kind={k}": n for v, k, _, n in sent}
    results = system.query(
        "select _vendor, count(*)"
        " from (select _vendor from landing.vendor_result union all select _vendor from landing.vendor_qa) as sent"
        " group by _vendor"
    )
    loaded = statsd.total("airflow.arrears.results_loaded")
    assert {f"vendor={vendor}": rows for vendor, rows in results} == {tags: n for tags, n in loaded.items() if n}
    assert statsd.total("airflow.arrears.dbt_build")["what=day"] > 1000
    assert statsd.total("airflow.arrears.gates_red") == {}
    # Airflow's own go there, too.
    assert statsd.total("airflow.task.duration")


def test_deliveries_are_shown_and_agree_with_what_lies_at_the_vendors(
    system: System, demo_output: str, as_of: date
) -> None:
    result = system.arrears("deliveries", "--as-of", str(as_of), "--reconcile")
    assert result.returncode == 0, result.stderr
    assert "sms-demo_sms-" in result.stdout
    counted = [line for line in result.stdout.splitlines() if line.endswith(" 0 │")]
    assert [line.split()[1] for line in counted] == ["customers", "rows", "files", "result", "payments"]
    assert f"{as_of} agrees: the directories of 5 vendors" in result.stdout


def test_bi_reader_reads_views_and_no_personal_data(system: System, demo_output: str) -> None:
    assert system.query("select count(*) from bi.fct_loan_delinquency", "warehouse", "--role", "bi_reader")[0][0] > 0
    for relation in ("marts.dim_customer", "landing.customers", "ops.delivery_item"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            system.query(f"select * from {relation}", "warehouse", "--role", "bi_reader")


@pytest.fixture(scope="module")
def browser(system: System, demo_output: str) -> Iterator[Browser]:
    require_chromium()
    wait_for_file(system.home / "dbt_docs" / "index.html")
    wait_for_file(system.home / "data_docs" / "index.html")
    with chromium() as running:
        yield running


def visit(browser: Browser, system: System, user: str = "admin", **screen: Any) -> AbstractContextManager[Visitor]:
    password = (system.home / "secrets" / f"airflow_user_{user}").read_text()
    return visitor(browser, f"http://127.0.0.1:{system.environment['ARREARS_AIRFLOW_PORT']}", user, password, **screen)


def pages_of(system: System) -> list[str]:
    """A page of each kind."""
    [(result,)] = system.query("select docs_path from ops.quality_results where not success limit 1")
    documents = ("", f"data/{result}", "data/expectations/marts/fct_contact_decision.html")
    return ["", "customer", *(f"docs/{path}" for path in documents if path), "docs/data/", "docs/dbt/"]


def test_the_board_is_reached_by_airflows_navigation_and_leads_back(browser: Browser, system: System) -> None:
    password = (system.home / "secrets" / "airflow_user_admin").read_text()
    with open_page(browser) as page:
        user = Visitor(page, f"http://127.0.0.1:{system.environment['ARREARS_AIRFLOW_PORT']}")
        user.log_in("admin", password)
        user.complaints.take()  # Airflow's own, of somebody who is not logged in yet
        board = user.board_in_airflow()
        assert "demo_sms" in board.inner_text("main")
        board.get_by_role("link", name="Data Docs", exact=True).first.click()
        board.wait_for_url("**/arrears/docs/data/**")
        board.get_by_role("link", name="Board").click()
        board.get_by_role("link", name="build_marts").click()
        page.wait_for_url("**/dags/build_marts/runs/**")
        assert page.locator("iframe").count() == 0, "Airflow's page opened inside the board's frame"
        assert user.complaints.take() == []


@pytest.mark.parametrize(("size", "scheme"), SCREENS)
def test_each_page_can_be_read_on_a_laptop_and_a_phone_by_day_and_by_night(
    browser: Browser, system: System, size: tuple[int, int], scheme: str
) -> None:
    with visit(browser, system, size=size, scheme=scheme) as user:
        for path in pages_of(system):
            assert faults_of(user.go(f"/arrears/{path}")) == [], path
            assert user.complaints.take() == [], path
        inside = user.page.frames[-1]
        assert inside.get_by_text("Arrears: models and columns").count() == 1
        assert inside.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_all_of_the_board_is_reached_by_the_keyboard(browser: Browser, system: System, as_of: date) -> None:
    with visit(browser, system) as user:
        page = user.go("/arrears/")
        names = tab_order(page)
        assert names[0] == "Skip to the page"
        wanted = set(page.locator("a, button, input, summary").all_inner_texts())
        assert {name.strip() for name in wanted} - {""} <= set(names) | {"‹", "›", "Data Docs"}
        assert names.index("Show") < names.index("load_core_banking") < names.index("Contact lists by vendor")


def test_who_may_see_figures_sees_no_customer_and_nothing_personal(
    browser: Browser, system: System, as_of: date
) -> None:
    people = system.query(
        """
        select points.value from landing.contact_points as points
        union select full_name from landing.customers
        union select customer_id from ops.delivery_item
        """
    )
    with visit(browser, system, "demo_viewer") as user:
        for path in (path for path in pages_of(system) if path != "customer"):
            text = user.go(f"/arrears/{path}").content()
            assert "A customer" not in text
            assert [value for (value,) in people if value and f">{value}<" in text] == [], path
        assert user.complaints.take() == []
        answer = user.page.request.post(
            f"{user.url}/arrears/customer", form={"customer_id": people[0][0], "day": str(as_of)}
        )
        assert answer.status == 403


def test_who_may_looks_up_a_customer_and_that_is_written_down(browser: Browser, system: System, as_of: date) -> None:
    [(customer, reason)] = system.query(
        f"select customer_id, reason_code from marts.fct_contact_decision where as_of = '{as_of}'"
        " and reason_code = 'HARDSHIP_REQUESTED' limit 1"
    )
    with visit(browser, system, "demo_approver_one") as user:
        page = user.go(f"/arrears/customer?day={as_of}")
        page.get_by_label("Customer id").fill(customer)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Decisions").wait_for()
        assert reason in page.inner_text("main") and customer not in page.url
        assert faults_of(page) == [] and user.complaints.take() == []
    looks = system.query(f"select person, purpose from ops.personal_data_access where customer_id = '{customer}'")
    assert looks == [("demo_approver_one", "board")]
    for log in (system.home / "logs").glob("airflow-*.log"):
        assert customer not in log.read_text(), log


def test_what_bi_may_ask_and_be_told_is_about_nobody(system: System, demo_output: str) -> None:
    """No view, function or error message gives `bi_reader` a name, a number, an address or an id of a customer."""
    needles = system.query(
        """
        select full_name from landing.customers where full_name is not null
        union select value from landing.contact_points where value is not null
        union select customer_id from landing.customers
        union select loan_id from landing.loans
        """
    )
    values = {value for (value,) in needles if len(value) > 4}
    with closing(psycopg2.connect(system.dsn("warehouse", "--role", "bi_reader"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select schemaname || '.' || viewname from pg_views where schemaname = 'bi'")
            views = [view for (view,) in cursor.fetchall()]
            assert len(views) > 20
            for view in views:
                cursor.execute(f"select * from {view}")
                seen = {value for row in cursor.fetchall() for value in row if isinstance(value, str)}
                assert not seen & values, view
                # An error quotes a row: of what the reader sees, and not of what lies below.
                with pytest.raises(psycopg2.DataError) as error:
                    cursor.execute(
                        f"select cast(coalesce(max(cast(shown as text)), 'nothing') as integer) from {view} as shown"
                    )
                assert not any(value in str(error.value) for value in values), view
            for function in ("marts.loan_delinquency_on('2019-08-31')", "ops.read_customer('x', 'curious')"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(f"select * from {function}")


def test_every_chart_has_rows(system: System, demo_output: str, bi: Spec) -> None:
    silent = []
    with closing(psycopg2.connect(system.dsn("warehouse", "--role", "bi_reader"))) as connection:
        for dashboard in bi.dashboards:
            for chart in dashboard.charts:
                with connection, connection.cursor() as cursor:
                    cursor.execute(bi.query(dashboard, chart))
                    rows = cursor.fetchall()
                figures = [value for row in rows for value in row[len(chart.dimensions) :] if value is not None]
                silent += [] if figures or chart.needs else [chart.name]
    # Whether a customer rates a conversation is chance.
    assert set(silent) <= {"satisfaction"}


def test_the_queries_of_the_bi_page_run(system: System, demo_output: str) -> None:
    page = (PROJECT_ROOT / "docs" / "bi.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(queries) == 6
    for query in queries[:-1]:
        assert system.query(query, "warehouse", "--role", "bi_reader"), query
    assert system.query(queries[-1], "warehouse", "--role", "bi_reader") == [], "every list was acknowledged"


def test_dashboards_show_what_the_marts_say(browser: Browser, system: System, demo_output: str, bi: Spec) -> None:
    """In a browser: every chart is drawn without an error, with the figures of a direct query, and says them."""
    if not (SUPERSET / "bin" / "gunicorn").exists() and os.environ.get("CI") != "true":
        pytest.skip(f"Superset is not installed in {SUPERSET}: `make bi` does it")
    started = system.arrears("bi")
    assert started.returncode == 0, started.stderr
    assert "Portfolio · 资产组合" in started.stdout
    password = (system.home / "secrets" / "superset_admin").read_text()
    url = f"http://127.0.0.1:{system.environment['ARREARS_SUPERSET_PORT']}"
    dsn = system.dsn("warehouse", "--role", "bi_reader")
    with open_page(browser, TALL) as page, closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        superset = Superset(page, url, password)
        for dashboard in bi.dashboards:
            drawn = superset.open(dashboard)
            may_be_empty = [chart for chart in dashboard.charts if chart.needs]
            assert (drawn.complaints, superset.errors(may_be_empty)) == ([], []), dashboard.name
            for chart in dashboard.charts:
                with connection.cursor() as cursor:
                    cursor.execute(bi.query(dashboard, chart))
                    rows = cursor.fetchall()
                assert figures_shown(bi, chart, drawn.data[chart.name]) == figures_asked(chart, rows), chart.name
                if chart.kind in ("number", "table"):
                    said = superset.text_of(chart)
                    missing = [figure for figure in written(bi, chart, rows) if figure not in said]
                    assert missing == [], chart.name

    again = system.arrears("bi")
    assert again.returncode == 0 and again.stdout == started.stdout
    assert "Superset" in system.arrears("status").stdout


def test_retention_erases_what_is_past_its_time_and_keeps_the_rest(
    system: System, demo_output: str, as_of: date
) -> None:
    """Five years later lists and whoever has repaid are past their time; referrals to lawyers and who owes are not."""
    names = """
        select
            count(distinct customer_id) filter (where full_name is not null),
            count(distinct customer_id) filter (where full_name is not null and customer_id in (
                select customer_id from marts.fct_loan_delinquency
            ))
        from landing.customers
    """
    [(named, debtors)] = system.query(names)

    state, logs = system.run_dag("enforce_retention", as_of + timedelta(days=1830))

    assert state == "success", logs
    results = system.query("select data_class, erased, still_due from ops.retention_result")
    erased = {data_class: rows for data_class, rows, _ in results if rows}
    assert {still_due for _, _, still_due in results} == {0}
    assert erased.keys() == {"customer", "decision", "delivered_file", "vendor_note"}
    assert system.query(names) == [(named - erased["customer"], debtors)]
    assert "still due" in " ".join(logs["report"])
    files = [path.name for path in (system.home / "vendors").glob("*/outbound/*/*")]
    lists = [name for name in files if not name.endswith(".manifest.json")]
    assert lists and all(name.startswith("legal-") for name in lists)
