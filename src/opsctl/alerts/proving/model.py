"""What is a proof: which alert, by which fault, what arrived where and when, and what that means."""

from dataclasses import dataclass
from enum import StrEnum

from opsctl.alerts.rules import AlertRule
from opsctl.clients.alert_sink import Delivery
from opsctl.evidence.model import Verdict

EVIDENCE_KIND = "alerts.prove"
QUIET = "null drill"
"""Subject of the evidence that nothing fires while nothing is broken."""


class ProofLevel(StrEnum):
    """How far a proof goes: `arrived` says the most."""

    ARRIVED = "arrived"
    """The fault raised the alert, and the message arrived."""
    MUTED = "muted"
    """The fault raised it, and a better alert muted it, as the book says; its way is proven by a made-up alert."""
    SHOWN = "shown"
    """The fault raised it; nobody is to be told."""
    MADE_UP = "made up"
    """No fault: a made-up alert with its labels arrived where it belongs."""
    NONE = "none"
    """Nothing was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen of one alert; times are seconds since 1970.

    Args:
        firing_at: when Prometheus first showed it as firing.
        messages: those that tell of it, in order of their arrival.
        muted_by: names of alerts by which Alertmanager muted it.
    """

    firing_at: float | None = None
    messages: tuple[Delivery, ...] = ()
    muted_by: frozenset[str] = frozenset()

    def arrived_at(self, receiver: str) -> float | None:
        """Return when a receiver first got the alert."""
        return next(
            (each.at for each in self.messages if (each.receiver, each.status) == (receiver, "firing")), None
        )

    def over_at(self, receiver: str) -> float | None:
        """Return when a receiver that had got the alert heard that it is over, after it was last told of it.

        What comes before the alert is of an earlier drill, and one that ends and comes again is not over.
        """
        told = [each for each in self.messages if each.receiver == receiver]
        last = max((each.at for each in told if each.status == "firing"), default=None)
        over = (each.at for each in told if each.status == "resolved")
        return None if last is None else next((at for at in over if at >= last), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a drill showed of one alert.

    Args:
        measured_seconds: from the fault to the message at the last of its receivers (or to firing, where none is told).
        predicted_seconds: what the rule's arithmetic says for this drill.
        allowed_seconds: `detect_within` of the book.
        resolved_seconds: from the undo to the message that it is over.
        is_end_awaited: false where the fault stays in the alert's windows for longer than anybody waits.
        also_fired: other alerts that the same fault raised.
        problems: why it is no pass.
    """

    alert: str
    severity: str
    fault: str
    level: ProofLevel
    verdict: Verdict
    receivers: tuple[str, ...]
    allowed_seconds: float
    measured_seconds: float | None = None
    predicted_seconds: float | None = None
    resolved_seconds: float | None = None
    is_end_awaited: bool = True
    muted_by: tuple[str, ...] = ()
    also_fired: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One fault and the alerts that it is to raise."""

    fault: str
    alerts: tuple[AlertRule, ...]

    @property
    def limit_seconds(self) -> float:
        """Return how long to wait for the messages: a late one is still measured, so half as long again."""
        return max(alert.detect_within_seconds for alert in self.alerts) * 1.5 + 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPlan:
    """What `prove` will do: drills one after the other, then made-up alerts for those that no fault can raise."""

    drills: tuple[Drill, ...]
    made_up: tuple[AlertRule, ...]

    @property
    def alerts(self) -> tuple[AlertRule, ...]:
        """Return every alert of the plan."""
        return (*(alert for drill in self.drills for alert in drill.alerts), *self.made_up)
