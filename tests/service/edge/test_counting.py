"""Figures of hits: added up in the process, the same to whoever reads them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.service.edge.counting import Counting, HitFigures
from opsctl.service.telemetry import metrics
from opsctl.service.telemetry.meters import Meters

SECONDS = st.sampled_from((*metrics.FAST_SECONDS, 0.0, 0.00007, 0.2, 9.0))


@given(answers=st.lists(st.tuples(st.sampled_from((200, 304)), SECONDS), max_size=30))
def test_added_up_figures_are_those_of_single_ones(answers: list[tuple[int, float]]) -> None:
    """Bucket by bucket: bounds belong to the bucket that they close."""

    async def add_up(figures: HitFigures) -> None:
        for status, seconds in answers:
            figures.add(status, seconds)
        figures.write_out()
        figures.write_out()

    one_by_one, added = Meters(), Meters()
    counting = Counting(one_by_one)
    for status, seconds in answers:
        counting.hit()
        counting.answered("feed", status, seconds)
    asyncio.run(add_up(Counting(added).hits))

    assert samples(added) == pytest.approx(samples(one_by_one))


def test_figures_are_written_out_after_a_moment() -> None:
    """Nobody has to ask for it."""

    async def wait(figures: HitFigures, meters: Meters) -> float | None:
        figures.add(200, 0.001)
        before = hits(meters)
        await asyncio.sleep(0.3)
        assert before == 0
        return hits(meters)

    meters = Meters()
    assert asyncio.run(wait(Counting(meters).hits, meters)) == 1


def hits(meters: Meters) -> float | None:
    """Return the hits as a reader of the metrics sees them."""
    labels = {"tier": "l1", "kind": "feed", "outcome": "hit"}
    return meters.registry.get_sample_value("ranking_cache_lookups_total", labels)


def samples(meters: Meters) -> dict[str, float]:
    """Return all samples of the figures that a hit changes."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in meters.registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
        and sample.name.startswith(("ranking_requests", "ranking_request_", "ranking_cache_lookups"))
    }
