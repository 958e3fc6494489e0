"""The played vendors: what they answer to a list, and how they go about it on disk."""

import csv
import gzip
import hashlib
import io
import json
import math
import socket
import statistics
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from played_lists import AFTER, AS_OF, BEFORE, CREATED_AT, VENDORS, List, list_rows, manifest_of, put, to_csv

from arrears.delivery.inbound import Ack, Table, batch_in_name, read
from arrears.delivery.layouts import CHANNELS
from arrears.domain.vendor_results import (
    QA_FIELDS,
    RESULT_FIELDS,
    Disposition,
    Terms,
    earliest_attempt,
    is_breach,
    judge,
    read_row,
)
from arrears.hooks.openpgp import encrypt, load_certificate
from arrears.services import sftp
from arrears.services.openpgp_keys import create_openpgp_keys
from arrears.services.sftp import SftpService
from arrears.settings import PROJECT_ROOT, Settings
from arrears.simulator import vendor_work
from arrears.simulator.vendor_work import Conduct, Played, play_batch, review, without_dropped
from arrears.simulator.vendors import Desk, all_desks, unanswered

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
FAULTLESS = Conduct(SHANGHAI, bad_row_share=0.0, collectors=("SYN-1", "SYN-2"))
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds" / "reference"


def seed_rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def play(channel: str, rows: List, conduct: Conduct = FAULTLESS, **changed: object) -> Played:
    content = to_csv(rows, CHANNELS[channel].columns)
    found = {
        "rows": len(rows),
        "sha256": hashlib.sha256(content).hexdigest(),
        "received_at": "2020-04-15T06:01:00+08:00",
    }
    return play_batch(manifest_of(channel, content, len(rows), **changed), rows, conduct, found=found)


@pytest.fixture(scope="module")
def dispositions() -> dict[str, Disposition]:
    return {row["disposition"]: Disposition.of_seed(row) for row in seed_rows("dispositions")}


@pytest.fixture(scope="module")
def reasons() -> frozenset[str]:
    return frozenset(row["nonpayment_reason"] for row in seed_rows("nonpayment_reasons"))


def problems_of(played: Played, channel: str, known: dict[str, Disposition], reasons: frozenset[str]) -> list[str]:
    earliest = earliest_attempt(AS_OF, datetime.fromisoformat(CREATED_AT), SHANGHAI)
    terms = Terms(channel, earliest, NOW, known, reasons)
    found = []
    for attempt in played.attempts:
        row, problems = read_row(attempt.row, RESULT_FIELDS)
        found.append(problems or judge(row, terms, "USD"))
    return ["; ".join(map(str, problems)) for problems in found if problems]


# What they answer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", VENDORS)
def test_every_result_of_a_careful_vendor_passes_every_rule(
    channel: str, dispositions: dict[str, Disposition], reasons: frozenset[str]
) -> None:
    played = play(channel, list_rows(channel, 400))

    assert len(played.attempts) >= 400
    assert problems_of(played, channel, dispositions, reasons) == []


@pytest.mark.parametrize("channel", VENDORS)
def test_every_spoiled_row_breaks_a_rule(
    channel: str, dispositions: dict[str, Disposition], reasons: frozenset[str]
) -> None:
    played = play(channel, list_rows(channel, 100), replace(FAULTLESS, bad_row_share=1.0))

    assert len(problems_of(played, channel, dispositions, reasons)) == len(played.attempts)


def test_a_bad_row_comes_now_and_then(dispositions: dict[str, Disposition], reasons: frozenset[str]) -> None:
    played = play("sms", list_rows("sms", 2000), Conduct(SHANGHAI))

    assert 5 <= len(problems_of(played, "sms", dispositions, reasons)) <= 40


@pytest.mark.parametrize("channel", VENDORS)
def test_the_same_list_is_answered_the_same_whatever_the_order_of_its_rows(channel: str) -> None:
    rows = list_rows(channel, 50)

    assert play(channel, rows).attempts == play(channel, rows[::-1]).attempts
    assert play(channel, rows).attempts != play(channel, rows, replace(FAULTLESS, seed=2)).attempts


def test_a_row_more_changes_nothing_for_the_others() -> None:
    rows = list_rows("phone", 50)

    fewer = play("phone", rows[:-1]).attempts

    assert [
        attempt for attempt in play("phone", rows).attempts if attempt.contact_ref != rows[-1]["contact_ref"]
    ] == list(fewer)


