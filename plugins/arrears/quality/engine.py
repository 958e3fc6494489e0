"""Great Expectations behind one class, with its traps closed. Imported by the first check only: it takes five seconds.

* The suite that it loads must hold every rule of the file: it drops an unknown one with no more than a log line.
* A rule that raised inside is reported by it as "not successful", with the exception in the result: here it raises.
* Results are asked for as counts, and stripped to counts before a page is rendered: no value reaches a file.
"""

import contextlib
import io
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import DataContextConfig, ProgressBarsConfig
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.registry import get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import Validator
from psycopg2.extensions import connection as Connection  # noqa: N812
from sqlalchemy.engine import URL

from arrears.errors import GateBrokenError
from arrears.quality import pages
from arrears.quality.rules import QUERY_TYPE, Rule, Severity, Suite

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger(__name__)
# It tells of every internal of its own. Said here: Airflow's own levels by name do not reach a library's loggers.
logging.getLogger(gx.__name__).setLevel(logging.WARNING)

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_SHAPE = "expect_table_column"


@dataclass(frozen=True)
class Outcome:
    """What Great Expectations says about one rule."""

    success: bool
    failed_rows: int
    is_row_level: bool
    observed: str | None = None
    """For rules about a whole table: a count or column names. Never a value of a column."""
    positions: tuple[int, ...] = ()


