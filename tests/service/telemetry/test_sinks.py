"""Where lines go: whole or not at all, whoever else writes, whatever becomes of file and disk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsctl.service.telemetry.sinks import FileSink, StreamSink

WRITER = """
import sys
from pathlib import Path
from opsctl.service.telemetry.sinks import FileSink
name, count, largest = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sink = FileSink(Path(sys.argv[1]), largest_bytes=largest, kept=50)
for number in range(count):
    assert sink.info(b'{"writer":"%s","number":%d,"text":"%s"}' % (name.encode(), number, b"x" * (number % 900)))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a log whose folder is not there yet."""
    return tmp_path / "service" / "requests.jsonl"


def test_lines_are_appended_to_what_is_there(path):
    """A restart of the service loses nothing."""
    for line in (b"one", b"two"):
        sink = FileSink(path)
        assert sink.info(line)
        sink.close()

    assert path.read_bytes() == b"one\ntwo\n"


def test_a_full_file_is_turned_over_and_the_oldest_goes(path):
    """Three lines a file, two older files kept."""
    sink = FileSink(path, largest_bytes=15, kept=2)

    assert all(sink.info(b"%04d" % number) for number in range(12))

    assert sorted(file.name for file in path.parent.iterdir()) == [
        path.name,
        f"{path.name}.1",
        f"{path.name}.2",
    ]
    assert path.read_bytes() == b"0009\n0010\n0011\n"
    assert path.with_name(f"{path.name}.1").read_bytes() == b"0006\n0007\n0008\n"
    assert path.with_name(f"{path.name}.2").read_bytes() == b"0003\n0004\n0005\n"
    sink.close()


@pytest.mark.parametrize("largest_bytes", [10**9, 20_000], ids=["one file", "turned over"])
def test_several_workers_never_mix_or_lose_lines(path, largest_bytes):
    """Three processes, 600 lines each: all there, all whole, each worker's in order within a file."""
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, name, "600", str(largest_bytes)]) for name in "abc"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]

    seen: list[tuple[str, int]] = []
    for file in path.parent.iterdir():
        lines = [json.loads(line) for line in file.read_bytes().splitlines()]
        seen += [(line["writer"], line["number"]) for line in lines]
    assert sorted(seen) == [(name, number) for name in "abc" for number in range(600)]
    assert (len(list(path.parent.iterdir())) > 1) == (largest_bytes == 20_000)


@pytest.mark.parametrize("how", ["removed", "moved", "folder removed"])
def test_a_file_that_went_away_is_begun_anew(path, how):
    """Somebody cleaned up, or logrotate moved it."""
    sink = FileSink(path)
    sink.info(b"before")
    if how == "moved":
        path.rename(path.with_name("old"))
    else:
        path.unlink()
    if how == "folder removed":
        path.parent.rmdir()

    assert sink.info(b"after")
    assert path.read_bytes() == b"after\n"
    sink.close()


def test_a_full_disk_costs_lines_and_nothing_else():
    """The kernel's own always-full device."""
    sink = FileSink(Path("/dev/full"))

    assert [sink.info(b"line"), sink.info(b"line")] == [False, False]
    sink.close()


def test_a_path_that_cannot_be_written_costs_lines_and_nothing_else(tmp_path):
    """A directory stands there, or a file where the folder should be."""
    (tmp_path / "file").write_text("")

    assert not FileSink(tmp_path).info(b"line")
    assert not FileSink(tmp_path / "file" / "requests.jsonl").info(b"line")


def test_a_line_that_was_cut_short_does_not_spoil_the_next(path):
    """A limit on the size of files cuts the first line; once it is lifted, the next one stands by itself."""
    program = """
import resource, signal, sys
from pathlib import Path
from opsctl.service.telemetry.sinks import FileSink
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sink = FileSink(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
print(sink.info(b"0123456789abcdef"), sink.info(b"lost"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(sink.info(b"next"), sink.info(b"last"))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout.split() == ["False", "False", "True", "True"]
    assert path.read_bytes() == b"0123456789\nnext\nlast\n"


def test_a_pipe_that_nobody_empties_costs_lines_and_no_time():
    """The writer goes on when the pipe is full, and writes again when there is room."""
    reading, writing = os.pipe()
    sink = StreamSink(writing)
    line = b"x" * 1000

    arrived = [sink.info(line) for _ in range(200)]
    assert arrived[0]
    assert not arrived[-1]
    os.read(reading, 1 << 16)
    assert sink.info(line)
    os.close(reading)
    assert not sink.info(line)
    os.close(writing)
