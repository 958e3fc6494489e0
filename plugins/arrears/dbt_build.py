"""Build the marts with dbt, in this process, for one business date.

A build is recorded in `ops.mart_build` before anything runs and stays `building` until the gate on the marts says
`passed` or `failed`; a build that dbt could not finish is `failed` at once. dbt's logs and compiled SQL lie in the
state directory under `dbt/`.
"""

import gc
import hashlib
import logging
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from importlib import metadata
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psycopg2
import psycopg2.extensions

from arrears.business_days import fill_calendar
from arrears.dbt_seeds import note_seeds, seeds_are_there
from arrears.errors import ArrearsError, ConfigurationError
from arrears.files import fingerprint
from arrears.settings import PROJECT_ROOT, Settings
from arrears.sql_files import read_statement

_statement = partial(read_statement, "marts")

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
_ONLY_WHAT_IS_BUILT = ("--indirect-selection", "buildable")
"""Of the tests only those that look at nothing else: marts that were not built may be missing, or of the day before."""
_NOT_OF_OTHERS = ("--indirect-selection", "empty")
"""What is left out takes none of the tests with it that look at other things as well."""
STATE_AFRESH = ("--full-refresh", "--select", "+tag:per_loan", *_ONLY_WHAT_IS_BUILT)
"""dbt's arguments that build the state of all loans afresh, and what it follows from."""

CHECKED_BEFORE = [
    f"path:seeds/policy_schema,test_name:{name}" for name in ("not_null", "accepted_values", "relationships")
]
"""Tests of single values of policy packs: `arrears.policy.check` reads them where dbt does, and asks before a build."""

Progress = Callable[[str, int, int], None]
"""Told after each node: its name, how many are done, how many there are."""


class BuildError(ArrearsError):
    """dbt could not build the marts. The message names the node and what was wrong with it, never a row's values."""


@dataclass(frozen=True)
class BuildResult:
    """What one run of dbt did."""

    build_id: int
    as_of: date
    known_at: datetime
    models: dict[str, int]
    """How many nodes ended in which status, for example `{"success": 61, "pass": 214}`."""
    failures: tuple[str, ...]
    """Tests that warned; a failure raises."""


@dataclass(frozen=True)
class StartedBuild:
    """A build that is recorded and has everything that dbt needs."""

    build_id: int
    known_at: datetime
    environment: dict[str, str]
    """What dbt reads from its environment when it makes SQL: another value is no reason to parse the project again."""
    is_first: bool
    """No build of this source generation has passed yet: dbt has to build all afresh."""
    has_new_rules: bool
    """The state of loans was computed by other rules or other code: it has to be built afresh, and nothing else."""


def build(
    settings: Settings,
    *,
    as_of: date,
    run_id: str | None = None,
    select: str | None = None,
    known_at: date | datetime | None = None,
    patience: timedelta = timedelta(0),
    progress: Progress | None = None,
) -> BuildResult:
    """Build all models (or those that `select` names, in dbt's syntax) for a business date. Commits as it goes.

    Until a build of the newest source generation has passed, everything is built afresh (`--full-refresh`), so that
    no row of an earlier generation stays. `known_at` cuts off what became known later (a date: its end in the bank's
    time zone); a day's run leaves it out and uses whatever passed the landing gate.

    Raises:
        ConfigurationError: nothing was loaded yet, or the policy directory has no seed files.
        BuildError: another build is running for longer than `patience`, or dbt failed; the build is then recorded as
            `failed`.
    """
    cutoff = end_of_knowledge(known_at, settings.bank_tz) if known_at else None
    with _pipeline(settings) as connection, _only_build(connection, patience):
        started = _start_build(settings, connection, as_of, run_id, cutoff)
        project = stage_project(settings)
        afresh = ["--full-refresh"] if started.is_first else []
        selected = [*_selection(select), *_ONLY_WHAT_IS_BUILT] if select else [*_NOT_OF_OTHERS]
        has_seeds = not select and not started.is_first and seeds_are_there(connection, project)
        try:
            if started.has_new_rules:
                _run_dbt(settings, STATE_AFRESH, started.environment, progress)
            arguments = [*afresh, *selected]
            outcome = _run_dbt(settings, arguments, started.environment, progress, has_seeds=has_seeds)
            if not select and not has_seeds:
                note_seeds(connection, project)
        except ArrearsError as error:
            _fail(connection, started.build_id, str(error))
            raise
        return BuildResult(started.build_id, as_of, started.known_at, *outcome)


