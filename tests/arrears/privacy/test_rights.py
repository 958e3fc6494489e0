"""Who sees what: BI no person, a steward the rejected rows of one jurisdiction, nobody a value without a record."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
import yaml

from arrears.services.postgres import admin_connection
from arrears.settings import PROJECT_ROOT, Settings
from arrears.source.contract import TABLES
from arrears.warehouse import migrate

pytestmark = pytest.mark.postgres

PSEUDONYMS = {"case_key", "customer_key", "loan_key", "promise_key"}
COLLECTORS = {"collector_id", "grade", "hired_on", "left_on", "qa_score", "training_overdue", "coaching_topic"}
COLLECTORS |= {"coaching_evidence"}
"""Of the bank's and the vendors' own people, by a code."""
FACTS = set(
    """
    acknowledge_by acknowledged_at acknowledges_stop actual_rate adopted_at affordability all_reasons amount
    amount_collected amount_due amount_kept amount_promised amount_recovered approvers arm arrears_amount as_of
    asset_class attempted_at attempted_month attempts batch_id batch_rows began_at border breaches build_id capacity
    cases category channel checked_at checked_rows closed closing_principal complaints complaints_open
    complaints_upheld contact_rate contacts cost cost_per_attempt cost_per_unit_recovered cumulative_loss_rate
    cure_rate cure_rate_by_amount cured cured_principal currency customers cut_off daily_capacity data_class day
    days_past_due days_past_due_counted days_past_due_regulatory decided decided_at decision decisions description
    detail disappeared_rows disbursement_month disposition docs_path dpd_from dpd_to due_on ended_at erased event_id
    ever_30 ever_60 ever_90 expected expected_loss expected_loss_high expected_loss_low expected_recovery
    expected_value failed_rows failures file_name filed_on finished_at first_used_at format found from_state
    from_tier generation happened_at hardship_state high holiday_name is_after_stop is_business_day is_complaint
    is_contact is_data_hold is_encrypted is_first_of_day is_forborne is_full is_outside is_outside_window is_promise
    is_public_holiday is_right_party jurisdiction kept_by_duty kind known_at landed_rows last_contact_on
    last_failed_at last_payment_amount last_payment_on load_id loaded_at loans loans_high loans_low low
    median_closing_days median_response_days medium mode month month_end months_ahead months_on_book name
    newest_changed_at next_due_date next_try_at nonpayment_reason offer_code offer_instalment offer_last_instalment
    offer_term_months offer_total oldest_unpaid_due_date open opened_at origin outage_id outstanding_principal
    owed_amount paid_amount paid_total plan_kept planned_at policy_id policy_version position present_instalment
    previous_source_rows principal priority probation_until product promise_amount promise_kept_rate promise_on
    promise_rate promised_on promises promises_kept rank rate rate_by_amount rate_by_count read_at reason
    reason_code received recovered recovery_index recovery_index_high recovery_index_low reference referred_on
    refused_reason rejected_rows relapse_rate_1m relapse_rate_3m relapsed_1m relapsed_3m repeated_rows requires
    rescheduled responded result_id returned_on returned_rows reviews right_party_contacts right_party_rate
    row_count row_id rule rule_id run_id satisfaction satisfaction_answer_rate satisfaction_answers score_band
    sealed_at sending_since sequence settled_on severity sha256 source_rows started_at state status step
    still_delinquent still_due stopped_at subject success supersedes table_name talk_seconds template_or_offer tier
    to_state to_tier tries unpaid_instalments upheld upheld_per_10000_contacts upheld_rate valid_from valid_to
    valid_until vendor window_end window_start written_off written_off_principal
    """.split()
)
"""Figures, codes and instants that say of nobody who it is. A new column is added here by somebody who looked."""
FACTS |= set(
    """
    assignment_chance contacted experiment least_effect measured needed opt_outs recovered_per_customer
    recovered_uplift recovered_uplift_high recovered_uplift_low
    share treatment uplift uplift_high uplift_low verdict verdict_text versus
    """.split()
)
"""Of experiments."""
FACTS |= {"dimension", "group_name", "is_reference", "is_warning", "outcome", "population", "ratio", "ratio_high"}
FACTS |= {"ratio_low", "with_outcome"}
"""Of fairness: groups of many."""
FACTS |= {"alert_id", "code", "summary", "run_book", "last_seen_at", "last_sent_at", "closed_at"}
"""Of alerts (`ops.alert`)."""
FACTS |= {"model_version", "purpose", "trained_as_of", "observed_from", "observed_to", "features", "intercept"}
FACTS |= {"figures", "trained_at", "feature", "bin", "lower", "upper", "is_missing", "weight", "expected_share"}
FACTS |= {"promotion_id", "promoted_at"}
"""Of models (`ops.model` and its tables): what they are made of and how they did, of groups of loans."""
FACTS |= {"band", "behaviour_score", "bureau_score_age_days", "is_bureau_score_due", "probability_30dpd_90d", "score"}
FACTS |= {"top_reasons", "expected_rate", "is_alarming", "measure", "observed_rate", "psi"}
"""What models say of loans under a pseudonym, and how far they have drifted."""


@pytest.fixture
def bi_reader(databases: Settings) -> Iterator[psycopg2.extensions.connection]:
    with closing(psycopg2.connect(databases.dsn("warehouse", "bi_reader"))) as connection:
        yield connection


@pytest.fixture
def steward_of_india(databases: Settings) -> Iterator[psycopg2.extensions.connection]:
    """A person's own role, a member of data_steward."""
    with closing(admin_connection(databases, databases.warehouse_database)) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute("create role steward_in login password 'secret' in role data_steward")
            cursor.execute("insert into ops.steward_jurisdiction values ('steward_in', 'IN')")
            dsn = databases.dsn("warehouse", "data_steward").split(" user=")[0]
            with closing(psycopg2.connect(dsn, user="steward_in", password="secret")) as connection:
                yield connection
            cursor.execute("drop owned by steward_in; drop role steward_in")


