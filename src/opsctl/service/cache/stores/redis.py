"""How does L2 live in a Redis or Valkey server: shared by the workers of many machines."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from opsctl.service.cache.ports import StoreError, StoreFigures

# The server may hold other things too.
_PREFIX = "opsctl:l2:"
_SCANNED_AT_ONCE = 1000


class RedisStore:
    """L2 in Redis; connections are made when they are needed, so a server that comes back is used again by itself.

    Args:
        url: such as `redis://127.0.0.1:6379/0`, `rediss://...` or `unix:///run/redis.sock`.
        password: None where the server asks for none.
        timeout_seconds: longest wait for a connection and for each answer.
    """

    def __init__(self, url: str, *, password: str | None, timeout_seconds: float) -> None:
        self._redis = Redis.from_url(
            url,
            password=password,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            # One try more and at once: it makes good for a connection that died while it was idle.
            retry=Retry(NoBackoff(), 1),
        )

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values in the order of the keys, in one MGET."""
        if not keys:
            return ()
        async with _told_as_store_error():
            found = await self._redis.mget([_PREFIX + key for key in keys])
        return [value if isinstance(value, bytes) else None for value in found]

    async def set_many(self, entries: Mapping[str, bytes], *, keep_seconds: float) -> None:
        """Write entries in one round; the server forgets them by itself."""
        keep_milliseconds = max(1, round(keep_seconds * 1000))
        async with _told_as_store_error(), self._redis.pipeline(transaction=False) as pipeline:
            for key, value in entries.items():
                pipeline.set(_PREFIX + key, value, px=keep_milliseconds)
            await pipeline.execute()

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Remove entries and return how many were there."""
        if not keys:
            return 0
        async with _told_as_store_error():
            return int(await self._redis.unlink(*(_PREFIX + key for key in keys)))

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every entry whose key starts so; goes through all keys of the server, without blocking it."""
        total, batch = 0, []
        async with _told_as_store_error():
            pattern = _escaped(_PREFIX + prefix) + "*"
            async for key in self._redis.scan_iter(match=pattern, count=_SCANNED_AT_ONCE):
                batch.append(key)
                if len(batch) == _SCANNED_AT_ONCE:
                    total += int(await self._redis.unlink(*batch))
                    batch.clear()
            if batch:
                total += int(await self._redis.unlink(*batch))
        return total

    async def figures(self) -> StoreFigures:
        """Return what the server says of all that it holds, other programs' keys included."""
        async with _told_as_store_error():
            memory = await self._redis.info("memory")
            stats = await self._redis.info("stats")
            return StoreFigures(
                entries=int(await self._redis.dbsize()),
                bytes_used=int(memory["used_memory"]),
                bytes_limit=int(memory["maxmemory"]) or None,
                evictions=int(stats["evicted_keys"]),
            )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()


@asynccontextmanager
async def _told_as_store_error() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis: {error}") from error


def _escaped(text: str) -> str:
    """Return text that a glob pattern takes literally."""
    return "".join(f"\\{character}" if character in "*?[]\\^" else character for character in text)
