"""What is planned: users, feeds, who fills each part, and what it all may cost; the book `ops/costs.yaml`."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from opsctl.config.model import StrictModel
from opsctl.config.quantities import Share
from opsctl.costs.prices import Amount, Name, Part

OWN = "own"
"""Filled by the service's own process, whose use is counted there."""


class Point(StrEnum):
    """The loads at which the bill is made up."""

    AVERAGE = "average"
    PEAK_HOUR = "peak_hour"
    SUSTAINED = "sustained"


class Readers(StrictModel):
    """Who asks, and how often."""

    users: Annotated[int, Field(ge=1, le=10**9)] = 10_000
    """Readers of a month."""
    feeds_a_month: Annotated[Amount, Field(gt=0)] = Decimal(30)
    """Feeds that each of them asks for in a month."""
    feeds_a_visit: Annotated[Amount, Field(ge=1)] = Decimal(1)
    """Of these, how many in one visit, shorter than a feed stays fresh: all but the first are in the cache. 1 is careful."""
    items_a_feed: Annotated[int, Field(ge=1, le=500)] = 20
    """The `limit` of each, with which `opsctl costs measure` asks."""
    busiest_ratio: Annotated[Amount, Field(ge=1)] = Decimal(10)
    """The busiest minute of a month over its mean: instances are bought for it."""
    peak_requests_a_second: Annotated[Amount, Field(gt=0)] = Decimal(10_000)
    """The rate of the peak hour, and of the sustained load."""
    peak_hours_a_day: Annotated[Amount, Field(gt=0, le=24)] = Decimal(1)
    """How long a day that peak is."""


class Storage(StrictModel):
    """What is kept."""

    items: Annotated[int, Field(ge=1, le=10**9)] = 50_000
    """Items of the catalogue."""
    dimension: Annotated[int, Field(ge=8, le=4096)] = 384
    """Length of a vector in production."""
    months: Annotated[Amount, Field(gt=0)] = Decimal(3)
    """For so long decisions are kept."""


class Scoring(StrictModel):
    """How the model is asked."""

    when: Literal["asked", "ahead"] = "asked"
    """`asked`: for what a feed needs and L2 does not have. `ahead`: for every item of the catalogue, in batches without hurry."""
    agents: Annotated[int, Field(ge=1, le=20)] = 1
    """Agents that ask the model for a score of their own; in the bundled service all share one."""
    times_a_month: Annotated[Amount, Field(gt=0)] = Decimal(1)
    """With `ahead`: how often everything is scored anew."""
    items_a_call: Annotated[int, Field(ge=1, le=500)] = 10
    """With `ahead`: items in one call."""


class Embedding(StrictModel):
    """How often text becomes a vector."""

    times_a_month: Annotated[Amount, Field(ge=0)] = Decimal(1)
    """How often the whole catalogue is embedded anew."""


class Budgets(StrictModel):
    """What it may cost, and what caching and batching must bring."""

    at: Point = Point.AVERAGE
    """The load at which the budgets bind; the others are shown."""
    month_usd: Annotated[Amount, Field(gt=0)] = Decimal(500)
    """Dollars a month, less than which it must cost."""
    user_usd: Annotated[Amount, Field(gt=0)] = Decimal("0.05")
    """Dollars a user and month, less than which it must cost."""
    reduction_ratio: Share = 0.4
    """The part of the bill that caching and batching must save, more than which is asked for."""


class Providers(StrictModel):
    """Who fills each part: a name of the price book, or `own`, the service's own process."""

    edge: Name = "cloudflare_workers"
    """Answers what is cached; `own` is the service's edge, whose capacity `opsctl bench capacity` measures."""
    service: Name = "cloudflare_containers"
    """Makes the feeds that no cache has."""
    vectors: Name = "qdrant_cloud"
    """The vector database."""
    database: Name = "supabase"
    """PostgreSQL."""
    model: Name = "haiku_5_5"
    """The scoring model; `own` is the heuristic scorer."""
    embedding: Name = OWN
    """Text to vectors; `own` is a model on the service's cores."""
    observability: Name = "grafana_cloud"
    """Metrics and logs."""

    def of(self, part: Part) -> str:
        """Return the name of who fills a part."""
        return str(getattr(self, part.value))


class CostsBook(StrictModel):
    """The book `ops/costs.yaml`."""

    readers: Readers = Readers()
    """Who asks, and how often."""
    storage: Storage = Storage()
    """What is kept."""
    scoring: Scoring = Scoring()
    """How the model is asked."""
    embedding: Embedding = Embedding()
    """How often text becomes a vector."""
    providers: Providers = Providers()
    """Who fills each part."""
    headroom_ratio: Annotated[Amount, Field(ge=0, le=Decimal("0.9"))] = Decimal("0.3")
    """The part of every instance's cores that stays free."""
    load: Name = "standard"
    """The load of `bench load` and `bench capacity` whose evidence counts."""
    budgets: Budgets = Budgets()
    """What it may cost."""
