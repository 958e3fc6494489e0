"""What the gates' tests do over and over: load, judge, look at what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import connection as Connection  # noqa: N812
from small_bank import AS_OF, run

from arrears.landing.load import LandedBatch, load_batch
from arrears.quality.landing_gate import check_batch
from arrears.quality.rules import GateReport
from arrears.settings import Settings

CORE = ("customers", "loans", "repayment_schedule", "loan_transactions", "collectors", "complaints")
"""The tables that most tests are about: fewer suites to run."""


@dataclass
class Pipeline:
    """Loads the test's source and judges the batch."""

    source: Connection
    warehouse: Connection
    settings: Settings
    tables: Sequence[str] | None = CORE

    def load(self, as_of: date = AS_OF) -> LandedBatch:
        return load_batch(
            self.source, self.warehouse, as_of=as_of, run_id=None, settings=self.settings, tables=self.tables
        )

    def check(self, batch: LandedBatch) -> GateReport:
        return check_batch(self.warehouse, batch_id=batch.batch_id, settings=self.settings)

    def load_and_check(self, as_of: date = AS_OF) -> GateReport:
        return self.check(self.load(as_of))

    def red_rules(self) -> set[str]:
        """Rules of the newest batch that are not green, whatever their severity, as `subject.rule_id`."""
        found = run(
            self.warehouse,
            "select subject || '.' || rule_id from ops.quality_results where not success"
            " and reference = (select max(batch_id)::text from ops.load_batch)",
        )
        return {rule for (rule,) in found}

    def quarantined(self, table: str) -> list[tuple[str, str]]:
        """The reasons and rules of a table's rows in quarantine."""
        rows = run(self.warehouse, f"select reason_code, rule_id from quarantine.{table} order by _row_id, rule_id")
        return [(reason, rule) for reason, rule in rows]

    def batch_states(self) -> list[str]:
        return [state for (state,) in run(self.warehouse, "select state from ops.load_batch order by batch_id")]
