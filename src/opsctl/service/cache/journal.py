"""What was invalidated, told to every worker of a machine: a ring of marks in a file that all of them map."""

import errno
import fcntl
import mmap
import os
import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from opsctl.core.errors import NotReadyError

# Header: magic, version, slots, bytes of a slot; the sequence is the fifth 8-byte word, alone in its place.
_HEADER = struct.Struct("<8sIII12x")
_HEADER_BYTES = 64
_SEQUENCE_WORD = 4
_HEAD = _HEADER.pack(b"OPSINVAL", 1, 4096, 256)
_SLOTS = 4096
_SLOT_BYTES = 256
_FILE_BYTES = _HEADER_BYTES + _SLOTS * _SLOT_BYTES

# A slot: number of the mark, checksum over number and text, length of the text, text.
_SLOT = struct.Struct("<Q8sH")
_LONGEST_MARK = _SLOT_BYTES - _SLOT.size

_KINDS_OF_MARK = ("tag", "key", "kind", "apikey")
EVERYTHING = "all"

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# A writer needs microseconds; one that was stopped (SIGSTOP) must not hold up the others for ever.
_LOCK_WAIT_SECONDS = 2.0
_LOCK_RETRY_SECONDS = 0.0005


class InvalidationJournal:
    """Marks that all processes of a machine post and read: `tag:<tag>`, `key:<key>`, `kind:<kind>`, `apikey:<prefix>`, `all`.

    Writers hold a lock that the kernel takes back when they die. Readers take none: each slot carries its number
    and a checksum, so that a slot that is half written, or was written over meanwhile, is told from a good one.
    A mark counts once the sequence number, one aligned word, says so.

    Args:
        path: the file; made, with mode 600, when it is not there, and made anew in place when it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._map, self._words, self._inode = self._open()

    @property
    def sequence(self) -> int:
        """Return the number of the newest mark: one read of eight bytes."""
        return self._words[_SEQUENCE_WORD]

    def post(self, *marks: str) -> int:
        """Write marks for every worker and return the number of the last one.

        Raises:
            ValueError: a mark is none of the known forms.
            NotReadyError: CAC002 when another process has held the lock for seconds, CAC001 when the file is refused.
        """
        texts = _texts(marks)
        with self._locked():
            if self._map[: len(_HEAD)] != _HEAD:
                _write_header(self._map, self._words)
            number = self.sequence
            for text in texts:
                number += 1
                self._write_slot(number, text)
            self._words[_SEQUENCE_WORD] = number
        return number

    def read_since(self, sequence: int) -> tuple[int, tuple[str, ...] | None]:
        """Return the newest number and the marks after `sequence`; None for these when some are no longer there.

        None means: whatever it was is gone, so clear everything.
        """
        newest = self.sequence
        if newest == sequence:
            return newest, ()
        if not 0 < newest - sequence <= _SLOTS:
            return newest, None
        marks = []
        for number in range(sequence + 1, newest + 1):
            mark = self._read_slot(number)
            if mark is None:
                return newest, None
            marks.append(mark)
        return newest, tuple(marks)

    def reattach(self) -> bool:
        """Map the file at the path again when it is another one than at the start; tell whether it was.

        A reader of a file that was removed would never hear of anything again.

        Raises:
            NotReadyError: as with `post`. What was mapped before stays so, and the next call tries again.
        """
        with suppress(OSError):
            status = self.path.stat()
            if status.st_ino == self._inode and status.st_size >= _FILE_BYTES:
                return False
        # First the new one: whoever reads the sequence before each request needs one of the two.
        fresh = self._open()
        self.close()
        self._map, self._words, self._inode = fresh
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._words.release()
        self._map.close()

    def _open(self) -> "tuple[mmap.mmap, memoryview, int]":
        with self._descriptor() as descriptor, _lock(descriptor, self.path):
            status = os.fstat(descriptor)
            try:
                return self._map_file(descriptor, status)
            except OSError as error:
                # As it was found: one of full length with holes in it would pass for whole at the next look.
                os.ftruncate(descriptor, status.st_size)
                raise self._refused(error) from error

    def _map_file(self, descriptor: int, status: os.stat_result) -> "tuple[mmap.mmap, memoryview, int]":
        os.fchmod(descriptor, 0o600)
        if status.st_size != _FILE_BYTES:
            # Never shorter: a worker that has it mapped would be killed (SIGBUS) by reading what was cut off.
            os.ftruncate(descriptor, max(_FILE_BYTES, status.st_size))
        # Room on the disk now: writing into a hole of a full one would kill the process (SIGBUS).
        os.posix_fallocate(descriptor, 0, _FILE_BYTES)
        mapped = mmap.mmap(descriptor, _FILE_BYTES)
        words = memoryview(mapped).cast("B")[:_HEADER_BYTES].cast("Q")
        if mapped[: len(_HEAD)] != _HEAD:
            _write_header(mapped, words)
        return mapped, words, status.st_ino

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The lock belongs to a descriptor of its own, so that threads and forked processes exclude each other too.
        self.reattach()
        with self._descriptor() as descriptor, _lock(descriptor, self.path):
            yield

    @contextmanager
    def _descriptor(self) -> Iterator[int]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._refused(error) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _refused(self, error: OSError) -> NotReadyError:
        is_full = error.errno in _NO_ROOM
        journal, folder = f"the journal of invalidations `{self.path}`", self.path.parent
        return NotReadyError(
            f"there is no room for {journal}" if is_full else f"{journal} cannot be opened",
            code="CAC001",
            why=error.strerror,
            fix=f"look at its disk: df -h {folder}" if is_full else f"look at its folder: ls -la {folder}",
        )

    def _write_slot(self, number: int, text: bytes) -> None:
        start = _HEADER_BYTES + number % _SLOTS * _SLOT_BYTES
        slot = _SLOT.pack(number, _checksum(number, text), len(text)) + text
        self._map[start : start + len(slot)] = slot

    def _read_slot(self, number: int) -> str | None:
        start = _HEADER_BYTES + number % _SLOTS * _SLOT_BYTES
        slot = self._map[start : start + _SLOT_BYTES]
        found, checksum, length = _SLOT.unpack_from(slot)
        text = slot[_SLOT.size : _SLOT.size + length]
        if found != number or checksum != _checksum(number, text):
            return None
        return text.decode()


def _write_header(mapped: mmap.mmap, words: memoryview) -> None:
    # A random start: whoever still holds a number of the former content sees a jump, never the same number.
    words[_SEQUENCE_WORD] = secrets.randbits(60) | 1 << 60
    mapped[: len(_HEAD)] = _HEAD


def _checksum(number: int, text: bytes) -> bytes:
    return blake2b(text, digest_size=8, salt=number.to_bytes(8, "little")).digest()


def _texts(marks: tuple[str, ...]) -> list[bytes]:
    """Return what is written; a mark too long for a slot becomes a shorter one that drops more."""
    texts = [_text(mark) for mark in marks]
    return texts if len(texts) <= _SLOTS else [EVERYTHING.encode()]


def _text(mark: str) -> bytes:
    form, _, rest = mark.partition(":")
    if mark != EVERYTHING and not (form in _KINDS_OF_MARK and rest):
        raise ValueError(f"`{mark}` is no mark of an invalidation")
    text = mark.encode()
    if len(text) <= _LONGEST_MARK:
        return text
    kind = f"kind:{rest.partition(':')[0]}".encode()
    return kind if form == "key" and ":" in rest and len(kind) <= _LONGEST_MARK else EVERYTHING.encode()


@contextmanager
def _lock(descriptor: int, path: Path) -> Iterator[None]:
    deadline = time.monotonic() + _LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise NotReadyError(
                    f"another process has held the journal of invalidations `{path}` for seconds",
                    code="CAC002",
                    why="a worker was stopped while it wrote; one that is killed lets go at once",
                    fix=f"find it and end it or let it go on: fuser {path}",
                ) from error
        time.sleep(_LOCK_RETRY_SECONDS)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
