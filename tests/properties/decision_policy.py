"""A policy pack as a compliance officer reads it: plain look-ups in the CSV files, one question at a time.

Shares nothing with the SQL. Every answer is for one business date; a row holds from `valid_from` to before `valid_to`.
"""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import holidays
from rulebook import Rulebook

from arrears.settings import PROJECT_ROOT

REFERENCE = PROJECT_ROOT / "dbt_project" / "seeds" / "reference"
BANK_ZONE = ZoneInfo("Asia/Shanghai")
CENT = Decimal("0.01")
KNOWN_ZONES = available_timezones()
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Line = dict[str, str]
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Channel:
    """One row of the seed `channels`."""

    name: str
    position: int
    medium: str
    kinds: frozenset[str]
    """Kinds of contact points that it reaches; empty = it needs none."""
    planned_attempts: int
    is_optional: bool
    """Whether an experiment may do without it."""

    @property
    def named_by(self) -> tuple[str, ...]:
        """What a rule may call it: a limit, window or refusal of its medium holds for it, and one of no channel."""
        return "", self.name, self.medium


@dataclass(frozen=True)
class Limit:
    """One row of `contact_limits`."""

    channel: str
    counted: str
    per: str
    days: int
    at_most: int


@dataclass(frozen=True)
class Experiment:
    """All arms of an experiment that goes on."""

    name: str
    begins: date
    population: frozenset[tuple[str, str]]
    arms: Sequence[Line]

    def is_about(self, tier: str, jurisdiction: str, product: str) -> bool:
        asked = {name for name, _ in self.population}
        of_row = {"tier": tier, "jurisdiction": jurisdiction, "product": product}
        return all((name, of_row[name]) in self.population for name in asked)

    def draw(self, unit: str) -> tuple[str, str]:
        """Arm and treatment of a customer or of those who owe together: a place on the line of the shares."""
        digest = hashlib.md5(f"{self.name}|{unit}".encode(), usedforsecurity=False).hexdigest()
        place = Fraction(int(digest[:8], 16), 2**32)
        for line in sorted(self.arms, key=lambda each: each["arm"]):
            place -= Fraction(line["share"])
            if place < 0:
                return line["arm"], line["treatment"]
        raise LookupError(f"{self.name} has shares that do not sum to 1")


