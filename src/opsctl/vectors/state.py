"""Is a collection at rest, and is it still the one that was measured: its state in the words of every database."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SideState:
    """What a collection says of itself at one moment.

    Args:
        collection: the collection itself, also when it was asked for by an alias.
        status: `green`, `yellow` (optimising), `grey` (will optimise after an update) or `red`.
        is_idle: no update waits and no optimizer runs.
        points: the exact count.
        config_digest: SHA-256 of vector, index and payload-index parameters.
    """

    collection: str
    status: str
    is_idle: bool
    points: int
    config_digest: str

    @property
    def is_at_rest(self) -> bool:
        """Tell whether figures taken now are those of the finished collection."""
        return self.status == "green" and self.is_idle


class StateReader(Protocol):
    """Anything that knows the state of a collection."""

    def state(self, collection: str) -> SideState:
        """Return the state of a collection or of the collection behind an alias."""
        ...
