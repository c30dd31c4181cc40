"""How does the service behave: plans and limits, ranking, scoring model, logs; the book `ops/service.yaml`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.project import WebAddress
from opsctl.config.quantities import ByteSize, Duration, Share
from opsctl.core.units import parse_bytes, parse_duration
from opsctl.ranking.defaults import DIVERSITY, EXPLORATION_SHARE, PROPENSITY_FLOOR

# The names of `ranking.model.Feature`, which a test compares: importing it here would cost every command numpy.
FEATURES = ("similarity", "quality", "model_score", "popularity", "freshness", "price_fit", "exposure")
_DEFAULT_ITEMS = 20


class Plan(StrictModel):
    """How much a key of this plan may ask."""

    requests: Annotated[int, Field(ge=1, le=10**9)] = 1000
    """Requests for each user within the window; as many may come at once (GCRA)."""
    window: Duration = "1h"
    """The time in which they refill."""

    @property
    def window_seconds(self) -> float:
        """Return the time in which the allowance refills."""
        return parse_duration(self.window)


class Limits(StrictModel):
    """Sizes and times beyond which a request is refused."""

    body: ByteSize = "256KiB"
    """Largest body."""
    body_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """Longest wait for a whole body; a client that dribbles is cut off."""
    request_seconds: Annotated[float, Field(gt=0, le=300)] = 2.0
    """Longest time for one answer."""
    feed_items: Annotated[int, Field(ge=1, le=500)] = 100
    """Largest `limit` of a feed."""
    batch_interactions: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Most interactions in one call."""

    @property
    def default_items(self) -> int:
        """Return the `limit` of a feed whose request names none: the edge and the API must mean the same."""
        return min(_DEFAULT_ITEMS, self.feed_items)

    @property
    def body_bytes(self) -> int:
        """Return the size of the largest body."""
        return parse_bytes(self.body)


class Cors(StrictModel):
    """Which web pages may call the service from a browser; none by default."""

    origins: Annotated[list[str], Field(max_length=100)] = []
    """Such as `https://feed.example`; an empty list turns CORS off."""


class Keys(StrictModel):
    """API keys."""

    remembered: Duration = "10s"
    """How long a worker trusts what the database said of a key; a revoked key works at most so long."""
    trusted: Duration = "1h"
    """How long a key that was good stays so while the database does not answer: without it nobody can revoke one either."""

    @property
    def remembered_seconds(self) -> float:
        """Return how long a worker trusts what the database said of a key."""
        return parse_duration(self.remembered)

    @property
    def trusted_seconds(self) -> float:
        """Return how long a key that was good stays so while the database does not answer."""
        return max(self.remembered_seconds, parse_duration(self.trusted))


class Ranking(StrictModel):
    """How candidates become a feed."""

    candidates: Annotated[int, Field(ge=1, le=2000)] = 100
    """Items that the vector search brings."""
    agents: Annotated[
        list[Literal["discovery", "quality", "archivist", "serendipity", "engagement_forecaster", "custom"]],
        Field(min_length=1),
    ] = [
        "discovery",
        "quality",
        "archivist",
        "serendipity",
    ]
    """The agents that score, in this order."""
    custom_weights: dict[str, float] | None = None
    """The custom agent: a weight by feature name, such as `{quality: 0.7, freshness: 0.3}`."""
    arms: Annotated[list[Literal["fresh", "underexposed", "adjacent", "new_vendor"]], Field(min_length=1)] = [
        "fresh",
        "underexposed",
        "adjacent",
        "new_vendor",
    ]
    """The exploration arms among which Thompson sampling chooses."""
    exploration_share: Share = EXPLORATION_SHARE
    """Part of the positions that the chosen arm fills."""
    propensity_floor: Annotated[float, Field(ge=0, le=0.2)] = PROPENSITY_FLOOR
    """Least probability of each arm."""
    diversity: Share = DIVERSITY
    """1 - lambda of MMR: 0 ranks by score alone."""
    history: Annotated[int, Field(ge=1, le=1000)] = 100
    """Newest interactions from which a reader's vector is made."""
    half_life: Duration = "30d"
    """After this time an interaction counts half."""
    attribution_window: Duration = "24h"
    """For so long a feed's reward is pending."""
    update_every: Duration = "60s"
    """How often arms and policy learn."""
    replayable_share: Share = 0.05
    """Part of the decisions that is logged with all inputs, so that `replay` can do it again."""

    @model_validator(mode="after")
    def _custom_has_weights(self) -> Self:
        if "custom" in self.agents and not self.custom_weights:
            raise ValueError("agent `custom` needs `custom_weights`")
        unknown = sorted(set(self.custom_weights or ()) - set(FEATURES))
        if unknown:
            raise ValueError(
                f"`custom_weights` names no feature with `{unknown[0]}`; there are {', '.join(FEATURES)}"
            )
        if len(set(self.agents)) != len(self.agents) or len(set(self.arms)) != len(self.arms):
            raise ValueError("an agent or arm stands twice in its list")
        return self


