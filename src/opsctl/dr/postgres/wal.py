"""Where in the write-ahead log is something: positions, segment files, timelines, and what is between two positions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opsctl.core.errors import FailedError, UsageError

_LSN = re.compile(r"(?P<high>[0-9A-Fa-f]{1,8})/(?P<low>[0-9A-Fa-f]{1,8})", re.ASCII)
_SEGMENT_NAME = re.compile(r"(?P<timeline>[0-9A-F]{8})(?P<high>[0-9A-F]{8})(?P<low>[0-9A-F]{8})", re.ASCII)
_HISTORY_LINE = re.compile(r"\s*(?P<timeline>\d+)\s+(?P<at>[0-9A-Fa-f]+/[0-9A-Fa-f]+)(\s.*)?", re.ASCII)
_FOUR_GIB = 1 << 32
# Behind one gap nothing is of use; a name that stands for a place far out must not be walked to.
_MOST_MISSING = 1000
PAGE_BYTES = 8192
"""Of the log; servers built with pages of another size do not exist outside of experiments."""


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A file of the write-ahead log: which one, of which timeline."""

    timeline: int
    number: int

    def name(self, segment_bytes: int) -> str:
        """Return the name of its file.

        >>> Segment(2, 0x1FF).name(16 * 1024 * 1024)
        '0000000200000001000000FF'
        """
        high, low = divmod(self.number, _FOUR_GIB // segment_bytes)
        return f"{self.timeline:08X}{high:08X}{low:08X}"

    def start(self, segment_bytes: int) -> int:
        """Return the position of its first byte."""
        return self.number * segment_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A timeline that somebody left, and the position at which its successor begins."""

    timeline: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A timeline and those from which it comes, the oldest first; PostgreSQL keeps it in a history file."""

    timeline: int
    ancestors: tuple[Switch, ...] = ()

    def timeline_at(self, number: int, *, segment_bytes: int) -> int:
        """Return the timeline of which a segment is read: the newest that has begun by its end, as PostgreSQL does."""
        timeline = self.ancestors[0].timeline if self.ancestors else self.timeline
        later = [*(each.timeline for each in self.ancestors[1:]), self.timeline]
        for switch, successor in zip(self.ancestors, later, strict=False):
            if switch.at // segment_bytes > number:
                break
            timeline = successor
        return timeline

    def passes(self, *, timeline: int, lsn: int) -> bool:
        """Tell whether a position of another timeline lies on the way to this one."""
        if timeline == self.timeline:
            begin = self.ancestors[-1].at if self.ancestors else 0
            return lsn >= begin
        return any(each.timeline == timeline and lsn <= each.at for each in self.ancestors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How much of a segment is there, from its first byte; all of it when `bytes` is that of a whole one."""

    segment: Segment
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What of a stretch of the log is there: the segments in order, those that are missing, and where the end is."""

    segments: tuple[Segment, ...]
    missing: tuple[Segment, ...]
    end: int


def parse_lsn(text: str) -> int:
    """Return a position from PostgreSQL's way of writing it.

    >>> parse_lsn("1/A0000028")
    6979321896

    Raises:
        UsageError: DRC038.
    """
    found = _LSN.fullmatch(text)
    if found is None:
        raise UsageError(
            f"`{text}` is no position in the write-ahead log",
            code="DRC038",
            why="it is two hexadecimal numbers of up to eight digits with a `/` between them",
            fix="write it as PostgreSQL does, such as `0/3000028`",
        )
    return int(found["high"], 16) << 32 | int(found["low"], 16)


def format_lsn(lsn: int) -> str:
    """Return a position in PostgreSQL's way of writing it.

    >>> format_lsn(6979321896)
    '1/A0000028'
    """
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parse_segment_name(name: str, *, segment_bytes: int) -> Segment | None:
    """Return which segment a file name stands for; None when it is none.

    >>> parse_segment_name("0000000200000001000000FF", segment_bytes=16 * 1024 * 1024)
    Segment(timeline=2, number=511)
    """
    found = _SEGMENT_NAME.fullmatch(name)
    if found is None:
        return None
    timeline, high, low = (int(found[part], 16) for part in ("timeline", "high", "low"))
    per_file = _FOUR_GIB // segment_bytes
    return Segment(timeline, high * per_file + low) if low < per_file and timeline > 0 else None


def parse_history(text: str, *, timeline: int) -> Lineage:
    """Return the lineage that a history file tells.

    Raises:
        FailedError: DRC037 when it is damaged, or not of this timeline.
    """
    ancestors: list[Switch] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _HISTORY_LINE.fullmatch(line)
        if found is None:
            raise _bad_history(timeline, why=f"a line of it is `{line[:80]}`")
        ancestors.append(Switch(timeline=int(found["timeline"]), at=parse_lsn(found["at"])))
    order = [each.timeline for each in ancestors]
    places = [each.at for each in ancestors]
    if not order or sorted({*order, timeline}) != [*order, timeline] or places != sorted(places):
        raise _bad_history(timeline, why="its timelines do not follow each other")
    return Lineage(timeline=timeline, ancestors=tuple(ancestors))


def cover(
    held: Mapping[Segment, Held],
    *,
    start: int,
    lineage: Lineage,
    segment_bytes: int,
    until: int | None = None,
) -> Coverage:
    """Tell what of the log is there from a position on, along a lineage, up to `until` or the last that is held."""
    first = start // segment_bytes
    last = _last_number(held, lineage=lineage, segment_bytes=segment_bytes)
    if until is not None:
        # A position at the very beginning of a segment is the end of the one before.
        last = min(last, (until - 1) // segment_bytes)
    there: list[Segment] = []
    missing: list[Segment] = []
    end = start
    for number in range(first, last + 1):
        segment = Segment(lineage.timeline_at(number, segment_bytes=segment_bytes), number)
        found = held.get(segment)
        if found is not None:
            there.append(segment)
            end = end if missing else max(end, segment.start(segment_bytes) + found.bytes)
        if found is None or (number < last and found.bytes < segment_bytes):
            missing.append(segment)
        if len(missing) == _MOST_MISSING:
            break
    return Coverage(segments=tuple(there), missing=tuple(missing), end=end)


def newest_lineage(lineages: Sequence[Lineage], *, timeline: int, lsn: int) -> Lineage:
    """Return the newest timeline that comes from a position; the position's own where there is no other."""
    heirs = [each for each in lineages if each.passes(timeline=timeline, lsn=lsn)]
    own = Lineage(timeline=timeline)
    return max([*heirs, *([] if heirs else [own])], key=lambda each: each.timeline)


def _last_number(held: Mapping[Segment, Held], *, lineage: Lineage, segment_bytes: int) -> int:
    on_the_way = (
        each.number
        for each in held
        if lineage.timeline_at(each.number, segment_bytes=segment_bytes) == each.timeline
    )
    return max(on_the_way, default=-1)


def _bad_history(timeline: int, *, why: str) -> FailedError:
    return FailedError(
        f"the history of timeline {timeline} is damaged",
        code="DRC037",
        why=why,
        fix="restore to a point before that timeline began, with its parent: opsctl dr list",
    )
