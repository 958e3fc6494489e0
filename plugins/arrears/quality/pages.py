"""How a page of Data Docs looks: Great Expectations' site builder asks these classes in place of its own.

Its own pages load a dozen style sheets and scripts from elsewhere, which a bank's network does not let through, and say
nothing of our rules but their queries. These are one file each: no script, nothing from elsewhere, and words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

Page = dict[str, Any]
"""What a template is given, and under `template` its name."""


def site_sections(expectations_store: str, validation_results_store: str) -> dict[str, Any]:
    """The sections of the site, as the configuration of Great Expectations wants them."""
    return {
        "expectations": {"source_store_name": expectations_store, **_by("SuiteRenderer")},
        "validations": {"source_store_name": validation_results_store, **_by("ResultRenderer")},
        "profiling": "None",
    }


def _by(renderer: str) -> dict[str, Any]:
    return {
        "renderer": {"module_name": __name__, "class_name": renderer},
        "view": {"module_name": __name__, "class_name": "PageView"},
    }


class _Renderer:
    def __init__(self, data_context: Any = None) -> None:
        """Great Expectations hands its context to every renderer; none of these needs it."""


class SuiteRenderer(_Renderer):
    """What a suite expects."""

    def render(self, suite: Any) -> Page:
        rules = [
            {**_rule(expectation.meta or {}), **_how(expectation.configuration)} for expectation in suite.expectations
        ]
        return {"template": "suite.html", "root": "../" * len(_parts(suite.name)), "suite": suite.name, "rules": rules}


class ResultRenderer(_Renderer):
    """What a run of a suite found: the rules that were not met first."""

    def render(self, validation: Any) -> Page:
        rules = [
            {**_rule(config.meta), **_how(config), **_outcome(result)}
            for result in validation.results
            for config in (result.expectation_config,)
        ]
        return {
            "template": "result.html",
            "root": "../" * (len(_parts(validation.suite_name)) + 3),
            "suite": validation.suite_name,
            "suite_page": _suite_page(validation.suite_name),
            "run": validation.meta["run"],
            "checked_at": validation.meta["checked_at"],
            "rules": sorted(rules, key=lambda rule: rule["success"]),
        }


class PageView:
    """Puts what a renderer found into a template."""

    def render(self, page: Page, **_: Any) -> str:
        return _environment().get_template(page["template"]).render(page)


@dataclass(frozen=True)
class ListedRun:
    """A run of a suite, as the page that lists all shows it."""

    path: str
    """Of its page, below the directory of Data Docs."""
    suite: str
    run: str
    checked_at: datetime
    """UTC."""
    is_met: bool
    """All of its rules were."""


def index_page(runs: Sequence[ListedRun], suites: Sequence[str]) -> str:
    """The page that lists all others: runs in the given order, and suites by name."""
    pages = {suite: _suite_page(suite) for suite in sorted(suites)}
    return PageView().render({"template": "index.html", "root": "", "runs": runs, "suites": pages})


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("arrears.quality"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _suite_page(suite: str) -> str:
    return "/".join(("expectations", *_parts(suite))) + ".html"


def _parts(suite: str) -> list[str]:
    return suite.split(".")


def _rule(meta: Mapping[str, Any]) -> dict[str, Any]:
    return {name: meta[name] for name in ("rule_id", "severity", "reason_code", "expected")}


def _how(config: Any) -> dict[str, Any]:
    """The expectation and its arguments: rules and names of columns, as the suite has them."""
    arguments = {name: value for name, value in config.kwargs.items() if name not in ("batch_id", "result_format")}
    return {"query": arguments.pop("unexpected_rows_query", None), "type": config.type, "arguments": arguments}


def _outcome(result: Any) -> dict[str, Any]:
    """In place of `expected`, what it says with the figures of the run."""
    return {"success": result.success, "expected": result.result["expected"], "found": result.result["found"]}
