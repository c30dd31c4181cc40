"""What goes into an estimate: every number with its unit and where it comes from, or that nobody has measured it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Quantity(StrEnum):
    """Every number that a bill depends on, besides prices; the value is what people read."""

    USERS = "users"
    FEEDS_A_USER = "feeds a user and month"
    FEEDS_A_VISIT = "feeds a visit"
    BUSIEST = "busiest minute over the mean"
    PEAK_RATE = "requests a second at the peak"
    PEAK_HOURS = "hours of peak a day"
    ITEMS = "items of the catalogue"
    DIMENSION = "length of a vector"
    MONTHS_KEPT = "months that decisions are kept"
    AGENTS = "agents that ask the model"
    SCORED_A_MONTH = "times a month that all is scored"
    EMBEDDED_A_MONTH = "times a month that all is embedded"
    ITEMS_A_CALL_AHEAD = "items a call, ahead"
    HEADROOM = "part kept free (headroom)"
    FEED_FRESH = "seconds that a feed is fresh"
    SCORE_FRESH = "seconds that a score is fresh"
    MISS_AT_PEAK = "feeds not cached at the peak"
    WORKER_RATE = "requests a second and worker"
    SERVICE_CPU_HIT = "service CPU seconds a cached feed"
    SERVICE_CPU_MADE = "service CPU seconds a made feed"
    VECTORS_CPU_MADE = "vectors CPU seconds a made feed"
    DATABASE_CPU_MADE = "database CPU seconds a made feed"
    SERVICE_MEMORY = "memory bytes a worker"
    DATABASE_MEMORY = "memory bytes of the database"
    SCORED_A_FEED = "items scored a made feed"
    ITEMS_A_CALL = "items a call"
    PROMPT_TOKENS = "tokens of the prompt, a call"
    ITEM_TOKENS = "input tokens an item"
    SCORE_TOKENS = "output tokens an item"
    ANSWER_BYTES = "bytes an answer"
    DATABASE_BYTES_SENT = "database bytes a made feed"
    ITEM_ROW_BYTES = "database bytes an item"
    DECISION_BYTES = "database bytes a decision"
    VECTOR_DISK_BYTES = "vector disk bytes an item"
    LOG_BYTES_MADE = "log bytes a made feed"
    SERIES = "series a worker"
    EMBEDDING_CPU = "embedding CPU seconds an item"
    EMBEDDING_TOKENS = "embedding tokens an item"


class Source(StrEnum):
    """Where a number comes from."""

    PLAN = "plan"
    BOOK = "book"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one number comes from.

    Args:
        source: a plan, another book of the project, or evidence.
        where: the book, or kind and id of the record.
        produce: the command that measures it, for evidence.
        recorded_at: of the record.
        is_stale: the record no longer counts for certain.
        is_bad: its verdict was bad; what it measured is taken all the same, and told.
        simulated: what of the measurement was simulated.
    """

    source: Source
    where: str
    produce: str | None = None
    recorded_at: datetime | None = None
    is_stale: bool = False
    is_bad: bool = False
    simulated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One number; a value of None is not known, and `origin.produce` measures it."""

    quantity: Quantity
    value: Decimal | None
    origin: Origin


class UnknownInputsError(Exception):
    """Numbers are needed that nobody has measured."""

    def __init__(self, quantities: Iterable[Quantity]) -> None:
        self.quantities = tuple(quantities)
        super().__init__(", ".join(self.quantities))


@dataclass(frozen=True, slots=True)
class Inputs:
    """All numbers by name."""

    by_quantity: Mapping[Quantity, Input]

    def need(self, *quantities: Quantity) -> tuple[Decimal, ...]:
        """Return values in the order of their names.

        Raises:
            UnknownInputsError: some are not known, all of them named.
        """
        found = [self.value(each) for each in quantities]
        unknown = [each for each, value in zip(quantities, found, strict=True) if value is None]
        if unknown:
            raise UnknownInputsError(unknown)
        return tuple(value for value in found if value is not None)

    def one(self, quantity: Quantity) -> Decimal:
        """Return one value.

        Raises:
            UnknownInputsError: it is not known.
        """
        (value,) = self.need(quantity)
        return value

    def value(self, quantity: Quantity) -> Decimal | None:
        """Return a value, None where it is not known."""
        found = self.by_quantity.get(quantity)
        return None if found is None else found.value

    def scaled(self, quantity: Quantity, factor: Decimal) -> "Inputs":
        """Return the same numbers with one of them multiplied, within what it can be: no half of an agent, no 25th hour."""
        found = self.by_quantity[quantity]
        if found.value is None:
            return self
        value = found.value * factor
        if quantity in _MOST:
            value = min(value, _MOST[quantity])
        if quantity in _LEAST:
            value = max(value, _LEAST[quantity])
        return Inputs({**self.by_quantity, quantity: replace(found, value=value)})


_MOST = {
    Quantity.MISS_AT_PEAK: Decimal(1),
    Quantity.HEADROOM: Decimal("0.9"),
    Quantity.PEAK_HOURS: Decimal(24),
}
_LEAST = dict.fromkeys(
    (
        Quantity.USERS,
        Quantity.FEEDS_A_VISIT,
        Quantity.BUSIEST,
        Quantity.ITEMS,
        Quantity.AGENTS,
        Quantity.ITEMS_A_CALL_AHEAD,
    ),
    Decimal(1),
)
"""What the plan cannot have less of: a visit has a first feed, and no minute is busier than the busiest."""
