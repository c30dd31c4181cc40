"""How PostgreSQL's own programs are run: found, with a password nobody sees, and gone when their caller is."""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from opsctl.clients.files import says_no_room
from opsctl.clients.postgres import CONNECT_TIMEOUT_SECONDS, DatabaseAddress, malformed
from opsctl.clients.processes import Account
from opsctl.core.errors import NotReadyError

_PIECE_BYTES = 1 << 20
_LINES_KEPT = 100
_LONGEST_LINE = 2000
_GRACE_SECONDS = 5.0
_VERSION = re.compile(r"\(PostgreSQL\) (?P<major>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPrograms:
    """Where PostgreSQL's programs are, and as whom they run.

    Args:
        folder: holds them; None looks along PATH.
        account: runs them, and owns what they make; None is our own. The server itself refuses to be run by root.
    """

    folder: Path | None = None
    account: Account | None = None

    def path_of(self, name: str) -> str:
        """Return where a program is.

        Raises:
            NotReadyError: PGP001.
        """
        found = shutil.which(name, path=None if self.folder is None else str(self.folder))
        if found is None:
            where = "on PATH" if self.folder is None else f"in `{self.folder}`"
            raise NotReadyError(
                f"PostgreSQL's program `{name}` is not {where}",
                code="PGP001",
                why="backups are made and checked by PostgreSQL's own programs",
                fix="run `pip install 'opsctl[local]'`, or install PostgreSQL's client and server packages",
            )
        return found

    def major_version(self, name: str) -> int:
        """Return the major version of a program.

        Raises:
            NotReadyError: PGP001 it is not there, PGP002 it does not tell.
        """
        return _major_version(self.path_of(name))

    def require_same(self, name: str, *, server_version: int) -> None:
        """Refuse a program of another major version than the server's, which is given as 180006.

        Raises:
            NotReadyError: PGP003.
        """
        major = self.major_version(name)
        if major != server_version // 10_000:
            raise _wrong_version(name, major=major, server_version=server_version)

    def require_not_older(self, name: str, *, server_version: int) -> None:
        """Refuse a program that is older than the server.

        Raises:
            NotReadyError: PGP003.
        """
        major = self.major_version(name)
        if major < server_version // 10_000:
            raise _wrong_version(name, major=major, server_version=server_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOutcome:
    """How a program ended, and its last words on both outputs."""

    name: str
    exit_code: int
    output: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return what it said last, errors before anything else."""
        said = "; ".join(self.errors[-5:] or self.output[-5:])
        if said:
            return said
        return f"it said nothing and ended with {self.exit_code}"

    def require_success(self) -> None:
        """Refuse an exit code that is not 0; that alone proves nothing yet.

        Raises:
            NotReadyError: PGP002.
        """
        if self.exit_code != 0:
            raise NotReadyError(
                f"`{self.name}` failed",
                code="PGP002",
                why=self.words,
                fix="mend what it says, then try again",
            )


class RunningProgram:
    """A program at work; it is killed where its `with` block is left before its end."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], heard: Callable[[str], None] | None
    ) -> None:
        self.name = name
        self._process = process
        self._output: deque[str] = deque(maxlen=_LINES_KEPT)
        self._errors: deque[str] = deque(maxlen=_LINES_KEPT)
        self._listening = threading.Thread(
            target=_keep_last_lines, args=(process.stderr, self._errors, heard), daemon=True
        )
        self._listening.start()

    def pieces(self) -> Iterator[bytes]:
        """Yield its output as it comes, up to 1 MiB at a time."""
        stream = self._process.stdout
        while stream is not None and (piece := os.read(stream.fileno(), _PIECE_BYTES)):
            yield piece

    def lines(self) -> Iterator[str]:
        """Yield its output line by line; what is longer than 2,000 characters is cut."""
        for line in _lines_of(self._process.stdout):
            self._output.append(line)
            yield line

    def outcome(self) -> ProgramOutcome:
        """Wait for its end; its output must have been read."""
        exit_code = self._process.wait()
        self._listening.join(_GRACE_SECONDS)
        return ProgramOutcome(
            name=self.name, exit_code=exit_code, output=tuple(self._output), errors=tuple(self._errors)
        )

    def end(self) -> None:
        """End it and the workers that it has, asking first."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                # It leads a group of its own, and is not reaped yet: nobody else can have its number.
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                self._listening.join(_GRACE_SECONDS)
                stream.close()


@contextmanager
def running(
    programs: PostgresPrograms,
    name: str,
    *arguments: str,
    address: DatabaseAddress | None = None,
    connect_by: str = "--dbname",
    heard: Callable[[str], None] | None = None,
) -> Iterator[RunningProgram]:
    """Start a program for the time of a `with` block.

    Args:
        programs: where it is.
        name: such as `pg_basebackup`.
        arguments: without those of the connection.
        address: of the server, for programs that connect.
        connect_by: the option that takes the address.
        heard: gets each line of its errors as it comes.

    Raises:
        NotReadyError: PGP001 it is not there, PGP004 it cannot be started.
    """
    program = programs.path_of(name)
    connection = () if address is None else ("--no-password", f"{connect_by}={connection_text(address)}")
    account = programs.account
    try:
        process = subprocess.Popen(
            [program, *connection, *arguments],
            cwd="/",
            env=environment_for(address),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pipesize=_PIECE_BYTES,
            # Ctrl-C is for us; we end it. It also loses the terminal, at which it would ask for a password.
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise NotReadyError(
            f"`{program}` cannot be started", code="PGP004", why=str(error), fix="run `opsctl doctor`"
        ) from error
    started = RunningProgram(name, process, heard)
    try:
        yield started
    finally:
        started.end()


def run(
    programs: PostgresPrograms,
    name: str,
    *arguments: str,
    address: DatabaseAddress | None = None,
    connect_by: str = "--dbname",
    heard: Callable[[str], None] | None = None,
) -> ProgramOutcome:
    """Run a program to its end and return how it ended, good or bad; see `running`.

    Of each of its outputs the last hundred lines are kept.

    Raises:
        NotReadyError: also FIL001, a disk was full; that says nothing of what it was to work on.
    """
    with running(programs, name, *arguments, address=address, connect_by=connect_by, heard=heard) as program:
        for _ in program.lines():
            pass
        outcome = program.outcome()
    if outcome.exit_code != 0 and says_no_room(outcome.words):
        raise NotReadyError(
            f"`{name}` had no room to write",
            code="FIL001",
            why=outcome.words,
            fix="free some space, then run the command again: df -h",
        )
    return outcome


def connection_text(address: DatabaseAddress, *, application_name: str = "opsctl") -> str:
    """Return an address as libpq's text of keywords, without its password, for a command line.

    Raises:
        UsageError: DBS004 when the address is malformed.
    """
    import psycopg
    from psycopg import conninfo

    try:
        values = conninfo.conninfo_to_dict(address.url)
    except psycopg.ProgrammingError:
        raise malformed(address) from None
    values.pop("password", None)
    values.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
    values.setdefault("application_name", application_name)
    # A peer that vanished without a word is noticed within about half a minute.
    values |= {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    return conninfo.make_conninfo("", **values)


def environment_for(address: DatabaseAddress | None) -> dict[str, str]:
    """Return the environment of a program: plain English, UTC, and the password of the server where there is one."""
    from urllib.parse import unquote, urlsplit

    environment = {key: value for key, value in os.environ.items() if key not in ("PGDATA", "PGSERVICE")}
    environment |= {"LC_ALL": "C", "TZ": "UTC", "PG_COLOR": "never"}
    if address is not None:
        inside = urlsplit(address.url).password
        password = address.password if address.password is not None else inside and unquote(inside)
        if password:
            environment["PGPASSWORD"] = password
    return environment


def tied_to_us(signal_name: str) -> tuple[str, ...]:
    """Return the beginning of a command line by which a program is sent a signal when this thread dies, even by SIGKILL.

    Nothing where the machine does not have `setpriv` (util-linux).
    """
    found = shutil.which("setpriv")
    return (found, "--pdeathsig", signal_name, "--") if found else ()


@lru_cache
def _major_version(path: str) -> int:
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=30, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReadyError(
            f"`{path}` cannot be started", code="PGP004", why=str(error), fix="run `opsctl doctor`"
        ) from error
    found = _VERSION.search(said.stdout)
    if found is None:
        raise NotReadyError(
            f"`{path}` does not tell its version",
            code="PGP002",
            why=(said.stderr or said.stdout).strip()[:_LONGEST_LINE],
            fix="install PostgreSQL's own programs",
        )
    return int(found["major"])


def _wrong_version(name: str, *, major: int, server_version: int) -> NotReadyError:
    server = server_version // 10_000
    return NotReadyError(
        f"`{name}` is of PostgreSQL {major}, the server of {server}",
        code="PGP003",
        why="a base backup needs programs of the server's own major version, a dump none that is older",
        fix=f"install PostgreSQL {server}'s programs, and put their folder first on PATH",
    )


def _keep_last_lines(stream: IO[bytes] | None, kept: deque[str], heard: Callable[[str], None] | None) -> None:
    for line in _lines_of(stream):
        kept.append(line)
        if heard is not None:
            heard(line)


def _lines_of(stream: IO[bytes] | None) -> Iterator[str]:
    """Yield lines without their ends; a line without end takes no more memory than a long one."""
    rest = b""
    while stream is not None and (piece := stream.read(1 << 16)):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line[:_LONGEST_LINE].decode(errors="replace").rstrip()
        rest = rest[:_LONGEST_LINE]
    if rest:
        yield rest.decode(errors="replace").rstrip()
