"""How is a worker put together: clients, caches, feeds, API and edge from settings and books, and closed in turn."""

import logging
import os
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.config.settings import Settings
from opsctl.core.units import parse_duration
from opsctl.embeddings.make import make_embedder
from opsctl.embeddings.model import Embedder
from opsctl.metrics import service as metrics
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.service.api.app import make_api
from opsctl.service.background import Work, end_with_parent, every, running
from opsctl.service.book import ServiceBook
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.invalidation import ItemInvalidation, ReaderInvalidation
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.cache.places import journal_path, orders_path, service_folder, store_folder
from opsctl.service.cache.policy import CacheBook
from opsctl.service.cache.ports import KeyValueStore
from opsctl.service.cache.stores.open import open_store
from opsctl.service.edge.app import Edge
from opsctl.service.edge.assemble import Clocks, make_edge, make_keys
from opsctl.service.edge.keys import KeyCheck
from opsctl.service.edge.options import edge_options
from opsctl.service.edge.usage import report_use
from opsctl.service.feed.assemble import FeedBooks, FeedClients, FeedParts, assemble_feed
from opsctl.service.feed.assemble_tiers import assemble_tiers
from opsctl.service.feed.caches import FeedCaches, Shelves, make_caches
from opsctl.service.feed.contents import Catalogue
from opsctl.service.feed.follow import Consumers, OutboxFollower
from opsctl.service.feed.interactions import InteractionRecorder
from opsctl.service.feed.learn import Learner
from opsctl.service.feed.readiness import Dependencies
from opsctl.service.feed.vectors_follow import VectorWriter
from opsctl.service.garbage import TIDY_SECONDS, Tidy
from opsctl.service.key_store import DatabaseKeys
from opsctl.service.plan import load_cache_book, load_collections_book, load_service_book
from opsctl.service.pool_figures import PoolMeter
from opsctl.service.resilience.failures import DATABASE, L2, MODEL, VECTORS
from opsctl.service.resilience.guarded_database import GuardedDatabase
from opsctl.service.resilience.guarded_store import GuardedStore
from opsctl.service.resilience.guarded_vectors import GuardedVectors
from opsctl.service.resilience.protection import Protection
from opsctl.service.resilience.saturation import LoopSaturation
from opsctl.service.resilience.sentinel import Sentinel
from opsctl.service.scoring.make import ModelGuards, make_scorer
from opsctl.service.scoring.ports import ItemScorer
from opsctl.service.telemetry.dependency_figures import DependencyFigures
from opsctl.service.telemetry.exemplars import Exemplars
from opsctl.service.telemetry.log import RequestLog
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.process_figures import LoopLag, ProcessFigures
from opsctl.service.telemetry.process_log import CountingHandler
from opsctl.service.telemetry.salt import installation_salt
from opsctl.service.telemetry.silent import SilentMeters, is_silenced
from opsctl.service.telemetry.sinks import FileSink
from opsctl.service.telemetry.trace import current_trace
from opsctl.service.telemetry.workers import ENVIRONMENT, forget_dead_workers
from opsctl.stack.places import Places
from opsctl.stack.status import stack_status

if TYPE_CHECKING:
    from opsctl.service.edge.asgi import Application

_TEND_SECONDS = 2.0
# Of the time of a request: a loop that is later than this would use it all up in a few of its turns.
_LAG_SHARE = 0.05
# A lookup of keys may wait longer than a feed's: without a key there is no answer at all.
_KEYS_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    """What a worker is made of, and closed with: clients and caches, once they are open."""

    settings: Settings
    places: Places
    service: ServiceBook
    cache: CacheBook
    collections: CollectionsBook
    embedder: Embedder
    meters: Meters
    database: AsyncDatabase
    searcher: AsyncQdrantSearcher
    scorer: ItemScorer
    journal: InvalidationJournal
    memory: InvalidatedMemory
    store: KeyValueStore
    caches: FeedCaches
    dependencies: Dependencies
    protection: Protection
    saturation: LoopSaturation

    @property
    def folder(self) -> Path:
        """Return the folder that the workers of this machine share."""
        return service_folder(self.settings.home)

    def guarded_database(self, timeout_seconds: float | None = None) -> GuardedDatabase:
        """Return the database as requests see it: left alone while it fails."""
        guard = self.protection.guard(DATABASE, timeout_seconds=timeout_seconds)
        return GuardedDatabase(self.database, guard=guard)

    @property
    def invalidation(self) -> ItemInvalidation:
        """Return what drops a changed item everywhere."""
        return ItemInvalidation(
            self.store if self.cache.l2.enabled else None,
            self.journal,
            embedding_model=self.embedder.model_id,
            scorer=self.scorer.scorer_id,
            meters=self.meters,
        )


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
        worker = await _open(settings, workers=workers, closing=closing)
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


