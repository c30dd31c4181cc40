"""A server that answers wrongly on purpose, each path in its own way, and one that is slow or freezes."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

Answer = Callable[["Visit"], Awaitable[None]]

BODY = b'{"items": [1]}'
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Cache: HIT-L1\r\n\r\n%s" % (len(BODY), BODY)


class Visit:
    """One request: its head, and where the answer goes."""

    def __init__(self, path: str, head: bytes, writer: asyncio.StreamWriter) -> None:
        self.path, self.head, self.writer = path, head, writer

    async def say(self, *parts: bytes, pause: float = 0.0) -> None:
        """Write parts, with a pause between them."""
        for number, part in enumerate(parts):
            if number and pause:
                await asyncio.sleep(pause)
            self.writer.write(part)
            await self.writer.drain()

    def close(self) -> None:
        """End the connection in order."""
        self.writer.close()

    def reset(self) -> None:
        """End it with a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class FaultyServer:
    """Runs in a thread of its own; `seen` counts requests by path, `service_seconds` holds how long each answer took."""

    def __init__(self, *, host: str, tls: ssl.SSLContext | None) -> None:
        self._host, self._tls = host, tls
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.port = 0
        self.seen: Counter[str] = Counter()
        self.last_head = b""
        self.connections = 0
        self.service_seconds: list[float] = []
        self.delays: Iterator[float] = iter(())
        """How long each next answer to `/slow` takes."""
        self.frozen_seconds = 0.0
        """How long the freeze really took."""
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def freeze(self, *, after: float, seconds: float) -> None:
        """Do nothing at all for so long, beginning `after` seconds from now."""

        def sleep() -> None:
            began = time.monotonic()
            time.sleep(seconds)
            self.frozen_seconds = time.monotonic() - began

        self._loop.call_soon_threadsafe(self._loop.call_later, after, sleep)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accepted, self._host, 0, ssl=self._tls, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        # asyncio loses a connection that it accepts while the server closes; its other side would wait for ever.
        await asyncio.sleep(0.05)
        server.close()
        for task, writer in self._tasks.items():
            task.cancel()
            writer.transport.abort()  # a task that never ran has no end of its own
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.02)  # transports close their sockets in the next turns of the loop

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._talk(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._tasks.pop)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                began = time.monotonic()
                path = head.split(b" ", 2)[1].decode()
                self.seen[path] += 1
                self.last_head = head
                await self._answer(Visit(path, head, writer))
                self.service_seconds.append(time.monotonic() - began)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side has closed: that is how every connection ends
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def _answer(self, visit: Visit) -> None:
        if visit.path == "/slow":
            await asyncio.sleep(next(self.delays))
            await visit.say(GOOD)
        elif visit.path in _ANSWERS:
            await _ANSWERS[visit.path](visit)
        else:
            await visit.say(GOOD)


async def _bad_status(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")


async def _redirect(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n")


async def _reset(visit: Visit) -> None:
    visit.reset()


async def _hang_up(visit: Visit) -> None:
    visit.close()


async def _cut_head(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Le")
    visit.close()


async def _cut_body(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    visit.close()


async def _too_long(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore than four")


async def _two_lengths(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfour!")


async def _garbage(visit: Visit) -> None:
    await visit.say(b"\x00\x01\x02 this is no HTTP\r\n\r\n")


async def _slow_head(visit: Visit) -> None:
    await visit.say(*(bytes([byte]) for byte in GOOD[:20]), GOOD[20:], pause=0.004)


async def _never_ending_head(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\n", *(b"X-More: yes\r\n" for _ in range(1000)), pause=0.05)


async def _never(visit: Visit) -> None:
    await asyncio.sleep(3600)


async def _chunked(visit: Visit) -> None:
    await visit.say(
        b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"ite\r\n', b'9;a=b\r\nms": [1]}\r\n0\r\nX-T: 1\r\n\r\n', pause=0.002
    )  # fmt: skip


async def _broken_chunk(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nbody\r\n0\r\n\r\n")


async def _cut_chunks(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    visit.close()


async def _until_close(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
    visit.close()


async def _reset_in_body(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\n\r\n" + BODY[:5])
    await asyncio.sleep(0.02)  # else the reset may overtake what was said
    visit.reset()


async def _continue_first(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD)


async def _split(visit: Visit) -> None:
    await visit.say(GOOD[:30], GOOD[30:60], GOOD[60:], pause=0.002)


async def _closes(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nCONNECTION: Close\r\ncontent-LENGTH: 2\r\n\r\nok")
    visit.close()


async def _head_only(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")


async def _no_content(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _timed(visit: Visit) -> None:
    await visit.say(
        b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Cache: MISS\r\nServer-Timing: db;dur=2.5, rank;desc="x";dur=1\r\n\r\nok'
    )


_ANSWERS: dict[str, Answer] = {
    "/bad-status": _bad_status,
    "/redirect": _redirect,
    "/reset": _reset,
    "/hang-up": _hang_up,
    "/cut-head": _cut_head,
    "/cut-body": _cut_body,
    "/too-long": _too_long,
    "/two-lengths": _two_lengths,
    "/garbage": _garbage,
    "/slow-head": _slow_head,
    "/never-ending-head": _never_ending_head,
    "/never": _never,
    "/chunked": _chunked,
    "/broken-chunk": _broken_chunk,
    "/cut-chunks": _cut_chunks,
    "/until-close": _until_close,
    "/reset-in-body": _reset_in_body,
    "/continue-first": _continue_first,
    "/split": _split,
    "/closes": _closes,
    "/head-only": _head_only,
    "/no-content": _no_content,
    "/timed": _timed,
}


@contextmanager
def faulty_server(*, host: str = "127.0.0.1", certificate: Path | None = None) -> Iterator[FaultyServer]:
    """Run it; `certificate` is a file with key and certificate."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    with FaultyServer(host=host, tls=tls) as server:
        yield server
