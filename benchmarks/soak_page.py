"""What the soak found: whether it is well, and its page."""

import os
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from soak_faults import KINDS

from arrears.delivery.reconcile_sums import SUMS, Sum

COMPARED = 10
"""The first and the last so many quiet days are compared."""
TOLERANCE = 0.10
"""By so much days may grow longer than the portfolio grows: what chance does to the middle of ten days."""
STEPS = {
    "play": "the bank and its vendors live a day",
    "ingest_vendor_results": "what they sent is read",
    "load_core_banking": "what changed is landed",
    "build_marts": "decisions and marts are built",
    "dispatch_contact_lists": "lists are made and sent",
    "recall_paid_accounts": "who paid at noon is recalled",
}
"""Of a day, as `DayRecord.seconds` names them, in their order."""


@dataclass(frozen=True)
class DayRecord:
    """What one business day was like."""

    as_of: date
    total_seconds: float
    seconds: Mapping[str, float]
    """By step, see `STEPS`; what is left is waiting between them."""
    loans: int
    behind: int
    """Loans that are behind."""
    fault: str = ""
    hit: str = ""
    """The task that the fault hit."""
    restarts: Sequence[str] = ()
    red: Sequence[str] = ()
    """How each step failed that was run again."""
    paid_at_noon: int = 0

    @property
    def is_quiet(self) -> bool:
        return not (self.fault or self.red or self.restarts)

    def line(self, number: int, days: int) -> str:
        """For the terminal."""
        steps = ", ".join(f"{name.partition('_')[0]} {self.seconds.get(name, 0):.0f}" for name in STEPS)
        notes = [self.fault + ("" if self.hit else " (missed)")] if self.fault else []
        notes += [f"{len(self.red)} red"] if self.red else []
        notes += [f"restarted {', '.join(self.restarts)}"] if self.restarts else []
        notes += [f"{self.paid_at_noon} paid at noon"] if self.paid_at_noon else []
        said = f"  {'; '.join(notes)}" if notes else ""
        return f"{self.as_of}  day {number:>2} of {days}  {self.total_seconds:>4.0f} s  ({steps}){said}"


@dataclass
class Soak:
    """What was asked for, and the days so far."""

    loans: int
    days: int
    seed: int
    fault_every: int
    records: list[DayRecord]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Soak":
        records = [DayRecord(**row | {"as_of": date.fromisoformat(row["as_of"])}) for row in document["records"]]
        return cls(**dict(document) | {"records": records})


@dataclass(frozen=True)
class Payers:
    """Customers who paid after the lists of a day had left."""

    in_all: int
    recalled: int
    reminded: int
    """Not recalled, and rightly: their list asks for nothing that they paid."""

    @property
    def forgotten(self) -> int:
        return self.in_all - self.recalled - self.reminded


@dataclass(frozen=True)
class Standing:
    """How everything stands at the end."""

    sums: Mapping[date, Sequence[Sum]]
    differences: Sequence[str]
    in_all: Mapping[str, int]
    """Rows whatever their day: of decisions, and of results."""
    unread: Sequence[str]
    """Files that still lie in a vendor's `inbound/`."""
    payers: Mapping[date, Payers]
    misconduct: Mapping[str, int]

    def total(self, name: str) -> Sum:
        """One equation, all days together."""
        rows = [each for day in self.sums.values() for each in day if each.name == name]
        parts: Counter[str] = Counter()
        for each in rows:
            parts.update(each.parts)
        return Sum(name, rows[0].total_name, sum(each.total for each in rows), parts)


@dataclass(frozen=True)
class Growth:
    """How the last quiet days compare with the first."""

    seconds: float
    loans: float

    @property
    def is_too_much(self) -> bool:
        return self.seconds > self.loans * (1 + TOLERANCE)

    def __str__(self) -> str:
        return (
            f"days take {self.seconds:.2f} times as long as at the beginning, of {self.loans:.2f} times as many loans"
        )


def missed(records: Sequence[DayRecord]) -> list[DayRecord]:
    """Days whose fault did not come: its task was not seen running, and not on a later day either."""
    last = {record.fault: record.as_of for record in records if record.hit}
    tried = [record for record in records if record.fault and not record.hit]
    return [record for record in tried if last.get(record.fault, date.min) < record.as_of]


def growth(records: Sequence[DayRecord]) -> Growth | None:
    """None where there are too few quiet days. The first day is left out: it builds everything."""
    quiet = [record for record in records[1:] if record.is_quiet]
    if len(quiet) < 2 * COMPARED:
        return None

    def middle(rows: Iterable[DayRecord], what: str) -> float:
        return statistics.median(getattr(row, what) for row in rows)

    first, last = quiet[:COMPARED], quiet[-COMPARED:]
    return Growth(
        middle(last, "total_seconds") / middle(first, "total_seconds"), middle(last, "loans") / middle(first, "loans")
    )


def problems(soak: Soak, standing: Standing) -> list[str]:
    """Why the soak is not well, a line each."""
    found = list(standing.differences)
    of_days = {"decisions": standing.total("decisions").total, "results": standing.total("results").parts["loaded"]}
    for name, count in of_days.items():
        if count != standing.in_all[name]:
            found.append(f"{name}: {standing.in_all[name]:,} in all, and {count:,} of the days")
    if standing.unread:
        found.append(f"{len(standing.unread)} files were never read, the first is {standing.unread[0]}")
    for record in missed(soak.records):
        found.append(f"{record.as_of}: {record.fault} never came, its task was not seen running")
    for day, payers in standing.payers.items():
        if payers.forgotten:
            found.append(f"{day}: {payers.forgotten} customers who paid at noon were not recalled")
    grown = growth(soak.records)
    if grown and grown.is_too_much:
        found.append(str(grown))
    return found


