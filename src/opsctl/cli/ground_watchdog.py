"""Takes faults back when their lease is over or their maker is gone: `python -m opsctl.cli.ground_watchdog ROOT PID:TICKS`.

It is a process of its own, so that nothing that happens to the runner, kill -9 included, leaves a fault behind. While
the runner lives it only undoes what has outlived its lease; once the runner is gone it undoes everything, ends the
ground and then itself.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from opsctl.chaos.proxy.parent import parse_parent
from opsctl.chaos.registry import fault_named
from opsctl.cli.proving_ground import ProvingGround
from opsctl.clients.procfs import read_stat
from opsctl.core.clock import SystemClock

_LOOK_SECONDS = 0.2
_TRIES = 5
_COMMAND_SECONDS = 10.0


def main() -> None:
    """Watch until the runner is gone."""
    root, (parent, ticks) = Path(sys.argv[1]), parse_parent(sys.argv[2])
    ground = ProvingGround(root, clock=SystemClock())
    # Ctrl-C in a terminal reaches every process of it; this one is needed most then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while is_running(parent, ticks):
        undo(ground, ground.leases.over())
        time.sleep(_LOOK_SECONDS)
    end_commands(root)
    undo(ground, tuple(lease.fault for lease in ground.leases.all()))
    ground.end()


def is_running(pid: int, ticks: int | None) -> bool:
    """Tell whether the runner lives; a zombie does not."""
    stat = read_stat(pid)
    return stat is not None and stat.state not in "ZX" and (ticks is None or stat.start_ticks == ticks)


def end_commands(root: Path) -> None:
    """End what the runner was just having done on the ground: it would start again what is ended here."""
    import psutil

    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        if "--project" in words and str(root) in words and process.pid != os.getpid():
            with suppress(psutil.NoSuchProcess):
                process.terminate()
                process.wait(timeout=_COMMAND_SECONDS)


def undo(ground: ProvingGround, faults: tuple[str, ...]) -> None:
    """Take faults back, and try again what cannot be yet; a lease that ends tells that its fault is gone."""
    for fault in faults:
        for attempt in range(_TRIES):
            try:
                fault_named(fault).undo(ground)
            except Exception as error:  # noqa: BLE001 - it is said and tried again; a watchdog that ends leaves every fault
                _say(f"{fault} cannot be taken back (try {attempt + 1}): {type(error).__name__} {error}")
                time.sleep(_LOOK_SECONDS)
            else:
                ground.leases.end(fault)
                _say(f"{fault} was taken back")
                break


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
