"""`arrears forget`: refused while the law says keep; otherwise nothing is left of the person, and the figures stay."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2.extensions
import pytest
from decision_world import AS_OF
from marts_warehouse import Warehouse
from small_bank import good_rows, insert, later

from arrears.erasure_register import erasure_key
from arrears.errors import ConfigurationError
from arrears.landing.load import load_batch
from arrears.privacy import erase as erase_module
from arrears.privacy.erase import erase
from arrears.privacy.forget import ErasureRefusedError, Proof, UnknownCustomerError, forget
from arrears.privacy.retention import erase_past_retention, finish_run, report, require_nothing_due
from arrears.privacy.vendor_copies import remove_copies, waiting_vendors
from arrears.quality.landing_gate import check_batch
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LIST = "contact_ref,phone,full_name\n{ref},+8613000000001,Name of {customer}\nrOTHER,+8613000000002,Name of another\n"
FIGURES = """
    select loan_id, product, currency, principal, annual_rate, disbursed_on, day_count, status, closed_on, jurisdiction
    from staging.stg_core_banking__loans
    inner join staging.stg_core_banking__customers using (customer_id)
    order by loan_id
"""
"""What days past due are computed from, schedules and payments aside, which have no customer."""


def ask(decided: Warehouse, customer_id: str) -> Proof:
    return forget(decided.connection, customer_id=customer_id, as_of=AS_OF, settings=decided.settings)


def deliver(decided: Warehouse, customer_id: str) -> str:
    """Store the bytes of the customer's list as they were sent, with evidence; the reference of the row."""
    (item,) = decided.rows("select batch_id, contact_ref from ops.delivery_item where customer_id = %s", customer_id)
    content = LIST.format(ref=item["contact_ref"], customer=customer_id)
    for position, (name, text, encryption) in enumerate(
        [
            (f"{item['batch_id']}.csv", content, "none"),
            (f"{item['batch_id']}.{item['contact_ref']}.json", f"Evidence on {customer_id}", "none"),
            (f"{item['batch_id']}.manifest.json", "{}", "none"),
        ]
    ):
        decided.execute(
            "insert into ops.delivery_file (batch_id, name, position, content, sha256, row_count, encryption)"
            " values (%s, %s, %s, %s, 'as sent', 2, %s)",
            item["batch_id"],
            name,
            position,
            text.encode(),
            encryption,
        )
    decided.execute(
        "insert into ops.vendor_file (sha256, vendor, file_name, kind, state)"
        " values (%s, 'demo_call', 'results-1.csv', 'results', 'loaded')",
        item["batch_id"],
    )
    decided.execute(
        "insert into quarantine.vendor_result (vendor, file_sha256, line_number, reason_code, row_text)"
        " values ('demo_call', %s, 2, 'X', %s)",
        item["batch_id"],
        f"{item['contact_ref']},Said by {customer_id}",
    )
    return str(item["contact_ref"])


def insert_row(decided: Warehouse, table: str, row: dict[str, Any]) -> None:
    columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
    decided.execute(f"insert into {table} ({columns}) values ({places})", *row.values())


