"""Which faults are there now, kept by their leases; each is undone however the drill ends."""

from collections.abc import Callable

from opsctl.chaos.ports import World
from opsctl.chaos.report import FaultSpan
from opsctl.chaos.steps import FaultPart
from opsctl.core.errors import OpsError

_TRIES = 2


class MadeFaults:
    """Makes faults, keeps them, and takes them back.

    Args:
        now: the time of the drill, in seconds since 1970.
        lease_seconds: a fault that is not renewed for so long is taken back by the watchdog.
    """

    def __init__(self, world: World, *, now: Callable[[], float], lease_seconds: float) -> None:
        self._world = world
        self._now = now
        self._lease_seconds = lease_seconds
        self._on: dict[str, float] = {}
        self._renewed_at: dict[str, float] = {}
        self.spans: list[FaultSpan] = []
        self.lost: tuple[str, ...] = ()
        self.failures: dict[str, str] = {}
        self.interrupted = False

    def make(self, part: FaultPart) -> None:
        """Make a fault; it is remembered before, because half a fault has to be undone as well."""
        self._on[part.fault] = self._renewed_at[part.fault] = self._now()
        self._world.apply(part.fault, part.parameters, lease_seconds=self._lease_seconds)
        self.keep()  # making one may take its time, and the others must outlast it

    def keep_longer(self, seconds: float) -> None:
        """Renew every lease for longer, before something during which nobody can renew them."""
        for name in self._on:
            self._world.renew(name, lease_seconds=self._lease_seconds + seconds)

    def keep(self) -> None:
        """Renew the leases of which a third is over, and note those that were lost."""
        lost = self._world.lost_leases()
        self.lost = tuple(dict.fromkeys([*self.lost, *(name for name in lost if name in self._on)]))
        for name in set(self._on) - set(lost):
            if self._now() - self._renewed_at[name] >= self._lease_seconds / 3:
                self._world.renew(name, lease_seconds=self._lease_seconds)
                self._renewed_at[name] = self._now()

    def undo(self, name: str) -> None:
        """Take a fault back; what cannot be undone in two tries is noted as a failure.

        Ctrl-C does not keep it from being undone.
        """
        tries = 0
        while name in self._on and tries < _TRIES:
            tries += 1
            try:
                self._world.undo(name)
            except OpsError as error:
                self.failures[name] = f"{name}: {error.code} {error.message}"
                continue
            except KeyboardInterrupt:
                self.interrupted = True
                self.failures[name] = f"{name}: interrupted"
                continue
            self.spans.append(FaultSpan(fault=name, began_at=self._on.pop(name), ended_at=self._now()))
            self.failures.pop(name, None)

    def undo_all(self) -> None:
        """Take back every fault that is there, the last one first; none is left out because another fails."""
        defect: Exception | None = None
        for name in reversed(list(self._on)):
            try:
                self.undo(name)
            except Exception as error:  # noqa: BLE001 - raised again once every fault had its turn
                self.failures[name] = f"{name}: {error}"
                defect = error
        if defect is not None:
            raise defect
