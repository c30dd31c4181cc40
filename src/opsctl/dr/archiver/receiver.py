"""How is `pg_receivewal` kept running, found again after a kill, and ended?"""

import signal
from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import connection_text, environment_for, tied_to_us
from opsctl.clients.process_family import ProcessRecord
from opsctl.clients.processes import ProcessPlan, is_alive, start, stop
from opsctl.core.clock import Clock

_GRACE_SECONDS = 10.0
_LARGEST_LOG = 1 << 20
_WORDS_BYTES = 4096


@dataclass(slots=True, kw_only=True)
class Receiver:
    """One `pg_receivewal`, which writes into a folder; `work` holds its pid file and its log.

    It ends when this process ends, however that happens. Where the machine cannot tie it to us, it is found by its pid
    file and ended before another one is started.
    """

    programs: PostgresPrograms
    address: DatabaseAddress
    slot: str
    work: Path
    clock: Clock
    _record: ProcessRecord | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether it runs."""
        return self._record is not None and is_alive(self._record)

    def start(self, folder: Path) -> None:
        """Start it, and end one that a killed archiver left behind.

        Raises:
            NotReadyError: PGP001, PRC001.
        """
        self.stop()
        if self._log.is_file() and self._log.stat().st_size > _LARGEST_LOG:
            self._log.unlink()
        program = self.programs.path_of("pg_receivewal")
        connection = connection_text(self.address, application_name="opsctl archiver")
        self._record = start(
            ProcessPlan(
                argv=(
                    *tied_to_us("INT"),
                    *(program, "--no-password", f"--dbname={connection}", f"--directory={folder}"),
                    # A second without news, and the server hears how far it is: its slot lets go of no more than that.
                    *(f"--slot={self.slot}", "--synchronous", "--no-loop", "--status-interval=1"),
                ),
                cwd=Path("/"),
                log_path=self._log,
                pid_path=self._pid_path,
                environment=environment_for(self.address),
            )
        )

    def stop(self) -> None:
        """End it.

        Raises:
            ResidueError: PRC002.
        """
        stop(self._pid_path, grace_seconds=_GRACE_SECONDS, clock=self.clock, stop_signal=signal.SIGINT)
        self._record = None

    def last_words(self) -> str:
        """Return what it said last."""
        if not self._log.is_file():
            return "pg_receivewal has not said anything"
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - _WORDS_BYTES))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return "; ".join(lines[-2:]) or "pg_receivewal has not said anything"

    def forget_words(self) -> None:
        """Begin a new log, so that what it said before is not taken for what it says now."""
        self._log.unlink(missing_ok=True)

    @property
    def _pid_path(self) -> Path:
        return self.work / "receiver.pid"

    @property
    def _log(self) -> Path:
        return self.work / "receiver.log"
