"""A world that is played from day to day: customers live, vendors work their lists, the bank books what came of it.

The world begins as `bank` writes it and then follows from the seed and from the lists: on each day everybody who is
called, written to or visited may be moved to pay by a chance that only `truth` knows. The bank's tables then hold what
a bank would know that evening, the vendors' directories what they handed in.

A day is played once: what it changes in the source is one transaction, and a file for each day keeps what is to come
and why each payment was made (`<home>/simulation/days`). Killed in between, the day is played again, the same.
"""

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.errors import ArrearsError
from arrears.files import write_whole
from arrears.settings import Settings
from arrears.simulator.bank import simulate
from arrears.simulator.behaviour import position
from arrears.simulator.book import Book
from arrears.simulator.day import Customer, Day, Event, Facts
from arrears.simulator.hand_in import Misconduct
from arrears.simulator.truth import World, directory_of, read_world
from arrears.simulator.vendors import all_desks
from arrears.source.contract import BY_NAME, SOURCE_SCHEMA
from arrears.source.files import Progress
from arrears.source.writer import ContractWriter
from arrears.sql_files import read_statement

_statement = partial(read_statement, "simulator")

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Lived:
    """How far a world has come."""

    today: date
    days: int
    """How many were played."""
    rows: Counter[str]
    """Rows that they added or changed, by table."""


def live_until(
    core_banking: Connection,
    warehouse: Connection,
    settings: Settings,
    *,
    loans: int,
    start: date,
    day: date,
    seed: int,
    misconduct: Misconduct | None = None,
    progress: Progress | None = None,
) -> Lived:
    """Bring a world to the morning of a day, which is then the day to run the chain for. Commits day by day.

    The first time, and after another source was loaded, that day is the world's first one: what came before is as
    `bank` plays it.

    Raises:
        ArrearsError: the world is past that day already.
    """
    world = read_world(settings)
    if (
        world is None
        or (world.loans, world.start, world.seed) != (loans, start, seed)
        or not _is_loaded(warehouse, world)
    ):
        world = World(loans, start, day, seed, misconduct or Misconduct())
        _begin(core_banking, warehouse, settings, world, progress)
    rows: Counter[str] = Counter()
    today, days = today_of(core_banking, settings), 0
    if day < today:
        raise ArrearsError(f"the played world stands at {today} and cannot go back to {day}: take another seed")
    while today < day:
        rows += play_day(core_banking, settings, world, today)
        today, days = today + _ONE_DAY, days + 1
        if progress:
            progress("played days", 1)
    return Lived(today, days, rows)


def today_of(core_banking: Connection, settings: Settings) -> date:
    """The day whose morning it is in the source: everything before has happened."""
    with core_banking, core_banking.cursor() as cursor:
        cursor.execute("select max(complete_to) from core_banking.feed_status where table_name = 'loans'")
        (complete_to,) = cursor.fetchone() or (None,)
    if complete_to is None:
        raise ArrearsError("the source does not say to which day it is complete: no played world is loaded")
    today: date = complete_to.astimezone(settings.bank_tz).date()
    return today


def _is_loaded(warehouse: Connection, world: World) -> bool:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select description from ops.source_generation order by generation desc limit 1")
        return cursor.fetchone() == (world.description,)


def _begin(
    core_banking: Connection, warehouse: Connection, settings: Settings, world: World, progress: Progress | None
) -> None:
    simulate(
        core_banking,
        warehouse,
        loans=world.loans,
        start=world.start,
        end=world.first_day - _ONE_DAY,
        seed=world.seed,
        description=world.description,
        mode="feed",
        progress=progress,
    )
    with core_banking, core_banking.cursor() as cursor:
        cursor.execute("select collector_id, channel from core_banking.collectors")
        world.write(directory_of(settings), dict(cursor.fetchall()))


