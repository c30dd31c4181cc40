"""How front and worker talk: length-prefixed frames of a number, a small head and raw bytes."""

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

import orjson

_PREFIX = struct.Struct(">QII")  # request number, bytes of the head, bytes of the body


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message; number 0 is news that nobody asked for."""

    number: int
    head: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""


def pack(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    head = orjson.dumps(frame.head)
    return b"".join((_PREFIX.pack(frame.number, len(head), len(frame.body)), head, frame.body))


async def read_frame(stream: asyncio.StreamReader) -> Frame:
    """Read the next frame of a stream.

    Raises:
        asyncio.IncompleteReadError: the other side is gone.
    """
    number, head_size, body_size = _PREFIX.unpack(await stream.readexactly(_PREFIX.size))
    head = orjson.loads(await stream.readexactly(head_size))
    return Frame(number=number, head=head, body=await stream.readexactly(body_size))


def receive_frame(connection: socket.socket) -> Frame | None:
    """Wait for the next frame of a blocking socket; None when the other side is gone."""
    prefix = _receive_exactly(connection, _PREFIX.size)
    if prefix is None:
        return None
    number, head_size, body_size = _PREFIX.unpack(prefix)
    rest = _receive_exactly(connection, head_size + body_size)
    if rest is None:
        return None
    return Frame(number=number, head=orjson.loads(rest[:head_size]), body=bytes(rest[head_size:]))


def unpack_prefix(data: bytes) -> tuple[int, int] | None:
    """Return the sizes of head and body, or None while the prefix itself is not whole."""
    if len(data) < _PREFIX.size:
        return None
    _, head_size, body_size = _PREFIX.unpack_from(data)
    return head_size, body_size


PREFIX_SIZE = _PREFIX.size


def _receive_exactly(connection: socket.socket, size: int) -> memoryview | None:
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        count = connection.recv_into(view[done:])
        if count == 0:
            return None
        done += count
    return view
