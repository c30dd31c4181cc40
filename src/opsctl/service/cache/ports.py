"""What is an L2 store: the Protocol that LMDB, Redis and Cloudflare KV share, each tested by the same contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """What a store says of itself; None where it cannot tell."""

    entries: int | None
    bytes_used: int | None
    bytes_limit: int | None
    evictions: int = 0
    rebuilds: int = 0


class KeyValueStore(Protocol):
    """Bytes by key, shared by all workers; keys are at most 400 bytes of ASCII.

    Every error of the store itself is a `StoreError`; the caller then goes to the source.
    """

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values in the order of the keys."""
        ...

    async def set_many(self, entries: Mapping[str, bytes], *, keep_seconds: float) -> None:
        """Write entries that may be forgotten after so many seconds, or earlier for want of room."""
        ...

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Remove entries and return how many were there (or were asked for, where the store cannot tell)."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every entry whose key starts so, and return how many."""
        ...

    async def figures(self) -> StoreFigures:
        """Return what the store says of itself."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class StoreError(Exception):
    """The store is not there, too slow, or answered nonsense."""
