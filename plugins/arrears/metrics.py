"""Every metric of our own, and how a dashboard shows them: the one home that code and `docs/metrics.md` share.

They go wherever Airflow sends its own (`arrears.hooks.metrics` sends them, `services.telemetry` says where to).
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How values of a metric add up."""

    COUNTER = "counter"
    """What happened since the last value: sums over time and tags mean something."""
    TIMER = "timer"
    """How long one thing took, in milliseconds on the wire."""


@dataclass(frozen=True)
class Metric:
    """One thing that is measured. No tag ever names a person."""

    name: str
    kind: Kind
    unit: str
    tags: tuple[str, ...]
    meaning: str
    look_when: str
    """The value at which somebody should look."""


@dataclass(frozen=True)
class Panel:
    """One graph of the dashboard."""

    title: str
    metrics: tuple[Metric, ...]
    shown: str
    """How: over what time, by which tag."""


ROWS_LANDED = Metric(
    "arrears.rows_landed",
    Kind.COUNTER,
    "rows",
    ("table",),
    "Rows of a table of core banking that a load brought into landing, before its gate.",
    "None of `loan_transactions` on a business day.",
)
ROWS_REJECTED = Metric(
    "arrears.rows_rejected",
    Kind.COUNTER,
    "rows",
    ("table",),
    "Rows that the gate on landing set aside; their customers are not contacted until a corrected row comes.",
    "More than twice those of the day before.",
)
GATES_RED = Metric(
    "arrears.gates_red",
    Kind.COUNTER,
    "gates",
    ("border",),
    "Gates that stopped what they checked, or could not be run: `landing`, `marts`, `contact_list`.",
    "Any.",
)
LISTS_DELIVERED = Metric(
    "arrears.lists_delivered",
    Kind.COUNTER,
    "files",
    ("vendor", "kind"),
    "Batches that a vendor got (lists, stop files, recalls), counted when their manifest is on its server.",
    "No `contact_list` of a vendor by its cut-off.",
)
ROWS_DELIVERED = Metric(
    "arrears.rows_delivered",
    Kind.COUNTER,
    "rows",
    ("vendor", "kind"),
    "Rows of those batches. A recall file repeats those before it: see `arrears.rows_recalled`.",
    "Half, or twice, of the same weekday before.",
)
LISTS_EXPIRED = Metric(
    "arrears.lists_expired",
    Kind.COUNTER,
    "files",
    ("vendor", "kind"),
    "Batches that could not leave in time: nobody is contacted from them.",
    "Any.",
)
ROWS_RECALLED = Metric(
    "arrears.rows_recalled",
    Kind.COUNTER,
    "rows",
    ("vendor",),
    "Contacts taken back from a vendor since its last recall file of the day.",
    "More than a tenth of the rows delivered to it.",
)
RESULTS_LOADED = Metric(
    "arrears.results_loaded",
    Kind.COUNTER,
    "rows",
    ("vendor",),
    "Rows of results and reviews that came from a vendor and were new and sound.",
    "None of a vendor from its cut-off to the next morning.",
)
RESULTS_QUARANTINED = Metric(
    "arrears.results_quarantined",
    Kind.COUNTER,
    "rows",
    ("vendor",),
    "Rows of such files that were set aside, with a reason.",
    "More than a hundredth of the rows loaded.",
)
FILES_REFUSED = Metric(
    "arrears.vendor_files_refused",
    Kind.COUNTER,
    "files",
    ("vendor",),
    "Files of a vendor that were refused as a whole; a reason lies beside them.",
    "Any that is not followed by a loaded one within the day.",
)
DBT_BUILD = Metric(
    "arrears.dbt_build",
    Kind.TIMER,
    "milliseconds",
    ("what",),
    "One run of dbt, failed ones too: `day` builds all marts of a business date, `results` those that vendors' results"
    " change.",
    "Twice the median of the last fortnight: lists leave later.",
)

CATALOGUE = (
    ROWS_LANDED,
    ROWS_REJECTED,
    GATES_RED,
    LISTS_DELIVERED,
    ROWS_DELIVERED,
    LISTS_EXPIRED,
    ROWS_RECALLED,
    RESULTS_LOADED,
    RESULTS_QUARANTINED,
    FILES_REFUSED,
    DBT_BUILD,
)

DASHBOARD = (
    Panel("Is anything stopped", (GATES_RED, LISTS_EXPIRED), "Sums of today as two figures, red above 0."),
    Panel("What came in", (ROWS_LANDED,), "Sum a day, stacked by `table`."),
    Panel("What was set aside", (ROWS_REJECTED,), "Sum a day by `table`, with the share of the rows landed."),
    Panel("What left", (LISTS_DELIVERED, ROWS_DELIVERED), "Sum a day by `vendor`, of kind `contact_list`."),
    Panel("What was taken back", (ROWS_RECALLED,), "Sum an hour by `vendor`."),
    Panel(
        "What vendors report",
        (RESULTS_LOADED, RESULTS_QUARANTINED, FILES_REFUSED),
        "Sum an hour by `vendor`; the last two in red beside it.",
    ),
    Panel("How long a build takes", (DBT_BUILD,), "Median and greatest of a day by `what`, over a fortnight."),
)