class Model(StrictModel):
    """The scoring model."""

    provider: Literal["heuristic", "openai", "simulated"] = "heuristic"
    """`heuristic` needs nothing; `openai` any compatible endpoint; `simulated` a stand-in with set latency and price."""
    url: WebAddress | None = None
    """Address of the endpoint, such as `https://api.example/v1`; its key comes from `OPSCTL_MODEL_API_KEY`."""
    name: str = "small"
    """Model name to ask for; part of the key under which scores are cached."""
    shortlist: Annotated[int, Field(ge=0, le=500)] = 24
    """The best candidates, by all other features, that are scored by the model; 0 asks it for nothing."""
    batch_milliseconds: Annotated[int, Field(ge=0, le=1000)] = 10
    """How long items wait for others; 0 sends each request's items by themselves."""
    batch_items: Annotated[int, Field(ge=1, le=500)] = 64
    """Most items in one call."""
    concurrent_calls: Annotated[int, Field(ge=1, le=256)] = 32
    """Most calls at once."""
    timeout: Duration = "400ms"
    """Longest wait for one call; the feed then goes without these scores."""
    input_dollars_per_million: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million input tokens."""
    output_dollars_per_million: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million output tokens."""

    @model_validator(mode="after")
    def _endpoint_has_its_address(self) -> Self:
        if self.provider != "heuristic" and self.url is None:
            raise ValueError(f"provider `{self.provider}` needs `url`")
        return self


class Judged(StrictModel):
    """When the breaker of a dependency opens; `docs/resilience.md` says what counts as a failure."""

    slow: Duration | None = None
    """A call that takes longer is slow, and half of them slow opens the breaker; none means half of the timeout."""
    open_for: Duration = "1s"
    """How long an opened breaker refuses calls; twice as long each time that it opens again, up to 30 s."""


class Guarded(Judged):
    """How a dependency is guarded that feeds call themselves."""

    timeout: Duration | None = None
    """Longest wait for one call, that for its turn included; none means a fifth of `limits.request_seconds`."""
    at_once: Annotated[int, Field(ge=1, le=1024)] = 64
    """Most calls at once in each worker; the others wait, and no longer than their feed can (bulkhead)."""


class Resilience(StrictModel):
    """What happens when something that feeds need is gone, slow or wrong."""

    vectors: Guarded = Guarded()
    """The vector database."""
    database: Guarded = Guarded()
    """PostgreSQL."""
    model: Judged = Judged()
    """The scoring model; its limits are `model.timeout` and `model.concurrent_calls`."""
    l2: Judged = Judged()
    """The shared cache; its time limit is `l2.timeout` in ops/cache.yaml."""
    ladder: bool = True
    """False answers with an error where no whole feed can be made, for measuring what the lower tiers bring."""
    breakers: bool = True
    """False calls what is down again and again, for measuring what the breakers bring."""
    retry_budget: bool = True
    """False repeats every call that failed, for measuring what the budget brings."""
    exercise_share: Annotated[float, Field(ge=0, le=0.05)] = 0.002
    """Part of the feeds that a lower tier makes although nothing is wrong, so that no tier rots unseen."""
    sentinel_every: Duration = "2s"
    """How often the vector database is asked something of which the answer is known; `0s` never asks."""


class Logs(StrictModel):
    """The line that each request leaves."""

    hit_share: Share = 0.001
    """Part of the L1 hits that leave a line; misses and errors always do. A line costs as much as several hits."""


class ServiceBook(StrictModel):
    """The book `ops/service.yaml`."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that answer."""
    plans: dict[str, Plan] = {"free": Plan(), "bench": Plan(requests=100_000_000)}
    """Plans by name; `free` is the default, `bench` is for load tests."""
    limits: Limits = Limits()
    """Sizes and times beyond which a request is refused."""
    cors: Cors = Cors()
    """Which web pages may call."""
    keys: Keys = Keys()
    """API keys."""
    ranking: Ranking = Ranking()
    """How candidates become a feed."""
    model: Model = Model()
    """The scoring model."""
    resilience: Resilience = Resilience()
    """What happens when something that feeds need is gone, slow or wrong."""
    logs: Logs = Logs()
    """The line that each request leaves."""
    metrics_open: bool = True
    """Whether `/metrics` answers without a key; false asks for any good one, so tell whoever reads them."""
    pooled_connections: Annotated[int, Field(ge=1, le=100)] = 10
    """Most connections to the database that requests use, shared out among the workers.

    For moments there are up to three more: `/readyz` has one, and writing the vectors of changed items two.
    """
    pooling: bool = True
    """False opens a connection for every use, for measuring what the pool brings."""
    derived_collections: bool = True
    """False always searches the source with a filter, for measuring what derived collections bring."""
