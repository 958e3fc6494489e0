"""The published schemas and the gate's suites against the one definition in code."""

import json

import pytest

from arrears.delivery.layouts import CHANNELS, LAYOUTS, Layout, table_schema
from arrears.quality.suites import read_suite
from arrears.settings import PROJECT_ROOT

every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


@every_layout
def test_the_published_table_schema_is_the_layout(layout: Layout) -> None:
    published = json.loads((PROJECT_ROOT / "docs" / "vendors" / f"{layout.name}.schema.json").read_text())

    assert published == table_schema(layout)


@every_layout
def test_the_gate_allows_exactly_the_columns_of_the_layout(layout: Layout) -> None:
    suite = read_suite(f"contact_list.{layout.name}")

    (columns,) = [rule for rule in suite.rules if rule.rule_id == "columns"]
    assert columns.kwargs["column_list"] == list(layout.columns)
    assert {rule.kwargs.get("column") for rule in suite.rules} >= set(layout.columns)


@pytest.mark.parametrize(
    ("channel", "columns"),
    [
        (
            "sms",
            "contact_ref, phone, language, template_id, first_name, amount_due, currency, due_date, pay_link_token,"
            " send_after, send_before",
        ),
        (
            "phone",
            "contact_ref, phone, alternate_phone, full_name, language, tier, priority, amount_due, currency,"
            " days_past_due, oldest_due_date, last_payment_on, last_payment_amount, last_disposition, offer_code,"
            " call_after, call_before, attempts_left, collector_hint",
        ),
        (
            "field_visit",
            "contact_ref, full_name, address, city, postal_code, latitude, longitude, route, stop, language,"
            " amount_due, currency, days_past_due, visit_after, visit_before, safety_note",
        ),
        (
            "legal",
            "contact_ref, contract_no, full_name, national_id, address, product, disbursed_on, principal, outstanding,"
            " arrears_amount, days_past_due, evidence_file",
        ),
        (
            "care",
            "contact_ref, phone, full_name, language, reason, offer_code, offer_term_months, offer_instalment,"
            " currency, call_after, call_before",
        ),
    ],
)
def test_each_channel_gets_the_least_it_needs(channel: str, columns: str) -> None:
    assert list(CHANNELS[channel].columns) == columns.split(", ")


def test_only_legal_carries_a_national_id_and_only_encrypted() -> None:
    assert [name for name, layout in LAYOUTS.items() if "national_id" in layout.columns] == ["legal"]
    assert LAYOUTS["legal"].must_encrypt
