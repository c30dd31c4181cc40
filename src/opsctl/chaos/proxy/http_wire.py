"""Where does a message of HTTP/1.1 end in a stream of bytes: heads, lengths and chunks, all of bounded size."""

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from opsctl.chaos.proxy.ends import End, Piece

_LARGEST_HEAD_BYTES = 64 * 1024
_LONGEST_LINE_BYTES = 8 * 1024
_MOST_TRAILERS = 64
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)")
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked[ \t]*\r\n")
_HEX = re.compile(rb"[0-9A-Fa-f]{1,15}")
_DIGITS = re.compile(rb"[0-9]{1,15}")
# RFC 9112, 6.3: these have no body, whatever their head says.
_BODILESS = frozenset({204, 304})


class WireError(Exception):
    """The stream is not HTTP/1.1 that could be followed."""


class Framing(NamedTuple):
    """How a body ends: after `length` bytes, with its last chunk, or (neither) with the connection."""

    length: int | None = None
    is_chunked: bool = False


NO_BODY = Framing(length=0)
_CHUNKS = Framing(is_chunked=True)
_UNTIL_CLOSE = Framing()


def request_framing(head: bytes) -> Framing:
    """Return how the body of a request ends; without a word of it there is none."""
    return _stated(head) or NO_BODY


def answer_framing(head: bytes, *, status: int, is_head: bool) -> Framing:
    """Return how the body of an answer ends; `is_head`: it answers HEAD."""
    if is_head or status in _BODILESS or status < 200:
        return NO_BODY
    return _stated(head) or _UNTIL_CLOSE


def status_of(head: bytes) -> int:
    """Return the status of an answer.

    Raises:
        WireError: it is none, or one that turns the connection into something else.
    """
    if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit():
        raise WireError("an answer that is no HTTP/1.1")
    status = int(head[9:12])
    if status == 101:
        raise WireError("another protocol cannot be followed")
    return status


class ChunkScanner:
    """Finds the end of a chunked body that comes in pieces of any size."""

    def __init__(self) -> None:
        self._left_bytes = 0
        self._line = b""
        self._trailers: int | None = None

    def scan(self, data: bytes) -> int | None:
        """Return where the body ends in these bytes; None when it goes on after them."""
        position = 0
        while position < len(data):
            if self._left_bytes:
                step = min(self._left_bytes, len(data) - position)
                self._left_bytes -= step
                position += step
                continue
            end = data.find(b"\n", position)
            self._line += data[position:] if end < 0 else data[position:end]
            if len(self._line) > _LONGEST_LINE_BYTES:
                raise WireError("a line between chunks that is too long")
            if end < 0:
                return None
            position = end + 1
            if self._is_last_line():
                return position
        return None

    def _is_last_line(self) -> bool:
        line, self._line = self._line.rstrip(b"\r"), b""
        if self._trailers is None:
            size = _chunk_size(line)
            # Two more: the line end behind the chunk.
            self._left_bytes, self._trailers = (size + 2, None) if size else (0, 0)
            return False
        self._trailers += 1
        if self._trailers > _MOST_TRAILERS:
            raise WireError("too many trailers")
        return not line


def join_chunks(raw: bytes) -> bytes:
    """Return the content of a whole chunked body."""
    parts: list[bytes] = []
    position = 0
    while True:
        end = raw.index(b"\n", position)
        size = _chunk_size(raw[position:end].rstrip(b"\r"))
        if not size:
            return b"".join(parts)
        parts.append(raw[end + 1 : end + 1 + size])
        position = end + 1 + size + 2


class MessageReader:
    """Reads messages one after the other from one side of a connection."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._pending = b""
        self.arrived_at = 0.0
        """When the head, or what was read last, came."""

    async def head(self) -> bytes | None:
        """Return the next head with its blank line; None when the stream ends between messages.

        Raises:
            WireError: it is too long, or the stream ends in it.
        """
        found = self._pending.find(b"\r\n\r\n")
        while found < 0:
            if len(self._pending) > _LARGEST_HEAD_BYTES:
                raise WireError("a head that is too long")
            piece = await self._end.read()
            if piece is None:
                if self._pending.strip():
                    raise WireError("the stream ends in a head")
                return None
            searched_from = max(0, len(self._pending) - 3)
            self._pending, self.arrived_at = self._pending + piece.data, piece.arrived_at
            found = self._pending.find(b"\r\n\r\n", searched_from)
        head, self._pending = self._pending[: found + 4], self._pending[found + 4 :]
        return head

    def take_whole(self, framing: Framing) -> bytes | None:
        """Return a body that is all here already; None when it is not, or when only its end would tell."""
        if framing.length is None or len(self._pending) < framing.length:
            return None
        body, self._pending = self._pending[: framing.length], self._pending[framing.length :]
        return body

    async def body(self, framing: Framing) -> AsyncIterator[Piece]:
        """Yield the body piece by piece, as it stands on the wire.

        Raises:
            WireError: it is no body, or the stream ends in it.
        """
        left, scanner = framing.length, ChunkScanner() if framing.is_chunked else None
        while left != 0:
            piece = await self._next()
            if piece is None:
                if left is None and scanner is None:
                    return
                raise WireError("the stream ends in a body")
            end = scanner.scan(piece.data) if scanner else left
            is_last = end is not None and end <= len(piece.data)
            self._pending = piece.data[end:] if is_last else b""
            data = piece.data[:end] if self._pending else piece.data
            left = 0 if is_last else None if left is None else left - len(data)
            yield Piece(data, piece.arrived_at)

    async def _next(self) -> Piece | None:
        if self._pending:
            pending, self._pending = self._pending, b""
            return Piece(pending, self.arrived_at)
        piece = await self._end.read()
        if piece is not None:
            self.arrived_at = piece.arrived_at
        return piece


def _stated(head: bytes) -> Framing | None:
    lower = head.lower()
    if b"\r\ntransfer-encoding:" in lower:
        if _CHUNKED.search(lower):
            return _CHUNKS
        raise WireError("a transfer encoding that cannot be followed")
    lengths = set(_LENGTH.findall(lower))
    if not lengths:
        return None
    (length, *others) = lengths
    if others or not _DIGITS.fullmatch(length):
        raise WireError("a length that is none")
    return Framing(length=int(length))


def _chunk_size(line: bytes) -> int:
    size = line.partition(b";")[0].strip()
    if not _HEX.fullmatch(size):
        raise WireError("a chunk without a size")
    return int(size, 16)
