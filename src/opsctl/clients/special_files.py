"""What if a path leads to no file: a pipe, a socket, a device, or what the shell has opened for us?"""

import errno
import os
import re
import stat
from pathlib import Path

# `--junit /dev/stdout`, `--junit >(tee x)`, `--queries <(zcat log.gz)`.
_OPENED = re.compile(r"/(?:dev/fd|proc/self/fd)/(?P<number>\d{1,6})")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


class NoFileError(OSError):
    """What is there is a folder, a device, a pipe or a socket: it may never end, or never begin."""


def read_bytes(path: Path, *, most: int | None) -> bytes:
    """Return the bytes of a file, one more than `most` where there are more.

    Raises:
        NoFileError: it is none, and the shell has not opened it for us.
        OSError: what the system refuses.
    """
    number = _number_of(path)
    if number is None:
        require_file(path)
    with open(path if number is None else os.dup(number), "rb", opener=at_once) as stream:
        return stream.read() if most is None else stream.read(most + 1)


def require_file(path: Path) -> None:
    """Refuse what is there and is no file.

    Raises:
        NoFileError: it is a folder, a device, a pipe or a socket.
        OSError: there is nothing, or nobody may look.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISDIR, "a folder"))
        kind = next((word for is_kind, word in kinds if is_kind(mode)), "a device")
        raise NoFileError(errno.EINVAL, f"it is {kind}")


def open_special(path: Path) -> int | None:
    """Open for writing what is there and is neither a file nor a folder; None where a file can be replaced."""
    number = _number_of(path)
    if number is not None:
        return os.dup(number)  # shares the offset with who opened it, so that neither overwrites the other
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    return os.open(path, os.O_WRONLY | os.O_NOCTTY)


def write_into(descriptor: int, content: bytes) -> None:
    """Write everything, and close."""
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        rest = memoryview(content)
        while rest:
            rest = rest[stream.write(rest) :]


def at_once(path: str, flags: int) -> int:
    """Open without waiting: a pipe that was put there since the look would hold the very opening for ever."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _number_of(path: Path) -> int | None:
    if "\0" in str(path):
        raise NoFileError(errno.EINVAL, "no path holds a NUL")
    found = _OPENED.fullmatch(str(path))
    return int(found["number"]) if found else _STANDARD.get(str(path))
