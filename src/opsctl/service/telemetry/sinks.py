"""Where do lines of the log go: a file that several workers share and that is turned over by size, or a stream."""

import fcntl
import os
import select
from pathlib import Path
from typing import Protocol

LONGEST_LINE_BYTES = 4096  # PIPE_BUF: a pipe takes so much at once or not at all
_LARGEST_FILE_BYTES = 64 * 1024 * 1024
_KEPT_FILES = 5


class Sink(Protocol):
    """Takes whole lines; never raises and never waits for somebody."""

    def info(self, line: bytes) -> bool:
        """Write a line without its end; tell whether it arrived whole. The name is the one structlog calls."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class StreamSink:
    """Writes to an open descriptor, such as stderr; a pipe that nobody empties costs lines, not time."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def info(self, line: bytes) -> bool:
        """Write a line unless that would have to wait."""
        try:
            if not self._poll.poll(0):
                return False
            return os.write(self._descriptor, line + b"\n") == len(line) + 1
        except OSError:
            return False

    def close(self) -> None:
        """Leave the descriptor to whoever opened it."""


class FileSink:
    """Appends to a file with one write a line, so that lines of several workers never mix.

    At `largest_bytes` the file becomes `NAME.1`, that one `NAME.2`, up to `kept` of them. A file that was removed
    or moved away is begun anew at the next line. What cannot be written (disk full, folder gone) is lost.
    """

    def __init__(
        self, path: Path, *, largest_bytes: int = _LARGEST_FILE_BYTES, kept: int = _KEPT_FILES
    ) -> None:
        self._path = path
        self._largest_bytes = largest_bytes
        self._kept = kept
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._is_torn = False

    def info(self, line: bytes) -> bool:
        """Write a line; False when it did not arrive whole."""
        # After a line that a full disk cut short, the next one must not become part of it.
        whole = (b"\n" if self._is_torn else b"") + line + b"\n"
        try:
            written = os.write(self._current(), whole)
        except OSError:
            return False
        self._is_torn = written < len(whole)
        return not self._is_torn

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _current(self) -> int:
        """Return the descriptor of the file that now stands at the path; one stat a line finds every change."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - a third of the time of Path.stat
        except FileNotFoundError:
            return self._open()
        if self._descriptor is None or (found.st_dev, found.st_ino) != self._identity:
            return self._open()
        if found.st_size < self._largest_bytes:
            return self._descriptor
        self._turn_over(self._descriptor)
        return self._open()

    def _open(self) -> int:
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, 0o640)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, flags, 0o640)
        status = os.fstat(descriptor)
        self._descriptor, self._identity = descriptor, (status.st_dev, status.st_ino)
        return descriptor

    def _turn_over(self, descriptor: int) -> None:
        """Rename the full file, unless another worker is at it or has done it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            found = self._path.stat()
        except FileNotFoundError:  # between another worker's rename and its new file
            return
        if (found.st_dev, found.st_ino) != self._identity:
            return
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
