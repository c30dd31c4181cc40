"""L2 in a file: full, damaged, cut off, removed, opened by many, used by processes that are killed."""

import asyncio
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.service.cache.clocks import Time
from tests.service.cache.using_lmdb import BYTES

from opsctl.service.cache.ports import StoreError
from opsctl.service.cache.stores.lmdb import LmdbStore
from opsctl.service.cache.stores.lmdb_file import LmdbFile, OpenFile


class Store:
    """A store with what it tells."""

    def __init__(self, folder: Path) -> None:
        self.time = Time()
        self.evicted: Counter[str] = Counter()
        self.rebuilds = 0
        self.store = LmdbStore(
            folder, bytes_limit=BYTES, now=self.time, evicted=self._evict, rebuilt=self._rebuild
        )
        self.path = folder / "l2.lmdb"

    def _evict(self, kind: str, count: int) -> None:
        self.evicted[kind] += count

    def _rebuild(self) -> None:
        self.rebuilds += 1

    async def put(self, *numbers: int, size: int = 500, kind: str = "a", keep: float = 300) -> None:
        """Write entries."""
        entries = {f"{kind}:{number}": bytes(size) for number in numbers}
        await self.store.set_many(entries, keep_seconds=keep)

    async def held(self, *numbers: int, kind: str = "a") -> list[int]:
        """Return which of them are there."""
        found = await self.store.get_many([f"{kind}:{number}" for number in numbers])
        return [number for number, value in zip(numbers, found, strict=True) if value is not None]


def play(folder: Path, story):
    """Run a story on a store."""

    async def run():
        store = Store(folder)
        try:
            return await story(store)
        finally:
            await store.store.close()

    return asyncio.run(run())


async def fill(store: Store) -> None:
    """Write a few hundred entries, so that every page of the file holds something."""
    for start in range(0, 2000, 100):
        await store.put(*range(start, start + 100))


