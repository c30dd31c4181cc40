"""How is the edge put together from its parts: the one place that knows all of them."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.edge.answering import Answering, Log, SilentAnswering
from opsctl.service.edge.app import Edge
from opsctl.service.edge.asgi import Application
from opsctl.service.edge.cells import SharedCells
from opsctl.service.edge.cors import Cors
from opsctl.service.edge.counting import Counting
from opsctl.service.edge.feeds import FeedCache
from opsctl.service.edge.key_model import KeySource
from opsctl.service.edge.keys import KeyCheck
from opsctl.service.edge.options import EdgeOptions
from opsctl.service.telemetry.exemplars import Exemplars
from opsctl.service.telemetry.exposition import Exposition
from opsctl.service.telemetry.meters import Meters


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The clocks and the chance that the edge uses; tests bring their own.

    Args:
        precise: for durations.
        now: for ages; the same as the memory's.
        wall: for the expiry of keys, in seconds since 1970.
        random: from 0 to 1.
    """

    precise: Callable[[], float] = time.perf_counter
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    random: Callable[[], float] = random.random


def make_keys(source: KeySource, *, options: EdgeOptions, clocks: Clocks) -> KeyCheck:
    """Return the check of keys."""
    return KeyCheck(
        source,
        plans=options.plans,
        remembered_seconds=options.keys_remembered_seconds,
        trusted_seconds=options.keys_trusted_seconds,
        now=clocks.now,
        wall=clocks.wall,
    )


def make_edge(  # noqa: PLR0913 - what it is made of
    application: Application,
    *,
    options: EdgeOptions,
    keys: KeyCheck,
    memory: InvalidatedMemory,
    limits_file: Path,
    meters: Meters,
    log: Log,
    exemplars: Exemplars | None = None,
    clocks: Clocks | None = None,
    is_silent: bool = False,
) -> Edge:
    """Return the edge in front of an application; keys that the journal names are forgotten from now on."""
    times = clocks or Clocks()
    cells = SharedCells(limits_file)
    counting = Counting(meters, cells)
    cors = Cors(options.origins)
    memory.key_revoked = lambda prefix: keys.doubt_all() if prefix is None else keys.forget(prefix)
    feeds = FeedCache(
        application,
        memory,
        lifetime=options.feed_lifetime,
        stand_in_seconds=options.stand_in_seconds,
        has_shared_caches=options.has_shared_caches,
        refreshes_per_second=options.refreshes_per_second,
        request_seconds=options.request_seconds,
        now=times.now,
        random=times.random,
    )
    answering = (SilentAnswering if is_silent else Answering)(
        cors=cors,
        counting=counting,
        log=log,
        hit_share=options.hit_share,
        random=times.random,
        clock=times.precise,
    )
    return Edge(
        application,
        options=options,
        keys=keys,
        cells=cells,
        feeds=feeds,
        cors=cors,
        answering=answering,
        counting=counting,
        render_metrics=Exposition(meters, exemplars),
        clock=times.precise,
        now=times.now,
    )
