"""Files are replaced whole, locks name their holder, and a full disk leaves nothing half-written."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from opsctl.clients.file_locks import FileLock
from opsctl.clients.files import append_durably, read_text, require_writable, write_atomically
from opsctl.core.errors import NotReadyError, RefusedError, UsageError


def _run_limited(code: str, *arguments: str, file_size_bytes: int = 4096) -> str:
    """Run Python code in a process whose files cannot grow beyond a size: a full disk in small."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({file_size_bytes}, {file_size_bytes}))\n"
    source = limit + textwrap.dedent(code)
    environment = {**os.environ, "PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return done.stdout.strip()


def test_write_replaces_the_whole_file_with_the_mode_asked_for(tmp_path: Path) -> None:
    """A second write leaves the second content only, with its mode and no temporary file."""
    target = tmp_path / "deep" / "secret"

    write_atomically(target, "a long first content", mode=0o600)
    write_atomically(target, b"second", mode=0o600)

    assert target.read_bytes() == b"second"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [entry.name for entry in target.parent.iterdir()] == ["secret"]


def test_write_on_a_full_disk_keeps_the_old_file_and_removes_the_temporary_one(tmp_path: Path) -> None:
    """A write beyond the file-size limit is FIL001, and the directory holds the old file alone."""
    target = tmp_path / "state.json"
    target.write_text("old")

    said = _run_limited(
        """
        import sys
        from pathlib import Path
        from opsctl.clients.files import write_atomically
        from opsctl.core.errors import OpsError
        try:
            write_atomically(Path(sys.argv[1]), b"x" * 100_000)
        except OpsError as error:
            print(error.code, int(error.exit_code))
        """,
        str(target),
    )

    assert said == "FIL001 3"
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_append_on_a_full_disk_takes_the_cut_line_back(tmp_path: Path) -> None:
    """Only whole lines are in the file after an append that did not fit."""
    target = tmp_path / "ledger"

    said = _run_limited(
        """
        import sys
        from pathlib import Path
        from opsctl.clients.files import append_durably
        from opsctl.core.errors import OpsError
        append_durably(Path(sys.argv[1]), b"a" * 3000 + b"\\n")
        try:
            append_durably(Path(sys.argv[1]), b"b" * 3000 + b"\\n")
        except OpsError as error:
            print(error.code)
        """,
        str(target),
    )

    assert said == "FIL001"
    assert target.read_bytes() == b"a" * 3000 + b"\n"


def test_append_adds_lines_in_order(tmp_path: Path) -> None:
    """Lines stand in the order of the calls."""
    target = tmp_path / "deep" / "ledger"

    append_durably(target, b"one\n")
    append_durably(target, b"two\n")

    assert target.read_bytes() == b"one\ntwo\n"


def test_write_where_a_directory_cannot_be_made_is_not_ready(tmp_path: Path) -> None:
    """A path below a plain file is FIL003, not a traceback."""
    (tmp_path / "plain").write_text("")

    with pytest.raises(NotReadyError) as caught:
        write_atomically(tmp_path / "plain" / "below", "x")

    assert caught.value.code == "FIL003"


def test_read_text_of_a_missing_file_names_it(tmp_path: Path) -> None:
    """A missing file is a usage error that names the path."""
    with pytest.raises(UsageError) as caught:
        read_text(tmp_path / "nowhere.csv")

    assert (caught.value.code, "nowhere.csv" in caught.value.message) == ("FIL004", True)


def test_read_text_says_where_the_undecodable_byte_stands(tmp_path: Path) -> None:
    """A Latin-1 file read as UTF-8 is refused with offset, byte and encoding."""
    path = tmp_path / "latin.csv"
    path.write_bytes("name\ncaf\xe9\n".encode("latin-1"))

    with pytest.raises(UsageError) as caught:
        read_text(path)

    assert caught.value.message == f"`{path}` is not utf-8 text: byte 0xe9 at offset 8"


def test_read_text_drops_a_byte_order_mark(tmp_path: Path) -> None:
    """A file saved by a spreadsheet reads like any other."""
    path = tmp_path / "bom.csv"
    path.write_bytes(b"\xef\xbb\xbfid,title\n")

    assert read_text(path) == "id,title\n"


def test_a_held_lock_is_refused_and_names_its_holder(tmp_path: Path) -> None:
    """The second taker is told the pid and the work of the first; after release it gets the lock."""
    path = tmp_path / "lock"

    with FileLock(path, what="rebuilding au_photographers"), pytest.raises(RefusedError) as caught:
        FileLock(path, what="second").__enter__()

    assert caught.value.code == "FIL002"
    assert f"process {os.getpid()} " in caught.value.message
    assert "rebuilding au_photographers" in str(caught.value.why)
    with FileLock(path, what="third"):
        assert path.read_text() == f"{os.getpid()} third\n"


def test_a_lock_goes_with_its_killed_holder(tmp_path: Path) -> None:
    """After kill -9 of the holder the lock is free."""
    path = tmp_path / "lock"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom opsctl.clients.file_locks import FileLock\n"
        "with FileLock(Path(sys.argv[1]), what='dying'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "src"},
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RefusedError):
            FileLock(path).__enter__()
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    with FileLock(path, what="heir"):
        assert path.read_text() == f"{os.getpid()} heir\n"


