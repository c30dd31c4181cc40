"""How is a rebuilt data directory brought to its point in time, and is it really there: run, watched, looked at?"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.files import says_no_room
from opsctl.clients.postgres import connect
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.dr.postgres.private_folder import make_private_folder
from opsctl.dr.postgres.private_server import (
    POLL_SECONDS,
    PrivateServer,
    control_values,
    private_server,
    read_log_tail,
)
from opsctl.dr.postgres.rebuild import Rebuilt, version_number
from opsctl.dr.postgres.recovery_settings import (
    HEADER_BYTES,
    NO_COPY,
    recovery_settings,
    signal_recovery,
    tail_of,
)
from opsctl.dr.postgres.target import AtLsn, AtName, Latest, Target
from opsctl.dr.postgres.wal import format_lsn, parse_history, parse_lsn
from opsctl.dr.postgres.wal_tail import WalTail

if TYPE_CHECKING:
    from psycopg import Connection

_SUBJECT = "postgres"
_PHASE = "replay log"
_DEADLINE_SECONDS = 24 * 3600.0
_RESTORED = re.compile(r'restored log file "(?P<name>[0-9A-F]{24})" from archive')
_NOT_REACHED = "recovery ended before configured recovery target was reached"
_NOT_COPIED = f"child process exited with exit code {NO_COPY}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    """A password that a role is given, because the one of the old server may be lost with it."""

    role: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Where a server is after its recovery; it is stopped, and goes on from there on a timeline of its own."""

    data: Path
    lsn: str
    timeline: int
    last_commit_at: datetime | None
    seconds: float


def recover(
    rebuilt: Rebuilt,
    *,
    programs: PostgresPrograms,
    user: str,
    listener: Listener,
    clock: Clock,
    new_password: NewPassword | None = None,
) -> Recovered:
    """Replay the log up to the target, where nobody can reach the server, and stop it there.

    Args:
        rebuilt: what `materialise` made.
        programs: of the same major version.
        user: a superuser of the server.
        listener: hears of every segment that was replayed.
        clock: to wait by.
        new_password: of a role, to be set.

    Raises:
        FailedError: DRC030 the server failed, DRC031 the log ends before the target, or was not replayed to its end.
        NotReadyError: DRC030 it took too long, DRC039 a disk is full; PGP001-PGP004.
    """
    programs.require_same("postgres", server_version=version_number(rebuilt.chain.newest))
    began = clock.monotonic()
    listener(PhaseStarted(subject=_SUBJECT, phase=_PHASE, total=len(rebuilt.chain.segments), unit="segments"))
    tail = tail_of(rebuilt, programs=programs)
    settings = recovery_settings(rebuilt, tail=tail)
    work = rebuilt.folder / f"recovery-{secrets.token_hex(4)}"
    make_private_folder(work, account=programs.account)
    signal_recovery(rebuilt.data, programs=programs)
    with private_server(rebuilt.data, programs=programs, settings=settings, work=work, clock=clock) as server:
        wait = _Wait(server, target=rebuilt.chain.target, listener=listener, clock=clock)
        wait.until_promoted(user=user, deadline=began + _DEADLINE_SECONDS)
        with connect(server.address(user=user), autocommit=True) as connection:
            lsn, timeline, last_commit_at = _place(connection)
            _require_reached(lsn, rebuilt=rebuilt, tail=tail)
            if new_password is not None:
                _set_password(connection, new_password)
            # Whatever happens from here on is on the new timeline, and in the data files.
            connection.execute("checkpoint")
    _require_clean(rebuilt.data, programs=programs)
    seconds = clock.monotonic() - began
    listener(
        PhaseFinished(
            subject=_SUBJECT,
            phase=_PHASE,
            duration_seconds=seconds,
            figures={"lsn": format_lsn(lsn), "timeline": timeline},
        )
    )
    return Recovered(
        data=rebuilt.data,
        lsn=format_lsn(lsn),
        timeline=timeline,
        last_commit_at=last_commit_at,
        seconds=seconds,
    )