class Policy:
    """The packs of a directory, and what ships beside them, on one business date."""

    def __init__(self, directory: Path, as_of: date) -> None:
        self.as_of = as_of
        self.rulebook = Rulebook(directory)
        self._seeds = {path.stem: _in_force(path, as_of) for path in directory.glob("*.csv")}
        self.channels = [_channel(line) for line in _read(REFERENCE / "channels.csv")]
        self.by_name = {channel.name: channel for channel in self.channels}
        self.dispositions = {line["disposition"]: line for line in _read(REFERENCE / "dispositions.csv")}
        self.flags = {line["flag"]: line["reason_code"] for line in _read(REFERENCE / "known_flags.csv")}
        self.zones: dict[str, list[ZoneInfo]] = {}
        for line in _read(REFERENCE / "jurisdiction_time_zones.csv"):
            self.zones.setdefault(line["jurisdiction"], []).append(ZoneInfo(line["time_zone"]))
        self._costs = {line["channel"]: Decimal(line["cost_per_attempt"]) for line in _read(REFERENCE / "vendors.csv")}
        chances = _read(REFERENCE / "payment_probabilities.csv")
        self._chances = {(line["tier"], line["history"]): Decimal(line["probability"]) for line in chances}
        self.order = {line["reason_code"]: int(line["order"]) for line in self._seeds["suppression_reasons"]}

    # Whose rules --------------------------------------------------------------------------------------------------
    @cache  # noqa: B019 - lives as long as the test that asks
    def pack(self, jurisdiction: str) -> str:
        """Its own where windows, limits and rules all have rows for it, else DEFAULT."""
        seeds = ("contact_windows", "contact_limits", "contact_rules")
        has_pack = all(any(line["jurisdiction"] == jurisdiction for line in self._seeds[seed]) for seed in seeds)
        return jurisdiction if has_pack else "DEFAULT"

    def tier(self, jurisdiction: str, product: str, counted: int, due_in: int | None, is_written_off: bool) -> Line:
        """The tier of a loan: a product's own table before the general one, a jurisdiction's before DEFAULT."""
        for owner in (jurisdiction, "DEFAULT"):
            for of_product in (product, ""):
                table = [
                    line
                    for line in self._seeds["delinquency_tiers"]
                    if (line["jurisdiction"], line["product"]) == (owner, of_product)
                ]
                if table:
                    return _tier_in(table, counted, due_in, is_written_off)
        raise LookupError(f"no tiers for {jurisdiction}, {product}")

    # What would help ----------------------------------------------------------------------------------------------
    @cached_property
    def experiments(self) -> list[Experiment]:
        arms: dict[str, list[Line]] = {}
        for line in self._seeds["experiments"]:
            arms.setdefault(line["experiment"], []).append(line)
        return [_experiment(name, lines) for name, lines in arms.items()]

    def treatments(self, tier: str, channel: Channel, counted: int, treatment: str = "standard") -> list[Line]:
        """The standard's rows or, where contact is optional, those of a treatment that speaks of the tier."""
        own = [
            line
            for line in self._seeds["challenger_treatments"]
            if (line["treatment"], line["tier"]) == (treatment, tier)
        ]
        return [
            line
            for line in (own if own and channel.is_optional else self._seeds["treatments"])
            if (line["tier"], line["channel"]) == (tier, channel.name)
            and int(line["dpd_from"] or 0) <= counted
            and (not line["dpd_to"] or counted <= int(line["dpd_to"]))
        ]

    # What is allowed ----------------------------------------------------------------------------------------------
    @cache  # noqa: B019
    def _rules(self, pack: str, reason: str) -> list[Line]:
        return [
            line
            for line in self._seeds["contact_rules"]
            if line["jurisdiction"] == pack and line["reason_code"] == reason
        ]

    def closes(self, pack: str, reason: str, channel: Channel, since: date) -> bool:
        """Whether a hold that began on a day closes the channel.

        One of which the pack says nothing closes all of them; how often is for the pack to say.
        """
        rules = self._rules(pack, reason)
        if not rules:
            return reason != "CONVERSATION_PAUSE"
        return any(
            rule["applies_to_channel"] in ("", channel.name) and self._still_blocks(rule, since) for rule in rules
        )

    def _still_blocks(self, rule: Line, since: date) -> bool:
        until = rule["blocks_until"]
        return until == "lifted" or self.as_of < since + timedelta(days=int(until))

    def parameters(self, pack: str, reason: str, name: str, channel: Channel | None = None) -> list[str]:
        """Values of a parameter in the rows of a reason that speak of the channel (None: of any)."""
        pairs = [
            rule["parameter"].partition("=")
            for rule in self._rules(pack, reason)
            if channel is None or rule["applies_to_channel"] in ("", channel.name)
        ]
        return [value for key, _, value in pairs if key == name]

    def expected_value(self, tier: str, history: str, amount_due: Decimal, channel: str) -> Decimal:
        """What orders rows, and decides nothing else: chance times amount, less what an attempt costs."""
        cost = self._costs[channel]
        return (self._chances.get((tier, history), Decimal(0)) * amount_due - cost).quantize(CENT, ROUND_HALF_UP)

    def minimum_amount(self, pack: str, channel: Channel) -> Decimal:
        return max(map(Decimal, self.parameters(pack, "BELOW_MINIMUM", "minimum_amount", channel)), default=Decimal(0))

    @cache  # noqa: B019
    def limits(self, pack: str, channel: str) -> Sequence[Limit]:
        """Those that a row of the channel has to keep."""
        return [
            Limit(line["channel"], line["counted"], line["per"], int(line["days"]), int(line["at_most"]))
            for line in self._seeds["contact_limits"]
            if line["jurisdiction"] == pack and line["channel"] in self.by_name[channel].named_by
        ]

    @cache  # noqa: B019
    def hours(self, pack: str, channel: str, jurisdiction: str) -> Sequence[tuple[time, time] | None]:
        """Local hours that all hold together; None = closed.

        On a public holiday its rows, where the pack has any, stand in place of those of the weekday.
        """
        of_channel = [
            line
            for line in self._seeds["contact_windows"]
            if line["jurisdiction"] == pack and line["channel"] in self.by_name[channel].named_by
        ]
        is_special = is_public_holiday(jurisdiction, self.as_of) and any(
            line["weekday"] == "holiday" for line in of_channel
        )
        weekday = "holiday" if is_special else WEEKDAYS[self.as_of.weekday()]
        lines = [line for line in of_channel if line["weekday"] in ("", weekday)]
        return [
            (time.fromisoformat(line["opens"]), time.fromisoformat(line["closes"])) if line["closes"] else None
            for line in lines
        ] or [None]

    def zones_of(self, jurisdiction: str, time_zone: str | None) -> Sequence[ZoneInfo]:
        """Where the customer may be: his own zone or, where it is not known, every one of his jurisdiction."""
        return [ZoneInfo(time_zone)] if time_zone in KNOWN_ZONES else self.zones.get(jurisdiction, [])


