"""Which faults are held, and until when: a file for each, on a clock that all processes of a machine share.

A fault whose lease has run out is taken back by the watchdog, whatever became of whoever made it. The monotonic clock
counts from the start of the machine, so a moment of it means the same in every process, and no wall clock that is set
back prolongs a fault.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.files import write_atomically

_SUFFIX = ".lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A fault and the moment until which it may stay; a damaged file has run out already."""

    fault: str
    until: float


class Leases:
    """The leases of one ground, in a folder.

    Args:
        now: `time.monotonic`, which is the same in all processes.
    """

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._now = now

    def take(self, fault: str, *, seconds: float) -> None:
        """Write a lease down, before the fault is made; a later one takes the place of an earlier one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(fault), json.dumps({"fault": fault, "until": self._now() + seconds}))

    def renew(self, fault: str, *, seconds: float) -> bool:
        """Let a fault stay for so long from now; False where its lease is gone, and so is the fault."""
        if not self.holds(fault):
            return False
        self.take(fault, seconds=seconds)
        return True

    def end(self, fault: str) -> None:
        """Forget a lease, after the fault was undone."""
        self._path(fault).unlink(missing_ok=True)

    def holds(self, fault: str) -> bool:
        """Tell whether a fault may still be there."""
        lease = self._read(self._path(fault))
        return lease is not None and lease.until > self._now()

    def all(self) -> tuple[Lease, ...]:
        """Return every lease that was not ended, those that have run out included."""
        read = (self._read(path) for path in sorted(self._folder.glob(f"*{_SUFFIX}")))
        return tuple(lease for lease in read if lease is not None)

    def over(self) -> tuple[str, ...]:
        """Return the faults whose lease has run out."""
        return tuple(lease.fault for lease in self.all() if lease.until <= self._now())

    def _path(self, fault: str) -> Path:
        return self._folder / f"{fault}{_SUFFIX}"

    def _read(self, path: Path) -> Lease | None:
        try:
            said: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
            until = float(str(said["until"]))
            return Lease(fault=str(said["fault"]), until=-math.inf if math.isnan(until) else until)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return Lease(fault=path.name.removesuffix(_SUFFIX), until=-math.inf)