def start_build(settings: Settings, *, as_of: date, run_id: str | None = None) -> StartedBuild:
    """Record a build whose models somebody else runs (Cosmos, one task each), and make ready what they need. Commits.

    Raises:
        ConfigurationError: nothing was loaded yet, or the policy directory has no seed files.
    """
    with _pipeline(settings) as connection:
        stage_project(settings)
        started = _start_build(settings, connection, as_of, run_id, None)
        if started.has_new_rules:
            _run_dbt(settings, STATE_AFRESH, started.environment, None)
        return started


def refresh(
    settings: Settings, *, select: str, patience: timedelta = timedelta(0), progress: Progress | None = None
) -> BuildResult:
    """Build the models that `select` names again for the newest day whose build passed, under that build's id. Commits.

    So are the views that look at them: a table that is built again takes those with it.

    Raises:
        ConfigurationError: no build of the newest source generation has passed.
        BuildError: another build is running for longer than `patience`, or dbt failed. The recorded build stays
            `passed`.
    """
    with _pipeline(settings) as connection, _only_build(connection, patience):
        with connection, connection.cursor() as cursor:
            cursor.execute(_statement("newest_build"))
            newest = cursor.fetchone()
        if newest is None:
            raise ConfigurationError("no build of the marts has passed yet: run `arrears run --as-of DATE` first")
        build_id, as_of, known_at = newest
        version = _record_policy(connection, settings.policy_dir)
        stage_project(settings)
        views = " ".join(f"{chosen}+1,config.materialized:view" for chosen in select.split())
        environment = _build_environment(build_id, as_of, _rules(settings, connection, None), None, version)
        outcome = _run_dbt(settings, _selection(f"{select} {views}"), environment, progress)
        return BuildResult(build_id, as_of, known_at, *outcome)


def build_apart(
    settings: Settings,
    *,
    as_of: date,
    known_at: datetime | None,
    prefix: str,
    select: str,
    progress: Progress | None = None,
) -> None:
    """Build the models that `select` names afresh into schemas whose names begin with `prefix`. Commits as it goes.

    Reads landing and the ledger, writes neither: it is recorded nowhere, and what is published stays as it is. Data
    tests do not run. A build may run at the same time; two of the same prefix may not.

    Raises:
        BuildError: dbt failed.
    """
    environment = {
        "ARREARS_AS_OF": as_of.isoformat(),
        "ARREARS_KNOWN_AT": known_at.isoformat() if known_at else "",
        "ARREARS_SCHEMA_PREFIX": prefix,
    }
    arguments = ["--full-refresh", *_selection(select), "--exclude-resource-type", "test"]
    place = settings.home / "dbt" / prefix.strip("_")
    stage_project(settings, place)
    _run_dbt(settings, arguments, environment, progress, place=place)


def document(settings: Settings, *, as_of: date) -> Path:
    """Write dbt's documentation of all models and columns as one file, `home/dbt_docs/index.html`; its path.

    Not where it is there already, of the same project, packs and catalogue: that is half a minute of a core. Reads the
    warehouse's catalogue and no data. A build may run at the same time.

    Raises:
        BuildError: dbt failed; what was written before stays.
    """
    place = settings.home / "dbt" / "docs"
    page = settings.home / "dbt_docs" / "index.html"
    made_of = page.with_name("made_of")
    speaks_of = _documented(settings, stage_project(settings, place))
    if page.exists() and made_of.exists() and made_of.read_text(encoding="utf-8") == speaks_of:
        return page
    environment = {"ARREARS_AS_OF": as_of.isoformat(), "ARREARS_KNOWN_AT": ""}
    # Parsed and not compiled: compiling asks the warehouse about every model, for text that the models say themselves.
    _require_done(_invoke_dbt(settings, "parse", [], environment, place), "read the project")
    arguments = ["--static", "--no-compile"]
    _require_done(_invoke_dbt(settings, "docs generate", arguments, environment, place), "write its documentation")
    page.parent.mkdir(parents=True, exist_ok=True)
    # In one step: a reader gets the whole page, of before or of now.
    (place / "target" / "static_index.html").replace(page)
    made_of.write_text(speaks_of, encoding="utf-8")
    return page


