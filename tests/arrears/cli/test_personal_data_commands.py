"""`arrears forget` and `arrears explain` as a person runs them, on a bank that was loaded and not built."""

import json
from datetime import date

import psycopg2.extensions
import pytest
from small_bank import good_rows, insert, run
from typer.testing import CliRunner

from arrears.cli import main
from arrears.erasure_register import erasure_key
from arrears.errors import ArrearsError, ConfigurationError
from arrears.explain import ExplainError
from arrears.landing.load import load_batch
from arrears.privacy import register_copy
from arrears.settings import Settings

pytestmark = pytest.mark.postgres


@pytest.fixture
def loaded(
    core_banking: psycopg2.extensions.connection, warehouse: psycopg2.extensions.connection, databases: Settings
) -> psycopg2.extensions.connection:
    insert(core_banking, good_rows())
    load_batch(core_banking, warehouse, as_of=date(2026, 3, 20), run_id=None, settings=databases)
    return warehouse


def invoke(*arguments: str) -> None:
    result = CliRunner().invoke(main.app, list(arguments))
    assert result.exception is not None
    raise result.exception


def test_nothing_is_erased_while_no_duty_can_be_told(loaded: psycopg2.extensions.connection) -> None:
    with pytest.raises(ArrearsError, match="no marts were built yet: without them no duty to keep can be told"):
        invoke("forget", "--customer", "C1")

    assert run(loaded, "select count(*) from ops.erasure") == [(0,)]


def test_a_day_that_was_not_built_is_one_clear_error(loaded: psycopg2.extensions.connection) -> None:
    with pytest.raises(
        ExplainError, match=r"^2026-03-20: expected a day whose marts were built and passed, found none"
    ):
        invoke("explain", "--customer", "C1", "--as-of", "2026-03-20")

    assert run(loaded, "select count(*) from ops.personal_data_access") == [(0,)]


def test_a_restore_does_not_bring_erased_customers_back(
    loaded: psycopg2.extensions.connection, databases: Settings
) -> None:
    """One whom the warehouse has again, and one whom only core banking may bring back."""
    key = erasure_key(databases)
    register_copy.path(databases).unlink(missing_ok=True)
    register_copy.add(
        databases,
        [
            register_copy.Entry(f"erased-{customer}", key.hash_of(customer).hex(), "request", date(2026, 3, 20))
            for customer in ("C1", "C-not-there")
        ],
    )

    outputs = [CliRunner().invoke(main.app, ["forget", "--again"], catch_exceptions=False).output for _ in range(2)]

    assert ["2 erasures done again" in outputs[0], "0 erasures done again" in outputs[1]] == [True, True]
    assert run(loaded, "select erasure_id, cause from ops.erasure order by 1") == [
        ("erased-C-not-there", "request"),
        ("erased-C1", "request"),
    ]
    assert run(loaded, "select full_name from landing.customers where customer_id = 'erased-C1'") == [(None,)]
    assert run(loaded, "select count(*) from landing.customers where customer_id = 'C1'") == [(0,)]
    for line in register_copy.path(databases).read_text().splitlines():
        assert json.loads(line).keys() == {"erasure_id", "customer_hash", "cause", "as_of"}


@pytest.mark.parametrize("arguments", [[], ["--again", "--customer", "C1"]])
def test_either_somebody_is_erased_or_what_was_undone(databases: Settings, arguments: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="either --customer ID or --again"):
        invoke("forget", *arguments)
