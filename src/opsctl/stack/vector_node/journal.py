"""Which writes have reached the shard since the optimiser copied it: whole frames of a growing file."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import orjson

from opsctl.stack.vector_node.frames import PREFIX_SIZE, Frame, pack, unpack_prefix


def append_frame(journal: IO[bytes], frame: Frame) -> None:
    """Append a frame to an unbuffered file.

    Raises:
        OSError: when only a part of it was written; the journal is worth nothing then.
    """
    data = pack(frame)
    if journal.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def require_whole(path: Path, *, read: int) -> None:
    """Refuse a journal that holds more than what was read of it: an acknowledged write would be lost.

    Raises:
        ValueError: when bytes are left.
    """
    rest = path.stat().st_size - read
    if rest:
        raise ValueError(f"the journal of writes has {rest} bytes that are no whole frame")


def read_journal(path: Path, *, offset: int) -> Iterator[tuple[Frame, int]]:
    """Yield each whole frame from `offset` on, with the offset behind it; a torn last one is left for later."""
    with path.open("rb") as stream:
        stream.seek(offset)
        while True:
            sizes = unpack_prefix(stream.read(PREFIX_SIZE))
            if sizes is None:
                return
            head_size, body_size = sizes
            data = stream.read(head_size + body_size)
            if len(data) < head_size + body_size:
                return
            offset += PREFIX_SIZE + head_size + body_size
            yield Frame(number=0, head=orjson.loads(data[:head_size]), body=data[head_size:]), offset