def run(connection: psycopg2.extensions.connection, statement: str, *values: object) -> list[tuple[object, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def readable(connection: psycopg2.extensions.connection) -> dict[str, set[str]]:
    """The columns that the connected role can select, by relation: what PostgreSQL says, whatever granted it."""
    found: dict[str, set[str]] = {}
    for relation, column in run(
        connection,
        "select table_schema || '.' || table_name, column_name from information_schema.columns"
        " where table_schema not in ('pg_catalog', 'information_schema')"
        " and has_schema_privilege(table_schema, 'usage')"
        " and has_column_privilege(format('%I.%I', table_schema, table_name), column_name, 'select')",
    ):
        found.setdefault(str(relation), set()).add(str(column))
    return found


def test_bi_reader_can_select_no_column_that_is_not_a_fact_or_a_pseudonym(
    bi_reader: psycopg2.extensions.connection,
) -> None:
    found = readable(bi_reader)

    assert {"ops.load_batch", "ops.delivery_batch", "ops.quality_results"} <= found.keys()
    assert {relation.split(".")[0] for relation in found} == {"ops"}  # no marts were built here
    assert {column for columns in found.values() for column in columns} <= FACTS
    assert "inputs_hmac" not in found["ops.delivery_batch"]


def test_views_for_bi_have_no_column_that_is_not_a_fact_or_a_pseudonym() -> None:
    for path in sorted((PROJECT_ROOT / "dbt_project" / "models" / "bi").glob("*.yml")):
        for model in yaml.safe_load(path.read_text())["models"]:
            columns = {column["name"] for column in model["columns"]}
            assert columns <= FACTS | PSEUDONYMS | COLLECTORS, (
                f"{path.name}: {columns - FACTS - PSEUDONYMS - COLLECTORS}"
            )


def test_a_new_column_of_ops_is_not_seen_before_it_is_allowed(
    warehouse: psycopg2.extensions.connection, bi_reader: psycopg2.extensions.connection
) -> None:
    run(warehouse, "alter table ops.load_batch add column customer_name text")
    run(warehouse, "grant select on ops.load_batch to bi_reader")
    migrate(warehouse)

    assert "customer_name" not in readable(bi_reader)["ops.load_batch"]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(bi_reader, "select * from ops.load_batch")


def test_bi_full_sees_marts_and_no_copies(databases: Settings) -> None:
    with closing(psycopg2.connect(databases.dsn("warehouse", "bi_full"))) as connection:
        assert {relation.split(".")[0] for relation in readable(connection)} <= {"marts", "bi", "ops"}
        assert not readable(connection).keys() & {"ops.delivery_item", "ops.delivery_file", "ops.personal_data_access"}


@pytest.mark.parametrize("role", ["bi_full", "data_steward"])
def test_what_a_role_with_personal_data_asks_is_in_the_servers_log(databases: Settings, role: str) -> None:
    log = databases.home / "logs" / "postgres.log"
    start = log.stat().st_size
    with closing(psycopg2.connect(databases.dsn("warehouse", role))) as connection:
        run(connection, "select 4711 as asked")

    lines = log.read_bytes()[start:].decode().splitlines()
    assert any(f" {role}@{databases.warehouse_database} " in line and "select 4711 as asked" in line for line in lines)


# Stewards -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def rejected(warehouse: psycopg2.extensions.connection) -> None:
    """Rejected rows of a customer in India and of one in China, and of one whom nobody knows."""
    for row, (customer_id, jurisdiction) in enumerate((("C-IN", "IN"), ("C-CN", "CN")), start=1):
        run(
            warehouse,
            "insert into landing.customers (_batch_id, customer_id, jurisdiction) values (1, %s, %s)",
            customer_id,
            jurisdiction,
        )
        run(
            warehouse,
            "insert into landing.loans (_batch_id, loan_id, customer_id) values (1, %s, %s)",
            f"L-{customer_id}",
            customer_id,
        )
        for table, column, value in (
            ("customers", "jurisdiction", jurisdiction),
            ("contact_points", "customer_id", customer_id),
            ("loan_transactions", "loan_id", f"L-{customer_id}"),
        ):
            run(
                warehouse,
                f"insert into quarantine.{table} (_row_id, _batch_id, reason_code, rule_id, {column})"
                " values (%s, 1, 'X', 'x', %s)",
                row,
                value,
            )
    run(
        warehouse,
        "insert into quarantine.contact_points (_row_id, _batch_id, reason_code, rule_id, customer_id, value)"
        " values (3, 1, 'UNKNOWN_CUSTOMER', 'x', 'NOBODY', '+910000')",
    )


def test_a_steward_sees_rejected_rows_of_the_own_jurisdiction_only(
    steward_of_india: psycopg2.extensions.connection, rejected: None
) -> None:
    for table in ("customers", "contact_points", "loan_transactions"):
        assert run(steward_of_india, f"select _row_id, reason_code from quarantine.{table}") == [(1, "X")], table


def test_a_steward_of_everybody_sees_rows_of_nobody_too(databases: Settings, rejected: None) -> None:
    with closing(psycopg2.connect(databases.dsn("warehouse", "data_steward"))) as connection:
        assert run(connection, "select count(*) from quarantine.contact_points") == [(3,)]


def test_changing_the_role_changes_nothing(steward_of_india: psycopg2.extensions.connection, rejected: None) -> None:
    run(steward_of_india, "set role data_steward")

    assert run(steward_of_india, "select count(*) from quarantine.contact_points") == [(1,)]


def test_a_steward_can_select_no_personal_value(steward_of_india: psycopg2.extensions.connection) -> None:
    found = readable(steward_of_india)
    for table in TABLES:
        personal = {column.name for column in table.columns if column.personal}
        assert found[f"quarantine.{table.name}"] & set(table.column_names), table.name
        assert not found[f"quarantine.{table.name}"] & personal, table.name
    assert "row_text" not in found["quarantine.vendor_result"]


def test_a_value_read_through_the_door_is_written_down(
    warehouse: psycopg2.extensions.connection, steward_of_india: psycopg2.extensions.connection, rejected: None
) -> None:
    run(warehouse, "update quarantine.contact_points set value = '+9199999'")
    read = "select held ->> 'value' from ops.read_quarantined('contact_points', %s, 'correct the number') as held"

    assert run(steward_of_india, read, 1) == [("+9199999",)]
    assert run(steward_of_india, read, 2) == []
    assert run(
        warehouse, "select role_name, customer_id, is_granted, purpose from ops.personal_data_access order by access_id"
    ) == [("steward_in", "C-IN", True, "correct the number"), ("steward_in", "C-CN", False, "correct the number")]


def test_a_reader_who_rolls_back_leaves_a_line_in_the_servers_log(
    databases: Settings, steward_of_india: psycopg2.extensions.connection, rejected: None
) -> None:
    log = databases.home / "logs" / "postgres.log"
    start = log.stat().st_size
    with steward_of_india.cursor() as cursor:
        cursor.execute("select * from ops.read_quarantined('contact_points', 1, 'curious')")
    steward_of_india.rollback()

    written = Path(log).read_bytes()[start:].decode()
    assert "by steward_in: quarantine.contact_points row 1" in written
    assert "C-IN" not in written
