"""Where does a stretch of the write-ahead log really end, and when was its last transaction committed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import running
from opsctl.core.errors import FailedError
from opsctl.dr.postgres.wal import PAGE_BYTES, Segment, format_lsn, parse_lsn

_RECORD = re.compile(
    r"rmgr: \S+ +len \(rec/tot\): +\d+/ *(?P<length>\d+), .*? lsn: (?P<lsn>[0-9A-F]+/[0-9A-F]+), .*?"
    r"desc: (?P<what>\S*) ?(?P<rest>.*)",
    re.ASCII,
)
_COMMIT = re.compile(r"(?:.*: )?(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC", re.ASCII)
_PAGE_HEADER_BYTES = 24
_SEGMENT_HEADER_BYTES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class WalTail:
    """The last whole record: where it begins, where it ends, and the last commit near it; None where there is none."""

    last_record: int
    end: int
    last_commit_at: datetime | None


def read_tail(
    programs: PostgresPrograms, folder: Path, *, segments: Sequence[Segment], segment_bytes: int
) -> WalTail | None:
    """Read the last of these segments, and those before it where it holds no record or no commit.

    Raises:
        NotReadyError: PGP001, PGP004.
        FailedError: DRC037 when no record can be found though there are segments.
    """
    if not segments:
        return None
    found: WalTail | None = None
    for segment in reversed(segments):
        seen = _read(programs, folder, segment=segment, segment_bytes=segment_bytes)
        if found is None:
            found = seen
        elif seen is not None:
            found = WalTail(last_record=found.last_record, end=found.end, last_commit_at=seen.last_commit_at)
        if found is not None and found.last_commit_at is not None:
            break
    if found is None:
        raise FailedError(
            "no record can be found in the archived log",
            code="DRC037",
            why=f"{len(segments)} segments from {format_lsn(segments[0].start(segment_bytes))} on hold none",
            fix="restore from a later backup: opsctl dr list",
        )
    return found


def record_end(lsn: int, *, length: int, segment_bytes: int) -> int:
    """Return where a record ends that begins at `lsn`: every page that it enters has a header of its own.

    >>> record_end(0x5000F28, length=34, segment_bytes=16 * 1024 * 1024) == 0x5000F50
    True
    """
    position, left = lsn, length
    while True:
        room = PAGE_BYTES - position % PAGE_BYTES
        if left <= room:
            # Records begin at multiples of eight bytes.
            return -(-(position + left) // 8) * 8
        left -= room
        position += room
        is_first = position % segment_bytes == 0
        position += _SEGMENT_HEADER_BYTES if is_first else _PAGE_HEADER_BYTES


def _read(
    programs: PostgresPrograms, folder: Path, *, segment: Segment, segment_bytes: int
) -> WalTail | None:
    """Return what the records say that begin in one segment; the program ends in an error at the end of every log."""
    start, after = (number * segment_bytes for number in (segment.number, segment.number + 1))
    options = (f"--path={folder}", f"--timeline={segment.timeline}", f"--start={format_lsn(start)}")
    last: re.Match[str] | None = None
    commit: str | None = None
    with running(programs, "pg_waldump", *options, f"--end={format_lsn(after)}") as program:
        for line in program.lines():
            record = _RECORD.match(line)
            if record is None or parse_lsn(record["lsn"]) >= after:
                continue
            last = record
            if record["what"] in ("COMMIT", "COMMIT_PREPARED"):
                commit = record["rest"]
    if last is None:
        return None
    position = parse_lsn(last["lsn"])
    is_switch = last["what"] == "SWITCH"
    end = (
        after if is_switch else record_end(position, length=int(last["length"]), segment_bytes=segment_bytes)
    )
    return WalTail(last_record=position, end=end, last_commit_at=_time_of(commit))


def _time_of(text: str | None) -> datetime | None:
    found = _COMMIT.match(text) if text else None
    if found is None:
        return None
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in found["time"] else "%Y-%m-%d %H:%M:%S"
    return datetime.strptime(found["time"], form).replace(tzinfo=UTC)
