"""What does a proof need of the world: eyes on the watchers, and a way to make and undo faults."""

from collections.abc import Collection, Mapping
from typing import Protocol

from opsctl.alerts.rules import AlertRule
from opsctl.clients.alert_sink import Delivery


class Watchers(Protocol):
    """Prometheus, Alertmanager and the sink, seen from outside."""

    def active(self) -> Mapping[str, str]:
        """Return the state, `pending` or `firing`, of each alert that Prometheus holds, by name."""
        ...

    def muted(self) -> Mapping[str, frozenset[str]]:
        """Return, by name, which alerts Alertmanager mutes, and the names of those by which."""
        ...

    def messages(self) -> Collection[Delivery]:
        """Return the messages that came since the last call."""
        ...

    def send_made_up(self, alerts: Collection[AlertRule], *, firing: bool) -> None:
        """Hand made-up alerts with the labels of these rules to Alertmanager, or say that they are over."""
        ...


class Faults(Protocol):
    """Makes faults on ground that is ours."""

    def apply(self, fault: str) -> None:
        """Make a fault; it is there when this returns."""
        ...

    def undo(self, fault: str) -> None:
        """Take it back, also a half-made one."""
        ...
