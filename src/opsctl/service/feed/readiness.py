"""Can the service do its work now: database, vectors and L2 asked at once, briefly, and not more than once a second."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.core.errors import OpsError
from opsctl.service.cache.ports import KeyValueStore, StoreError

_TIMEOUT_SECONDS = 1.0
_KNOWN_SECONDS = 1.0


class Dependencies:
    """Looks at what the service depends on (`api.ports.Readiness`).

    Args:
        store: L2; None where it is switched off.
        now: a clock that never goes back.
    """

    def __init__(
        self,
        *,
        database: AsyncDatabase,
        vectors: AsyncQdrantSearcher,
        store: KeyValueStore | None,
        now: Callable[[], float],
    ) -> None:
        self._looks: dict[str, Callable[[], Awaitable[object]]] = {
            "database": database.check,
            "vectors": vectors.names,
        }
        if store is not None:
            self._looks["l2"] = store.figures
        self._now = now
        self._seen: Mapping[str, str] = {}
        self._seen_until = float("-inf")
        self._looking = asyncio.Lock()

    async def check(self) -> Mapping[str, str]:
        """Return `ok` or the reason for each dependency: database, vectors, l2."""
        async with self._looking:
            if self._now() >= self._seen_until:
                answers = await asyncio.gather(*map(_look, self._looks.values()))
                self._seen = dict(zip(self._looks, answers, strict=True))
                self._seen_until = self._now() + _KNOWN_SECONDS
        return self._seen


async def _look(look: Callable[[], Awaitable[object]]) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await look()
    except TimeoutError:
        return f"no answer within {_TIMEOUT_SECONDS:g} s"
    except OpsError as error:
        return f"{error.code} {error.message}"
    except StoreError as error:
        return str(error)
    return "ok"