def _documented(settings: Settings, project: Path) -> str:
    """A fingerprint of all that the documentation follows from: dbt, the project with its packs, the catalogue."""
    with _pipeline(settings) as connection, connection.cursor() as cursor:
        cursor.execute(_statement("catalogue"))
        catalogue = str(cursor.fetchall())
    return fingerprint(project, project.rglob("*"), metadata.version("dbt-core"), catalogue)


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables that `dbt_project.yml`, `profiles.yml` and models read: every plain setting, and the password."""
    variables = {
        f"ARREARS_{name.upper()}": str(value) for name, value in settings if isinstance(value, str | int | float | Path)
    }
    return variables | {"ARREARS_SECRET_POSTGRES_PIPELINE": settings.secret("postgres_pipeline")}


def end_of_knowledge(known_at: date | datetime, zone: ZoneInfo) -> datetime:
    """K as an instant: a date means the last microsecond of that day in the bank's time zone."""
    if isinstance(known_at, datetime):
        if known_at.tzinfo is None:
            raise ConfigurationError(f"known_at needs an offset, such as +08:00, and has none: {known_at.isoformat()}")
        return known_at
    return datetime.combine(known_at + timedelta(days=1), time(), tzinfo=zone) - timedelta(microseconds=1)


def policy_version(directory: Path) -> str:
    """What the policy packs of a directory are, as a short hash of the names and bytes of their files.

    Raises:
        ConfigurationError: the directory is missing or holds no `.csv` file.
    """
    seeds = sorted(directory.glob("*.csv"))
    if not seeds:
        raise ConfigurationError(f"policy directory {directory}: expected seed files (*.csv), found none")
    digest = hashlib.sha256()
    for seed in seeds:
        digest.update(f"{seed.name}\0{hashlib.sha256(seed.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


@contextmanager
def _pipeline(settings: Settings) -> Iterator[psycopg2.extensions.connection]:
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
        yield connection


@contextmanager
def _only_build(connection: psycopg2.extensions.connection, patience: timedelta) -> Iterator[None]:
    """One build at a time: two would swap each other's tables. The lock falls with the connection."""
    try:
        with connection, connection.cursor() as cursor:
            # None at all would mean: for ever.
            cursor.execute("set local lock_timeout = %s", (f"{max(1, patience / timedelta(milliseconds=1)):.0f}ms",))
            cursor.execute("select pg_advisory_lock(hashtext('arrears.dbt_build'))")
    except psycopg2.errors.LockNotAvailable:
        raise BuildError("another build of the marts is running: wait for it to end, then run this again") from None
    try:
        yield
    finally:
        if not connection.closed:
            with connection, connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(hashtext('arrears.dbt_build'))")


def _newest_generation(connection: psycopg2.extensions.connection) -> tuple[int, bool]:
    with connection, connection.cursor() as cursor:
        cursor.execute(_statement("newest_generation"))
        row = cursor.fetchone()
    if row is None:
        raise ConfigurationError("there is nothing to build marts from: load core banking first")
    return int(row[0]), bool(row[1])


def _record_policy(connection: psycopg2.extensions.connection, directory: Path) -> str:
    version = policy_version(directory)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.policy_version (policy_version, directory) values (%s, %s) on conflict do nothing",
            (version, str(directory)),
        )
    return version


def _start_build(
    settings: Settings,
    connection: psycopg2.extensions.connection,
    as_of: date,
    run_id: str | None,
    cutoff: datetime | None,
) -> StartedBuild:
    fill_calendar(connection, as_of=as_of)
    generation, has_passed_build = _newest_generation(connection)
    version = _record_policy(connection, settings.policy_dir)
    build_id, known_at = _start(connection, as_of, generation, cutoff, version, run_id)
    rules = _rules(settings, connection, cutoff)
    return StartedBuild(
        build_id,
        known_at,
        _build_environment(build_id, as_of, rules, cutoff, version),
        is_first=not has_passed_build,
        has_new_rules=has_passed_build and _has_other_rules(connection, rules),
    )