class Session:
    """One Great Expectations context over the suites in `suites_dir`; nothing of it is stored but Data Docs."""

    def __init__(self, *, suites_dir: Path, docs_dir: Path | None) -> None:
        self._docs_dir = docs_dir
        self._context = gx.get_context(project_config=_context_config(suites_dir, docs_dir), mode="ephemeral")
        self._source: Any = None
        self._last_result: Any = None
        self._pages: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._render_pages()
        finally:
            if self._source is not None:
                self._source.get_execution_engine().engine.dispose()

    def validate_relation(self, suite: Suite, relation: str, warehouse: Connection) -> dict[str, Outcome]:
        """Run query rules on `schema.name`, read-only, on a connection of its own to the same database."""
        try:
            query = f"select * from {relation}"  # noqa: S608  (a name of our own)
            asset = self._sql_source(warehouse).add_query_asset(name=f"{suite.name}:{relation}", query=query)
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
            results = self._validate(suite, batch, relation=relation)
        except Exception as error:
            raise _broken(suite, error) from error
        return {rule.rule_id: self._query_outcome(suite, rule, results[rule.rule_id]) for rule in suite.rules}

    def validate_frame(self, suite: Suite, frame: "pd.DataFrame") -> dict[str, Outcome]:
        """Run a suite on a frame. Positions come from the rule's own mask, not from a list in the result.

        Where a rule of severity `abort` about the columns is red, the outcomes are those of such rules only: the
        others could not be run on a frame without their columns.
        """
        try:
            source = self._context.data_sources.add_or_update_pandas("frames")
            definition = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("whole")
            batch = definition.get_batch(batch_parameters={"dataframe": frame.reset_index(drop=True)})
            shape = [rule for rule in suite.rules if rule.type.startswith(_SHAPE) and rule.severity is Severity.ABORT]
            if shape:
                results = self._validate(suite, batch, shape)
                outcomes = {rule.rule_id: _frame_outcome(suite, rule, results[rule.rule_id], None) for rule in shape}
                if not all(outcome.success for outcome in outcomes.values()):
                    return outcomes
            results = self._validate(suite, batch)
            validator = Validator(
                execution_engine=source.get_execution_engine(), data_context=self._context, batches=[batch]
            )
            return {rule.rule_id: _frame_outcome(suite, rule, results[rule.rule_id], validator) for rule in suite.rules}
        except GateBrokenError:
            raise
        except Exception as error:
            raise _broken(suite, error) from error

    def render(self, suite: Suite, reference: str, found: Mapping[str, str]) -> str | None:
        """Have the last run's page rendered at the end of the session; its path below `docs_dir`, None without one.

        Args:
            found: What each rule that was run found, in the words of `ops.quality_results`.
        """
        if self._docs_dir is None:
            return None
        run = RunIdentifier(run_name=reference or suite.name)
        _strip(self._last_result, suite, found)
        self._last_result.meta |= {"run": run.run_name, "checked_at": f"{run.run_time:%Y-%m-%d %H:%M:%S}"}
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(suite.name), run, suite.name)
        self._context.validation_results_store.set(key, self._last_result)
        self._pages.append(key)
        parts: tuple[str, ...] = key.to_tuple()  # type: ignore[no-untyped-call]
        return "/".join(("validations", *parts)) + ".html"

    def _render_pages(self) -> None:
        """Pages that cannot be rendered are logged and change nothing in what the gate decides."""
        suites = [page.expectation_suite_identifier for page in self._pages]
        try:
            if self._pages:
                _build(self._context, [*self._pages, *suites])
        except Exception:
            _log.exception("Data Docs: the pages of %s could not be rendered", [suite.name for suite in suites])

    def _validate(
        self, suite: Suite, batch: Any, only: Sequence[Rule] | None = None, relation: str = ""
    ) -> dict[str, Any]:
        # {batch} is filled in here: it would become a subquery with an alias that depends on whether the text holds a
        # join. It then prints a hint for each query, which is of no use to anybody.
        with contextlib.redirect_stdout(io.StringIO()):
            loaded = self._context.suites.get(suite.name)
            by_id: dict[str, Any] = {
                (expectation.meta or {}).get("rule_id", ""): expectation for expectation in loaded.expectations
            }
            missing = {rule.rule_id for rule in suite.rules} - by_id.keys()
            if missing or len(loaded.expectations) != len(suite.rules):
                raise GateBrokenError(
                    f"suite {suite.name}: expected {len(suite.rules)} rules, Great Expectations loaded "
                    f"{len(loaded.expectations)}; lost: {sorted(missing)}. Is an expectation's type misspelt?"
                )
            for rule in suite.rules:
                if rule.type == QUERY_TYPE:
                    by_id[rule.rule_id].unexpected_rows_query = rule.query.replace("{batch}", relation)
            if only is not None:
                loaded = gx.ExpectationSuite(suite.name, expectations=[by_id[rule.rule_id] for rule in only])
            self._last_result = batch.validate(loaded, result_format=_COUNTS_ONLY)
        results = {result.expectation_config.meta["rule_id"]: result for result in self._last_result.results}
        _require_all_ran(suite, only or suite.rules, results)
        return results

    def _sql_source(self, warehouse: Connection) -> Any:
        if self._source is None:
            info = warehouse.info
            url = URL.create(
                "postgresql+psycopg2",
                username=info.user,
                password=info.password,
                host=info.host,
                port=info.port,
                database=info.dbname,
                query={"options": "-c default_transaction_read_only=on", "application_name": "arrears-gate"},
            )
            self._source = self._context.data_sources.add_postgres(
                "warehouse", connection_string=url.render_as_string(hide_password=False)
            )
        return self._source

    @staticmethod
    def _query_outcome(suite: Suite, rule: Rule, result: Any) -> Outcome:
        rows = result.result.get("observed_value")
        if not isinstance(rows, int) or isinstance(rows, bool):
            raise GateBrokenError(f"suite {suite.name}, rule {rule.rule_id}: no count came back")
        return Outcome(success=bool(result.success), failed_rows=rows, is_row_level=True)


def build_suites(*, suites_dir: Path, docs_dir: Path) -> list[str]:
    """Write the pages of all suites; their names."""
    context = gx.get_context(project_config=_context_config(suites_dir, docs_dir), mode="ephemeral")
    names = [suite.name for suite in context.suites.all()]
    _build(context, [ExpectationSuiteIdentifier(name) for name in names])
    return names


