"""A PostgreSQL of a test's own, which it may kill and lose."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.process_family import ProcessRecord
from opsctl.clients.processes import ProcessPlan, is_alive, start, stop
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotReadyError
from opsctl.stack.placement import choose_account, choose_programs_dir

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
summarize_wal = on
wal_keep_size = '128MB'
max_slot_wal_keep_size = '512MB'
fsync = on
log_timezone = 'UTC'
timezone = 'UTC'
"""


def programs_for(folder: Path) -> PostgresPrograms:
    """Return the programs of the wheel, for whoever may run a server below a folder."""
    account = choose_account(folder)
    return PostgresPrograms(folder=choose_programs_dir(account=account), account=account)


@dataclass(slots=True, kw_only=True)
class OwnServer:
    """One server on loopback, made by `initdb`; its superuser is `opsctl`, its password `secret`."""

    folder: Path
    programs: PostgresPrograms
    port: int
    password: str = "secret"
    record: ProcessRecord | None = None

    @property
    def data(self) -> Path:
        """Return its data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Return what it says."""
        return self.folder / "log"

    def make(self, *, settings: str = "") -> None:
        """Make it."""
        self.folder.mkdir(mode=0o700)
        self._own(self.folder)
        password = self.folder / "password"
        password.write_text("secret\n")
        self._own(password)
        account = self.programs.account
        subprocess.run(
            [
                *(self.programs.path_of("initdb"), f"--pgdata={self.data}", "--username=opsctl"),
                *(f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
                *("--locale-provider=builtin", "--locale=C.UTF-8"),
            ],
            check=True,
            capture_output=True,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        with (self.data / "postgresql.conf").open("a") as stream:
            stream.write(_SETTINGS + settings)

    def start(self) -> None:
        """Start it and wait for it; that it refuses our password is raised."""
        self.record = start(
            ProcessPlan(
                argv=(self.programs.path_of("postgres"), "-D", str(self.data), f"--port={self.port}"),
                cwd=Path("/"),
                log_path=self.log,
                pid_path=self._pid_path,
                environment={"LC_ALL": "C"},
                account=self.programs.account,
            )
        )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.record is not None
            assert is_alive(self.record), self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it cleanly."""
        stop(self._pid_path, grace_seconds=60, clock=SystemClock(), stop_signal=signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.record is not None and self.record.pid is not None and is_alive(self.record):
            os.kill(self.record.pid, signal.SIGKILL)
        stop(self._pid_path, grace_seconds=10, clock=SystemClock())

    def address(self, database: str = "postgres") -> DatabaseAddress:
        """Return where it is."""
        return DatabaseAddress(
            url=f"postgresql://opsctl@127.0.0.1:{self.port}/{database}", password=self.password
        )

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement, outside a transaction, and return its rows."""
        with connect(self.address(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str):
        """Return the one value of a query."""
        return self.execute(statement)[0][0]

    def insert(self, first: int, last: int) -> None:
        """Commit rows `first` to `last` of the table `canary`, each by itself."""
        self.execute("create table if not exists canary (seq int primary key, filler text)")
        with connect(self.address(), autocommit=True) as connection:
            for seq in range(first, last + 1):
                connection.execute("insert into canary values (%s, repeat(md5(%s::text), 10))", (seq, seq))

    def _answers(self) -> bool:
        try:
            with connect(self.address()) as connection:
                connection.execute("select 1")
        except NotReadyError as error:
            if error.code == "DBS002":
                raise
            return False
        return True

    def _own(self, path: Path) -> None:
        account = self.programs.account
        if account is not None:
            os.chown(path, account.uid, account.gid)

    @property
    def _pid_path(self) -> Path:
        return self.folder / "pid"


@contextmanager
def own_server(folder: Path, *, port: int, settings: str = ""):
    """Give a running server, and remove it afterwards."""
    server = OwnServer(folder=folder, programs=programs_for(folder.parent), port=port)
    try:
        server.make(settings=settings)
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def adopted_server(folder: Path, *, data: Path, port: int):
    """Give a server, not running yet, that takes a restored data directory over; remove it afterwards."""
    server = OwnServer(folder=folder, programs=programs_for(folder.parent), port=port)
    folder.mkdir(mode=0o755)
    data.rename(server.data)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
