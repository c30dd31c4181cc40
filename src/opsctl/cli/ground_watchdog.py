"""Takes faults back when their lease is over or their maker is gone: `python -m opsctl.cli.ground_watchdog ROOT PID:TICKS`.

It is a process of its own, so that nothing that happens to the runner, kill -9 included, leaves a fault behind. While
the runner lives it only undoes what has outlived its lease; once the runner is gone it undoes everything, ends the
ground and then itself.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from opsctl.chaos.proxy.parent import parse_parent
from opsctl.chaos.registry import fault_named
from opsctl.cli.proving_ground import ProvingGround
from opsctl.clients.procfs import read_stat
from opsctl.core.clock import SystemClock
from opsctl.core.errors import OpsError
from opsctl.stack.model import PartName

_LOOK_SECONDS = 0.2
_TRIES = 5
_COMMAND_SECONDS = 3.0
_RENEW_SECONDS = 60.0


def main() -> None:
    """Watch until the runner is gone."""
    root, (parent, ticks) = Path(sys.argv[1]), parse_parent(sys.argv[2])
    ground = ProvingGround(root, clock=SystemClock())
    # Ctrl-C in a terminal reaches every process of it; this one is needed most then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(ground, is_wanted=lambda: is_running(parent, ticks))
    attempt("commands are ended", lambda: end_commands(ground))
    undo(ground, tuple(lease.fault for lease in ground.leases.all()))
    attempt("the ground is ended", ground.end)


def watch(
    ground: ProvingGround, *, is_wanted: Callable[[], bool], renew_seconds: float = _RENEW_SECONDS
) -> None:
    """Undo what outlives its lease, and keep the toxics of all other faults, as long as the ground is wanted.

    Toxics end by themselves some minutes after the last renewal. Those of faults by hand are renewed by nobody else: whoever
    made them is gone, and their lease is what ends them.
    """
    renewed_at = time.monotonic()
    while is_wanted():
        undo(ground, ground.leases.over())
        if time.monotonic() - renewed_at >= renew_seconds:
            attempt("toxics are renewed", ground.lines.renew)
            renewed_at = time.monotonic()
        time.sleep(_LOOK_SECONDS)


def is_running(pid: int, ticks: int | None) -> bool:
    """Tell whether the runner lives; a zombie does not."""
    stat = read_stat(pid)
    return stat is not None and stat.state not in "ZX" and (ticks is None or stat.start_ticks == ticks)


def attempt(what: str, part: Callable[[], None]) -> None:
    """Do one part of the work, and say what it fails with: the parts after it are wanted all the same."""
    try:
        part()
    except Exception as error:  # noqa: BLE001 - a watchdog that ends leaves every fault
        _say(f"not done, {what}: {type(error).__name__} {error}")


def end_commands(ground: ProvingGround) -> None:
    """End what the runner was just having done on the ground: it would start again what is ended here.

    The parts of the stack have such words in their command lines, too. They are ended as parts, once the faults are undone:
    one that is stopped hears no SIGTERM.
    """
    import psutil

    spared, commands = {os.getpid(), *pids_of_stack(ground)}, []
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        if "--project" in words and str(ground.root) in words and process.pid not in spared:
            commands.append(process)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in commands:
            with suppress(psutil.Error):
                end(process)
        _, commands = psutil.wait_procs(commands, timeout=_COMMAND_SECONDS)


def pids_of_stack(ground: ProvingGround) -> set[int]:
    """Return the processes of all parts of the stack, and what they started."""
    pids: set[int] = set()
    for part in PartName:
        with suppress(OpsError):  # its pid file is damaged
            record = ground.record(part)
            if record is not None and record.pid is not None:
                pids |= {record.pid, *ground.children_of(record.pid)}
    return pids


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
    with suppress(OSError):  # its log is on a full disk: faults are taken back all the same
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
