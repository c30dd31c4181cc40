"""A runner of drills that is to be killed: `python runner_to_kill.py ROOT SEED [FAULT]` makes and undoes faults until then.

Its ground is small, so that hundreds of them can be killed: a process that stands for the service, a line to it, and the
real leases, watchdog, proxy and faults.
"""

import random
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from opsctl.cli.chaos_world import GroundWorld
from opsctl.cli.ground_helpers import WATCHDOG, parent_words
from opsctl.cli.proving_ground import ProvingGround
from opsctl.clients.processes import ProcessPlan, start
from opsctl.core.clock import SystemClock
from opsctl.stack.model import PartName, Place, log_path, pid_path
from opsctl.stack.record import read_stack_record, write_stack_record

FAULTS = (
    "vectors_silent",
    "vectors_slow",
    "service_paused",
    "service_stutter",
    "cpu_taken",
    "disk_full",
    "files_exhausted",
)
LEASE_SECONDS = 5.0


def main() -> None:
    """Begin with the watchdog, as a real ground does, then break and mend without end."""
    root, chance = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    ground = ProvingGround(root, clock=SystemClock())
    ground.home.mkdir(parents=True, exist_ok=True)
    ground.helpers.start_own(WATCHDOG, "opsctl.cli.ground_watchdog", str(root), parent_words())
    say("watched")
    place = Place(port=1, data_dir=ground.home / "service")
    write_stack_record(ground.home, replace(read_stack_record(ground.home), places={PartName.SERVICE: place}))
    start(
        ProcessPlan(
            # As the real service: the words of a command on this ground, and no such command.
            argv=(sys.executable, "-c", "import time; time.sleep(300)", "--project", str(root)),
            cwd=root,
            log_path=log_path(ground.home, PartName.SERVICE),
            pid_path=pid_path(ground.home, PartName.SERVICE),
        )
    )
    ground.lines.start({"vectors": "127.0.0.1:1"})
    world = GroundWorld(ground, watchers=cast("Any", None), always=frozenset())
    say("ready")
    while True:
        fault = chance.choice(sys.argv[3:] or FAULTS)
        world.apply(fault, {}, lease_seconds=LEASE_SECONDS)
        say(fault)
        time.sleep(chance.random() * 0.3)
        world.undo(fault)


def say(word: str) -> None:
    """Tell the test how far it is."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
