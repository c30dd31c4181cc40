"""What does a pool tell of itself, and what do those need who borrow from one?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from psycopg import AsyncConnection


class PoolObserver(Protocol):
    """Hears what the pool does; it must not raise and must not block."""

    def waited(self, *, seconds: float) -> None:
        """Somebody got a connection after this time."""
        ...

    def used(self, query: str, *, seconds: float) -> None:
        """Somebody gave a connection back after this time; `query` is the name given to the use."""
        ...

    def sized(self, *, idle: int, busy: int, waiting: int) -> None:
        """So many connections rest and work, and so many requests wait."""
        ...


class LendsConnections(Protocol):
    """Whoever lends connections, such as `AsyncDatabase`."""

    def connection(self, query: str) -> "AbstractAsyncContextManager[AsyncConnection[tuple[Any, ...]]]":
        """Lend a connection; `query` names the use for metrics."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFigures:
    """How many connections rest and work, and how many requests wait for one."""

    idle: int
    busy: int
    waiting: int
