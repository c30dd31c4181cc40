"""How are the processes of a ground disturbed: ended, stopped, made to stutter, and let go on."""

import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.ground_place import GroundPlace, nothing_to_break
from opsctl.stack.model import PartName

if TYPE_CHECKING:
    import psutil

    from opsctl.core.clock import Clock

_GRACE_SECONDS = 10.0


class GroundProcesses(GroundPlace):
    """A ground whose parts can be killed, stopped and started."""

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        super().__init__(root, clock=clock)
        self._stutters: dict[str, tuple[threading.Event, threading.Thread]] = {}

    def kill(self, part: str) -> None:
        """End a part with SIGKILL."""
        from opsctl.clients.processes import stop
        from opsctl.stack.model import pid_path

        stop(
            pid_path(self.home, PartName(part)),
            grace_seconds=_GRACE_SECONDS,
            stop_signal=signal.SIGKILL,
            clock=self._clock,
        )

    def start(self, part: str) -> None:
        """Bring a part up again and wait until it is ready."""
        from opsctl.core.events import ignore
        from opsctl.stack.up import start_stack

        start_stack(self.home, listener=ignore, clock=self._clock, only=(PartName(part),), project=self.root)

    def restart(self, part: str) -> None:
        """End a part and bring it up again, as after a change of its books."""
        self.kill(part)
        self.start(part)

    def stutter(self, part: str, *, stalled_seconds: float, running_seconds: float) -> None:
        """Stop and continue all processes of a part in turns, from a thread."""
        over, mark = threading.Event(), self._stutter_mark(part)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

        def take_turns() -> None:
            # Without the mark another process, such as the watchdog, has ended it.
            while not over.is_set() and mark.exists():
                self._signal(part, signal.SIGSTOP)
                over.wait(stalled_seconds)
                self._signal(part, signal.SIGCONT)
                over.wait(running_seconds)

        thread = threading.Thread(target=take_turns, name=f"stutter of {part}", daemon=True)
        self._stutters[part] = (over, thread)
        thread.start()

    def run_steadily(self, part: str) -> None:
        """Let a part run without interruption again."""
        self._stutter_mark(part).unlink(missing_ok=True)
        over, thread = self._stutters.pop(part, (None, None))
        if over is not None and thread is not None:
            over.set()
            thread.join(timeout=_GRACE_SECONDS)
        self._signal(part, signal.SIGCONT)

    def kill_workers(self, *, how_many: int | None = None) -> None:
        """End worker processes of the service with SIGKILL; its main process starts others."""
        import psutil

        workers = self._workers()[:how_many]
        if not workers:
            raise nothing_to_break("no worker of the service runs")
        for process in workers:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def pause(self, part: str) -> None:
        """Stop all processes of a part."""
        self._signal(part, signal.SIGSTOP)

    def resume(self, part: str) -> None:
        """Let them go on."""
        self._signal(part, signal.SIGCONT)

    def worker_identities(self) -> list[tuple[int, float]]:
        """Return pid and start of each worker of the service."""
        import psutil

        found = []
        for process in self._workers():
            with suppress(psutil.NoSuchProcess):
                found.append((process.pid, process.create_time()))
        return found

    def service_processes(self) -> "list[psutil.Process]":
        """Return the service's main process and all that it started."""
        import psutil

        record = self.record(PartName.SERVICE)
        if record is None or record.pid is None:
            return []
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(record.pid)
            return [main, *main.children(recursive=True)]
        return []

    def children_of(self, pid: int) -> list[int]:
        """Return the pids of all that a process started."""
        import psutil

        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return []

    def _workers(self) -> "list[psutil.Process]":
        """Return the workers: the children of the service's main process that are what it is."""
        import psutil

        processes = self.service_processes()
        found = []
        for process in processes[1:]:
            with suppress(psutil.NoSuchProcess):
                main = processes[0]
                # A fork has its parent's command line; one that was spawned says whose module it runs.
                if process.ppid() == main.pid and _is_worker(process.cmdline(), main.cmdline()):
                    found.append(process)
        return found

    def _signal(self, part: str, number: signal.Signals) -> None:
        from opsctl.clients.processes import signal_all

        record = self.record(part)
        if record is not None:
            signal_all(record, number)

    def _stutter_mark(self, part: str) -> Path:
        return self.helpers.folder / f"stutter_{part}"

    def end_stutters(self) -> None:
        """Let every part run without interruption again."""
        for part in tuple(self._stutters):
            self.run_steadily(part)


def _is_worker(words: list[str], main: list[str]) -> bool:
    return words == main or "spawn_main" in " ".join(words)
