"""The warehouse is restored to a moment before the day's lists left, by the commands of the run-book."""

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest
from delivery_day import AS_OF, Day
from ports import free_port
from vendor_servers import send_stop, server_of

from arrears.delivery import list_gate
from arrears.delivery.adopt import adopt
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.recall import plan_recalls, write_recall
from arrears.delivery.reconcile import differences
from arrears.delivery.send import deliver
from arrears.errors import DeliveryError
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.privacy.erase import erase
from arrears.privacy.erase_again import erase_again
from arrears.quality.suites import RuleResult, Severity
from arrears.services import postgres
from arrears.services.postgres import PostgresService, admin_connection
from arrears.services.sftp import SftpService
from arrears.services.stack import start_databases
from arrears.settings import PROJECT_ROOT, Settings, get_settings

pytestmark = [pytest.mark.postgres, pytest.mark.sftp, pytest.mark.slow]

SMS = "demo_sms"


@dataclass
class Server:
    """A PostgreSQL of this test's own that archives what it writes."""

    settings: Settings

    @property
    def service(self) -> PostgresService:
        return PostgresService(self.settings)

    @property
    def backup(self) -> Path:
        return self.settings.home / "backup"

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with closing(admin_connection(self.settings, "postgres")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def day(self) -> Day:
        return Day(psycopg2.connect(self.settings.dsn("warehouse", "pipeline")), self.settings)

    def wait_until(self, condition: str) -> None:
        deadline = time.monotonic() + 60
        while self.ask(f"select {condition}") != [(True,)]:
            assert time.monotonic() < deadline, condition
            time.sleep(0.1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="arrears-restore-"))
    home.chmod(0o755)
    for name, value in (("HOME", str(home)), ("POSTGRES_PORT", str(free_port())), ("SFTP_PORT", str(free_port()))):
        monkeypatch.setenv(f"ARREARS_{name}", value)
    server, vendors = Server(get_settings()), SftpService(get_settings())
    try:
        start_databases(server.settings)
        vendors.start()
        server.backup.mkdir()
        postgres._hand_over(server.backup)
        yield server
    finally:
        vendors.stop()
        server.service.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def green_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    green = RuleResult("all", "NONE", Severity.ABORT, True, 1, 0, "green", "green")
    monkeypatch.setattr(list_gate, "check", lambda *arguments, **options: [green])


# The run-book -------------------------------------------------------------------------------------------------------


