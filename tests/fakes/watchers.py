"""Watchers that a test scripts: which fault raises which alert, after how long, and where its message goes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tests.fakes.clock import FakeClock

from opsctl.alerts.rules import AlertRule
from opsctl.clients.alert_sink import Delivery
from opsctl.core.errors import FailedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """How an alert answers to a fault: seconds until it fires, until its message is there, until it is over."""

    rule: AlertRule
    fires_after: float = 20.0
    sent_after: float = 5.0
    over_after: float = 60.0
    receivers: tuple[str, ...] | None = None
    severity: str | None = None
    runbook: str | None = None
    muted_by: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class ScriptedWorld:
    """Both sides of a drill (`proving.ports.Watchers` and `Faults`), on a clock of the test's own."""

    clock: FakeClock
    reactions: Mapping[str, tuple[Reaction, ...]]
    always: tuple[Reaction, ...] = ()
    refused: tuple[str, ...] = ()
    noise: dict[str, str] = field(default_factory=dict)
    lost_ways: tuple[str, ...] = ()
    made: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    _applied: dict[str, float] = field(default_factory=dict)
    _ended: dict[str, float] = field(default_factory=dict)
    _made_up: list[Delivery] = field(default_factory=list)
    _told: set[tuple[str, str, str, float]] = field(default_factory=set)
    made_up_batches: list[tuple[str, ...]] = field(default_factory=list)

    def active(self) -> Mapping[str, str]:
        """Return what fires now."""
        now = self._now()
        firing = {each.rule.name: "firing" for each in self.always}
        for fault, began in self._applied.items():
            for each in self.reactions.get(fault, ()):
                ended = self._ended.get(fault)
                if now >= began + each.fires_after and (ended is None or now < ended + each.over_after):
                    firing[each.rule.name] = "firing"
        return firing | self.noise

    def muted(self) -> Mapping[str, frozenset[str]]:
        """Return who mutes whom."""
        active = self.active()
        return {
            each.rule.name: frozenset(each.muted_by)
            for reactions in self.reactions.values()
            for each in reactions
            if each.muted_by and each.rule.name in active
        }

    def messages(self) -> Collection[Delivery]:
        """Return what is new."""
        new = [each for each in self._all() if each.at <= self._now() and _key(each) not in self._told]
        self._told |= {_key(each) for each in new}
        return new

    def send_made_up(self, alerts: Collection[AlertRule], *, firing: bool) -> None:
        """Let the message of each arrive at once, but for ways that are lost, and for what something that fires mutes."""
        if firing:
            self.made_up_batches.append(tuple(alert.name for alert in alerts))
        for alert in alerts:
            if set(alert.inhibited_by) & set(self.active()):
                continue
            self._made_up += [
                _message(
                    Reaction(rule=alert),
                    receiver,
                    at=self._now() + 1,
                    status="firing" if firing else "resolved",
                )
                for receiver in alert.receivers
                if receiver not in self.lost_ways
            ]

    def apply(self, fault: str) -> None:
        """Make a fault, or refuse it half-way."""
        self.made.append(fault)
        if fault in self.refused:
            raise FailedError("it cannot be made", code="FLT999")
        self._applied[fault] = self._now()
        self._ended.pop(fault, None)

    def undo(self, fault: str) -> None:
        """Take it back."""
        self.undone.append(fault)
        self._ended[fault] = self._now()

    def _all(self) -> list[Delivery]:
        started_at = self.clock.moment.timestamp()
        found = [
            _message(each, receiver, at=started_at, status="firing")
            for each in self.always
            for receiver in each.rule.receivers
        ]
        for fault, began in self._applied.items():
            for each in self.reactions.get(fault, ()):
                if each.muted_by:
                    continue
                ended = self._ended.get(fault)
                sent_at = began + each.fires_after + each.sent_after
                for receiver in each.rule.receivers if each.receivers is None else each.receivers:
                    if ended is None or sent_at < ended + each.over_after:
                        found.append(_message(each, receiver, at=sent_at, status="firing"))
                    if ended is not None:
                        at = ended + each.over_after + each.sent_after
                        found.append(_message(each, receiver, at=at, status="resolved"))
        return found + self._made_up

    def _now(self) -> float:
        return self.clock.now().timestamp()


def _message(reaction: Reaction, receiver: str, *, at: float, status: str) -> Delivery:
    rule = reaction.rule
    return Delivery(
        at=at,
        receiver=receiver,
        status=status,
        alertname=rule.name,
        severity=str(rule.severity) if reaction.severity is None else reaction.severity,
        runbook_url=rule.annotations["runbook_url"] if reaction.runbook is None else reaction.runbook,
    )


def _key(message: Delivery) -> tuple[str, str, str, float]:
    return message.alertname, message.receiver, message.status, message.at
