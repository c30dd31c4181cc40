"""What of a server's write-ahead log is in the repository, and under which names?

A whole segment is one object. Of the segment that is being written there are pieces, each with the bytes that came
since the one before; every now and then one from its beginning supersedes them all. The digest of the plain bytes is
part of each name, so that a segment of another server with the same name is noticed without a key to decrypt it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from opsctl.core.errors import FailedError
from opsctl.dr.ports import NamedVault
from opsctl.dr.postgres.wal import Held, Segment, parse_segment_name

WAL = "wal"
_DIGEST = r"(?P<digest>[0-9a-f]{16})"
_WHOLE = re.compile(rf"(?P<name>[0-9A-F]{{24}})\.{_DIGEST}@.*", re.ASCII)
_PIECE = re.compile(
    rf"(?P<name>[0-9A-F]{{24}})\.(?P<first>[0-9a-f]{{8}})-(?P<end>[0-9a-f]{{8}})\.{_DIGEST}@.*", re.ASCII
)
_HISTORY = re.compile(rf"(?P<timeline>[0-9A-F]{{8}})\.history\.{_DIGEST}@.*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes of a segment, from `first` up to `end`, and the key under which they are kept."""

    key: str
    first: int
    end: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WalArchive:
    """All that is kept of one server's write-ahead log."""

    system_identifier: str
    segment_bytes: int
    pieces: Mapping[Segment, tuple[Piece, ...]]
    histories: Mapping[int, tuple[Piece, ...]]

    @property
    def held(self) -> dict[Segment, Held]:
        """Return how much of each segment there is, from its beginning on."""
        found = {segment: reach_of(pieces) for segment, pieces in self.pieces.items()}
        return {segment: Held(segment=segment, bytes=reach) for segment, reach in found.items() if reach}


def prefix_of(system_identifier: str, timeline: int) -> str:
    """Return below which prefix a timeline of a server is kept."""
    return f"{WAL}/{system_identifier}/{timeline:08X}"


def digest_of(data: bytes | memoryview) -> str:
    """Return the digest that is part of names: enough to tell contents apart."""
    return hashlib.sha256(data).hexdigest()[:16]


def whole_name(segment_name: str, data: bytes) -> str:
    """Return under which name a whole segment is kept."""
    return f"{segment_name}.{digest_of(data)}"


def piece_name(segment_name: str, data: bytes, *, first: int) -> str:
    """Return under which name bytes of an unfinished segment are kept."""
    return f"{segment_name}.{first:08x}-{first + len(data):08x}.{digest_of(data)}"


def history_name(timeline: int, data: bytes) -> str:
    """Return under which name the history of a timeline is kept."""
    return f"{timeline:08X}.history.{digest_of(data)}"


def read_archive(vault: NamedVault, *, system_identifier: str, segment_bytes: int) -> WalArchive:
    """List what is kept of a server's log; what has another name is left alone."""
    return archive_of(
        vault.keys_named(f"{WAL}/{system_identifier}"),
        system_identifier=system_identifier,
        segment_bytes=segment_bytes,
    )


def archive_of(keys: Iterable[str], *, system_identifier: str, segment_bytes: int) -> WalArchive:
    """Return what keys stand for."""
    pieces: dict[Segment, list[Piece]] = {}
    histories: dict[int, list[Piece]] = {}
    for key in keys:
        base = key.rpartition("/")[2]
        if (found := _HISTORY.fullmatch(base)) is not None:
            piece = Piece(key=key, first=0, end=0, digest=found["digest"])
            histories.setdefault(int(found["timeline"], 16), []).append(piece)
        elif (found := _WHOLE.fullmatch(base) or _PIECE.fullmatch(base)) is not None:
            segment = parse_segment_name(found["name"], segment_bytes=segment_bytes)
            if segment is not None:
                pieces.setdefault(segment, []).append(_piece(key, found, segment_bytes=segment_bytes))
    return WalArchive(
        system_identifier=system_identifier,
        segment_bytes=segment_bytes,
        pieces={segment: tuple(each) for segment, each in pieces.items()},
        histories={timeline: tuple(each) for timeline, each in histories.items()},
    )


def chosen_pieces(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return the fewest pieces that reach furthest from the beginning of a segment without a gap."""
    chosen: list[Piece] = []
    reached = 0
    while True:
        best = max(
            (each for each in pieces if each.first <= reached), key=lambda each: each.end, default=None
        )
        if best is None or best.end <= reached:
            return tuple(chosen)
        chosen.append(best)
        reached = best.end


def reach_of(pieces: Sequence[Piece]) -> int:
    """Return how much of a segment pieces give from its beginning on without a gap."""
    way = chosen_pieces(pieces)
    return way[-1].end if way else 0


def _piece(key: str, found: "re.Match[str]", *, segment_bytes: int) -> Piece:
    named = found.groupdict()
    first = int(named.get("first", "0"), 16)
    end = int(named["end"], 16) if "end" in named else segment_bytes
    return Piece(key=key, first=first, end=end, digest=named["digest"])


def two_servers_error(what: str) -> FailedError:
    """Return the error for two files of one name with other bytes."""
    return FailedError(
        f"the archive has different files `{what}`",
        code="DRC035",
        why="two servers with the same identity and timeline wrote into it, so nobody can tell which is right",
        fix="restore to a point before it: opsctl dr list; then keep each server's archive apart",
    )
