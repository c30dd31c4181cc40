"""A small marketplace in a real database and a real vector node, and the parts of a service over it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.embeddings.hashing import HashingEmbedder
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.service.book import Model, ServiceBook
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.invalidation import ItemInvalidation, ReaderInvalidation
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.cache.policy import CacheBook, KeyValueTier
from opsctl.service.cache.stores.lmdb import LmdbStore
from opsctl.service.feed.assemble import FeedBooks, FeedClients, FeedParts, assemble_feed
from opsctl.service.feed.caches import FeedCaches, Shelves, make_caches
from opsctl.service.feed.contents import Catalogue
from opsctl.service.feed.follow import Consumers, OutboxFollower
from opsctl.service.feed.interactions import InteractionRecorder
from opsctl.service.feed.learn import Learner
from opsctl.service.feed.vectors_follow import VectorWriter
from opsctl.service.scoring.heuristic import HeuristicScorer
from opsctl.service.scoring.ports import ItemScorer
from opsctl.service.telemetry.meters import Meters

DIMENSION = 32
# A machine that is slow is late with what these tests ask about, not wrong.
PATIENT_SERVICE = ServiceBook(model=Model(timeout="30s"))
PATIENT_CACHES = CacheBook(l2=KeyValueTier(timeout="30s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where everything is."""

    database: DatabaseAddress
    vectors: QdrantPlace
    collection: str
    derived: str = ""

    @property
    def embedder(self) -> HashingEmbedder:
        """Return the embedder of the collection."""
        return HashingEmbedder(dimension=DIMENSION)

    @property
    def book(self) -> CollectionsBook:
        """Return the collections: the source, and one derived from the best photographers of one region."""
        filter_ = {"region": "AU", "category": "photographer", "quality": {"gte": 0.6}}
        derived = {self.derived: {"filter": filter_}} if self.derived else {}
        return CollectionsBook.model_validate({"source": {"collection": self.collection}, "derived": derived})

    def write_vectors(self) -> int:
        """Bring the vectors up to date and return how many changes there were."""
        writer = VectorWriter(
            database=self.database,
            vectors=self.vectors,
            embedder=self.embedder,
            collection=self.collection,
        )
        total = 0
        while written := writer():
            total += written
        return total

    def execute(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with connect(self.database) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


@dataclass(slots=True, kw_only=True)
class Clock:
    """Seconds since 1970 that a test moves."""

    seconds: float = field(default_factory=time.time)

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds

    @property
    def moment(self) -> datetime:
        """Return the time as a moment."""
        return datetime.fromtimestamp(self.seconds, UTC)

    def ago(self, seconds: float) -> datetime:
        """Return a moment before now."""
        return self.moment - timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker's parts."""

    world: World
    parts: FeedParts
    caches: FeedCaches
    memory: InvalidatedMemory
    database: AsyncDatabase
    searcher: AsyncQdrantSearcher
    store: LmdbStore
    meters: Meters
    clock: Clock
    interactions: InteractionRecorder
    contents: Catalogue
    follower: OutboxFollower
    learner: Learner

    def sample(self, name: str, **labels: str) -> float:
        """Return the value of a metric; 0 where there is none."""
        return self.meters.registry.get_sample_value(name, labels) or 0.0

    async def settle(self) -> None:
        """Wait until everything that was fetched is written to the caches, which nobody else waits for."""
        caches = self.caches
        for kind in (caches.content_embedding, caches.quality_score, caches.agent_score):
            await asyncio.gather(*kind._tasks)

    def metrics_text(self) -> str:
        """Return all metrics."""
        return generate_latest(self.meters.registry).decode()


@asynccontextmanager
async def worker(
    world: World,
    folder: Path,
    *,
    clock: Clock | None = None,
    steady: Callable[[], float] | None = None,
    service: ServiceBook | None = None,
    cache: CacheBook | None = None,
    scorer: ItemScorer | None = None,
    database: DatabaseAddress | None = None,
    vectors: QdrantPlace | None = None,
) -> AsyncIterator[Worker]:
    """Give a worker; several of one folder share caches and journal as those of one machine do."""
    clock, meters = clock or Clock(), Meters()
    service, cache = service or PATIENT_SERVICE, cache or PATIENT_CACHES
    scorer = scorer or HeuristicScorer()
    journal = InvalidationJournal(folder / "invalidations")
    steady = steady or clock
    tier = MemoryTier(bytes_limit=2**26, now=steady, evicted=lambda _: None)
    memory = InvalidatedMemory(tier, journal, meters=meters)
    async with AsyncExitStack() as closing:
        closing.callback(journal.close)
        store = LmdbStore(folder / "l2", bytes_limit=2**25)
        closing.push_async_callback(store.close)
        pool = AsyncDatabase(database or world.database, wait_seconds=2.0)
        await closing.enter_async_context(pool)
        searcher = AsyncQdrantSearcher(vectors or world.vectors, timeout_seconds=30.0)
        closing.push_async_callback(searcher.close)
        shelves = Shelves(
            memory=memory, store=store, wall_clock=clock, steady_clock=steady, chance=random.Random(7)
        )
        caches = make_caches(cache, shelves=shelves, dimension=DIMENSION, meters=meters)
        closing.push_async_callback(caches.close)
        model_id = world.embedder.model_id
        parts = assemble_feed(
            FeedClients(
                database=pool, patient_database=pool, searcher=searcher, scorer=scorer, caches=caches
            ),
            books=FeedBooks(
                service=service,
                cache=cache,
                collections=world.book,
                model_id=model_id,
                dimension=DIMENSION,
            ),
            folder=folder,
            meters=meters,
            now=clock,
            steady=steady,
        )
        invalidation = ItemInvalidation(
            store, journal, embedding_model=model_id, scorer=scorer.scorer_id, meters=meters
        )
        yield Worker(
            world=world,
            parts=parts,
            caches=caches,
            memory=memory,
            database=pool,
            searcher=searcher,
            store=store,
            meters=meters,
            clock=clock,
            interactions=InteractionRecorder(
                pool,
                invalidation=ReaderInvalidation(journal),
                significant=cache.invalidation.significant,
                meters=meters,
            ),
            contents=Catalogue(pool, invalidation=invalidation),
            follower=OutboxFollower(
                pool,
                invalidation=invalidation,
                consumers=Consumers.of(host="here", home=folder, collection=world.collection),
                apply_vectors=VectorWriter(
                    database=world.database,
                    vectors=world.vectors,
                    embedder=world.embedder,
                    collection=world.collection,
                ),
                every_seconds=2.0,
                meters=meters,
            ),
            learner=Learner(
                pool,
                journal=journal,
                settings=service.ranking,
                treatments=parts.stages.treatments,
                meters=meters,
                now=clock,
            ),
        )
