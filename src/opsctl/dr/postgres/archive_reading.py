"""How is a segment of the log read back whole from the pieces that are in the repository?"""

from collections.abc import Sequence

from opsctl.clients.repository import GONE
from opsctl.core.errors import FailedError, OpsError
from opsctl.dr.ports import NamedVault
from opsctl.dr.postgres.archive import (
    Piece,
    WalArchive,
    archive_of,
    chosen_pieces,
    digest_of,
    prefix_of,
    reach_of,
    two_servers_error,
)
from opsctl.dr.postgres.wal import Lineage, Segment, parse_history
from opsctl.dr.postgres.wal_page import check_segment

# Each look finds more of the segment; an archiver needs seconds to supersede what one look has found.
_LOOKS = 4


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
            raise two_servers_error(what)
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
        raise two_servers_error(what)
