"""How long does each kind of entry live, where, and what drops it: the book `ops/cache.yaml`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.project import WebAddress
from opsctl.config.quantities import ByteSize, Duration, PositiveDuration, Share
from opsctl.core.units import parse_bytes, parse_duration

# Less holds not even the pages that LMDB itself needs.
_SMALLEST_FILE_BYTES = 1024 * 1024

InteractionKind = Literal["view", "click", "save", "share", "inquiry", "purchase", "hide"]


class Lifetime(StrictModel):
    """How long entries of one kind are good."""

    fresh: Duration
    """Until then an entry is served as it is."""
    stale_while_revalidate: Duration = "0s"
    """For so long after that it is still served, while one task fetches it anew."""
    stale_if_error: Duration = "0s"
    """For so long after `fresh` it is served when fetching it anew fails."""
    negative: Duration = "5s"
    """How long "there is no such thing" is remembered."""
    jitter: Share = 0.1
    """Each entry's `fresh` is shortened by a random share up to this, so that they do not all end at once."""

    @property
    def fresh_seconds(self) -> float:
        """Return how long an entry is served as it is, before jitter."""
        return parse_duration(self.fresh)

    @property
    def stale_seconds(self) -> float:
        """Return how long after `fresh` an entry is served while it is fetched anew."""
        return parse_duration(self.stale_while_revalidate)

    @property
    def error_seconds(self) -> float:
        """Return how long after `fresh` an entry stands in for an error."""
        return parse_duration(self.stale_if_error)

    @property
    def negative_seconds(self) -> float:
        """Return how long an absence is remembered."""
        return parse_duration(self.negative)

    @property
    def kept_seconds(self) -> float:
        """Return after how long an entry is of no use to anybody."""
        return self.fresh_seconds + max(self.stale_seconds, self.error_seconds)


class EdgeTier(StrictModel):
    """L1, in each worker's memory."""

    enabled: bool = True
    """False answers nothing from L1, for measuring what it brings."""
    memory: ByteSize = "256MiB"
    """Most bytes that L1 holds in a worker, keys and reverse index included."""
    shared_caches: bool = False
    """True lets a CDN in front keep feeds (`s-maxage`), one copy an API key (`Vary: Authorization`)."""
    feed: Lifetime = Lifetime(fresh="5m", stale_while_revalidate="1m", stale_if_error="1h")
    """Whole feeds, as the bytes that are sent."""
    stand_in: PositiveDuration = "10s"
    """How long a feed that a lower tier made is kept, where there is no older one that would be better."""
    refreshes_per_second: Annotated[float, Field(gt=0, le=10_000)] = 30.0
    """Old feeds that a worker makes anew a second, at most; the others are given old a little longer.

    Making a feed takes about 10 ms of a worker, so 30 leave it two thirds of its time for everything else.
    """
    user_embedding: Lifetime = Lifetime(fresh="15m", stale_while_revalidate="1m")
    """Vectors of readers."""
    thompson: Lifetime = Lifetime(fresh="30m", stale_if_error="24h")
    """Parameters of the exploration arms and of the agents' policy."""


class KeyValueTier(StrictModel):
    """L2, shared by all workers."""

    enabled: bool = True
    """False answers nothing from L2, for measuring what it brings."""
    backend: Literal["lmdb", "redis", "cloudflare_kv"] = "lmdb"
    """Where L2 is: a file of this machine, a Redis or Valkey server, or Cloudflare KV over its REST API."""
    memory: ByteSize = "512MiB"
    """Size of the LMDB file; for the others the server's own limit holds."""
    timeout: Duration = "250ms"
    """Longest wait for Redis or Cloudflare; later it counts as an error and the entry is fetched from its source."""
    redis_url: str | None = None
    """Address such as `redis://127.0.0.1:6379/0`; a password comes from `OPSCTL_REDIS_PASSWORD`."""
    cloudflare_url: WebAddress = "https://api.cloudflare.com/client/v4"
    """Address of Cloudflare's API."""
    cloudflare_account: str | None = None
    """Account id."""
    cloudflare_namespace: str | None = None
    """Id of the KV namespace; the token comes from `OPSCTL_CLOUDFLARE_TOKEN`."""
    content_embedding: Lifetime = Lifetime(fresh="7d")
    """Vectors of items."""
    quality_score: Lifetime = Lifetime(fresh="24h", stale_while_revalidate="1h", stale_if_error="7d")
    """Quality and facts of items, as ranking needs them."""
    agent_score: Lifetime = Lifetime(fresh="1h", stale_while_revalidate="10m", stale_if_error="24h")
    """What the scoring model said of items."""

    @model_validator(mode="after")
    def _backend_has_its_address(self) -> Self:
        if self.backend == "redis" and self.redis_url is None:
            raise ValueError("backend `redis` needs `redis_url`")
        if self.backend == "cloudflare_kv" and not (self.cloudflare_account and self.cloudflare_namespace):
            raise ValueError("backend `cloudflare_kv` needs `cloudflare_account` and `cloudflare_namespace`")
        if self.backend == "lmdb" and parse_bytes(self.memory) < _SMALLEST_FILE_BYTES:
            raise ValueError(f"`memory` is `{self.memory}`; the LMDB file needs at least `1MiB`")
        return self


class Invalidation(StrictModel):
    """What drops entries before their time."""

    significant: Annotated[list[InteractionKind], Field(max_length=7)] = ["save", "inquiry", "hide"]
    """Interactions that drop the reader's embedding; the feed stays until it expires."""
    follow_changes_every: Duration = "2s"
    """How often the outbox is read for changes of content that were not made through this service."""


class CacheBook(StrictModel):
    """The book `ops/cache.yaml`; L3, the vectors, is the source of truth and searches are never cached."""

    l1: EdgeTier = EdgeTier()
    """The edge's memory."""
    l2: KeyValueTier = KeyValueTier()
    """The key-value store."""
    invalidation: Invalidation = Invalidation()
    """What drops entries before their time."""

    @property
    def l1_bytes(self) -> int:
        """Return the most bytes that L1 holds in a worker."""
        return parse_bytes(self.l1.memory)