@pytest.mark.parametrize("channel", ["sms", "phone", "field_visit", "care"])
def test_attempts_fall_within_the_window_of_their_row_on_the_day(channel: str) -> None:
    start, end = datetime.fromisoformat(AFTER), datetime.fromisoformat(BEFORE)
    attempts = play(channel, list_rows(channel, 300)).attempts

    assert not [attempt for attempt in attempts if is_breach(attempt.attempted_at, start, end)]
    assert {attempt.attempted_at.astimezone(SHANGHAI).date() for attempt in attempts} == {AS_OF}
    assert {attempt.row["attempted_at"][-6:] for attempt in attempts} == {"+08:00"}


def test_a_list_made_within_its_window_is_worked_from_then_on() -> None:
    made = datetime(2020, 4, 15, 15, 0, tzinfo=SHANGHAI)

    attempts = play("sms", list_rows("sms", 100), created_at=made.isoformat()).attempts

    assert min(attempt.attempted_at for attempt in attempts) > made


def test_a_list_made_after_its_windows_is_not_worked() -> None:
    assert play("sms", list_rows("sms", 10), created_at="2020-04-15T21:00:00+08:00").attempts == ()


def test_a_row_is_tried_no_more_often_than_allowed_and_never_after_something_final(
    dispositions: dict[str, Disposition],
) -> None:
    rows = [row | {"attempts_left": "2", "alternate_phone": "+8613900000000"} for row in list_rows("phone", 300)]
    by_ref: dict[str, list[str]] = {}
    points: dict[str, list[str]] = {}
    for attempt in play("phone", rows).attempts:
        by_ref.setdefault(attempt.contact_ref, []).append(attempt.row["disposition"])
        points.setdefault(attempt.contact_ref, []).append(attempt.row["contact_point_ref"])

    assert {len(tried) for tried in by_ref.values()} == {1, 2}
    assert not [tried for tried in by_ref.values() if any(dispositions[code].is_final for code in tried[:-1])]
    assert {tuple(tried) for tried in points.values()} == {("phone",), ("phone", "alternate_phone")}


def test_every_outcome_of_each_channel_comes_about() -> None:
    expected: dict[str, set[str]] = {
        "sms": set(vendor_work.MESSAGE),
        "phone": (set(vendor_work.DIAL) - {vendor_work.REACHED}) | set(vendor_work.COLLECTION_TALK),
        "field_visit": set(vendor_work.VISIT),
        "legal": set(vendor_work.REFERRAL),
        "care": (set(vendor_work.DIAL) - {vendor_work.REACHED}) | set(vendor_work.CARE_TALK),
    }

    found = {
        channel: {attempt.row["disposition"] for attempt in play(channel, list_rows(channel, 4000)).attempts}
        for channel in VENDORS
    }

    assert found == expected


def test_odds_are_complete_and_codes_are_those_of_the_seeds(
    dispositions: dict[str, Disposition], reasons: frozenset[str]
) -> None:
    odds = [
        vendor_work.DIAL,
        vendor_work.COLLECTION_TALK,
        vendor_work.CARE_TALK,
        vendor_work.MESSAGE,
        vendor_work.VISIT,
        vendor_work.REFERRAL,
    ]

    assert [round(sum(each.values()), 9) for each in odds] == [1.0] * len(odds)
    assert {code for each in odds for code in each} - {vendor_work.REACHED} <= set(dispositions)
    assert {code for codes in vendor_work.REASONS.values() for code in codes} <= reasons


def test_dials_and_talks_are_as_often_and_as_long_as_measured() -> None:
    attempts = play("phone", list_rows("phone", 6000)).attempts
    outcomes = Counter(attempt.row["disposition"] for attempt in attempts)
    reached = sum(outcomes[code] for code in vendor_work.COLLECTION_TALK)
    promised = [
        math.log(int(attempt.row["talk_seconds"]))
        for attempt in attempts
        if attempt.row["disposition"] == "promise_to_pay"
    ]

    assert reached / len(attempts) == pytest.approx(1 / 2.764, abs=0.02)
    assert statistics.mean(promised) == pytest.approx(6.037, abs=0.1)


