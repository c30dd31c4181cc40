"""Which caches does a feed read: five kinds of entries, each with its codec and lifetime from the book."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opsctl.core.units import parse_duration
from opsctl.ranking.model import RankingState
from opsctl.service.cache import keys
from opsctl.service.cache.codecs import NumberCodec, VectorCodec
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.kind import KindCache
from opsctl.service.cache.kind_tiers import l1_kind, l2_kind
from opsctl.service.cache.policy import CacheBook
from opsctl.service.cache.ports import KeyValueStore
from opsctl.service.feed.facts_codec import FactsCodec
from opsctl.service.feed.learned import size_of_state
from opsctl.service.feed.values import Profile, Vector
from opsctl.service.telemetry.meters import Meters
from opsctl.store.content_writes import ItemFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCaches:
    """The caches of one worker."""

    user_embedding: KindCache[Profile]
    thompson: KindCache[RankingState]
    content_embedding: KindCache[Vector]
    quality_score: KindCache[ItemFacts]
    agent_score: KindCache[float]

    async def close(self) -> None:
        """Call off fetches that still run."""
        for kind in (
            self.user_embedding,
            self.thompson,
            self.content_embedding,
            self.quality_score,
            self.agent_score,
        ):
            await kind.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """Where entries are kept.

    Args:
        memory: L1, shared with the edge.
        store: L2.
        wall_clock: seconds since 1970, for L2.
        steady_clock: the clock of `memory`.
    """

    memory: InvalidatedMemory
    store: KeyValueStore
    wall_clock: Callable[[], float]
    steady_clock: Callable[[], float]
    chance: random.Random


def make_caches(book: CacheBook, *, shelves: Shelves, dimension: int, meters: Meters) -> FeedCaches:
    """Return the caches of the book; a tier that it switches off loads always and keeps nothing."""
    l1, l2 = book.l1, book.l2
    near: dict[str, Any] = {
        "memory": shelves.memory,
        "meters": meters,
        "now": shelves.steady_clock,
        "chance": shelves.chance,
        "is_enabled": l1.enabled,
    }
    far: dict[str, Any] = {
        "store": shelves.store,
        "journal": shelves.memory.journal,
        "timeout_seconds": parse_duration(l2.timeout),
        "meters": meters,
        "now": shelves.wall_clock,
        "chance": shelves.chance,
        "is_enabled": l2.enabled,
    }
    return FeedCaches(
        user_embedding=l1_kind(
            keys.USER_EMBEDDING,
            lifetime=l1.user_embedding,
            size_of=lambda profile: profile.size_bytes,
            **near,
        ),
        thompson=l1_kind(keys.THOMPSON, lifetime=l1.thompson, size_of=size_of_state, **near),
        content_embedding=l2_kind(
            keys.CONTENT_EMBEDDING, codec=VectorCodec(dimension), lifetime=l2.content_embedding, **far
        ),
        quality_score=l2_kind(keys.QUALITY_SCORE, codec=FactsCodec(), lifetime=l2.quality_score, **far),
        agent_score=l2_kind(keys.AGENT_SCORE, codec=NumberCodec(), lifetime=l2.agent_score, **far),
    )
