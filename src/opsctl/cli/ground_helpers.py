"""Which small processes stand around a ground: the fault proxy, Redis, a simulated model, burdens, the watchdog."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import NotReadyError
from opsctl.core.waiting import wait_until

if TYPE_CHECKING:
    from opsctl.core.clock import Clock

PROXY, REDIS, MODEL, WATCHDOG = "proxy", "redis", "model", "watchdog"
BURDEN = "burden_"
"""How the name of each helper begins that takes CPU or memory."""

_MEBIBYTE = 2**20
_GRACE_SECONDS = 3.0
_READY_SECONDS = 20.0
_POLL_SECONDS = 0.05


class GroundHelpers:
    """Processes of a ground, each with its pid file in `<home>/chaos`; any later process finds and ends them."""

    def __init__(self, home: Path, *, clock: "Clock") -> None:
        self.folder = home / "chaos"
        self._clock = clock

    def start(
        self,
        name: str,
        *argv: str,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Start a process, unless it runs, and wait until it can be used.

        Raises:
            NotReadyError: CHA061 when it ends or stays unready.
        """
        from opsctl.clients.processes import ProcessPlan, is_alive, read_record, start

        self.folder.mkdir(parents=True, exist_ok=True)
        record = read_record(self._pid_path(name))
        if record is None or not is_alive(record):
            plan = ProcessPlan(
                argv=argv,
                cwd=self.folder,
                log_path=self.folder / f"{name}.log",
                pid_path=self._pid_path(name),
            )
            record = start(plan)
        has_started = wait_until(
            is_ready,
            clock=self._clock,
            seconds=_READY_SECONDS,
            poll_seconds=_POLL_SECONDS,
            may_come=lambda: is_alive(record),
        )
        if not has_started:
            raise NotReadyError(
                f"the {name} of the proving ground does not start",
                code="CHA061",
                why=(self.folder / f"{name}.log").read_text(errors="replace").strip()[-1000:],
                fix=f"look at its log: {self.folder / name}.log",
            )

    def start_own(
        self, name: str, module: str, *words: str, is_ready: Callable[[], bool] = lambda: True
    ) -> None:
        """Start a module of opsctl's own."""
        self.start(name, sys.executable, "-m", module, *words, is_ready=is_ready)

    def end(self, name: str) -> None:
        """End a process; harmless where there is none."""
        from opsctl.clients.processes import stop

        stop(self._pid_path(name), grace_seconds=_GRACE_SECONDS, clock=self._clock)

    def end_all(self) -> None:
        """End every process but the watchdog; one that cannot be ended keeps none of the others."""
        with ExitStack() as closing:
            for name in set(self.names()) - {WATCHDOG}:
                closing.callback(self.end, name)

    def end_watchdog(self) -> None:
        """End the watchdog, once nothing is left for it; it ends by itself."""
        if not self.is_this_process(WATCHDOG):
            self.end(WATCHDOG)

    def require_watchdog(self) -> int:
        """Return the pid of the watchdog.

        Raises:
            NotReadyError: CHA061 it does not run, so nobody would take a fault back.
        """
        pid = self.pid_of(WATCHDOG)
        if pid is None or WATCHDOG not in self.living():
            raise NotReadyError(
                "the watchdog of the proving ground is gone",
                code="CHA061",
                why="without it nobody would take a fault back, should this process be killed",
                fix=f"begin again with a new ground; its log: {self.folder / WATCHDOG}.log",
            )
        return pid

    def pid_of(self, name: str) -> int | None:
        """Return the pid of a process that was started and not ended."""
        from opsctl.clients.processes import read_record

        record = read_record(self._pid_path(name))
        return record.pid if record else None

    def names(self) -> tuple[str, ...]:
        """Return the processes that were started and not ended."""
        return tuple(sorted(path.stem for path in self.folder.glob("*.pid")))

    def living(self) -> tuple[str, ...]:
        """Return those that run."""
        from opsctl.clients.processes import is_alive, read_record

        records = {name: read_record(self._pid_path(name)) for name in self.names()}
        return tuple(name for name, record in records.items() if record is not None and is_alive(record))

    def weighs(self, name: str, resource: str, *, amount: int) -> bool:
        """Tell whether a burden has taken what it was to take: processes, or MiB of memory."""
        import psutil

        pid = self.pid_of(name)
        if pid is None:
            return False
        try:
            process = psutil.Process(pid)
            if resource == "memory":
                return bool(process.memory_info().rss >= amount * _MEBIBYTE)
            return len(process.children()) >= amount - 1
        except psutil.Error:
            return False

    def is_this_process(self, name: str) -> bool:
        """Tell whether a helper is the process that asks."""
        return self.pid_of(name) == os.getpid()

    def _pid_path(self, name: str) -> Path:
        return self.folder / f"{name}.pid"


def parent_words() -> str:
    """Return `PID:START_TICKS` of this process, by which a helper knows when nobody wants it any more."""
    from opsctl.clients.procfs import read_stat

    stat = read_stat(os.getpid())
    return f"{os.getpid()}:{stat.start_ticks}" if stat else str(os.getpid())
