"""How far a day's chain goes."""

from types import SimpleNamespace

from arrears.run_scope import asked_until, goes_on_after


def test_a_chain_stops_after_the_step_it_was_asked_for() -> None:
    assert not goes_on_after("landing", "landing")
    assert goes_on_after("landing", "marts")
    assert not goes_on_after("marts", "marts")
    assert goes_on_after("marts", "delivery")


def test_the_event_that_started_a_run_says_how_far() -> None:
    events = {"landing": [SimpleNamespace(extra={"until": "marts"})]}
    assert asked_until({"triggering_asset_events": events, "params": {"until": "delivery"}}) == "marts"


def test_without_an_event_the_parameter_counts() -> None:
    assert asked_until({"triggering_asset_events": None, "params": {"until": "landing"}}) == "landing"


def test_where_nobody_said_it_goes_all_the_way() -> None:
    assert asked_until({"triggering_asset_events": {}, "params": {}}) == "delivery"
