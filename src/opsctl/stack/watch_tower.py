"""How do the watchers come up: the sink first, then what sends to it, then what looks; those that run read anew."""

import http.client
from collections.abc import Callable
from pathlib import Path

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError
from opsctl.core.events import Listener
from opsctl.stack import prometheus
from opsctl.stack.model import PartName, Place, StackState
from opsctl.stack.record import read_stack_record, runs
from opsctl.stack.spec import WATCHERS, require_installed
from opsctl.stack.up import start_stack
from opsctl.stack.watch_files import WatchFiles, prometheus_file, write_watch_files
from opsctl.stack.web_probe import request

MakeFiles = Callable[[Place], WatchFiles]
"""Makes rules and routes, from the place of the sink."""


def start_watch_tower(
    home: Path,
    *,
    files: MakeFiles,
    listener: Listener,
    clock: Clock,
    project: Path | None = None,
) -> StackState:
    """Start the watchers, or have those that run read what is new, and return the stack's state.

    Raises:
        NotReadyError: STK014 a program is not installed; STK020 a part does not come up.
        FailedError: STK031 a watcher refuses what it was given, and goes on with what it had.
    """
    home = home.resolve()
    require_installed(*WATCHERS, instead="go on without `--watch`")

    def start(*names: PartName) -> StackState:
        return start_stack(home, listener=listener, clock=clock, only=names, project=project)

    start(PartName.SINK)
    write_watch_files(home, files(read_stack_record(home).places[PartName.SINK]))
    running = [part for part in (PartName.ALERTMANAGER, PartName.PROMETHEUS) if runs(home, part)]
    # The exporter before Prometheus, so that it is a target from the start.
    state = start(PartName.ALERTMANAGER, PartName.EXPORTER, PartName.PROMETHEUS)
    for part in running:
        reload_watcher(home, part)
    return state


def reload_watcher(home: Path, name: PartName) -> None:
    """Have a running watcher read its configuration and rules again.

    Raises:
        FailedError: STK031 it refuses them.
    """
    place = read_stack_record(home).places[name]
    if name is PartName.PROMETHEUS:
        text = prometheus.configuration(home, place)
        if not prometheus_file(home).is_file() or read_text(prometheus_file(home)) != text:
            write_atomically(prometheus_file(home), text)
    ask_to_reload(name, place)


def ask_to_reload(name: PartName, place: Place) -> None:
    """Ask a watcher to read its files again.

    Raises:
        FailedError: STK031 it refuses them.
    """
    status, body = request("POST", place.port, "/-/reload")
    if status != http.client.OK:
        raise FailedError(
            f"`{name}` refuses its new configuration and goes on with the old one",
            code="STK031",
            why=body.strip()[:1000] or None,
            fix="`opsctl alerts lint` and `opsctl alerts test` say more; mend the book and run the command again",
        )
