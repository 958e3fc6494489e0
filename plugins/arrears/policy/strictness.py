"""Whether DEFAULT is at least as strict as every pack: it decides for customers whose rules nobody has looked up."""

from collections.abc import Iterable, Iterator
from datetime import date, time
from decimal import Decimal

from arrears.policy.pack import Finding, Pack, Row
from arrears.policy.rules import CONTACT_TABLES, DEFAULT, boundaries
from arrears.policy.schema import reference_rows

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
Hours = tuple[time, time] | None
"""Opens and closes; None: closed."""


def findings(pack: Pack) -> Iterator[Finding]:
    """Every row of another pack that DEFAULT does not match on some day, once."""
    rows = [row for table in CONTACT_TABLES for row in pack.of(table)]
    reported: set[tuple[str, int]] = set()
    for day in boundaries(rows):
        for row, finding in _looser(pack, day):
            if (row.table, row.line) not in reported:
                reported.add((row.table, row.line))
                yield finding


def hours_of(rows: Iterable[Row], channel: str, weekday: str) -> Hours:
    """What a pack's windows leave of a day: all that apply, together. On a holiday its rows stand for the weekday's."""
    mine = [row for row in rows if row["channel"] in (None, channel, _medium(channel))]
    applicable = [row for row in mine if row["weekday"] in (None, weekday)]
    if not applicable or any(row["opens"] is None for row in applicable):
        return None
    opens, closes = max(row["opens"] for row in applicable), min(row["closes"] for row in applicable)
    return (opens, closes) if opens < closes else None


def _medium(channel: str) -> str:
    return next((row["medium"] for row in reference_rows("channels") if row["channel"] == channel), channel)


def _looser(pack: Pack, day: date) -> Iterator[tuple[Row, Finding]]:
    default = {table: _of(pack, table, DEFAULT, day) for table in CONTACT_TABLES}
    for jurisdiction in sorted(
        {row["jurisdiction"] for t in CONTACT_TABLES for row in pack.in_force(t, day)} - {DEFAULT}
    ):
        yield from _limits(_of(pack, "contact_limits", jurisdiction, day), default["contact_limits"], day)
        yield from _rules(_of(pack, "contact_rules", jurisdiction, day), default["contact_rules"], day)
        yield from _windows(_of(pack, "contact_windows", jurisdiction, day), default["contact_windows"], day)


def _of(pack: Pack, table: str, jurisdiction: str, day: date) -> list[Row]:
    return [row for row in pack.in_force(table, day) if row["jurisdiction"] == jurisdiction]


def _wrong(row: Row, column: str, expected: str, day: date) -> tuple[Row, Finding]:
    return row, row.wrong(column, f"{expected} in DEFAULT, which is the strictest of all", f"none in force on {day}")


def _limits(rows: list[Row], default: list[Row], day: date) -> Iterator[tuple[Row, Finding]]:
    for row in rows:
        if not any(_limits_more(other, row) for other in default):
            what = (
                f"at most {row['at_most']} {row['counted']} in {row['days']} days by {row['channel'] or 'all channels'}"
            )
            yield _wrong(row, "at_most", what, day)


def _limits_more(strict: Row, row: Row) -> bool:
    """Whether keeping the first limit keeps the second."""
    return (
        strict["channel"] in (None, row["channel"])
        and strict["counted"] in ("attempt", row["counted"])
        # A conversation may begin with the customer's call, which is no attempt.
        and (row["counted"] != "conversation" or strict["counted"] == "conversation")
        and strict["per"] in ("customer", row["per"])
        and strict["days"] >= row["days"]
        and strict["at_most"] <= row["at_most"]
    )


def _rules(rows: list[Row], default: list[Row], day: date) -> Iterator[tuple[Row, Finding]]:
    for row in rows:
        same = [other for other in default if other["reason_code"] == row["reason_code"]]
        closing = [other for other in same if other["applies_to_channel"] in (None, row["applies_to_channel"])]
        # A hold of which DEFAULT says nothing closes all; how often somebody may be contacted it has to say.
        needs_row = row["reason_code"] in ("CONVERSATION_PAUSE", "BELOW_MINIMUM") or row["parameter"] is not None
        if (same or needs_row) and not any(_closes_as_long(other, row) for other in closing):
            where = row["applies_to_channel"] or "all channels"
            yield _wrong(row, "blocks_until", f"{row['reason_code']} for {where}, {row['blocks_until']}", day)
        elif row["parameter"] is not None and not any(_asks_as_much(other, row) for other in closing):
            yield _wrong(row, "parameter", f"{row['reason_code']} with {row['parameter']} or stricter", day)


def _closes_as_long(strict: Row, row: Row) -> bool:
    if strict["blocks_until"] == "lifted":
        return True
    return bool(row["blocks_until"] != "lifted" and int(strict["blocks_until"]) >= int(row["blocks_until"]))


def _asks_as_much(strict: Row, row: Row) -> bool:
    name, _, value = row["parameter"].partition("=")
    own, _, mine = (strict["parameter"] or "").partition("=")
    if name == "minimum_amount":
        return own == name and Decimal(mine) >= Decimal(value)
    # Who waits how long for a contact, and what is the default anyway, makes nobody's rules stricter.
    return name == "longest_wait_days" or value == "false" or (own, mine) == (name, value)


def _windows(rows: list[Row], default: list[Row], day: date) -> Iterator[tuple[Row, Finding]]:
    if not rows:
        return
    for channel in [row["channel"] for row in reference_rows("channels")]:
        for weekday in WEEKDAYS:
            allowed, strict = hours_of(rows, channel, weekday), hours_of(default, channel, weekday)
            if strict is not None and (allowed is None or strict[0] < allowed[0] or strict[1] > allowed[1]):
                hours = "no hours" if allowed is None else f"hours within {allowed[0]:%H:%M}-{allowed[1]:%H:%M}"
                narrowest = max(rows, key=lambda row: (row["weekday"] == weekday, row["channel"] == channel))
                yield _wrong(narrowest, "opens", f"{hours} for {channel} ({weekday})", day)
