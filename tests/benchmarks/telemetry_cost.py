"""What does counting cost a cached feed: the edge alone, in one process, counted and not counted in turns.

The whole service spends more on each request (HTTP, sockets), so its part of the throughput is smaller than what is shown.
"""

import asyncio
import statistics
import time

from tests.service.edge.world import World, key_record

from opsctl.service.edge.counting import HitFigures

REQUESTS, TURNS = 500, 121
PATH = "/v1/feed/44?region=AU&category=photographer"


async def seconds_each(world: World) -> float:
    """Return the CPU time of one cached feed."""
    began = time.process_time()
    for _ in range(REQUESTS):
        await world.ask(PATH)
    return (time.process_time() - began) / REQUESTS


async def measure() -> tuple[list[float], list[float]]:
    """Return times with and without counting; which comes first changes with every turn."""
    counted: list[float] = []
    bare: list[float] = []
    add = HitFigures.add
    with World() as world:
        world.source.records["goodkey1"] = key_record(plan="bench")
        world.random.now = 0.5  # hits are not logged, but for a few in a hundred
        await world.ask(PATH)
        await seconds_each(world)
        for turn in range(TURNS):
            for is_counted in (True, False) if turn % 2 else (False, True):
                HitFigures.add = add if is_counted else _nothing  # type: ignore[method-assign, assignment]
                world.time.now += 1.0  # the limit of the key fills up again
                (counted if is_counted else bare).append(await seconds_each(world))
        HitFigures.add = add  # type: ignore[method-assign]
        reply = await world.ask(PATH)
        assert (reply.status, reply["x-cache"]) == (200, "HIT-L1")
    return counted, bare


def _nothing(_self: HitFigures, _status: int, _seconds: float) -> None:
    """Count nothing."""


def main() -> None:
    """Print the part that counting takes."""
    counted, bare = asyncio.run(measure())
    shares = sorted(1 - without / with_it for with_it, without in zip(counted, bare, strict=True))
    middle = statistics.median(shares)
    print(
        f"a cached feed at the edge: {statistics.median(counted) * 1e6:.1f} us counted, "
        f"{statistics.median(bare) * 1e6:.1f} us not; counting takes {middle:.1%} "
        f"({shares[TURNS // 4]:.1%} to {shares[-TURNS // 4]:.1%}, quartiles of turns); goal below 10 %"
    )


if __name__ == "__main__":
    main()
