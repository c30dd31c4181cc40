"""How does L2 live in a file of this machine that all workers share: LMDB, read inline, written by one thread."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import lmdb

from opsctl.service.cache.ports import StoreError, StoreFigures
from opsctl.service.cache.stores import lmdb_records as records
from opsctl.service.cache.stores.lmdb_file import DAMAGE, LmdbFile, OpenFile

Result = TypeVar("Result")

# Writers of all processes take turns; behind one that was stopped the others must not pile up.
_MOST_WAITING = 128
_DELETED_AT_ONCE = 1000
_SMALL_SLICE = 32
_SMALL_SLICES = 50


class LmdbStore:
    """L2 as an LMDB file.

    Reads take microseconds and run in the event loop. Writes wait for the other processes' writes, so they run in a
    thread. What was written is on disk when the system likes; after a power cut the file may have to begin anew.

    Args:
        folder: holds the file and its locks; one process opens a folder once.
        bytes_limit: size of the file when it is full.
        now: wall time.
        evicted: told kind and number of entries that left for want of room.
        rebuilt: told when the file was damaged and this process made it anew.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bytes_limit: int,
        now: Callable[[], float] = time.time,
        evicted: Callable[[str, int], None] = lambda _kind, _count: None,
        rebuilt: Callable[[], None] = lambda: None,
    ) -> None:
        self._file = LmdbFile(folder, map_bytes=bytes_limit)
        self._limit = bytes_limit
        self._now = now
        self._evicted = evicted
        self._rebuilt = rebuilt
        self._opening = threading.Lock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="l2-writer")
        self._waiting = 0
        self._opened = self._first_open()
        self._seen_bytes = self._file.size_of(self._opened)

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values in the order of the keys."""

        def look(transaction: Any, file: OpenFile) -> Sequence[bytes | None]:
            now = self._now()
            return [records.read(transaction, file, key, now=now) for key in keys]

        return self._attempt(look, write=False)

    async def set_many(self, entries: Mapping[str, bytes], *, keep_seconds: float) -> None:
        """Write entries; what is past its time, or was written first, makes room for them."""
        size = sum(len(key) + len(value) for key, value in entries.items())
        if size > self._limit * 0.1:
            raise StoreError("the entries are larger than a tenth of the file")
        await self._in_thread(lambda: self._write(entries, size=size, keep_seconds=keep_seconds))

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Remove entries and return how many were there."""

        def delete(transaction: Any, file: OpenFile) -> int:
            return sum(bool(records.remove(transaction, file, records.key_bytes(key))) for key in keys)

        return await self._in_thread(lambda: self._attempt(delete, write=True))

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every entry whose key starts so, some at a time, and return how many."""

        def delete(transaction: Any, file: OpenFile) -> int:
            names = records.names_with_prefix(transaction, file, prefix, most=_DELETED_AT_ONCE)
            return sum(bool(records.remove(transaction, file, name)) for name in names)

        total = 0
        while deleted := await self._in_thread(lambda: self._attempt(delete, write=True)):
            total += deleted
        return total

    async def figures(self) -> StoreFigures:
        """Return entries, bytes of pages in use, and what all processes counted together."""

        def look(transaction: Any, file: OpenFile) -> StoreFigures:
            return StoreFigures(
                entries=transaction.stat(file.entries)["entries"],
                bytes_used=records.used_bytes(transaction, file),
                bytes_limit=self._limit,
                evictions=records.evictions(transaction, file),
                rebuilds=self._file.rebuilds(),
            )

        return self._attempt(look, write=False)

    async def close(self) -> None:
        """Finish what is being written and let go of the file."""
        await asyncio.to_thread(self._writer.shutdown)
        self._opened.close()

    def _first_open(self) -> OpenFile:
        try:
            opened, is_anew = self._file.open()
        except (lmdb.Error, OSError) as error:
            raise StoreError(f"the file `{self._file.path}` cannot be opened: {error}") from error
        if is_anew:
            self._rebuilt()
        return opened

    def _attempt(self, work: Callable[[Any, OpenFile], Result], *, write: bool) -> Result:
        """Do the work in a transaction; a file that turns out damaged is made anew, and the work done again."""
        for _ in range(2):
            # Noted before the look: while it goes on, the other thread may write and see the file larger than the look.
            opened, seen_bytes = self._opened, self._seen_bytes
            try:
                size = self._file.size_of(opened)
                if size and size >= seen_bytes:
                    self._note_size(opened, size)
                    with opened.environment.begin(write=write) as transaction:
                        return work(transaction, opened)
                self._replace(opened)
            except DAMAGE:
                self._replace(opened)
            except (lmdb.MapFullError, StoreError):
                raise
            except lmdb.ReadersFullError as error:
                opened.environment.reader_check()
                raise StoreError(str(error)) from error
            except (lmdb.Error, OSError) as error:
                raise StoreError(str(error)) from error
        raise StoreError(f"the file `{self._file.path}` is damaged again as soon as it is made anew")

    def _note_size(self, opened: OpenFile, size: int) -> None:
        """Note how large the file is; never less than the other thread saw, and nothing of a file that was replaced."""
        if size > self._seen_bytes:
            with self._opening:
                if self._opened is opened:
                    self._seen_bytes = max(self._seen_bytes, size)

    def _replace(self, broken: OpenFile) -> None:
        """Open the file again; the old mapping goes when the last transaction in it does."""
        with self._opening:
            if self._opened is not broken:
                return
            try:
                opened, is_anew = self._file.replace(broken)
            except (lmdb.Error, OSError) as error:
                raise StoreError(f"the file `{self._file.path}` cannot be opened: {error}") from error
            # In this order: nobody may hold the size of the old file against the new one.
            self._seen_bytes = self._file.size_of(opened)
            self._opened = opened
        if is_anew:
            self._rebuilt()

    async def _in_thread(self, write: Callable[[], Result]) -> Result:
        if self._waiting >= _MOST_WAITING:
            raise StoreError("too many writes are waiting")
        self._waiting += 1
        job = asyncio.get_running_loop().run_in_executor(self._writer, write)
        job.add_done_callback(self._done)
        return await asyncio.shield(job)

    def _done(self, job: "asyncio.Future[Any]") -> None:
        self._waiting -= 1
        if not job.cancelled():
            # A caller whose patience ended no longer asks; the others get it from their own await.
            job.exception()

    def _write(self, entries: Mapping[str, bytes], *, size: int, keep_seconds: float) -> None:
        evicted: Counter[str] = Counter()

        def write(transaction: Any, file: OpenFile) -> None:
            now = self._now()
            records.sweep(transaction, file, now=now)
            if records.is_full(transaction, file, map_bytes=self._limit, coming_bytes=size):
                evicted.update(records.make_room(transaction, file, map_bytes=self._limit, now=now))
            records.write(transaction, file, entries, ends_at=now + keep_seconds)

        try:
            self._attempt(write, write=True)
        except lmdb.MapFullError:
            evicted.clear()  # that transaction was taken back
            evicted.update(self._clear_by_force())
            self._write_anyway(write)
        for kind, count in evicted.items():
            self._evicted(kind, count)

    def _write_anyway(self, write: Callable[[Any, OpenFile], None]) -> None:
        try:
            self._attempt(write, write=True)
        except lmdb.MapFullError as error:
            raise StoreError("the file has no room") from error

    def _clear_by_force(self) -> Counter[str]:
        """Make room in a file that is full to the brim: in small slices, else by emptying it."""
        evicted: Counter[str] = Counter()
        self._opened.environment.reader_check()

        def slice_off(transaction: Any, file: OpenFile) -> Counter[str]:
            return records.make_room(
                transaction, file, map_bytes=self._limit, now=self._now(), most=_SMALL_SLICE
            )

        def empty(transaction: Any, file: OpenFile) -> int:
            return records.clear(transaction, file)

        try:
            for _ in range(_SMALL_SLICES):
                evicted += self._attempt(slice_off, write=True)
        except lmdb.MapFullError:
            try:
                evicted["all"] += self._attempt(empty, write=True)
            except lmdb.MapFullError as error:
                raise StoreError("the file has no room, not even to be emptied") from error
        return evicted
