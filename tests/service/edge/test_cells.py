"""The cells of the rate limit in shared memory: exact among processes, bounded, and safe from whoever dies."""

import fcntl
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from opsctl.service.edge.cells import SharedCells, boot_clock_ns
from opsctl.service.edge.gcra import allowance

_HOUR = allowance(1000, window_seconds=3600)
_fork = multiprocessing.get_context("fork")


def hammer(path: Path, start: object, results: object) -> None:
    """Ask 2,000 times for one user, together with other processes, at one and the same moment of the clock."""
    cells = SharedCells(path, buckets=4, now_ns=lambda: 10**15)
    start.wait()  # type: ignore[attr-defined]
    allowed = sum(cells.take(b"u:free:1", allowance=_HOUR).is_allowed for _ in range(2000))
    results.put((allowed, cells.unlocked))  # type: ignore[attr-defined]


def test_several_processes_together_let_through_exactly_the_limit(tmp_path: Path) -> None:
    """Three workers ask 6,000 times for a user who has 1,000 requests."""
    start, results = _fork.Event(), _fork.Queue()
    workers = [
        _fork.Process(target=hammer, args=(tmp_path / "limits", start, results), daemon=True)
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    start.set()
    outcomes = [results.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(30)

    assert sum(allowed for allowed, _ in outcomes) == 1000
    assert [unlocked for _, unlocked in outcomes] == [0, 0, 0]


def hold_the_lock(path: Path, held: object) -> None:
    """Lock every bucket and never let go."""
    file = os.open(path, os.O_RDWR)
    fcntl.lockf(file, fcntl.LOCK_EX, 0, 0)  # POSIX and open-file-description locks exclude each other
    held.set()  # type: ignore[attr-defined]
    time.sleep(60)


@pytest.mark.parametrize(("number", "unlocked"), [(signal.SIGKILL, 0), (signal.SIGSTOP, 1)])
def test_a_holder_of_the_lock_that_dies_or_is_stopped_stops_nobody(
    tmp_path: Path, number: signal.Signals, unlocked: int
) -> None:
    """The kernel frees a dead worker's lock; a stopped one's is gone without after a quarter of a second."""
    cells = SharedCells(tmp_path / "limits", buckets=4)
    held = _fork.Event()
    holder = _fork.Process(target=hold_the_lock, args=(tmp_path / "limits", held), daemon=True)
    holder.start()
    assert held.wait(30)
    assert holder.pid is not None
    os.kill(holder.pid, number)
    if number is signal.SIGKILL:
        holder.join(30)

    verdict = cells.take(b"u:free:1", allowance=_HOUR)

    holder.kill()
    holder.join(30)
    assert verdict.is_allowed
    assert cells.unlocked == unlocked


def test_a_restarted_worker_finds_the_cells_as_they_were(tmp_path: Path) -> None:
    """The allowance does not come back by a restart."""
    first = SharedCells(tmp_path / "limits")
    first.take(b"u:free:1", allowance=_HOUR)
    first.close()

    again = SharedCells(tmp_path / "limits")

    assert again.take(b"u:free:1", allowance=_HOUR).remaining == 998
    assert again.take(b"u:free:2", allowance=_HOUR).remaining == 999
    again.close()


@pytest.mark.parametrize("damage", [b"", b"not a file of cells" * 100])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes) -> None:
    """Whatever lies there, limits work."""
    (tmp_path / "limits").write_bytes(damage)

    cells = SharedCells(tmp_path / "limits", buckets=4)

    assert cells.take(b"u:free:1", allowance=_HOUR).remaining == 999
    assert SharedCells(tmp_path / "limits", buckets=4).take(b"u:free:1", allowance=_HOUR).remaining == 998
    assert (tmp_path / "limits").stat().st_mode & 0o777 == 0o600


def test_the_file_of_another_boot_is_replaced(tmp_path: Path) -> None:
    """Its clock began anew, so its times mean nothing."""
    SharedCells(tmp_path / "limits", boot_id=b"a" * 16).take(b"u:free:1", allowance=_HOUR)

    after = SharedCells(tmp_path / "limits", boot_id=b"b" * 16)

    assert after.take(b"u:free:1", allowance=_HOUR).remaining == 999


def test_a_full_bucket_drops_the_cell_that_lost_the_least(tmp_path: Path) -> None:
    """Memory is bounded: of nine users in a bucket of eight the one that had asked once gives way."""
    cells = SharedCells(tmp_path / "limits", buckets=1, now_ns=lambda: 10**15)
    for user in range(8):
        for _ in range(user + 1):
            cells.take(b"u:free:%d" % user, allowance=_HOUR)
    size = (tmp_path / "limits").stat().st_size

    cells.take(b"u:free:8", allowance=_HOUR)

    assert cells.evictions == 1
    assert cells.take(b"u:free:7", allowance=_HOUR).remaining == 991
    assert cells.take(b"u:free:0", allowance=_HOUR).remaining == 999
    assert (tmp_path / "limits").stat().st_size == size


def test_cells_that_are_over_are_used_again_without_counting_as_evicted(tmp_path: Path) -> None:
    """A cell in the past is as good as none."""
    now = [10**15]
    cells = SharedCells(tmp_path / "limits", buckets=1, now_ns=lambda: now[0])
    for user in range(40):
        cells.take(b"u:free:%d" % user, allowance=_HOUR)
        now[0] += 3600 * 10**9

    assert cells.evictions == 0


def test_the_clock_is_the_machines_not_the_processs() -> None:
    """It is further than this process is old, and goes on."""
    first = boot_clock_ns()

    assert first > 0
    assert boot_clock_ns() >= first


def test_buckets_are_a_power_of_two(tmp_path: Path) -> None:
    """Anything else is a mistake of the caller."""
    with pytest.raises(ValueError, match="power of two"):
        SharedCells(tmp_path / "limits", buckets=3)


def test_the_file_has_its_room_from_the_start(tmp_path: Path) -> None:
    """A hole that a full disk cannot fill later would kill the process that writes into it."""
    path = tmp_path / "limits"
    cells = SharedCells(path)
    cells.close()

    found = path.stat()

    assert found.st_blocks * 512 >= found.st_size
