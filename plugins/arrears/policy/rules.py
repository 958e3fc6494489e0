"""What a pack must hold beyond its single values: validity without overlap or gap, sound windows, known parameters."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby, pairwise

import phonenumbers

from arrears.policy.pack import Finding, Pack, Row
from arrears.policy.schema import Table, reference_rows, tables

DEFAULT = "DEFAULT"
CONTACT_TABLES = ("contact_limits", "contact_rules", "contact_windows")
"""A jurisdiction that has rows in one of them needs rows in all of them: half a pack decides for nobody."""
_NEEDS_DEFAULT = (*CONTACT_TABLES, "asset_classes", "delinquency_parameters", "delinquency_tiers")
JURISDICTIONS = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"EU", DEFAULT}

REMINDED = "pre_due"
"""The tier of those who owe nothing yet and are reminded: the models know it by this name."""

_FLAG_PARAMETERS = {"joint_debtors": ("true", "false")}
_PARAMETERS: dict[str, dict[str, tuple[str, ...] | str]] = {
    "BELOW_MINIMUM": {"minimum_amount": "an amount such as 10.00"},
    "CAPACITY": {"longest_wait_days": "a number of days of at least 1"},
    "CHANNEL_REFUSED": {"opt_out_closes": ("all",), "requires_granted": ("true", "false")},
    "NOT_APPROVED": {"approvers": ("2",)},
}
"""What `parameter` may say of a reason, as name=value: the allowed values, or what kind of number."""


def findings(pack: Pack) -> Iterator[Finding]:
    """Everything that is wrong with rows that could be read."""
    yield from _jurisdictions(pack)
    unread = {finding.file for finding in pack.findings}
    for name, table in tables().items():
        rows = pack.of(name)
        yield from _validity(rows)
        yield from _sequences(rows, table, with_gaps=f"{name}.csv" not in unread)
    yield from _windows(pack.of("contact_windows"))
    yield from _ranges(pack)
    yield from _contact_rules(pack.of("contact_rules"))
    yield from _treatments(pack.of("treatments"))
    yield from _treatments(pack.of("challenger_treatments"))
    yield from _reminders(pack.of("delinquency_tiers"))
    yield from _retention(pack.of("retention"), is_whole="retention.csv" not in unread)
    if "suppression_reasons.csv" not in unread:
        yield from _reasons(pack.of("suppression_reasons"))
    if not unread & {f"{name}.csv" for name in _NEEDS_DEFAULT}:
        yield from _absent(pack)
        yield from _tiers(pack)


def boundaries(rows: Iterable[Row]) -> list[date]:
    """The days on which what is in force may change."""
    return sorted({day for row in rows for day in (row.valid_from, row.valid_to)} - {date.max})


def _jurisdictions(pack: Pack) -> Iterator[Finding]:
    for rows in pack.rows.values():
        for row in rows:
            named = row.values.get("jurisdiction", DEFAULT)
            if named not in JURISDICTIONS:
                yield row.wrong("jurisdiction", "a country by ISO 3166 (such as GB), EU or DEFAULT", named)


def _validity(rows: Iterable[Row]) -> Iterator[Finding]:
    for row in rows:
        if row.valid_to <= row.valid_from:
            yield row.wrong("valid_to", f"a day after {row.valid_from}", str(row.valid_to))


def _sequences(rows: Iterable[Row], table: Table, *, with_gaps: bool) -> Iterator[Finding]:
    """Rows of one key follow each other: no day has two of them, and between two of them no day has none."""
    by_key: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        by_key[tuple(row[column] for column in table.key)].append(row)
    for key, same in by_key.items():
        what = ", ".join(f"{column} {value}" for column, value in zip(table.key, key, strict=True) if value is not None)
        same.sort(key=lambda row: (row.valid_from, row.line))
        for earlier, later in pairwise(same):
            if later.valid_from < earlier.valid_to:
                until = "open" if earlier.valid_to == date.max else f"until {earlier.valid_to}"
                found = f"{later.valid_from}, an overlap with line {earlier.line} ({until}; {what})"
                yield later.wrong("valid_from", "one row in force a day", found)
            elif with_gaps and later.valid_from > earlier.valid_to:
                found = f"{later.valid_from}, a gap after line {earlier.line} ({what})"
                yield later.wrong("valid_from", str(earlier.valid_to), found)


def _windows(rows: Iterable[Row]) -> Iterator[Finding]:
    for row in rows:
        opens, closes = row["opens"], row["closes"]
        if (opens is None) != (closes is None):
            column = "opens" if opens is None else "closes"
            yield row.wrong(column, "a time, as the other end has one (neither: closed all day)", "nothing")
        elif opens is not None and closes <= opens:
            yield row.wrong("closes", f"a time after {opens:%H:%M}", f"{closes:%H:%M}")


def _ranges(pack: Pack) -> Iterator[Finding]:
    for rows in pack.rows.values():
        for row in rows:
            for what in ("dpd", "owed"):
                low, high = row.values.get(f"{what}_from"), row.values.get(f"{what}_to")
                if high is not None and high < (low or 0):
                    yield row.wrong(f"{what}_to", f"a number of at least {low or 0}", str(high))


def _contact_rules(rows: Iterable[Row]) -> Iterator[Finding]:
    for row in rows:
        until = row["blocks_until"]
        if until != "lifted" and not (until.isdecimal() and int(until) > 0):
            yield row.wrong("blocks_until", "lifted, or a number of days", until)
        if row["parameter"] is not None:
            yield from _parameter(row)


def _parameter(row: Row) -> Iterator[Finding]:
    name, _, value = row["parameter"].partition("=")
    reason = row["reason_code"]
    of_flags = {"UNKNOWN_FLAG", *(flag["reason_code"] for flag in reference_rows("known_flags"))}
    allowed = _FLAG_PARAMETERS if reason in of_flags else _PARAMETERS.get(reason, {})
    if name not in allowed:
        yield row.wrong("parameter", f"{' or '.join(allowed) or 'nothing'} for {reason}", row["parameter"])
        return
    values = allowed[name]
    if isinstance(values, tuple):
        if value not in values:
            yield row.wrong("parameter", f"{name}={' or '.join(values)}", row["parameter"])
    elif not _is_number(name, value):
        yield row.wrong("parameter", f"{name}= and {values}", row["parameter"])


def _is_number(name: str, value: str) -> bool:
    whole, _, decimals = value.partition(".")
    if not whole.isdecimal() or (decimals and not decimals.isdecimal()):
        return False
    if name == "minimum_amount":
        return len(decimals) <= 2 and not value.endswith(".")
    return "." not in value and int(whole) >= 1


def _reasons(rows: list[Row]) -> Iterator[Finding]:
    """Every reason that the models give has its place in the order on every day."""
    first = min((row.valid_from for row in rows), default=date.min)
    for code in tables()["suppression_reasons"].allowed["reason_code"]:
        for start, _ in _holes((row for row in rows if row["reason_code"] == code), first):
            yield Finding("suppression_reasons.csv", None, "reason_code", f"{code} for every day", f"none from {start}")
    for day in boundaries(rows):
        places: dict[int, Row] = {}
        for row in rows:
            if row.holds_on(day) and places.setdefault(row["order"], row) is not row:
                found = f"{row['order']}, as line {places[row['order']].line} has on {day}"
                yield row.wrong("order", "a place of its own", found)


def _treatments(rows: list[Row]) -> Iterator[Finding]:
    """Of one tier, channel and condition no day past due has two treatments, or two of one challenger."""

    def of_one(row: Row) -> tuple[str, ...]:
        return row.values.get("treatment", ""), row["tier"], row["channel"], row["requires"] or ""

    for _, group in groupby(sorted(rows, key=lambda row: (of_one(row), row.line)), key=of_one):
        same = list(group)
        for number, row in enumerate(same):
            for other in same[:number]:
                if row["dpd_from"] != other["dpd_from"] and _share_days(row, other):
                    yield row.wrong(
                        "dpd_from", "one treatment for a day past due", f"an overlap with line {other.line}"
                    )


def _share_days(row: Row, other: Row) -> bool:
    endless = 10**9
    ranges = [((each["dpd_from"] or 0), endless if each["dpd_to"] is None else each["dpd_to"]) for each in (row, other)]
    do_days = ranges[0][0] <= ranges[1][1] and ranges[1][0] <= ranges[0][1]
    return do_days and row.valid_from < other.valid_to and other.valid_from < row.valid_to


def _reminders(rows: Iterable[Row]) -> Iterator[Finding]:
    for row in rows:
        if row["due_within_days"] is not None and row["tier"] != REMINDED:
            yield row.wrong("tier", f"{REMINDED}, as it has due_within_days", row["tier"])
        elif row["due_within_days"] is None and row["tier"] == REMINDED:
            yield row.wrong("due_within_days", f"a number of days, as the tier is {REMINDED}", "nothing")


def _retention(rows: list[Row], *, is_whole: bool) -> Iterator[Finding]:
    """Nothing is erased before the law lets go of it, and DEFAULT has each kind of data on every day."""
    for row in rows:
        least = row["kept_at_least_days"]
        if row["erased_after_days"] < least:
            yield row.wrong("erased_after_days", f"a number of at least {least}", str(row["erased_after_days"]))
    first = min((row.valid_from for row in rows), default=date.min)
    for kind in tables()["retention"].allowed["data_class"] if is_whole else ():
        of_kind = [row for row in rows if (row["jurisdiction"], row["data_class"]) == (DEFAULT, kind)]
        for start, _ in _holes(of_kind, first):
            yield Finding("retention.csv", None, "data_class", f"{kind} of DEFAULT for every day", f"none from {start}")


def _absent(pack: Pack) -> Iterator[Finding]:
    """DEFAULT is there for every day, and a jurisdiction with contact rules has all of them from its first day on."""
    first = min((row.valid_from for name in _NEEDS_DEFAULT for row in pack.of(name)), default=None)
    if first is None:
        return
    for name in _NEEDS_DEFAULT:
        yield from _uncovered(pack, name, DEFAULT, first)
    jurisdictions = {row["jurisdiction"] for name in CONTACT_TABLES for row in pack.of(name)} - {DEFAULT}
    for jurisdiction in sorted(jurisdictions):
        own = [row for name in CONTACT_TABLES for row in pack.of(name) if row["jurisdiction"] == jurisdiction]
        for name in CONTACT_TABLES:
            yield from _uncovered(pack, name, jurisdiction, min(row.valid_from for row in own))


def _uncovered(pack: Pack, table: str, jurisdiction: str, first: date) -> Iterator[Finding]:
    rows = [row for row in pack.of(table) if row["jurisdiction"] == jurisdiction]
    for start, end in _holes(rows, first):
        found = f"none from {start}" + ("" if end == date.max else f" to {end - timedelta(days=1)}")
        yield Finding(
            f"{table}.csv", None, "jurisdiction", f"rows of {jurisdiction} for every day from {first} on", found
        )


def _holes(rows: Iterable[Row], first: date) -> Iterator[tuple[date, date]]:
    """From (inclusive) and to (exclusive) where no row is in force."""
    covered = first
    for row in sorted(rows, key=lambda row: row.valid_from):
        if row.valid_from > covered:
            yield covered, row.valid_from
        covered = max(covered, row.valid_to)
    if covered < date.max:
        yield covered, date.max


def _tiers(pack: Pack) -> Iterator[Finding]:
    """Tiers and asset classes cover 0, 1, 2 … days past due, once each, on every day; and so for written-off loans."""
    tiers = [row for row in pack.of("delinquency_tiers") if row["due_within_days"] is None]
    for is_written_off in (False, True):
        yield from _tiles(
            [row for row in tiers if row["is_written_off"] is is_written_off], ("jurisdiction", "product")
        )
    yield from _tiles(pack.of("asset_classes"), ("jurisdiction",))
    written_off = {(row["jurisdiction"], row["product"]) for row in tiers if row["is_written_off"]}
    for key in {(row["jurisdiction"], row["product"]) for row in tiers} - written_off:
        yield Finding(
            "delinquency_tiers.csv", None, "is_written_off", f"a tier for written-off loans of {key[0]}", "none"
        )


def _tiles(rows: list[Row], by: tuple[str, ...]) -> Iterator[Finding]:
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in by)].append(row)
    for key, group in groups.items():
        reported: set[int] = set()
        for day in boundaries(group):
            for finding in _tiles_of_day([row for row in group if row.holds_on(day)], str(key[0])):
                if finding.line not in reported:
                    reported.add(finding.line or 0)
                    yield finding


def _tiles_of_day(rows: list[Row], of: str) -> Iterator[Finding]:
    expected: int | None = 0
    ordered = sorted(rows, key=lambda row: row["dpd_from"])
    for row in ordered:
        if row["dpd_from"] != expected:
            wanted = "no further row, since the one before has no end" if expected is None else str(expected)
            yield row.wrong("dpd_from", f"{wanted}: each day past due of {of} once", str(row["dpd_from"]))
        expected = None if row["dpd_to"] is None else row["dpd_to"] + 1
    if ordered and expected is not None:
        yield ordered[-1].wrong(
            "dpd_to", f"no end: days past due of {of} from {expected} on have no row", str(expected - 1)
        )