def _build_environment(build_id: int, as_of: date, rules: str, cutoff: datetime | None, version: str) -> dict[str, str]:
    return {
        "ARREARS_BUILD_ID": str(build_id),
        "ARREARS_AS_OF": as_of.isoformat(),
        "ARREARS_KNOWN_AT": cutoff.isoformat() if cutoff else "",
        "ARREARS_RULES": rules,
        "ARREARS_POLICY_VERSION": version,
    }


def _rules(settings: Settings, connection: psycopg2.extensions.connection, cutoff: datetime | None) -> str:
    """A fingerprint of all that the state of a loan follows from besides newer rows.

    Parameters, tier tables, business days, SQL, and the knowledge time, which decides which of the older rows count.
    """
    parameters = (settings.policy_dir / "delinquency_parameters.csv").read_bytes()
    digest = hashlib.sha256(parameters)
    digest.update((settings.policy_dir / "delinquency_tiers.csv").read_bytes())
    digest.update(str(cutoff).encode())
    for path in sorted(DBT_PROJECT.rglob("*.sql")):
        if path.relative_to(DBT_PROJECT).parts[0] not in ("target", "logs", "tests"):
            digest.update(path.read_bytes())
    if b"next_business_day" in parameters:
        with connection, connection.cursor() as cursor:
            cursor.execute(_statement("calendar_fingerprint"))
            digest.update(str(cursor.fetchall()).encode())
    return digest.hexdigest()[:16]


def _has_other_rules(connection: psycopg2.extensions.connection, rules: str) -> bool:
    with connection, connection.cursor() as cursor:
        cursor.execute("select exists (select from ops.loan_state where rules <> %s)", (rules,))
        return cursor.fetchall() == [(True,)]


def _start(
    connection: psycopg2.extensions.connection,
    as_of: date,
    generation: int,
    known_at: datetime | None,
    version: str,
    run_id: str | None,
) -> tuple[int, datetime]:
    parameters = {
        "as_of": as_of,
        "generation": generation,
        "known_at": known_at,
        "policy_version": version,
        "run_id": run_id,
    }
    with connection, connection.cursor() as cursor:
        cursor.execute(_statement("start_build"), parameters)
        build_id, started_at = cursor.fetchone() or (None, None)
    return build_id, started_at


def _fail(connection: psycopg2.extensions.connection, build_id: int, reason: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.mart_build set state = 'failed', finished_at = clock_timestamp(), reason = %s"
            " where build_id = %s and state = 'building'",
            (reason, build_id),
        )


def _selection(select: str | None) -> list[str]:
    return ["--select", *select.split()] if select else []


