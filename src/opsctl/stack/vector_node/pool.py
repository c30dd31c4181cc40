"""Which worker process serves which collection: started on demand, restarted after a death, ended with the front."""

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.frames import Frame, pack, read_frame
from opsctl.stack.vector_node.logs import facts, logger
from opsctl.stack.vector_node.unbroken import Unbroken

_STREAM_BYTES = 1024 * 1024
# Threads of their own: those that everybody shares may all be busy with a download.
_REAPERS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="reaper")
CLOSE_DEADLINE_SECONDS = 20.0  # a flush of a large shard takes a second or so


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker answered: HTTP status and body."""

    status: int
    body: bytes


class WorkerDiedError(ApiError):
    """The engine process ended before it answered."""

    def __init__(self) -> None:
        super().__init__(500, "Service internal error: the engine of this collection died; it starts anew")


@dataclass(slots=True, kw_only=True)
class EngineProcess:
    """The front's end of one worker."""

    process: subprocess.Popen[bytes]
    writer: asyncio.StreamWriter
    on_news: Callable[[dict[str, Any]], None]
    waiting: dict[int, asyncio.Future[Answer]] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    listener: asyncio.Task[None] | None = None
    is_gone: bool = False

    async def ask(self, operation: str, *, args: dict[str, Any] | None = None, body: bytes = b"") -> Answer:
        """Send one request and wait for its answer.

        Raises:
            WorkerDiedError: the worker ended first.
        """
        if self.is_gone:
            raise WorkerDiedError
        number = next(self.numbers)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiting[number] = future
        try:
            self.writer.write(
                pack(Frame(number=number, head={"op": operation, "args": args or {}}, body=body))
            )
            with contextlib.suppress(ConnectionError):  # the listener sees it too, and fails the future
                await self.writer.drain()
            return await future
        finally:
            self.waiting.pop(number, None)

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Hand answers to those who wait, until the worker is gone."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frame = await read_frame(reader)
                if frame.number == 0:
                    self.on_news(frame.head["stats"])
                    continue
                future = self.waiting.get(frame.number)
                if future is not None and not future.done():
                    future.set_result(Answer(frame.head["status"], frame.body))
        self.is_gone = True
        self.writer.close()
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(WorkerDiedError())
        await asyncio.get_running_loop().run_in_executor(_REAPERS, self.process.wait)

    async def end(self) -> None:
        """Ask the worker to flush and leave; kill it when it does not."""
        try:
            async with asyncio.timeout(CLOSE_DEADLINE_SECONDS):
                with contextlib.suppress(WorkerDiedError):
                    await self.ask("close")
                if self.listener is not None:
                    await asyncio.shield(self.listener)  # it ends when the worker has
        except TimeoutError:
            logger.warning("a worker did not close in time; killing it", extra=facts(worker=self.process.pid))
            self.kill()
        if self.listener is not None:
            await self.listener

    def kill(self) -> None:
        """End the worker at once."""
        self.process.kill()


