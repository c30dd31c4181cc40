"""What becomes of a message that stderr does not take: it is lost, and the command goes on to its own exit code."""

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Forgiving(io.FileIO):
    """A file whose writes never fail, on a full disk or where nobody reads any more."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, or pretend to."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def forgive_stderr() -> None:
    """Let no message end what it tells of: a drill, or the sentence why a command line is wrong."""
    stream = sys.stderr
    if not isinstance(stream, io.TextIOWrapper):  # closed by the caller: `2>&-`
        return
    stream.flush()
    raw = _Forgiving(stream.fileno(), "w", closefd=False)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )
