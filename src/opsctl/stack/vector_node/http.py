"""How the front reads a request and writes an answer over ASGI, and nothing more."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import parse_qsl, unquote

from opsctl.stack.vector_node.api_error import ApiError

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

JSON = b"application/json"
LARGEST_BODY_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


class ClientGoneError(Exception):
    """The client closed the connection before its request was whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer whose body is at hand."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send) -> None:
        """Write it."""
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResponse:
    """An answer whose body is an open file, sent piece by piece."""

    stream: IO[bytes]
    size: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200

    async def send(self, send: Send) -> None:
        """Write it, and close the file."""
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % self.size),
            *self.headers,
        ]
        with self.stream:
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            while chunk := await asyncio.to_thread(self.stream.read, _CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@dataclass(slots=True, kw_only=True)
class Request:
    """A request whose body is still to come."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: dict[bytes, bytes]
    receive: Receive
    _body: bytes | None = field(default=None, init=False)

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Request":
        """Read the head of a request; path segments are decoded after they are split."""
        raw = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        return cls(
            method=scope["method"],
            segments=tuple(unquote(part) for part in path.strip("/").split("/")) if path != "/" else (),
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers={bytes(name).lower(): bytes(value) for name, value in scope["headers"]},
            receive=receive,
        )

    async def body(self) -> bytes:
        """Read the whole body.

        Raises:
            ApiError: 413, when it is larger than LARGEST_BODY_BYTES.
        """
        if self._body is None:
            self._body = b"".join([chunk async for chunk in self.chunks(limit=LARGEST_BODY_BYTES)])
        return self._body

    async def chunks(self, *, limit: int | None = None) -> Any:
        """Yield the body piece by piece."""
        if limit is not None and int(self.headers.get(b"content-length", b"0")) > limit:
            raise _too_large(limit)
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            size += len(chunk)
            if limit is not None and size > limit:
                raise _too_large(limit)
            yield chunk
            if not message.get("more_body", False):
                return

    @property
    def waits(self) -> bool:
        """Whether the query asks to wait for the write; Qdrant's default is not to."""
        return self.query.get("wait", "false").lower() == "true"

    @property
    def timeout_seconds(self) -> float | None:
        """How long the client wants this to take at most."""
        text = self.query.get("timeout")
        if text is None:
            return None
        if not text.isdecimal() or int(text) < 1:
            raise ApiError(
                400, f"Format error in query: timeout `{text}` is not a number of seconds from 1 up"
            )
        return float(text)


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"Bad request: payload is larger than allowed (limit: {limit} bytes)")
