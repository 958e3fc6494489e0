"""How far a day's chain goes: asked for when the first DAG is started, handed on with each asset event."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Asset

STEPS = ("landing", "marts", "delivery")
"""The steps of the chain in order; a run may be asked to stop after any of them."""


def goes_on_after(step: str, until: str) -> bool:
    """Whether the chain goes on after `step` when it was asked to run until `until`."""
    return STEPS.index(step) < STEPS.index(until)


def announce(context: Mapping[str, Any], asset: Asset, until: str) -> None:
    """Let the asset event of this task say how far the chain goes (the event's key is the business date)."""
    context["outlet_events"][asset].extra = {"until": until}


def asked_until(context: Mapping[str, Any]) -> str:
    """How far the chain goes, from the asset event that started this run; all the way where nobody said otherwise."""
    for events in (context.get("triggering_asset_events") or {}).values():
        for event in events:
            return str(event.extra.get("until", STEPS[-1]))
    return str(context["params"].get("until", STEPS[-1]))
