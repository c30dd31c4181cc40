"""A ground that is only begun: its watchdog, and a line to an upstream, without any stack."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from opsctl.cli.ground_helpers import WATCHDOG, parent_words
from opsctl.cli.proving_ground import ProvingGround
from opsctl.clients.processes import ProcessPlan, start
from opsctl.core.clock import SystemClock
from opsctl.stack.model import PartName, Place, log_path, pid_path
from opsctl.stack.record import read_stack_record, write_stack_record


@contextmanager
def begun_ground(root: Path) -> Iterator[ProvingGround]:
    """Begin a ground that this process holds, and end it."""
    ground = ProvingGround(root, clock=SystemClock())
    ground.home.mkdir(parents=True)
    try:
        ground.helpers.start_own(WATCHDOG, "opsctl.cli.ground_watchdog", str(root), parent_words())
        with socket.create_server(("127.0.0.1", 0)) as upstream:
            ground.lines.start({"vectors": f"127.0.0.1:{upstream.getsockname()[1]}"})
            yield ground
    finally:
        ground.end()


def connect_to_line(ground: ProvingGround) -> socket.socket:
    """Come to the line as the service would."""
    port = next(line.listen_port for line in ground.lines.states() if line.name == "vectors")
    return socket.create_connection(("127.0.0.1", port), timeout=3)


def place_part(
    ground: ProvingGround,
    part: PartName,
    *,
    port: int = 1,
    words: tuple[str, ...] = (),
    home: Path | None = None,
) -> None:
    """Let the stack, or another one in a state folder of its own, know of a part, with a process that only sleeps."""
    home = home or ground.home
    known = read_stack_record(home)
    place = Place(port=port, data_dir=home / part)
    write_stack_record(home, replace(known, places={**known.places, part: place}))
    start(
        ProcessPlan(
            argv=(sys.executable, "-c", "import time; time.sleep(300)", str(ground.root), *words),
            cwd=ground.root,
            log_path=log_path(home, part),
            pid_path=pid_path(home, part),
        )
    )
