"""Send our metrics through Airflow's own, so that they go wherever those go. Switched off, nothing is sent."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from arrears.errors import GateBrokenError, GateError
from arrears.metrics import GATES_RED, Kind, Metric


def count(metric: Metric, number: int = 1, **tags: str) -> None:
    """Add to a counter; 0 is sent, too, so that a dashboard can tell nothing from silence.

    Raises:
        ValueError: the metric is no counter, or has other tags.
    """
    from airflow.sdk.observability.stats import Stats

    _require(metric, Kind.COUNTER, tags)
    Stats.incr(metric.name, number, tags=tags)


@contextmanager
def timed(metric: Metric, **tags: str) -> Iterator[None]:
    """Measure what is done inside, whether it succeeds or not.

    Raises:
        ValueError: the metric is no timer, or has other tags.
    """
    from airflow.sdk.observability.stats import Stats

    _require(metric, Kind.TIMER, tags)
    began = time.monotonic()
    try:
        yield
    finally:
        Stats.timing(metric.name, (time.monotonic() - began) * 1000, tags=tags)


@contextmanager
def red_gates_counted(border: str) -> Iterator[None]:
    """Count a gate that is red or broken, and let it stop what it stops."""
    try:
        yield
    except (GateError, GateBrokenError):
        count(GATES_RED, border=border)
        raise


def _require(metric: Metric, kind: Kind, tags: dict[str, str]) -> None:
    if metric.kind is not kind or set(tags) != set(metric.tags):
        raise ValueError(
            f"metric {metric.name}: expected a {metric.kind} with tags {sorted(metric.tags)}, "
            f"found a {kind} with {sorted(tags)}"
        )