def test_a_path_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path):
    """A folder, a path below a file; but not a path whose folder is only missing."""
    (tmp_path / "file").write_text("")

    for path in (tmp_path, tmp_path / "file" / "page.html", tmp_path / "file" / "x" / "page.html"):
        with pytest.raises(NotReadyError, match="cannot write"):
            require_writable(path)
    require_writable(tmp_path / "new" / "page.html")
    require_writable(tmp_path / "file")


def test_a_path_with_a_nul_is_no_file(tmp_path: Path):
    """What no system call can take is said like any other wrong path."""
    with pytest.raises(UsageError) as caught:
        read_text(tmp_path / "a\x00b")

    assert caught.value.code == "FIL004"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.mknod(path, stat.S_IFSOCK | 0o600), os.mkdir])
def test_what_is_no_file_is_refused_before_it_can_hold_us(tmp_path: Path, make: Callable[[Path], None]):
    """A pipe, a socket, a folder: a pipe that nobody writes to would never end."""
    path = tmp_path / "book.yaml"
    make(path)

    with pytest.raises(UsageError) as caught:
        read_text(path)

    assert (caught.value.code, str(caught.value.why)[:7]) == ("FIL004", "it is a")


def test_what_the_shell_has_opened_is_read(tmp_path: Path):
    """`--queries <(zcat log.gz)` is a pipe, and has a writer."""
    reading, writing = os.pipe()
    os.write(writing, b"one\n")
    os.close(writing)

    text = read_text(Path(f"/dev/fd/{reading}"))
    os.close(reading)

    assert text == "one\n"


def test_a_file_beyond_its_limit_is_not_read(tmp_path: Path):
    """A sparse file of a terabyte costs nothing."""
    path = tmp_path / "book.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(UsageError) as caught:
        read_text(path, most_bytes=1000)

    assert caught.value.code == "FIL006"


def test_utf_16_is_named(tmp_path: Path):
    """Windows' editors write it."""
    path = tmp_path / "book.yaml"
    path.write_text("a: 1", encoding="utf-16")

    with pytest.raises(UsageError) as caught:
        read_text(path)

    assert "iconv -f UTF-16 " in str(caught.value.fix)


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path):
    """Replacing it would make `/dev/null` a file, as root."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    write_atomically(path, "whole")
    got = os.read(reading, 100)
    os.close(reading)

    assert got == b"whole"
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_an_open_descriptor_is_written_at_its_offset(tmp_path: Path):
    """`--junit /dev/fd/9 9>>all.log` keeps what stands there."""
    with (tmp_path / "all.log").open("wb") as file:
        file.write(b"before ")
        file.flush()
        write_atomically(Path(f"/dev/fd/{file.fileno()}"), "whole")
        file.write(b" after")

    assert (tmp_path / "all.log").read_bytes() == b"before whole after"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_symbolic_link_stays_one(tmp_path: Path):
    """Its target is replaced, in the target's own folder."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "state.json").write_text("old")
    link = tmp_path / "state.json"
    link.symlink_to("real/state.json")

    write_atomically(link, "new")

    assert link.is_symlink()
    assert [each.name for each in (tmp_path / "real").iterdir()] == ["state.json"]
    assert (tmp_path / "real" / "state.json").read_text() == "new"


def test_links_in_a_circle_are_refused(tmp_path: Path):
    """By the system's own words."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(NotReadyError, match="cannot write"):
        write_atomically(tmp_path / "a", "x")


def test_a_folder_is_not_replaced(tmp_path: Path):
    """And nothing is left beside it."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(NotReadyError) as caught:
        write_atomically(tmp_path / "folder", "x")

    assert (caught.value.code, caught.value.fix) == ("FIL003", "name a file in that folder")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_name_as_long_as_names_may_be_is_written(tmp_path: Path):
    """The name of the temporary file beside it is no longer."""
    write_atomically(tmp_path / ("ü" * 127), "x")

    assert (tmp_path / ("ü" * 127)).read_text() == "x"
