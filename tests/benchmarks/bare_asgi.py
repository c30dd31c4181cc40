"""The least that can answer a feed: a bare ASGI application that sends the bytes of `FEED_FILE`."""

import os
from pathlib import Path
from typing import Any

_BODY = Path(os.environ["FEED_FILE"]).read_bytes()
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer anything."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
