"""Who presses a service beside its readers: one feed that all want, batches that nobody waits for, and clients of bad will."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

_HOT_READER = 2_000_000
_FIRST_BATCH_READER = 3_000_000
_SLOW_SECONDS = 5.0
_chance = random.Random(7)  # noqa: S311 - which abuse comes next


async def hot(client: "httpx.AsyncClient", _readers: int) -> None:
    """Ask for one feed that everybody wants at the same moment."""
    import httpx

    with suppress(httpx.HTTPError):
        await client.get(f"/v1/feed/{_HOT_READER}")


async def batch(client: "httpx.AsyncClient", readers: int) -> None:
    """Ask for a feed for which nobody waits."""
    import httpx

    reader = _FIRST_BATCH_READER + _chance.randrange(100_000 + readers)
    with suppress(httpx.HTTPError):
        await client.get(f"/v1/feed/{reader}", headers={"priority": "u=7"})


async def abuse(client: "httpx.AsyncClient", _readers: int) -> None:
    """Send what no honest client does: something too large, too slow, unknown, or broken."""
    import httpx

    ways: tuple[Callable[[], Coroutine[Any, Any, object]], ...] = (
        lambda: client.post("/v1/interactions", content=b"[" * 300_000),
        lambda: client.get(f"/v1/feed/{'9' * 3000}"),
        lambda: client.get("/v1/feed/1", headers={"authorization": f"Bearer opk_nobody00_{'x' * 32}"}),
        lambda: client.post("/v1/interactions", content=b'{"interactions": [{"kind": NaN}]}'),
        lambda: client.request("DELETE", "/v1/feed/1"),
        lambda: _slowly(client),
    )
    with suppress(httpx.HTTPError, OSError):
        await _chance.choice(ways)()


async def _slowly(client: "httpx.AsyncClient") -> None:
    """Announce a body and let it dribble (slowloris)."""
    host, port = client.base_url.host, client.base_url.port
    _, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"POST /v1/interactions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(int(_SLOW_SECONDS)):
            writer.write(b"[")
            await writer.drain()
            await asyncio.sleep(1.0)
    finally:
        writer.close()


PRESSES: Final[dict[str, Callable[["httpx.AsyncClient", int], Coroutine[Any, Any, None]]]] = {
    "hot": hot,
    "batch": batch,
    "abuse": abuse,
}
