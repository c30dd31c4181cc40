"""What stands last in a file of lines, found without reading what stands before it?"""

import os
from pathlib import Path
from typing import IO


def last_line(path: Path) -> bytes:
    """Return the last line by reading backward from the end, so that a long file costs nothing."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        window = 4096
        while True:
            start = max(0, size - window)
            file.seek(start)
            lines = file.read(size - start).rstrip(b"\n").rsplit(b"\n", 1)
            if len(lines) == 2 or start == 0:
                return lines[-1]
            window *= 4


def ends_whole(file: IO[bytes], *, size: int) -> bool:
    """Tell whether nothing, or the end of a line, stands last in a file of so many bytes."""
    if size == 0:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"
