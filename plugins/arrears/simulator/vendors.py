"""The played vendors, as a process: `python -m arrears.simulator.vendors`.

Each looks into its own directory as a vendor would: a list is taken once its manifest is there, acknowledged, worked,
and reported in two parts, the morning's and the afternoon's. Today's list is reported as the day goes by; a list of
another day is worked as on its own day, the morning reported at once and the afternoon a few seconds later, so that a
recall that arrives in between keeps its customers from being called.

Lists of a world that is played day by day (`living`) are acknowledged here and worked there.

What a vendor has done is noted on its desk, `home/vendor_desks/<vendor>`: killed and started again, it goes on where it
was, and writes the same bytes again where it cannot know.
"""

import csv
import hashlib
import io
import json
import logging
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import psycopg2
import pysequoia

from arrears.domain.vendor_results import QA_FIELDS, RESULT_FIELDS
from arrears.settings import Settings, get_settings
from arrears.simulator.hand_in import to_csv
from arrears.simulator.truth import read_world
from arrears.simulator.vendor_work import (
    Attempt,
    Conduct,
    Played,
    Row,
    first_file,
    play_batch,
    review,
    review_requested,
    take_notice,
    without_dropped,
)

__all__ = ["Desk", "Played", "all_desks", "play_batch", "unanswered"]

_log = logging.getLogger("arrears.vendors")

PAUSE_SECONDS = 5.0
"""Between the reports of the morning and of the afternoon."""
LOOK_EVERY_SECONDS = 0.3
MANIFEST = ".manifest.json"
NOON = day_time(12)

RESULT_COLUMNS = tuple(column.name for column in RESULT_FIELDS)
QA_COLUMNS = tuple(column.name for column in QA_FIELDS)
_LIVE_DAY = timedelta(hours=36)
"""How long after its beginning a business day is worked by the clock; older lists are worked as on their own day."""