def by_the_book(server: Server, title: str, **values: str) -> None:
    """Do what a section of the run-book says, as the user of the server."""
    page = (PROJECT_ROOT / "docs" / "runbook" / "backup-and-restore.md").read_text()
    section = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    (commands,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    variables = {
        "PATH": f"{Path(postgres._binary('psql')).parent}:/usr/bin:/bin",
        "PGHOST": server.settings.postgres_host,
        "PGPORT": str(server.settings.postgres_port),
        "PGUSER": "postgres",
        "PGPASSWORD": server.settings.secret("postgres_postgres"),
        "PGDATA": str(server.service.data),
        "BACKUP": str(server.backup),
        **values,
    }
    assignments = [f"{name}={value}" for name, value in variables.items()]
    result = postgres._run(["env", *assignments, "bash", "-euc", commands])
    assert result.returncode == 0, result.stderr


def send(day: Day, sftp: VendorSftp) -> str:
    """A vendor's list, as the DAG sends it; the batch."""
    (plan,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor=SMS)
    write_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    gate_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    deliver(day.warehouse, sftp, batch_id=plan.batch_id, settings=day.settings, now=day.at(8))
    return plan.batch_id


def bank(day: Day) -> None:
    """Customers with a loan each, as core banking has them; C9 has none any more."""
    for number in (1, 2, 3, 4):
        day.loan(f"L{number}", f"C{number}", Decimal("200.00"))
        day.land("loans", {"loan_id": f"L{number}", "customer_id": f"C{number}", "currency": "USD"})
    day.land("customers", {"customer_id": "C9", "full_name": "Zhang Wei"})


def test_a_day_goes_on_after_a_restore_and_nothing_is_sent_twice(server: Server) -> None:
    settings = server.settings
    by_the_book(server, "Archive the log")
    server.service.stop()
    server.service.start()
    day = server.day()
    day.create_tables()
    day.begin()
    bank(day)
    by_the_book(server, "Back up")
    for number in (1, 2, 3):
        day.contact("sms", f"C{number}", amount_due=Decimal("200.00"))
    ((moment,),) = day.run("select clock_timestamp()::text")

    # The list leaves, and a customer is erased; then somebody drops a table.
    with VendorSftp(server_of(settings, SMS)) as sftp:
        send_stop(day.warehouse, sftp, vendor=SMS, as_of=AS_OF, now=day.at(6), settings=settings)
        batch_id = send(day, sftp)
    erase(day.warehouse, ["C9"], as_of=AS_OF, cause="request", settings=settings)
    day.run("drop table landing.loan_transactions cascade")
    day.warehouse.close()
    by_the_book(server, "Restore", RESTORE_TO=moment)
    server.service.start()
    server.wait_until("not pg_is_in_recovery()")

    # The warehouse is as it was. Since then C1 paid and C4 fell behind: the decisions are others now.
    day = server.day()
    assert day.run("select count(*) from ops.delivery_batch") == [(0,)]
    assert day.run("select full_name from landing.customers where customer_id = 'C9'") == [("Zhang Wei",)]
    assert erase_again(day.warehouse, settings) == 1
    assert erase_again(day.warehouse, settings) == 0
    assert day.run("select customer_id, full_name from landing.customers where customer_id like 'erased-%%'") == [
        (day.run("select erasure_id from ops.erasure")[0][0], None)
    ]
    day.run("delete from intermediate.int_contact_list__sms where customer_id = 'C1'")
    day.run(
        "update marts.fct_contact_decision set decision = 'suppress', reason_code = 'NOT_IN_ARREARS'"
        " where customer_id = 'C1'"
    )
    held = outbound(settings)

    with VendorSftp(server_of(settings, SMS)) as sftp:
        # Whatever is tried, nothing leaves beside what the ledger has forgotten, and the one check names it.
        with pytest.raises(DeliveryError, match=r"holds another manifest .* --adopt"):
            send(day, sftp)
        day.contact("sms", "C4", amount_due=Decimal("200.00"))
        with pytest.raises(DeliveryError, match=f"has {batch_id}, stop-{SMS}-20200415-01 of 2020-04-15, .* --adopt"):
            send(day, sftp)
        assert outbound(settings) == held
        found = differences(day.warehouse, {SMS: sftp}, as_of=AS_OF)
        assert f"{batch_id}: is superseded, and {SMS} has its manifest" in found

        adopted = adopt(day.warehouse, sftp, vendor=SMS, as_of=AS_OF, settings=settings)
        assert [(each.batch_id, each.rows, each.unknown_rows) for each in adopted] == [
            (batch_id, 3, 0),
            (f"stop-{SMS}-20200415-01", 0, 0),
        ]
        send_stop(day.warehouse, sftp, vendor=SMS, as_of=AS_OF, now=day.at(6), settings=settings)
        assert send(day, sftp) == batch_id
        assert outbound(settings) == held
        listed = day.run("select customer_id, contact_point_id from ops.delivery_item where batch_id = %s", batch_id)
        assert sorted(customer for customer, _ in listed) == ["C1", "C2", "C3"]
        # Whoever is to be left alone by now is recalled from it, and nobody else.
        (recall,) = plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(9), settings=settings)
        write_recall(day.warehouse, batch_id=recall.batch_id, settings=settings)
        deliver(day.warehouse, sftp, batch_id=recall.batch_id, now=day.at(9), settings=settings)
        assert [(row["contact_ref"], row["reason"]) for row in day.rows(recall.batch_id)] == day.run(
            "select contact_ref, 'nothing_due' from ops.delivery_item where batch_id = %s and customer_id = 'C1'",
            batch_id,
        )
        assert differences(day.warehouse, {SMS: sftp}, as_of=AS_OF) == [
            "sms: 1 decided contacts on no list",
            "sms: 1 contacts on a list that nobody decided",
        ]
    day.warehouse.close()


def outbound(settings: Settings) -> dict[str, bytes]:
    """What the vendor sees."""
    return {path.name: path.read_bytes() for path in (settings.home / "vendors" / SMS / "outbound").rglob("*.*")}
