"""How does what was received get into the repository, so that nothing is lost whenever this process is killed?"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from opsctl.core.errors import OpsError, RefusedError
from opsctl.dr.archiver.spool import Spool, read_stretch, written_end
from opsctl.dr.ports import NamedVault
from opsctl.dr.postgres.archive import (
    Piece,
    WalArchive,
    digest_of,
    history_name,
    piece_name,
    prefix_of,
    reach_of,
    read_archive,
    whole_name,
)
from opsctl.dr.postgres.wal import PAGE_BYTES, Segment

# A piece from the beginning of a segment takes the place of all before it. So there are never many to fetch, and a
# segment that fills slowly is not sent again and again.
_PIECES_IN_A_ROW = 16


@dataclass(slots=True)
class _Progress:
    """What of an unfinished segment is in the repository: up to where, and as which pieces."""

    end: int = 0
    in_a_row: int = _PIECES_IN_A_ROW
    pieces: list[Piece] = field(default_factory=list)


class Shipper:
    """Ships the spool of one server; files go once they are in the repository, so a kill costs a repetition at most.

    Args:
        vault: takes what is shipped.
        discard: removes a key that was superseded; a repository that does not allow it loses nothing by that.
        system_identifier: of the server.
        spool: where its log comes in.
    """

    def __init__(
        self, vault: NamedVault, *, discard: Callable[[str], None], system_identifier: str, spool: Spool
    ) -> None:
        self._vault = vault
        self._discard = discard
        self._system = system_identifier
        self.spool = spool
        self._archive: WalArchive | None = None
        self._shipped: set[Segment] = set()
        self._shipped_histories: set[int] = set()
        self._newest: dict[int, Segment] = {}
        self._progress: dict[Segment, _Progress] = {}

    @property
    def waiting_bytes(self) -> int:
        """Return how much was received that is not in the repository yet."""
        wholes = [each for each in self.spool.wholes() if each not in self._shipped]
        return len(wholes) * self.spool.segment_bytes + sum(
            self._waiting_of(segment) for segment in self.spool.partials()
        )

    def archive(self) -> WalArchive:
        """Return what was in the repository when this process began with it.

        Raises:
            OpsError: whatever the vault raises.
        """
        if self._archive is None:
            self._archive = read_archive(
                self._vault, system_identifier=self._system, segment_bytes=self.spool.segment_bytes
            )
            for timeline in {segment.timeline for segment in self._archive.pieces}:
                newest = last_archived(self._archive, timeline=timeline)
                if newest is not None:
                    self._newest[timeline] = newest
            self._forget_superseded(self._archive)
        return self._archive

    def holds(self, lsn: int, *, timeline: int) -> bool:
        """Tell whether a position that the receiver has confirmed is in the repository."""
        number, offset = divmod(lsn - 1, self.spool.segment_bytes)
        segment = Segment(timeline, number)
        if segment <= self._newest.get(timeline, Segment(timeline, -1)):
            return True
        # A page that was written has a header, so what ends in zeros is short of its true end by less than one.
        return segment in self._progress and self._progress[segment].end + PAGE_BYTES > offset

    def clear(self) -> None:
        """Remove what is in the repository from a spool into which nothing comes any more."""
        if not self.waiting_bytes:
            self.spool.clear()

    def ship(self) -> None:
        """Ship everything that is there, whole or not.

        Raises:
            RefusedError: DRC035 another server of the same identity and timeline has archived here.
            OpsError: whatever the vault raises.
        """
        self.ship_wholes()
        for segment in self.spool.partials():
            self._ship_partial(segment)
        # After its first segment: a timeline that is known and empty would hide the end of the one before.
        for timeline in self.spool.histories():
            self._ship_history(timeline)

    def ship_wholes(self) -> None:
        """Ship the whole segments.

        Raises:
            RefusedError: DRC035 another server of the same identity and timeline has archived here.
            OpsError: whatever the vault raises.
        """
        wholes = self.spool.wholes()
        newest = max([*wholes, *self.spool.partials()], default=None)
        for segment in wholes:
            if segment not in self._shipped:
                self._ship_whole(segment)
            # By the newest file `pg_receivewal` knows where to go on, should it be started again.
            if segment != newest:
                self.spool.path_of(segment).unlink(missing_ok=True)
                self._shipped.discard(segment)

    def _ship_whole(self, segment: Segment) -> None:
        data = self.spool.path_of(segment).read_bytes()
        kept = self.archive().pieces.get(segment, ())
        digests = {each.digest for each in kept if (each.first, each.end) == (0, self.spool.segment_bytes)}
        progress = self._progress_of(segment)
        if (digests and digests != {digest_of(data)}) or not _agrees(data, progress.pieces):
            raise _other_server(segment.name(self.spool.segment_bytes))
        if not digests:
            name = segment.name(self.spool.segment_bytes)
            self._vault.put_named(prefix_of(self._system, segment.timeline), whole_name(name, data), data)
        self._shipped.add(segment)
        self._newest[segment.timeline] = max(segment, self._newest.get(segment.timeline, segment))
        self._drop(progress, up_to=self.spool.segment_bytes)
        del self._progress[segment]

    def _ship_partial(self, segment: Segment) -> None:
        progress, path = self._progress_of(segment), self.spool.partial_path_of(segment)
        try:
            end = written_end(path, after=progress.end)
            if end <= progress.end:
                return
            first = 0 if progress.in_a_row >= _PIECES_IN_A_ROW else progress.end
            data = read_stretch(path, first=first, end=end)
        except FileNotFoundError:
            return  # it was finished just now, and is shipped as a whole next time
        if first == 0 and not _agrees(data, progress.pieces):
            raise _other_server(segment.name(self.spool.segment_bytes))
        name = piece_name(segment.name(self.spool.segment_bytes), data, first=first)
        key = self._vault.put_named(prefix_of(self._system, segment.timeline), name, data)
        # The same bytes have the same key, so what an earlier process has shipped may be this very object.
        progress.pieces = [each for each in progress.pieces if each.key != key]
        if first == 0:
            self._drop(progress, up_to=end)
        progress.pieces.append(Piece(key=key, first=first, end=end, digest=digest_of(data)))
        progress.in_a_row = 1 if first == 0 else progress.in_a_row + 1
        progress.end = end

    def _ship_history(self, timeline: int) -> None:
        if timeline in self._shipped_histories:
            return
        data = self.spool.history_path_of(timeline).read_bytes()
        digests = {each.digest for each in self.archive().histories.get(timeline, ())}
        if digests and digests != {digest_of(data)}:
            raise _other_server(f"{timeline:08X}.history")
        if not digests:
            self._vault.put_named(prefix_of(self._system, timeline), history_name(timeline, data), data)
        self._shipped_histories.add(timeline)

    def _progress_of(self, segment: Segment) -> _Progress:
        """Return how far a segment is; what an earlier process has shipped of it is only there to be superseded."""
        if segment not in self._progress:
            size = self.spool.segment_bytes
            kept = self.archive().pieces.get(segment, ())
            pieces = [each for each in kept if (each.first, each.end) != (0, size)]
            self._progress[segment] = _Progress(pieces=pieces)
        return self._progress[segment]

    def _forget_superseded(self, archive: WalArchive) -> None:
        """Remove pieces of segments that are there as a whole: a process was killed between the two."""
        for pieces in archive.pieces.values():
            whole = (0, archive.segment_bytes)
            if any((each.first, each.end) == whole for each in pieces):
                rest = [each for each in pieces if (each.first, each.end) != whole]
                self._drop(_Progress(pieces=rest), up_to=archive.segment_bytes)

    def _drop(self, progress: _Progress, *, up_to: int) -> None:
        """Remove pieces that say nothing more than what was just shipped."""
        for piece in [each for each in progress.pieces if each.end <= up_to]:
            # A repository that lets nobody remove anything is a good one. They are only not needed any more.
            with suppress(OpsError):
                self._discard(piece.key)
            progress.pieces.remove(piece)

    def _waiting_of(self, segment: Segment) -> int:
        shipped = self._progress[segment].end if segment in self._progress else 0
        try:
            return written_end(self.spool.partial_path_of(segment), after=shipped) - shipped
        except FileNotFoundError:
            return 0


def _agrees(data: bytes, pieces: Sequence[Piece]) -> bool:
    """Tell whether the pieces that the beginning of a segment would supersede say the same; no key is needed for that."""
    view = memoryview(data)
    return all(
        digest_of(view[each.first : each.end]) == each.digest for each in pieces if each.end <= len(data)
    )


def last_archived(archive: WalArchive, *, timeline: int) -> Segment | None:
    """Return the newest segment of a timeline that is in the repository as a whole."""
    wholes = (
        segment
        for segment, pieces in archive.pieces.items()
        if segment.timeline == timeline and reach_of(pieces) == archive.segment_bytes
    )
    return max(wholes, default=None)


def _other_server(name: str) -> RefusedError:
    return RefusedError(
        f"the archive has another file `{name}` already",
        code="DRC035",
        why="a server with the same identity and timeline has archived here, such as a copy of this one's disk",
        fix="give this server a repository of its own, or bring it back by a restore, which begins a new timeline",
    )