def _build(context: Any, pages: Sequence[Any]) -> None:
    """Write these pages. Not Great Expectations' list of all pages, which opens every one of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        context.build_data_docs(resource_identifiers=pages, build_index=False)


def _context_config(suites_dir: Path, docs_dir: Path | None) -> DataContextConfig:
    # Results too: what they found is in the ledger, and a site builder lists every result of its store for each page.
    in_memory = {"class_name": "InMemoryStoreBackend"}
    sites = {}
    if docs_dir:
        sites["local_site"] = {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": _directory(docs_dir),
            "site_section_builders": pages.site_sections("expectations_store", "validation_results_store"),
        }
    return DataContextConfig(
        expectations_store_name="expectations_store",
        validation_results_store_name="validation_results_store",
        checkpoint_store_name="checkpoint_store",
        stores={
            "expectations_store": {"class_name": "ExpectationsStore", "store_backend": _directory(suites_dir)},
            "validation_results_store": {"class_name": "ValidationResultsStore", "store_backend": in_memory},
            "checkpoint_store": {"class_name": "CheckpointStore", "store_backend": in_memory},
            "validation_definition_store": {"class_name": "ValidationDefinitionStore", "store_backend": in_memory},
        },
        data_docs_sites=sites,
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )


def _directory(path: Path) -> dict[str, Any]:
    return {
        "class_name": "TupleFilesystemStoreBackend",
        "base_directory": str(path.resolve()),
        "suppress_store_backend_id": True,  # else it writes a file of its own among the suites
    }


def _require_all_ran(suite: Suite, rules: Sequence[Rule], results: dict[str, Any]) -> None:
    absent = {rule.rule_id for rule in rules} - results.keys()
    if absent:
        raise GateBrokenError(f"suite {suite.name}: these rules were not run: {sorted(absent)}")
    for rule_id, result in results.items():
        raised = [info for info in _exceptions(result.exception_info) if info.get("raised_exception")]
        if raised:
            message = str(raised[0].get("exception_message")).splitlines()[0]
            raise GateBrokenError(f"suite {suite.name}, rule {rule_id} could not be run: {message}")


def _exceptions(info: dict[str, Any]) -> list[dict[str, Any]]:
    """Either one exception or a dictionary of them by metric."""
    return [info] if "raised_exception" in info else [value for value in info.values() if isinstance(value, dict)]


def _frame_outcome(suite: Suite, rule: Rule, result: Any, validator: Validator | None) -> Outcome:
    expectation = result.expectation_config.to_domain_obj()
    metric = getattr(expectation, "map_metric", None)
    if metric is None or validator is None:
        observed = str(result.result.get("observed_value")) if _is_safe_to_show(rule.type) else None
        return Outcome(success=bool(result.success), failed_rows=0, is_row_level=False, observed=observed)
    name = f"{metric}.condition"
    kwargs = get_metric_kwargs(name, configuration=result.expectation_config)
    mask = validator.get_metric(
        MetricConfiguration(name, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"])
    )[0]
    positions = tuple(int(position) for position in mask.index[mask.to_numpy(dtype=bool)])
    counted = result.result["unexpected_count"]
    if counted != len(positions):
        raise GateBrokenError(
            f"suite {suite.name}, rule {rule.rule_id}: expected both counts of failing rows to agree, found {counted} "
            f"in the result and {len(positions)} in the mask; nothing was decided"
        )
    return Outcome(success=bool(result.success), failed_rows=counted, is_row_level=True, positions=positions)


def _is_safe_to_show(expectation_type: str) -> bool:
    """What is observed of a table is a count or the names of columns; what is observed of a column is values."""
    return expectation_type.startswith("expect_table_")


def _strip(validation: Any, suite: Suite, found: Mapping[str, str]) -> None:
    """Leave words and counts of our own: what is rendered or stored must hold no value."""
    expected = {rule.rule_id: rule.expected for rule in suite.rules}
    for result in validation.results:
        rule_id = result.expectation_config.meta["rule_id"]
        result.result = {"expected": expected[rule_id], "found": found[rule_id]}


def _broken(suite: Suite, error: Exception) -> GateBrokenError:
    if isinstance(error, GateBrokenError):
        return error
    return GateBrokenError(f"suite {suite.name} could not be run: {type(error).__name__}: {str(error).splitlines()[0]}")
