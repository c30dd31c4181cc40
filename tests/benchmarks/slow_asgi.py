"""A bare ASGI application whose answers take 5 ms and an exponential time of 15 ms on average: a known distribution."""

import asyncio
import random
from typing import Any

_BODY = b"x" * 1024
_HEADERS = [(b"content-type", b"text/plain"), (b"content-length", str(len(_BODY)).encode())]
_random = random.Random(5)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer anything, after a while."""
    if scope["type"] != "http":
        return
    await asyncio.sleep(0.005 + _random.expovariate(1 / 0.015))
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