def everything(connection: psycopg2.extensions.connection) -> Iterator[tuple[str, str]]:
    """Every row of every table, as text; bytes as what they say."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"select * from {table}")
            for row in cursor.fetchall():
                yield (
                    table,
                    " ".join(bytes(v).decode(errors="replace") if isinstance(v, memoryview) else str(v) for v in row),
                )


def places_with(connection: psycopg2.extensions.connection, *needles: str) -> set[str]:
    return {table for table, text in everything(connection) if any(needle in text for needle in needles)}


# Refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer_id", "duties"),
    [
        ("m2", ["OPEN_LOAN", "ARREARS", "RETENTION"]),
        ("lately_closed", ["RETENTION"]),
        ("in_court", ["LEGAL_PROCEEDINGS"]),
        ("complains", ["COMPLAINT_OPEN"]),
        ("no_loan", ["RETENTION"]),
    ],
)
def test_it_is_refused_with_every_duty_that_stands(decided: Warehouse, customer_id: str, duties: list[str]) -> None:
    before = decided.rows("select * from landing.customers where customer_id = %s", customer_id)
    with pytest.raises(ErasureRefusedError) as refused:
        ask(decided, customer_id)

    assert all(duty in str(refused.value) for duty in duties)
    assert ("RETENTION" in str(refused.value)) is ("RETENTION" in duties)
    assert decided.rows("select * from landing.customers where customer_id = %s", customer_id) == before


def test_a_refusal_says_until_when_and_by_which_law(decided: Warehouse) -> None:
    until = AS_OF - timedelta(days=30) + timedelta(days=3650)
    with pytest.raises(ErasureRefusedError, match=rf"RETENTION \(CN Anti-Money Laundering Law.*until {until}\)"):
        ask(decided, "lately_closed")


def test_nobody_is_erased_without_a_sound_policy(decided: Warehouse, tmp_path: Path) -> None:
    settings = decided.settings.model_copy(update={"policy_dir": tmp_path})
    with pytest.raises(ConfigurationError, match="found no such file"):
        forget(decided.connection, customer_id="former_1", as_of=AS_OF, settings=settings)
    shipped = (PROJECT_ROOT / "dbt_project/seeds/policy/retention.csv").read_text()
    (tmp_path / "retention.csv").write_text(shipped.replace("DEFAULT,customer,3650,3650", "DEFAULT,customer,3650,1"))
    with pytest.raises(ConfigurationError, match=r"row 2: expected 0 <= kept_at_least_days"):
        forget(decided.connection, customer_id="former_1", as_of=AS_OF, settings=settings)


def test_an_unknown_customer_cannot_be_erased(decided: Warehouse) -> None:
    with pytest.raises(UnknownCustomerError, match="customer NOBODY: not known"):
        ask(decided, "NOBODY")


# Done ---------------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_the_person_anywhere(decided: Warehouse) -> None:
    deliver(decided, "former_1")
    decided.execute("create table marts.somebodys_mart as select customer_id, full_name from landing.customers")
    decided.execute(
        "insert into quarantine.contact_points (_row_id, _batch_id, reason_code, rule_id, customer_id, value)"
        " values (1, 1, 'X', 'x', 'former_1', 'former_1 Road 2')"
    )
    phone = decided.rows("select value from landing.contact_points where contact_point_id = 'former_1-P1'")[0]["value"]
    figures, history = decided.rows(FIGURES), decided.rows("select * from marts.fct_delinquency_history order by 1, 2")
    assert len(places_with(decided.connection, "Name of former_1", "NID-former_1", "Said by former_1", phone)) >= 6

    proof = ask(decided, "former_1")

    # A loan's and a transaction's own number are the bank's, and stay.
    left = {
        table: text
        for table, text in everything(decided.connection)
        if "former_1" in text.replace("former_1-L1", "") or phone in text
    }
    assert left == {}
    assert decided.rows(FIGURES) == figures
    assert decided.rows("select * from marts.fct_delinquency_history order by 1, 2") == history
    assert "former_1" not in json.dumps(dataclasses.asdict(proof), default=str)
    assert {
        "landing.customers",
        "landing.contact_points",
        "ops.delivery_file",
        "ops.delivery_item",
    } <= proof.places.keys()


def test_other_rows_of_a_list_stay_with_its_hash(decided: Warehouse) -> None:
    ref = deliver(decided, "former_2")
    ask(decided, "former_2")

    files = decided.rows(
        "select name, content, sha256, erased_at is not null as is_erased from ops.delivery_file"
        " where batch_id = (select batch_id from ops.delivery_item where contact_ref = %s) order by position",
        ref,
    )
    contents = [bytes(row["content"]).decode() for row in files]
    assert contents == [
        "contact_ref,phone,full_name\nrOTHER,+8613000000002,Name of another\n",
        "",
        "{}",
    ]
    assert [row["is_erased"] for row in files] == [True, True, False]
    assert {row["sha256"] for row in files} == {"as sent"}


def test_files_that_may_have_the_person_and_reviews_of_the_voice_go_too(decided: Warehouse) -> None:
    ref = deliver(decided, "former_6")
    (sent,) = decided.rows(
        "select batch.* from ops.delivery_batch as batch where batch_id in ("
        "select batch_id from ops.delivery_item where contact_ref = %s)",
        ref,
    )
    for name, kind, state, batch_id in (
        ("a row of it was rejected", "results", "loaded", sent["batch_id"]),
        ("refused whole", "results", "refused", sent["batch_id"]),
        ("nobody knows whose", "unknown", "refused", None),
        ("reviews", "qa", "loaded", None),
        ("another list", "results", "refused", "phone-demo_call-another"),
        ("nobody of it was rejected", "results", "loaded", sent["batch_id"]),
    ):
        decided.execute(
            "insert into ops.vendor_file (sha256, vendor, file_name, kind, state, batch_id)"
            " values (%s, 'demo_call', %s, %s, %s, %s)",
            name,
            name,
            kind,
            state,
            batch_id,
        )
    decided.execute(
        "update quarantine.vendor_result set file_sha256 = 'a row of it was rejected' where file_sha256 = %s",
        sent["batch_id"],
    )
    for line, (recording, score) in enumerate([("REC-former_6", 70), ("REC-former_6", 80), ("REC-another", 90)]):
        decided.execute(
            "insert into landing.vendor_qa (_vendor, _file_sha256, _line_number, recording_ref, collector_id,"
            " reviewed_on, score) values ('demo_call', 'reviews', %s, %s, 'K1', %s, %s)",
            line,
            recording,
            AS_OF,
            score,
        )
    decided.execute("create table marts.asked as select 'demo_call' as vendor, recording_ref from landing.vendor_qa")
    request = {"batch_id": "qa-request-1", "kind": "qa_request", "channel": "all", "sequence": 99}
    insert_row(decided, "ops.delivery_batch", {**sent, **request})
    insert_row(
        decided,
        "ops.delivery_file",
        {
            "batch_id": "qa-request-1",
            "name": "qa.csv",
            "position": 0,
            "sha256": "",
            "row_count": 2,
            "content": b"recording_ref,reason\nREC-former_6,x\nREC-another,x\n",
        },
    )

    ask(decided, "former_6")

    gone = decided.rows(
        "select file_name from ops.vendor_file where erased_at is not null and file_name not like '%%.csv'"
    )
    assert {row["file_name"] for row in gone} == {
        "a row of it was rejected",
        "refused whole",
        "nobody knows whose",
        "reviews",
    }
    assert places_with(decided.connection, "REC-former_6") == set()
    (file,) = decided.rows("select content from ops.delivery_file where name = 'qa.csv'")
    assert bytes(file["content"]) == b"recording_ref,reason\nREC-another,x\n"
    reviews = decided.rows("select recording_ref, score from landing.vendor_qa order by score")
    assert [int(row["score"]) for row in reviews] == [70, 80, 90]
    names = [row["recording_ref"] for row in reviews]
    assert names[0] == names[1] and names[2] == "REC-another"
    # Who made the attempt is judged by the reviews as before.
    (attempt,) = decided.rows("select recording_ref from landing.vendor_result where contact_ref = %s", ref)
    assert attempt["recording_ref"] == names[0]
    asked = decided.rows("select recording_ref from marts.asked")
    assert sorted(row["recording_ref"] for row in asked) == sorted(names)


def test_again_it_is_the_same_proof(decided: Warehouse) -> None:
    first = ask(decided, "former_3")

    assert ask(decided, "former_3") == first
    assert len(decided.rows("select 1 from ops.erasure where erasure_id = %s", first.erasure_id)) == 1


def test_killed_before_its_end_nothing_has_changed(decided: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    before = places_with(decided.connection, "former_4")
    with monkeypatch.context() as patch:
        patch.setattr(erase_module, "_record_places", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ask(decided, "former_4")

    assert places_with(decided.connection, "former_4") == before
    assert ask(decided, "former_4").erasure_id.startswith("erased-")


# Copies on vendors' servers -----------------------------------------------------------------------------------------


class Server:
    """A vendor's server that goes down after some removals."""

    def __init__(self, lives: int = 1000) -> None:
        self.removed: list[str] = []
        self.lives = lives

    def remove(self, path: str) -> None:
        if len(self.removed) == self.lives:
            raise ConnectionError("down")
        self.removed.append(path)