def _run_dbt(
    settings: Settings,
    arguments: Sequence[str],
    environment: dict[str, str],
    progress: Progress | None,
    *,
    place: Path | None = None,
    has_seeds: bool = False,
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Run `dbt build` in this process, on the staged project; counts by status, and the names of tests that warned.

    With `has_seeds` neither loads seeds nor reads them in their own tests.
    """
    # Lineage is read from the manifest and the results; where nobody asks for it, to write them takes seconds.
    artifacts = [] if settings.lineage_to else ["--no-write-json"]
    command = [
        *artifacts,
        # What waits for which test is the same either way; worked out the other way it takes a second more.
        "--use-fast-test-edges",
        # Unit tests prove the code, not the day's data: `make test` runs them.
        *("--exclude-resource-type", "unit_test", *(["seed"] if has_seeds else [])),
        *("--exclude", *(["path:seeds"] if has_seeds else CHECKED_BEFORE)),
        *arguments,
    ]
    outcome = _invoke_dbt(settings, "build", command, environment, place or settings.home / "dbt", progress)
    return _read_outcome(outcome)


def _invoke_dbt(
    settings: Settings,
    command: str,
    arguments: Sequence[str],
    environment: dict[str, str],
    place: Path,
    progress: Progress | None = None,
) -> "dbtRunnerResult":
    """Run a command of dbt in this process, on the copy of the project that lies in `place`; what it returns says how
    it went."""
    # Imported late: two seconds that only a build has to pay.
    from dbt.cli.main import dbtRunner

    project = str(place / "project")
    callbacks = [_reporter(progress)] if progress else []
    variables = dbt_environment(settings) | environment
    with in_environment(variables), _log(place / "logs" / "dbt.log") as log, _no_search_for_cycles():
        return dbtRunner(callbacks=[log, *callbacks]).invoke(
            [
                *command.split(),
                *("--project-dir", project, "--profiles-dir", project),
                *("--target-path", str(place / "target"), "--log-path", str(place / "logs")),
                *("--log-level", "none", "--log-level-file", "none", "--no-use-colors"),
                *arguments,
            ]
        )


def stage_project(settings: Settings, place: Path | None = None) -> Path:
    """A copy of the dbt project in the state directory, with the policy packs that are in force; returns its path.

    dbt cannot read seeds from a directory outside its project: given one, it writes what it compiled over the files.
    """
    staged = (place or settings.home / "dbt") / "project"
    for source, target in ((DBT_PROJECT, staged), (settings.policy_dir, staged / "seeds" / "policy")):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("target", "logs"))
    return staged


@contextmanager
def in_environment(variables: dict[str, str]) -> Iterator[None]:
    """dbt reads its settings from the environment of the process: set them for the time of the run."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """What dbt makes of the project lives as long as its run. To look through it again and again for cycles that are
    garbage takes a sixth of a build; to leave them costs 250 MB, whatever the size of the bank."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _log(path: Path) -> Iterator[Callable[[Any], None]]:
    """Writes what dbt says into a file, all but what it says to those who debug dbt itself.

    Its own log file makes a line of each of these ten thousand messages before it leaves them out: an eighth of a
    build.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=10_000_000, backupCount=5, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(message)s"))

    def write(event: Any) -> None:
        if event.info.level != "debug":
            # By `handle`, which lets one of dbt's threads write at a time.
            handler.handle(logging.makeLogRecord({"levelname": event.info.level, "msg": event.info.msg}))

    try:
        yield write
    finally:
        handler.close()


def _reporter(progress: Progress) -> Callable[[Any], None]:
    def report(event: Any) -> None:
        if event.info.name.startswith("Log") and event.info.name.endswith("Result") and hasattr(event.data, "total"):
            progress(event.data.node_info.node_name, event.data.index, event.data.total)

    return report


def _read_outcome(outcome: "dbtRunnerResult") -> tuple[dict[str, int], tuple[str, ...]]:
    results = list(getattr(outcome.result, "results", None) or ())
    broken = [result for result in results if str(result.status) in ("error", "fail", "runtime error")]
    if broken:
        more = f" ({len(broken) - 1} more failed: see ops.mart_build and dbt's log)" if len(broken) > 1 else ""
        raise BuildError(f"dbt {_describe(broken[0])}{more}")
    _require_done(outcome, "build the marts")
    counts = Counter(str(result.status) for result in results)
    return dict(counts), tuple(result.node.name for result in results if str(result.status) == "warn")


def _require_done(outcome: "dbtRunnerResult", what: str) -> None:
    if not outcome.success:
        reason = without_values(str(outcome.exception)) if outcome.exception else "it gave no reason; see its log"
        raise BuildError(f"dbt could not {what}: {reason}")


def _describe(result: Any) -> str:
    node = result.node
    failed_rows = f" ({result.failures} rows)" if result.failures else ""
    return f"{node.resource_type} {node.name}: {without_values(result.message or 'failed')}{failed_rows}"


def without_values(message: str) -> str:
    """dbt's message on one line, without what the database adds about the row it failed on."""
    kept = []
    for line in message.splitlines():
        if re.match(r"\s*(DETAIL|CONTEXT|HINT|LINE \d+):", line) or "compiled code at" in line:
            break
        kept.append(line.strip())
    return re.sub(r'(input syntax for type [\w ]+): ".*"', r"\1: a value", " ".join(filter(None, kept)))
