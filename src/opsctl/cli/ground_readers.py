"""Who asks for feeds on a ground, and how often."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.ground_place import GroundPlace

if TYPE_CHECKING:
    from opsctl.chaos.traffic import Traffic
    from opsctl.core.clock import Clock

READERS = 60
"""Readers who come back; few, so that their feeds are all stored within seconds."""
RETURNING_A_SECOND, NEW_A_SECOND = 12.0, 3.0


class GroundReaders(GroundPlace):
    """A ground with readers; whoever only undoes faults, such as the watchdog, has none."""

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        super().__init__(root, clock=clock)
        self.traffic: Traffic | None = None
        self.usual_retries = 0
        self.usual: dict[str, float] = {"returning": RETURNING_A_SECOND, "new": NEW_A_SECOND}

    def send(self, *, returning: float, new: float) -> None:
        """Let so many known and so many new readers a second ask for their feeds."""
        self._change_rates(returning=returning, new=new)

    def send_as_usual(self) -> None:
        """Let readers ask as they do without a fault."""
        self._change_rates(**self.usual)

    def send_interactions(self, per_second: float) -> None:
        """Let readers tell what they did, so often."""
        self._change_rates(interactions=per_second)

    def press(self, how: str, *, per_second: float) -> None:
        """Let others press the service beside the readers."""
        self._change_rates(press=how, press_per_second=per_second)

    def relieve(self) -> None:
        """Let only readers ask again."""
        self._change_rates(press="", press_per_second=0.0)

    def let_retry(self, *, times: int) -> None:
        """Let readers ask so many times more when they get an error."""
        self._change_rates(retries=times)

    def retry_as_usual(self) -> None:
        """Let them ask again as often as they do without a fault."""
        self._change_rates(retries=self.usual_retries)

    def _change_rates(self, **changes: Any) -> None:
        # Whoever has no readers, such as the watchdog, has none to change: they end with the process that has them.
        if self.traffic is not None:
            self.traffic.change(replace(self.traffic.rates, **changes))
