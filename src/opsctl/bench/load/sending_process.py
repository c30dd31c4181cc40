"""What does one sending process do from its first byte to its last: read an order, send, tell about it, end.

    python -m opsctl.bench.load.sending_process

It is started by the engine, which talks to it over its standard input and output; it ends when its input does.
"""

import asyncio
import gc
import itertools
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from opsctl.bench.load.framing import Unpacker, packed
from opsctl.bench.load.messages import Order, Ready, Start, Stop
from opsctl.bench.load.sender import Sender, SendingPart
from opsctl.bench.load.tally import Frame, Outcome
from opsctl.bench.load.tls import context_for
from opsctl.bench.load.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

_FRAME_SECONDS = 1.0
_READ_BYTES = 65_536
_ENDLESS_PIECE = 4096


class _Process:
    """The process while its event loop runs."""

    def __init__(self, order: Order, *, unpacker: Unpacker, output: int) -> None:
        self._order = order
        self._unpacker = unpacker
        self._output = output
        self._loop = asyncio.get_running_loop()
        self._start: asyncio.Future[float] = self._loop.create_future()
        self._is_stopped = False
        self._error = ""
        self._usage = Usage()
        self._sender = Sender(_part_of(order))

    async def run(self) -> None:
        """Connect, wait for the start, send, and tell about it until the end."""
        self._loop.set_exception_handler(self._crashed)
        self._loop.add_reader(0, self._listen)
        pipe, flushed = await _open_output(self._output)
        connections, fault = await self._sender.connect()
        pipe.write(
            packed(
                Ready(
                    process=self._order.process,
                    connections=connections,
                    fault=fault[1] if fault else "",
                    is_tls_fault=fault is not None and fault[0] is Outcome.TLS_FAILED,
                )
            )
        )
        started = await self._start
        if not self._is_stopped:
            _settle_memory()
            telling = self._loop.create_task(self._tell(pipe, started=started))
            await self._sender.run(started=started)
            telling.cancel()
        pipe.write(packed(self._frame(started, is_last=True)))
        self._sender.close()
        self._loop.remove_reader(0)
        pipe.close()
        await flushed

    async def _tell(self, pipe: asyncio.WriteTransport, *, started: float) -> None:
        self._usage.take()  # what came before the start is not the load's
        for number in itertools.count(1):
            await asyncio.sleep(max(0.0, started + number * _FRAME_SECONDS - time.monotonic()))
            pipe.write(packed(self._frame(started)))

    def _frame(self, started: float, *, is_last: bool = False) -> Frame:
        new = self._sender.take()
        cpu_seconds, starved_seconds, resident_bytes = self._usage.take()
        return Frame(
            process=self._order.process,
            seconds=max(0.0, time.monotonic() - started),
            in_flight=self._sender.in_flight,
            waiting=self._sender.waiting,
            new=new,
            cpu_seconds=cpu_seconds,
            starved_seconds=starved_seconds,
            resident_bytes=resident_bytes,
            is_last=is_last,
            error=self._error,
        )

    def _listen(self) -> None:
        data = os.read(0, _READ_BYTES)
        for message in self._unpacker.feed(data):
            if isinstance(message, Start) and not self._start.done():
                self._start.set_result(message.moment)
            elif isinstance(message, Stop):
                self._stop()
        if not data:  # who started this process is gone
            self._loop.remove_reader(0)
            self._stop()

    def _stop(self) -> None:
        self._is_stopped = True
        self._sender.stop()
        if not self._start.done():
            self._start.set_result(time.monotonic())

    def _crashed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Give up at the first error that nothing expected: a sender with a fault measures nothing."""
        error = context.get("exception")
        if not self._error:
            self._error = f"{type(error).__name__}: {error}" if error else str(context.get("message"))
            loop.default_exception_handler(context)
        self._stop()


def _part_of(order: Order) -> SendingPart:
    job, book = order.job, order.job.book
    parts = order.parts(job)
    is_closed = book.loop == "closed"
    return SendingPart(
        address=job.address,
        source=parts.source,
        inspects=parts.inspects,
        arrivals=_endless(order) if is_closed else parts.arrivals.share(order.process, of=order.of),
        seconds=parts.arrivals.seconds,
        limits=book.limits,
        is_closed_loop=is_closed,
        tls=context_for(job.address),
    )


def _endless(order: Order) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    import numpy as np

    for first in itertools.count(order.process, order.of * _ENDLESS_PIECE):
        yield np.arange(first, first + order.of * _ENDLESS_PIECE, order.of), np.zeros(_ENDLESS_PIECE)


async def _open_output(output: int) -> tuple[asyncio.WriteTransport, "asyncio.Future[None]"]:
    """Return the pipe to the parent, and what is done when all that was written to it is there."""
    loop = asyncio.get_running_loop()
    flushed: asyncio.Future[None] = loop.create_future()

    class _Output(asyncio.BaseProtocol):
        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the parent may be gone
            if not flushed.done():
                flushed.set_result(None)

    pipe, _ = await loop.connect_write_pipe(_Output, os.fdopen(output, "wb", buffering=0))
    return pipe, flushed


def _settle_memory() -> None:
    """Let the collector of garbage pass over all that was made up to now: its pauses would be lag of the sender."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _read_order(unpacker: Unpacker) -> Order | None:
    """Return the order, or None when whoever started this process is gone before it came.

    It comes in two messages: where modules are found, then the order, which needs them to be read.
    """
    while data := os.read(0, _READ_BYTES):
        for message in unpacker.feed(data):
            if isinstance(message, Order):
                return message
            if isinstance(message, list):
                sys.path[:] = message
    return None


def main() -> None:
    """Send what is ordered."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for whoever started this process, which then says stop
    output = os.dup(1)
    os.dup2(2, 1)  # whatever prints must not garble the frames
    unpacker = Unpacker()
    order = _read_order(unpacker)
    if order is None:
        return
    import uvloop

    async def run() -> None:
        await _Process(order, unpacker=unpacker, output=output).run()

    uvloop.run(run())


if __name__ == "__main__":
    main()
