"""What a vendor's server and the line to it can do to a delivery."""

import json
import resource
import time

import pytest
from world import SMS, World

from arrears.services import sftp as sftp_service

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]

FILES = ["stop-demo_sms-20200415-01.csv", "sms-demo_sms-20200415-01.csv", "sms-demo_sms-20200415-01.manifest.json"]
GOES_WRONG = [
    "cut_in_file",
    "damages",
    "loses_written",
    "stalled",
    "cut_before_rename",
    "cut_after_rename",
    "rename_fails",
    "rename_forbidden",
    "loses_renamed",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", GOES_WRONG)
def test_a_server_that_goes_wrong(world: World, kind: str, name: str) -> None:
    world.break_server(kind, name=name)

    outcome = world.run()

    assert outcome.error == ("VendorAccessError" if kind == "rename_forbidden" else "VendorConnectionError")
    world.require_whole()
    world.require_settled()


@pytest.mark.parametrize("kind", ["slow", "without_posix_rename"])
def test_a_server_that_is_only_slow_or_old(world: World, kind: str) -> None:
    world.break_server(kind)

    outcome = world.run()

    assert outcome.is_well, outcome.message
    assert world.differences() == []


@pytest.mark.parametrize("limit", [0, 60, 150])
def test_the_disk_of_the_server_is_full(world: World, limit: int) -> None:
    pid = world.server.pid()
    assert pid is not None
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        outcome = world.run()
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    assert outcome.error == "VendorConnectionError"
    world.require_whole()
    world.require_settled()


@pytest.mark.parametrize("lost", [".csv", ".manifest.json", ""])
def test_a_server_that_loses_what_it_took_gets_it_again(world: World, lost: str) -> None:
    assert world.run().is_well
    before = world.outbound()
    directory = world.directory() / "outbound" / "20200415"
    for path in directory.glob(f"sms-*{lost}"):
        path.unlink()
    assert world.differences() != []

    world.require_settled()

    assert world.outbound() == before
    assert world.day.run("select count(*) from ops.delivery_event where detail like 'put back%%'") == [(1,)]


@pytest.mark.parametrize("changed", [{"host_key": "demo_sms"}, {"key_file": "demo_call"}])
def test_another_host_key_or_a_rejected_key(world: World, changed: dict[str, str]) -> None:
    """Nothing is sent, nobody tries again and again, and it goes on when the connection is right."""
    connection = json.loads(world.environment["AIRFLOW_CONN_VENDOR_DEMO_SMS"])
    for name, vendor in changed.items():
        key = sftp_service.client_public_key if name == "host_key" else sftp_service.client_key_file
        connection["extra"][name] = str(key(world.settings, vendor))
    environment = {"AIRFLOW_CONN_VENDOR_DEMO_SMS": json.dumps(connection)}

    assert world.run(environment=environment).error == "VendorAccessError"
    assert world.run(environment=environment).error == "CircuitOpenError"

    assert world.outbound() == {}
    world.require_settled()


@pytest.mark.parametrize("after", [0.1, 0.3, 0.5, 0.8, 1.2])
def test_the_server_dies_and_comes_back(world: World, after: float) -> None:
    process = world.start()
    time.sleep(after)
    world.kill_server()
    outcome = process.end()
    world.start_server()

    assert outcome.error in (None, "VendorConnectionError"), outcome.message
    world.require_whole()
    world.require_settled()


def test_a_vendor_that_stalls_delays_no_other(world: World) -> None:
    others = ("demo_call", "demo_care", "demo_visit")
    world.break_server("stalled")
    stalled = world.start()

    outcome = world.run(*others)

    assert outcome.is_well, outcome.message
    assert world.differences(*others) == []
    assert stalled.end().error == "VendorConnectionError"
    assert world.day.run("select vendor, failures, ended_at from ops.vendor_outage") == [(SMS, 1, None)]
    world.require_settled()


def test_a_vendor_that_fails_again_and_again_is_left_alone_until_it_is_back(world: World) -> None:
    world.break_server("rename_fails")
    errors = [world.run().error for _ in range(4)]
    asked = world.outbound()

    assert errors == ["VendorConnectionError"] * 3 + ["CircuitOpenError"]
    assert world.outbound() == asked
    assert world.day.run("select failures, opened_at is null, ended_at from ops.vendor_outage") == [(3, False, None)]

    world.require_settled()

    assert world.day.run("select failures, ended_at is null from ops.vendor_outage") == [(3, False)]
