"""Figures of hits: added up in the process, the same to whoever reads them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.metrics import service as metrics
from opsctl.service.edge.cells import SharedCells
from opsctl.service.edge.counting import Counting, HitFigures
from opsctl.service.edge.gcra import allowance
from opsctl.service.telemetry.meters import Meters

SECONDS = st.sampled_from((*metrics.FAST_SECONDS, 0.0, 0.00007, 0.2, 9.0))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedCells]:
    """Give cells of the rate limit that nobody uses."""
    made = SharedCells(tmp_path_factory.mktemp("cells") / "limits")
    yield made
    made.close()


@pytest.mark.slow
@given(answers=st.lists(st.tuples(st.sampled_from((200, 304)), SECONDS), max_size=30))
def test_added_up_figures_are_those_of_single_ones(
    cells: SharedCells, answers: list[tuple[int, float]]
) -> None:
    """Bucket by bucket: bounds belong to the bucket that they close."""

    async def add_up(figures: HitFigures) -> None:
        for status, seconds in answers:
            figures.add(status, seconds)
        figures.write_out()
        figures.write_out()

    one_by_one, added = Meters(), Meters()
    counting = Counting(one_by_one, cells)
    for status, seconds in answers:
        counting.hit()
        counting.answered("feed", status, seconds)
    asyncio.run(add_up(Counting(added, cells).hits))

    assert samples(added) == pytest.approx(samples(one_by_one))


def test_figures_are_written_out_after_a_moment(cells: SharedCells) -> None:
    """Nobody has to ask for it."""

    async def wait(figures: HitFigures, meters: Meters) -> float | None:
        figures.add(200, 0.001)
        before = hits(meters)
        await asyncio.sleep(0.3)
        assert before == 0
        return hits(meters)

    meters = Meters()
    assert asyncio.run(wait(Counting(meters, cells).hits, meters)) == 1


def test_what_the_rate_limit_forgets_or_lets_through_unlocked_is_counted_once(tmp_path: Path) -> None:
    """Only what is new, however often the figures are written."""
    meters, times = Meters(), iter(range(10**15, 2 * 10**15))
    cells = SharedCells(tmp_path / "limits", buckets=1, now_ns=lambda: next(times))
    counting = Counting(meters, cells)
    for evicted, users in ((1, range(9)), (3, range(9, 11))):
        for user in users:
            cells.take(b"u:free:%d" % user, allowance=allowance(1000, window_seconds=3600))
        cells.unlocked += 1
        for _ in range(2):
            counting.write_out()
        assert meters.registry.get_sample_value("ranking_rate_limit_evictions_total") == evicted
    assert meters.registry.get_sample_value("ranking_rate_limit_unlocked_total") == 2
    cells.close()


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
