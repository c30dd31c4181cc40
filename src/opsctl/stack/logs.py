"""What did a part of the stack write: the last lines of its log, and what comes."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsctl.core.clock import Clock
from opsctl.stack.model import STARTING_ORDER, PartName, log_path

_BLOCK_BYTES = 64 * 1024
_KEEP_BYTES = 10 * 1024 * 1024
_FOLLOW_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """The last lines of one part's log."""

    name: PartName
    path: Path
    lines: tuple[str, ...]


def read_tails(home: Path, *, count: int, only: Sequence[PartName] = ()) -> tuple[LogTail, ...]:
    """Return the last lines of the chosen parts, of all when `only` is empty."""
    paths = {name: log_path(home, name) for name in STARTING_ORDER if not only or name in only}
    return tuple(
        LogTail(name=name, path=path, lines=tuple(tail_lines(path, count=count)))
        for name, path in paths.items()
    )


def tail_lines(path: Path, *, count: int, from_offset: int = 0) -> list[str]:
    """Return the last lines of a log, reading no further back than needed or than `from_offset`."""
    if not path.is_file() or count <= 0:
        return []
    with path.open("rb") as stream:
        position = stream.seek(0, os.SEEK_END)
        data = b""
        while position > from_offset and data.count(b"\n") <= count:
            step = min(_BLOCK_BYTES, position - from_offset)
            position -= step
            stream.seek(position)
            data = stream.read(step) + data
    return data.decode(errors="replace").splitlines()[-count:]


def follow_lines(path: Path, *, clock: Clock) -> Iterator[str]:
    """Yield lines as they are written, from now on and for ever; a log that was put aside starts anew."""
    offset = size_bytes(path)
    unfinished = b""
    while True:
        if size_bytes(path) < offset:
            offset, unfinished = 0, b""
        fresh = _read_from(path, offset)
        offset += len(fresh)
        *lines, unfinished = (unfinished + fresh).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
        clock.sleep(_FOLLOW_POLL_SECONDS)


def put_aside_when_large(path: Path) -> None:
    """Keep a log from growing for ever: beyond 10 MiB it becomes `<name>.1` before the next start."""
    if size_bytes(path) > _KEEP_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))


def size_bytes(path: Path) -> int:
    """Return the size of a log; 0 when there is none yet."""
    return path.stat().st_size if path.is_file() else 0


def _read_from(path: Path, offset: int) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        stream.seek(offset)
        return stream.read()
