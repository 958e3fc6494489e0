"""A vendor's circuit: open after repeated failures, one try when its time has come, closed by one that succeeds."""

from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import pytest
from delivery_day import Day

from arrears.delivery.circuit import CircuitOpenError, current_outages, guarded
from arrears.hooks.vendor_sftp import VendorAccessError, VendorConnectionError

pytestmark = pytest.mark.postgres

MINUTE = timedelta(minutes=1)


class Session:
    """Stands in for `VendorSftp`: opens, or fails to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.was_tried = False

    def __enter__(self) -> Self:
        self.was_tried = True
        if self.error:
            raise self.error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        return


DOWN = VendorConnectionError("down")


@pytest.fixture
def noon(day: Day) -> datetime:
    return day.at(12)


def attempt(day: Day, at: datetime, error: Exception | None = None, vendor: str = "demo_sms") -> bool:
    """One session with the vendor at an instant; whether its server was asked."""
    session: Any = Session(error)
    try:
        with guarded(day.warehouse, session, vendor=vendor, settings=day.settings, now=at):
            pass
    except (VendorConnectionError, VendorAccessError):
        pass
    return bool(session.was_tried)


def test_it_opens_at_the_third_failure_and_the_vendor_is_left_alone(day: Day, noon: datetime) -> None:
    assert [attempt(day, noon, DOWN) for _ in range(4)] == [True, True, True, False]

    (outage,) = current_outages(day.warehouse)
    assert (outage.vendor, outage.failures, outage.opened_at) == ("demo_sms", 3, noon)
    with pytest.raises(CircuitOpenError, match=r"failed 3 times in a row .* not tried again before"):
        guarded(day.warehouse, Session(), vendor="demo_sms", settings=day.settings, now=noon).__enter__()  # type: ignore[arg-type]


def test_another_vendor_is_not_affected(day: Day, noon: datetime) -> None:
    for _ in range(3):
        attempt(day, noon, DOWN)

    assert attempt(day, noon, vendor="demo_call")


def test_one_try_is_let_through_and_closes_it(day: Day, noon: datetime) -> None:
    for _ in range(3):
        attempt(day, noon, DOWN)

    assert not attempt(day, noon + MINUTE - timedelta(seconds=1))
    assert attempt(day, noon + MINUTE)

    assert current_outages(day.warehouse) == []
    assert day.run("select failures, ended_at from ops.vendor_outage") == [(3, noon + MINUTE)]
    assert attempt(day, noon + MINUTE)


def test_each_try_that_fails_doubles_the_wait_up_to_the_longest(day: Day, noon: datetime) -> None:
    for _ in range(3):
        attempt(day, noon, DOWN)

    waits, at = [], noon
    for _ in range(6):
        (outage,) = current_outages(day.warehouse)
        assert outage.next_try_at is not None
        waits.append((outage.next_try_at - at) // MINUTE)
        at = outage.next_try_at
        assert attempt(day, at, DOWN)

    assert waits == [1, 2, 4, 8, 10, 10]


def test_only_one_of_two_is_let_through(day: Day, noon: datetime) -> None:
    for _ in range(3):
        attempt(day, noon, DOWN)
    inner: list[bool] = []

    with guarded(day.warehouse, Session(), vendor="demo_sms", settings=day.settings, now=noon + MINUTE):  # type: ignore[arg-type]
        inner.append(attempt(day, noon + MINUTE))

    assert inner == [False]


def test_a_refused_key_opens_it_at_once(day: Day, noon: datetime) -> None:
    attempt(day, noon, VendorAccessError("another host key"))

    assert not attempt(day, noon)


def test_a_success_between_failures_begins_the_count_anew(day: Day, noon: datetime) -> None:
    for error in (DOWN, DOWN, None, DOWN, DOWN):
        attempt(day, noon, error)

    assert [outage.opened_at for outage in current_outages(day.warehouse)] == [None]


def test_a_clock_that_is_put_back_does_not_keep_it_shut(day: Day, noon: datetime) -> None:
    for _ in range(3):
        attempt(day, noon, DOWN)

    assert attempt(day, noon - timedelta(hours=3))


def test_readers_of_reports_see_it_and_not_what_the_server_said(day: Day, noon: datetime) -> None:
    error = VendorConnectionError("+8613800000000")
    error.__cause__ = TimeoutError("Zoe")
    attempt(day, noon, error)

    assert day.run("select reason from ops.vendor_outage") == [("VendorConnectionError (TimeoutError)",)]
    assert day.run("select has_column_privilege('bi_reader', 'ops.vendor_outage', 'next_try_at', 'select')") == [
        (True,)
    ]


def test_what_is_no_trouble_of_the_vendor_does_not_count(day: Day, noon: datetime) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        guarded(day.warehouse, Session(), vendor="demo_sms", settings=day.settings, now=noon),  # type: ignore[arg-type]
    ):
        raise ZeroDivisionError

    assert current_outages(day.warehouse) == []
