"""How are backups kept in a folder: of this machine, of a mounted disk, or of a share."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from opsctl.clients.files import file_error, sync_directory
from opsctl.clients.repository import StoredObject, checked_key, is_key, missing, occupied
from opsctl.clients.special_files import at_once
from opsctl.core.clock import Clock, SystemClock
from opsctl.core.errors import OpsError

_PIECE_BYTES = 1024 * 1024
# Hidden, so that it is no object: steps of keys begin with a letter or digit.
_UNFINISHED = ".unfinished"
_LEFTOVER_AFTER = timedelta(days=1)
_NO_OBJECT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})
# What a file system with checksums finds wrong: the object is lost, not out of reach.
_DAMAGED = frozenset({errno.EBADMSG, errno.EUCLEAN})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})


class FolderRepository:
    """Objects as files below one folder, each written beside it and linked to its name once it is whole.

    Backups hold everything, so what is made here can be read by its owner only.
    """

    def __init__(self, folder: Path, *, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()

    @property
    def place(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Keep a content under a key, durably."""
        target = self._path(key)
        with _translated(target, doing="write"):
            self._require_free(target, key=key)
            self._make(self._folder / _UNFINISHED)
            self._clear_leftovers()
        unfinished = self._folder / _UNFINISHED / f"{uuid4().hex}.tmp"
        try:
            self._fill(unfinished, pieces, target=target)
            with _translated(target, doing="write"):
                self._appear(unfinished, target, key=key)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            self._remove_empty(target.parent)  # made for nothing, where it did not appear
        with _translated(target, doing="read"):
            return _described(key, target)

    def get(self, key: str) -> Iterator[bytes]:
        """Yield the content, a bounded piece at a time."""
        path = self._path(key)
        try:
            with open(path, "rb", buffering=0, opener=at_once) as stream:
                found = os.fstat(stream.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise missing(key, place=self.place, why="what is there is no file")
                left = found.st_size
                while left > 0:
                    piece = stream.read(min(left, _PIECE_BYTES))
                    if not piece:
                        raise missing(key, place=self.place, why=f"it ends {left:,} bytes early")
                    left -= len(piece)
                    yield piece
        except OSError as error:
            if error.errno in _NO_OBJECT:
                raise missing(key, place=self.place) from error
            if error.errno in _DAMAGED or (
                error.errno == errno.EIO and self._takes_something() and _fails_again(path)
            ):
                raise missing(key, place=self.place, why=os.strerror(error.errno)) from error
            raise file_error(error, path=path, doing="read") from error

    def find(self, key: str) -> StoredObject | None:
        """Return what is known of an object; None when there is none."""
        path = self._path(key)
        with _translated(path, doing="read"):
            return _described(key, path) if path.is_file() else None

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every object whose key begins with `prefix`, in the order of keys."""
        with _translated(self._folder, doing="list"):
            try:
                # Not `exists`, which takes a link in a circle for a repository that is not there yet.
                self._folder.stat()
            except FileNotFoundError:
                return
            yield from _walk(self._folder, above="", prefix=prefix)

    def delete(self, key: str) -> None:
        """Remove an object, and the folders that are empty without it."""
        path = self._path(key)
        with _translated(path, doing="remove"):
            try:
                path.unlink()
            except OSError as error:
                if error.errno in _NO_OBJECT:
                    return
                raise
            sync_directory(path.parent)
            self._remove_empty(path.parent)

    def _takes_something(self) -> bool:
        """Tell whether the disk or server is there: one that is away gives the errors of bad sectors, and takes nothing."""
        probe = self._folder / _UNFINISHED / f"{uuid4().hex}.tmp"
        try:
            self._make(probe.parent)
            self._fill(probe, [b"is anybody there?"], target=probe)
        except (OSError, OpsError):
            return False
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
        return True

    def _path(self, key: str) -> Path:
        return self._folder / checked_key(key)

    def _require_free(self, target: Path, *, key: str) -> None:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists():
            raise occupied(key, place=self.place)
        self._make(target.parent)

    def _fill(self, unfinished: Path, pieces: Iterable[bytes], *, target: Path) -> None:
        """Write everything and sync it; an error of `pieces` goes through as it is, an `OSError` too."""
        with _translated(target, doing="write"):
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as stream:
            for piece in pieces:
                with _translated(target, doing="write"):
                    _write_all(stream.fileno(), piece)
            with _translated(target, doing="write"):
                os.fsync(descriptor)

    def _appear(self, unfinished: Path, target: Path, *, key: str) -> None:
        try:
            self._link(unfinished, target)
        except FileExistsError as error:
            raise occupied(key, place=self.place) from error
        sync_directory(target.parent)

    def _link(self, unfinished: Path, target: Path) -> None:
        """Give the file its name, unless the name is taken: a link never overwrites."""
        try:
            self._make(target.parent)
            os.link(unfinished, target)
        except FileNotFoundError:
            # Somebody who removed the last object of that folder has just removed the folder, too.
            self._make(target.parent)
            os.link(unfinished, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # A stick formatted as FAT knows no links; there a look comes first, and two at once could meet.
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            unfinished.rename(target)

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, each name durable."""
        if folder.is_dir():
            return
        if folder.parent != folder:
            self._make(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        sync_directory(folder.parent)

    def _clear_leftovers(self) -> None:
        """Remove what a killed `put` has left; what is younger than a day may still be written."""
        for path in (self._folder / _UNFINISHED).glob("*.tmp"):
            with suppress(FileNotFoundError):
                if self._clock.now() - _modified_at(path.stat()) > _LEFTOVER_AFTER:
                    path.unlink()

    def _remove_empty(self, folder: Path) -> None:
        with suppress(OSError):  # not empty: the usual case
            while folder != self._folder:
                folder.rmdir()
                folder = folder.parent


def _fails_again(path: Path) -> bool:
    try:
        with open(path, "rb", buffering=0, opener=at_once) as stream:
            while stream.read(_PIECE_BYTES):
                pass
    except OSError as error:
        return error.errno == errno.EIO
    return False


def _walk(folder: Path, *, above: str, prefix: str) -> Iterator[StoredObject]:
    """Yield the objects below a folder in the order of their keys, holding one folder's names at a time."""
    with os.scandir(folder) as entries:
        # With its slash a folder sorts as its keys do: `a-b` comes before `a/b`.
        names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)
    for name in names:
        key = above + name
        if not is_key(key.removesuffix("/")):
            continue
        if name.endswith("/"):
            if key.startswith(prefix) or prefix.startswith(key):
                with suppress(FileNotFoundError):
                    yield from _walk(folder / name, above=key, prefix=prefix)
        elif key.startswith(prefix):
            with suppress(FileNotFoundError):  # removed since the look
                yield _described(key, folder / name)


def _described(key: str, path: Path) -> StoredObject:
    found = path.stat()
    return StoredObject(key=key, size_bytes=found.st_size, modified_at=_modified_at(found))


def _modified_at(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime, tz=UTC)


def _write_all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def _translated(path: Path, *, doing: str) -> Iterator[None]:
    try:
        yield
    except OpsError:
        raise
    except OSError as error:
        raise file_error(error, path=path, doing=doing) from error
