from itertools import pairwise, product

import pytest

from arrears.domain.batch_state import AT_VENDOR, WAITING, BatchState, may_follow


def test_a_batch_goes_from_plan_to_close() -> None:
    way = [BatchState(name) for name in ("planned", "written", "uploaded", "acknowledged", "closed")]

    assert all(may_follow(current, new) for current, new in pairwise(way))


@pytest.mark.parametrize("end", [BatchState.CLOSED, BatchState.REFUSED, BatchState.EXPIRED, BatchState.SUPERSEDED])
def test_an_end_is_final(end: BatchState) -> None:
    assert not any(may_follow(end, new) for new in BatchState)


@pytest.mark.parametrize("state", sorted(AT_VENDOR))
def test_what_the_vendor_has_is_never_taken_back(state: BatchState) -> None:
    assert not any(may_follow(state, new) for new in (*WAITING, BatchState.SUPERSEDED, BatchState.EXPIRED))


def test_no_step_stays_where_it_is_or_leads_back() -> None:
    order = list(BatchState)

    assert not [
        (current, new)
        for current, new in product(BatchState, repeat=2)
        if may_follow(current, new) and order.index(new) <= order.index(current)
    ]
