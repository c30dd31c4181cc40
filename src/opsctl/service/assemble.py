"""How is a worker put together: clients, caches, feeds, API and edge from settings and books, and closed in turn."""

import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI

from opsctl.config.settings import Settings
from opsctl.core.units import parse_duration
from opsctl.service.api.app import make_api
from opsctl.service.background import Work, end_with_parent, every, running
from opsctl.service.cache.invalidation import ReaderInvalidation
from opsctl.service.edge.app import Edge
from opsctl.service.edge.assemble import Clocks, make_edge, make_keys
from opsctl.service.edge.keys import KeyCheck
from opsctl.service.edge.options import edge_options
from opsctl.service.edge.usage import report_use
from opsctl.service.feed.assemble import FeedBooks, FeedClients, FeedParts, assemble_feed
from opsctl.service.feed.assemble_tiers import assemble_tiers
from opsctl.service.feed.contents import Catalogue
from opsctl.service.feed.experiments_follow import ExperimentsFollower
from opsctl.service.feed.follow import Consumers, OutboxFollower
from opsctl.service.feed.interactions import InteractionRecorder
from opsctl.service.feed.learn import Learner
from opsctl.service.feed.vectors_follow import VectorWriter
from opsctl.service.garbage import TIDY_SECONDS, Tidy
from opsctl.service.key_store import DatabaseKeys
from opsctl.service.resilience.failures import VECTORS
from opsctl.service.resilience.guarded_vectors import GuardedVectors
from opsctl.service.resilience.known_items import KnownItems
from opsctl.service.resilience.sentinel import Sentinel
from opsctl.service.telemetry.dependency_figures import DependencyFigures
from opsctl.service.telemetry.exemplars import Exemplars
from opsctl.service.telemetry.log import RequestLog
from opsctl.service.telemetry.process_figures import LoopLag, ProcessFigures
from opsctl.service.telemetry.process_log import CountingHandler
from opsctl.service.telemetry.salt import installation_salt
from opsctl.service.telemetry.silent import is_silenced
from opsctl.service.telemetry.sinks import FileSink
from opsctl.service.telemetry.workers import ENVIRONMENT
from opsctl.service.worker import Worker, open_worker

if TYPE_CHECKING:
    from opsctl.service.edge.asgi import Application

_TEND_SECONDS = 2.0
# A lookup of keys may wait longer than a feed's: without a key there is no answer at all. It ends before the edge's own
# patience (2 s), or the breaker would never hear who was late.
_KEYS_SECONDS = 1.8
# Of the time of a request, for the same reason.
_INTERACTIONS_SHARE = 0.9


@asynccontextmanager
async def assembled(settings: Settings, *, workers: int) -> AsyncIterator[Edge]:
    """Give the edge with everything behind it, and close all of that afterwards, the last opened first.

    Args:
        settings: of the project.
        workers: how many share the connections to the database.

    Raises:
        UsageError: a book is wrong.
        NotReadyError: the embedded stack is asked for and does not run, or L2 cannot be opened.
    """
    async with AsyncExitStack() as closing:
        worker = await open_worker(settings, workers=workers, closing=closing)
        feeds = _feeds(worker)
        shared = os.environ.get(ENVIRONMENT)
        exemplars = Exemplars(Path(shared) if shared else None)
        options, clocks = edge_options(worker.service, worker.cache), Clocks()
        keys = make_keys(DatabaseKeys(worker.guarded_database(_KEYS_SECONDS)), options=options, clocks=clocks)
        edge = make_edge(
            cast(
                "Application", _api(worker, feeds)
            ),  # Starlette says MutableMapping where ASGI's server gives a dict
            options=options,
            keys=keys,
            memory=worker.memory,
            limits_file=worker.folder / "limits",
            meters=worker.meters,
            log=_log(worker, closing, exemplars=exemplars),
            exemplars=exemplars,
            clocks=clocks,
            is_silent=is_silenced(),
        )
        counting = CountingHandler(worker.meters)
        logging.getLogger().addHandler(counting)
        closing.callback(logging.getLogger().removeHandler, counting)
        works = (
            _works(worker, feeds, keys)
            | _watching_vectors(worker, feeds)
            | {"garbage": every(TIDY_SECONDS, Tidy())}
        )
        if not is_silenced():
            works |= _telling(worker, edge, exemplars)
        await closing.enter_async_context(running(works))
        closing.push_async_callback(edge.close)
        yield edge


