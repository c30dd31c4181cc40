"""A small server for loads: each path answers, or fails, in its own way."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.ports import Address, LoadJob

SERVICE_SECONDS = 0.02
_OK = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\nX-Cache: HIT-L1\r\n\r\n{"items": [1]}'
_ANSWERS = {
    b"/ok": _OK,
    b"/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"/redirect": b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
    b"/empty": b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"items": []}',
    b"/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"/malformed": b"SMTP ready\r\n\r\n",
    b"/long": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmore than two",
    b"/truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    b"/reset": b"",
    b"/closing": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
}
_HANGS_UP = (b"/truncated", b"/reset", b"/closing")


class Target:
    """Counts what it was asked for."""

    def __init__(self) -> None:
        self.port = 0
        self.paths: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                path = head.split(b" ")[1].partition(b"?")[0]
                self.paths[path.decode()] += 1
                if path == b"/silent":
                    await reader.read()
                elif path == b"/fixed":
                    await asyncio.sleep(SERVICE_SECONDS)
                    writer.write(_OK)
                else:
                    writer.write(_ANSWERS[path])
                if path in _HANGS_UP:
                    break
        writer.close()


@contextmanager
def running_target() -> Iterator[Target]:
    """Run the server in a thread of its own."""
    target = Target()
    started = threading.Event()
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        server = await asyncio.start_server(target.serve, "127.0.0.1", 0)
        target.port = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    started.wait(10)
    try:
        yield target
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def job_for(
    port: int, *, paths: str | dict[str, str] = "/ok", rate: float = 200, seconds: float = 1, **book
) -> LoadJob:
    """Return a load on one or several paths."""
    named = {"only": paths} if isinstance(paths, str) else paths
    mix = {name: {"share": 1, "path": path} for name, path in named.items()}
    arrivals = [{"shape": "poisson", "rate": rate, "duration": f"{round(seconds * 1000)}ms"}]
    document = {"mix": mix, "arrivals": arrivals, **book}
    return LoadJob(
        name="test", book=LoadBook.model_validate(document), address=Address(host="127.0.0.1", port=port)
    )
