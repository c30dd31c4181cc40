"""What is seen in one look: signals, alerts, parts of the stack, the newest evidence, and why something is not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from opsctl.status.figures import Signals

_LOUD = frozenset({"critical", "warning"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAlert:
    """An alert that is pending or firing; a muted one is held back by a silence or by another alert."""

    name: str
    state: str
    severity: str
    summary: str
    is_muted: bool = False

    @property
    def is_firing(self) -> bool:
        """Tell whether it fires, and is not the one that always does."""
        return self.state == "firing" and self.severity != "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPart:
    """A part of the embedded stack: `running`, `stopped`, `crashed`; a running one may not be ready."""

    name: str
    status: str
    is_ready: bool

    @property
    def problem(self) -> str | None:
        """Return what is wrong with it; a part that nobody started is no fault."""
        if self.status == "crashed":
            return f"`{self.name}` of the stack has crashed"
        if self.status == "running" and not self.is_ready:
            return f"`{self.name}` of the stack runs and is not ready"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEvidence:
    """The newest proof of the ledger."""

    kind: str
    subject: str
    verdict: str
    recorded_at: datetime
    is_stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at everything.

    Args:
        at: when.
        service: its address.
        signals: None where it does not answer, or only just has.
        alerts: None where nobody watches.
        parts: of the embedded stack, those that were ever started.
        evidence: the newest; None where there is none.
        silence: why there are no signals; None where there are.
        note: what else is not seen and why, with the next step.
    """

    at: datetime
    service: str
    signals: Signals | None
    alerts: Sequence[SeenAlert] | None
    parts: Sequence[SeenPart] = ()
    evidence: SeenEvidence | None = None
    silence: str | None = None
    note: str | None = None

    @property
    def firing(self) -> tuple[SeenAlert, ...]:
        """Return the alerts that fire, the loudest first."""
        order = {"critical": 0, "warning": 1, "info": 2}
        found = [alert for alert in self.alerts or () if alert.is_firing]
        return tuple(sorted(found, key=lambda each: (order.get(each.severity, 3), each.is_muted, each.name)))

    @property
    def pending(self) -> tuple[SeenAlert, ...]:
        """Return the alerts whose time has begun and not yet come."""
        found = [alert for alert in self.alerts or () if alert.state == "pending"]
        return tuple(sorted(found, key=lambda each: each.name))

    @property
    def problems(self) -> tuple[str, ...]:
        """Return everything that is wrong; alerts that are only shown are no trouble."""
        found = list(self.signals.problems) if self.signals is not None else []
        found += [part.problem for part in self.parts if part.problem is not None]
        found += [f"`{alert.name}` fires" for alert in self.firing if alert.severity in _LOUD]
        return tuple(found)

    @property
    def is_well(self) -> bool:
        """Tell whether the service answers and nothing is wrong that can be seen."""
        return self.signals is not None and not self.problems