def _feeds(worker: Worker) -> FeedParts:
    return assemble_feed(
        FeedClients(
            database=worker.guarded_database(),
            patient_database=worker.database,
            searcher=GuardedVectors(
                worker.searcher,
                guard=worker.protection.guard(VECTORS),
                budget=worker.protection.budget,
                dimension=worker.embedder.dimension,
                meters=worker.meters,
            ),
            scorer=worker.scorer,
            caches=worker.caches,
        ),
        books=FeedBooks(
            service=worker.service,
            cache=worker.cache,
            collections=worker.collections,
            model_id=worker.embedder.model_id,
            dimension=worker.embedder.dimension,
        ),
        folder=worker.folder,
        meters=worker.meters,
        now=time.time,
        steady=time.monotonic,
    )


def _api(worker: Worker, feeds: FeedParts) -> FastAPI:
    return make_api(
        feeds=assemble_tiers(
            feeds,
            book=worker.service,
            protection=worker.protection,
            meters=worker.meters,
            now=time.time,
            is_saturated=lambda: worker.saturation.is_saturated,
        ),
        interactions=InteractionRecorder(
            worker.guarded_database(worker.service.limits.request_seconds * _INTERACTIONS_SHARE),
            invalidation=ReaderInvalidation(worker.journal),
            significant=worker.cache.invalidation.significant,
            meters=worker.meters,
        ),
        contents=Catalogue(worker.database, invalidation=worker.invalidation),
        readiness=worker.dependencies,
        book=worker.service,
        cache_book=worker.cache,
        meters=worker.meters,
    )


def _log(worker: Worker, closing: AsyncExitStack, *, exemplars: Exemplars) -> RequestLog:
    log = RequestLog(
        FileSink(worker.folder / "requests.jsonl"),
        hit_share=worker.service.logs.hit_share,
        salt=installation_salt(worker.folder / "log_salt"),
        meters=worker.meters,
        noted=exemplars.note,
    )
    closing.callback(log.close)
    return log


def _works(worker: Worker, feeds: FeedParts, keys: KeyCheck) -> dict[str, Work]:
    follower = OutboxFollower(
        worker.database,
        invalidation=worker.invalidation,
        consumers=Consumers.of(
            host=socket.gethostname(),
            home=worker.settings.home,
            collection=worker.collections.source.collection,
        ),
        apply_vectors=VectorWriter(
            database=worker.places.database(),
            vectors=worker.places.vectors(),
            embedder=worker.embedder,
            collection=worker.collections.source.collection,
        ),
        every_seconds=parse_duration(worker.cache.invalidation.follow_changes_every),
        meters=worker.meters,
    )
    learner = Learner(
        worker.database,
        journal=worker.journal,
        settings=worker.service.ranking,
        treatments=feeds.stages.treatments,
        meters=worker.meters,
        now=time.time,
    )
    experiments = ExperimentsFollower(worker.database, treatments=feeds.stages.treatments)
    key_store = DatabaseKeys(worker.database)
    return {
        "trending": feeds.board.run,
        "decision log": feeds.log.run,
        "exposures": feeds.stages.exposures.run,
        "experiments": experiments.run,
        "outbox": follower.run,
        "learner": learner.run,
        "use of keys": lambda stop: report_use(keys, report=key_store.touch, stop=stop),
        "breakers": worker.protection.run,
        "saturation": worker.saturation.run,
        "caches": every(_TEND_SECONDS, worker.memory.tend),
        "parent": end_with_parent,
    }


def _watching_vectors(worker: Worker, feeds: FeedParts) -> dict[str, Work]:
    """Return the sentinel, where the book wants one."""
    seconds = parse_duration(worker.service.resilience.sentinel_every)
    known = KnownItems(
        worker.searcher,
        collection=worker.collections.source.collection,
        popular=lambda: [item.content_id for item in feeds.board.top(region=None, category=None, limit=20)],
    )

    async def distrust(content_ids: Sequence[int]) -> bool:
        feeds.stages.priors.forget()
        return await worker.invalidation.drop_vectors(content_ids)

    sentinel = Sentinel(
        known,
        protection=worker.protection,
        unconfirmed=feeds.unconfirmed,
        distrust=distrust,
        every_seconds=seconds,
        meters=worker.meters,
    )
    return {"sentinel": sentinel.run} if seconds else {}


def _telling(worker: Worker, edge: Edge, exemplars: Exemplars) -> dict[str, Work]:
    """Return what goes on only so that others can see how the service is."""
    return {
        "exemplars": exemplars.run,
        "figures": every(_TEND_SECONDS, edge.write_figures),
        "process": ProcessFigures(worker.meters).run,
        "loop": LoopLag(worker.meters).run,
        "dependencies": DependencyFigures(
            worker.dependencies, came_back=worker.protection.came_back, meters=worker.meters
        ).run,
    }
