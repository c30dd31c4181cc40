"""How is a data directory started so that nobody but us can reach it, and nothing of its old settings does harm."""

import re
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from opsctl.clients.files import write_atomically
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import run, tied_to_us
from opsctl.clients.process_family import ProcessRecord
from opsctl.clients.processes import ProcessPlan, is_alive, start, stop
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError, NotReadyError
from opsctl.core.waiting import wait_until
from opsctl.dr.postgres.private_folder import make_private_folder

_PORT = 5432  # names the socket only
_LONGEST_SOCKET_FOLDER = 90  # of 107 bytes, with room for the name of the socket
POLL_SECONDS = 0.1
_READY_SECONDS = 600.0
_STOP_SECONDS = 120.0
_LOG_TAIL_BYTES = 64 * 1024
_BAD_LINE = re.compile(r"(?:FATAL|PANIC|ERROR): +(?P<words>.*)")
# What must be at least what it was on the old server, as pg_controldata calls it.
_FROM_CONTROL = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}
# On the command line, so that they win over postgresql.auto.conf, which comes along with the data.
_QUIET = {
    "listen_addresses": "",
    "port": str(_PORT),
    "archive_mode": "off",
    "archive_command": "",
    "archive_library": "",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "synchronous_standby_names": "",
    # Jobs, subscriptions and hooks of the old server are not to act twice.
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "max_logical_replication_workers": "0",
    "ssl": "off",
    "hot_standby": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "log",
    "log_line_prefix": "%m [%p] ",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "external_pid_file": "",
    "shared_buffers": "256MB",
    "fsync": "on",
    "full_page_writes": "on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateServer:
    """A server that only its own user and root can reach; `log` is what it says."""

    log: Path
    record: ProcessRecord
    sockets: Path

    @property
    def is_alive(self) -> bool:
        """Tell whether its process runs."""
        return is_alive(self.record)

    def address(self, *, user: str, database: str = "postgres") -> DatabaseAddress:
        """Return where one of its databases is; no password is asked for."""
        host = quote(str(self.sockets), safe="")
        return DatabaseAddress(url=f"postgresql://{quote(user)}@/{quote(database)}?host={host}&port={_PORT}")

    def takes_orders(self, *, user: str) -> bool:
        """Tell whether it answers, and is not in the middle of a recovery."""
        try:
            with connect(self.address(user=user), autocommit=True) as connection:
                row = connection.execute("select not pg_is_in_recovery()").fetchone()
                return bool(row and row[0])
        except NotReadyError:
            return False

    def wait_until_ready(self, *, user: str, clock: Clock) -> None:
        """Wait until it takes orders.

        Raises:
            FailedError: DRC030 it has ended, or takes too long.
        """
        is_ready = wait_until(
            lambda: self.takes_orders(user=user),
            clock=clock,
            seconds=_READY_SECONDS,
            poll_seconds=POLL_SECONDS,
            may_come=lambda: self.is_alive,
        )
        if not is_ready:
            raise FailedError(
                "a restored server does not start",
                code="DRC030",
                why=self.last_words(),
                fix="restore from another backup: opsctl dr list",
            )

    def last_words(self) -> str:
        """Return what went wrong, in the words of its log."""
        lines = read_log_tail(self.log).splitlines()
        bad = [found["words"] for line in lines if (found := _BAD_LINE.search(line))]
        return "; ".join(bad[-3:] or lines[-3:]) or "it said nothing"


@contextmanager
def private_server(
    data: Path, *, programs: PostgresPrograms, settings: Mapping[str, str], work: Path, clock: Clock
) -> Iterator[PrivateServer]:
    """Start a server for the time of a `with` block; it is not ready yet when the block begins.

    Args:
        data: its data directory.
        programs: the server among them.
        settings: beside those that keep it quiet.
        work: a folder that is there, for its log and its own configuration.
        clock: to wait by.

    Raises:
        NotReadyError: PGP001, PRC001.
        FailedError: DRC030 when its control file cannot be read.
    """
    server = programs.path_of("postgres")
    values = _QUIET | control_settings(data, programs=programs) | _files(work) | dict(settings)
    sockets = _socket_folder(programs)
    values["unix_socket_directories"] = str(sockets)
    options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    pid_path, log = work / "server.pid", work / "server.log"
    try:
        record = start(
            ProcessPlan(
                argv=(*tied_to_us("INT"), server, "-D", str(data), *options),
                cwd=Path("/"),
                log_path=log,
                pid_path=pid_path,
                environment={"LC_ALL": "C", "TZ": "UTC"},
                account=programs.account,
            )
        )
        try:
            yield PrivateServer(log=log, record=record, sockets=sockets)
        finally:
            # Fast shutdown: sessions are ended, and a checkpoint is written.
            stop(pid_path, grace_seconds=_STOP_SECONDS, clock=clock, stop_signal=signal.SIGINT)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def control_values(data: Path, *, programs: PostgresPrograms) -> dict[str, str]:
    """Return what the control file of a data directory says, by PostgreSQL's own names.

    Raises:
        FailedError: DRC030.
    """
    outcome = run(programs, "pg_controldata", f"--pgdata={data}")
    values = dict(line.split(":", 1) for line in outcome.output if ":" in line)
    if outcome.exit_code != 0 or "Database cluster state" not in values:
        raise FailedError(
            f"the control file of `{data}` cannot be read",
            code="DRC030",
            why=outcome.words,
            fix="restore from another backup: opsctl dr list",
        )
    return {key: value.strip() for key, value in values.items()}


def control_settings(data: Path, *, programs: PostgresPrograms) -> dict[str, str]:
    """Return the settings without which a server refuses to replay the log of another one."""
    values = control_values(data, programs=programs)
    return {name: values[key] for key, name in _FROM_CONTROL.items() if key in values}


def read_log_tail(log: Path) -> str:
    """Return the end of a log."""
    with log.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - _LOG_TAIL_BYTES))
        return stream.read().decode(errors="replace")


def _files(work: Path) -> dict[str, str]:
    """Write a configuration of its own, so that none of the old one is read."""
    contents = {
        "config_file": ("postgresql.conf", "# everything is on the command line\n"),
        "hba_file": ("pg_hba.conf", "local all all trust\n"),
        "ident_file": ("pg_ident.conf", ""),
    }
    for name, content in contents.values():
        write_atomically(work / name, content, mode=0o644)
    return {setting: str(work / name) for setting, (name, _) in contents.items()}


def _socket_folder(programs: PostgresPrograms) -> Path:
    base = tempfile.gettempdir()
    inside = base if len(base.encode()) + 24 < _LONGEST_SOCKET_FOLDER else "/tmp"  # noqa: S108 - 0700, new
    folder = Path(tempfile.mkdtemp(prefix="opsctl-", dir=inside))
    folder.rmdir()
    make_private_folder(folder, account=programs.account)
    return folder
