"""The two engines, on one load against one server: they must say the same."""

import pytest
from tests.bench.locust.target import SERVICE_SECONDS, job_for, running_target

from opsctl.bench.load.engine import AsyncEngine
from opsctl.bench.locust.engine import LocustEngine


@pytest.mark.slow
def test_both_engines_send_the_same_arrivals_and_find_the_same_service_time():
    """Counts are equal to the last one; service times of a fixed 20 ms agree within 10 % where the machine allows."""
    with running_target() as target:
        job = job_for(
            target.port, paths={"one": "/fixed", "two": "/fixed?two", "bad": "/missing"}, rate=150, seconds=2
        )

        ours = AsyncEngine().run(job, watch=lambda _frame: "").total
        theirs = LocustEngine().run(job, watch=lambda _frame: "").total

    assert ours.planned == theirs.planned
    assert ours.outcomes == theirs.outcomes
    assert ours.statuses == theirs.statuses
    assert {name: block.planned for name, block in ours.endpoints.items()} == {
        name: block.planned for name, block in theirs.endpoints.items()
    }
    assert {second: block.planned for second, block in ours.blocks.items()} == {
        second: block.planned for second, block in theirs.blocks.items()
    }
    # The quickest quarter tells the service time whatever else the machine does; the server sleeps at least so long.
    quick = [each.timings.service.value_at(0.25) / 1e6 for each in (ours, theirs)]
    assert quick[0] == pytest.approx(quick[1], rel=0.10)
    assert min(quick) >= SERVICE_SECONDS
