"""On what are faults made for proofs: a whole stack of its own below the state folder, so that nobody else is hurt."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.chaos.leases import Leases
from opsctl.cli.ground_helpers import GroundHelpers
from opsctl.cli.ground_lines import GroundLines
from opsctl.core.errors import FailedError, NotReadyError
from opsctl.stack.model import PartName

if TYPE_CHECKING:
    import psutil
    import psycopg

    from opsctl.chaos.proxy.toxics import Toxic
    from opsctl.chaos.traffic import Traffic
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.clients.processes import ProcessRecord
    from opsctl.core.clock import Clock

READERS = 60
"""Readers who come back; few, so that their feeds are all stored within seconds."""
RETURNING_A_SECOND, NEW_A_SECOND = 12.0, 3.0
RULES = "rules"
HOLDING = "opsctl-ground-hold"
"""The name under which the database knows the transaction that a fault holds open."""

_BEFORE = ".before"
_FILE_BYTES = 4096
_GRACE_SECONDS = 10.0
_COMMAND_SECONDS = 180.0


class ProvingGround:
    """A stack of its own (`chaos.ground.Ground`), in a project of its own; `proving_setup.proving_ground` makes one.

    What undoes a fault needs nothing but what is on disk and in the kernel, so another process can do it: the watchdog,
    when whoever made the fault is gone.
    """

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        self.root = root
        self.home = root / ".opsctl"
        self.helpers = GroundHelpers(self.home, clock=clock)
        self.lines = GroundLines(self.helpers)
        self.leases = Leases(self.home / "chaos" / "leases")
        self.traffic: Traffic | None = None
        self.usual: dict[str, float] = {"returning": RETURNING_A_SECOND, "new": NEW_A_SECOND}
        self._clock = clock
        self._stutters: dict[str, tuple[threading.Event, threading.Thread]] = {}
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
            raise _nothing_to_break("no worker of the service runs")
        for process in workers:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def pause(self, part: str) -> None:
        """Stop all processes of a part."""
        self._signal(part, signal.SIGSTOP)

    def resume(self, part: str) -> None:
        """Let them go on."""
        self._signal(part, signal.SIGCONT)

    def disturb(self, line: str, toxic: "Toxic") -> None:
        """Spoil a line between the service and what it depends on."""
        self.lines.disturb(line, toxic)

    def calm(self, line: str) -> None:
        """Let a line be as it was."""
        self.lines.calm(line)

    def burden(self, resource: str, *, amount: int) -> None:
        """Take CPU or memory of this machine."""
        self.helpers.start_own(
            f"burden_{resource}",
            "opsctl.chaos.burden",
            *(resource, str(amount), "--parent", str(os.getpid())),
        )

    def unburden(self, resource: str) -> None:
        """Give it back."""
        self.helpers.end(f"burden_{resource}")

    def limit(self, resource: str) -> None:
        """Let the service open no more files, or write none longer, than it does now."""
        import resource as limits

        processes = self.service_processes()
        if not processes:
            raise _nothing_to_break("the service does not run")
        for process in processes:
            if resource == "files":
                _set_limit(process.pid, limits.RLIMIT_NOFILE, process.num_fds())
            else:
                _set_limit(process.pid, limits.RLIMIT_FSIZE, _FILE_BYTES)

    def unlimit(self, resource: str) -> None:
        """Give the service back what it had: the hard limits were never touched."""
        import resource as limits

        kind = limits.RLIMIT_NOFILE if resource == "files" else limits.RLIMIT_FSIZE
        for process in self.service_processes():
            _set_limit(process.pid, kind, None)

    def forget_what_is_popular(self) -> None:
        """Remove the file from which a starting worker knows what is popular."""
        from opsctl.service.cache.places import service_folder

        (service_folder(self.home) / "trending.json").unlink(missing_ok=True)

    def execute(self, *statements: str) -> None:
        """Run SQL statements in one transaction."""
        from opsctl.clients.postgres import connect

        with connect(self._database()) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        from opsctl.clients.postgres import connect

        with connect(self._database()) as connection:
            return connection.execute(statement.encode(), values or None).fetchall()

    def children_of(self, pid: int) -> list[int]:
        """Return the pids of all that a process started."""
        import psutil

        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return []

    def hold(self, statement: str) -> None:
        """Run a statement in a transaction that stays open until `release`."""
        from opsctl.clients.postgres import connect

        self._held = connect(self._database())
        self._held.execute(f"set application_name = '{HOLDING}'".encode())
        self._held.execute(statement.encode())

    def release(self) -> None:
        """End what `hold` began, also where another process did."""
        if self._held is not None:
            self._held.rollback()
            self._held.close()
            self._held = None
        else:
            self.execute(
                f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{HOLDING}'"  # noqa: S608
            )

    def send(self, *, returning: float, new: float) -> None:
        """Let so many known and so many new readers a second ask for their feeds."""
        self._change_rates(returning=returning, new=new)

    def send_as_usual(self) -> None:
        """Let readers ask as they do without a fault."""
        self._change_rates(**self.usual)

    def send_interactions(self, per_second: float) -> None:
        """Let readers tell what they did, so often."""
        self._change_rates(interactions=per_second)

    def press(self, how: str, *, per_second: float) -> None:
        """Let others press the service beside the readers."""
        self._change_rates(press=how, press_per_second=per_second)

    def relieve(self) -> None:
        """Let only readers ask again."""
        self._change_rates(press="", press_per_second=0.0)

    def let_retry(self, *, times: int) -> None:
        """Let readers ask so many times more when they get an error."""
        self._change_rates(retries=times)

    def _change_rates(self, **changes: Any) -> None:
        # Whoever has no readers, such as the watchdog, has none to change: they end with the process that has them.
        if self.traffic is not None:
            self.traffic.change(replace(self.traffic.rates, **changes))

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
        from opsctl.clients.files import write_atomically

        path = self._configuration(part)
        text = path.read_text(encoding="utf-8")
        before = path.with_name(path.name + _BEFORE)
        if not before.exists():
            write_atomically(before, text)
        self._write(part, path, change(text))

    def unedit(self, part: str) -> None:
        """Give a watcher the configuration back that it had."""
        path = self._configuration(part)
        before = path.with_name(path.name + _BEFORE)
        if before.is_file():
            self._write(part, path, before.read_text(encoding="utf-8"))
            before.unlink()

    def post_alert(self, labels: Mapping[str, str]) -> None:
        """Hand a made-up alert to Alertmanager."""
        from opsctl.clients.alertmanager import Alertmanager, PostedAlert
        from opsctl.stack.status import stack_status

        url = stack_status(self.home).url_of(PartName.ALERTMANAGER)
        Alertmanager(url or "").post([PostedAlert(labels=labels, annotations={})])

    def poison_shared_cache(self) -> None:
        """Put the bytes of one entry of L2 under the key of another, and noise under a third."""
        from opsctl.cli.ground_poison import poison

        if not poison(self.root):
            raise _nothing_to_break("the shared cache holds nothing")

    def damage_shared_cache(self) -> None:
        """Cut the file of L2 off in the middle."""
        from opsctl.service.cache.places import store_folder

        path = store_folder(self.home) / "l2.lmdb"
        os.truncate(path, path.stat().st_size // 2)

    @contextmanager
    def other_books(
        self, *, service: Mapping[str, Any] | None = None, cache: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Run the service with changed books until the block ends, and with those that it had afterwards."""
        changes = {"service": service or {}, "cache": cache or {}}
        paths = {book: self.root / "ops" / f"{book}.yaml" for book in changes}
        before = {book: path.read_text(encoding="utf-8") for book, path in paths.items()}
        try:
            for book, changed in changes.items():
                self._change_file(paths[book], changed)
            self.restart("service")
            yield
        finally:
            for book, path in paths.items():
                path.write_text(before[book], encoding="utf-8")
            self.restart("service")

    def change_settings(self, **changes: Any) -> None:
        """Change opsctl.yaml of this project; what starts from now on reads it."""
        self._change_file(self.root / "opsctl.yaml", changes)

    def change_book(self, book: str, **changes: Any) -> None:
        """Change `service` or `cache`, the books of this project."""
        self._change_file(self.root / "ops" / f"{book}.yaml", changes)

    def _change_file(self, path: Path, changes: Mapping[str, Any]) -> None:
        import yaml

        from opsctl.clients.files import write_atomically

        known = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        write_atomically(path, yaml.safe_dump(_merged(known, changes)))

    def end(self) -> None:
        """Undo what holds, and end every process."""
        from opsctl.core.events import ignore
        from opsctl.stack.down import stop_stack

        for part in tuple(self._stutters):
            self.run_steadily(part)
        if self._held is not None:
            self.release()
        if self.home.exists():
            self.helpers.end_all()
            stop_stack(self.home, listener=ignore, clock=self._clock)

    def _stutter_mark(self, part: str) -> Path:
        return self.helpers.folder / f"stutter_{part}"

    def worker_identities(self) -> list[tuple[int, float]]:
        """Return pid and start of each worker of the service."""
        import psutil

        found = []
        for process in self._workers():
            with suppress(psutil.NoSuchProcess):
                found.append((process.pid, process.create_time()))
        return found

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

    def service_processes(self) -> "list[psutil.Process]":
        """Return the service's main process and all that it started."""
        import psutil

        record = self._record(PartName.SERVICE)
        if record is None or record.pid is None:
            return []
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(record.pid)
            return [main, *main.children(recursive=True)]
        return []

    def _record(self, part: str) -> "ProcessRecord | None":
        from opsctl.stack.record import read_process

        return read_process(self.home, PartName(part))

    def _signal(self, part: str, number: signal.Signals) -> None:
        from opsctl.clients.processes import signal_all

        record = self._record(part)
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


def _is_worker(words: list[str], main: list[str]) -> bool:
    return words == main or "spawn_main" in " ".join(words)


def _nothing_to_break(why: str) -> NotReadyError:
    """Return the error of a fault that would be none: a drill of it would be green for nothing."""
    return NotReadyError(
        "the fault has nothing to break",
        code="CHA067",
        why=why,
        fix="look at the ground: opsctl chaos ground, then opsctl --project .opsctl/proving stack status",
    )


def _merged(known: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was known with the changes, mapping by mapping."""
    merged = dict(known)
    for name, value in changes.items():
        is_deeper = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if is_deeper else value
    return merged


def _set_limit(pid: int, kind: int, soft: int | None) -> None:
    """Set a soft limit of a process; None makes it the hard one again."""
    import resource

    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (hard if soft is None else soft, hard))
