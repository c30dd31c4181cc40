"""What is a worker made of: clients and caches from settings and books, opened in turn and closed in the other direction."""

import os
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.config.settings import Settings, with_secret_files
from opsctl.core.units import parse_duration
from opsctl.embeddings.make import make_embedder
from opsctl.embeddings.model import Embedder
from opsctl.metrics import service as metrics
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.service.book import ServiceBook
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.invalidation import ItemInvalidation
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.cache.places import journal_path, orders_path, service_folder, store_folder
from opsctl.service.cache.policy import CacheBook
from opsctl.service.cache.ports import KeyValueStore
from opsctl.service.cache.stores.open import open_store
from opsctl.service.feed.caches import FeedCaches, Shelves, make_caches
from opsctl.service.feed.readiness import Dependencies
from opsctl.service.plan import load_cache_book, load_collections_book, load_service_book
from opsctl.service.pool_figures import PoolMeter
from opsctl.service.resilience.failures import DATABASE, L2, MODEL
from opsctl.service.resilience.guarded_database import GuardedDatabase
from opsctl.service.resilience.guarded_store import GuardedStore
from opsctl.service.resilience.protection import Protection
from opsctl.service.resilience.saturation import LoopSaturation
from opsctl.service.scoring.make import ModelGuards, make_scorer
from opsctl.service.scoring.ports import ItemScorer
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.silent import SilentMeters, is_silenced
from opsctl.service.telemetry.trace import current_trace
from opsctl.service.telemetry.workers import ENVIRONMENT, forget_dead_workers
from opsctl.stack.places import Places
from opsctl.stack.status import stack_status

# Of the time of a request: a loop that is later than this would use it all up in a few of its turns.
_LAG_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
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


async def open_worker(settings: Settings, *, workers: int, closing: AsyncExitStack) -> Worker:
    """Open everything a worker needs; `closing` closes it again, the last opened first.

    Raises:
        OpsError: a book is wrong, or something cannot be opened.
    """
    service, cache = load_service_book(settings), load_cache_book(settings)
    collections = load_collections_book(settings)
    home = settings.home
    places = Places(settings, embedded=lambda: stack_status(home))
    meters = SilentMeters() if is_silenced() else Meters()
    if ENVIRONMENT in os.environ:
        forget_dead_workers(Path(os.environ[ENVIRONMENT]))
    protection = _protection(service, cache, home=home, workers=workers, meters=meters)
    journal = InvalidationJournal(journal_path(home))
    closing.callback(journal.close)
    memory = _memory(cache, journal, meters=meters)
    store = _store(cache, home=home, protection=protection, meters=meters)
    closing.push_async_callback(store.close)
    database = await closing.enter_async_context(_database(places, service, workers=workers, meters=meters))
    searcher = _searcher(places, service, collections)
    closing.push_async_callback(searcher.close)
    scorer = _scorer(places, service, protection=protection, meters=meters)
    closing.push_async_callback(scorer.close)
    embedder = make_embedder(
        settings.project.embedding,
        api_key=places.secret("OPSCTL_EMBEDDING_API_KEY", settings.project.embedding.api_key_file),
    )
    shelves = _shelves(memory, store)
    caches = make_caches(cache, shelves=shelves, dimension=embedder.dimension, meters=meters)
    closing.push_async_callback(caches.close)
    return Worker(
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


def _protection(
    service: ServiceBook, cache: CacheBook, *, home: Path, workers: int, meters: Meters
) -> Protection:
    return Protection(
        service.resilience,
        request_seconds=service.limits.request_seconds,
        orders=orders_path(home),
        meters=meters,
        connections=_connections(service, workers=workers),
        own_timeouts={
            MODEL: parse_duration(service.model.timeout),
            L2: parse_duration(cache.l2.timeout),
        },
    )


def _memory(cache: CacheBook, journal: InvalidationJournal, *, meters: Meters) -> InvalidatedMemory:
    tier = MemoryTier(
        bytes_limit=cache.l1_bytes,
        now=time.monotonic,
        evicted=lambda kind: meters.count(metrics.CACHE_EVICTIONS, "l1", kind),
    )
    return InvalidatedMemory(tier, journal, meters=meters)


def _store(cache: CacheBook, *, home: Path, protection: Protection, meters: Meters) -> GuardedStore:
    return GuardedStore(
        open_store(cache.l2, folder=store_folder(home), secrets=with_secret_files(os.environ), meters=meters),
        breaker=protection.breakers[L2],
        timeout_seconds=parse_duration(cache.l2.timeout),
    )


def _shelves(memory: InvalidatedMemory, store: GuardedStore) -> Shelves:
    return Shelves(
        memory=memory,
        store=store,
        wall_clock=time.time,
        steady_clock=time.monotonic,
        chance=random.Random(),  # noqa: S311 - jitter, no secret
    )


def _searcher(places: Places, service: ServiceBook, collections: CollectionsBook) -> AsyncQdrantSearcher:
    return AsyncQdrantSearcher(
        places.vectors(),
        timeout_seconds=service.limits.request_seconds,
        using=collections.source.vector,
        traceparent=lambda: current_trace().traceparent,
    )


def _scorer(places: Places, service: ServiceBook, *, protection: Protection, meters: Meters) -> ItemScorer:
    return make_scorer(
        service.model,
        api_key=places.secret("OPSCTL_MODEL_API_KEY"),
        meters=meters,
        guards=_model_guards(protection),
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


def _model_guards(protection: Protection) -> ModelGuards:
    def pause(seconds: float) -> None:
        protection.isolate(MODEL, seconds=seconds, owner="the model", reason="it asked to come again later")

    return ModelGuards(
        calls=protection.breakers[MODEL],
        quality=protection.model_quality,
        pause=pause,
        budget=protection.model_budget,
    )
