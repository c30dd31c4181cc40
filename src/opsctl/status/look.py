"""What is seen in one look: the signals, the alerts, and why something could not be seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.status.figures import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAlert:
    """An alert that is pending or firing."""

    name: str
    state: str
    severity: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at everything.

    Args:
        service: address of the service.
        signals: None where it does not answer.
        alerts: None where nobody watches.
        note: why something is missing, with the next step.
    """

    service: str
    signals: Signals | None
    alerts: Sequence[SeenAlert] | None
    note: str | None = None

    @property
    def firing(self) -> tuple[SeenAlert, ...]:
        """Return the alerts that fire, without those that always do."""
        return tuple(each for each in self.alerts or () if each.state == "firing" and each.severity != "none")

    @property
    def is_well(self) -> bool:
        """Tell whether nothing is wrong that can be seen."""
        return self.signals is not None and not self.signals.problems and not self.firing
