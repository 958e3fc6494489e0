"""`arrears forget` and `arrears explain` as a person runs them, on a bank that was loaded and not built."""

from datetime import date

import psycopg2.extensions
import pytest
from small_bank import good_rows, insert, run
from typer.testing import CliRunner

from arrears.cli import main
from arrears.errors import ArrearsError
from arrears.explain import ExplainError
from arrears.landing.load import load_batch
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
