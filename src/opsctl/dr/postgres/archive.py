"""What of a server's write-ahead log is in the repository, under which names, and how it is read back.

A whole segment is one object. Of the segment that is being written there are pieces, each with the bytes that came
since the one before; every now and then one from its beginning supersedes them all. The digest of the plain bytes is
part of each name, so that a segment of another server with the same name is noticed without a key to decrypt it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from opsctl.clients.repository import GONE
from opsctl.core.errors import FailedError, OpsError
from opsctl.dr.ports import NamedVault
from opsctl.dr.postgres.wal import Held, Lineage, Segment, parse_history, parse_segment_name
from opsctl.dr.postgres.wal_page import check_segment

WAL = "wal"
# Each look finds more of the segment; an archiver needs seconds to supersede what one look has found.
_LOOKS = 4
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


def read_lineages(vault: NamedVault, archive: WalArchive) -> tuple[Lineage, ...]:
    """Return where each timeline that has a history comes from.

    Raises:
        FailedError: DRC035 when there are two of one timeline, DRC037 when one is damaged.
    """
    return tuple(
        parse_history(read_history(vault, archive, timeline).decode(errors="replace"), timeline=timeline)
        for timeline in sorted(archive.histories)
    )


def read_history(vault: NamedVault, archive: WalArchive, timeline: int) -> bytes:
    """Return the history file of a timeline.

    Raises:
        FailedError: DRC035 when there are two that differ, DRC037 when it is damaged.
    """
    kept = archive.histories[timeline]
    _require_one({each.digest for each in kept}, what=f"{timeline:08X}.history")
    return _verified(vault, kept[0])


def read_segment(vault: NamedVault, archive: WalArchive, segment: Segment) -> bytes:
    """Return a segment in its full length; where it was not finished, zeros follow, as PostgreSQL has them there.

    Where an archiver has superseded its pieces since `archive` was read, those that are there now are taken.

    Raises:
        FailedError: DRC035 when there are two that differ, DRC037 when it is not what its name says; whatever the
            vault raises when it is damaged.
    """
    kept = archive.pieces.get(segment, ())
    for _ in range(_LOOKS - 1):
        try:
            return _read_segment(vault, archive, segment, kept)
        except OpsError as error:
            if error.code != GONE:
                raise
            now = pieces_now(vault, archive, segment)
            # What has gone without anything in its place is a loss, and not to be passed over.
            if set(now) == set(kept) or reach_of(now) < reach_of(kept):
                raise
            kept = now
    return _read_segment(vault, archive, segment, kept)


def pieces_now(vault: NamedVault, archive: WalArchive, segment: Segment) -> tuple[Piece, ...]:
    """Return what is there of a segment by now: an archiver puts what says more in the place of what says less."""
    now = archive_of(
        vault.keys_named(prefix_of(archive.system_identifier, segment.timeline)),
        system_identifier=archive.system_identifier,
        segment_bytes=archive.segment_bytes,
    )
    return now.pieces.get(segment, ())


def _read_segment(vault: NamedVault, archive: WalArchive, segment: Segment, kept: Sequence[Piece]) -> bytes:
    size = archive.segment_bytes
    wholes = [each for each in kept if (each.first, each.end) == (0, size)]
    _require_one({each.digest for each in wholes}, what=segment.name(size))
    name = segment.name(size)
    data = _any_copy(vault, wholes) if wholes else _assembled(vault, chosen_pieces(kept), what=name)
    check_segment(data, segment, system_identifier=archive.system_identifier, segment_bytes=size)
    return data + bytes(size - len(data))


def _piece(key: str, found: "re.Match[str]", *, segment_bytes: int) -> Piece:
    named = found.groupdict()
    first = int(named.get("first", "0"), 16)
    end = int(named["end"], 16) if "end" in named else segment_bytes
    return Piece(key=key, first=first, end=end, digest=named["digest"])


def _any_copy(vault: NamedVault, copies: Sequence[Piece]) -> bytes:
    """Return what is whole of several copies; one that is damaged is no loss while there is another."""
    for copy in copies[:-1]:
        try:
            return _verified(vault, copy)
        except OpsError:
            continue
    return _verified(vault, copies[-1])


def _assembled(vault: NamedVault, way: Sequence[Piece], *, what: str) -> bytes:
    data = bytearray()
    for piece in way:
        more = _verified(vault, piece)
        # Where pieces overlap they say the same, or are of two servers.
        overlap = bytes(data[piece.first :])
        if not more.startswith(overlap):
            raise _two_servers(what)
        data += more[len(overlap) :]
    return bytes(data)


def _verified(vault: NamedVault, piece: Piece) -> bytes:
    data = vault.get_named(piece.key)
    if digest_of(data) != piece.digest or (piece.end and len(data) != piece.end - piece.first):
        raise FailedError(
            f"`{piece.key}` is not what its name says",
            code="DRC037",
            why="its digest or length differs",
            fix="restore to a point before it, or from a later backup: opsctl dr list",
        )
    return data


def _require_one(digests: set[str], *, what: str) -> None:
    if len(digests) > 1:
        raise _two_servers(what)


def _two_servers(what: str) -> FailedError:
    return FailedError(
        f"the archive has different files `{what}`",
        code="DRC035",
        why="two servers with the same identity and timeline wrote into it, so nobody can tell which is right",
        fix="restore to a point before it: opsctl dr list; then keep each server's archive apart",
    )
