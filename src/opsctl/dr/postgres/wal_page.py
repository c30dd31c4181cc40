"""Is a file of the write-ahead log the one that its name says, of the server that it is to be of?"""

import struct
from dataclasses import dataclass

from opsctl.core.errors import FailedError
from opsctl.dr.postgres.wal import Segment, format_lsn

# XLogLongPageHeaderData: magic, info, timeline, address, length of what is left of a record, (gap), system
# identifier, bytes of a segment, bytes of a block. In the order of bytes of the machine that wrote it.
_HEADER = struct.Struct("=HHIQI4xQII")
HEADER_BYTES = _HEADER.size
_FIRST_IS_CONTINUED = 0x0001
_IS_LONG = 0x0002


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentHeader:
    """What the first page of a segment says; `continued_bytes` are of a record that began in the segment before."""

    timeline: int
    address: int
    continued_bytes: int
    system_identifier: str
    segment_bytes: int


def read_segment_header(data: bytes) -> SegmentHeader | None:
    """Return the header of a segment; None where there is none, as at the end of the log."""
    if len(data) < _HEADER.size:
        return None
    magic, info, timeline, address, remaining, system, segment_bytes, _ = _HEADER.unpack_from(data)
    if not magic or not info & _IS_LONG:
        return None
    return SegmentHeader(
        timeline=timeline,
        address=address,
        continued_bytes=remaining if info & _FIRST_IS_CONTINUED else 0,
        system_identifier=str(system),
        segment_bytes=segment_bytes,
    )


def check_segment(data: bytes, segment: Segment, *, system_identifier: str, segment_bytes: int) -> None:
    """Refuse a segment that is not what its name says.

    Raises:
        FailedError: DRC037.
    """
    header = read_segment_header(data)
    if header is None:
        raise _wrong(segment, segment_bytes, why="it does not begin as a segment does")
    if header.system_identifier != system_identifier:
        raise _wrong(segment, segment_bytes, why=f"it is of the server {header.system_identifier}")
    start = segment.start(segment_bytes)
    if header.address != start or header.segment_bytes != segment_bytes:
        raise _wrong(segment, segment_bytes, why=f"it begins at {format_lsn(header.address)}")
    # A timeline begins within a segment, whose first pages are those of its parent.
    if header.timeline > segment.timeline:
        raise _wrong(segment, segment_bytes, why=f"it is of timeline {header.timeline}")


def _wrong(segment: Segment, segment_bytes: int, *, why: str) -> FailedError:
    return FailedError(
        f"the archived file `{segment.name(segment_bytes)}` is not what its name says",
        code="DRC037",
        why=why,
        fix="restore to a point before it, or from a later backup: opsctl dr list",
    )
