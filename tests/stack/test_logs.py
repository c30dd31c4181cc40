"""The end of a log is found without reading all of it, and new lines are followed."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsctl.stack.logs import follow_lines, put_aside_when_large, tail_lines


class _WritingClock:
    """A clock whose every sleep does the next thing to the log."""

    def __init__(self, steps: list[Callable[[], object]]) -> None:
        self._steps = steps

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self._steps.pop(0)()


@pytest.mark.parametrize("count", [1, 3, 20_000, 30_000])
def test_tail_is_the_end_of_the_file(tmp_path: Path, count: int) -> None:
    """The last lines are the same as those of the whole text, also across blocks."""
    lines = [f"line {number} with some text" for number in range(20_000)]
    path = tmp_path / "a.log"
    path.write_text("\n".join(lines) + "\n")

    assert tail_lines(path, count=count) == lines[-count:]


def test_tail_does_not_go_behind_the_offset(tmp_path: Path) -> None:
    """Lines of an earlier run are left out."""
    path = tmp_path / "a.log"
    path.write_text("old\nnew one\nnew two\n")

    assert tail_lines(path, count=10, from_offset=4) == ["new one", "new two"]


def test_tail_of_no_file_is_empty(tmp_path: Path) -> None:
    """A part that never ran has no lines."""
    assert tail_lines(tmp_path / "none.log", count=10) == []


def test_following_yields_whole_lines_and_starts_anew_after_a_log_was_put_aside(tmp_path: Path) -> None:
    """Half a line waits for its end; a shorter file is read from its beginning."""
    path = tmp_path / "a.log"
    path.write_text("before, a long line\n")

    def append(text: str) -> Callable[[], object]:
        def write() -> None:
            with path.open("a") as stream:
                stream.write(text)

        return write

    clock = _WritingClock([append("one\ntw"), append("o\n"), lambda: path.write_text("anew\n")])
    following = follow_lines(path, clock=clock)

    assert [next(following) for _ in range(3)] == ["one", "two", "anew"]


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    """Beyond 10 MiB the log becomes `.1`; a small one stays."""
    large, small = tmp_path / "large.log", tmp_path / "small.log"
    large.write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    small.write_bytes(b"x")

    for path in (large, small):
        put_aside_when_large(path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.log.1", "small.log"]
