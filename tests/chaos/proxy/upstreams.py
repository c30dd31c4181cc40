"""What stands behind the proxy in tests: a small server of HTTP that answers each path in its own way, and an echo."""

import asyncio
import contextlib
import json
from collections import Counter

HITS = [{"id": 10 + n, "version": 1, "score": 0.9 - n / 10} for n in range(4)]
QUERY = {"result": {"points": HITS}, "status": "ok", "time": 0.001}
BATCH = {"result": [{"points": HITS[:2]}, {"points": HITS[2:]}], "status": "ok"}
EMBEDDED = {"data": [{"index": 0, "embedding": [0.1] * 8}]}
RETRIEVED = {"result": [{"id": 1, "payload": {"a": 1}, "vector": [0.5] * 6}]}
CHAT = {"choices": [{"message": {"role": "assistant", "content": '{"scores": [{"id": 3, "score": 0.5}]}'}}]}
DOCUMENTS = {
    "/collections/feed/points/query": QUERY,
    "/collections/feed/points/query/batch": BATCH,
    "/points/search": {"result": HITS, "status": "ok"},
    "/collections": {"result": {"collections": [{"name": "feed"}]}},
    "/v1/embeddings": EMBEDDED,
    "/points": RETRIEVED,
    "/v1/chat/completions": CHAT,
    "/small": {"items": [1]},
}
BIG = bytes(range(256)) * 20_480  # 5 MiB


class Upstream:
    """The server of HTTP; `seen` counts requests by path, `heads` keeps the newest of each."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.heads: dict[str, bytes] = {}
        self.sent_bytes = 0
        self.gate = asyncio.Event()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the client leaves."""
        # uvloop tells by a RuntimeError that a client has left meanwhile.
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, RuntimeError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, _ = head.decode().split(" ", 2)
                self.seen[path] += 1
                self.heads[path] = head
                body = await reader.readexactly(_length(head))
                await self._answer(method, path, body, writer)
                await writer.drain()
        writer.close()

    async def _answer(self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        match path:
            case "/echo":
                writer.write(_message(body))
            case "/big":
                writer.write(_message(BIG))
            case "/endless":
                await self._send_endlessly(writer)
            case "/held":
                await self.gate.wait()
                writer.write(_message(b"held"))
            case "/until-close":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\nto the end")
                writer.close()
            case "/early":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" + _message(b"after"))
            case "/garbage":
                writer.write(b"\x00\x01 no HTTP\r\n\r\n")
            case "/chunked":
                await _send_chunked(json.dumps(QUERY).encode(), writer)
            case _:
                whole = _message(json.dumps(DOCUMENTS[path]).encode())
                writer.write(whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else whole)

    async def _send_endlessly(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            await writer.drain()
            self.sent_bytes += 65_536


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, and `over` once nothing more does."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write(b"over")
        await writer.drain()
    writer.close()


def _length(head: bytes) -> int:
    fields = head.lower().partition(b"content-length:")
    return int(fields[2].split(b"\r\n")[0]) if fields[1] else 0


def _message(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


async def _send_chunked(body: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(body), 50):
        part = body[start : start + 50]
        raw = b"%x;note=1\r\n%s\r\n" % (len(part), part)
        # Borders of chunks and of packets are never the same.
        for piece in (raw[:3], raw[3:40], raw[40:]):
            writer.write(piece)
            await asyncio.sleep(0)
    writer.write(b"0\r\nX-Trailer: yes\r\n\r\n")
