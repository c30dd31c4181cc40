"""How is one of PostgreSQL's own programs run: with a password nobody sees, and gone when its caller is."""

import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from opsctl.clients.files import says_no_room
from opsctl.clients.postgres import CONNECT_TIMEOUT_SECONDS, DatabaseAddress, malformed
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.core.errors import NotReadyError

_PIECE_BYTES = 1 << 20
_LINES_KEPT = 100
_LONGEST_LINE = 2000
_GRACE_SECONDS = 5.0


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
