"""On what are faults made for proofs: a whole stack of its own below the state folder, so that nobody else is hurt."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import FailedError, NotReadyError
from opsctl.stack.model import PartName

if TYPE_CHECKING:
    import psycopg

    from opsctl.chaos.traffic import Traffic
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.core.clock import Clock

READERS = 60
"""Readers who come back; few, so that their feeds are all stored within seconds."""
RETURNING_A_SECOND, NEW_A_SECOND = 12.0, 3.0
RULES = "rules"

_GRACE_SECONDS = 10.0
_COMMAND_SECONDS = 180.0


class ProvingGround:
    """A stack of its own (`chaos.ground.Ground`), in a project of its own; `proving_setup.proving_ground` makes one."""

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        self.root = root
        self.home = root / ".opsctl"
        self.traffic: Traffic | None = None
        self._clock = clock
        self._stutters: dict[str, tuple[threading.Event, threading.Thread]] = {}
        self._edited: dict[str, tuple[Path, str]] = {}
        self._held: psycopg.Connection[Any] | None = None

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

    def stutter(self, part: str, *, stalled_seconds: float, running_seconds: float) -> None:
        """Stop and continue all processes of a part in turns, from a thread."""
        over = threading.Event()

        def take_turns() -> None:
            while not over.is_set():
                self._signal(part, signal.SIGSTOP)
                over.wait(stalled_seconds)
                self._signal(part, signal.SIGCONT)
                over.wait(running_seconds)

        thread = threading.Thread(target=take_turns, name=f"stutter of {part}", daemon=True)
        self._stutters[part] = (over, thread)
        thread.start()

    def run_steadily(self, part: str) -> None:
        """Let a part run without interruption again."""
        over, thread = self._stutters.pop(part, (None, None))
        if over is not None and thread is not None:
            over.set()
            thread.join(timeout=_GRACE_SECONDS)
        self._signal(part, signal.SIGCONT)

    def execute(self, *statements: str) -> None:
        """Run SQL statements in one transaction."""
        from opsctl.clients.postgres import connect

        with connect(self._database()) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def hold(self, statement: str) -> None:
        """Run a statement in a transaction that stays open until `release`."""
        from opsctl.clients.postgres import connect

        self._held = connect(self._database())
        self._held.execute(statement.encode())

    def release(self) -> None:
        """End what `hold` began."""
        if self._held is not None:
            self._held.rollback()
            self._held.close()
            self._held = None

    def send(self, *, returning: float, new: float) -> None:
        """Let so many known and so many new readers a second ask for their feeds."""
        if self.traffic is not None:
            self.traffic.change(returning=returning, new=new)

    def send_as_usual(self) -> None:
        """Let readers ask as they do without a fault."""
        self.send(returning=RETURNING_A_SECOND, new=NEW_A_SECOND)

    def opsctl(self, *words: str) -> str:
        """Run a command of opsctl in this project and return what it printed.

        Raises:
            NotReadyError: ALR091 when it fails.
        """
        done = subprocess.run(
            [sys.executable, "-m", "opsctl", "--project", str(self.root), *words],
            # Without any setting of the caller's: the ground must never touch other servers.
            env={name: value for name, value in os.environ.items() if not name.startswith("OPSCTL_")},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise NotReadyError(
                f"`opsctl {' '.join(words)}` failed on the proving ground",
                code="ALR091",
                why=(done.stderr or done.stdout).strip()[-2000:],
                fix=f"look at it: opsctl --project {self.root} stack status",
            )
        return done.stdout

    def edit(self, part: str, change: Callable[[str], str]) -> None:
        """Change the configuration of a watcher, or the rules, and have it read again, even where it refuses."""
        path = self._configuration(part)
        text = path.read_text(encoding="utf-8")
        self._edited.setdefault(part, (path, text))
        self._write(part, path, change(text))

    def unedit(self, part: str) -> None:
        """Give a watcher the configuration back that it had."""
        path, text = self._edited.pop(part, (None, ""))
        if path is not None:
            self._write(part, path, text)

    def post_alert(self, labels: Mapping[str, str]) -> None:
        """Hand a made-up alert to Alertmanager."""
        from opsctl.clients.alertmanager import Alertmanager, PostedAlert
        from opsctl.stack.status import stack_status

        url = stack_status(self.home).url_of(PartName.ALERTMANAGER)
        Alertmanager(url or "").post([PostedAlert(labels=labels, annotations={})])

    def damage_shared_cache(self) -> None:
        """Cut the file of L2 off in the middle."""
        from opsctl.service.cache.places import store_folder

        path = store_folder(self.home) / "l2.lmdb"
        os.truncate(path, path.stat().st_size // 2)

    def end(self) -> None:
        """Undo what holds, and end every process."""
        from opsctl.core.events import ignore
        from opsctl.stack.down import stop_stack

        for part in tuple(self._stutters):
            self.run_steadily(part)
        self.release()
        if self.home.exists():
            stop_stack(self.home, listener=ignore, clock=self._clock)

    def _signal(self, part: str, number: signal.Signals) -> None:
        from opsctl.clients.processes import signal_all
        from opsctl.stack.record import read_process

        record = read_process(self.home, PartName(part))
        if record is not None:
            signal_all(record, number)

    def _database(self) -> "DatabaseAddress":
        from opsctl.clients.postgres import DatabaseAddress
        from opsctl.stack.status import stack_status

        state = stack_status(self.home)
        return DatabaseAddress.with_password_file(
            state.database_url, password_file=state.database_password_file, statement_timeout_seconds=60
        )

    def _configuration(self, part: str) -> Path:
        from opsctl.stack.watch_files import alertmanager_file, prometheus_file, rules_folder

        files = {
            PartName.PROMETHEUS: prometheus_file(self.home),
            PartName.ALERTMANAGER: alertmanager_file(self.home),
        }
        return files[PartName(part)] if part != RULES else min(rules_folder(self.home).glob("*.yml"))

    def _write(self, part: str, path: Path, text: str) -> None:
        from contextlib import suppress

        from opsctl.clients.files import write_atomically
        from opsctl.stack.record import read_stack_record
        from opsctl.stack.watch_tower import ask_to_reload

        write_atomically(path, text)
        watcher = PartName.PROMETHEUS if part == RULES else PartName(part)
        with suppress(FailedError):  # to be refused is the fault
            ask_to_reload(watcher, read_stack_record(self.home).places[watcher])