@dataclass(frozen=True)
class Desk:
    """One vendor: its directory on the server, its private key, and the notes of what it has done."""

    settings: Settings
    vendor: str
    conduct: Conduct
    pause: float = PAUSE_SECONDS
    _finished: set[tuple[Path, int]] = field(default_factory=set, compare=False)
    """Manifests, with the time of their last change, that this process need not open again."""

    @property
    def directory(self) -> Path:
        return self.settings.home / "vendors" / self.vendor

    def manifests(self) -> Iterator[Path]:
        """Every manifest in `outbound/`: stop files and recalls first, then the oldest day first."""
        found = (self.directory / "outbound").glob(f"*/*{MANIFEST}")
        return iter(sorted(found, key=lambda path: (not path.name.startswith(("stop-", "recall-")), path)))

    def work(self, now: datetime) -> bool:
        """Do whatever can be done now. Returns whether anything is still to be done."""
        is_open = False
        for path in self.manifests():
            version = path, path.stat().st_mtime_ns
            if version in self._finished:
                continue
            note = _Note(self.settings.home / "vendor_desks" / self.vendor / _identity(path))
            if not note.is_done:
                self._answer(path, note, now)
            if note.is_done:
                self._finished.add(version)
            else:
                is_open = True
        return is_open

    def _answer(self, path: Path, note: "_Note", now: datetime) -> None:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["kind"] == "contact_list":
            self._answer_list(path, manifest, note, now)
            return
        rows, found = self._take(path, manifest, note.taken_at(now))
        self.put(f"{manifest['batch_id']}.ack.json", to_json(take_notice(manifest, len(rows), found=found)))
        if manifest["kind"] == "qa_request":
            reviews = review_requested(rows, date.fromisoformat(manifest["as_of"]), self.vendor, self.conduct.seed)
            self.put(f"qa-{manifest['batch_id']}.csv", to_csv(QA_COLUMNS, reviews))
        note.finish()
        _log.info("%s took %s, %s rows", self.vendor, manifest["batch_id"], len(rows))

    def _answer_list(self, path: Path, manifest: dict[str, Any], note: "_Note", now: datetime) -> None:
        if note.waits(now):
            return
        taken_at = note.taken_at(now)
        rows, found = self._take(path, manifest, taken_at)
        played = play_batch(manifest, rows, self._conduct(manifest), found=found)
        world = read_world(self.settings)
        is_worked_apart = world is not None and world.plays(date.fromisoformat(manifest["as_of"]))
        if world is None or not is_worked_apart or world.acknowledges(manifest["batch_id"]) == 0:
            note.once("acknowledged", lambda: self.put(f"{manifest['batch_id']}.ack.json", to_json(played.ack)))
        if is_worked_apart:
            note.finish()
            return
        for number, part in enumerate(self.parts(manifest, played.attempts), start=1):
            due = self._due(manifest, number, part, taken_at)
            if now < due:
                note.wait_until(due)
                return
            note.once(f"part-{number}", partial(self._report, manifest, number, part))
        note.once("reviews", lambda: self._report_reviews(manifest, played.attempts))
        note.finish()
        figures = (self.vendor, manifest["batch_id"], len(rows), len(played.attempts))
        _log.info("%s worked %s: %s rows, %s attempts", *figures)

    def work_of(self, as_of: date) -> Iterator[tuple[dict[str, Any], Mapping[str, Row], Played]]:
        """Each list of a day with its rows by reference and all that was done on it, less what was called back.

        A list that another took the place of is not worked. Nothing is written.
        """
        found = [json.loads(path.read_text(encoding="utf-8")) | {"path": path} for path in self.manifests()]
        lists = [each for each in found if each["kind"] == "contact_list" and each["as_of"] == as_of.isoformat()]
        replaced = {each["supersedes"] for each in lists}
        dropped = self._dropped(as_of.isoformat())
        received_at = datetime.combine(as_of, NOON, tzinfo=self.settings.bank_tz)
        for manifest in lists:
            if manifest["batch_id"] not in replaced:
                rows, taken = self._take(manifest.pop("path"), manifest, received_at)
                played = play_batch(manifest, rows, self._conduct(manifest), found=taken)
                made = tuple(without_dropped(played.attempts, dropped))
                yield manifest, {row["contact_ref"]: row for row in rows}, replace(played, attempts=made)

    def parts(self, manifest: dict[str, Any], attempts: Sequence[Attempt]) -> tuple[Sequence[Attempt], ...]:
        """The morning's and the afternoon's attempts, by the bank's clock."""
        noon = datetime.combine(date.fromisoformat(manifest["as_of"]), NOON, tzinfo=self.settings.bank_tz)
        morning = [attempt for attempt in attempts if attempt.attempted_at < noon]
        return morning, attempts[len(morning) :]

    def _due(self, manifest: dict[str, Any], number: int, part: Sequence[Attempt], taken_at: datetime) -> datetime:
        """When a part is reported: never before its last attempt was made, on the day itself."""
        as_of = date.fromisoformat(manifest["as_of"])
        start = datetime.combine(as_of, day_time(0), tzinfo=self.settings.bank_tz)
        if start <= taken_at < start + _LIVE_DAY:
            return part[-1].attempted_at if part else taken_at
        return taken_at + timedelta(seconds=self.pause) * (number - 1)

    def _report(self, manifest: dict[str, Any], part: int, attempts: Sequence[Attempt]) -> None:
        made = without_dropped(attempts, self._dropped(manifest["as_of"]))
        if made:
            rows = [attempt.row for attempt in made]
            self.put(f"{manifest['batch_id']}.results-{part}.csv", to_csv(RESULT_COLUMNS, rows))

    def _report_reviews(self, manifest: dict[str, Any], attempts: Sequence[Attempt]) -> None:
        as_of = date.fromisoformat(manifest["as_of"])
        made = without_dropped(attempts, self._dropped(manifest["as_of"]))
        reviews = review(made, as_of, self.vendor, self.conduct.seed)
        if reviews:
            sequence = manifest["batch_id"].rsplit("-", 1)[1]
            self.put(f"qa-{self.vendor}-{as_of:%Y%m%d}-{sequence}.csv", to_csv(QA_COLUMNS, reviews))

    def _dropped(self, as_of: str) -> dict[str, datetime]:
        """References that stop files and recalls of that day and later called back, and from when on."""
        dropped: dict[str, datetime] = {}
        for path in self.manifests():
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if manifest["kind"] in ("stop", "recall") and manifest["as_of"] >= as_of:
                for row in _read_rows(self._content(path, manifest)):
                    instant = datetime.fromisoformat(row.get("effective_at") or row["recalled_at"])
                    dropped[row["contact_ref"]] = min(instant, dropped.get(row["contact_ref"], instant))
        return dropped

    def _conduct(self, manifest: dict[str, Any]) -> Conduct:
        """How this list is worked: by the vendor's collectors of that day."""
        if manifest["channel"] == "sms":
            return self.conduct
        as_of = date.fromisoformat(manifest["as_of"])
        return replace(self.conduct, collectors=_collectors(self.settings, self.vendor, as_of))

    def _take(self, path: Path, manifest: dict[str, Any], now: datetime) -> tuple[list[Row], dict[str, object]]:
        """The rows of the list, and what the vendor found: count, hash and time."""
        content = self._content(path, manifest)
        rows = _read_rows(content)
        sha256 = hashlib.sha256(self._sent(path, manifest)).hexdigest()
        return rows, {"received_at": now.isoformat(), "rows": len(rows), "sha256": sha256}

    def _sent(self, path: Path, manifest: dict[str, Any]) -> bytes:
        file = first_file(manifest)
        return (path.parent / str(file["name"])).read_bytes() if file else b""

    def _content(self, path: Path, manifest: dict[str, Any]) -> bytes:
        content = self._sent(path, manifest)
        file = first_file(manifest)
        if file is None or file["encryption"] == "none":
            return content
        key = pysequoia.Tsk.from_bytes((self.settings.home / "secrets" / f"openpgp_{self.vendor}").read_bytes())
        return bytes(pysequoia.decrypt(content, decryptor=key.decryptor()).bytes or b"")

    def put(self, name: str, content: bytes) -> None:
        """Hand in a file: it has its name once it is whole."""
        target = self.directory / "inbound" / name
        part = target.with_name(f"{name}.part")
        part.write_bytes(content)
        part.replace(target)