class _Wait:
    """Waits for the end of a recovery, and tells how far it is."""

    def __init__(self, server: PrivateServer, *, target: Target, listener: Listener, clock: Clock) -> None:
        self._server = server
        self._target = target
        self._listener = listener
        self._clock = clock
        self._seen_bytes = 0
        self._newest = ""

    def until_promoted(self, *, user: str, deadline: float) -> None:
        """Return as soon as the server takes orders, which it does only where it has reached its target."""
        while not self._server.takes_orders(user=user):
            self._tell()
            if not self._server.is_alive:
                raise self._failure()
            if self._clock.monotonic() > deadline:
                raise NotReadyError(
                    "the recovery took too long",
                    code="DRC030",
                    why=self._server.last_words(),
                    fix="restore from a newer backup, which has less to replay",
                )
            self._clock.sleep(POLL_SECONDS)
        self._tell()

    def _tell(self) -> None:
        with self._server.log.open("rb") as log:
            log.seek(self._seen_bytes)
            text = log.read()
        # Only whole lines; what is cut short is read again.
        whole = text[: text.rfind(b"\n") + 1]
        self._seen_bytes += len(whole)
        for found in _RESTORED.finditer(whole.decode(errors="replace")):
            # The last one is asked for again when a timeline of its own begins.
            if found["name"] <= self._newest:
                continue
            self._newest = found["name"]
            self._listener(PhaseAdvanced(subject=_SUBJECT, phase=_PHASE, advance=1))

    def _failure(self) -> OpsError:
        words, tail = self._server.last_words(), read_log_tail(self._server.log)
        if _NOT_COPIED in tail or says_no_room(tail):
            return NotReadyError(
                "the recovery had no room to write",
                code="DRC039",
                why=words,
                fix="free some space, then run the command again: df -h",
            )
        if _NOT_REACHED not in tail:
            return FailedError(
                "the recovery failed",
                code="DRC030",
                why=words,
                fix="restore from an older backup: opsctl dr list",
            )
        is_name = isinstance(self._target, AtName)
        return FailedError(
            f"{self._target.shown} was not reached",
            code="DRC031",
            why=f"{'it was made before that backup, or ' if is_name else ''}the archived log ends before it: {words}",
            fix="see how far back and forth one can go: opsctl dr list; or restore to where the log ends: --to latest",
        )


def _place(connection: "Connection[tuple[Any, ...]]") -> tuple[int, int, datetime | None]:
    """Return where the old timeline was left, which one goes on, and when the last transaction before that was."""
    row = connection.execute(
        "select name, pg_read_file('pg_wal/' || name), pg_last_xact_replay_timestamp()"
        " from (select left(pg_walfile_name(pg_current_wal_lsn()), 8) || '.history' as name) as newest"
    ).fetchone()
    if row is None:
        raise FailedError("the server does not tell where it is", code="DRC030", fix="look at its log")
    timeline = int(row[0][:8], 16)
    return parse_history(row[1], timeline=timeline).ancestors[-1].at, timeline, row[2]


def _require_reached(lsn: int, *, rebuilt: Rebuilt, tail: WalTail | None) -> None:
    """Refuse a recovery that ended early: PostgreSQL takes the first damaged record for the end of the log."""
    target = rebuilt.chain.target
    wanted = 0
    if isinstance(target, Latest):
        wanted = tail.end if tail is not None else parse_lsn(rebuilt.chain.newest.end_lsn)
    elif isinstance(target, AtLsn):
        wanted = target.lsn
    if lsn + HEADER_BYTES < wanted:
        raise FailedError(
            f"{target.shown} was not reached",
            code="DRC031",
            why=f"the replay ended at {format_lsn(lsn)}, and the archived log goes on to {format_lsn(wanted)}",
            fix="restore from a later backup: opsctl dr list",
        )


def _set_password(connection: "Connection[tuple[Any, ...]]", new: NewPassword) -> None:
    """Set a password without the server, or its log, ever seeing it."""
    from psycopg import sql

    verifier = connection.pgconn.encrypt_password(
        new.password.encode(), new.role.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("alter role {} password {}").format(sql.Identifier(new.role), sql.Literal(verifier))
    )


def _require_clean(data: Path, *, programs: PostgresPrograms) -> None:
    state = control_values(data, programs=programs)["Database cluster state"]
    if state != "shut down":
        raise FailedError(
            "the recovered server did not stop cleanly",
            code="DRC030",
            why=f"its control file says `{state}`",
            fix="run the restore again; where it fails again, restore from an older backup",
        )
