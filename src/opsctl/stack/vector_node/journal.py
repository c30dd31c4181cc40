"""Which writes have reached the shard since the optimiser copied it: whole frames of a growing file."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from opsctl.stack.vector_node.frames import PREFIX_SIZE, Frame, unpack_prefix


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