class Pool:
    """All workers of a node, by collection."""

    def __init__(self, root_of: Callable[[str], Path]) -> None:
        self._root_of = root_of
        self._workers: dict[str, EngineProcess] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._seen: set[str] = set()
        self._spare: asyncio.Task[EngineProcess] | None = None
        self._is_closing = False
        self._unbroken = Unbroken()
        self.statistics: dict[str, dict[str, Any]] = {}
        self.restarts: dict[str, int] = {}

    async def ask(
        self, name: str, operation: str, *, args: dict[str, Any] | None = None, body: bytes = b""
    ) -> Answer:
        """Ask the worker of a collection; start one when there is none."""
        worker = self._workers.get(name)
        if worker is None or worker.is_gone:
            worker = await self._unbroken.run(self._open(name))
        return await worker.ask(operation, args=args, body=body)

    async def create(self, name: str, *, root: Path, body: bytes) -> Answer:
        """Make a new collection in a new worker."""
        async with self._lock(name):
            worker = await self._take_spare()
            answer = await worker.ask("create", args={"root": str(root)}, body=body)
            await self._keep_or_end(name, worker=worker, answer=answer)
            return answer

    async def try_open(self, root: Path) -> None:
        """See whether the engine opens a directory that is not in service.

        Raises:
            ApiError: 400, with the engine's reason.
        """
        worker = await self._take_spare()
        answer = await worker.ask("open", args={"root": str(root)})
        await worker.end()
        if answer.status != 200:
            raise ApiError(400, f"Wrong input: the engine does not open the snapshot: {answer.body.decode()}")

    async def close(self, name: str) -> None:
        """End the worker of a collection, if it has one."""
        async with self._lock(name):
            worker = self._workers.pop(name, None)
            if worker is not None:
                await worker.end()

    async def forget(self, name: str) -> None:
        """End the worker of a collection that is deleted: nothing needs to be flushed any more."""
        async with self._lock(name):
            worker = self._workers.pop(name, None)
            if worker is not None:
                worker.kill()
                if worker.listener is not None:
                    await worker.listener
        for figures in (self.statistics, self.restarts):
            figures.pop(name, None)
        self._seen.discard(name)

    async def close_all(self) -> None:
        """End every worker, gracefully."""
        self._is_closing = True
        await self._unbroken.wait()
        if self._spare is not None:
            worker = await self._spare
            worker.kill()
        await asyncio.gather(*(self.close(name) for name in list(self._workers)))

    async def _open(self, name: str) -> EngineProcess:
        async with self._lock(name):
            worker = self._workers.get(name)
            if worker is not None and not worker.is_gone:
                return worker
            if name in self._seen:
                self.restarts[name] = self.restarts.get(name, 0) + 1
                logger.warning("starting the engine of a collection anew", extra=facts(collection=name))
            self._seen.add(name)
            worker = await self._take_spare()
            answer = await worker.ask("open", args={"root": str(self._root_of(name))})
            await self._keep_or_end(name, worker=worker, answer=answer)
            if answer.status != 200:
                raise ApiError(
                    500, f"Service internal error: collection `{name}` does not open: {answer.body.decode()}"
                )
            return worker

    async def _keep_or_end(self, name: str, *, worker: EngineProcess, answer: Answer) -> None:
        if answer.status == 200:
            self._seen.add(name)
            self._workers[name] = worker
            worker.on_news = lambda news: self.statistics.__setitem__(name, news)
        else:
            await worker.end()

    async def _take_spare(self) -> EngineProcess:
        """Return a worker that has done its imports already, and start the next one."""
        if self._is_closing:
            raise ApiError(503, "Service unavailable: the vector node is stopping")
        spare, self._spare = self._spare, None
        worker = await spare if spare is not None else await spawn()
        if worker.is_gone:
            worker = await spawn()
        self._spare = asyncio.create_task(spawn())
        return worker

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


async def spawn() -> EngineProcess:
    """Start a worker process; its requests may be sent at once.

    Not by asyncio: uvloop runs Python between `fork` and `exec`, and a collection of garbage there once waited for ever for
    a lock of granian's allocator, which a thread that is not in the child held. `Popen` runs none.
    """
    ours, theirs = socket.socketpair()
    number = theirs.fileno()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220 - it comes back once the child is its own program
            [sys.executable, "-m", "opsctl.stack.vector_node.worker", str(number)],
            pass_fds=(number,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    # An answer with a hundred vectors is larger than the default, at which a stream stops and starts reading again.
    reader, writer = await asyncio.open_connection(sock=ours, limit=_STREAM_BYTES)
    worker = EngineProcess(process=process, writer=writer, on_news=_ignore)
    worker.listener = asyncio.create_task(worker.listen(reader))
    return worker


def _ignore(_news: dict[str, Any]) -> None:
    return
