"""What happens on one connection: two ends, a pump for each direction, and a fate when something ends it."""

import asyncio
import socket
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass

from opsctl.chaos.proxy.ends import End, reset_on_close
from opsctl.chaos.proxy.http_wire import WireError
from opsctl.chaos.proxy.in_force import InForce
from opsctl.chaos.proxy.toxics import Stream
from opsctl.chaos.proxy.valve import Counts, CutError, Flow, Valve

_CONNECT_SECONDS = 5.0
# A reset overtakes bytes that the peer has not read; a cut in mid-answer shows its first part.
_BEFORE_RESET_SECONDS = 0.02
_LINGER_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What all connections of one proxy share."""

    upstream_host: str
    upstream_port: int
    force: InForce
    counts: Counts


class Pair(ABC):
    """One connection through the proxy; cancelling its task cuts it with a reset on both sides."""

    def __init__(self, line: Line, *, number: int) -> None:
        self.line, self.number = line, number
        self.client = End(on_over=self._client_is_over, on_lost=self._is_lost)
        self.upstream = End(on_over=lambda: None, on_lost=self._is_lost)
        self.up = self._valve(self.upstream, Stream.UP)
        self.down = self._valve(self.client, Stream.DOWN)
        self._task: asyncio.Task[None] | None = None
        self.is_cut = False
        self._is_ending = False

    async def run(self, sock: socket.socket) -> None:
        """Serve an accepted socket until either side, or a toxic, ends it."""
        self._task = asyncio.current_task()
        try:
            if self.is_cut:
                reset_on_close(sock)
                sock.close()
                return
            await asyncio.get_running_loop().connect_accepted_socket(lambda: self.client, sock)
            await self.line.force.thaw(Stream.UP, self.number)
            await self._connect()
            await self._pump()
        except OSError:
            pass  # one side is gone: the other shall see it
        finally:
            self._is_ending = True
            self.client.reset()
            self.upstream.reset()

    def cut(self) -> None:
        """End the connection with a reset on both sides."""
        self.is_cut = True
        if self._task is not None:
            self._task.cancel()

    @abstractmethod
    async def pump_up(self) -> None:
        """Carry what the client says to the upstream, until the client says no more."""

    @abstractmethod
    async def pump_down(self) -> None:
        """Carry what the upstream says to the client, until the upstream says no more."""

    @property
    @abstractmethod
    def is_gone_at_eof(self) -> bool:
        """Whether a client that says no more has left; else it may still wait for an answer."""

    def _valve(self, target: End, stream: Stream) -> Valve:
        return Valve(
            target,
            stream=stream,
            force=self.line.force,
            connection=self.number,
            counts=self.line.counts,
        )

    async def _connect(self) -> None:
        loop, line = asyncio.get_running_loop(), self.line
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await loop.create_connection(lambda: self.upstream, line.upstream_host, line.upstream_port)
        except OSError:  # a timeout is one as well
            line.counts.upstream_failures += 1
            raise

    async def _pump(self) -> None:
        cut: CutError | None = None
        is_broken = is_gone = False
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.pump_up())
                group.create_task(self.pump_down())
        except* CutError as cuts:
            cut = next(each for each in cuts.exceptions if isinstance(each, CutError))
        except* WireError:
            is_broken = True
        except* OSError:
            is_gone = True  # one side, or both at once: the other shall see it
        if is_broken:
            self.line.counts.broken_messages += 1
            return
        self._is_ending = True
        if cut is not None:
            await self._cut(cut)
            return
        if is_gone:
            return
        await self.client.close()
        await self.upstream.close()

    async def _cut(self, cut: CutError) -> None:
        self.line.counts.cut += 1
        if cut.is_reset:
            await asyncio.sleep(_BEFORE_RESET_SECONDS)
            return
        self.upstream.reset()
        self.client.write_eof()
        # Closing with unread bytes would send a reset; so the client may end it, and what it sends is taken.
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while await self.client.read() is not None:
                    pass
        await self.client.close()

    def _client_is_over(self) -> None:
        # Clients that gave up on a frozen line would pile up here until it thaws.
        if self.is_gone_at_eof and any(self.line.force.is_frozen(way, self.number) for way in Stream):
            self.cut()

    def _is_lost(self) -> None:
        if not self._is_ending:
            self.cut()


class BytesPair(Pair):
    """A connection of whatever protocol: bytes, as they come."""

    is_gone_at_eof = False

    def __init__(self, line: Line, *, number: int) -> None:
        super().__init__(line, number=number)
        self._flow = Flow(number=number)

    async def pump_up(self) -> None:
        """Carry bytes up."""
        await self._carry(self.client, self.up)

    async def pump_down(self) -> None:
        """Carry bytes down."""
        await self._carry(self.upstream, self.down)

    async def _carry(self, source: End, valve: Valve) -> None:
        while (piece := await source.read()) is not None:
            await valve.body(piece, flow=self._flow)
        await valve.end()