def page(soak: Soak, standing: Standing, found: Sequence[str]) -> str:
    """The report as Markdown."""
    parts = [
        _introduction(soak, standing, found),
        "## How long a day takes",
        _chart(soak.records),
        _said_of_growth(soak.records),
        _steps(soak.records),
        "## What was reconciled",
        _reconciled(standing),
        "## What vendors did",
        _counted(standing.misconduct),
        "## What went wrong on purpose",
        _faults(soak.records),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(soak: Soak, standing: Standing, found: Sequence[str]) -> str:
    first, last = soak.records[0].as_of, soak.records[-1].as_of
    minutes = sum(record.total_seconds for record in soak.records) / 60
    verdict = "**Nothing differs.**" if not found else "**It failed:**\n\n" + "\n".join(f"* {line}" for line in found)
    return f"""# Sixty days

Written by `make soak` (`benchmarks/soak.py`): a played bank of {soak.loans:,} loans lived from {first} to {last},
and its {len(soak.records)} business days ran through Airflow one after the other, as `arrears run` runs them, in
{minutes:.0f} minutes on {os.cpu_count()} cores. Vendors handed in late, twice, in parts or damaged what they had done
(`simulator/hand_in.py`), customers paid after the lists had left, and parts of the machinery were killed. Every day was
then reconciled as `arrears deliveries --reconcile` does it.

{verdict}"""


def _chart(records: Sequence[DayRecord]) -> str:
    slowest = max(record.total_seconds for record in records)
    unit = next((unit for unit in (1, 10, 100, 1_000) if max(r.loans for r in records) / unit <= slowest), 10_000)
    days = ", ".join(str(number) for number in range(1, len(records) + 1))
    seconds = ", ".join(f"{record.total_seconds:.0f}" for record in records)
    loans = ", ".join(f"{record.loans / unit:.1f}" for record in records)
    of = {1: "loans", 10: "tens of loans", 100: "hundreds of loans", 1_000: "thousands of loans"}.get(
        unit, "loans / 10,000"
    )
    return (
        "```mermaid\nxychart-beta\n"
        f'    title "Bars: seconds of each business day, line: {of}"\n'
        f'    x-axis "business day" [{days}]\n    y-axis 0 --> {slowest * 1.1:.0f}\n    bar [{seconds}]\n'
        f"    line [{loans}]\n```"
    )


def _said_of_growth(records: Sequence[DayRecord]) -> str:
    grown = growth(records)
    if grown is None:
        return f"Too few quiet days to say whether days grow longer: at least {2 * COMPARED} are compared."
    return (
        f"The last {COMPARED} quiet days against the first {COMPARED} (medians; without the first, which builds all,"
        f" and days with a fault): {grown}."
        f" The soak fails where days grow by {TOLERANCE:.0%} more than the portfolio."
    )


def _steps(records: Sequence[DayRecord]) -> str:
    lines = ["| step | what | seconds of a quiet day |", "|---|---|---:|"]
    quiet = [record for record in records[1:] if record.is_quiet] or list(records)
    for name, what in STEPS.items():
        middle = statistics.median(record.seconds.get(name, 0.0) for record in quiet)
        lines.append(f"| `{name}` | {what} | {middle:.1f} |")
    total = statistics.median(record.total_seconds for record in quiet)
    lines.append(f"| **whole day** | waiting between the steps included | **{total:.1f}** |")
    return "\n".join(lines)


def _reconciled(standing: Standing) -> str:
    lines = [
        f"All days from {min(standing.sums)} to {max(standing.sums)}, weekends included, together; each day adds up by"
        " itself, too.",
        "",
        "| counted | | found | difference |",
        "|---|---:|---|---:|",
    ]
    for name in SUMS:
        each = standing.total(name)
        lines.append(f"| {each.counted} | {each.total:,} | {each.places} | {each.difference:+,} |".replace("+0", "0"))
    payers = standing.payers.values()
    in_all, recalled, reminded, forgotten = (
        sum(getattr(of_day, name) for of_day in payers) for name in ("in_all", "recalled", "reminded", "forgotten")
    )
    places = f"{recalled:,} recalled + {reminded:,} still reminded of another loan"
    lines.append(f"| customers who paid at noon | {in_all:,} | {places} | {forgotten:,} |")
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return "\n".join(["| | |", "|---|---:|", *(f"| {what} | {count:,} |" for what, count in counts.items())])


def _faults(records: Sequence[DayRecord]) -> str:
    days = [record for record in records if not record.is_quiet or record.paid_at_noon]
    lines = ["| day | what | task | steps run again | started again | seconds |", "|---|---|---|---:|---|---:|"]
    for record in days:
        kind = record.fault.partition(" at ")[0].replace(" ", "_")
        what = [KINDS[kind].what] if kind in KINDS else []
        what += [f"{record.paid_at_noon} customers paid at noon"] if record.paid_at_noon else []
        hit = f"`{record.hit}`" if record.hit else "too quick, see a later day" if record.fault else ""
        restarts = ", ".join(dict.fromkeys(record.restarts))
        figures = f"{len(record.red)} | {restarts} | {record.total_seconds:.0f}"
        lines.append(f"| {record.as_of} | {'; '.join(what)} | {hit} | {figures} |")
    return "\n".join(lines)
