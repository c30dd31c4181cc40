"""What is one side of a connection: bytes in with the moment they came, bytes out, and no more of either than fits."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, cast

# What waits here while a delay runs is the line's capacity: 512 KiB at 100 ms are 5 MB/s.
_MOST_HELD_BYTES = 512 * 1024
_MOST_HELD_PIECES = 4096
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Piece(NamedTuple):
    """Bytes, and when they came in seconds of the loop's clock."""

    data: bytes
    arrived_at: float


def reset_on_close(sock: socket.socket) -> None:
    """Let the peer see a reset, not an orderly end, once this socket is closed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


class End(asyncio.Protocol):
    """One side of a connection.

    Args:
        on_over: called when the peer says that it will send no more.
        on_lost: called when the connection is gone.
    """

    def __init__(self, *, on_over: Callable[[], None], on_lost: Callable[[], None]) -> None:
        self._on_over, self._on_lost = on_over, on_lost
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[Piece] = deque()
        self._held_bytes = 0
        self._is_paused = False
        self._news: asyncio.Future[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self.is_over = False

    async def read(self) -> Piece | None:
        """Return the next bytes as they came; None once the peer sends no more.

        Raises:
            ConnectionResetError: the connection is gone.
        """
        while not self._pieces:
            if self._transport is None:
                raise ConnectionResetError("the connection is gone")
            if self.is_over:
                return None
            self._news = self._loop.create_future()
            await self._news
        piece = self._pieces.popleft()
        self._held_bytes -= len(piece.data)
        if self._is_paused:
            self._resume()
        return piece

    async def write(self, data: bytes | memoryview) -> None:
        """Send bytes, waiting while the peer takes none.

        Raises:
            ConnectionResetError: the connection is gone.
        """
        if self._transport is None:
            raise ConnectionResetError("the connection is gone")
        self._transport.write(data)
        if not self._may_write.is_set():
            await self._may_write.wait()

    def write_eof(self) -> None:
        """Say that no more is sent; the other direction stays open."""
        if self._transport is not None:
            with suppress(OSError):
                self._transport.write_eof()

    async def close(self) -> None:
        """End the connection in order, after what was written, and wait until it is gone."""
        if self._transport is not None:
            self._transport.close()
            await self._lost.wait()

    def reset(self) -> None:
        """End the connection at once, so that the peer sees a reset."""
        if self._transport is not None:
            with suppress(OSError):
                reset_on_close(self._transport.get_extra_info("socket"))
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep bytes until they are read; take no more once too many wait."""
        self._pieces.append(Piece(data, self._loop.time()))
        self._held_bytes += len(data)
        if self._is_full(share=1.0) and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Keep the other direction open."""
        self.is_over = True
        self._wake()
        self._on_over()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its signature there
        """Wake everybody who waits."""
        self._transport = None
        self._lost.set()
        self._may_write.set()
        self._wake()
        self._on_lost()

    def pause_writing(self) -> None:
        """The peer takes no more for now."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The peer takes more again."""
        self._may_write.set()

    def _is_full(self, *, share: float) -> bool:
        return self._held_bytes > _MOST_HELD_BYTES * share or len(self._pieces) > _MOST_HELD_PIECES * share

    def _resume(self) -> None:
        if not self._is_full(share=0.5) and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
