"""What does each thing cost, says who, since when: the book `ops/prices.yaml`."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.costs.units import Meter, Unit


def _whole_day(value: Any) -> Any:
    """Refuse numbers, of which pydantic would make a day after 1970."""
    if isinstance(value, bool | int | float | datetime):
        raise ValueError("write the day as `2026-11-29`")  # noqa: TRY004 - pydantic lets TypeErrors through
    return value


Amount = Annotated[Decimal, Field(ge=0, le=10**15)]
"""A decimal from 0 up: money and allowances are never floats."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Day = Annotated[date, BeforeValidator(_whole_day)]


class Part(StrEnum):
    """The parts of a bill; `service` makes the feeds that the edge does not have."""

    EDGE = "edge"
    SERVICE = "service"
    VECTORS = "vectors"
    DATABASE = "database"
    MODEL = "model"
    EMBEDDING = "embedding"
    OBSERVABILITY = "observability"


_RUNNING = (frozenset({Meter.INSTANCES}), frozenset({Meter.VCPU_SECONDS, Meter.GIB_SECONDS}))
_CHARGED: dict[Part, tuple[frozenset[Meter], ...]] = {
    Part.EDGE: (frozenset({Meter.REQUESTS}), frozenset({Meter.SENT_GB})),
    Part.SERVICE: _RUNNING,
    Part.VECTORS: _RUNNING,
    Part.DATABASE: _RUNNING,
    Part.MODEL: (frozenset({Meter.INPUT_TOKENS, Meter.OUTPUT_TOKENS}),),
    Part.EMBEDDING: (frozenset({Meter.INPUT_TOKENS}),),
    Part.OBSERVABILITY: (frozenset({Meter.SERIES, Meter.LOGGED_GB}),),
}
"""Of each part, the meters one set of which a provider must have a price for."""


class Tier(StrictModel):
    """Another price from some usage on."""

    above: Amount
    """Usage of a month beyond which this price holds, in the meter's own unit: requests, not millions of them."""
    value: Amount
    """The price then, in the unit of the whole price."""


class Price(StrictModel):
    """One unit price."""

    value: Amount
    """Dollars a unit."""
    unit: Unit
    """What it buys."""
    included: Amount = Decimal(0)
    """Usage of a month that is not charged, in the meter's own unit: 10000000 requests, not 10."""
    tiers: list[Tier] = Field(default_factory=list)
    """Prices for what lies beyond some usage; graduated, so what lies below keeps the price of its own tier."""
    vcpu: Annotated[Amount, Field(gt=0)] | None = None
    """Of an instance: the cores that it has for good; the share that is promised, where they are shared."""
    memory_gib: Annotated[Amount, Field(gt=0)] | None = None
    """Of an instance: its memory."""
    disk_gb: Annotated[Amount, Field(gt=0)] | None = None
    """Of an instance: its disk, where it has one of its own."""
    most: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Of an instance: most that one can have; 1 where nothing is shared out between several, as with a database."""
    source: Annotated[str, Field(min_length=3, max_length=300)]
    """Where the price was read, so that somebody else finds it."""
    retrieved: Day
    """When it was read."""
    verified: bool
    """Whether somebody read it at the vendor's own place on that day; anything else is hearsay."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        is_instance = self.unit.meter is Meter.INSTANCES
        if is_instance and (self.vcpu is None or self.memory_gib is None):
            raise ValueError("an instance needs `vcpu` and `memory_gib`, by which its number is found")
        if not is_instance and any(each is not None for each in (self.vcpu, self.memory_gib, self.disk_gb)):
            raise ValueError(f"`vcpu`, `memory_gib` and `disk_gb` are of instances, and this is {self.unit}")
        if self.most is not None and not is_instance:
            raise ValueError(f"`most` is of instances, and this is {self.unit}")
        if (is_instance or self.unit is Unit.MONTH) and (self.included or self.tiers):
            raise ValueError(f"{self.unit} has neither `included` nor `tiers`")
        edges = [self.included, *(tier.above for tier in self.tiers)]
        if edges != sorted(set(edges)):
            raise ValueError("each tier must begin above the one before, and the first above `included`")
        return self


class Provider(StrictModel):
    """Somebody who fills a part of the bill."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    """As people call it."""
    parts: Annotated[list[Part], Field(min_length=1)]
    """Which parts it can fill."""
    prices: Annotated[dict[Name, Price], Field(min_length=1)]
    """Its prices; where several are of instances, the cheapest that holds the load is bought."""
    credit: Amount = Decimal(0)
    """Dollars a month that are taken off its instances."""
    asynchronous_ratio: Annotated[Amount, Field(gt=0, le=1)] | None = None
    """Of a model: the part of the price that tokens cost when there is no hurry (batch interface)."""
    cached_prefix_ratio: Annotated[Amount, Field(gt=0, le=1)] | None = None
    """Of a model: the part of the price that input tokens cost which were sent before."""
    cached_prefix_tokens: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """Of a model: a prefix of fewer tokens is not cached at all."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        meters = {price.unit.meter for price in self.prices.values()}
        for part in self.parts:
            if not any(needed <= meters for needed in _CHARGED[part]):
                ways = " or ".join(" and ".join(sorted(needed)) for needed in _CHARGED[part])
                raise ValueError(f"`{part}` is charged by {ways}; without such a price it would be free")
        if (self.cached_prefix_ratio is None) != (self.cached_prefix_tokens is None):
            raise ValueError("`cached_prefix_ratio` and `cached_prefix_tokens` belong together")
        return self


class PricesBook(StrictModel):
    """The book `ops/prices.yaml`."""

    currency: Literal["USD"] = "USD"
    """All prices are in dollars."""
    trusted_for_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """A price that was read longer ago is told as old wherever it is used."""
    providers: dict[Name, Provider] = Field(default_factory=dict)
    """By name, as the costs book chooses them."""
