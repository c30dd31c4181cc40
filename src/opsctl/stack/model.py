"""What the embedded stack consists of, and in which state each part can be."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from opsctl.clients.processes import Account
from opsctl.core.errors import NotReadyError


class PartName(StrEnum):
    """The parts of the stack, in starting order; each name is also that of its log file."""

    POSTGRES = "postgres"
    VECTORS = "vectors"
    POOLER = "pooler"
    SERVICE = "service"
    EXPORTER = "exporter"
    SINK = "sink"
    ALERTMANAGER = "alertmanager"
    PROMETHEUS = "prometheus"
    ARCHIVER = "archiver"


class PartStatus(StrEnum):
    """Whether a part runs; `crashed` means that it ended without being told to.

    An optional part whose program this machine does not have is `not installed`, which is no fault.
    """

    RUNNING = "running"
    STOPPED = "stopped"
    CRASHED = "crashed"
    NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a part lives: recorded, so that later commands find it again; `mail_port` is the sink's other one."""

    port: int
    data_dir: Path
    mail_port: int | None = None
    programs_dir: Path | None = None
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """How one part is prepared, started, asked whether it is ready, and stopped.

    `not_ready_because` returns None as soon as the part can be used, else the reason why it cannot yet.
    `passing_troubles` are words in the log of a failed start that are worth another try, such as a lost race
    for a port.
    """

    name: PartName
    place: Place
    argv: tuple[str, ...]
    url: str
    prepare: Callable[[], None]
    not_ready_because: Callable[[], str | None]
    finish: Callable[[], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    passing_troubles: tuple[str, ...] = ()
    deadline_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the stack: what its module tells the rest.

    Args:
        name: how it is called.
        plan_place: decides where the part is to live while it does not run, from its recorded place.
        specify: tells how the part is run at its place, from the project's `.opsctl` folder.
        url: the address under which it answers, from its port.
        required: without it the stack is not ready, and every command that borrows a stack starts it.
        on_demand: started only where it is named, as the watchers are by `opsctl stack up --watch`.
        stop_signal: asks it to end.
        missing_because: the reason why this machine cannot run it; None where it can.
        extra: the extra of opsctl that brings what it needs; None where the system does.
    """

    name: PartName
    plan_place: Callable[[Path, Place | None], Place]
    specify: Callable[[Path, Place], PartSpec]
    url: Callable[[int], str]
    required: bool = True
    on_demand: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    missing_because: Callable[[], str | None] = lambda: None
    extra: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStep:
    """What `up` or `down` would do to one part: `start`, `restart` after a crash, `keep`, `skip` or `stop`."""

    name: PartName
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """What is known about one part right now."""

    name: PartName
    status: PartStatus
    ready: bool
    log_path: Path
    required: bool = True
    on_demand: bool = False
    pid: int | None = None
    port: int | None = None
    url: str | None = None
    uptime_seconds: float | None = None
    memory_bytes: int | None = None
    data_dir: Path | None = None
    data_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The whole stack, part by part, in starting order."""

    home: Path
    parts: tuple[PartState, ...]

    @property
    def ready(self) -> bool:
        """Tell whether every required part can be used."""
        return all(part.ready for part in self.parts if part.required)

    def has_ready(self, names: Sequence[PartName]) -> bool:
        """Tell whether each of these parts can be used."""
        return all(self.part(name).ready for name in names)

    def part(self, name: PartName) -> PartState:
        """Return the state of one part."""
        return next(part for part in self.parts if part.name is name)

    @property
    def database_url(self) -> str:
        """Return the address of the embedded PostgreSQL, without its password."""
        return self._url(PartName.POSTGRES)

    @property
    def database_password_file(self) -> Path:
        """Return the file that holds the password of the embedded PostgreSQL."""
        return password_file(self.home)

    @property
    def pooler_url(self) -> str | None:
        """Return the address of the database through the transaction pooler; None where none can be used."""
        part = self.part(PartName.POOLER)
        return part.url if part.ready else None

    @property
    def service_url(self) -> str | None:
        """Return the address of the ranking service; None where it does not answer."""
        part = self.part(PartName.SERVICE)
        return part.url if part.ready else None

    def url_of(self, name: PartName) -> str | None:
        """Return the address of a part; None where it does not answer."""
        part = self.part(name)
        return part.url if part.ready else None

    @property
    def vectors_url(self) -> str:
        """Return the REST address of the embedded vector node."""
        return self._url(PartName.VECTORS)

    def _url(self, name: PartName) -> str:
        part = self.part(name)
        if part.url is None or part.status is not PartStatus.RUNNING:
            raise NotReadyError(
                f"`{name}` of the embedded stack does not run", code="STK001", fix="run `opsctl stack up`"
            )
        return part.url


STARTING_ORDER = tuple(PartName)


def stack_dir(home: Path) -> Path:
    """Return the folder of pid files, the recorded places and the data."""
    return home / "stack"


def pid_path(home: Path, name: PartName) -> Path:
    """Return the pid file of a part."""
    return stack_dir(home) / f"{name}.pid"


def log_path(home: Path, name: PartName) -> Path:
    """Return the log file of a part."""
    return home / "logs" / f"{name}.log"


def password_file(home: Path) -> Path:
    """Return the file that holds the generated password of PostgreSQL."""
    return home / "secrets" / "postgres_password"
