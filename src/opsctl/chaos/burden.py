"""Take CPU or memory of this machine: a process of its own that ends with the one that watches over it.

python -m opsctl.chaos.burden cpu 4 --parent 4711
python -m opsctl.chaos.burden memory 1024 --parent 4711 --seconds 120
"""

import argparse
import math
import multiprocessing
import os
import time
from collections.abc import Sequence

CPU, MEMORY = "cpu", "memory"

_MEBIBYTE = 2**20
_PAGE_BYTES = 4096
_LOOK_SECONDS = 0.2
# Beyond that the machine would be harmed, not the service.
_MOST = {CPU: 256, MEMORY: 4096}


def main(arguments: Sequence[str] | None = None) -> None:
    """Hold what was asked for until the parent is gone, or the time is over where one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("resource", choices=[CPU, MEMORY])
    parser.add_argument("amount", type=int)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=math.inf)
    asked = parser.parse_args(arguments)
    amount = max(1, min(asked.amount, _MOST[asked.resource]))
    until = time.monotonic() + asked.seconds
    hold_memory(amount, until, asked.parent) if asked.resource == MEMORY else spin(
        amount, until, asked.parent
    )


def spin(processes: int, until: float, parent: int) -> None:
    """Compute in so many processes, this one among them."""
    fork = multiprocessing.get_context(
        "fork"
    )  # of a process with one thread; no servers of processes beside it
    for _ in range(processes - 1):
        fork.Process(target=_spin, args=(until, os.getpid()), daemon=True).start()
    _spin(until, parent)


def hold_memory(mebibytes: int, until: float, parent: int) -> None:
    """Hold so much memory, every page of it written to, so that it is really there."""
    held = bytearray(mebibytes * _MEBIBYTE)
    for place in range(0, len(held), _PAGE_BYTES):
        held[place] = 1
    while _goes_on(until, parent):
        time.sleep(_LOOK_SECONDS)


def _spin(until: float, parent: int) -> None:
    while _goes_on(until, parent):
        look_at = time.monotonic() + _LOOK_SECONDS
        while time.monotonic() < look_at:
            pass


def _goes_on(until: float, parent: int) -> bool:
    if time.monotonic() >= until:
        return False
    try:
        os.kill(parent, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
