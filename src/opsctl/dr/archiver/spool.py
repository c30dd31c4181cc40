"""What has come from the server and waits on this machine: whole segments, the one being written, histories."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opsctl.dr.postgres.wal import Segment, parse_segment_name
from opsctl.dr.postgres.wal_page import HEADER_BYTES, read_segment_header

_HISTORY = re.compile(r"(?P<timeline>[0-9A-F]{8})\.history", re.ASCII)
_PARTIAL = ".partial"
_CHUNK = bytes(1 << 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spool:
    """A folder that `pg_receivewal` fills, of one server; a segment that is being written ends in `.partial`."""

    folder: Path
    segment_bytes: int

    def wholes(self) -> list[Segment]:
        """Return the whole segments, in order."""
        found = (self._segment(path.name) for path in self._files())
        return sorted(each for each in found if each is not None and self.size_of(each) == self.segment_bytes)

    def partials(self) -> list[Segment]:
        """Return the segments that are being written, or were when their timeline ended, in order."""
        names = (path.name for path in self._files() if path.name.endswith(_PARTIAL))
        found = (self._segment(name.removesuffix(_PARTIAL)) for name in names)
        return sorted(each for each in found if each is not None)

    def histories(self) -> list[int]:
        """Return the timelines of which there is a history."""
        found = (_HISTORY.fullmatch(path.name) for path in self._files())
        return sorted(int(each["timeline"], 16) for each in found if each is not None)

    def path_of(self, segment: Segment) -> Path:
        """Return where a whole segment is."""
        return self.folder / segment.name(self.segment_bytes)

    def partial_path_of(self, segment: Segment) -> Path:
        """Return where a segment is that is being written."""
        return self.folder / f"{segment.name(self.segment_bytes)}{_PARTIAL}"

    def history_path_of(self, timeline: int) -> Path:
        """Return where a history is."""
        return self.folder / f"{timeline:08X}.history"

    def size_of(self, segment: Segment) -> int:
        """Return how large the file of a whole segment is; 0 when it is gone."""
        try:
            return self.path_of(segment).stat().st_size
        except FileNotFoundError:
            return 0

    def mend(self) -> None:
        """Remove segments whose making was cut short by a full disk or a kill; `pg_receivewal` would refuse them for ever.

        They hold nothing yet, or what the server sends again: its slot stands at the segment's beginning at most.
        """
        for segment in self.partials():
            path = self.partial_path_of(segment)
            if path.stat().st_size not in (0, self.segment_bytes):
                path.unlink()

    def begin_at(self, segment: Segment) -> None:
        """Have `pg_receivewal` begin with this segment, which it does where it finds its unfinished file."""
        self.partial_path_of(segment).touch(mode=0o600)

    def clear(self, *, older_than: int | None = None) -> None:
        """Remove every segment, or those of timelines before one; the caller has shipped them."""
        for segments, path_of in ((self.wholes(), self.path_of), (self.partials(), self.partial_path_of)):
            for segment in segments:
                if older_than is None or segment.timeline < older_than:
                    path_of(segment).unlink(missing_ok=True)

    def _segment(self, name: str) -> Segment | None:
        return parse_segment_name(name, segment_bytes=self.segment_bytes)

    def _files(self) -> list[Path]:
        return list(self.folder.iterdir())


def segment_bytes_in(folder: Path) -> int:
    """Return how large segments are, as those in a folder say themselves; 0 where none does.

    The length of a file does not tell: one that is being made may not have all of it yet.
    """
    headers = (
        read_segment_header(read_stretch(path, first=0, end=HEADER_BYTES)) for path in _files_of(folder)
    )
    return next((header.segment_bytes for header in headers if header is not None), 0)


def bytes_in(folder: Path) -> int:
    """Return how much is written in a folder of which it is not known how large its segments are."""
    total = 0
    for path in _files_of(folder):
        with suppress(
            FileNotFoundError
        ):  # finished just now, by a receiver that a killed archiver left behind
            total += written_end(path, after=0)
    return total


def _files_of(folder: Path) -> list[Path]:
    """Return the files of segments, whole or not."""
    names = "[0-9A-F]" * 24
    return [*folder.glob(names), *folder.glob(names + _PARTIAL)]


def written_end(path: Path, *, after: int) -> int:
    """Return where the written part of a file ends that is filled up with zeros; `after` of it is known to be written.

    The log is written from front to back. So once its last byte is seen, everything before it can be read as it is,
    while a reader that runs along with the writer may find a hole.
    """
    with path.open("rb", buffering=0) as stream:
        end = os.fstat(stream.fileno()).st_size
        while end > after:
            begin = max(after, end - len(_CHUNK))
            chunk = os.pread(stream.fileno(), end - begin, begin)
            if chunk != _CHUNK[: len(chunk)]:
                return begin + len(chunk.rstrip(b"\0"))
            end = begin
    return after


def read_stretch(path: Path, *, first: int, end: int) -> bytes:
    """Return some bytes of a file."""
    with path.open("rb", buffering=0) as stream:
        stream.seek(first)
        data = bytearray()
        while len(data) < end - first and (piece := stream.read(end - first - len(data))):
            data += piece
    return bytes(data)