def test_copies_are_removed_once_whatever_breaks(decided: Warehouse) -> None:
    deliver(decided, "former_5")
    proof = ask(decided, "former_5")
    assert proof.vendor_copies_gone_at is None
    assert "demo_call" in waiting_vendors(decided.connection)

    with pytest.raises(ConnectionError):
        remove_copies(decided.connection, Server(lives=1), vendor="demo_call")
    server = Server()
    remove_copies(decided.connection, server, vendor="demo_call")

    assert any(path.endswith("inbound/done/results-1.csv") for path in server.removed)
    assert not any(path.endswith(".manifest.json") for path in server.removed)
    assert waiting_vendors(decided.connection) == []
    assert ask(decided, "former_5").vendor_copies_gone_at is not None
    assert remove_copies(decided.connection, Server(lives=0), vendor="demo_call") == 0


# The source still has them ------------------------------------------------------------------------------------------


def test_a_later_load_brings_nothing_back_and_its_gate_is_green(
    core_banking: psycopg2.extensions.connection, warehouse: psycopg2.extensions.connection, databases: Settings
) -> None:
    rows = good_rows()
    rows["customers"][0]["full_name"] = "Erika Mustermann"
    rows["contact_points"][0]["value"] = "+8613911112222"

    def load() -> dict[str, int]:
        batch = load_batch(core_banking, warehouse, as_of=AS_OF, run_id=None, settings=databases)
        check_batch(warehouse, batch_id=batch.batch_id, settings=databases, docs_dir=None)
        return {table.name: table.landed_rows for table in batch.tables if table.landed_rows}

    insert(core_banking, rows)
    load()
    erasures = erase(warehouse, ["C1"], as_of=AS_OF, cause="request", settings=databases)
    newer = later(rows["customers"][0], segment="retail")
    insert(core_banking, {"loan_transactions": [_payment("T-NEW")]})
    with core_banking, core_banking.cursor() as cursor:
        cursor.execute(
            "update core_banking.customers set updated_at = %s, segment = 'retail' where customer_id = 'C1'",
            (newer["updated_at"],),
        )
    with warehouse, warehouse.cursor() as cursor:
        # As after `arrears source load` of the whole: everything is compared, whatever its changed-at.
        cursor.execute(
            "insert into ops.source_load (generation, table_name, row_count)"
            " select 1, table_name, 0 from ops.load_table group by table_name"
        )

    landed = load()

    assert landed == {"customers": 1, "loan_transactions": 1}
    assert places_with(warehouse, "Erika", "+8613911112222") == set()
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select distinct customer_id, segment from landing.customers where full_name is null")
        assert cursor.fetchall() == [(erasures["C1"], None)]
        cursor.execute("select customer_id from landing.loans where loan_id = 'L1'")
        assert cursor.fetchall() == [(erasures["C1"],)]
        cursor.execute("select last_offered_at is not null, vendor_copies_gone_at is not null from ops.erasure")
        assert cursor.fetchall() == [(True, True)]


