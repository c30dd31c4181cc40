"""How is the stack's service run with another number of workers, and how are its counters and processes read."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.bench.capacity.model import Reading
    from opsctl.bench.load.ports import Address
    from opsctl.cli.load_target import LoadTarget
    from opsctl.core.events import Listener

StartsWorkers = Callable[[int], "AbstractContextManager[tuple[Address, int]]"]

_READY_SECONDS = 120.0
_GRACE_SECONDS = 20.0


@contextmanager
def own_workers(*, listener: "Listener") -> Iterator[StartsWorkers]:
    """Give what starts the service with a number of workers; the stack's own one is down meanwhile and up again after.

    Both would share one folder of counters and caches, so they cannot run beside each other.
    """
    from opsctl.cli import wiring
    from opsctl.stack.down import stop_stack
    from opsctl.stack.model import PartName
    from opsctl.stack.up import start_stack

    home, clock, root = wiring.settings().home, wiring.clock(), wiring.settings().root
    stop_stack(home, listener=listener, clock=clock, only=(PartName.SERVICE,))
    try:
        yield _start
    finally:
        # `borrowed` keeps a stack that was borrowed a borrowed one, and one that is up for good up for good.
        start_stack(
            home, listener=listener, clock=clock, only=(PartName.SERVICE,), borrowed=True, project=root
        )


def stack_service(target: "LoadTarget") -> int | None:
    """Return the process of the stack's service, where the target is that one."""
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.status import stack_status

    state = stack_status(wiring.settings().home)
    return state.part(PartName.SERVICE).pid if state.service_url == target.address.url else None


def reader_of(target: "LoadTarget", *, service_pid: int | None) -> "Callable[[], Reading]":
    """Return what reads the counters of a service, and what it and the stack's other parts use."""
    from opsctl.bench.capacity.model import Reading
    from opsctl.bench.capacity.reading import counters_of
    from opsctl.cli import wiring
    from opsctl.clients.exposition import read_samples
    from opsctl.clients.process_use import use_of_family
    from opsctl.stack.model import STARTING_ORDER, PartName
    from opsctl.stack.record import read_process

    home, clock = wiring.settings().home, wiring.clock()
    pids: dict[str, int] = {}
    if service_pid is not None:
        records = {name: read_process(home, name) for name in STARTING_ORDER if name is not PartName.SERVICE}
        pids = {"service": service_pid} | {
            str(name): record.pid
            for name, record in records.items()
            if record is not None and record.pid is not None
        }

    def read() -> "Reading":
        uses = {name: use for name, pid in pids.items() if (use := use_of_family(pid)) is not None}
        samples = read_samples(f"{target.address.url}/metrics", headers=target.headers)
        return Reading(
            seconds=clock.monotonic(),
            cpu_seconds={name: use.cpu_seconds for name, use in uses.items()},
            memory_bytes={name: use.memory_bytes for name, use in uses.items()},
            counters=counters_of(samples),
        )

    return read


@contextmanager
def _start(workers: int) -> "Iterator[tuple[Address, int]]":
    from opsctl.bench.load.ports import Address
    from opsctl.cli import wiring
    from opsctl.clients.processes import ProcessPlan, start, stop
    from opsctl.stack.ports import HOST, choose_port

    settings = wiring.settings()
    port = choose_port(owner=f"{settings.home}:capacity", recorded=None)
    folder = settings.home / "stack"
    pid_path, log_path = folder / "capacity.pid", settings.home / "logs" / "capacity.log"
    argv = (sys.executable, "-m", "opsctl", "--project", str(settings.root), "serve")
    options = ("--host", HOST, "--port", str(port), "--workers", str(workers))
    stop(pid_path, grace_seconds=_GRACE_SECONDS, clock=wiring.clock())  # of a search that was killed
    record = start(
        ProcessPlan(argv=(*argv, *options), cwd=settings.root, log_path=log_path, pid_path=pid_path)
    )
    try:
        _await_ready(f"http://{HOST}:{port}/readyz", log_path=log_path, is_running=_is_running(pid_path))
        yield Address(host=HOST, port=port), record.pid or 0
    finally:
        stop(pid_path, grace_seconds=_GRACE_SECONDS, clock=wiring.clock())


def _is_running(pid_path: "Path") -> Callable[[], bool]:
    from opsctl.clients.processes import is_alive, read_record

    def is_running() -> bool:
        record = read_record(pid_path)
        return record is not None and is_alive(record)

    return is_running


def _await_ready(url: str, *, log_path: "Path", is_running: Callable[[], bool]) -> None:
    import http.client
    import urllib.error
    import urllib.request

    from opsctl.cli import wiring

    clock = wiring.clock()
    deadline, why = clock.monotonic() + _READY_SECONDS, "no answer"
    while clock.monotonic() < deadline and is_running():
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
            why = str(error)
        clock.sleep(0.1)
    raise NotReadyError(
        "the service did not start with that number of workers",
        code="BEN074",
        why=why,
        fix=f"see why: tail {log_path}",
    )
