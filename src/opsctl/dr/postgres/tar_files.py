"""How does a tar stream become files, and a folder of files a tar stream, piece by piece."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from opsctl.clients.files import file_error
from opsctl.clients.processes import Account
from opsctl.dr.postgres.tar_stream import END, TarMember, TarWalker, damaged_tar, make_header, padding

_PIECE_BYTES = 1 << 20


def unpack(pieces: Iterable[bytes], *, into: Path, account: Account | None = None) -> None:
    """Write every file of a tar stream into a folder that is there; `account` owns what is made.

    Raises:
        FailedError: DRC022 when the stream is damaged, breaks off, or leads out of the folder.
        NotReadyError: FIL001 when the disk is full, FIL003 for any other refusal.
    """
    unpacker = _Unpacker(into, account)
    walker = TarWalker(unpacker.open_sink)
    try:
        for piece in pieces:
            walker.feed(piece)
        walker.finish()
    except OSError as error:
        raise file_error(error, path=into, doing="unpack into") from error
    finally:
        unpacker.close()


def pack(folder: Path) -> Iterator[bytes]:
    """Yield a tar stream of the files of a folder, which has no folders in it, by name."""
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            size_bytes = os.fstat(stream.fileno()).st_size
            yield make_header(path.name, size_bytes=size_bytes)
            left = size_bytes
            while left and (piece := stream.read(min(left, _PIECE_BYTES))):
                left -= len(piece)
                yield piece
            if left:
                raise damaged_tar(f"`{path.name}` became shorter while it was read")
            yield padding(size_bytes)
    yield END


class _Unpacker:
    """Makes files and folders below one folder, and nowhere else."""

    def __init__(self, into: Path, account: Account | None) -> None:
        self._into = into
        self._account = account
        self._open: _FileSink | None = None

    def open_sink(self, member: TarMember) -> "_FileSink | None":
        """Make the folder or file of a member."""
        self.close()
        path = self._into / _checked_name(member)
        if member.is_folder:
            self._make_folder(path)
            return None
        self._make_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        self._open = _FileSink(descriptor)
        if self._account is not None:
            os.fchown(descriptor, self._account.uid, self._account.gid)
        return self._open

    def close(self) -> None:
        """Close the file of a stream that broke off."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _make_folder(self, path: Path) -> None:
        if path.is_dir():
            return
        self._make_folder(path.parent)
        path.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)


class _FileSink:
    """Writes one file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def write(self, piece: memoryview) -> None:
        """Write all of a piece."""
        while len(piece) and self._descriptor is not None:
            piece = piece[os.write(self._descriptor, piece) :]

    def close(self) -> None:
        """Close the file; once is enough."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _checked_name(member: TarMember) -> PurePosixPath:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\0" in member.name:
        raise damaged_tar(f"`{member.name}` leads out of its folder")
    if not (member.is_file or member.is_folder):
        raise damaged_tar(f"`{member.name}` is neither a file nor a folder")
    return name
