"""What a worker tells of itself and of what it depends on."""

import asyncio
import time
from collections.abc import Mapping

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.dependency_figures import DependencyFigures
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.process_figures import LoopLag, ProcessFigures


def value(meters: Meters, name: str, **labels: str) -> float | None:
    """Return a sample."""
    return meters.registry.get_sample_value(f"ranking_{name}", labels)


class Asked:
    """Dependencies whose answers are set."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers

    async def check(self) -> Mapping[str, str]:
        """Return the answers."""
        return self.answers


def test_cpu_time_is_counted_as_it_is_used():
    """What was used before the first look counts too; a clock that goes back takes nothing away."""
    used = [0.5, 0.75, 0.7, 1.0]
    meters = Meters()
    figures = ProcessFigures(meters, cpu_seconds=lambda: used.pop(0))
    counted = []
    for _ in range(4):
        figures.count()
        counted.append(value(meters, "worker_cpu_seconds_total"))

    assert counted == [0.5, 0.75, 0.75, 1.05]


def test_the_cpu_time_is_that_of_the_process():
    """A second of work is about a second, whoever else has the cores."""
    meters = Meters()
    figures = ProcessFigures(meters)
    figures.count()
    before, until = value(meters, "worker_cpu_seconds_total"), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    figures.count()

    used = (value(meters, "worker_cpu_seconds_total") or 0) - (before or 0)
    assert 0.1 <= used < 1.0


def test_a_worker_says_that_it_is_there_and_counts_to_its_end():
    """Its use of the CPU until the last moment is in the figures that it leaves."""
    meters = Meters()

    async def work() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(ProcessFigures(meters).run(stop))
        await asyncio.sleep(0)
        stop.set()
        await running

    asyncio.run(work())

    assert value(meters, "workers") == 1
    assert (value(meters, "worker_cpu_seconds_total") or 0) > 0


def test_a_loop_that_was_held_up_shows_by_how_much():
    """Work of 0.2 s without a break; before it there is next to no lag."""
    meters = Meters()

    async def work() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(LoopLag(meters).run(stop))
        await asyncio.sleep(0.05)
        time.sleep(0.3)  # noqa: ASYNC251 - what must be seen
        await asyncio.sleep(0.02)
        stop.set()
        await running

    asyncio.run(work())

    count, total = "event_loop_lag_seconds_count", "event_loop_lag_seconds_sum"
    assert (value(meters, count) or 0) >= 1
    assert (value(meters, total) or 0) >= 0.2


def test_dependencies_are_told_as_they_are():
    """1 and 0, and back again; whoever wants to know hears which came back."""
    meters, asked = Meters(), Asked(vectors="ok", database="no answer within 1 s")
    back: list[str] = []
    figures = DependencyFigures(asked, came_back=back.append, meters=meters)
    seen = []

    async def look() -> None:
        await figures.look()
        seen.append(
            (
                value(meters, "dependency_up", dependency="vectors"),
                value(meters, "dependency_up", dependency="database"),
            )
        )

    async def work() -> None:
        await look()
        asked.answers = {"vectors": "COL001 gone", "database": "ok"}
        for _ in range(9):
            await look()

    asyncio.run(work())

    assert seen == [(1, 0), *[(0, 1)] * 9]
    assert back == ["database"] * 5  # its first trials may fail while it loads what it holds
    assert value(meters, "dependency_up", dependency="l2") is None  # switched off: nothing to be told


def test_the_least_of_the_workers_counts():
    """One that cannot reach a dependency is enough to say so."""
    assert str(metrics.DEPENDENCY_UP.merging) == "livemin"
    assert str(metrics.BREAKER_STATE.merging) == "livemax"
    assert str(metrics.WORKERS.merging) == "livesum"
