"""How is the shared cache asked: behind its breaker, so that a store that is gone costs nothing, and for so long only."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from opsctl.service.cache.ports import KeyValueStore, StoreError, StoreFigures
from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import Outcome
from opsctl.service.resilience.failures import L2
from opsctl.service.resilience.given_up import give_up, is_given_up

Answer = TypeVar("Answer")

# Of the time that the caller allows: were it all, the caller would call this off at the same moment, and a store that is
# late would look like a caller that went away.
_OWN_SHARE = 0.9


class GuardedStore:
    """A store behind its breaker (`cache.ports.KeyValueStore`).

    Args:
        timeout_seconds: longest wait for a lookup that its caller allows.
    """

    def __init__(self, store: KeyValueStore, *, breaker: CircuitBreaker, timeout_seconds: float) -> None:
        self._store = store
        self._breaker = breaker
        self._timeout_seconds = timeout_seconds * _OWN_SHARE

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return what is kept under each key.

        Raises:
            StoreError: the store failed, is left alone, or is too slow.
        """
        return await self._ask(lambda: self._store.get_many(keys))

    async def set_many(self, entries: Mapping[str, bytes], *, keep_seconds: float) -> None:
        """Keep entries; a store that is slow to write still answers lookups, so this has no say in the breaker."""
        if self._breaker.retry_after_seconds:
            raise _left_alone()
        await self._store.set_many(entries, keep_seconds=keep_seconds)

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Remove entries; tried always, since what stays would be served again later."""
        return await self._store.delete_many(keys)

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every entry whose key starts so; tried always, like `delete_many`."""
        return await self._store.delete_prefix(prefix)

    async def figures(self) -> StoreFigures:
        """Return what the store holds; asked always, since that is how its health is told."""
        return await self._store.figures()

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()

    async def _ask(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        permit = None if is_given_up(L2) else self._breaker.acquire()
        if permit is None:
            raise _left_alone()
        outcome, loop = Outcome.IGNORED, asyncio.get_running_loop()
        until = loop.time() + self._timeout_seconds
        try:
            async with asyncio.timeout_at(until):
                answer = await ask()
            outcome = Outcome.SUCCESS
        except asyncio.CancelledError:
            # A loop that was held up finds both times over at once: the store was late, whoever says so.
            if loop.time() >= until:
                outcome = Outcome.FAILURE
                give_up(L2)
            raise
        except TimeoutError as error:
            outcome = Outcome.FAILURE
            give_up(L2)
            raise StoreError("the store is too slow") from error
        except StoreError:
            outcome = Outcome.FAILURE
            raise
        else:
            return answer
        finally:
            self._breaker.release(permit, outcome)


def _left_alone() -> StoreError:
    return StoreError("the store failed a moment ago and is left alone")
