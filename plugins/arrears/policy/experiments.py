"""What experiments of a pack must keep: arms that can be compared, and none that may do more than the policy allows."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations

from arrears.policy.pack import Finding, Pack, Row
from arrears.policy.rules import DEFAULT, JURISDICTIONS, boundaries
from arrears.policy.schema import reference_rows

CHAMPION = "champion"
STANDARD = "standard"
HOLD_OUT = "hold_out"
TONES = ("gentle", "friendly", "firm")
"""The gentlest first."""
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PART = re.compile(r"(tier|jurisdiction|product)=([^ =]+)")
_OF_ALL_ARMS = ("population", "least_effect", "valid_from", "valid_to")
_ENDLESS = 10**9

Population = Mapping[str, set[str]]


def findings(pack: Pack) -> Iterator[Finding]:
    """Everything that is wrong with experiments and with the treatments that their arms get."""
    experiments: dict[str, list[Row]] = defaultdict(list)
    for row in pack.of("experiments"):
        experiments[row["experiment"]].append(row)
    for rows in experiments.values():
        yield from _arms(rows)
        yield from _treatments(rows, pack)
    yield from _values(pack)
    yield from _overlaps([rows[0] for rows in experiments.values()])
    yield from _challengers(pack)


def population(row: Row) -> Population:
    """The values of each name of a population; a name that it does not have is not asked for."""
    named: dict[str, set[str]] = defaultdict(set)
    for name, value in _PART.findall(row["population"] or ""):
        named[name].add(value)
    return named


def _arms(rows: Sequence[Row]) -> Iterator[Finding]:
    """Shares that cover everybody once, somebody to compare with, and one draw for all of the time."""
    first = rows[0]
    total = sum(row["share"] for row in rows)
    if total != 1:
        yield first.wrong("share", f"shares of {first['experiment']} that sum to 1", str(total))
    if not any(row["arm"] == CHAMPION for row in rows):
        yield first.wrong("arm", f"an arm {CHAMPION} of {first['experiment']}", "none")
    if len(rows) < 2:
        yield first.wrong("arm", f"two arms of {first['experiment']} or more", "1")
    held_out = [row for row in rows if row["treatment"] == HOLD_OUT]
    for row in held_out[1:]:
        yield row.wrong("treatment", "one hold-out of an experiment", f"another in line {held_out[0].line}")
    for row in rows[1:]:
        for column in _OF_ALL_ARMS:
            if row[column] != first[column]:
                yield row.wrong(column, f"{first[column]}, as line {first.line} has", str(row[column]))


def _treatments(rows: Sequence[Row], pack: Pack) -> Iterator[Finding]:
    """Arms get what is there on each day of the experiment."""
    challengers = pack.of("challenger_treatments")
    known = {STANDARD, HOLD_OUT, *(row["treatment"] for row in challengers)}
    for row in rows:
        treatment = row["treatment"]
        if treatment not in known:
            yield row.wrong("treatment", " or ".join(sorted(known)), treatment)
        elif row["arm"] == CHAMPION and treatment != STANDARD:
            yield row.wrong("treatment", f"{STANDARD}, as the arm is {CHAMPION}", treatment)
        elif treatment not in (STANDARD, HOLD_OUT):
            tiers = population(row).get("tier")
            mine = [
                each for each in challengers if each["treatment"] == treatment and (not tiers or each["tier"] in tiers)
            ]
            for day in _days(row, mine):
                if not any(each.holds_on(day) for each in mine):
                    yield row.wrong(
                        "treatment", f"rows of {treatment} for the population on every day", f"none on {day}"
                    )
                    break


def _values(pack: Pack) -> Iterator[Finding]:
    known = {
        "tier": {row["tier"] for row in pack.of("delinquency_tiers")},
        "jurisdiction": JURISDICTIONS - {DEFAULT},
    }
    for row in pack.of("experiments"):
        for column in ("experiment", "arm"):
            if not _NAME.fullmatch(row[column]):
                yield row.wrong(column, "a name of letters, digits, _ and -", row[column])
        for column in ("share", "least_effect"):
            if row[column] <= 0:
                yield row.wrong(column, "a number above 0", str(row[column]))
        for part in (row["population"] or "").split(" ") if row["population"] else ():
            found = _PART.fullmatch(part)
            if not found:
                yield row.wrong("population", "tier=, jurisdiction= or product= with a value, parted by a space", part)
            elif found[1] in known and found[2] not in known[found[1]]:
                yield row.wrong("population", f"a {found[1]} that is known", part)


def _overlaps(experiments: Sequence[Row]) -> Iterator[Finding]:
    """No decision belongs to two experiments: what made the difference could not be told."""
    for earlier, later in combinations(experiments, 2):
        if earlier.valid_from >= later.valid_to or later.valid_from >= earlier.valid_to:
            continue
        one, other = population(earlier), population(later)
        if all(one[name] & other[name] for name in one.keys() & other.keys()):
            yield later.wrong(
                "population", f"customers whom {earlier['experiment']} (line {earlier.line}) has not", "an overlap"
            )


def _challengers(pack: Pack) -> Iterator[Finding]:
    """A challenger does what the standard does, or less of it, later or more gently."""
    optional = {row["channel"] for row in reference_rows("channels") if row["is_optional"] == "true"}
    for row in pack.of("challenger_treatments"):
        if row["treatment"] in (STANDARD, HOLD_OUT):
            yield row.wrong("treatment", "a name of its own", row["treatment"])
        if row["channel"] not in optional:
            yield row.wrong("channel", "an optional channel: " + ", ".join(sorted(optional)), row["channel"])
            continue
        same = [
            each
            for each in pack.of("treatments")
            if all(each[name] == row[name] for name in ("tier", "channel", "requires"))
        ]
        yield from _beyond_standard(row, same)


def _beyond_standard(row: Row, standard: Sequence[Row]) -> Iterator[Finding]:
    for day in _days(row, standard):
        in_force = [each for each in standard if each.holds_on(day)]
        if not _covers(in_force, row):
            what = (
                f"days past due on which the standard uses {row['channel']} in {row['tier']} under the same condition"
            )
            yield row.wrong("channel", what, f"more on {day}")
            return
        for each in in_force:
            if _share_a_day(each, row) and not _is_as_gentle(row["tone"], each["tone"]):
                yield row.wrong("tone", f"{each['tone']} or gentler, as the standard is", row["tone"])
                return


def _days(row: Row, others: Sequence[Row]) -> list[date]:
    """The days of a row on which what is in force of others may be another."""
    return [day for day in boundaries([row, *others]) if row.holds_on(day)]


def _range(row: Row) -> tuple[int, int]:
    return row["dpd_from"] or 0, _ENDLESS if row["dpd_to"] is None else row["dpd_to"]


def _covers(standard: Sequence[Row], row: Row) -> bool:
    first, last = _range(row)
    for start, end in sorted(map(_range, standard)):
        if start <= first <= end:
            first = end + 1
    return first > last


def _share_a_day(one: Row, other: Row) -> bool:
    (first, last), (start, end) = _range(one), _range(other)
    return first <= end and start <= last


def _is_as_gentle(tone: str, standard: str) -> bool:
    return tone == standard or (standard in TONES and TONES.index(tone) <= TONES.index(standard))
