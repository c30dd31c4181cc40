"""PostgreSQL's programs are found, run with a password nobody sees, and gone when their caller is."""

import os
import time
from pathlib import Path

import pytest

from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import connection_text, environment_for, run, running, tied_to_us
from opsctl.core.errors import NotReadyError, UsageError

ADDRESS = DatabaseAddress(
    url="postgresql://me:in%20side@db.example:5433/shop?sslmode=require", password="s3 cret"
)


def program(folder: Path, text: str, *, name: str = "pg_dump") -> PostgresPrograms:
    """Make a program of the shell."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return PostgresPrograms(folder=folder)


def test_the_password_is_in_the_environment_and_nowhere_else(tmp_path: Path) -> None:
    """Neither on the command line nor in what the program is told about the server."""
    programs = program(tmp_path, 'echo "$0 $*"; echo "password $PGPASSWORD"; echo "$LC_ALL $TZ"')

    outcome = run(programs, "pg_dump", "--verbose", address=ADDRESS)

    line, password, locale = outcome.output
    assert (password, locale) == ("password s3 cret", "C UTC")
    assert "--no-password" in line
    assert "host=db.example" in line
    assert "port=5433" in line
    assert "sslmode=require" in line
    assert "cret" not in line
    assert "side" not in line


def test_a_password_in_the_address_is_used_where_there_is_no_other() -> None:
    """It is decoded, and not repeated."""
    address = DatabaseAddress(url=ADDRESS.url)

    assert environment_for(address)["PGPASSWORD"] == "in side"
    assert "side" not in connection_text(address)


def test_an_address_that_cannot_be_read_is_refused_without_repeating_it() -> None:
    """It may hold a password."""
    with pytest.raises(UsageError) as raised:
        connection_text(DatabaseAddress(url="postgresql://me:s3cret@host/shop?nonsense=1"))

    assert raised.value.code == "DBS004"
    assert "s3cret" not in str(raised.value)


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    """With how to get it."""
    with pytest.raises(NotReadyError) as raised:
        run(PostgresPrograms(folder=tmp_path), "pg_dump")

    assert (raised.value.code, "opsctl[local]" in str(raised.value.fix)) == ("PGP001", True)


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    """Such as one of another machine."""
    programs = program(tmp_path, "")
    (tmp_path / "pg_dump").write_bytes(b"\x7fELF nonsense")

    with pytest.raises(NotReadyError) as raised:
        run(programs, "pg_dump")

    assert raised.value.code == "PGP004"


def test_its_last_words_say_why_it_failed(tmp_path: Path) -> None:
    """Not the first of many."""
    programs = program(tmp_path, "seq 1 5000 >&2; echo 'pg_dump: error: no room' >&2; exit 3")
    heard: list[str] = []

    outcome = run(programs, "pg_dump", heard=heard.append)

    assert outcome.exit_code == 3
    assert outcome.words.endswith("pg_dump: error: no room")
    assert (len(heard), len(outcome.errors)) == (5001, 100)
    with pytest.raises(NotReadyError) as raised:
        outcome.require_success()
    assert raised.value.code == "PGP002"


def test_an_endless_line_takes_no_memory(tmp_path: Path) -> None:
    """It is cut."""
    programs = program(tmp_path, "head -c 20000000 /dev/zero | tr '\\0' 'x'; echo; echo end")

    outcome = run(programs, "pg_dump")

    assert [len(line) for line in outcome.output] == [2000, 3]


def test_output_comes_in_pieces(tmp_path: Path) -> None:
    """All of it, none larger than a mebibyte."""
    programs = program(tmp_path, "head -c 5000000 /dev/zero")

    with running(programs, "pg_dump") as started:
        sizes = [len(piece) for piece in started.pieces()]
        outcome = started.outcome()

    assert (sum(sizes), outcome.exit_code) == (5_000_000, 0)
    assert max(sizes) <= 1 << 20


@pytest.mark.parametrize("deaf", ["", "trap '' TERM; "])
def test_a_program_ends_with_the_block_that_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: str
) -> None:
    """Also one that does not listen."""
    monkeypatch.setattr("opsctl.clients.postgres_running._GRACE_SECONDS", 0.3)
    programs = program(tmp_path, f"{deaf}echo $$; while :; do sleep 0.05; done")

    with running(programs, "pg_dump") as started:
        pid = int(next(started.lines()))
        os.kill(pid, 0)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_never_asks_at_the_terminal(tmp_path: Path) -> None:
    """It has none, and its input is empty."""
    programs = program(tmp_path, "cat; (: < /dev/tty) 2>/dev/null && echo terminal; echo done")

    assert run(programs, "pg_dump").output == ("done",)


def test_versions_are_compared_with_the_server(tmp_path: Path) -> None:
    """A base backup needs the same, a dump at least as new a one."""
    programs = program(tmp_path, "echo 'pg_dump (PostgreSQL) 17.4 (Debian 17.4-1)'")

    programs.require_same("pg_dump", server_version=170_002)
    programs.require_not_older("pg_dump", server_version=160_000)
    for check in (programs.require_same, programs.require_not_older):
        with pytest.raises(NotReadyError) as raised:
            check("pg_dump", server_version=180_000)
        assert raised.value.code == "PGP003"
    with pytest.raises(NotReadyError):
        programs.require_same("pg_dump", server_version=160_000)


def test_a_program_that_tells_no_version_is_refused(tmp_path: Path) -> None:
    """Whatever it is, it is not PostgreSQL's."""
    with pytest.raises(NotReadyError, match="does not tell its version"):
        program(tmp_path, "echo hello").major_version("pg_dump")


@pytest.mark.skipif(not tied_to_us("INT"), reason="there is no setpriv here")
def test_a_tied_program_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    """Even where that had no time to end it."""
    import subprocess
    import sys

    code = (
        "import subprocess, sys; from opsctl.clients.postgres_running import tied_to_us;"
        "p = subprocess.Popen([*tied_to_us('TERM'), 'sleep', '60']); print(p.pid, flush=True); p.wait()"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    time.sleep(0.2)

    starter.kill()
    starter.wait()
    starter.stdout.close()

    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_a_full_disk_is_no_fault_of_what_a_program_works_on(tmp_path: Path):
    """Or a restore would take a whole backup for a damaged one, and go on with an older."""
    said = "pg_combinebackup: error: could not write to file: No space left on device"
    programs = program(tmp_path, f"echo '{said}' >&2; exit 1", name="pg_combinebackup")

    with pytest.raises(NotReadyError) as caught:
        run(programs, "pg_combinebackup")

    assert (caught.value.code, caught.value.why) == ("FIL001", said)