async def _open(settings: Settings, *, workers: int, closing: AsyncExitStack) -> _Worker:
    service, cache = load_service_book(settings), load_cache_book(settings)
    home = settings.home
    places = Places(settings, embedded=lambda: stack_status(home))
    meters = SilentMeters() if is_silenced() else Meters()
    if ENVIRONMENT in os.environ:
        forget_dead_workers(Path(os.environ[ENVIRONMENT]))
    journal = InvalidationJournal(journal_path(home))
    closing.callback(journal.close)
    tier = MemoryTier(
        bytes_limit=cache.l1_bytes,
        now=time.monotonic,
        evicted=lambda kind: meters.count(metrics.CACHE_EVICTIONS, "l1", kind),
    )
    memory = InvalidatedMemory(tier, journal, meters=meters)
    protection = Protection(
        service.resilience,
        request_seconds=service.limits.request_seconds,
        orders=orders_path(home),
        meters=meters,
        connections=_connections(service, workers=workers),
    )
    store = GuardedStore(
        open_store(cache.l2, folder=store_folder(home), secrets=os.environ, meters=meters),
        breaker=protection.breakers[L2],
        timeout_seconds=parse_duration(cache.l2.timeout),
    )
    closing.push_async_callback(store.close)
    database = await closing.enter_async_context(_database(places, service, workers=workers, meters=meters))
    collections = load_collections_book(settings)
    searcher = AsyncQdrantSearcher(
        places.vectors(),
        timeout_seconds=service.limits.request_seconds,
        using=collections.source.vector,
        traceparent=lambda: current_trace().traceparent,
    )
    closing.push_async_callback(searcher.close)
    scorer = make_scorer(
        service.model,
        api_key=places.secret("OPSCTL_MODEL_API_KEY"),
        meters=meters,
        guards=_model_guards(protection),
    )
    closing.push_async_callback(scorer.close)
    embedder = make_embedder(
        settings.project.embedding,
        api_key=places.secret("OPSCTL_EMBEDDING_API_KEY", settings.project.embedding.api_key_file),
    )
    caches = make_caches(
        cache,
        shelves=Shelves(
            memory=memory,
            store=store,
            wall_clock=time.time,
            steady_clock=time.monotonic,
            chance=random.Random(),  # noqa: S311 - jitter, no secret
        ),
        dimension=embedder.dimension,
        meters=meters,
    )
    closing.push_async_callback(caches.close)
    return _Worker(
        settings=settings,
        places=places,
        service=service,
        cache=cache,
        collections=collections,
        embedder=embedder,
        meters=meters,
        database=database,
        searcher=searcher,
        scorer=scorer,
        journal=journal,
        memory=memory,
        store=store,
        caches=caches,
        protection=protection,
        saturation=LoopSaturation(most_lag_seconds=service.limits.request_seconds * _LAG_SHARE),
        dependencies=Dependencies(
            database=database,
            vectors=searcher,
            store=store if cache.l2.enabled else None,
            now=time.monotonic,
        ),
    )


def _database(places: Places, service: ServiceBook, *, workers: int, meters: Meters) -> AsyncDatabase:
    """Return this worker's share of the connections; a pooler in between shares them out itself."""
    return AsyncDatabase(
        places.pooled_database(),
        max_connections=_connections(service, workers=workers),
        # No longer than the request itself may take, and no shorter: who waits in line still gets an answer.
        wait_seconds=service.limits.request_seconds,
        pooling=service.pooling,
        observer=PoolMeter(meters),
    )


def _connections(service: ServiceBook, *, workers: int) -> int:
    return service.pooled_connections // workers


def _feeds(worker: _Worker) -> FeedParts:
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
    )


def _api(worker: _Worker, feeds: FeedParts) -> FastAPI:
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
            worker.guarded_database(worker.service.limits.request_seconds),
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


def _log(worker: _Worker, closing: AsyncExitStack, *, exemplars: Exemplars) -> RequestLog:
    log = RequestLog(
        FileSink(worker.folder / "requests.jsonl"),
        hit_share=worker.service.logs.hit_share,
        salt=installation_salt(worker.folder / "log_salt"),
        meters=worker.meters,
        noted=exemplars.note,
    )
    closing.callback(log.close)
    return log


def _works(worker: _Worker, feeds: FeedParts, keys: KeyCheck) -> dict[str, Work]:
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
        meters=worker.meters,
        now=time.time,
    )
    key_store = DatabaseKeys(worker.database)
    return {
        "trending": feeds.board.run,
        "decision log": feeds.log.run,
        "outbox": follower.run,
        "learner": learner.run,
        "use of keys": lambda stop: report_use(keys, report=key_store.touch, stop=stop),
        "breakers": worker.protection.run,
        "saturation": worker.saturation.run,
        "caches": every(_TEND_SECONDS, worker.memory.tend),
        "parent": end_with_parent,
    }


def _watching_vectors(worker: _Worker, feeds: FeedParts) -> dict[str, Work]:
    """Return the sentinel, where the book wants one."""
    seconds = parse_duration(worker.service.resilience.sentinel_every)
    sentinel = Sentinel(
        worker.searcher,
        collection=worker.collections.source.collection,
        popular=lambda: [item.content_id for item in feeds.board.top(region=None, category=None, limit=20)],
        protection=worker.protection,
        every_seconds=seconds,
        meters=worker.meters,
    )
    return {"sentinel": sentinel.run} if seconds else {}


def _model_guards(protection: Protection) -> ModelGuards:
    def pause(seconds: float) -> None:
        protection.isolate(MODEL, seconds=seconds, owner="the model", reason="it asked to come again later")

    return ModelGuards(
        calls=protection.breakers[MODEL],
        quality=protection.model_quality,
        pause=pause,
        budget=protection.model_budget,
    )


def _telling(worker: _Worker, edge: Edge, exemplars: Exemplars) -> dict[str, Work]:
    """Return what goes on only so that others can see how the service is."""
    return {
        "exemplars": exemplars.run,
        "figures": every(_TEND_SECONDS, edge.write_figures),
        "process": ProcessFigures(worker.meters).run,
        "loop": LoopLag(worker.meters).run,
        "dependencies": DependencyFigures(worker.dependencies, meters=worker.meters).run,
    }
