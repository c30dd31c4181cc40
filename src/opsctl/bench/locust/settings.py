"""How is Locust asked to run a job: what the operator set, and the command line that Locust understands."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opsctl.bench.load.ports import LoadJob
from opsctl.core.errors import UsageError

LOOPBACK = "127.0.0.1"

MIX_LOCUSTFILE = Path(__file__).with_name("mix_user.py")
"""What runs a book's mix; remote workers get it from their master (`locust -f - --worker`)."""

_LOCUST_PORT = 5557

_MOST_SPAWNED_PER_SECOND = 100
"""Locust warns above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocustSettings:
    """What an operator may say about Locust besides the book.

    Args:
        locustfile: scenarios to run instead of the book's mix; an existing one runs as it is.
        users: how many users a closed-loop locustfile starts; without it one, and one a worker for planned arrivals.
        spawn_rate: users started a second.
        expect_workers: run as master of so many workers that others start, instead of sending from here.
        bind: where workers find the master; anyone who reaches it can read the job, its API key included.
        bind_port: 0 takes a free one, which only suits workers of this machine.
        web_port: serve Locust's own page on loopback while the test runs; 0 takes a free port.
        workers_wait_seconds: how long the master waits for its workers.
    """

    locustfile: Path | None = None
    users: int | None = None
    spawn_rate: float | None = None
    expect_workers: int = 0
    bind: str = LOOPBACK
    bind_port: int = 0
    web_port: int | None = None
    workers_wait_seconds: int = 60

    def to_plain(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self) | {"locustfile": None if self.locustfile is None else str(self.locustfile)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "LocustSettings":
        """Read what `to_plain` wrote."""
        locustfile = plain["locustfile"]
        return cls(**{**plain, "locustfile": None if locustfile is None else Path(locustfile)})


def check_settings(settings: LocustSettings, *, job: LoadJob) -> None:
    """Refuse what cannot be run, before anything is started.

    Raises:
        UsageError: there is no such locustfile, or options contradict each other.
    """
    require_locustfile(settings)
    if settings.locustfile is None and (settings.users is not None or settings.spawn_rate is not None):
        raise UsageError(
            "`--users` and `--spawn-rate` are for a locustfile",
            code="BEN053",
            why="the mix of a book is sent at planned moments, however many users there are",
            fix="say `--locustfile FILE` too, or the rate with `--rate`",
        )
    if settings.expect_workers and job.book.processes > 1:
        raise UsageError(
            "`--processes` and `--expect-workers` exclude each other",
            code="BEN053",
            fix="start as many workers as there are to be, on this machine or others",
        )


def require_locustfile(settings: LocustSettings) -> None:
    """Refuse a locustfile that is not there; a command asks this before it starts or warms up anything.

    Raises:
        UsageError: BEN052 there is none of this name.
    """
    locustfile = settings.locustfile
    if locustfile is not None and (locustfile.suffix != ".py" or not locustfile.is_file()):
        raise UsageError(
            f"there is no locustfile `{locustfile}`",
            code="BEN052",
            fix="name a Python file with Locust users in it; `opsctl init` writes examples into ops/loads",
        )


def address_of_bind(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, or of `HOST` alone, with Locust's own port.

    Raises:
        UsageError: it is neither.
    """
    host, _, port = text.rpartition(":") if ":" in text else (text, "", str(_LOCUST_PORT))
    if not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"`{text}` is no address to bind", code="BEN053", fix="such as `10.0.0.5:5557`")
    return host.strip("[]"), int(port)


def workers_of(job: LoadJob, settings: LocustSettings) -> int:
    """Return how many processes will send."""
    return settings.expect_workers or job.book.processes


def locust_arguments(job: LoadJob, settings: LocustSettings) -> list[str]:
    """Return the arguments for Locust itself; every port has been chosen by now."""
    workers = workers_of(job, settings)
    users = settings.users or workers
    spawn_rate = settings.spawn_rate or min(users, _MOST_SPAWNED_PER_SECOND)
    return [
        "--locustfile",
        str(settings.locustfile or MIX_LOCUSTFILE),
        "--host",
        job.address.url,
        "--users",
        str(users),
        "--spawn-rate",
        str(spawn_rate),
        # A task that runs when time is up may end: what it asked for is recorded, not lost.
        "--stop-timeout",
        str(max(1, round(job.book.limits.drain_seconds))),
        "--only-summary",
        *_page(settings),
        *_processes(job, settings),
    ]


def _page(settings: LocustSettings) -> list[str]:
    if settings.web_port is None:
        return ["--headless"]
    return ["--web-host", LOOPBACK, "--web-port", str(settings.web_port), "--autostart", "--autoquit", "0"]


def _processes(job: LoadJob, settings: LocustSettings) -> list[str]:
    port = str(settings.bind_port)
    if settings.expect_workers:
        return [
            "--master",
            "--master-bind-host",
            settings.bind,
            "--master-bind-port",
            port,
            "--expect-workers",
            str(settings.expect_workers),
            "--expect-workers-max-wait",
            str(settings.workers_wait_seconds),
        ]
    if job.book.processes == 1:
        return []
    return [
        "--processes",
        str(job.book.processes),
        "--master-host",
        LOOPBACK,
        "--master-port",
        port,
        "--master-bind-host",
        LOOPBACK,
        "--master-bind-port",
        port,
    ]