@dataclass(frozen=True)
class _Note:
    """What has been done about one manifest: a small file for each step."""

    directory: Path

    @property
    def is_done(self) -> bool:
        return (self.directory / "done").exists()

    def taken_at(self, now: datetime) -> datetime:
        """When the vendor first looked at it: now, unless it did before."""
        path = self.directory / "taken"
        if not path.exists():
            self._write("taken", now.isoformat(timespec="seconds"))
        return datetime.fromisoformat(path.read_text())

    def once(self, step: str, act: Callable[[], None]) -> None:
        """Do a step unless it was done. Killed in between, it is done again: with the same bytes."""
        if not (self.directory / step).exists():
            act()
            self._write(step)

    def wait_until(self, instant: datetime) -> None:
        self._write("waiting", instant.isoformat())

    def waits(self, now: datetime) -> bool:
        path = self.directory / "waiting"
        return path.exists() and now < datetime.fromisoformat(path.read_text())

    def finish(self) -> None:
        self._write("done")

    def _write(self, step: str, text: str = "") -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        part = self.directory / f"{step}.part"
        part.write_text(text)
        part.replace(self.directory / step)


def all_desks(settings: Settings, *, conduct: Conduct | None = None, pause: float = PAUSE_SECONDS) -> list[Desk]:
    """A desk for each vendor that has a directory on the server."""
    conduct = conduct or Conduct(settings.bank_tz)
    vendors = sorted(path.name for path in (settings.home / "vendors").glob("*") if (path / "inbound").is_dir())
    return [Desk(settings, vendor, conduct, pause) for vendor in vendors]


def unanswered(settings: Settings) -> list[str]:
    """The batches that the played vendors are not done with: empty once every answer lies in `inbound/`."""
    return [
        path.name.removesuffix(MANIFEST)
        for desk in all_desks(settings)
        for path in desk.manifests()
        if not _Note(settings.home / "vendor_desks" / desk.vendor / _identity(path)).is_done
    ]


def _identity(manifest: Path) -> str:
    """The batch and its content: another list under the same name is another list."""
    return f"{manifest.name.removesuffix(MANIFEST)}-{hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]}"


def _read_rows(content: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def to_json(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


def _collectors(settings: Settings, vendor: str, as_of: date) -> tuple[str, ...]:
    """The collectors whom the vendor has told the bank about; where the bank cannot be asked, nobody has a name."""
    try:
        with (
            closing(psycopg2.connect(settings.dsn("core_banking", "bank"), connect_timeout=5)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "select collector_id from core_banking.collectors where vendor = %s"
                " and (hired_on is null or hired_on <= %s) and (left_on is null or left_on > %s)"
                " group by collector_id order by collector_id",
                (vendor, as_of, as_of),
            )
            return tuple(identity for (identity,) in cursor.fetchall())
    except (psycopg2.Error, FileNotFoundError) as error:
        _log.warning("%s: the bank's table of collectors cannot be read (%s)", vendor, type(error).__name__)
        return ()


def serve(settings: Settings, stopped: Event) -> None:
    """Play every vendor until stopped. What goes wrong at one desk is logged and tried again; the others go on."""
    desks: dict[str, Desk] = {}
    while not stopped.wait(LOOK_EVERY_SECONDS):
        desks = {desk.vendor: desks.get(desk.vendor, desk) for desk in all_desks(settings)}
        for desk in desks.values():
            try:
                desk.work(datetime.now(UTC))
            except Exception as error:
                # The message of an error may hold a row; its kind is enough to look.
                _log.error("%s: %s, tried again", desk.vendor, type(error).__name__)
                stopped.wait(PAUSE_SECONDS)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stopped = Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopped.set())
    serve(get_settings(), stopped)


if __name__ == "__main__":
    main()
