"""Segments of a write-ahead log as PostgreSQL writes them, as far as the archive looks at them."""

import struct

from opsctl.dr.postgres.wal import Segment

SYSTEM = "7713413417979873998"
SIZE = 1 << 20


def segment_content(segment: Segment, filler: bytes, *, system: str = SYSTEM, size: int = SIZE) -> bytes:
    """Return a segment with a header that is right, and `filler` behind it; zeros fill it up."""
    head = struct.pack(
        "=HHIQI4xQII", 0xD118, 0x0002, segment.timeline, segment.start(size), 0, int(system), size, 8192
    )
    return (head + filler).ljust(size, b"\0")[:size]
