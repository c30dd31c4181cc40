"""Where do all workers of a machine keep the cells of the rate limit: a file in shared memory, bounded, locked by bucket.

Times are nanoseconds of `CLOCK_BOOTTIME`: one clock for all processes of a machine, which never goes back and goes on
through suspend. It begins anew at every boot, so the file names the boot that it belongs to and is made anew in the next.
"""

import fcntl
import mmap
import os
import secrets
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from opsctl.service.edge.byte_lock import ByteLock
from opsctl.service.edge.gcra import Allowance, Verdict, decide

_MAGIC = b"opslim01"
_HEADER = struct.Struct("<8sQ16s32s")
_HEADER_BYTES = 128
# Eight fingerprints, then the eight times that belong to them: two cache lines.
_BUCKET_BYTES = 128
_WAYS = 8
_BUCKETS = 1 << 16
# Places that a worker remembers, so that it need not hash anew; forgetting one costs nothing else.
_MOST_PLACES = 1 << 15
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_clock_ns() -> int:
    """Return nanoseconds since this machine was started."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class SharedCells:
    """Cells of the rate limit, set-associative: a user's cell lies in one bucket of eight, chosen by a keyed hash.

    In a full bucket the cell that is the nearest to being empty gives way, so memory is bounded and what is lost
    is the least. The key of the hash is drawn when the file is made, so that nobody can aim at a bucket.

    Counting is exact among all workers: each bucket is locked while it is read and written. An object belongs to one
    thread, that of the event loop.
    """

    def __init__(
        self,
        path: Path,
        *,
        buckets: int = _BUCKETS,
        now_ns: Callable[[], int] = boot_clock_ns,
        boot_id: bytes | None = None,
    ) -> None:
        if buckets < 1 or buckets & (buckets - 1):
            raise ValueError(f"buckets must be a power of two, got {buckets}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._mask = buckets - 1
        self._now_ns = now_ns
        self._file, self._salt = _open(path, buckets=buckets, boot_id=boot_id or _boot_id())
        self._lock = ByteLock(self._file)
        self._map = mmap.mmap(self._file, _file_bytes(buckets))
        self._words = memoryview(self._map).cast("B").cast("Q")
        self._places: dict[bytes, _Place] = {}
        self.evictions = 0
        """Live cells that gave way to one of this process; above 0 the file is too small for its users."""
        self.unlocked = 0
        """Requests that were let through without the lock because its holder was stopped."""

    def take(self, identity: bytes, *, allowance: Allowance) -> Verdict:
        """Count one request of `identity`, unless it is refused."""
        place = self._places.get(identity)
        if place is None:
            place = self._find_place(identity)
        offset = place.offset
        if not self._lock.acquire(offset):
            self.unlocked += 1
            return self._count(place, allowance=allowance)
        try:
            return self._count(place, allowance=allowance)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of the file."""
        self._words.release()
        self._map.close()
        os.close(self._file)

    def _count(self, place: "_Place", *, allowance: Allowance) -> Verdict:
        words = self._words
        owner = place.owner
        now_ns = self._now_ns()
        if words[owner] != place.digest:
            owner = place.owner = self._claim(place, now_ns=now_ns)
        before_ns = words[owner + _WAYS]
        after_ns, verdict = decide(before_ns, now_ns=now_ns, allowance=allowance)
        if after_ns != before_ns:
            words[owner + _WAYS] = after_ns
        return verdict

    def _claim(self, place: "_Place", *, now_ns: int) -> int:
        """Return the word of the user's fingerprint, in place of the cell that loses the least where there is none."""
        first = place.offset // 8
        owners = self._words[first : first + _WAYS].tolist()
        if place.digest in owners:
            return first + owners.index(place.digest)
        times = self._words[first + _WAYS : first + 2 * _WAYS].tolist()
        way = times.index(min(times))
        self.evictions += times[way] > now_ns
        # The time goes first: a worker killed in between leaves a former owner with its whole allowance, nobody with less.
        self._words[first + _WAYS + way] = 0
        self._words[first + way] = place.digest
        return first + way

    def _find_place(self, identity: bytes) -> "_Place":
        if len(self._places) >= _MOST_PLACES:
            self._places.clear()
        digest = int.from_bytes(blake2b(identity, digest_size=8, key=self._salt).digest(), "little") or 1
        offset = _HEADER_BYTES + (digest & self._mask) * _BUCKET_BYTES
        place = self._places[identity] = _Place(digest=digest, offset=offset, owner=offset // 8)
        return place


@dataclass(slots=True, kw_only=True)
class _Place:
    """Where a user's cell is: its bucket, and the word in which its fingerprint stood the last time."""

    digest: int
    offset: int
    owner: int


def _open(path: Path, *, buckets: int, boot_id: bytes) -> tuple[int, bytes]:
    """Open the file, or put a new one in place of one that is missing, damaged or of another boot."""
    guard = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            salt = _salt_of(file, buckets=buckets, boot_id=boot_id)
            if salt is not None:
                return file, salt
            os.close(file)
        return _create(path, buckets=buckets, boot_id=boot_id)
    finally:
        os.close(guard)


def _salt_of(file: int, *, buckets: int, boot_id: bytes) -> bytes | None:
    head = os.pread(file, _HEADER.size, 0)
    if len(head) < _HEADER.size or os.fstat(file).st_size != _file_bytes(buckets):
        return None
    magic, count, boot, salt = _HEADER.unpack(head)
    return bytes(salt) if (magic, count, boot) == (_MAGIC, buckets, boot_id) else None


def _create(path: Path, *, buckets: int, boot_id: bytes) -> tuple[int, bytes]:
    # A file that is mapped must never shrink (SIGBUS), so another one takes its name.
    salt = secrets.token_bytes(32)
    beside = path.with_name(f"{path.name}.new")
    file = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600)
    # The room is taken now: on a disk that is full later, writing into a hole of a mapped file kills the process.
    os.posix_fallocate(file, 0, _file_bytes(buckets))
    os.pwrite(file, _HEADER.pack(_MAGIC, buckets, boot_id, salt), 0)
    beside.replace(path)
    return file, salt


def _file_bytes(buckets: int) -> int:
    return _HEADER_BYTES + buckets * _BUCKET_BYTES


def _boot_id() -> bytes:
    """Return what the kernel calls this boot; zeros where it does not tell."""
    with suppress(OSError):
        return bytes.fromhex(_BOOT_ID.read_text().strip().replace("-", ""))
    return bytes(16)