def play_day(core_banking: Connection, settings: Settings, world: World, today: date) -> Counter[str]:
    """Play one day after its lists were delivered: the source then stands at the next morning. Commits.

    Returns:
        Rows of the source that were added or changed, by table.
    """
    desks = {desk.vendor: desk for desk in all_desks(settings)}
    with core_banking, core_banking.cursor() as cursor, tempfile.TemporaryDirectory(prefix="arrears-day-") as scratch:
        with ContractWriter(Path(scratch)) as writer:
            day = Day(world, today, _read_facts(cursor, today), Book(writer, settings.bank_tz))
            events = _events(settings, today)
            day.play(events, desks.values())
            _change_loans(cursor, day)
        for file in day.handed_in:
            desks[file["vendor"]].put(file["name"], file["text"].encode("latin-1"))
        later = [event for event in events if event["on"] > today.isoformat()] + day.to_come
        document = {"because": day.because, "to_come": later}
        write_whole(_day_file(settings, today), json.dumps(document, indent=1) + "\n")
        _merge(cursor, Path(scratch), writer.row_counts)
    return Counter({name: count for name, count in writer.row_counts.items() if count})


def _change_loans(cursor: Cursor, day: Day) -> None:
    names = BY_NAME["loans"].column_names
    query = sql.SQL("select {} from core_banking.loans where loan_id = any(%s)").format(
        sql.SQL(", ").join(map(sql.Identifier, names))
    )
    cursor.execute(query, ([*day.changed_loans],))
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        del row["updated_at"]
        day.book.add("loans", changed_on=day.today, **row | day.changed_loans[row["loan_id"]])


def _day_file(settings: Settings, day: date) -> Path:
    return directory_of(settings) / "days" / f"{day}.json"


def _events(settings: Settings, today: date) -> list[Event]:
    """What the day before left to come; nothing on the first day."""
    path = _day_file(settings, today - _ONE_DAY)
    return list(json.loads(path.read_text(encoding="utf-8"))["to_come"]) if path.exists() else []


def _merge(cursor: Cursor, directory: Path, row_counts: Mapping[str, int]) -> None:
    """Add the rows to the source; a row whose key is there already takes its place."""
    for name, count in row_counts.items():
        if not count:
            continue
        table = sql.Identifier(SOURCE_SCHEMA, name)
        keys = sql.SQL(" and ").join(
            sql.SQL("known.{0} = changed.{0}").format(sql.Identifier(key)) for key in BY_NAME[name].key
        )
        cursor.execute(sql.SQL("create temporary table changed (like {}) on commit drop").format(table))
        with (directory / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            cursor.copy_expert("copy changed from stdin with (format csv, header true)", file)
        cursor.execute(sql.SQL("delete from {} as known using changed where {}").format(table, keys))
        cursor.execute(sql.SQL("insert into {} select * from changed").format(table))
        cursor.execute("drop table changed")


def _read_facts(cursor: Cursor, today: date) -> Facts:
    cursor.execute(_statement("customers"), {"day": today})
    customers = {row[0]: Customer(*row) for row in cursor.fetchall()}
    cursor.execute("select value from core_banking.contact_points where kind <> 'address'")
    numbers = {value for (value,) in cursor.fetchall()}
    facts = Facts(customers, {}, defaultdict(list), {}, [], [], numbers)
    cursor.execute(_statement("loans"), {"day": today})
    for *loan, due_dates, amounts, principals, paid, relief, reduced in cursor.fetchall():
        stand = position(loan, list(zip(due_dates, amounts, principals, strict=True)), paid, today)
        if stand is None:
            facts.done += [loan[0]] if loan[3] == "active" else []
            continue
        facts.stands[stand.loan_id] = stand
        facts.by_customer[stand.customer_id].append(stand.loan_id)
        if relief:
            facts.relief[stand.loan_id] = relief, int(reduced or 0)
    cursor.execute(
        "select collector_id from core_banking.collectors where channel = 'phone' and hired_on <= %(day)s"
        " and (left_on is null or left_on > %(day)s) order by collector_id",
        {"day": today},
    )
    facts.collectors = [identity for (identity,) in cursor.fetchall()]
    return facts
