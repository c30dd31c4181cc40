"""What is in a tar stream: its members as they pass, none of them held in memory, and whether it is whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from opsctl.core.errors import FailedError

BLOCK = 512
_FILE_TYPES = frozenset({b"0", b"\0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """A member, as its header tells."""

    name: str
    size_bytes: int
    is_file: bool
    is_folder: bool
    mode: int


class Sink(Protocol):
    """What takes the content of one member."""

    def write(self, piece: memoryview) -> None:
        """Take the next bytes; they are valid during the call only."""
        ...

    def close(self) -> None:
        """The member is whole."""
        ...


class Collected:
    """A sink that keeps the content, for members known to be small."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.is_whole = False

    def write(self, piece: memoryview) -> None:
        """Take the next bytes."""
        self._pieces.append(bytes(piece))

    def close(self) -> None:
        """Note that nothing is missing."""
        self.is_whole = True

    @property
    def data(self) -> bytes:
        """Return the content."""
        return b"".join(self._pieces)


class TarWalker:
    """Walk a tar stream that is handed over piece by piece.

    It reads headers only, and passes contents on as they are: `tarfile` copies every byte several times, which at the
    speed of a base backup costs a core.

    Args:
        open_sink: gets each member, and returns what is to take its content; None for a member to be skipped.
    """

    def __init__(self, open_sink: Callable[[TarMember], Sink | None]) -> None:
        self._open_sink = open_sink
        self._header = bytearray()
        self._content_left = 0
        self._skip_left = 0
        self._sink: Sink | None = None
        self._zero_blocks = 0

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes of the stream.

        Raises:
            FailedError: DRC022 when they are no tar stream.
        """
        view = memoryview(piece)
        while view:
            if self._content_left:
                taken = self._pass_on(view)
            elif self._skip_left:
                taken = min(len(view), self._skip_left)
                self._skip_left -= taken
            else:
                taken = self._collect_header(view)
            view = view[taken:]

    def finish(self) -> None:
        """Make sure that the stream has come to its end.

        Raises:
            FailedError: DRC022 when it breaks off.
        """
        if self._zero_blocks < 2 or self._content_left or self._header:
            raise damaged_tar("it breaks off before its end")

    def _pass_on(self, view: memoryview) -> int:
        taken = min(len(view), self._content_left)
        if self._sink is not None:
            self._sink.write(view[:taken])
        self._content_left -= taken
        if not self._content_left:
            self._close()
        return taken

    def _collect_header(self, view: memoryview) -> int:
        taken = min(len(view), BLOCK - len(self._header))
        self._header += view[:taken]
        if len(self._header) == BLOCK:
            block = bytes(self._header)
            self._header.clear()
            self._begin(block)
        return taken

    def _begin(self, block: bytes) -> None:
        if not any(block):
            self._zero_blocks += 1
            return
        if self._zero_blocks:
            raise damaged_tar("something follows its end")
        member = parse_header(block)
        self._sink = self._open_sink(member)
        self._content_left = member.size_bytes
        self._skip_left = -member.size_bytes % BLOCK
        if not member.size_bytes:
            self._close()

    def _close(self) -> None:
        if self._sink is not None:
            self._sink.close()
        self._sink = None


def parse_header(block: bytes) -> TarMember:
    """Return what a header tells.

    Raises:
        FailedError: DRC022 when it is damaged.
    """
    try:
        expected = int(block[148:156].rstrip(b" \0") or b"0", 8)
        size_bytes = _number(block[124:136])
        mode = _number(block[100:108])
    except ValueError as error:
        raise damaged_tar("a header is no header") from error
    if expected != sum(block[:148]) + sum(block[156:]) + 8 * 32:
        raise damaged_tar("the checksum of a header is wrong")
    name = _text(block[:100])
    is_ustar = block[257:262] == b"ustar"
    if is_ustar and (folder := _text(block[345:500])):
        name = f"{folder}/{name}"
    kind = block[156:157]
    return TarMember(
        name=name,
        size_bytes=size_bytes if kind in _FILE_TYPES else 0,
        is_file=kind in _FILE_TYPES,
        is_folder=kind == b"5",
        mode=mode,
    )


def make_header(name: str, *, size_bytes: int) -> bytes:
    """Return the header of a file; names and contents follow PostgreSQL's own dumps, so both are plain and short."""
    import tarfile

    info = tarfile.TarInfo(name)
    info.size = size_bytes
    info.mode = 0o600
    return info.tobuf(format=tarfile.GNU_FORMAT)


def padding(size_bytes: int) -> bytes:
    """Return what fills the last block of a member."""
    return bytes(-size_bytes % BLOCK)


END = bytes(2 * BLOCK)


def damaged_tar(why: str) -> FailedError:
    """Return the error for a tar stream that is not whole."""
    return FailedError(
        "a base backup or dump is not whole",
        code="DRC022",
        why=f"its tar stream is damaged: {why}",
        fix="take another backup: opsctl dr backup",
    )


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        # Sizes from 8 GiB on do not fit into octal digits.
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    return int(field.rstrip(b" \0") or b"0", 8)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode(errors="surrogateescape")