def test_the_measured_figures_are_those_of_the_contact_records(real_data: Path) -> None:
    with gzip.open(real_data / "uci_bank_marketing_full.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file, delimiter=";"))

    def log_seconds(success: str) -> tuple[float, float]:
        logs = [math.log(int(row["duration"])) for row in rows if row["y"] == success and row["duration"] != "0"]
        return statistics.mean(logs), statistics.stdev(logs)

    assert statistics.mean(int(row["campaign"]) for row in rows) == pytest.approx(
        vendor_work.DIALS_UNTIL_REACHED, abs=0.001
    )
    assert log_seconds("no") == pytest.approx(vendor_work.TALK_LOG_SECONDS, abs=0.001)
    assert log_seconds("yes") == pytest.approx(vendor_work.TALK_LOG_SECONDS_WITH_PROMISE, abs=0.001)


def test_the_collector_that_the_list_asks_for_makes_the_call() -> None:
    rows = [row | {"collector_hint": "SYN-2"} for row in list_rows("phone", 50)]
    strangers = [row | {"collector_hint": "SYN-99"} for row in list_rows("phone", 50)]

    assert {attempt.row["collector_id"] for attempt in play("phone", rows).attempts} == {"SYN-2"}
    assert {attempt.row["collector_id"] for attempt in play("phone", strangers).attempts} == {"SYN-1", "SYN-2"}


@pytest.mark.parametrize("changed", [{"rows": 9}, {"sha256": "0" * 64}], ids=["rows", "bytes"])
def test_a_list_that_is_not_as_announced_is_refused_and_not_worked(changed: dict[str, object]) -> None:
    played = play("sms", list_rows("sms", 10), file=changed)

    assert (played.ack["accepted"], played.ack["rows"]) == (0, 10)
    assert played.attempts == ()
    assert isinstance(read(json.dumps(played.ack).encode()), Ack)


def test_numbers_that_cannot_be_dialled_are_rejected_and_not_worked() -> None:
    rows = list_rows("phone", 3)
    rows[1]["phone"] = "138 0000"

    played = play("phone", rows)

    assert played.ack["accepted"] == 2
    assert played.ack["rejected"] == [{"contact_ref": "phone-00001", "reason": "the number cannot be dialled"}]
    assert {attempt.contact_ref for attempt in played.attempts} == {"phone-00000", "phone-00002"}


def test_nobody_is_called_after_the_recall() -> None:
    attempts = play("phone", list_rows("phone", 40)).attempts
    recalled_at = datetime(2020, 4, 15, 12, 0, tzinfo=SHANGHAI)
    ref = next(attempt.contact_ref for attempt in attempts if attempt.attempted_at > recalled_at)

    made = without_dropped(attempts, {ref: recalled_at})

    assert [attempt for attempt in made if attempt.contact_ref == ref and attempt.attempted_at >= recalled_at] == []
    assert [attempt for attempt in made if attempt.contact_ref != ref] == [
        attempt for attempt in attempts if attempt.contact_ref != ref
    ]


def test_some_recordings_are_reviewed() -> None:
    attempts = play("phone", list_rows("phone", 1000)).attempts
    recordings = [attempt for attempt in attempts if attempt.row["recording_ref"]]

    reviews = review(attempts, AS_OF, "demo_call", seed=1)

    assert 0.05 < len(reviews) / len(recordings) < 0.15
    assert not [problem for row in reviews for problem in read_row(row, QA_FIELDS)[1]]
    assert len({attempt.row["recording_ref"] for attempt in recordings}) == len(recordings)


def test_nobody_is_reviewed_where_nobody_has_a_name() -> None:
    attempts = play("phone", list_rows("phone", 300), replace(FAULTLESS, collectors=())).attempts

    assert [attempt for attempt in attempts if attempt.row["recording_ref"]]
    assert review(attempts, AS_OF, "demo_call", seed=1) == []


# How they go about it -----------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A server's directories, without the server; no bank is there to be asked for collectors."""
    settings = Settings(home=tmp_path, postgres_port=1)
    sftp.create_vendor_directories(settings)
    return settings


def desk_of(settings: Settings, vendor: str) -> Desk:
    return next(desk for desk in all_desks(settings, conduct=FAULTLESS) if desk.vendor == vendor)


def inbound(settings: Settings, vendor: str) -> dict[str, bytes]:
    directory = sftp.vendor_directory(settings, vendor) / "inbound"
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def results(settings: Settings, vendor: str) -> List:
    rows: List = []
    for name, content in inbound(settings, vendor).items():
        if batch_in_name(name):
            rows += list(csv.DictReader(io.StringIO(content.decode())))
    return rows


def test_a_list_is_acknowledged_and_its_morning_reported_at_once_the_afternoon_later(home: Settings) -> None:
    batch = put(home, "phone", list_rows("phone", 60))["batch_id"]
    desk = desk_of(home, "demo_call")

    assert desk.work(NOW) is True
    assert set(inbound(home, "demo_call")) == {f"{batch}.ack.json", f"{batch}.results-1.csv"}
    assert unanswered(home) == [batch]
    assert desk.work(NOW + timedelta(seconds=4)) is True
    assert desk.work(NOW + timedelta(seconds=5)) is False

    files = inbound(home, "demo_call")
    assert set(files) - {"qa-demo_call-20200415-01.csv"} == {
        f"{batch}.ack.json",
        f"{batch}.results-1.csv",
        f"{batch}.results-2.csv",
    }
    assert all(isinstance(read(content), Ack | Table) for content in files.values())
    assert unanswered(home) == []
    content = to_csv(list_rows("phone", 60), CHANNELS["phone"].columns)
    assert json.loads(files[f"{batch}.ack.json"]) == {
        "batch_id": batch,
        "received_at": NOW.isoformat(),
        "rows": 60,
        "sha256": hashlib.sha256(content).hexdigest(),
        "accepted": 60,
        "rejected": [],
    }


def test_a_list_without_manifest_is_not_seen(home: Settings) -> None:
    manifest = put(home, "sms", list_rows("sms", 5))
    path = sftp.vendor_directory(home, "demo_sms") / "outbound" / "20200415" / f"{manifest['batch_id']}.manifest.json"
    path.unlink()

    assert desk_of(home, "demo_sms").work(NOW) is False
    assert inbound(home, "demo_sms") == {}


def test_work_that_is_done_is_not_done_again(home: Settings) -> None:
    put(home, "sms", list_rows("sms", 5))
    desk = desk_of(home, "demo_sms")
    desk.work(NOW)
    desk.work(NOW + timedelta(minutes=1))
    for path in (sftp.vendor_directory(home, "demo_sms") / "inbound").iterdir():
        path.unlink()

    assert desk.work(NOW + timedelta(minutes=2)) is False
    assert desk_of(home, "demo_sms").work(NOW + timedelta(minutes=2)) is False
    assert inbound(home, "demo_sms") == {}


def test_another_list_under_the_same_name_is_another_list(home: Settings) -> None:
    put(home, "sms", list_rows("sms", 5))
    desk = desk_of(home, "demo_sms")
    desk.work(NOW)
    desk.work(NOW + timedelta(minutes=1))
    put(home, "sms", list_rows("sms", 6))

    desk.work(NOW + timedelta(minutes=2))

    assert json.loads(inbound(home, "demo_sms")["sms-demo_sms-20200415-01.ack.json"])["rows"] == 6


def test_a_recall_between_the_parts_keeps_its_customers_from_being_called(home: Settings) -> None:
    rows = list_rows("sms", 60)
    put(home, "sms", rows)
    desk = desk_of(home, "demo_sms")
    desk.work(NOW)
    reported = {row["contact_ref"] for row in results(home, "demo_sms")}
    waiting = sorted({row["contact_ref"] for row in rows} - reported)
    recall = [
        {"contact_ref": ref, "reason": "nothing_due", "recalled_at": "2020-04-15T12:00:00+08:00"} for ref in waiting[:3]
    ]
    put(home, "all", recall, kind="recall", batch_id="recall-demo_sms-20200415-01", vendor="demo_sms")

    desk.work(NOW + timedelta(minutes=1))

    assert {row["contact_ref"] for row in results(home, "demo_sms")} == reported | set(waiting[3:])
    ack = json.loads(inbound(home, "demo_sms")["recall-demo_sms-20200415-01.ack.json"])
    assert (ack["rows"], ack["accepted"]) == (3, 3)


def test_stop_files_are_taken_before_lists_and_heeded(home: Settings) -> None:
    rows = list_rows("sms", 10)
    stop = [
        {"contact_ref": row["contact_ref"], "reason": "replaced", "effective_at": "2020-04-15T06:00:00+08:00"}
        for row in rows[:4]
    ]
    put(home, "sms", rows)
    put(home, "all", stop, kind="stop", batch_id="stop-demo_sms-20200415-01", vendor="demo_sms")
    desk = desk_of(home, "demo_sms")

    desk.work(NOW)
    desk.work(NOW + timedelta(minutes=1))

    assert {row["contact_ref"] for row in results(home, "demo_sms")} == {row["contact_ref"] for row in rows[4:]}
    assert "stop-demo_sms-20200415-01.ack.json" in inbound(home, "demo_sms")


def test_a_list_without_rows_is_acknowledged_and_nothing_is_reported(home: Settings) -> None:
    put(home, "sms", [])

    assert desk_of(home, "demo_sms").work(NOW + timedelta(minutes=1)) is True
    assert desk_of(home, "demo_sms").work(NOW + timedelta(minutes=2)) is False
    assert set(inbound(home, "demo_sms")) == {"sms-demo_sms-20200415-01.ack.json"}


def test_todays_list_is_reported_only_once_its_calls_were_made(home: Settings) -> None:
    put(home, "sms", list_rows("sms", 60))
    desk = desk_of(home, "demo_sms")
    dawn = datetime(2020, 4, 15, 6, 30, tzinfo=SHANGHAI)

    for hour in range(15):
        now = dawn + timedelta(hours=hour)
        desk.work(now)
        assert not [row for row in results(home, "demo_sms") if datetime.fromisoformat(row["attempted_at"]) > now]

    assert len(results(home, "demo_sms")) == 60


class Killed(BaseException):
    """The process dies here."""


def test_killed_at_any_write_and_started_again_the_answers_are_the_same(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home, "phone", list_rows("phone", 20))
    _work_to_the_end(home)
    expected = inbound(home, "demo_call")
    replaced = Path.replace
    deaths = 0
    for at in range(1, 40):
        _clear(home)
        left = [at]

        def dying(self: Path, target: Path, left: list[int] = left) -> Path:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return replaced(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying)
            try:
                _work_to_the_end(home)
                break
            except Killed:
                deaths += 1
        _work_to_the_end(home)
        files = inbound(home, "demo_call")
        assert {name: content for name, content in files.items() if not name.endswith(".part")} == expected
    assert deaths >= 8


def _work_to_the_end(settings: Settings) -> None:
    for minute in range(3):
        desk_of(settings, "demo_call").work(NOW + timedelta(minutes=minute))


def _clear(settings: Settings) -> None:
    for directory in (settings.home / "vendor_desks", sftp.vendor_directory(settings, "demo_call") / "inbound"):
        for path in directory.rglob("*"):
            if path.is_file():
                path.unlink()


def test_an_encrypted_list_is_read_with_the_vendors_own_key(home: Settings) -> None:
    create_openpgp_keys(home)
    plain = to_csv(list_rows("legal", 8), CHANNELS["legal"].columns)
    secret = encrypt(plain, load_certificate(home.home / "keys" / "demo_law.asc"))
    name = "legal-demo_law-20200415-01.csv.pgp"
    put(home, "legal", list_rows("legal", 8), content=secret, file={"name": name, "encryption": "openpgp"})
    desk = desk_of(home, "demo_law")

    desk.work(NOW)
    desk.work(NOW + timedelta(minutes=1))

    ack = json.loads(inbound(home, "demo_law")["legal-demo_law-20200415-01.ack.json"])
    assert (ack["rows"], ack["accepted"], ack["sha256"]) == (8, 8, hashlib.sha256(secret).hexdigest())
    assert {row["disposition"] for row in results(home, "demo_law")} <= {"filed", "settled", "returned"}
    assert len(results(home, "demo_law")) == 8


def test_the_bank_may_ask_for_reviews(home: Settings) -> None:
    requests = [{"recording_ref": f"rec-{n}", "collector_id": "SYN-1", "reason": "complaint"} for n in range(3)]
    content = to_csv(requests, ("recording_ref", "collector_id", "reason"))
    batch = "qa-request-demo_call-20200415-01"
    manifest = manifest_of("phone", content, 3, batch_id=batch, kind="qa_request")
    directory = sftp.vendor_directory(home, "demo_call") / "outbound" / "20200415"
    directory.mkdir()
    (directory / f"{batch}.csv").write_bytes(content)
    (directory / f"{batch}.manifest.json").write_text(json.dumps(manifest))

    desk_of(home, "demo_call").work(NOW)

    answer = list(csv.DictReader(io.StringIO(inbound(home, "demo_call")[f"qa-{batch}.csv"].decode())))
    assert [row["recording_ref"] for row in answer] == ["rec-0", "rec-1", "rec-2"]


@pytest.mark.sftp
def test_the_running_vendors_answer_within_seconds(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = SftpService(Settings(home=tmp_path, sftp_port=port, postgres_port=1), play=True)
    service.start()
    try:
        for channel in ("sms", "phone", "field_visit", "care"):
            put(service.settings, channel, list_rows(channel, 30))
        deadline = time.monotonic() + 60
        while unanswered(service.settings):
            assert time.monotonic() < deadline, (tmp_path / "logs" / "vendors.log").read_text()
            time.sleep(0.2)
    finally:
        service.stop()

    for channel in ("sms", "phone", "field_visit", "care"):
        assert results(service.settings, VENDORS[channel])
    log = (tmp_path / "logs" / "vendors.log").read_text()
    assert "+8613800000000" not in log
    assert "phone-00001" not in log
