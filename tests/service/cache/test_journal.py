"""Invalidations reach every process of the machine, whole and in order, whoever dies meanwhile."""

import errno
import fcntl
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsctl.core.errors import NotReadyError
from opsctl.service.cache.journal import InvalidationJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a journal that is not there yet."""
    return tmp_path / "service" / "invalidations"


def start_poster(path: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    """Start a process that posts."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.service.cache.posting", str(path), name, str(count)]
    )


def test_what_one_process_posts_another_reads_once_and_in_order(path: Path):
    """Two journals on one file stand for two processes."""
    writer, reader = InvalidationJournal(path), InvalidationJournal(path)
    before = reader.sequence

    last = writer.post("tag:content-1", "key:feed:1", "kind:feed", "apikey:abcd1234", "all")
    after, marks = reader.read_since(before)

    assert marks == ("tag:content-1", "key:feed:1", "kind:feed", "apikey:abcd1234", "all")
    assert after == last == reader.sequence
    assert reader.read_since(after) == (after, ())


def test_the_file_is_for_its_owner_alone(path: Path):
    """Marks name users and keys."""
    InvalidationJournal(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mark", ["", "tag:", "user:1", "tagcontent-1"])
def test_a_mark_that_nobody_would_understand_is_refused(path: Path, mark):
    """Nothing is posted then."""
    journal = InvalidationJournal(path)
    before = journal.sequence

    with pytest.raises(ValueError, match="no mark"):
        journal.post("tag:good", mark)
    assert journal.sequence == before


@pytest.mark.parametrize(
    ("mark", "posted"),
    [
        (f"key:feed:{'x' * 300}", "kind:feed"),
        (f"key:{'x' * 300}", "all"),
        (f"tag:{'x' * 300}", "all"),
        (f"tag:{'x' * 234}", f"tag:{'x' * 234}"),
        ("tag:mañana-東京", "tag:mañana-東京"),
    ],
)
def test_a_mark_too_long_for_its_place_drops_more_never_less(path: Path, mark, posted):
    """Cutting it off would name something else."""
    journal = InvalidationJournal(path)
    before = journal.sequence
    journal.post(mark)

    assert journal.read_since(before)[1] == (posted,)


def test_a_reader_that_is_far_behind_is_told_to_clear_everything(path: Path):
    """The ring is as long as it is; one mark less is still read."""
    journal = InvalidationJournal(path)
    before = journal.sequence
    journal.post(*(f"tag:{number}" for number in range(4096)))

    assert len(journal.read_since(before)[1] or ()) == 4096
    journal.post("tag:one-more")
    assert journal.read_since(before) == (journal.sequence, None)
    assert journal.read_since(before + 1)[1] is not None


def test_more_marks_at_once_than_there_is_room_for_clear_everything(path: Path):
    """One mark says it all."""
    journal = InvalidationJournal(path)
    before = journal.sequence
    journal.post(*(f"tag:{number}" for number in range(5000)))

    assert journal.read_since(before)[1] == ("all",)


@pytest.mark.parametrize("damage", [b"", b"OPSINVAL\x63", b"\0" * 64, os.urandom(100_000)])
def test_a_damaged_file_is_made_anew_and_readers_of_the_old_one_clear(path: Path, damage):
    """They have it mapped, so it is mended in place and never becomes shorter."""
    reader = InvalidationJournal(path)
    reader.post("tag:old")
    seen = reader.sequence
    with path.open("r+b") as file:
        file.write(damage)

    writer = InvalidationJournal(path)
    writer.post("tag:new")

    number, marks = reader.read_since(seen)
    assert marks is None or marks == ("tag:new",)
    writer.post("tag:newer")
    assert reader.read_since(number)[1] == ("tag:newer",)


def test_a_slot_that_was_damaged_is_not_read(path: Path):
    """Its checksum tells."""
    journal = InvalidationJournal(path)
    before = journal.sequence
    journal.post("tag:content-1")
    whole = bytearray(path.read_bytes())
    place = whole.index(b"tag:content-1")
    with path.open("r+b") as file:
        file.seek(place + 12)
        file.write(b"2")

    assert journal.read_since(before) == (journal.sequence, None)


def test_a_file_that_was_removed_is_found_again(path: Path):
    """Who posts makes a new one; who reads hears of it when it looks."""
    reader, writer = InvalidationJournal(path), InvalidationJournal(path)
    path.unlink()
    writer.post("tag:content-1")

    assert reader.reattach() is True
    assert reader.reattach() is False
    before = reader.sequence
    writer.post("tag:content-2")
    assert reader.read_since(before)[1] == ("tag:content-2",)


def test_a_file_that_was_cut_off_grows_again_before_it_is_read(path: Path):
    """Reading past the end of a mapped file would kill the worker."""
    journal = InvalidationJournal(path)
    os.truncate(path, 4096)

    assert journal.reattach() is True
    journal.post("tag:content-1")


@pytest.mark.parametrize("refusal", ["full disk", "folder in its place", "lock held"])
def test_a_new_file_that_is_refused_leaves_the_old_one_readable(path: Path, monkeypatch, refusal):
    """Every request reads the sequence; the next call tries again, and finds the new file once there can be one."""
    journal, other = InvalidationJournal(path), InvalidationJournal(path)
    before = journal.post("tag:old")
    path.unlink()

    with monkeypatch.context() as patched, refusing(path, refusal, patched):
        for refused_call in (journal.reattach, lambda: journal.post("tag:lost"), journal.reattach):
            with pytest.raises(NotReadyError, match="journal"):
                refused_call()
        assert journal.sequence == other.sequence == before

    assert journal.reattach() is True
    assert journal.sequence != before
    assert journal.read_since(journal.post("tag:new") - 1)[1] == ("tag:new",)


@pytest.mark.parametrize("size_bytes", [0, 4096])
def test_a_file_that_finds_no_room_is_left_as_it_was_found(path: Path, monkeypatch, size_bytes):
    """With its full length and holes in it, it would be taken for whole, and the next write kill the process."""
    journal = InvalidationJournal(path)
    os.truncate(path, size_bytes)

    with monkeypatch.context() as patched, refusing(path, "full disk", patched):
        for _ in range(2):
            with pytest.raises(NotReadyError, match="no room"):
                journal.reattach()
            assert path.stat().st_size == size_bytes

    assert journal.reattach() is True


@contextmanager
def refusing(path: Path, refusal: str, patched: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep a journal from being made at the path."""
    if refusal == "full disk":

        def refuse(*_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(os, "posix_fallocate", refuse)
        yield
    elif refusal == "folder in its place":
        path.mkdir()
        yield
        path.rmdir()
    else:
        patched.setattr("opsctl.service.cache.journal._LOCK_WAIT_SECONDS", 0.01)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def test_its_room_on_the_disk_is_taken_when_it_is_opened(path: Path):
    """Writing into a hole of a full disk would kill the process; a file that was cut off gets its room again too."""
    journal = InvalidationJournal(path)
    assert path.stat().st_blocks * 512 >= path.stat().st_size

    os.truncate(path, 0)
    assert journal.reattach() is True
    assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_a_place_that_is_refused_says_so(tmp_path: Path):
    """A folder in the place of the file is no journal."""
    (tmp_path / "invalidations").mkdir()

    with pytest.raises(NotReadyError) as refused:
        InvalidationJournal(tmp_path / "invalidations")
    assert refused.value.code == "CAC001"


def test_processes_that_post_at_once_lose_nothing(path: Path):
    """Every mark of every process arrives, each process' own in their order."""
    reader = InvalidationJournal(path)
    before = reader.sequence
    posters = [start_poster(path, name, 300) for name in "abc"]

    assert [poster.wait(timeout=30) for poster in posters] == [0, 0, 0]

    _, marks = reader.read_since(before)
    assert marks is not None
    for name in "abc":
        numbers = [int(mark.rpartition("-")[2]) for mark in marks if mark.startswith(f"tag:{name}-")]
        assert numbers == list(range(300))


def test_readers_see_only_whole_marks_while_writers_are_killed(path: Path):
    """A killed writer leaves no lock behind and nothing torn; the next one goes on."""
    reader = InvalidationJournal(path)
    seen = reader.sequence
    form = re.compile(r"(tag:[a-f]-\d+|key:[a-f]:\d+:x*)")
    total = 0
    for name in "abcdef":
        poster = start_poster(path, name, 0)
        deadline = time.monotonic() + 20
        began = reader.sequence
        while reader.sequence < began + 500 and time.monotonic() < deadline:
            seen, marks = reader.read_since(seen)
            assert all(form.fullmatch(mark) for mark in marks or ())
            total += len(marks or ())
        poster.send_signal(signal.SIGKILL)
        poster.wait(timeout=10)

    before = reader.sequence
    InvalidationJournal(path).post("tag:after")

    assert total > 0
    assert reader.read_since(before)[1] == ("tag:after",)
