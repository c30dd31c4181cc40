"""Is the LMDB file whole, and when it is not, who makes it anew: one of all the processes that have it open."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb
from lmdb.verify import VerifyError, verify

_READERS = 512
_DATABASES = 4

# What LMDB says of a file that is not (or no longer) what it wrote.
DAMAGE = (
    lmdb.BadTxnError,
    lmdb.CorruptedError,
    lmdb.IncompatibleError,
    lmdb.InvalidError,
    lmdb.MapResizedError,
    lmdb.PageNotFoundError,
    lmdb.PanicError,
    lmdb.VersionMismatchError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An environment with its databases, and the file that it has mapped.

    Args:
        entries: key -> end of its time, place in the order, value.
        order: place in the order of writing -> key.
        ends: end of its time and place in the order -> key.
        meta: figures that all processes share.
    """

    environment: Any
    entries: Any
    order: Any
    ends: Any
    meta: Any
    inode: int
    page_bytes: int
    users: int

    def close(self) -> None:
        """Let go of the file, and of being one of its users."""
        self.environment.close()
        os.close(self.users)


class LmdbFile:
    """The file `l2.lmdb` of a folder; many processes open it, one of them makes it anew where it must be.

    Opening is serialised by a lock. Whoever opens the file while nobody else has it walks through all of it first,
    without LMDB (`lmdb.verify`, some 3 s a GB); a file that is damaged is removed and begun anew, and counted.
    """

    def __init__(self, folder: Path, *, map_bytes: int) -> None:
        self.path = folder / "l2.lmdb"
        self.map_bytes = map_bytes
        self._folder = folder

    def open(self) -> tuple[OpenFile, bool]:
        """Open the file and tell whether it was made anew because it was damaged."""
        with self._alone():
            is_damaged = self._nobody_has_it() and self.path.exists() and _is_damaged(self.path)
            if is_damaged:
                self._remove()
            try:
                return self._open(), is_damaged
            except DAMAGE:
                # Others have it open, so that it was not walked through.
                self._remove()
                return self._open(), True

    def replace(self, broken: OpenFile) -> tuple[OpenFile, bool]:
        """Open the file again after `broken` turned out damaged; tell whether it was this process that made it anew."""
        with self._alone():
            inode = self._inode()
            is_first = inode == broken.inode
            if is_first:
                self._remove()
            elif inode is None:
                # Somebody removed it, which is no damage; its lock file belongs to the mapping that is given up.
                self._lock_path.unlink(missing_ok=True)
            opened = self._open()
            os.close(broken.users)
            return opened, is_first

    def size_of(self, opened: OpenFile) -> int:
        """Return the bytes of the file that is mapped; 0 when the path names another one by now.

        A file of LMDB never becomes shorter. Reading a page that was cut off would kill the process (SIGBUS), hence
        the look before each use.
        """
        try:
            status = os.stat(self.path)  # noqa: PTH116 - half the time of Path.stat, before every lookup
        except FileNotFoundError:
            return 0
        return status.st_size if status.st_ino == opened.inode else 0

    def rebuilds(self) -> int:
        """Return how often the file was made anew because it was damaged."""
        with suppress(FileNotFoundError, ValueError):
            return int(self._rebuilds_path.read_text(encoding="ascii"))
        return 0

    @property
    def _rebuilds_path(self) -> Path:
        return self._folder / "rebuilds"

    @property
    def _lock_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}-lock")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)  # it may be removed while the file is in use
        descriptor = os.open(self._folder / "opening", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _nobody_has_it(self) -> bool:
        descriptor = self._users_descriptor()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _users_descriptor(self) -> int:
        return os.open(self._folder / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _inode(self) -> int | None:
        return self.path.stat().st_ino if self.path.exists() else None

    def _remove(self) -> None:
        self._rebuilds_path.write_text(str(self.rebuilds() + 1), encoding="ascii")
        self.path.unlink(missing_ok=True)
        # LMDB's own lock file goes along: a new data file beside an old reader table is two files in one.
        self._lock_path.unlink(missing_ok=True)

    def _open(self) -> OpenFile:
        environment = lmdb.open(
            str(self.path),
            map_size=self.map_bytes,
            subdir=False,
            sync=False,  # a cache: after a power cut it may be gone, and the walk at the next start finds out
            metasync=False,
            readahead=False,
            max_dbs=_DATABASES,
            max_readers=_READERS,
            mode=0o600,
        )
        # Slots of workers that were killed keep old pages from being used again.
        environment.reader_check()
        users = self._users_descriptor()
        fcntl.flock(users, fcntl.LOCK_SH)
        names = (b"entries", b"order", b"ends", b"meta")
        entries, order, ends, meta = (environment.open_db(name) for name in names)
        inode = self.path.stat().st_ino
        page_bytes = environment.stat()["psize"]
        return OpenFile(environment, entries, order, ends, meta, inode, page_bytes, users)


def _is_damaged(path: Path) -> bool:
    try:
        return bool(verify(str(path), subdir=False))  # type: ignore[no-untyped-call]  # the library leaves it untyped
    except (VerifyError, OSError):
        return True
