"""What is looked at every few minutes: states of the warehouse, of keys and of the policy. Each check reads only."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import psycopg2.extensions

from arrears.alerts import lateness
from arrears.alerts.ledger import Finding, statement
from arrears.delivery.circuit import current_outages
from arrears.delivery.keys import state_of
from arrears.delivery.vendors import Vendor, all_vendors
from arrears.policy.pack import Pack, Row, read_pack
from arrears.policy.schema import tables
from arrears.settings import Settings

RECALLS_BEGIN = time(6, 0)
"""From then on core banking is read every few minutes (`recall_paid_accounts`), until midnight."""
LONGEST_ERASURE = timedelta(hours=3)
ERASURE_EVERY = timedelta(hours=36)
"""A night and some hours."""
LONGEST_COPY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """What a check looks at."""

    warehouse: psycopg2.extensions.connection
    as_of: date
    """The business date."""
    now: datetime
    """The clock: a vendor that does not answer is real on a past business date, too."""
    settings: Settings

    def rows(self, name: str, **values: object) -> list[tuple[Any, ...]]:
        """Rows of a statement in `sql/alerts`."""
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute(statement(name), {"as_of": self.as_of, "now": self.now, **values})
            return cursor.fetchall()

    @cached_property
    def vendors(self) -> list[Vendor]:
        """None before the first build."""
        if not self.has("staging.vendors"):
            return []
        with self.warehouse:
            return all_vendors(self.warehouse)

    @cached_property
    def policy(self) -> Pack:
        """The packs that decide."""
        return read_pack(self.settings.policy_dir)

    def has(self, relation: str) -> bool:
        """Whether a build has made this table or view yet."""
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute("select to_regclass(%s) is not null", (relation,))
            return cursor.fetchall() == [(True,)]

    def clock(self, instant: datetime) -> str:
        """An instant as people of the bank read it."""
        return f"{instant.astimezone(self.settings.bank_tz):%Y-%m-%d %H:%M}"


def late_steps(scene: Scene) -> list[Finding]:
    """Landing, marts or lists of the business date that are not done in time."""
    return lateness.late(scene.warehouse, as_of=scene.as_of, now=scene.now, settings=scene.settings)


def unacknowledged(scene: Scene) -> Iterator[Finding]:
    """Vendors that did not answer within `ack_deadline_minutes`."""
    rows = scene.rows(
        "unacknowledged",
        allowed=timedelta(minutes=scene.settings.ack_deadline_minutes),
        take_stop_silently=[vendor.name for vendor in scene.vendors if not vendor.acknowledges_stop],
    )
    for vendor, batches, oldest_at, oldest in rows:
        summary = f"{vendor} did not acknowledge {batches} batches, the oldest {oldest}, sent {scene.clock(oldest_at)}"
        yield Finding("batch_unacknowledged", str(vendor), summary)


def open_circuits(scene: Scene) -> Iterator[Finding]:
    """Vendors that failed so often that they are left alone."""
    with scene.warehouse:
        outages = current_outages(scene.warehouse)
    for outage in outages:
        if outage.opened_at:
            summary = (
                f"{outage.vendor} failed {outage.failures} times since {scene.clock(outage.began_at)}: {outage.reason}"
            )
            yield Finding("circuit_open", outage.vendor, summary)


def keys(scene: Scene) -> Iterator[Finding]:
    """Certificates that end soon, and those that cannot be used."""
    seen = set()
    for vendor in scene.vendors:
        state = state_of(vendor, scene.settings, scene.now)
        if state is None or not state.problem or vendor.name in seen:
            continue
        seen.add(vendor.name)
        if state.stops_lists:
            yield Finding("key_unusable", vendor.name, f"nothing can be encrypted for {vendor.name}")
        elif state.expires_at:
            yield Finding("key_expiring", vendor.name, f"the key of {vendor.name} ends {scene.clock(state.expires_at)}")


def ending_policies(scene: Scene) -> Iterator[Finding]:
    """Rows of the policy after whose end no row of the same key follows: from the notice on until as long after it."""
    notice = timedelta(days=scene.settings.policy_end_notice_days)
    for name, table in tables().items():
        if table.is_temporary:
            continue
        ends: dict[str, list[date]] = defaultdict(list)
        for last in _last_rows(scene.policy.of(name), table.key):
            if last.valid_to != date.max and last.valid_to - notice <= scene.as_of < last.valid_to + notice:
                ends[str(last.values.get("jurisdiction", "all"))].append(last.valid_to)
        for jurisdiction, days in sorted(ends.items()):
            summary = f"{name} of {jurisdiction}: {len(days)} rules end without a successor, the first on {min(days)}"
            yield Finding("policy_ending", f"{name} {jurisdiction}", summary)


def _last_rows(rows: Sequence[Row], key: Sequence[str]) -> Iterator[Row]:
    by_key: dict[tuple[object, ...], Row] = {}
    for row in rows:
        values = tuple(row[column] for column in key)
        if values not in by_key or row.valid_to > by_key[values].valid_to:
            by_key[values] = row
    yield from by_key.values()


def harmful_experiments(scene: Scene) -> Iterator[Finding]:
    """Arms that harm, and draws that are broken, of experiments that go on."""
    ongoing = {row["experiment"] for row in scene.policy.in_force("experiments", scene.as_of)}
    for experiment, summary in scene.rows("experiments_to_end"):
        if experiment in ongoing:
            yield Finding("experiment_to_end", experiment, f"{experiment}: {summary}")


def late_recalls(scene: Scene) -> Iterator[Finding]:
    """Recalls that did not leave; and, while lists are out, a source that is not asked any more who has paid."""
    allowed = timedelta(minutes=scene.settings.recall_late_minutes)
    for vendor, row_count, planned_at in scene.rows("waiting_recalls", allowed=allowed):
        summary = f"{row_count} rows are to be recalled from {vendor} since {scene.clock(planned_at)} and did not leave"
        yield Finding("recall_late", str(vendor), summary, scene.as_of)
    begin = datetime.combine(scene.as_of, RECALLS_BEGIN, scene.settings.bank_tz) + allowed
    end = datetime.combine(scene.as_of + timedelta(days=1), time(0), scene.settings.bank_tz)
    if begin <= scene.now < end:
        for (last_read_at,) in scene.rows("last_load"):
            if last_read_at < scene.now - allowed:
                summary = f"core banking was last asked who has paid at {scene.clock(last_read_at)}"
                yield Finding("recall_late", "core_banking", summary, scene.as_of)


def erasures(scene: Scene) -> Iterator[Finding]:
    """What retention should have erased and did not, here or at vendors."""
    for as_of, still_due, is_unfinished, started_at in scene.rows("erasures"):
        if still_due:
            summary = f"after the run for {as_of} {still_due} rows are past their time and still there"
        elif is_unfinished and started_at < scene.now - LONGEST_ERASURE:
            summary = f"the run for {as_of} began {scene.clock(started_at)} and did not end"
        elif scene.settings.follow_clock and started_at < scene.now - ERASURE_EVERY:
            summary = f"the last run began {scene.clock(started_at)}; there is one each night"
        else:
            continue
        yield Finding("erasure_not_done", "retention", summary)
    for vendor, files, oldest_at in scene.rows("copies", allowed=LONGEST_COPY):
        summary = f"{files} files erased since {scene.clock(oldest_at)} still lie at {vendor}"
        yield Finding("erasure_not_done", str(vendor), summary)


def rates_outside_forecast(scene: Scene) -> Iterator[Finding]:
    """Products whose overdue rate at the newest month's end was not within the forecast of a month before."""
    if not scene.has("marts.overdue_rate_forecast"):
        return
    for product, currency, month, actual, low, high in scene.rows("outside_forecast"):
        summary = (
            f"{actual} % of the principal of {product} in {currency} was overdue at the end of {month:%Y-%m}; "
            f"{low} to {high} % were forecast a month before"
        )
        yield Finding("overdue_rate_outside", f"{product} {currency}", summary)


def drifted_models(scene: Scene) -> Iterator[Finding]:
    """Models that decide while their loans, or what comes of them, are not those that they were trained from."""
    if not scene.has("marts.model_drift"):
        return
    for purpose, version, figures, names in scene.rows("drifted_models"):
        yield Finding("model_drifted", purpose, f"{version}: {figures} figures have drifted: {names}")


CHECKS: dict[Callable[[Scene], Sequence[Finding] | Iterator[Finding]], tuple[str, ...]] = {
    late_steps: lateness.CODES,
    unacknowledged: ("batch_unacknowledged",),
    open_circuits: ("circuit_open",),
    keys: ("key_expiring", "key_unusable"),
    ending_policies: ("policy_ending",),
    harmful_experiments: ("experiment_to_end",),
    late_recalls: ("recall_late",),
    erasures: ("erasure_not_done",),
    rates_outside_forecast: ("overdue_rate_outside",),
    drifted_models: ("model_drifted",),
}
"""Each check with the alerts that it alone opens and closes."""