def test_a_new_generation_brings_nothing_back(
    core_banking: psycopg2.extensions.connection, warehouse: psycopg2.extensions.connection, databases: Settings
) -> None:
    rows = good_rows()
    rows["customers"][0]["full_name"] = "Erika Mustermann"
    insert(core_banking, rows)
    load_batch(core_banking, warehouse, as_of=AS_OF, run_id=None, settings=databases)
    erase(warehouse, ["C1"], as_of=AS_OF, cause="request", settings=databases)
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("insert into ops.source_generation (generation, mode, description) values (2, 'static', 'new')")

    batch = load_batch(core_banking, warehouse, as_of=AS_OF, run_id=None, settings=databases)

    assert places_with(warehouse, "Erika") == set()
    landed = {table.name: table.landed_rows for table in batch.tables}
    assert landed["contact_points"] == len(rows["contact_points"]) - 1
    assert landed["customers"] == len(rows["customers"])


def test_the_register_is_keyed_by_a_secret_that_the_database_does_not_have(
    warehouse: psycopg2.extensions.connection, databases: Settings
) -> None:
    key = erasure_key(databases)
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select sha256(%(outer_key)s || sha256(%(inner_key)s || convert_to('Kundé 1', 'UTF8')))", key.values
        )
        assert bytes(cursor.fetchall()[0][0]) == key.hash_of("Kundé 1")


def _payment(transaction_id: str) -> dict[str, Any]:
    return {**good_rows()["loan_transactions"][1], "transaction_id": transaction_id} | {
        "recorded_at": later(good_rows()["loan_transactions"][1])["recorded_at"] + timedelta(days=90)
    }


# By policy ----------------------------------------------------------------------------------------------------------


def test_retention_erases_what_is_due_keeps_what_law_says_and_proves_it(decided: Warehouse, tmp_path: Path) -> None:
    shipped = (PROJECT_ROOT / "dbt_project/seeds/policy/retention.csv").read_text()
    # The decisions of the day are for other tests.
    policy = shipped.replace("decision,1825,1825", "decision,1825,99999")
    (tmp_path / "retention.csv").write_text(policy)
    settings = decided.settings.model_copy(update={"policy_dir": tmp_path})
    deliver(decided, "lately_closed")
    decided.execute(
        "insert into landing.vendor_qa (_vendor, _file_sha256, _line_number, recording_ref, collector_id, reviewed_on,"
        " score) values ('demo_call', 'aged', 1, 'REC-aged', 'K1', %s, 50)",
        AS_OF,
    )
    later_on = AS_OF + timedelta(days=11 * 366)

    def enforce() -> tuple[dict[str, int], str]:
        run_id = erase_past_retention(decided.connection, as_of=later_on, settings=settings)
        for vendor in waiting_vendors(decided.connection):
            remove_copies(decided.connection, Server(), vendor=vendor)
        results = finish_run(decided.connection, run_id=run_id, settings=settings)
        require_nothing_due(results)
        return {result.data_class: result.erased for result in results}, report(later_on, results)

    first, text = enforce()
    second, _ = enforce()

    assert first["customer"] >= 2 and first["delivered_file"] >= 1 and first["vendor_note"] >= 1
    assert set(second.values()) == {0}
    assert places_with(decided.connection, "Name of lately_closed", "Said by", "Name of no_loan", "REC-") == set()
    # A flag in force, an open complaint, an open loan.
    kept = decided.rows(
        "select distinct customer_id from landing.customers where full_name is not null"
        " and customer_id in ('in_court', 'complains', 'm2')"
    )
    assert len(kept) == 3
    assert "kept by duty" in text and "Name of" not in text