@contextmanager
def process(folder: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that uses the folder, and wait until it has it open."""
    arguments = [sys.executable, "-m", "tests.service.cache.using_lmdb", str(folder), what]
    running = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "open\n"
        yield running
    finally:
        running.kill()
        running.wait(timeout=10)
        running.stdin.close()
        running.stdout.close()


def damage(path: Path, how: str) -> None:
    """Do to a file what disks and people do."""
    size = path.stat().st_size
    noise = random.Random(1)
    if how == "removed":
        path.unlink()
    elif how == "cut off":
        os.truncate(path, size // 2)
    elif how == "emptied":
        os.truncate(path, 0)
    else:
        with path.open("r+b") as file:
            file.seek(0 if how == "all noise" else 8192)
            file.write(bytes(size) if how == "zeroed" else noise.randbytes(size))


DAMAGES = ["removed", "cut off", "emptied", "zeroed", "noise", "all noise"]


@pytest.mark.parametrize("how", [each for each in DAMAGES if each != "removed"])
def test_a_file_damaged_while_closed_is_made_anew_and_counted(tmp_path: Path, how):
    """At the next start, before LMDB sees it."""
    play(tmp_path, fill)
    damage(tmp_path / "l2.lmdb", how)

    async def story(store: Store):
        await store.put(1)
        return await store.held(1, 2), store.rebuilds, (await store.store.figures()).rebuilds

    assert play(tmp_path, story) == ([1], 1, 1)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_file_damaged_while_open_is_made_anew_and_counted(tmp_path: Path, how):
    """The process lives, the entries are misses, and new ones are kept again."""

    async def story(store: Store):
        await fill(store)
        damage(store.path, how)
        found = await store.held(1, 700)
        await store.put(1)
        await store.put(2)
        return found, await store.held(1, 2, 700), store.rebuilds

    found, held, rebuilds = play(tmp_path, story)

    assert (found, held) == ([], [1, 2])
    assert rebuilds == (0 if how == "removed" else 1)


def test_a_file_that_grows_while_a_lookup_looks_at_it_is_whole(tmp_path: Path, monkeypatch):
    """The writing thread sees it larger than the lookup did; it used to be taken for cut off, and removed for all."""
    look = LmdbFile.size_of

    async def story(store: Store):
        await store.put(1)
        looked: list[int] = []

        def grow_meanwhile(file: LmdbFile, opened: OpenFile) -> int:
            size = look(file, opened)
            if threading.current_thread() is threading.main_thread() and not looked:
                looked.append(size)
                for start in (1000, 1500):  # the second write sees what the first one made of the file
                    wait_for_write(store, range(start, start + 500))
                assert look(file, opened) > size
            return size

        monkeypatch.setattr(LmdbFile, "size_of", grow_meanwhile)
        found = await store.held(1)
        return looked != [], found, await store.held(1, 1000, 1999), store.rebuilds

    assert play(tmp_path, story) == (True, [1], [1, 1000, 1999], 0)


def wait_for_write(store: Store, numbers: range) -> None:
    """Write in another thread while this one waits, as it does in a system call."""
    writer = threading.Thread(target=lambda: asyncio.run(store.put(*numbers)))
    writer.start()
    writer.join(timeout=20)
    assert not writer.is_alive()


def test_values_changed_on_disk_come_back_as_they_are(tmp_path: Path):
    """The pages are sound, so it is the seal of an entry that tells."""

    async def story(store: Store):
        await store.put(1)

    play(tmp_path, story)
    data = (tmp_path / "l2.lmdb").read_bytes()
    (tmp_path / "l2.lmdb").write_bytes(data.replace(bytes(400), b"\1" * 400, 1))

    async def look(store: Store):
        return store.rebuilds, len(await store.store.get_many(["a:1"]))

    assert play(tmp_path, look)[1] == 1


def test_a_sound_file_is_kept_over_a_restart(tmp_path: Path):
    """That is what it is for."""
    play(tmp_path, fill)

    async def story(store: Store):
        return await store.held(0, 1999), store.rebuilds

    assert play(tmp_path, story) == ([0, 1999], 0)


def test_workers_that_open_a_damaged_file_together_make_it_anew_once(tmp_path: Path):
    """One of them does, the others take what it made."""
    play(tmp_path, fill)
    damage(tmp_path / "l2.lmdb", "noise")
    arguments = [sys.executable, "-m", "tests.service.cache.using_lmdb", str(tmp_path), "open"]
    workers = [
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    codes = []
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        worker.communicate(timeout=20)
        codes.append(worker.returncode)

    assert codes == [0] * 4
    assert (tmp_path / "rebuilds").read_text() == "1"


def test_a_worker_that_has_the_damaged_file_open_follows_to_the_new_one(tmp_path: Path):
    """It hears by looking at the path before each lookup."""

    async def story(store: Store):
        store.time.seconds = time.time()  # the other process has the machine's clock
        await fill(store)
        with process(tmp_path, "read") as other:
            assert other.stdin is not None
            assert other.stdout is not None
            damage(store.path, "zeroed")
            await store.put(7)
            other.stdin.write("a:7\na:8\n")
            other.stdin.flush()
            return [other.stdout.readline() for _ in range(2)], store.rebuilds

    lines, rebuilds = play(tmp_path, story)

    assert lines == [f"{bytes(500)!r}\n", "None\n"]
    assert rebuilds == 1


def test_a_full_file_lets_the_oldest_written_go(tmp_path: Path):
    """Newest stay, the count is told by kind and kept for all processes."""

    async def story(store: Store):
        for start in range(0, 20_000, 100):
            await store.put(*range(start, start + 100), size=900, kind="quality_score")
        figures = await store.store.figures()
        newest = await store.held(*range(19_900, 20_000), kind="quality_score")
        oldest = await store.held(*range(100), kind="quality_score")
        return figures, len(newest), len(oldest), store

    figures, newest, oldest, store = play(tmp_path, story)

    assert (newest, oldest) == (100, 0)
    assert figures.evictions == store.evicted["quality_score"] > 0
    assert figures.entries == 20_000 - figures.evictions
    assert figures.bytes_used <= BYTES
    assert store.path.stat().st_size <= BYTES
    assert store.rebuilds == 0


def test_what_is_past_its_time_leaves_first_and_is_no_eviction(tmp_path: Path):
    """Also when it was written last."""

    async def story(store: Store):
        await store.put(*range(100), size=900)
        for start in range(0, 2000, 100):
            await store.put(*range(start, start + 100), size=900, kind="short", keep=10)
        store.time.pass_by(11)
        for start in range(1000, 3000, 100):
            await store.put(*range(start, start + 100), size=900)
        return len(await store.held(*range(100))), store.evicted

    assert play(tmp_path, story) == (100, Counter())


def test_expired_entries_are_swept_by_writes(tmp_path: Path):
    """Some with each."""

    async def story(store: Store):
        await store.put(*range(150), keep=10)
        store.time.pass_by(11)
        counts = []
        for number in range(1000, 1004):
            await store.put(number)
            counts.append((await store.store.figures()).entries)
        return counts

    assert play(tmp_path, story) == [87, 24, 3, 4]


def test_entries_larger_than_the_file_bears_are_refused(tmp_path: Path):
    """An error of the store, nothing else is lost."""

    async def story(store: Store):
        await store.put(1)
        with pytest.raises(StoreError, match="larger"):
            await store.put(2, size=BYTES // 2)
        return await store.held(1, 2)

    assert play(tmp_path, story) == [1]


def test_keys_longer_than_lmdb_takes_are_kept_apart_by_their_hash(tmp_path: Path):
    """They are found again, and by prefix too."""
    long = "agent_score:1:" + "x" * 600

    async def story(store: Store):
        await store.store.set_many({f"{long}a": b"a", f"{long}b": b"b"}, keep_seconds=60)
        found = list(await store.store.get_many([f"{long}a", f"{long}b", f"{long}c"]))
        return found, await store.store.delete_prefix("agent_score:1:")

    assert play(tmp_path, story) == ([b"a", b"b", None], 2)


def test_the_files_are_for_their_owner_alone(tmp_path: Path):
    """Scores and vectors are not for everybody."""
    play(tmp_path / "l2", fill)

    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / "l2").iterdir()} == {0}


def test_a_writer_killed_at_any_moment_leaves_a_sound_file_and_no_lock(tmp_path: Path):
    """The next one writes at once."""
    for _ in range(3):
        with process(tmp_path, "write") as writer:
            while not (tmp_path / "l2.lmdb").stat().st_size > 20 * 4096:
                pass
            writer.kill()

    async def story(store: Store):
        await store.put(9000)
        return await store.held(9000), store.rebuilds

    assert play(tmp_path, story) == ([9000], 0)


@pytest.mark.slow
def test_a_reader_killed_in_a_lookup_does_not_make_the_file_grow_full(tmp_path: Path):
    """Its slot is cleared when room is needed."""

    async def story(store: Store):
        await fill(store)
        with process(tmp_path, "hold") as reader:
            reader.kill()
        for _ in range(20):
            await fill(store)
        return store.rebuilds, len(await store.held(*range(2000)))

    rebuilds, held = play(tmp_path, story)

    assert rebuilds == 0
    assert held == 2000


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path):
    """The next lookup finds nothing, the next write finds a place, and other processes see it."""

    async def story(store: Store) -> None:
        await store.put(1)
        shutil.rmtree(tmp_path / "l2")

        assert await store.held(1) == []
        await store.put(2)
        assert await store.held(1, 2) == [2]
        assert store.path.exists()

    play(tmp_path / "l2", story)


def test_a_folder_that_cannot_be_used_is_an_error_of_the_store(tmp_path: Path):
    """A file in the place of the folder: no lookup fails with anything that a caller does not expect."""

    async def story(store: Store) -> None:
        shutil.rmtree(tmp_path / "l2")
        (tmp_path / "l2").write_text("in the way")

        with pytest.raises(StoreError):
            await store.held(1)

    play(tmp_path / "l2", story)