def window(
    day: date, zones: Iterable[ZoneInfo], hours: Iterable[tuple[time, time] | None]
) -> tuple[datetime, datetime] | None:
    """The instants at which it is within all hours in all zones; None = never on that day."""
    opened, closed = [], []
    for zone in zones:
        for span in hours:
            if span is None:
                return None
            # A time that comes twice, or not at all, is two instants: be late to open and early to close.
            opened.append(max(_instants(day, span[0], zone)))
            closed.append(min(_instants(day, span[1], zone)))
    return (max(opened), min(closed)) if opened and max(opened) < min(closed) else None


def _instants(day: date, local: time, zone: ZoneInfo) -> list[datetime]:
    return [datetime.combine(day, local.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]


@cache
def is_public_holiday(jurisdiction: str, day: date) -> bool:
    if jurisdiction == "EU":
        return day in holidays.financial_holidays("ECB", years=day.year)
    if jurisdiction not in holidays.list_supported_countries():
        return False
    return day in holidays.country_holidays(jurisdiction, subdiv="ENG" if jurisdiction == "GB" else None)


def _tier_in(table: Sequence[Line], counted: int, due_in: int | None, is_written_off: bool) -> Line:
    fitting = [
        line
        for line in table
        if (line["is_written_off"] == "true") == is_written_off
        and int(line["dpd_from"]) <= counted
        and (not line["dpd_to"] or counted <= int(line["dpd_to"]))
        and (not line["due_within_days"] or (due_in is not None and due_in <= int(line["due_within_days"])))
    ]
    # pre_due goes before current.
    return max(fitting, key=lambda line: bool(line["due_within_days"]))


def _channel(line: Line) -> Channel:
    kinds = {"phone": ("mobile", "landline"), "none": ()}.get(line["contact_kind"], (line["contact_kind"],))
    return Channel(
        line["channel"],
        int(line["position"]),
        line["medium"],
        frozenset(kinds),
        int(line["planned_attempts"]),
        line["is_optional"] == "true",
    )


def _experiment(name: str, arms: Sequence[Line]) -> Experiment:
    parts = (part.split("=") for part in arms[0]["population"].split())
    population = frozenset((each, value) for each, value in parts)
    return Experiment(name, date.fromisoformat(arms[0]["valid_from"]), population, arms)


def _in_force(path: Path, as_of: date) -> list[Line]:
    day = as_of.isoformat()
    return [
        line for line in _read(path) if line["valid_from"] <= day and (not line["valid_to"] or day < line["valid_to"])
    ]


def _read(path: Path) -> list[Line]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))
