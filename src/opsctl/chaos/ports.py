"""What does a drill need of the world: faults with a lease, a load, eyes on alerts, and a look at what is left."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from opsctl.chaos.expectations import Load
from opsctl.chaos.probes import Probe, ProbeAnswer
from opsctl.chaos.sample import Sample
from opsctl.clients import exposition

Parameters = Mapping[str, object]
"""What a fault wants to know, as the book gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that a receiver got; `at` is seconds since 1970, `is_page` whether it wakes somebody."""

    at: float
    receiver: str
    status: str
    alert: str
    is_page: bool = False


class World(Protocol):
    """A stack of its own that a drill may break; every method may raise an `OpsError`.

    A fault is held by a lease that another process watches: it is undone when the lease runs out.
    """

    def apply(self, fault: str, parameters: Parameters, *, lease_seconds: float) -> None:
        """Make a fault; it is there when this returns."""
        ...

    def undo(self, fault: str) -> None:
        """Take it back, also a half-made one, or one that the lease's end has taken back; harmless without need."""
        ...

    def renew(self, fault: str, *, lease_seconds: float) -> None:
        """Keep a fault for so long from now on."""
        ...

    def lost_leases(self) -> tuple[str, ...]:
        """Return the faults that are no longer there although nobody undid them."""
        ...

    def unfelt(self) -> tuple[str, ...]:
        """Return the faults since the last change of the load that touched nothing, such as a line nobody used."""
        ...

    def change_load(self, load: Load) -> None:
        """Let readers ask like this from now on."""
        ...

    def take_samples(self) -> Sequence[Sample]:
        """Return the requests that ended since the last call."""
        ...

    def calls(self) -> Mapping[str, int]:
        """Return how often each dependency was called since the stack was started, as the lines to them counted."""
        ...

    def counters(self) -> Sequence[exposition.Sample]:
        """Return what the service counts; nothing where it cannot be asked."""
        ...

    def ask(self, probe: Probe) -> ProbeAnswer:
        """Ask a probe once; a refused connection is an answer with status 0, not an error."""
        ...

    def active_alerts(self) -> Mapping[str, str]:
        """Return the state, `pending` or `firing`, of each alert by name, without those that always fire."""
        ...

    def messages(self) -> Collection[Message]:
        """Return the messages that came since the last call, without those of alerts that always fire."""
        ...

    def mitigate(self, command: str) -> bool:
        """Run a command of a runbook and tell whether it said that all went well."""
        ...

    def restarts(self) -> int:
        """Return how many processes of the service have begun anew since the stack was started."""
        ...

    def residue(self) -> tuple[str, ...]:
        """Return what is left of faults: proxies, stopped processes, files, each in a few words."""
        ...
