"""What does one kind of entry need of the place that keeps it: the Protocol of L1 and L2 as `KindCache` sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

Value = TypeVar("Value")


class Held(NamedTuple, Generic[Value]):
    """What was found under a key: a value, or the knowledge that there is none (`value` is None).

    The times are those of the shelf's clock. What is past `kept_until` is not found at all.
    """

    value: Value | None
    fresh_until: float
    stale_until: float


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """What a lookup of many keys brought: entries, and the keys whose entry was damaged or could not be read."""

    held: Mapping[str, Held[Value]]
    poisoned: frozenset[str] = frozenset()
    failed: bool = False


class Shelf(Protocol[Value]):
    """Keeps the entries of one kind."""

    tier: str

    def now(self) -> float:
        """Return the time by which entries age."""
        ...

    async def find(self, keys: Sequence[str]) -> Found[Value]:
        """Look keys up; never raises for a store that is not there."""
        ...

    def mark(self) -> int:
        """Return the number of the newest invalidation, to be noted before something is loaded."""
        ...

    def is_outdated(self, key: str, *, since: int) -> bool:
        """Tell whether a key was invalidated after number `since`."""
        ...

    async def keep(self, values: Mapping[str, Value | None], *, since: int) -> bool:
        """Keep what was loaded, but nothing that was invalidated after `since`; False when the store failed."""
        ...

    async def drop(self, keys: Sequence[str]) -> int:
        """Remove entries and return how many were there, or were asked for where the store cannot tell.

        Raises:
            StoreError: the store is not there, and the entries may still be.
        """
        ...
