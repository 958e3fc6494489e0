"""BI reads while builds run: it finds every view, whole, and of the old day or the new one."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date

import psycopg2
import psycopg2.errors
import pytest
from marts_warehouse import DELINQUENCY, Warehouse
from portfolio import Portfolio

from arrears.services.postgres import BI_LIMITS, PostgresService

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("without_data_tests")]

FIRST, SECOND, THIRD = date(2026, 1, 20), date(2026, 1, 25), date(2026, 1, 26)
LOANS = 50
VIEWS = ("fct_loan_delinquency", "fct_delinquency_history", "delinquency_tier", "fct_contact_decision")
SHOWN = " ".join(f"bi__{view}" for view in VIEWS)
AGAIN = f"{DELINQUENCY} {SHOWN} fct_contact_decision"
"""What a day builds, of the decisions their views alone."""
OIDS = "select relname, oid from pg_class where relnamespace = 'bi'::regnamespace order by relname"


class Reader(threading.Thread):
    """Asks for all views, again and again, until it is told to stop."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self.dsn = dsn
        self.days: set[tuple[tuple[date, int], ...]] = set()
        self.histories: set[int] = set()
        self.errors: set[str] = set()
        self.rounds = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        with closing(psycopg2.connect(self.dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not self.stopping.is_set():
                    try:
                        for view in VIEWS:
                            cursor.execute(f"select count(*) from bi.{view}")
                        cursor.execute("select as_of, count(*) from bi.fct_loan_delinquency group by as_of")
                        self.days.add(tuple(cursor.fetchall()))
                        cursor.execute("select count(distinct loan_key) from bi.fct_delinquency_history")
                        self.histories.add(cursor.fetchall()[0][0])
                        self.rounds += 1
                    except psycopg2.Error as error:
                        self.errors.add(str(error))


@contextmanager
def reading(marts: Warehouse) -> Iterator[Reader]:
    reader = Reader(marts.settings.dsn("warehouse", "bi_reader"))
    reader.start()
    try:
        yield reader
    finally:
        reader.stopping.set()
        reader.join(timeout=60)


def test_a_reader_sees_the_old_marts_or_the_new_ones(marts: Warehouse) -> None:
    portfolio = Portfolio()
    for number in range(LOANS):
        portfolio.loan(f"L{number}", [(date(2026, month, 10), "100.00") for month in (1, 2, 3)])
    portfolio.land(marts.connection, as_of=FIRST)
    marts.build(FIRST, select=" ".join(f"+{model}" for model in SHOWN.split()))
    views = marts.rows(OIDS)

    with reading(marts) as reader:
        marts.build(SECOND, select=AGAIN)
        assert marts.rows(OIDS) == views, "a view that is the same stays"
        # Other rules: the state of all loans is built afresh, and with it the history.
        marts.execute("update ops.loan_state set rules = 'of yesterday'")
        marts.build(THIRD, select=AGAIN)
        # As in the first build of another source: every table is swapped.
        marts.execute("update ops.mart_build set state = 'failed'")
        marts.build(THIRD, select=AGAIN)

    assert reader.errors == set()
    assert reader.rounds > 3
    assert reader.days <= {((day, LOANS),) for day in (FIRST, SECOND, THIRD)}
    assert len(reader.days) > 1
    assert reader.histories == {LOANS}
    assert [row["relname"] for row in marts.rows(OIDS)] == sorted(VIEWS)

    # Whoever swaps a table waits for those who read it, not for readers of what its view reads besides, such as the
    # salt of all views: two that swap would wait for each other.
    marts.execute("update ops.mart_build set state = 'failed'")
    marts.execute(f"alter database {marts.connection.info.dbname} set lock_timeout = '2s'")
    with closing(psycopg2.connect(marts.settings.dsn("warehouse", "bi_reader"))) as other, other.cursor() as cursor:
        cursor.execute("select count(*) from bi.fct_delinquency_history")
        marts.build(THIRD, select="fct_loan_delinquency")
    assert [row["relname"] for row in marts.rows(OIDS)] == sorted(VIEWS)


@pytest.mark.parametrize("role", ["bi_reader", "bi_full"])
def test_a_query_of_bi_ends_before_a_build_loses_patience(marts: Warehouse, role: str) -> None:
    PostgresService(marts.settings).ensure_databases()
    with closing(psycopg2.connect(marts.settings.dsn("warehouse", role))) as connection, connection.cursor() as cursor:
        for name, value in BI_LIMITS.items():
            cursor.execute(f"show {name}")
            assert cursor.fetchall() == [(value,)]
        cursor.execute("set statement_timeout = '50ms'")
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("select pg_sleep(5)")
